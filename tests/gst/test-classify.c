/* cbamclassify: what it says of regions is what the library says of their pixels; which regions it looks at, when, and
 * what it counts; live it holds up nobody.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include <cbamdetect/cbamdetect.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"
#define WIDTH 160
#define HEIGHT 120

static const char *
classifier_path (void)
{
  return g_getenv ("CBAM_TEST_CLASSIFIER");
}

/* The element with @model and further `properties=values`, with a bus of its own. */
static GstElement *
classify_with (const char *model, const char *properties)
{
  GstElement *element = gst_element_factory_make ("cbamclassify", NULL);
  g_auto (GStrv) pairs = g_strsplit (properties, " ", -1);
  g_autoptr (GstBus) bus = gst_bus_new ();

  fail_unless (element != NULL, "no element cbamclassify");
  g_object_set (element, "model", model, NULL);
  for (guint i = 0; pairs[i] != NULL && *pairs[i]; i++) {
    g_auto (GStrv) pair = g_strsplit (pairs[i], "=", 2);
    gst_util_set_object_arg (G_OBJECT (element), pair[0], pair[1]);
  }
  gst_element_set_bus (element, bus);
  return element;
}

static GstHarness *
classify_new (const char *properties)
{
  return harness_new (classify_with (classifier_path (), properties), CAPS);
}

static GstVideoRegionOfInterestMeta *
add (GstBuffer *buffer, const char *label, double left, double top, double right, double bottom)
{
  return region_add (buffer, CAPS, label, 1, 0.5, left, top, right, bottom);
}

/* A frame with a dog, a cat and a car, which lie @shift pixels further right in each frame. */
static GstBuffer *
frame_new (guint index, double shift)
{
  GstBuffer *buffer = picture_new (CAPS, 0, index);
  const double by = index * shift;

  add (buffer, "dog", 10 + by, 10, 70 + by, 60);
  add (buffer, "cat", 40 + by, 50, 100 + by, 110);
  add (buffer, "car", 80 + by, 5, 140 + by, 45);
  return buffer;
}

static GstBuffer *
run (GstHarness *h, GstBuffer *buffer)
{
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  fail_unless (out != NULL);
  return out;
}

/* (transfer full): the regions of @buffer. */
static GPtrArray *
regions_of (GstBuffer *buffer)
{
  GPtrArray *regions = g_ptr_array_new ();
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    g_ptr_array_add (regions, meta);
  return regions;
}

/* The class at place @i of a region; NULL: there are fewer. */
static const GstStructure *
class_of (GstBuffer *buffer, guint region, guint i)
{
  g_autoptr (GPtrArray) regions = regions_of (buffer);

  fail_unless (region < regions->len);
  for (GList *l = ((GstVideoRegionOfInterestMeta *) g_ptr_array_index (regions, region))->params; l; l = l->next)
    if (gst_structure_has_name (l->data, "classification") && i-- == 0)
      return l->data;
  return NULL;
}

/* How many frames ago the region was classified; < 0: it was not. */
static int
frame_age (GstBuffer *buffer, guint region)
{
  const GstStructure *class = class_of (buffer, region, 0);
  guint age = 0;

  if (class == NULL)
    return -1;
  gst_structure_get_uint (class, "frame-age", &age);
  return (int) age;
}

static void
check_sum (GstElement *element)
{
  fail_unless_equals_uint64 (get_stat (element, "regions"),
                             get_stat (element, "fresh") + get_stat (element, "carried") +
                                 get_stat (element, "skipped") + get_stat (element, "left-out-class") +
                                 get_stat (element, "left-out-small") + get_stat (element, "left-out-many"));
}

static char *
text_of (GstBuffer *buffer)
{
  const gsize size = gst_buffer_get_size (buffer);
  char *text = g_malloc0 (size + 1);

  gst_buffer_extract (buffer, 0, text, size);
  return text;
}

static guint
count_text (const char *text, const char *part)
{
  guint n = 0;

  for (const char *at = text; (at = strstr (at, part)); at++)
    n++;
  return n;
}

/* ---- What it says ---- */

/* What the library says of a part of picture 0. Regions are grown to squares, as the network looks at one. */
static CbamResult *
result_of (CbamRegion region)
{
  static CbamDetector *detector;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBuffer) picture = picture_new (CAPS, 0, 0);
  GstMapInfo map;

  if (detector == NULL) {
    g_autoptr (CbamDevice) device = cbam_device_open (NULL, &error);
    g_autoptr (CbamModel) model = cbam_model_load (device, classifier_path (), NULL, &error);
    g_assert_no_error (error);
    detector = cbam_detector_new (model, NULL, &error);
  }
  gst_buffer_map (picture, &map, GST_MAP_READ);
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { map.data } };
  const CbamDetectParams params = { .region = region };
  CbamResult *result = cbam_detector_detect (detector, &image, &params, &error);
  g_assert_no_error (error);
  gst_buffer_unmap (picture, &map);
  return result;
}

static void
check_class (const GstStructure *structure, const CbamClass *class)
{
  double confidence;
  int label_id;

  fail_unless (structure != NULL);
  fail_unless (
      gst_structure_get (structure, "label_id", G_TYPE_INT, &label_id, "confidence", G_TYPE_DOUBLE, &confidence, NULL));
  fail_unless_equals_string (gst_structure_get_string (structure, "label"), class->label);
  fail_unless_equals_int (label_id, (int) class->class_id);
  fail_unless (fabs (confidence - class->score) < 1e-4, "%g %g", confidence, class->score);
  fail_unless (gst_structure_has_field_typed (structure, "model_name", G_TYPE_STRING));
  fail_unless (gst_structure_has_field_typed (structure, "layer_name", G_TYPE_STRING));
  fail_if (gst_structure_has_field (structure, "age"));
}

static void
check_region (GstBuffer *out, guint nth, CbamRegion region, guint n)
{
  g_autoptr (CbamResult) result = result_of (region);

  for (guint i = 0; i < n; i++)
    check_class (class_of (out, nth, i), cbam_result_get_class (result, i));
  fail_unless (class_of (out, nth, n) == NULL);
}

/* One by one, or together: in one submission, or in one and a further one. */
GST_START_TEST (regions_get_the_classes_of_their_pixels)
{
  static const char *const properties[] = { "top-k=3", "top-k=3 max-batch=1", "top-k=3 max-batch=2 queue-depth=1" };

  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++) {
    GstHarness *h = classify_new (properties[i]);
    g_autoptr (GstBuffer) out = run (h, frame_new (0, 0));
    check_region (out, 0, (CbamRegion){ 10, 5, 60, 60 }, 3);
    check_region (out, 1, (CbamRegion){ 40, 50, 60, 60 }, 3);
    check_region (out, 2, (CbamRegion){ 80, 0, 60, 60 }, 3);
    fail_unless_equals_uint64 (get_stat (h->element, "fresh"), 3);
    fail_unless_equals_uint64 (get_stat (h->element, "classified"), 3);
    check_sum (h->element);
    harness_free (h);
  }
}
GST_END_TEST

GST_START_TEST (whole_frame_is_a_region_of_its_own)
{
  GstHarness *h = classify_new ("on=frame");
  g_autoptr (GstBuffer) out = run (h, frame_new (0, 0));
  g_autoptr (GPtrArray) regions = regions_of (out);
  const GstVideoRegionOfInterestMeta *frame = g_ptr_array_index (regions, regions->len - 1);

  fail_unless_equals_int (regions->len, 4);
  fail_unless_equals_string (g_quark_to_string (frame->roi_type), "frame");
  fail_unless (frame->x == 0 && frame->y == 0 && frame->w == WIDTH && frame->h == HEIGHT);
  check_region (out, 3, (CbamRegion){ 0 }, 1);
  for (guint i = 0; i < 3; i++)
    fail_unless (class_of (out, i, 0) == NULL);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (padding_and_edges)
{
  GstHarness *h = classify_new ("padding=0.5");
  GstBuffer *in = picture_new (CAPS, 0, 0);
  add (in, "dog", 60, 40, 100, 60);
  add (in, "dog", 140, 100, 180, 140); /* half outside */
  GstVideoRegionOfInterestMeta *left = add (in, "dog", 0, 0, 40, 40);
  left->x = (guint) -20;
  g_autoptr (GstBuffer) out = run (h, in);

  check_region (out, 0, (CbamRegion){ 40, 10, 80, 80 }, 1);
  check_region (out, 1, (CbamRegion){ 120, 80, 40, 40 }, 1);
  check_region (out, 2, (CbamRegion){ 0, 0, 60, 60 }, 1);
  harness_free (h);
}
GST_END_TEST

/* ---- Which regions ---- */

GST_START_TEST (regions_that_are_left_out)
{
  GstHarness *h = classify_new ("classes=Dog,\xc3\x84pfel min-size=20");
  GstBuffer *in = picture_new (CAPS, 0, 0);
  add (in, "dog", 0, 0, 20, 20);
  add (in, "cat", 0, 0, 40, 40);       /* another class */
  add (in, "dog", 0, 0, 19, 40);       /* too narrow */
  add (in, "dog", 150, 0, 190, 40);    /* too little of it is on the frame */
  add (in, "dog", 500, 500, 600, 600); /* nothing is */
  add (in, "dog", 30, 30, 30, 30);
  add (in, "\xc3\xa4pfel", 0, 0, 40, 40);
  GstVideoRegionOfInterestMeta *huge = add (in, "dog", 0, 0, 40, 40);
  huge->w = huge->h = G_MAXUINT;
  g_autoptr (GstBuffer) out = run (h, in);

  static const gboolean looked_at[] = { TRUE, FALSE, FALSE, FALSE, FALSE, FALSE, TRUE, TRUE };
  for (guint i = 0; i < G_N_ELEMENTS (looked_at); i++)
    fail_unless_equals_int (class_of (out, i, 0) != NULL, looked_at[i]);
  fail_unless_equals_uint64 (get_stat (h->element, "left-out-class"), 1);
  fail_unless_equals_uint64 (get_stat (h->element, "left-out-small"), 4);
  fail_unless_equals_uint64 (get_stat (h->element, "fresh"), 3);
  check_sum (h->element);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (thousands_of_regions_are_bounded)
{
  GstHarness *h = classify_new ("");
  GstBuffer *in = picture_new (CAPS, 0, 0);
  for (guint i = 0; i < 3000; i++)
    add (in, "dog", i % 100, i % 80, i % 100 + 20, i % 80 + 20);
  g_autoptr (GstBuffer) out = run (h, in);

  fail_unless_equals_uint64 (get_stat (h->element, "classified"), 256);
  fail_unless_equals_uint64 (get_stat (h->element, "left-out-many"), 3000 - 256);
  fail_unless_equals_uint64 (get_stat (h->element, "regions"), 3000);
  check_sum (h->element);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (frames_without_regions_pass)
{
  GstHarness *h = classify_new ("");
  GstBuffer *in = picture_new (CAPS, 0, 0);
  g_autoptr (GstBuffer) out = run (h, in);

  fail_unless (out == in);
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 1);
  fail_unless_equals_uint64 (get_stat (h->element, "regions"), 0);
  harness_free (h);
}
GST_END_TEST

/* ---- From frame to frame ---- */

GST_START_TEST (classes_are_carried_by_place)
{
  GstHarness *h = classify_new ("reclassify-interval=2");
  const int ages[] = { 0, 1, 2, 0, 1, 2, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (ages); i++) {
    g_autoptr (GstBuffer) out = run (h, frame_new (i, 1));
    for (guint k = 0; k < 3; k++)
      fail_unless_equals_int (frame_age (out, k), ages[i]);
    if (ages[i] > 0) {
      guint64 age;
      fail_unless (gst_structure_get_uint64 (class_of (out, 0, 0), "age", &age));
      fail_unless_equals_uint64 (age, ages[i] * 40 * GST_MSECOND);
    }
  }
  fail_unless_equals_uint64 (get_stat (h->element, "fresh"), 9);
  fail_unless_equals_uint64 (get_stat (h->element, "carried"), 12);
  check_sum (h->element);
  harness_free (h);
}
GST_END_TEST

/* Regions that jump are others, unless a tracker says that they are not. */
GST_START_TEST (classes_are_carried_by_number)
{
  static const struct
  {
    gboolean tracked;
    int age;
  } cases[] = { { FALSE, 0 }, { TRUE, 1 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = classify_new ("reclassify-interval=100");
    for (guint n = 0; n < 2; n++) {
      GstBuffer *in = picture_new (CAPS, 0, n);
      GstVideoRegionOfInterestMeta *region = add (in, "dog", n * 80, 0, n * 80 + 40, 40);
      if (cases[i].tracked)
        gst_video_region_of_interest_meta_add_param (region,
                                                     gst_structure_new ("object_id", "id", G_TYPE_INT, 7, NULL));
      g_autoptr (GstBuffer) out = run (h, in);
      fail_unless_equals_int (frame_age (out, 0), n == 0 ? 0 : cases[i].age);
    }
    harness_free (h);
  }
}
GST_END_TEST

/* Nor are those of another type the same. */
GST_START_TEST (another_type_is_another_region)
{
  GstHarness *h = classify_new ("reclassify-interval=100");
  static const char *const labels[] = { "dog", "cat" };

  for (guint n = 0; n < 2; n++) {
    GstBuffer *in = picture_new (CAPS, 0, n);
    add (in, labels[n], 0, 0, 40, 40);
    g_autoptr (GstBuffer) out = run (h, in);
    fail_unless_equals_int (frame_age (out, 0), 0);
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (after_two_seconds_a_region_is_classified_anew)
{
  GstHarness *h = classify_new ("reclassify-interval=100000");

  for (guint i = 0; i <= 102; i++) {
    g_autoptr (GstBuffer) out = run (h, frame_new (i, 0));
    fail_unless_equals_int (frame_age (out, 0), i % 50);
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (interval_passes_over_frames)
{
  GstHarness *h = classify_new ("interval=2");

  for (guint i = 0; i < 7; i++) {
    g_autoptr (GstBuffer) out = run (h, frame_new (i, 0));
    fail_unless_equals_int (frame_age (out, 0), i % 3);
  }
  harness_free (h);
}
GST_END_TEST

/* Frames without regions count, too: what comes after many of them need not wait. */
GST_START_TEST (interval_counts_all_frames)
{
  GstHarness *h = classify_new ("interval=5");

  gst_buffer_unref (run (h, frame_new (0, 0)));
  for (guint i = 1; i < 6; i++)
    gst_buffer_unref (run (h, picture_new (CAPS, 0, i)));
  GstBuffer *in = picture_new (CAPS, 0, 6);
  add (in, "horse", 0, 60, 40, 100);
  g_autoptr (GstBuffer) out = run (h, in);
  fail_unless_equals_int (frame_age (out, 0), 0);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (two_seconds_are_more_than_any_interval)
{
  GstHarness *h = classify_new ("interval=1000");

  for (guint i = 0; i <= 51; i++) {
    g_autoptr (GstBuffer) out = run (h, frame_new (i, 0));
    fail_unless_equals_int (frame_age (out, 0), i % 50);
  }
  harness_free (h);
}
GST_END_TEST

/* Two trackers may give the same number: where one of the objects is gone, the other one is not taken for it. */
GST_START_TEST (numbers_of_two_trackers)
{
  GstHarness *h = classify_new ("reclassify-interval=100");
  static const char *const labels[] = { "person", "car" };
  static const struct
  {
    gboolean there[2];
    int age[2];
  } frames[] = { { { TRUE, TRUE }, { 0, 0 } },
                 { { FALSE, TRUE }, { 0, 1 } },
                 { { TRUE, FALSE }, { 2, 0 } },
                 { { TRUE, TRUE }, { 3, 3 } } };

  for (guint n = 0; n < G_N_ELEMENTS (frames); n++) {
    GstBuffer *in = picture_new (CAPS, 0, n);
    guint nth = 0;
    for (guint k = 0; k < 2; k++)
      if (frames[n].there[k])
        gst_video_region_of_interest_meta_add_param (add (in, labels[k], 80 * k, 0, 80 * k + 40, 40),
                                                     gst_structure_new ("object_id", "id", G_TYPE_INT, 1, NULL));
    g_autoptr (GstBuffer) out = run (h, in);
    for (guint k = 0; k < 2; k++)
      if (frames[n].there[k])
        fail_unless_equals_int (frame_age (out, nth++), frames[n].age[k]);
  }
  harness_free (h);
}
GST_END_TEST

typedef enum
{
  NOTHING,
  FLUSH,
  STREAM,
  SIZE,
  STATE,
} Beginning;

static void
begin_anew (GstHarness *h, Beginning what)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  if (what == FLUSH) {
    gst_harness_push_event (h, gst_event_new_flush_start ());
    gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  if (what == STREAM)
    gst_harness_push_event (h, gst_event_new_stream_start ("another"));
  if (what == SIZE) {
    gst_harness_set_src_caps_str (h, "video/x-raw,format=RGB,width=160,height=100,framerate=25/1");
    gst_harness_set_src_caps_str (h, CAPS);
  }
  if (what == STATE) {
    gst_element_set_state (h->element, GST_STATE_READY);
    gst_element_set_state (h->element, GST_STATE_PLAYING);
    gst_harness_push_event (h, gst_event_new_stream_start ("another"));
    gst_harness_set_src_caps_str (h, CAPS);
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
}

/* What was seen before a seek, in another stream, or in frames of another size, says nothing. */
GST_START_TEST (a_new_beginning_forgets)
{
  for (Beginning what = NOTHING; what <= STATE; what++) {
    GstHarness *h = classify_new ("reclassify-interval=100");
    gst_buffer_unref (run (h, frame_new (0, 0)));
    begin_anew (h, what);
    g_autoptr (GstBuffer) out = run (h, frame_new (1, 0));
    fail_unless_equals_int (frame_age (out, 0), what == NOTHING ? 1 : 0);
    fail_unless_equals_uint64 (get_stat (h->element, "frames"), what == STATE ? 1 : 2);
    harness_free (h);
  }
}
GST_END_TEST

/* Labels of others may be any bytes. */
GST_START_TEST (labels_that_are_no_text)
{
  static const char *const properties[] = { "post-messages=true", "classes=caf\xc3", "classes=dog" };

  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++) {
    GstHarness *h = classify_new (properties[i]);
    GstBuffer *in = picture_new (CAPS, 0, 0);
    add (in, "caf\xc3", 0, 0, 40, 40);
    g_autoptr (GstBuffer) out = run (h, in);
    fail_unless_equals_int (class_of (out, 0, 0) != NULL, i < 2);
    harness_free (h);
  }
}
GST_END_TEST

/* No class is above the threshold: nothing is said. */
GST_START_TEST (no_class_no_region)
{
  GstHarness *h = classify_new ("on=frame threshold=1 post-messages=true grad-cam=true");
  GstBuffer *in = picture_new (CAPS, 0, 0);
  g_autoptr (GstBuffer) out = run (h, in);
  g_autoptr (GPtrArray) regions = regions_of (out);

  fail_unless_equals_int (regions->len, 0);
  fail_unless (pop_message (h->element, GST_MESSAGE_ELEMENT) == NULL);
  fail_unless_equals_uint64 (get_stat (h->element, "skipped"), 1);
  fail_unless_equals_uint64 (get_stat (h->element, "classified"), 1);
  harness_free (h);
}
GST_END_TEST

/* Each says what it sees, and says so in its own name. */
GST_START_TEST (two_classifiers_in_a_row)
{
  g_autofree char *launch =
      g_strdup_printf ("cbamclassify model=%s top-k=2 ! videoscale ! video/x-raw,width=80,height=60 ! cbamclassify "
                       "model=%s on=frame ! cbamjson",
                       classifier_path (), classifier_path ());
  GstHarness *h = gst_harness_new_parse (launch);
  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  g_autoptr (GstBuffer) out = run (h, frame_new (0, 0));
  g_autofree char *line = text_of (out);

  fail_unless_equals_int (count_text (line, "\"layer_name\":\"classifier\""), 7);
  fail_unless_equals_int (count_text (line, "\"roi_type\":\"frame\""), 1);
  gst_harness_teardown (h);
}
GST_END_TEST

/* ---- Live ---- */

GST_START_TEST (live_frames_wait_for_nothing)
{
  GstHarness *h = harness_new (classify_with (classifier_path (), "queue-depth=2 max-batch=1"), NULL);
  guint seen = 0;

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 60; i++) {
    fail_unless_equals_int (gst_harness_push (h, frame_new (i, 0.2)), GST_FLOW_OK);
    g_autoptr (GstBuffer) out = gst_harness_try_pull (h);
    fail_unless (out != NULL, "frame %u waits", i);
    for (guint k = 0; k < 3; k++)
      seen += frame_age (out, k) > 0; /* never of the frame itself */
    g_usleep (5000);
  }
  fail_unless (seen > 60, "%u", seen);
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 60);
  fail_unless_equals_uint64 (get_stat (h->element, "regions"), 180);
  fail_unless_equals_uint64 (get_stat (h->element, "fresh") + get_stat (h->element, "carried"), seen);
  check_sum (h->element);
  harness_free (h);
}
GST_END_TEST

/* Regions that are new in every frame do not come before those that have waited. */
GST_START_TEST (live_newcomers_wait)
{
  GstHarness *h = harness_new (classify_with (classifier_path (), "queue-depth=1 max-batch=1"), NULL);
  gboolean seen = FALSE;

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 500 && !seen; i++) {
    GstBuffer *in = picture_new (CAPS, 0, i);
    add (in, "dog", i % 4 * 40, 0, i % 4 * 40 + 38, 38);
    add (in, "cat", 0, 60, 40, 100);
    g_autoptr (GstBuffer) out = run (h, in);
    seen = frame_age (out, 1) >= 0;
    g_usleep (10000);
  }
  fail_unless (seen);
  harness_free (h);
}
GST_END_TEST

/* More regions than it can look at in a frame have their turns. */
GST_START_TEST (live_regions_take_turns)
{
  GstHarness *h = harness_new (classify_with (classifier_path (), "queue-depth=1 max-batch=1"), NULL);
  gboolean seen[20] = { FALSE };
  guint left = G_N_ELEMENTS (seen);

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 2000 && left > 0; i++) {
    GstBuffer *in = picture_new (CAPS, 0, i);
    for (guint k = 0; k < G_N_ELEMENTS (seen); k++)
      add (in, "dog", k % 5 * 30, k / 5 * 30, k % 5 * 30 + 28, k / 5 * 30 + 28);
    g_autoptr (GstBuffer) out = run (h, in);
    for (guint k = 0; k < G_N_ELEMENTS (seen); k++) {
      left -= !seen[k] && frame_age (out, k) >= 0;
      seen[k] |= frame_age (out, k) >= 0;
    }
    g_usleep (2000);
  }
  fail_unless_equals_int (left, 0);
  harness_free (h);
}
GST_END_TEST

/* ---- What it tells otherwise ---- */

GST_START_TEST (messages_tell_what_is_new)
{
  GstHarness *h = classify_new ("post-messages=true reclassify-interval=1 top-k=2");
  const int regions[] = { 3, 0, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (regions); i++) {
    g_autoptr (GstBuffer) out = run (h, frame_new (i, 0));
    g_autoptr (GstMessage) message = pop_message (h->element, GST_MESSAGE_ELEMENT);
    fail_unless_equals_int (message != NULL, regions[i] > 0);
    if (message == NULL)
      continue;
    const GstStructure *structure = gst_message_get_structure (message);
    fail_unless (gst_structure_has_name (structure, "cbam-classifications"));
    const GValue *list = gst_structure_get_value (structure, "regions");
    fail_unless_equals_int (gst_value_list_get_size (list), regions[i]);
    const GstStructure *region = gst_value_get_structure (gst_value_list_get_value (list, 0));
    fail_unless_equals_string (gst_structure_get_string (region, "label"), "dog");
    const GValue *classes = gst_structure_get_value (region, "classes");
    fail_unless_equals_int (gst_value_list_get_size (classes), 2);
    const GstStructure *class = gst_value_get_structure (gst_value_list_get_value (classes, 0));
    fail_unless_equals_string (gst_structure_get_string (class, "label"),
                               gst_structure_get_string (class_of (out, 0, 0), "label"));
  }
  harness_free (h);
}
GST_END_TEST

/* Attention and Grad-CAM of every region lie over what was looked at. */
GST_START_TEST (maps_of_every_region)
{
  GstHarness *h = classify_new ("attention=true grad-cam=true");
  GstBuffer *in = frame_new (0, 0);
  g_autoptr (GPtrArray) regions = regions_of (in);
  const double left[] = { 10, 40, 80 };
  gpointer state = NULL;
  GstMeta *meta;
  guint n = 0;

  for (guint i = 0; i < regions->len; i++)
    ((GstVideoRegionOfInterestMeta *) g_ptr_array_index (regions, i))->id = (int) (7 + i);
  g_autoptr (GstBuffer) out = run (h, in);
  while ((meta = gst_buffer_iterate_meta (out, &state))) {
    if (!gst_meta_info_is_custom (meta->info) ||
        !gst_custom_meta_has_name ((GstCustomMeta *) meta, "CbamAttentionMeta"))
      continue;
    const GstStructure *maps = gst_custom_meta_get_structure ((GstCustomMeta *) meta);
    const GValue *grad_cam = gst_structure_get_value (maps, "grad-cam");
    double x, width;
    int region;
    fail_unless (gst_structure_get_int (maps, "region", &region) && n < regions->len && grad_cam != NULL);
    fail_unless_equals_int (region, (int) (7 + n));
    fail_unless (gst_structure_get (gst_value_get_structure (grad_cam), "over-x", G_TYPE_DOUBLE, &x, "over-width",
                                    G_TYPE_DOUBLE, &width, NULL));
    fail_unless (fabs (x + width / 2 - (left[n] + 30)) < 1, "%g %g", x, width);
    n++;
  }
  fail_unless_equals_int (n, 3);
  harness_free (h);
}
GST_END_TEST

/* The maps of attention are where there is attention, and only if they are asked for. */
GST_START_TEST (attention_of_every_region)
{
  static const char *const properties[] = { "attention=true", "" };
  const char *path = g_getenv ("CBAM_TEST_ATTENTION_CLASSIFIER");

  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++) {
    GstHarness *h = harness_new (classify_with (path, properties[i]), CAPS);
    g_autoptr (GstBuffer) out = run (h, frame_new (0, 0));
    gpointer state = NULL;
    guint n = 0;
    GstMeta *meta;
    while ((meta = gst_buffer_iterate_meta (out, &state))) {
      if (!gst_meta_info_is_custom (meta->info) ||
          !gst_custom_meta_has_name ((GstCustomMeta *) meta, "CbamAttentionMeta"))
        continue;
      const GstStructure *maps = gst_custom_meta_get_structure ((GstCustomMeta *) meta);
      fail_unless (gst_structure_has_field (maps, "level-0") && !gst_structure_has_field (maps, "grad-cam"));
      n++;
    }
    fail_unless_equals_int (n, i == 0 ? 3 : 0);
    harness_free (h);
  }
}
GST_END_TEST

/* GStreamer 1.22 drops the parameters of regions that are scaled; what is kept of them does as well. */
GST_START_TEST (classes_survive_scaling)
{
  g_autofree char *launch =
      g_strdup_printf ("cbamclassify name=c top-k=2 model=%s ! videoscale ! video/x-raw,width=80,height=60 ! cbamjson",
                       classifier_path ());
  GstHarness *h = gst_harness_new_parse (launch);
  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  g_autoptr (GstBuffer) out = run (h, frame_new (0, 0));
  g_autofree char *line = text_of (out);

  fail_unless_equals_int (count_text (line, "\"layer_name\":\"classifier\""), 6);
  gst_harness_teardown (h);
}
GST_END_TEST

/* ---- Properties ---- */

static char *
write_names (guint n)
{
  char *path = NULL;
  g_autoptr (GString) text = g_string_new ("\xef\xbb\xbf"); /* as Windows writes it */
  const int file = g_file_open_tmp ("names-XXXXXX", &path, NULL);

  fail_unless (file >= 0);
  g_close (file, NULL);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "name %u\r\n", i);
  fail_unless (g_file_set_contents (path, text->str, -1, NULL));
  return path;
}

static guint
count_classes (void)
{
  g_autoptr (CbamDevice) device = cbam_device_open (NULL, NULL);
  g_autoptr (CbamModel) model = cbam_model_load (device, classifier_path (), NULL, NULL);

  return cbam_model_get_info (model)->n_classes;
}

GST_START_TEST (labels_come_from_a_file)
{
  g_autofree char *path = write_names (count_classes ());
  g_autofree char *properties = g_strdup_printf ("labels=%s", path);
  GstHarness *h = classify_new (properties);
  g_autoptr (GstBuffer) out = run (h, frame_new (0, 0));
  int label_id;

  fail_unless (gst_structure_get_int (class_of (out, 0, 0), "label_id", &label_id));
  g_autofree char *label = g_strdup_printf ("name %d", label_id);
  fail_unless_equals_string (gst_structure_get_string (class_of (out, 0, 0), "label"), label);
  harness_free (h);
  g_unlink (path);
}
GST_END_TEST

static void
check_start_error (const char *model, const char *properties, const char *text)
{
  GstElement *element = classify_with (model, properties);
  g_autoptr (GError) error = NULL;

  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message = pop_message (element, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
  fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);
  gst_element_set_state (element, GST_STATE_NULL);
  bus_clear (element);
  gst_object_unref (element);
}

GST_START_TEST (what_cannot_be_used_is_one_error)
{
  g_autofree char *few = write_names (2);
  g_autofree char *properties = g_strdup_printf ("labels=%s", few);

  g_unsetenv ("CBAM_MODEL");
  check_start_error (NULL, "", "expected the path of a model file that can classify, found none");
  check_start_error (model_path (), "", "expected a model that can classify, found one that can detect");
  check_start_error ("/nonexistent", "", "/nonexistent");
  check_start_error (classifier_path (), "labels=/nonexistent", "labels: expected a file");
  check_start_error (classifier_path (), properties, "found 2");
  g_unlink (few);
}
GST_END_TEST

/* A model that cannot be used leaves the old one; the next one takes over. */
GST_START_TEST (models_change_while_frames_flow)
{
  GstHarness *h = classify_new ("reclassify-interval=100");
  g_autoptr (GstMessage) message = NULL;
  gboolean anew = FALSE;

  gst_buffer_unref (run (h, frame_new (0, 0)));
  g_object_set (h->element, "model", "/nonexistent", NULL);
  for (guint i = 0; i < 200 && message == NULL; i++) {
    g_usleep (10000);
    message = pop_message (h->element, GST_MESSAGE_WARNING);
  }
  fail_unless (message != NULL);
  g_autoptr (GstBuffer) carried = run (h, frame_new (1, 0));
  fail_unless_equals_int (frame_age (carried, 0), 1);

  g_object_set (h->element, "precision", 1, NULL); /* the same model, loaded anew */
  for (guint i = 0; i < 400 && !anew; i++) {
    g_autoptr (GstBuffer) out = run (h, frame_new (1, 0)); /* time stands still, so that nothing becomes stale */
    anew = frame_age (out, 0) == 0;
    g_usleep (5000);
  }
  fail_unless (anew);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  TCase *tests = tcase_create ("classify");

  gst_check_init (&argc, &argv);
  tcase_add_test (tests, regions_get_the_classes_of_their_pixels);
  tcase_add_test (tests, whole_frame_is_a_region_of_its_own);
  tcase_add_test (tests, padding_and_edges);
  tcase_add_test (tests, regions_that_are_left_out);
  tcase_add_test (tests, thousands_of_regions_are_bounded);
  tcase_add_test (tests, frames_without_regions_pass);
  tcase_add_test (tests, classes_are_carried_by_place);
  tcase_add_test (tests, classes_are_carried_by_number);
  tcase_add_test (tests, another_type_is_another_region);
  tcase_add_test (tests, after_two_seconds_a_region_is_classified_anew);
  tcase_add_test (tests, interval_passes_over_frames);
  tcase_add_test (tests, interval_counts_all_frames);
  tcase_add_test (tests, two_seconds_are_more_than_any_interval);
  tcase_add_test (tests, numbers_of_two_trackers);
  tcase_add_test (tests, a_new_beginning_forgets);
  tcase_add_test (tests, labels_that_are_no_text);
  tcase_add_test (tests, no_class_no_region);
  tcase_add_test (tests, two_classifiers_in_a_row);
  tcase_add_test (tests, live_frames_wait_for_nothing);
  tcase_add_test (tests, live_newcomers_wait);
  tcase_add_test (tests, live_regions_take_turns);
  tcase_add_test (tests, messages_tell_what_is_new);
  tcase_add_test (tests, maps_of_every_region);
  tcase_add_test (tests, attention_of_every_region);
  tcase_add_test (tests, classes_survive_scaling);
  tcase_add_test (tests, labels_come_from_a_file);
  tcase_add_test (tests, what_cannot_be_used_is_one_error);
  tcase_add_test (tests, models_change_while_frames_flow);
  return run_suite (tests);
}
