/* What regions carry: numbers of their own, and detections that survive where GStreamer drops them; and that a stream,
 * however long, leaves no names behind in the process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include "../../gst/gstcbamregionmeta.h"

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

/* The list that the metadata of @buffer has; NULL without. */
static const GValue *
list_of (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);

  return meta != NULL ? gst_structure_get_value (gst_custom_meta_get_structure (meta), "regions") : NULL;
}

static void
check_entry (const GValue *list, guint i, int id, const char *label, double score)
{
  const GstStructure *detection = gst_value_get_structure (gst_value_list_get_value (list, i));
  double confidence;
  int number;

  fail_unless (gst_structure_has_name (detection, "detection"));
  fail_unless (gst_structure_get_int (detection, "id", &number) && number == id, "%u is %d", i, number);
  fail_unless_equals_string (gst_structure_get_string (detection, "label"), label);
  fail_unless (gst_structure_get_double (detection, "confidence", &confidence) && confidence == score);
}

/* The number of the first metadata that comes after what @buffer has. */
static guint64
next_of (GstBuffer *buffer)
{
  gpointer state = NULL;
  guint64 next = 0;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta (buffer, &state)))
    next = MAX (next, gst_meta_get_seqnum (meta) + 1);
  return next;
}

/* GStreamer numbers metadata from 0 on, and a process may begin with a region. */
GST_START_TEST (the_very_first_one_is_kept)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  gst_cbam_regions_meta_register ();
  const guint64 next = next_of (buffer);
  GstVideoRegionOfInterestMeta *region = region_add (buffer, CAPS, "dog", 2, 0.75, 10, 10, 50, 50);
  fail_unless_equals_uint64 (gst_meta_get_seqnum (&region->meta), next);
  gst_cbam_regions_meta_keep (buffer, next);
  fail_unless_equals_int (gst_value_list_get_size (list_of (buffer)), 1);
}
GST_END_TEST

/* What others have added is theirs; a second detector adds to what the first one has kept. */
GST_START_TEST (regions_of_ones_own_are_kept)
{
  g_autoptr (GstBuffer) buffer = gray_new (CAPS);

  gst_cbam_regions_meta_register ();
  region_add (buffer, CAPS, "theirs", 5, 0.9, 1, 1, 9, 9)->id = 1;
  gst_cbam_regions_meta_keep (buffer, next_of (buffer));
  fail_unless (list_of (buffer) == NULL);

  const guint64 before = next_of (buffer);
  region_add (buffer, CAPS, "dog", 2, 0.75, 10, 10, 50, 50)->id = 2;
  gst_buffer_add_video_region_of_interest_meta (buffer, "bare", 1, 2, 3, 4)->id = 3;
  region_add (buffer, CAPS, "cat", 1, 0.5, 20, 10, 60, 50)->id = 7;
  gst_cbam_regions_meta_keep (buffer, before);
  fail_unless_equals_int (gst_value_list_get_size (list_of (buffer)), 2);
  check_entry (list_of (buffer), 0, 2, "dog", 0.75);
  check_entry (list_of (buffer), 1, 7, "cat", 0.5);

  const guint64 between = next_of (buffer);
  region_add (buffer, CAPS, "dog", 2, 0.25, 30, 10, 70, 50)->id = 8;
  gst_cbam_regions_meta_keep (buffer, between);
  fail_unless_equals_int (gst_value_list_get_size (list_of (buffer)), 3);
  check_entry (list_of (buffer), 1, 7, "cat", 0.5);
  check_entry (list_of (buffer), 2, 8, "dog", 0.25);
}
GST_END_TEST

/* Regions of a scaled frame have lost their parameters, and somebody else's may have the number of ours. */
GST_START_TEST (detections_are_found_by_number_and_label)
{
  g_autoptr (GstBuffer) buffer = gray_new (CAPS), scaled = gray_new (CAPS);
  static const struct
  {
    const char *label;
    int id;
    double score; /* < 0: none is ours */
  } cases[] = { { "dog", 2, 0.75 }, { "cat", 7, 0.5 }, { "cat", 2, -1 }, { "dog", 3, -1 }, { "dog", 0, -1 } };

  gst_cbam_regions_meta_register ();
  region_add (buffer, CAPS, "dog", 2, 0.75, 10, 10, 50, 50)->id = 2;
  region_add (buffer, CAPS, "cat", 1, 0.5, 20, 10, 60, 50)->id = 7;
  gst_cbam_regions_meta_keep (buffer, 0);
  GstStructure *copy = gst_custom_meta_get_structure (gst_buffer_add_custom_meta (scaled, GST_CBAM_REGIONS_META_NAME));
  gst_structure_set_value (copy, "regions", list_of (buffer));

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstVideoRegionOfInterestMeta *region =
        gst_buffer_add_video_region_of_interest_meta (scaled, cases[i].label, 1, 2, 3, 4);
    region->id = cases[i].id;
    const GstStructure *detection = gst_cbam_region_get_detection (scaled, region);
    double score = -1;
    if (detection != NULL)
      gst_structure_get_double (detection, "confidence", &score);
    fail_unless (score == cases[i].score, "%s %d: %g", cases[i].label, cases[i].id, score);
  }
}
GST_END_TEST

/* As text, which is how metadata travels between processes. */
GST_START_TEST (the_list_can_be_written_down)
{
  g_autoptr (GstBuffer) buffer = gray_new (CAPS);

  gst_cbam_regions_meta_register ();
  region_add (buffer, CAPS, "potted plant", 2, 0.75, 10, 10, 50, 50)->id = 2;
  region_add (buffer, CAPS, "a \"cat\"; or {two}", 1, 0.5, 20, 10, 60, 50)->id = 7;
  gst_cbam_regions_meta_keep (buffer, 0);
  GstStructure *structure =
      gst_custom_meta_get_structure (gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME));
  g_autofree char *text = gst_structure_to_string (structure);
  g_autoptr (GstStructure) back = gst_structure_from_string (text, NULL);
  fail_unless (back != NULL && gst_structure_is_equal (structure, back), "%s", text);
}
GST_END_TEST

/* What somebody else has written under our name is not trusted. */
GST_START_TEST (nonsense_is_left_out)
{
  g_autoptr (GstBuffer) buffer = gray_new (CAPS);
  GValue list = G_VALUE_INIT, number = G_VALUE_INIT;

  gst_cbam_regions_meta_register ();
  GstStructure *structure =
      gst_custom_meta_get_structure (gst_buffer_add_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME));
  GstVideoRegionOfInterestMeta *region = gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 1, 2, 3, 4);
  fail_unless (gst_cbam_region_get_detection (buffer, region) == NULL);
  gst_structure_set (structure, "regions", G_TYPE_INT, 3, NULL);
  fail_unless (gst_cbam_region_get_detection (buffer, region) == NULL);

  gst_value_list_init (&list, 1);
  g_value_init (&number, G_TYPE_INT);
  gst_value_list_append_and_take_value (&list, &number);
  gst_structure_take_value (structure, "regions", &list);
  fail_unless (gst_cbam_region_get_detection (buffer, region) == NULL);
}
GST_END_TEST

/* No two regions of a frame have one number, whatever numbers were there before. */
GST_START_TEST (numbers_are_the_regions_own)
{
  static const int theirs[] = { 0, 1, 3, -5, G_MAXINT };
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=0"), CAPS);
  GstBuffer *in = picture_new (CAPS, 0, 0);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  gpointer state = NULL;
  GstMeta *meta;

#ifndef HAVE_GST_ANALYTICS /* where there is an analytics library, a region has the number of its object there */
  for (guint i = 0; i < G_N_ELEMENTS (theirs); i++)
    gst_buffer_add_video_region_of_interest_meta (in, "theirs", 1, 2, 3, 4)->id = theirs[i];
#endif
  fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  while ((meta = gst_buffer_iterate_meta_filtered (out, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const int id = ((GstVideoRegionOfInterestMeta *) meta)->id;
    fail_unless (g_hash_table_add (seen, GINT_TO_POINTER (id)), "two regions are number %d", id);
  }
  fail_unless (g_hash_table_size (seen) > G_N_ELEMENTS (theirs) + 10);
  harness_free (h);
}
GST_END_TEST

/* GLib numbers names in the order in which it meets them, and forgets none. */
static GQuark
count_names (void)
{
  static guint n;
  g_autofree char *name = g_strdup_printf ("a name that nobody else has, %u", n++);

  return g_quark_from_string (name);
}

/* Frames through everything that writes and reads metadata. Pictures and the number of regions change. */
static void
push_frames (GstHarness *h, guint begin, guint n)
{
  for (guint i = begin; i < begin + n; i++) {
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, i % 9, i)), GST_FLOW_OK);
    gst_buffer_unref (gst_harness_pull (h));
  }
}

GST_START_TEST (names_do_not_pile_up)
{
  static const char *const labels[] = { "cat", "dog", "bird", "horse" };
  static const char *const ends[] = { "cbamoverlay overlay=boxes+labels+attention+grad-cam", "cbamjson" };

  for (guint e = 0; e < G_N_ELEMENTS (ends); e++) {
    g_autofree char *line =
        g_strdup_printf ("cbamdetect model=%s threshold=0 max-detections=1 interval=1 attention=true "
                         "grad-cam=true overlay=labels ! videoscale ! capsfilter caps=video/x-raw,width=200,height=100 "
                         "! %s",
                         g_getenv ("CBAM_TEST_ATTENTION_MODEL"), ends[e]);
    GstHarness *h = gst_harness_new_parse (line);
    g_autoptr (GstElement) element = gst_harness_find_element (h, "cbamdetect");
    for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
      g_quark_from_string (labels[i]);
    gst_harness_set_live (h, FALSE);
    gst_harness_set_src_caps_str (h, CAPS);
    push_frames (h, 0, 6);

    const GQuark before = count_names ();
    g_object_set (element, "max-detections", 0, NULL);
    push_frames (h, 6, 60);
    const GQuark after = count_names ();
    fail_unless_equals_int (after - before, 1);
    fail_unless (get_stat (element, "detections") > 60 * 10);
    gst_harness_teardown (h);
  }
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("regions");
  tcase_add_test (tests, the_very_first_one_is_kept);
  tcase_add_test (tests, regions_of_ones_own_are_kept);
  tcase_add_test (tests, detections_are_found_by_number_and_label);
  tcase_add_test (tests, the_list_can_be_written_down);
  tcase_add_test (tests, nonsense_is_left_out);
  tcase_add_test (tests, numbers_are_the_regions_own);
  tcase_add_test (tests, names_do_not_pile_up);
  return run_suite (tests);
}
