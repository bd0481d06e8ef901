/* What regions carry: numbers of their own, and detections that survive where GStreamer drops them; and that a stream,
 * however long, leaves no names behind in the process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include "../../gst/meta/gstcbamregionmeta.h"

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
    const GstStructure *detection = gst_cbam_region_get_detection (scaled, region, 160, 120);
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
  fail_unless (gst_cbam_region_get_detection (buffer, region, 160, 120) == NULL);
  gst_structure_set (structure, "regions", G_TYPE_INT, 3, NULL);
  fail_unless (gst_cbam_region_get_detection (buffer, region, 160, 120) == NULL);

  gst_value_list_init (&list, 1);
  g_value_init (&number, G_TYPE_INT);
  gst_value_list_append_and_take_value (&list, &number);
  gst_structure_take_value (structure, "regions", &list);
  fail_unless (gst_cbam_region_get_detection (buffer, region, 160, 120) == NULL);
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

#ifndef HAVE_GST_ANALYTICS
/* Sees the numbers of the regions on @buffer, of which none was seen before. */
static void
see_numbers (GstBuffer *buffer, GHashTable *seen)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    fail_unless (g_hash_table_add (seen, GINT_TO_POINTER (((GstVideoRegionOfInterestMeta *) meta)->id)));
}

/* Neither on the next frame nor by another detector. */
GST_START_TEST (numbers_are_given_once)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint d = 0; d < 2; d++) {
    GstHarness *h = harness_new (detect_new ("threshold=0.3"), CAPS);
    for (guint i = 0; i < 3; i++) {
      fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, i, i)), GST_FLOW_OK);
      g_autoptr (GstBuffer) out = gst_harness_pull (h);
      see_numbers (out, seen);
    }
    harness_free (h);
  }
  fail_unless (g_hash_table_size (seen) > 6);
}
GST_END_TEST
#endif

/* Those of GStreamer's analytics library begin anew on each frame, so two regions may have the same one, and the same
 * label: each has the detection that lies nearest, wherever in the list that is. */
GST_START_TEST (of_two_with_the_same_number_the_nearest)
{
  g_autoptr (GstBuffer) buffer = gray_new (CAPS);
  static const struct
  {
    guint x, y, width, height;
    double score;
  } cases[] = { { 10, 10, 40, 40, 0.75 }, { 20, 20, 60, 50, 0.5 }, { 19, 21, 60, 50, 0.5 }, { 8, 9, 44, 41, 0.75 } };

  gst_cbam_regions_meta_register ();
  region_add (buffer, CAPS, "dog", 2, 0.75, 10, 10, 50, 50)->id = 1;
  region_add (buffer, CAPS, "dog", 2, 0.5, 20, 20, 80, 70)->id = 1;
  gst_cbam_regions_meta_keep (buffer, 0);
  for (guint turn = 0; turn < 2; turn++) {
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
      g_autoptr (GstBuffer) scaled = gray_new (CAPS);
      GstStructure *copy =
          gst_custom_meta_get_structure (gst_buffer_add_custom_meta (scaled, GST_CBAM_REGIONS_META_NAME));
      GValue list = G_VALUE_INIT;
      gst_value_list_init (&list, 2);
      for (guint n = 0; n < 2; n++)
        gst_value_list_append_value (&list, gst_value_list_get_value (list_of (buffer), (n + turn) % 2));
      gst_structure_take_value (copy, "regions", &list);
      GstVideoRegionOfInterestMeta *region = gst_buffer_add_video_region_of_interest_meta (
          scaled, "dog", cases[i].x, cases[i].y, cases[i].width, cases[i].height);
      region->id = 1;
      double score = -1;
      gst_structure_get_double (gst_cbam_region_get_detection (scaled, region, 160, 120), "confidence", &score);
      fail_unless (score == cases[i].score, "%u: %g", i, score);
    }
  }
}
GST_END_TEST

/* What a buffer lists of regions that somebody has taken off goes when more are added. */
GST_START_TEST (what_was_taken_off_is_forgotten)
{
  g_autoptr (GstBuffer) buffer = gray_new (CAPS);

  gst_cbam_regions_meta_register ();
  GstVideoRegionOfInterestMeta *gone = region_add (buffer, CAPS, "dog", 2, 0.75, 10, 10, 50, 50);
  gone->id = 1;
  region_add (buffer, CAPS, "cat", 1, 0.5, 20, 10, 60, 50)->id = 2;
  gst_cbam_regions_meta_keep (buffer, 0);
  gst_buffer_remove_meta (buffer, &gone->meta);
  const guint64 next = next_of (buffer);
  region_add (buffer, CAPS, "bird", 3, 0.25, 30, 10, 70, 50)->id = 3;
  gst_cbam_regions_meta_keep (buffer, next);
  fail_unless_equals_int (gst_value_list_get_size (list_of (buffer)), 2);
  check_entry (list_of (buffer), 0, 2, "cat", 0.5);
  check_entry (list_of (buffer), 1, 3, "bird", 0.25);
}
GST_END_TEST

/* Picture 3 through @line. */
static GstBuffer *
through (const char *line)
{
  GstHarness *h = gst_harness_new_parse (line);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 3, 0)), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  gst_harness_teardown (h);
  return out;
}

#define DETECT "cbamdetect threshold=0.3 "

static guint
count_regions (GstBuffer *buffer)
{
  gpointer state = NULL;
  guint n = 0;

  while (gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
    n++;
  return n;
}

/* Whatever an element does with regions, it does with the list of their detections. */
GST_START_TEST (the_list_goes_where_regions_go)
{
  static const struct
  {
    const char *element;
    gboolean kept; /* by every GStreamer */
  } cases[] = {
    { "identity", TRUE },
    { "queue ! videoconvert ! capsfilter caps=video/x-raw,format=NV12", TRUE },
    { "videoscale ! capsfilter caps=video/x-raw,width=200,height=100", TRUE },
    { "videoscale ! capsfilter caps=video/x-raw,width=320,height=120,pixel-aspect-ratio=1/1", TRUE },
    { "videoflip video-direction=identity", FALSE },
    { "videocrop", TRUE },
    { "videoflip video-direction=horiz", FALSE },
    { "videoflip video-direction=90r", FALSE },
    { "videoflip video-direction=180", FALSE },
    { "videocrop left=20", FALSE },
    { "videocrop top=10 bottom=11", FALSE },
    { "videobox left=-20", FALSE },
    { "videobox left=20 top=-20", FALSE },
    { "aspectratiocrop aspect-ratio=1/1", FALSE },
    { "videocrop left=20 ! videoscale ! capsfilter caps=video/x-raw,width=80,height=60", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = g_strconcat (DETECT "! ", cases[i].element, NULL);
    g_autoptr (GstBuffer) out = through (line);
    const guint n = count_regions (out), listed = list_of (out) != NULL ? gst_value_list_get_size (list_of (out)) : 0;
    fail_unless (n == listed, "%s: %u regions, %u entries", cases[i].element, n, listed);
    fail_unless (n > 0 || !cases[i].kept, "%s", cases[i].element);
  }
}
GST_END_TEST

/* The scores of what is on @buffer, as our own elements read them: of its regions, in their order. */
static GArray *
scores_on (GstBuffer *buffer, int width, int height)
{
  GArray *scores = g_array_new (FALSE, FALSE, sizeof (double));
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    double score;
    const GstStructure *detection =
        gst_cbam_region_get_detection (buffer, (GstVideoRegionOfInterestMeta *) meta, width, height);
    fail_unless (detection != NULL && gst_structure_get_double (detection, "confidence", &score));
    g_array_append_val (scores, score);
  }
  return scores;
}

/* Two detectors and a scaler, with and without something between them that drops regions: every region has its own
 * score, which is the one that it had before the scaler. */
GST_START_TEST (two_detectors_and_a_scaler)
{
  static const char *const lines[] = { DETECT "! videocrop left=20 ! " DETECT,
                                       DETECT "! videoflip video-direction=horiz ! " DETECT,
                                       DETECT "! videobox left=-20 ! " DETECT,
                                       DETECT "! " DETECT,
                                       DETECT "! cbamdetect threshold=0.3 roi=8,8,100,100",
                                       DETECT
                                       "! videoscale ! capsfilter caps=video/x-raw,width=200,height=100 ! " DETECT };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree char *line =
        g_strconcat (lines[i], " ! videoscale ! capsfilter caps=video/x-raw,width=90,height=90", NULL);
    g_autoptr (GstBuffer) before = through (lines[i]);
    g_autoptr (GstBuffer) after = through (line);
    const gboolean scaled = i == G_N_ELEMENTS (lines) - 1;
    g_autoptr (GArray) right = scores_on (before, scaled ? 200 : 160, scaled ? 100 : 120);
    g_autoptr (GArray) found = scores_on (after, 90, 90);
    fail_unless (right->len > 1 && right->len == found->len, "%s", lines[i]);
    fail_unless (memcmp (right->data, found->data, right->len * sizeof (double)) == 0, "%s", lines[i]);
  }
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
  g_setenv ("CBAM_MODEL", g_getenv ("CBAM_TEST_MODEL"), TRUE);
  TCase *tests = tcase_create ("regions");
  tcase_add_test (tests, the_very_first_one_is_kept);
  tcase_add_test (tests, regions_of_ones_own_are_kept);
  tcase_add_test (tests, detections_are_found_by_number_and_label);
  tcase_add_test (tests, the_list_can_be_written_down);
  tcase_add_test (tests, nonsense_is_left_out);
  tcase_add_test (tests, numbers_are_the_regions_own);
#ifndef HAVE_GST_ANALYTICS
  tcase_add_test (tests, numbers_are_given_once);
#endif
  tcase_add_test (tests, of_two_with_the_same_number_the_nearest);
  tcase_add_test (tests, what_was_taken_off_is_forgotten);
  tcase_add_test (tests, the_list_goes_where_regions_go);
  tcase_add_test (tests, two_detectors_and_a_scaler);
  tcase_add_test (tests, names_do_not_pile_up);
  return run_suite (tests);
}
