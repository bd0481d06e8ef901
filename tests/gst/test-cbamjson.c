/* The element `cbamjson`: its lines parse, have the right numbers, and come one for each frame at its time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include <float.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <math.h>

#define CAPS "video/x-raw,format=NV12,width=320,height=240,framerate=25/1"

static JsonNode *
parse_line (const char *line)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (line, &error);

  fail_unless (node != NULL && JSON_NODE_HOLDS_OBJECT (node), "%s: %s", line, error ? error->message : "no object");
  return node;
}

/* The line that comes of @buffer; takes it. */
static JsonNode *
line_of (GstHarness *h, GstBuffer *buffer)
{
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  const gsize size = gst_buffer_get_size (out);
  g_autofree char *text = g_malloc0 (size + 1);

  gst_buffer_extract (out, 0, text, size);
  fail_unless (size > 2 && strlen (text) == size && strchr (text, '\n') == text + size - 1, "%s", text);
  return parse_line (text);
}

static JsonObject *
nth_object (JsonNode *line, guint n)
{
  return json_array_get_object_element (json_object_get_array_member (json_node_get_object (line), "objects"), n);
}

GST_START_TEST (lines_say_what_metadata_says)
{
  GstHarness *h = gst_harness_new ("cbamjson");
  g_object_set (h->element, "source", "front \"door\"", NULL);
  gst_harness_set_src_caps_str (h, CAPS);
  GstBuffer *buffer = picture_new (CAPS, 0, 3);
  region_add (buffer, CAPS, "dog \"Rex\"\n\xc3\xa4", 12, 0.875, 80, 60, 160, 180);
  GstVideoRegionOfInterestMeta *tracked = region_add (buffer, CAPS, "cat", 1, 0.5, 0, 0, 320, 240);
  gst_video_region_of_interest_meta_add_param (tracked, gst_structure_new ("object_id", "id", G_TYPE_INT, 7, NULL));
  gst_buffer_add_video_region_of_interest_meta (buffer, "theirs", 1, 2, 3, 4);

  g_autoptr (JsonNode) line = line_of (h, buffer);
  JsonObject *frame = json_node_get_object (line), *resolution = json_object_get_object_member (frame, "resolution");
  fail_unless_equals_int (json_object_get_int_member (resolution, "width"), 320);
  fail_unless_equals_int (json_object_get_int_member (resolution, "height"), 240);
  fail_unless_equals_int (json_object_get_int_member (frame, "timestamp"), 120 * GST_MSECOND);
  fail_unless_equals_string (json_object_get_string_member (frame, "source"), "front \"door\"");
  fail_unless_equals_int (json_array_get_length (json_object_get_array_member (frame, "objects")), 3);

  JsonObject *dog = nth_object (line, 0), *detection = json_object_get_object_member (dog, "detection");
  JsonObject *edges = json_object_get_object_member (detection, "bounding_box");
  fail_unless_equals_string (json_object_get_string_member (dog, "roi_type"), "dog \"Rex\"\n\xc3\xa4");
  fail_unless_equals_string (json_object_get_string_member (detection, "label"), "dog \"Rex\"\n\xc3\xa4");
  fail_unless_equals_int (json_object_get_int_member (detection, "label_id"), 12);
  fail_unless (json_object_get_double_member (detection, "confidence") == 0.875);
  fail_unless (json_object_get_double_member (edges, "x_min") == 0.25);
  fail_unless (json_object_get_double_member (edges, "y_min") == 0.25);
  fail_unless (json_object_get_double_member (edges, "x_max") == 0.5);
  fail_unless (json_object_get_double_member (edges, "y_max") == 0.75);
  fail_unless_equals_int (json_object_get_int_member (dog, "x"), 80);
  fail_unless_equals_int (json_object_get_int_member (dog, "y"), 60);
  fail_unless_equals_int (json_object_get_int_member (dog, "w"), 80);
  fail_unless_equals_int (json_object_get_int_member (dog, "h"), 120);
  fail_if (json_object_has_member (dog, "id"));
  fail_unless_equals_int (json_object_get_int_member (nth_object (line, 1), "id"), 7);
  fail_if (json_object_has_member (nth_object (line, 2), "detection"));
  gst_harness_teardown (h);
}
GST_END_TEST

/* What classifiers saw is a list, in their order; of what others write, that which can be understood. */
GST_START_TEST (classes_of_regions)
{
  static const char *const classes[] = {
    "classification, label=(string)Manx, label_id=(int)7, confidence=(double)0.5, model_name=(string)m, "
    "layer_name=(string)l, age=(guint64)40",
    "classification_layer_name:prob, label=(string)tabby, confidence=(double)nan",
    "other, label=(string)nothing",
  };
  GstHarness *h = gst_harness_new ("cbamjson");
  GstBuffer *buffer = picture_new (CAPS, 0, 0);
  GstVideoRegionOfInterestMeta *region = gst_buffer_add_video_region_of_interest_meta (buffer, "cat", 80, 60, 80, 120);

  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    gst_video_region_of_interest_meta_add_param (region, gst_structure_from_string (classes[i], NULL));
  g_autoptr (JsonNode) line = line_of (h, buffer);
  JsonArray *seen = json_object_get_array_member (nth_object (line, 0), "classifications");
  fail_unless_equals_int (json_array_get_length (seen), 2);
  JsonObject *manx = json_array_get_object_element (seen, 0), *tabby = json_array_get_object_element (seen, 1);
  fail_unless_equals_string (json_object_get_string_member (manx, "label"), "Manx");
  fail_unless_equals_string (json_object_get_string_member (manx, "model_name"), "m");
  fail_unless_equals_string (json_object_get_string_member (manx, "layer_name"), "l");
  fail_unless_equals_int (json_object_get_int_member (manx, "label_id"), 7);
  fail_unless_equals_int (json_object_get_int_member (manx, "age"), 40);
  fail_unless (json_object_get_double_member (manx, "confidence") == 0.5);
  fail_unless_equals_string (json_object_get_string_member (tabby, "label"), "tabby");
  fail_unless_equals_int (json_object_get_size (tabby), 1);
  gst_harness_teardown (h);
}
GST_END_TEST

/* What others write into `detection` may be of any type, and no number at all. A line has what can be understood of it;
 * the rest is as if it were not there. */
GST_START_TEST (numbers_of_others)
{
  static const struct
  {
    const char *detection;
    double confidence; /* < 0: none */
    int label_id;      /* as well */
  } cases[] = {
    { "detection, confidence=(double)0.875, label_id=(int)3", 0.875, 3 },
    { "detection, confidence=(float)0.875, label_id=(uint)3", 0.875, 3 },
    { "detection, confidence=(int)1, label_id=(gint64)3", 1, 3 },
    { "detection, confidence=(guint64)0, label_id=(double)3", 0, 3 },
    { "detection, confidence=(double)1e-300, label_id=(int)0", 0x1.56e1fc2f8f358p-997, 0 }, /* the next smaller one */
    { "detection, confidence=(double)1e+22, label_id=(int)0", 0x1.0f0cf064dd591p+73, 0 },
    { "detection, confidence=(double)5e-324, label_id=(int)0", 0, 0 },
    { "detection, confidence=(double)inf, label_id=(double)inf", -1, -1 },
    { "detection, confidence=(double)-inf, label_id=(double)nan", -1, -1 },
    { "detection, confidence=(double)nan, label_id=(double)2.5", -1, -1 },
    { "detection, confidence=(double)nan, label_id=(gint64)99999999999", -1, -1 },
    { "detection, confidence=(string)0.5, label_id=(string)3", -1, -1 },
    { "detection, confidence=(boolean)true, label_id=(int)-1", -1, -1 },
    { "detection, confidence=(fraction)1/2, label_id=(fraction)3/1", -1, -1 },
    { "detection, confidence=(double)-1", -1, -1 },
    { "detection", -1, -1 },
  };
  GstHarness *h = gst_harness_new ("cbamjson");

  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = picture_new (CAPS, 0, i);
    GstVideoRegionOfInterestMeta *region =
        gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 80, 60, 80, 120);
    GstStructure *structure = gst_structure_from_string (cases[i].detection, NULL);
    fail_unless (structure != NULL, "%s", cases[i].detection);
    gst_video_region_of_interest_meta_add_param (region, structure);
    g_autoptr (JsonNode) line = line_of (h, buffer);
    JsonObject *detection = json_object_get_object_member (nth_object (line, 0), "detection");
    /* Readers may take the least of all numbers for 0, as JSON-GLib 1.6 does and 1.10 does not. */
    const double confidence = json_object_get_double_member_with_default (detection, "confidence", -1);
    fail_unless (fabs (confidence - cases[i].confidence) < DBL_MIN, "%s", cases[i].detection);
    fail_unless_equals_int (json_object_get_int_member_with_default (detection, "label_id", -1), cases[i].label_id);
    fail_unless_equals_int (json_object_has_member (detection, "label_id"), cases[i].label_id >= 0);
  }
  gst_harness_teardown (h);
}
GST_END_TEST

/* Edges that are no numbers, or of another type, beside whole pixels that are good. */
GST_START_TEST (edges_of_others)
{
  static const struct
  {
    const char *edges;
    double x_min;
  } cases[] = {
    { "x_min=(double)0.251, y_min=(double)0.25, x_max=(double)0.5, y_max=(double)0.75", 0.251 },
    { "x_min=(float)0.2513, y_min=(float)0.25, x_max=(float)0.5, y_max=(float)0.75", 0.2513 },
    { "x_min=(double)nan, y_min=(double)0.25, x_max=(double)0.5, y_max=(double)0.75", 0.25 },
    { "x_min=(double)0.251, y_min=(double)-inf, x_max=(double)0.5, y_max=(double)inf", 0.25 },
    { "x_min=(double)0.251, y_min=(double)0.25, x_max=(double)0.5", 0.25 },
    { "x_min=(double)1e300, y_min=(double)0.25, x_max=(double)0.5, y_max=(double)0.75", 0.25 },
  };
  GstHarness *h = gst_harness_new ("cbamjson");

  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strconcat ("detection, confidence=(double)0.5, ", cases[i].edges, NULL);
    GstBuffer *buffer = picture_new (CAPS, 0, i);
    GstVideoRegionOfInterestMeta *region =
        gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 80, 60, 80, 120);
    gst_video_region_of_interest_meta_add_param (region, gst_structure_from_string (text, NULL));
    g_autoptr (JsonNode) line = line_of (h, buffer);
    JsonObject *detection = json_object_get_object_member (nth_object (line, 0), "detection");
    JsonObject *edges = json_object_get_object_member (detection, "bounding_box");
    fail_unless (fabs (json_object_get_double_member (edges, "x_min") - cases[i].x_min) < 1e-6, "%s", text);
    fail_unless (json_object_get_double_member (edges, "y_max") == 0.75);
  }
  gst_harness_teardown (h);
}
GST_END_TEST

/* Regions have no negative places, and are put outside of frames all the same. */
GST_START_TEST (places_of_others)
{
  static const struct
  {
    guint x, y, width, height; /* in a frame of 320x240 */
    gint64 expected_x, expected_y;
    double x_min, y_min, x_max, y_max;
  } cases[] = {
    { 80, 60, 80, 120, 80, 60, 0.25, 0.25, 0.5, 0.75 },
    { (guint) -16, (guint) -24, 96, 144, -16, -24, 0, 0, 0.25, 0.5 },
    { 300, 200, 100, 100, 300, 200, 0.9375, 200 / 240.0, 1, 1 },
    { 5000, 60, 80, 120, 5000, 60, 1, 0.25, 1, 0.75 },
    { (guint) -500, 60, 80, 120, -500, 60, 0, 0.25, 0, 0.75 },
    { G_MAXINT, 0, G_MAXUINT, G_MAXUINT, G_MAXINT, 0, 1, 0, 1, 1 },
    { (guint) G_MAXINT + 1, 0, 1, 1, G_MININT, 0, 0, 0, 0, 1 / 240.0 },
    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
  };
  GstHarness *h = gst_harness_new ("cbamjson");

  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = picture_new (CAPS, 0, i);
    GstVideoRegionOfInterestMeta *region = gst_buffer_add_video_region_of_interest_meta (
        buffer, "dog", cases[i].x, cases[i].y, cases[i].width, cases[i].height);
    gst_video_region_of_interest_meta_add_param (region, gst_structure_new_empty ("detection"));
    g_autoptr (JsonNode) line = line_of (h, buffer);
    JsonObject *object = nth_object (line, 0), *detection = json_object_get_object_member (object, "detection");
    JsonObject *edges = json_object_get_object_member (detection, "bounding_box");
    const double found[] = { json_object_get_double_member (edges, "x_min"),
                             json_object_get_double_member (edges, "y_min"),
                             json_object_get_double_member (edges, "x_max"),
                             json_object_get_double_member (edges, "y_max") };
    const double expected[] = { cases[i].x_min, cases[i].y_min, cases[i].x_max, cases[i].y_max };
    fail_unless_equals_int64 (json_object_get_int_member (object, "x"), cases[i].expected_x);
    fail_unless_equals_int64 (json_object_get_int_member (object, "y"), cases[i].expected_y);
    fail_unless_equals_int64 (json_object_get_int_member (object, "w"), cases[i].width);
    fail_unless_equals_int64 (json_object_get_int_member (object, "h"), cases[i].height);
    for (guint e = 0; e < 4; e++)
      fail_unless (fabs (found[e] - expected[e]) < 1e-6, "%u: edge %u is %g, not %g", i, e, found[e], expected[e]);
  }
  gst_harness_teardown (h);
}
GST_END_TEST

/* Names that are no UTF-8, or that JSON must write in another way. */
GST_START_TEST (names_of_others)
{
  static const struct
  {
    const char *name, *expected;
  } cases[] = {
    { "", "" },
    { "a \"quoted\\name", "a \"quoted\\name" },
    { "\x01\x08\t\n\x1f\x7f", "\x01\x08\t\n\x1f\x7f" },
    { "K\xc3\xa4se \xe2\x80\xa8 \xf0\x9f\x90\x95", "K\xc3\xa4se \xe2\x80\xa8 \xf0\x9f\x90\x95" },
    { "K\xe4se", "K\xef\xbf\xbdse" },
    { "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
    { "cut \xe2\x80", "cut \xef\xbf\xbd\xef\xbf\xbd" },
  };
  GstHarness *h = gst_harness_new ("cbamjson");

  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = picture_new (CAPS, 0, i);
    region_add (buffer, CAPS, cases[i].name, 1, 0.5, 80, 60, 160, 180);
    g_object_set (h->element, "source", cases[i].name, NULL);
    g_autoptr (JsonNode) line = line_of (h, buffer);
    JsonObject *object = nth_object (line, 0), *detection = json_object_get_object_member (object, "detection");
    fail_unless_equals_string (json_object_get_string_member (object, "roi_type"), cases[i].expected);
    fail_unless_equals_string (json_object_get_string_member (detection, "label"), cases[i].expected);
    fail_unless_equals_string (json_object_get_string_member (json_node_get_object (line), "source"),
                               cases[i].expected);
  }
  GstBuffer *nameless = picture_new (CAPS, 0, 0);
  gst_buffer_add_video_region_of_interest_meta_id (nameless, 0, 1, 2, 3, 4);
  g_autoptr (JsonNode) line = line_of (h, nameless);
  fail_unless_equals_string (json_object_get_string_member (nth_object (line, 0), "roi_type"), "");
  gst_harness_teardown (h);
}
GST_END_TEST

/* Ages and numbers of trackers that are out of all bounds. */
GST_START_TEST (whole_numbers_of_others)
{
  static const struct
  {
    const char *age, *id;
    gint64 expected_age, expected_id; /* < 0: none */
  } cases[] = {
    { "(guint64)40000000", "(int)7", 40000000, 7 },
    { "(guint64)0", "(guint)0", 0, 0 },
    { "(guint64)18446744073709551615", "(int)-1", -1, -1 },
    { "(guint64)9223372036854775808", "(guint64)18446744073709551615", -1, -1 },
    { "(double)inf", "(double)inf", -1, -1 },
    { "(string)old", "(string)seven", -1, -1 },
  };
  GstHarness *h = gst_harness_new ("cbamjson");

  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *detection = g_strconcat ("detection, age=", cases[i].age, NULL);
    g_autofree char *object = g_strconcat ("object_id, id=", cases[i].id, NULL);
    GstBuffer *buffer = picture_new (CAPS, 0, i);
    GstVideoRegionOfInterestMeta *region =
        gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 80, 60, 80, 120);
    gst_video_region_of_interest_meta_add_param (region, gst_structure_from_string (detection, NULL));
    gst_video_region_of_interest_meta_add_param (region, gst_structure_from_string (object, NULL));
    g_autoptr (JsonNode) line = line_of (h, buffer);
    JsonObject *dog = nth_object (line, 0), *found = json_object_get_object_member (dog, "detection");
    fail_unless_equals_int64 (json_object_get_int_member_with_default (found, "age", -1), cases[i].expected_age);
    fail_unless_equals_int64 (json_object_get_int_member_with_default (dog, "id", -1), cases[i].expected_id);
  }
  gst_harness_teardown (h);
}
GST_END_TEST

/* Where people write commas into numbers, JSON has points. Machines without such a locale try the one they have. */
GST_START_TEST (points_in_every_locale)
{
  static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "ru_RU.UTF-8", "de_DE", "" };
  GstHarness *h = gst_harness_new ("cbamjson");

  for (guint i = 0; i < G_N_ELEMENTS (locales) && setlocale (LC_ALL, locales[i]) == NULL; i++)
    continue;
  gst_harness_set_src_caps_str (h, CAPS);
  GstBuffer *buffer = picture_new (CAPS, 0, 0);
  region_add (buffer, CAPS, "dog", 1, 0.625, 80, 60, 160, 180);
  g_autoptr (JsonNode) line = line_of (h, buffer);
  JsonObject *detection = json_object_get_object_member (nth_object (line, 0), "detection");
  fail_unless (json_object_get_double_member (detection, "confidence") == 0.625);
  gst_harness_teardown (h);
}
GST_END_TEST

/* A line has the times of its frame; its timestamp is the stream time. */
GST_START_TEST (lines_keep_the_time)
{
  GstHarness *h = gst_harness_new ("cbamjson");
  GstSegment segment;

  gst_harness_set_src_caps_str (h, CAPS);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 10 * GST_MSECOND;
  segment.time = 1000 * GST_MSECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);
  g_autofree char *text = gst_caps_to_string (caps);
  fail_unless_equals_string (text, "application/x-json, format=(string)lines");

  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, 2)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 80 * GST_MSECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), 40 * GST_MSECOND);
  g_autoptr (JsonNode) line = line_of (h, picture_new (CAPS, 0, 2));
  fail_unless_equals_int (json_object_get_int_member (json_node_get_object (line), "timestamp"), 1070 * GST_MSECOND);

  GstBuffer *timeless = picture_new (CAPS, 0, 0);
  GST_BUFFER_PTS (timeless) = GST_CLOCK_TIME_NONE;
  g_autoptr (JsonNode) other = line_of (h, timeless);
  fail_if (json_object_has_member (json_node_get_object (other), "timestamp"));
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (empty_frames)
{
  GstHarness *h = gst_harness_new ("cbamjson");

  gst_harness_set_src_caps_str (h, CAPS);
  g_autoptr (JsonNode) line = line_of (h, picture_new (CAPS, 0, 0));
  fail_unless_equals_int (json_array_get_length (json_object_get_array_member (json_node_get_object (line), "objects")),
                          0);

  g_object_set (h->element, "empty", FALSE, NULL);
  for (guint i = 1; i < 5; i++) {
    GstBuffer *buffer = picture_new (CAPS, 0, i);
    if (i == 4)
      region_add (buffer, CAPS, "cat", 1, 0.9, 10, 10, 20, 20);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  }
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 1);
  gst_harness_teardown (h);
}
GST_END_TEST

/* Frames without a line let the sinks of a pipeline start all the same. */
GST_START_TEST (nothing_to_say_holds_up_nothing)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("videotestsrc num-buffers=30 ! " CAPS " ! tee name=t ! queue ! fakesink t. ! queue "
                        "! cbamjson empty=false ! fakesink",
                        &error);
  fail_unless (error == NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
GST_END_TEST

static GstPadProbeReturn
hold (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, G_GNUC_UNUSED gpointer data)
{
  return GST_PAD_PROBE_OK;
}

static void
count_frame (G_GNUC_UNUSED GstElement *sink, G_GNUC_UNUSED GstBuffer *buffer, G_GNUC_UNUSED GstPad *pad, gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

/* Waits until so many were counted, or for half a minute. Returns how many were. */
static int
wait_for (int *counted, int wanted)
{
  for (guint i = 0; i < 30000 && g_atomic_int_get (counted) < wanted; i++)
    g_usleep (1000);
  return g_atomic_int_get (counted);
}

#define N_FRAMES 150

/* A broker that stands still for a while costs lines behind a leaky queue, and not one frame of the video. */
GST_START_TEST (a_stalled_reader_costs_lines_only)
{
  g_autofree char *text = g_strdup_printf (
      "videotestsrc num-buffers=%d ! " CAPS " ! cbamdetect model=%s ! tee name=t "
      "t. ! queue ! fakesink name=video sync=false signal-handoffs=true "
      "t. ! queue leaky=downstream max-size-buffers=5 ! cbamjson ! fakesink name=lines async=false sync=false "
      "signal-handoffs=true",
      N_FRAMES, model_path ());
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  fail_unless (error == NULL, "%s", text);
  g_autoptr (GstElement) video = gst_bin_get_by_name (GST_BIN (pipeline), "video");
  g_autoptr (GstElement) lines = gst_bin_get_by_name (GST_BIN (pipeline), "lines");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (lines, "sink");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  int n_frames = 0, n_lines = 0;

  g_signal_connect (video, "handoff", G_CALLBACK (count_frame), &n_frames);
  g_signal_connect (lines, "handoff", G_CALLBACK (count_frame), &n_lines);
  const gulong probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (wait_for (&n_frames, N_FRAMES), N_FRAMES);
  fail_unless_equals_int (n_lines, 0);

  gst_pad_remove_probe (pad, probe);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless (n_lines > 0 && n_lines <= 10, "%d lines", n_lines);
}
GST_END_TEST

/* The lines of a file, which is deleted. */
static GStrv
read_lines (const char *path)
{
  g_autofree char *contents = NULL;

  fail_unless (g_file_get_contents (path, &contents, NULL, NULL));
  g_unlink (path);
  GStrv lines = g_strsplit (contents, "\n", -1);
  fail_unless_equals_int (g_strv_length (lines), 13);
  fail_unless_equals_string (lines[12], "");
  return lines;
}

/* The whole way: detected, scaled, written. As many lines as frames, with the fractions and scores of the detector,
 * though GStreamer's scaler drops the parameters of regions. */
GST_START_TEST (a_file_of_lines)
{
  g_autofree char *folder = g_dir_make_tmp ("cbam-XXXXXX", NULL);
  g_autofree char *plain = g_build_filename (folder, "plain", NULL),
                  *scaled = g_build_filename (folder, "scaled", NULL);
  g_autofree char *text = g_strdup_printf (
      "videotestsrc num-buffers=12 ! " CAPS " ! cbamdetect model=%s threshold=0.3 ! tee name=t ! queue ! cbamjson "
      "! filesink location=%s t. ! queue ! videoscale ! video/x-raw,width=640,height=360 ! cbamjson "
      "! filesink location=%s",
      model_path (), plain, scaled);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  fail_unless (error == NULL, "%s", text);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  g_auto (GStrv) plain_lines = read_lines (plain), scaled_lines = read_lines (scaled);
  g_rmdir (folder);

  for (guint i = 0; i < 12; i++) {
    g_autoptr (JsonNode) one = parse_line (plain_lines[i]), other = parse_line (scaled_lines[i]);
    const guint n = json_array_get_length (json_object_get_array_member (json_node_get_object (one), "objects"));
    fail_unless_equals_int (json_object_get_int_member (json_node_get_object (one), "timestamp"), i * 40 * GST_MSECOND);
    fail_unless (n > 0);
    for (guint o = 0; o < n; o++) {
      JsonObject *a = json_object_get_object_member (nth_object (one, o), "detection");
      JsonObject *b = json_object_get_object_member (nth_object (other, o), "detection");
      fail_unless_equals_string (json_object_get_string_member (a, "label"),
                                 json_object_get_string_member (b, "label"));
      fail_unless (json_object_get_double_member (a, "confidence") == json_object_get_double_member (b, "confidence"));
      const double left = json_object_get_double_member (json_object_get_object_member (a, "bounding_box"), "x_min");
      const double right = json_object_get_double_member (json_object_get_object_member (b, "bounding_box"), "x_min");
      fail_unless (fabs (left - right) < 1e-6);
      fail_unless (fabs (json_object_get_int_member (nth_object (other, o), "x") - left * 640) <= 3);
    }
  }
}
GST_END_TEST

/* What is carried on from an earlier frame says so, beyond a scaler too. */
GST_START_TEST (carried_detections_tell_their_age)
{
  g_autofree char *line = g_strdup_printf ("cbamdetect model=%s threshold=0.3 interval=2 carry=last "
                                           "! videoscale ! capsfilter caps=video/x-raw,width=200,height=200 ! cbamjson",
                                           model_path ());
  GstHarness *h = gst_harness_new_parse (line);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 5; i++)
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, i)), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autofree char *text = g_malloc0 (gst_buffer_get_size (out) + 1);
    gst_buffer_extract (out, 0, text, gst_buffer_get_size (out));
    g_autoptr (JsonNode) node = parse_line (text);
    JsonObject *detection = json_object_get_object_member (nth_object (node, 0), "detection");
    fail_unless_equals_int (json_object_has_member (detection, "age"), i % 3 != 0);
    if (i % 3 != 0)
      fail_unless_equals_int (json_object_get_int_member (detection, "age"), i % 3 * 40 * GST_MSECOND);
  }
  gst_harness_teardown (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("cbamjson");
  tcase_add_test (tests, lines_say_what_metadata_says);
  tcase_add_test (tests, classes_of_regions);
  tcase_add_test (tests, numbers_of_others);
  tcase_add_test (tests, edges_of_others);
  tcase_add_test (tests, places_of_others);
  tcase_add_test (tests, names_of_others);
  tcase_add_test (tests, whole_numbers_of_others);
  tcase_add_test (tests, points_in_every_locale);
  tcase_add_test (tests, lines_keep_the_time);
  tcase_add_test (tests, empty_frames);
  tcase_add_test (tests, nothing_to_say_holds_up_nothing);
  tcase_add_test (tests, a_stalled_reader_costs_lines_only);
  tcase_add_test (tests, a_file_of_lines);
  tcase_add_test (tests, carried_detections_tell_their_age);
  return run_suite (tests);
}
