/* Frames that are stored turned: tags, the property, and elements upstream that have turned them already. The truth is
 * videoflip's: what is found in the frame it makes, turned back pixel by pixel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <math.h>
#include <turned.h>

#define WIDTH 160
#define HEIGHT 120
#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"
#define LEVELS 3

/* Values of the tag. */
static const char *const tags[] = { "rotate-0",      "rotate-90",      "rotate-180",      "rotate-270",
                                    "flip-rotate-0", "flip-rotate-90", "flip-rotate-180", "flip-rotate-270" };

/* ---- Harnesses ---- */

/* @line around an element `cbamdetect name=d` with the test model. */
static GstHarness *
line_new (const char *line, const char *caps)
{
  g_auto (GStrv) parts = g_strsplit (line, "cbamdetect", 2);
  g_autofree char *whole =
      g_strdup_printf ("%scbamdetect name=d model=%s threshold=0.3%s", parts[0], model_path (), parts[1]);
  GstHarness *h = gst_harness_new_parse (whole);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, caps);
  return h;
}

static GstElement *
detector_of (GstHarness *h)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (h->element), "d");

  fail_unless (element != NULL);
  return element;
}

/* A list of the @scope with that value, or with no orientation in it. */
static void
push_tag (GstHarness *h, GstTagScope scope, const char *value)
{
  GstTagList *list = gst_tag_list_new (GST_TAG_TITLE, "a film", NULL);

  if (value != NULL)
    gst_tag_list_add (list, GST_TAG_MERGE_REPLACE, GST_TAG_IMAGE_ORIENTATION, value, NULL);
  gst_tag_list_set_scope (list, scope);
  fail_unless (gst_harness_push_event (h, gst_event_new_tag (list)));
}

static GstBuffer *
through (GstHarness *h, const char *caps, guint picture, guint index)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (caps, picture, index)), GST_FLOW_OK);
  return gst_harness_pull (h);
}

/* What `stats` says. */
static CbamOrientation
told (GstElement *element)
{
  g_autoptr (GEnumClass) methods = g_type_class_ref (GST_TYPE_VIDEO_ORIENTATION_METHOD);
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (element, "stats", &stats, NULL);
  const GEnumValue *value = g_enum_get_value_by_nick (methods, gst_structure_get_string (stats, "orientation"));
  fail_unless (value != NULL);
  return (CbamOrientation) value->value;
}

static CbamOrientation
told_by (GstHarness *h)
{
  g_autoptr (GstElement) element = detector_of (h);

  return told (element);
}

/* What turns frames before it detects. */
static GstHarness *
flipping_line_new (void)
{
  return line_new ("videoflip name=f ! cbamdetect max-detections=5", CAPS);
}

/* (transfer full): detections of @picture as videoflip turns it; *@size gets the size of the frame. */
static GArray *
found_upright (GstHarness *h, const char *flip, const char *tag, guint picture, guint size[2])
{
  g_autoptr (GstElement) videoflip = gst_bin_get_by_name (GST_BIN (h->element), "f");

  gst_util_set_object_arg (G_OBJECT (videoflip), "video-direction", flip);
  if (tag != NULL)
    push_tag (h, GST_TAG_SCOPE_STREAM, tag);
  g_autoptr (GstBuffer) out = through (h, CAPS, picture, picture);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  fail_unless (gst_structure_get (structure, "width", G_TYPE_INT, &size[0], "height", G_TYPE_INT, &size[1], NULL));
  fail_unless_equals_int (told_by (h), CBAM_ORIENTATION_IDENTITY);
  GArray *found = found_in (out);
  fail_unless (found->len > 0);
  return found;
}

/* @stored has the detections of @upright, turned back. */
static void
check_turned_back (const GArray *upright, const guint size[2], const GArray *stored, CbamOrientation orientation)
{
  fail_unless_equals_int (size[0], turned_swaps (orientation) ? HEIGHT : WIDTH);
  fail_unless_equals_int (size[1], turned_swaps (orientation) ? WIDTH : HEIGHT);
  fail_unless_equals_int (stored->len, upright->len);
  for (guint i = 0; i < upright->len; i++) {
    const Found *up = &g_array_index (upright, Found, i), *found = &g_array_index (stored, Found, i);
    const double box[4] = { up->x_min * size[0], up->y_min * size[1], (up->x_max - up->x_min) * size[0],
                            (up->y_max - up->y_min) * size[1] };
    double expected[4];
    turned_rectangle (orientation, WIDTH, HEIGHT, box, expected);
    fail_unless_equals_string (found->label, up->label);
    fail_unless (found->score == up->score);
    fail_unless (fabs (found->x_min * WIDTH - expected[0]) < 1e-3);
    fail_unless (fabs (found->y_min * HEIGHT - expected[1]) < 1e-3);
    fail_unless (fabs (found->x_max * WIDTH - expected[0] - expected[2]) < 1e-3);
    fail_unless (fabs (found->y_max * HEIGHT - expected[1] - expected[3]) < 1e-3);
    fail_unless (fabs (found->x - expected[0]) <= 0.5 + 1e-3 && fabs (found->y - expected[1]) <= 0.5 + 1e-3);
  }
}

/* ---- Tags ---- */

/* Every value of the tag means what it means to videoflip, for frames that are submitted one behind the other, too; and
 * the frames go on as they came. */
GST_START_TEST (tags_turn)
{
  GstHarness *h = line_new ("cbamdetect max-detections=5 queue-depth=3", CAPS), *flipping = flipping_line_new ();
  CbamOrientation orientations[G_N_ELEMENTS (tags)];

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    push_tag (h, i % 2 ? GST_TAG_SCOPE_STREAM : GST_TAG_SCOPE_GLOBAL, tags[i]);
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, i, i)), GST_FLOW_OK);
    orientations[i] = told_by (h);
    for (guint k = 0; k < i; k++)
      fail_unless (orientations[k] != orientations[i]);
    push_tag (h, GST_TAG_SCOPE_STREAM, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h), same = picture_new (CAPS, i, i);
    GstMapInfo map;
    guint size[2];
    g_autoptr (GArray) stored = found_in (out), upright = found_upright (flipping, "auto", tags[i], i, size);
    check_turned_back (upright, size, stored, orientations[i]);
    fail_unless (gst_buffer_map (same, &map, GST_MAP_READ));
    fail_unless (gst_buffer_memcmp (out, 0, map.data, map.size) == 0);
    gst_buffer_unmap (same, &map);
  }
  gst_harness_teardown (h);
  gst_harness_teardown (flipping);
}
GST_END_TEST

/* The stream's own word goes before the global one, a list replaces the one before of its scope, and a new stream
 * begins anew; the tags themselves pass. */
GST_START_TEST (tags_have_an_order)
{
  enum
  {
    STREAM,
    GLOBAL,
    START
  };
  static const struct
  {
    int kind;
    const char *value; /* of the tag, or a stream's name */
    CbamOrientation expected;
  } steps[] = {
    { GLOBAL, NULL, CBAM_ORIENTATION_IDENTITY },
    { GLOBAL, "rotate-90", CBAM_ORIENTATION_90R },
    { STREAM, "rotate-180", CBAM_ORIENTATION_180 },
    { GLOBAL, "rotate-270", CBAM_ORIENTATION_180 },
    { STREAM, NULL, CBAM_ORIENTATION_90L },
    { STREAM, "rotate-0", CBAM_ORIENTATION_IDENTITY },
    { STREAM, "rotate-180", CBAM_ORIENTATION_180 },
    { GLOBAL, NULL, CBAM_ORIENTATION_180 },
    { STREAM, "sideways", CBAM_ORIENTATION_IDENTITY },
    { GLOBAL, "rotate-90", CBAM_ORIENTATION_90R },
    { START, "one", CBAM_ORIENTATION_IDENTITY },
    { STREAM, "rotate-90", CBAM_ORIENTATION_90R },
    { START, "one", CBAM_ORIENTATION_90R },
    { START, "two", CBAM_ORIENTATION_IDENTITY },
    { GLOBAL, "rotate-180", CBAM_ORIENTATION_180 },
    { START, "three", CBAM_ORIENTATION_IDENTITY },
  };
  GstHarness *h = line_new ("cbamdetect", CAPS);
  guint n_tags = 0;
  GstEvent *event;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    if (steps[i].kind == START)
      fail_unless (gst_harness_push_event (h, gst_event_new_stream_start (steps[i].value)));
    else
      push_tag (h, steps[i].kind == STREAM ? GST_TAG_SCOPE_STREAM : GST_TAG_SCOPE_GLOBAL, steps[i].value);
    G_GNUC_UNUSED g_autoptr (GstBuffer) out = through (h, CAPS, 0, i);
    fail_unless (told_by (h) == steps[i].expected, "step %u: %d", i, told_by (h));
  }
  while ((event = gst_harness_try_pull_event (h))) {
    n_tags += GST_EVENT_TYPE (event) == GST_EVENT_TAG;
    gst_event_unref (event);
  }
  fail_unless_equals_int (n_tags, 12);
  gst_harness_teardown (h);
}
GST_END_TEST

/* Tags of one run are nothing to the next, though it be of the same stream. */
GST_START_TEST (a_stop_forgets)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), NULL);

  for (guint round = 0; round < 2; round++) {
    fail_unless (gst_harness_push_event (h, gst_event_new_stream_start ("one")));
    gst_harness_set_src_caps_str (h, CAPS);
    if (round == 0)
      push_tag (h, GST_TAG_SCOPE_STREAM, "rotate-90");
    G_GNUC_UNUSED g_autoptr (GstBuffer) out = through (h, CAPS, 0, 0);
    const CbamOrientation expected = round == 0 ? CBAM_ORIENTATION_90R : CBAM_ORIENTATION_IDENTITY;
    fail_unless_equals_int (told (h->element), expected);

    gst_element_set_state (h->element, GST_STATE_READY);
    fail_unless_equals_int (told (h->element), expected);
    gst_pad_set_active (h->srcpad, FALSE); /* which forgets what has been sent */
    gst_pad_set_active (h->srcpad, TRUE);
    gst_element_set_state (h->element, GST_STATE_PLAYING);
  }
  harness_free (h);
}
GST_END_TEST

/* ---- The property ---- */

GST_START_TEST (the_property_turns)
{
  g_autoptr (GEnumClass) methods = g_type_class_ref (GST_TYPE_VIDEO_ORIENTATION_METHOD);
  GstHarness *h = line_new ("cbamdetect max-detections=5", CAPS), *flipping = flipping_line_new ();
  g_autoptr (GstElement) element = detector_of (h);
  int direction;

  push_tag (h, GST_TAG_SCOPE_STREAM, "rotate-180");
  for (int method = GST_VIDEO_ORIENTATION_IDENTITY; method <= GST_VIDEO_ORIENTATION_UR_LL; method++) {
    const GEnumValue *value = g_enum_get_value (methods, method);
    guint size[2];
    gst_util_set_object_arg (G_OBJECT (element), "video-direction", value->value_nick);
    g_autoptr (GstBuffer) out = through (h, CAPS, 2, method);
    g_autoptr (GArray) stored = found_in (out), upright = found_upright (flipping, value->value_nick, NULL, 2, size);
    fail_unless_equals_int (told (element), method);
    check_turned_back (upright, size, stored, (CbamOrientation) method);
  }

  gst_util_set_object_arg (G_OBJECT (element), "video-direction", "auto");
  G_GNUC_UNUSED g_autoptr (GstBuffer) out = through (h, CAPS, 2, 8);
  fail_unless_equals_int (told (element), CBAM_ORIENTATION_180);

  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (element, bus);
  g_object_set (element, "video-direction", GST_VIDEO_ORIENTATION_CUSTOM, NULL);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "custom means nothing here; expected auto, ") != NULL, "%s", error->message);
  g_object_get (element, "video-direction", &direction, NULL);
  fail_unless_equals_int (direction, GST_VIDEO_ORIENTATION_AUTO);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (h);
  gst_harness_teardown (flipping);
}
GST_END_TEST

/* The region is in pixels of the frame as it came, however it is turned. */
GST_START_TEST (the_region_stays)
{
  const double part[4] = { 20, 30, 80, 60 };
  GstHarness *plain = line_new ("cbamdetect video-direction=identity roi=20,30,80,60", CAPS);
  GstHarness *turned = line_new ("cbamdetect video-direction=90r roi=20,30,80,60", CAPS);
  G_GNUC_UNUSED g_autoptr (GstBuffer) a = through (plain, CAPS, 3, 0), b = through (turned, CAPS, 3, 0);
  g_autoptr (GArray) found = found_in (b);

  fail_unless (found->len > 0);
  for (guint i = 0; i < found->len; i++) {
    const Found *one = &g_array_index (found, Found, i);
    fail_unless (one->x_min * WIDTH >= part[0] - 1e-3 && one->x_max * WIDTH <= part[0] + part[2] + 1e-3);
    fail_unless (one->y_min * HEIGHT >= part[1] - 1e-3 && one->y_max * HEIGHT <= part[1] + part[3] + 1e-3);
  }
  gst_harness_teardown (plain);
  gst_harness_teardown (turned);
}
GST_END_TEST

/* ---- Upstream ---- */

/* Elements that have turned the frames, wherever they stand before cbamdetect, count for the tag, and others do not. */
GST_START_TEST (turned_frames_are_not_turned_again)
{
  static const struct
  {
    const char *line;
    gboolean upright;
  } cases[] = {
    { "videoflip video-direction=auto ! cbamdetect", TRUE },
    { "videoflip video-direction=90r ! queue ! videoconvert ! cbamdetect", TRUE },
    { "bin.( videoflip video-direction=auto ) ! cbamdetect", TRUE },
    { "bin.( bin.( videoflip video-direction=auto ! identity ) ! queue ) ! bin.( queue ) ! cbamdetect", TRUE },
    { "videoflip video-direction=auto ! bin.( cbamdetect )", TRUE },
    { "videoflip video-direction=identity ! cbamdetect", FALSE },
    { "videoconvert ! queue ! cbamdetect", FALSE },
    { "cbamdetect ! videoflip video-direction=auto", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = line_new (cases[i].line, CAPS);
    push_tag (h, GST_TAG_SCOPE_STREAM, "rotate-90");
    G_GNUC_UNUSED g_autoptr (GstBuffer) out = through (h, CAPS, 0, 0);
    fail_unless_equals_int (told_by (h), cases[i].upright ? CBAM_ORIENTATION_IDENTITY : CBAM_ORIENTATION_90R);
    gst_harness_teardown (h);
  }
}
GST_END_TEST

/* What turned something that is no video yet says nothing of the frames. */
GST_START_TEST (only_raw_video_is_turned)
{
  GstHarness *h = line_new ("videoflip video-direction=180 ! jpegenc ! jpegdec ! cbamdetect",
                            "video/x-raw,format=I420,width=160,height=120,framerate=25/1");

  push_tag (h, GST_TAG_SCOPE_STREAM, "rotate-90");
  G_GNUC_UNUSED g_autoptr (GstBuffer) out =
      through (h, "video/x-raw,format=I420,width=160,height=120,framerate=25/1", 0, 0);
  fail_unless_equals_int (told_by (h), CBAM_ORIENTATION_90R);
  gst_harness_teardown (h);
}
GST_END_TEST

/* ---- Maps, drawings and lines ---- */

static const GstStructure *
level_of (GstBuffer *buffer, guint level)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "CbamAttentionMeta");
  g_autofree char *name = g_strdup_printf ("level-%u", level);

  fail_unless (meta != NULL);
  return gst_value_get_structure (gst_structure_get_value (gst_custom_meta_get_structure (meta), name));
}

static void
read_level (const GstStructure *level, int size[2], double over[4], float *values)
{
  fail_unless (gst_structure_get (level, "width", G_TYPE_INT, &size[0], "height", G_TYPE_INT, &size[1], "over-x",
                                  G_TYPE_DOUBLE, &over[0], "over-y", G_TYPE_DOUBLE, &over[1], "over-width",
                                  G_TYPE_DOUBLE, &over[2], "over-height", G_TYPE_DOUBLE, &over[3], NULL));
  GstBuffer *buffer = gst_value_get_buffer (gst_structure_get_value (level, "spatial"));
  fail_unless_equals_int (gst_buffer_get_size (buffer), size[0] * size[1] * sizeof (float));
  gst_buffer_extract (buffer, 0, values, size[0] * size[1] * sizeof (float));
}

static void
check_level (GstBuffer *upright, GstBuffer *stored, guint level, CbamOrientation orientation)
{
  int up_size[2], size[2];
  double up_over[4], over[4], expected[4];
  float up_values[16], values[16];
  guint x, y;

  read_level (level_of (upright, level), up_size, up_over, up_values);
  read_level (level_of (stored, level), size, over, values);
  turned_rectangle (orientation, WIDTH, HEIGHT, up_over, expected);
  for (guint i = 0; i < 4; i++)
    fail_unless (fabs (over[i] - expected[i]) < 1e-3);
  for (int v = 0; v < up_size[1]; v++)
    for (int u = 0; u < up_size[0]; u++) {
      turned_find (orientation, size[0], size[1], u, v, &x, &y);
      fail_unless (values[y * size[0] + x] == up_values[v * up_size[0] + u]);
    }
}

/* The maps lie over the frame as it came. */
GST_START_TEST (maps_are_turned_back)
{
  g_autofree char *model = g_strdup_printf ("model=%s attention=true", g_getenv ("CBAM_TEST_ATTENTION_MODEL"));
  g_autofree char *flipped = g_strdup_printf ("videoflip video-direction=auto ! cbamdetect %s", model);
  g_autofree char *turned = g_strdup_printf ("cbamdetect %s", model);
  GstHarness *a = line_new (flipped, CAPS), *b = line_new (turned, CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    push_tag (a, GST_TAG_SCOPE_STREAM, tags[i]);
    push_tag (b, GST_TAG_SCOPE_STREAM, tags[i]);
    g_autoptr (GstBuffer) upright = through (a, CAPS, 3, i), stored = through (b, CAPS, 3, i);
    for (guint l = 0; l < LEVELS; l++)
      check_level (upright, stored, l, told_by (b));
  }
  gst_harness_teardown (a);
  gst_harness_teardown (b);
}
GST_END_TEST

/* The pixels of picture 3 with a tag. */
static GstBuffer *
drawn (GstHarness *h, guint tag)
{
  push_tag (h, GST_TAG_SCOPE_STREAM, tags[tag]);
  return through (h, CAPS, 3, tag);
}

/* The difference of two frames' bytes on average. */
static double
difference (GstBuffer *one, GstBuffer *other)
{
  GstMapInfo a, b;
  double sum = 0;

  fail_unless (gst_buffer_map (one, &a, GST_MAP_READ) && gst_buffer_map (other, &b, GST_MAP_READ));
  fail_unless_equals_int (a.size, b.size);
  for (gsize i = 0; i < a.size; i++)
    sum += abs (a.data[i] - b.data[i]);
  const double mean = sum / a.size;
  gst_buffer_unmap (one, &a);
  gst_buffer_unmap (other, &b);
  return mean;
}

/* Boxes and heat maps are drawn where videoflip turns them to where they belong: as if they were drawn upright. */
static void
check_drawing (GstHarness *plain_line, const char *what)
{
  g_autofree char *detect =
      g_strdup_printf ("cbamdetect model=%s max-detections=1 overlay=%s", g_getenv ("CBAM_TEST_ATTENTION_MODEL"), what);
  g_autofree char *before = g_strdup_printf ("%s ! videoflip video-direction=auto", detect);
  g_autofree char *after = g_strdup_printf ("videoflip video-direction=auto ! %s", detect);
  GstHarness *flipped_line = line_new (before, CAPS), *upright_line = line_new (after, CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    g_autoptr (GstBuffer) plain = drawn (plain_line, i);
    g_autoptr (GstBuffer) flipped = drawn (flipped_line, i), upright = drawn (upright_line, i);
    const double all = difference (plain, upright), apart = difference (flipped, upright);
    fail_unless (all > 1, "%s: nothing is drawn", what);
    fail_unless (apart < all / 100, "%s, %s: %g of %g", tags[i], what, apart, all);
  }
  gst_harness_teardown (flipped_line);
  gst_harness_teardown (upright_line);
}

GST_START_TEST (videoflip_turns_drawings)
{
  GstHarness *plain = line_new ("cbamdetect ! videoflip video-direction=auto", CAPS);

  check_drawing (plain, "boxes");
  check_drawing (plain, "attention");
  check_drawing (plain, "grad-cam");
  gst_harness_teardown (plain);
}
GST_END_TEST

/* Lines of JSON are in the pixels of the frames that they came from. */
GST_START_TEST (lines_are_of_the_stored_frame)
{
  GstHarness *h = line_new ("cbamdetect max-detections=1 ! cbamjson", CAPS), *same = line_new ("cbamdetect", CAPS);
  GstMapInfo map;

  push_tag (h, GST_TAG_SCOPE_STREAM, "rotate-90");
  push_tag (same, GST_TAG_SCOPE_STREAM, "rotate-90");
  g_autoptr (GstBuffer) line = through (h, CAPS, 2, 0), frame = through (same, CAPS, 2, 0);
  g_autoptr (GArray) found = found_in (frame);
  const Found *best = &g_array_index (found, Found, 0);
  g_autofree char *place = g_strdup_printf ("\"x\":%u,\"y\":%u", best->x, best->y);
  fail_unless (gst_buffer_map (line, &map, GST_MAP_READ));
  g_autofree char *text = g_strndup ((const char *) map.data, map.size);
  gst_buffer_unmap (line, &map);
  fail_unless (strstr (text, place) != NULL, "no %s in %s", place, text);
  fail_unless (strstr (text, "\"resolution\":{\"height\":120,\"width\":160}") != NULL, "%s", text);
  gst_harness_teardown (h);
  gst_harness_teardown (same);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("orientation");
  tcase_add_test (tests, tags_turn);
  tcase_add_test (tests, tags_have_an_order);
  tcase_add_test (tests, a_stop_forgets);
  tcase_add_test (tests, the_property_turns);
  tcase_add_test (tests, the_region_stays);
  tcase_add_test (tests, turned_frames_are_not_turned_again);
  tcase_add_test (tests, only_raw_video_is_turned);
  tcase_add_test (tests, maps_are_turned_back);
  tcase_add_test (tests, videoflip_turns_drawings);
  tcase_add_test (tests, lines_are_of_the_stored_frame);
  return run_suite (tests);
}
