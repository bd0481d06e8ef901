/* What metadata says about attention, and that it stays right when frames are copied, converted and scaled.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include "../../gst/meta/gstcbamattentionmeta.h"

#include <math.h>

#define CAPS "video/x-raw,format=RGB,width=320,height=240,framerate=25/1"
#define LEVELS 3

static const GstStructure *
attention_of (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "CbamAttentionMeta");

  return meta != NULL ? gst_custom_meta_get_structure (meta) : NULL;
}

static const GstStructure *
field_of (const GstStructure *structure, const char *field)
{
  const GValue *value = gst_structure_get_value (structure, field);

  fail_unless (value != NULL && GST_VALUE_HOLDS_STRUCTURE (value), "no structure %s", field);
  return gst_value_get_structure (value);
}

static double
double_of (const GstStructure *structure, const char *field)
{
  double value;

  fail_unless (gst_structure_get_double (structure, field, &value), "no %s", field);
  return value;
}

static int
int_of (const GstStructure *structure, const char *field)
{
  int value;

  fail_unless (gst_structure_get_int (structure, field, &value), "no %s", field);
  return value;
}

/* The floats of a field, as many as there must be. */
static const float *
floats_of (const GstStructure *structure, const char *field, gsize n, float *values)
{
  const GValue *value = gst_structure_get_value (structure, field);

  fail_unless (value != NULL && GST_VALUE_HOLDS_BUFFER (value), "no buffer %s", field);
  fail_unless_equals_int (gst_buffer_get_size (gst_value_get_buffer (value)), n * sizeof (float));
  gst_buffer_extract (gst_value_get_buffer (value), 0, values, n * sizeof (float));
  return values;
}

/* Picture 3 after `cbamdetect` with @more properties and elements. */
static GstBuffer *
detected (const char *model, const char *more)
{
  g_autofree char *line = g_strdup_printf ("cbamdetect model=%s threshold=0.3 %s", g_getenv (model), more);
  GstHarness *h = gst_harness_new_parse (line);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 3, 0)), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  gst_harness_teardown (h);
  return out;
}

/* What the network looked at, with @more. */
static GstBuffer *
looked_at (const char *more)
{
  g_autofree char *all = g_strconcat ("attention=true ", more, NULL);

  return detected ("CBAM_TEST_ATTENTION_MODEL", all);
}

/* Every level, its map and its channels, over the part of the frame that the letterboxing network saw. */
static void
check_levels (const GstStructure *attention, double width, double height)
{
  static const int sizes[LEVELS] = { 4, 2, 1 }, n_channels[LEVELS] = { 128, 256, 128 };
  const double shorter = height / 240, wider = width / 320;

  fail_unless_equals_int (int_of (attention, "frame-width"), width);
  fail_unless_equals_int (int_of (attention, "frame-height"), height);
  for (int i = 0; i < LEVELS; i++) {
    g_autofree char *name = g_strdup_printf ("level-%d", i);
    const GstStructure *level = field_of (attention, name);
    float spatial[16], channel[256], min = 1, max = 0;
    fail_unless_equals_int (int_of (level, "level"), i);
    fail_unless_equals_int (int_of (level, "width"), sizes[i]);
    fail_unless_equals_int (int_of (level, "height"), sizes[i]);
    floats_of (level, "spatial", sizes[i] * sizes[i], spatial);
    for (int c = 0; c < sizes[i] * sizes[i]; c++) {
      min = MIN (min, spatial[c]);
      max = MAX (max, spatial[c]);
    }
    fail_unless (min > 0 && max < 1 && double_of (level, "min") == min && double_of (level, "max") == max);
    fail_unless_equals_int (int_of (level, "channels"), n_channels[i]);
    floats_of (level, "channel", n_channels[i], channel);
    for (int c = 0; c < n_channels[i]; c++)
      fail_unless (channel[c] > 0 && channel[c] < 1);
    fail_unless (fabs (double_of (level, "over-x")) < 1 * wider);
    fail_unless (fabs (double_of (level, "over-width") - 320 * wider) < 2 * wider);
    fail_unless (fabs (double_of (level, "over-y") + 40 * shorter) < 2 * shorter);
    fail_unless (fabs (double_of (level, "over-height") - 320 * shorter) < 4 * shorter);
  }
}

GST_START_TEST (levels_are_complete)
{
  g_autoptr (GstBuffer) with = looked_at (""), without = looked_at ("attention=false");

  fail_unless (attention_of (with) != NULL);
  check_levels (attention_of (with), 320, 240);
  fail_unless (attention_of (without) == NULL);
}
GST_END_TEST

GST_START_TEST (scales_with_the_video)
{
  static const int sizes[][2] = { { 160, 120 }, { 640, 480 }, { 100, 400 } };
  g_autoptr (GstBuffer) before = looked_at ("");
  g_autoptr (GArray) found = found_in (before);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const int width = sizes[i][0], height = sizes[i][1];
    g_autofree char *more =
        g_strdup_printf ("! videoscale ! capsfilter caps=video/x-raw,width=%d,height=%d", width, height);
    g_autoptr (GstBuffer) after = looked_at (more);
    check_levels (attention_of (after), width, height);

    float values[2][16];
    floats_of (field_of (attention_of (before), "level-0"), "spatial", 16, values[0]);
    floats_of (field_of (attention_of (after), "level-0"), "spatial", 16, values[1]);
    fail_unless (memcmp (values[0], values[1], sizeof values[0]) == 0);

    gpointer state = NULL;
    GstVideoRegionOfInterestMeta *region;
    for (guint r = 0; r < found->len; r++) {
      const Found *f = &g_array_index (found, Found, r);
      region = (GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
          after, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
      fail_unless (region != NULL);
      fail_unless_equals_string (g_quark_to_string (region->roi_type), f->label);
      fail_unless (ABS ((int) region->x - (int) f->x * width / 320) <= 1);
      fail_unless (ABS ((int) region->h - (int) f->height * height / 240) <= 1);
    }
  }
}
GST_END_TEST

/* Where the finest level's map lies when it has lain over all of a frame of 320x240, letterboxed to a square, and that
 * picture is now at @x, @y in one of this size. */
static void
check_place (GstBuffer *buffer, double x, double y, double width, double height, const char *what)
{
  const GstStructure *level = field_of (attention_of (buffer), "level-0");
  const double expected[] = { x, y - height / 6, width, height * 4 / 3 };
  static const char *const fields[] = { "over-x", "over-y", "over-width", "over-height" };

  for (guint i = 0; i < 4; i++)
    fail_unless (fabs (double_of (level, fields[i]) - expected[i]) < 5, "%s: %s is %g, not %g", what, fields[i],
                 double_of (level, fields[i]), expected[i]);
}

/* Pictures keep their shape on the screen: by pixels that are not square where caps leave that open, else by borders.
 */
GST_START_TEST (borders_are_not_a_part_of_the_picture)
{
  static const struct
  {
    const char *pixels, *scaler;
    int width, height; /* of the frame; and where the picture is */
    double x, y, inner_width, inner_height;
  } cases[] = {
    { "1/1", "videoscale ! capsfilter caps=video/x-raw,width=640,height=360", 640, 360, 0, 0, 640, 360 },
    { "1/1", "videoscale ! capsfilter caps=video/x-raw,width=640,height=360,pixel-aspect-ratio=1/1", 640, 360, 80, 0,
      480, 360 },
    { "1/1", "videoscale ! capsfilter caps=video/x-raw,width=640,height=360,pixel-aspect-ratio=3/4", 640, 360, 0, 0,
      640, 360 },
    { "1/1", "videoscale ! capsfilter caps=video/x-raw,width=640,height=360,pixel-aspect-ratio=2/1", 640, 360, 200, 0,
      240, 360 },
    { "1/1", "videoscale ! capsfilter caps=video/x-raw,width=240,height=480,pixel-aspect-ratio=1/1", 240, 480, 0, 150,
      240, 180 },
    { "1/1", "videoscale ! capsfilter caps=video/x-raw,width=640,height=480,pixel-aspect-ratio=1/1", 640, 480, 0, 0,
      640, 480 },
    { "1/1", "videoconvert ! capsfilter caps=video/x-raw,format=NV12,pixel-aspect-ratio=1/1", 320, 240, 0, 0, 320,
      240 },
    { "2/1", "videoscale ! capsfilter caps=video/x-raw,width=640,height=240,pixel-aspect-ratio=1/1", 640, 240, 0, 0,
      640, 240 },
    { "2/1", "videoscale ! capsfilter caps=video/x-raw,width=320,height=240,pixel-aspect-ratio=1/1", 320, 240, 0, 60,
      320, 120 },
    { "1/1", "videoscale add-borders=false ! capsfilter caps=video/x-raw,width=640,height=360", 640, 360, 0, 0, 640,
      360 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *caps = g_strconcat (CAPS, ",pixel-aspect-ratio=", cases[i].pixels, NULL);
    g_autofree char *line = g_strdup_printf ("cbamdetect model=%s attention=true ! %s",
                                             g_getenv ("CBAM_TEST_ATTENTION_MODEL"), cases[i].scaler);
    GstHarness *h = gst_harness_new_parse (line);
    gst_harness_set_live (h, FALSE);
    gst_harness_set_src_caps_str (h, caps);
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 3, 0)), GST_FLOW_OK);
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    fail_unless_equals_int (int_of (attention_of (out), "frame-width"), cases[i].width);
    fail_unless_equals_int (int_of (attention_of (out), "frame-height"), cases[i].height);
    check_place (out, cases[i].x, cases[i].y, cases[i].inner_width, cases[i].inner_height, cases[i].scaler);

    /* The pixels agree: black is where no picture is. */
    g_autoptr (GstCaps) sent = gst_pad_get_current_caps (h->sinkpad);
    g_autofree char *text = gst_caps_to_string (sent);
    const int middle[] = { cases[i].width / 2, cases[i].height / 2 };
    if (strstr (text, "RGB") != NULL) {
      fail_unless_equals_int (pixel_at (out, text, 1, middle[1]) == 0, cases[i].x > 0);
      fail_unless_equals_int (pixel_at (out, text, middle[0], 1) == 0, cases[i].y > 0);
      fail_if (pixel_at (out, text, (int) cases[i].x + 1, (int) cases[i].y + 1) == 0);
    }
    gst_harness_teardown (h);
  }
}
GST_END_TEST

/* A scaler that was told to stretch tells metadata so from GStreamer 1.28 on. Before, it looks as if there were
 * borders. */
GST_START_TEST (stretched_without_a_word)
{
  g_autoptr (GstBuffer) out = looked_at (
      "! videoscale add-borders=false ! capsfilter caps=video/x-raw,width=640,height=360,pixel-aspect-ratio=1/1");

#if GST_CHECK_VERSION(1, 28, 0)
  check_place (out, 0, 0, 640, 360, "stretched");
#else
  check_place (out, 80, 0, 480, 360, "stretched");
#endif
}
GST_END_TEST

/* What turns, crops or frames the picture drops the maps, as it drops regions. */
GST_START_TEST (gone_where_places_are_lost)
{
  static const char *const elements[] = { "videoflip video-direction=horiz", "videoflip video-direction=90l",
                                          "videobox left=-20", "videobox top=10" };

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++) {
    g_autofree char *more = g_strconcat ("! ", elements[i], NULL);
    g_autoptr (GstBuffer) out = looked_at (more);
    fail_unless (attention_of (out) == NULL, "%s", elements[i]);
  }
#if !GST_CHECK_VERSION(1, 28, 0)
  g_autoptr (GstBuffer) cropped = looked_at ("! videocrop left=20");
  fail_unless (attention_of (cropped) == NULL);
#endif
}
GST_END_TEST

GST_START_TEST (copies_and_conversions_keep_it)
{
  g_autoptr (GstBuffer) before = looked_at ("");
  g_autoptr (GstBuffer) converted = looked_at ("! videoconvert ! video/x-raw,format=NV12 ! queue");
  g_autoptr (GstBuffer) copy = gst_buffer_copy (before), deep = gst_buffer_copy_deep (before);
  GstBuffer *const all[] = { converted, copy, deep };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    fail_unless (attention_of (all[i]) != NULL);
    check_levels (attention_of (all[i]), 320, 240);
  }
  fail_unless (gst_structure_is_equal (attention_of (before), attention_of (copy)));
}
GST_END_TEST

/* ---- Grad-CAM ---- */

/* A map of 0..1 over the part of the frame that the letterboxing network saw, hottest at 1. */
static void
check_grad_cam (const GstStructure *attention, double width, double height)
{
  const GstStructure *map = field_of (attention, "grad-cam");
  const int cells = int_of (map, "width") * int_of (map, "height");
  g_autofree float *values = g_new (float, MAX (cells, 1));
  float max = 0;

  fail_unless (cells > 0 && cells <= 64 * 64);
  floats_of (map, "spatial", cells, values);
  for (int c = 0; c < cells; c++) {
    fail_unless (values[c] >= 0 && values[c] <= 1);
    max = MAX (max, values[c]);
  }
  fail_unless (max == 1 && double_of (map, "max") == 1);
  fail_unless (fabs (double_of (map, "over-width") - width) < width / 100);
  fail_unless (double_of (map, "over-y") <= 0 && double_of (map, "over-height") >= height);
  fail_if (gst_structure_has_field (map, "channel"));
}

/* Each of the two properties attaches its own part, and drawing attaches nothing. */
GST_START_TEST (grad_cam_is_attached_when_asked)
{
  static const struct
  {
    const char *model, *properties;
    gboolean levels, grad_cam;
  } cases[] = {
    { "CBAM_TEST_ATTENTION_MODEL", "", FALSE, FALSE },
    { "CBAM_TEST_ATTENTION_MODEL", "grad-cam=true", FALSE, TRUE },
    { "CBAM_TEST_ATTENTION_MODEL", "attention=true", TRUE, FALSE },
    { "CBAM_TEST_ATTENTION_MODEL", "attention=true grad-cam=true", TRUE, TRUE },
    { "CBAM_TEST_ATTENTION_MODEL", "overlay=grad-cam", FALSE, FALSE },
    { "CBAM_TEST_ATTENTION_MODEL", "overlay=attention grad-cam=true", FALSE, TRUE },
    { "CBAM_TEST_MODEL", "grad-cam=true", FALSE, TRUE },
    { "CBAM_TEST_MODEL", "attention=true", FALSE, FALSE },
    { "CBAM_TEST_ATTENTION_MODEL", "grad-cam=true threshold=1", FALSE, FALSE }, /* no detection, no evidence */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstBuffer) out = detected (cases[i].model, cases[i].properties);
    const GstStructure *attention = attention_of (out);
    fail_unless ((attention != NULL) == (cases[i].levels || cases[i].grad_cam), "%s", cases[i].properties);
    if (attention == NULL)
      continue;
    fail_unless_equals_int (gst_structure_has_field (attention, "level-0"), cases[i].levels);
    fail_unless_equals_int (gst_structure_has_field (attention, "grad-cam"), cases[i].grad_cam);
    if (cases[i].grad_cam)
      check_grad_cam (attention, 320, 240);
  }
}
GST_END_TEST

/* From one frame to the next, and carried on with its age. */
GST_START_TEST (grad_cam_changes_while_playing)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 interval=1"), CAPS);
  static const gboolean expected[] = { FALSE, FALSE, TRUE, TRUE, FALSE, FALSE };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    guint age = 0;
    g_object_set (h->element, "grad-cam", expected[i], NULL);
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 3, i)), GST_FLOW_OK);
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    const GstStructure *attention = attention_of (out);
    fail_unless_equals_int (attention != NULL, expected[i]);
    if (attention == NULL)
      continue;
    check_grad_cam (attention, 320, 240);
    gst_structure_get_uint (attention, "frame-age", &age);
    fail_unless_equals_int (age, i % 2);
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (grad_cam_scales_with_the_video)
{
  g_autoptr (GstBuffer) out = detected ("CBAM_TEST_MODEL", "grad-cam=true ! queue ! videoscale "
                                                           "! capsfilter caps=video/x-raw,width=640,height=120");

  fail_unless_equals_int (int_of (attention_of (out), "frame-width"), 640);
  check_grad_cam (attention_of (out), 640, 120);
}
GST_END_TEST

/* What others have written is not trusted. */
GST_START_TEST (contradictions_are_left_out)
{
  static const float values[] = { 0.1F, 0.2F, 0.3F, 0.4F };
  gst_cbam_attention_meta_register ();
  g_autoptr (GstBuffer) buffer = gray_new (CAPS), empty = gray_new (CAPS);
  map_add (buffer, CAPS, "level-2", 2, 2, values);
  map_add (buffer, CAPS, "level-0", 4, 1, values);
  map_add (buffer, CAPS, "level-1", 2, 2, values);
  map_add (buffer, CAPS, "grad-cam", 1, 1, values);
  GstStructure *structure = gst_custom_meta_get_structure (gst_buffer_get_custom_meta (buffer, "CbamAttentionMeta"));
  g_autoptr (GstStructure) wrong = gst_structure_copy (field_of (structure, "level-1"));
  gst_structure_set (wrong, "width", G_TYPE_INT, 3, NULL);
  gst_structure_set (structure, "level-1", GST_TYPE_STRUCTURE, wrong, "level-3", G_TYPE_INT, 3, NULL);

  fail_unless (gst_cbam_attention_maps_new (empty, 320, 240) == NULL);
  fail_unless (gst_cbam_attention_maps_new (buffer, 640, 480) == NULL); /* a frame of another size */
  g_autoptr (GstCbamAttentionMaps) maps = gst_cbam_attention_maps_new (buffer, 320, 240);
  fail_unless_equals_int (maps->levels->len, 3);
  const CbamAttention *levels = (const CbamAttention *) maps->levels->data;
  for (guint i = 0; i < 3; i++)
    fail_unless_equals_int (levels[i].level, i);
  fail_unless (levels[0].spatial->values[3] == 0.4F && levels[1].spatial == NULL);
  fail_unless (levels[2].spatial->width == 2 && levels[2].spatial->frame_width == 320);
  fail_unless (maps->grad_cam->len == 1 &&
               ((const CbamMap *) g_ptr_array_index (maps->grad_cam, 0))->values[0] == 0.1F);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("attention");
  tcase_add_test (tests, levels_are_complete);
  tcase_add_test (tests, scales_with_the_video);
  tcase_add_test (tests, borders_are_not_a_part_of_the_picture);
  tcase_add_test (tests, stretched_without_a_word);
  tcase_add_test (tests, gone_where_places_are_lost);
  tcase_add_test (tests, copies_and_conversions_keep_it);
  tcase_add_test (tests, grad_cam_is_attached_when_asked);
  tcase_add_test (tests, grad_cam_changes_while_playing);
  tcase_add_test (tests, grad_cam_scales_with_the_video);
  tcase_add_test (tests, contradictions_are_left_out);
  return run_suite (tests);
}
