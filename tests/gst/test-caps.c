/* Caps that say no more than they must, and all that they may say besides: what GStreamer's own converters take is
 * taken, and goes on as downstream takes it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define LEAST "video/x-raw,format=RGB,width=96,height=64"

static const struct
{
  const char *more; /* than LEAST says */
  gboolean taken;
} optional[] = {
  { "", TRUE },
  { ",framerate=0/1", TRUE },
  { ",framerate=30000/1001", TRUE },
  { ",framerate=0/1,max-framerate=60/1", TRUE },
  { ",pixel-aspect-ratio=12/11", TRUE },
  { ",interlace-mode=progressive", TRUE },
  { ",interlace-mode=interleaved", TRUE },
  { ",interlace-mode=interleaved,field-order=top-field-first", TRUE },
  { ",interlace-mode=mixed,framerate=25/1", TRUE },
  { ",interlace-mode=fields", TRUE },
  { ",colorimetry=sRGB", TRUE },
  { ",colorimetry=sRGB,chroma-site=mpeg2", TRUE },
  { ",colorimetry=nonsense,chroma-site=nonsense", TRUE },
  { ",multiview-mode=mono", TRUE },
  { ",multiview-mode=side-by-side,multiview-flags=0:ffffffff:right-view-first,views=1", TRUE },
  { ",something-new=(int)7", TRUE },
  { ",interlace-mode=alternate", FALSE }, /* needs its caps feature, as everywhere */
};

static GstElement *
element_new (const char *name)
{
  if (g_str_equal (name, "cbamdetect"))
    return detect_new ("threshold=0.3");

  GstElement *element = gst_element_factory_make (name, NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (element, bus);
  return element;
}

/* The frame that comes out when one of @caps goes in; NULL: none, because the caps are refused. */
static GstBuffer *
push_one (GstHarness *h, const char *caps)
{
  g_autoptr (GstCaps) parsed = gst_caps_from_string (caps);

  fail_unless (parsed != NULL && gst_caps_is_fixed (parsed), "%s", caps);
  gst_harness_push_event (h, gst_event_new_stream_start ("caps"));
  if (!gst_harness_push_event (h, gst_event_new_caps (parsed)))
    return NULL;
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  return gst_harness_push (h, picture_new (LEAST ",framerate=25/1", 3, 0)) == GST_FLOW_OK ? gst_harness_pull (h) : NULL;
}

GST_START_TEST (what_may_be_missing)
{
  static const char *const elements[] = { "cbamdetect", "cbamoverlay" };
  g_autoptr (GArray) expected = found_by (LEAST ",framerate=25/1", 3, "threshold=0.3");

  for (guint e = 0; e < G_N_ELEMENTS (elements); e++)
    for (guint i = 0; i < G_N_ELEMENTS (optional); i++) {
      g_autofree char *caps = g_strconcat (LEAST, optional[i].more, NULL);
      GstHarness *h = harness_new (element_new (elements[e]), NULL);
      g_autoptr (GstBuffer) out = push_one (h, caps);
      fail_unless ((out != NULL) == optional[i].taken, "%s: %s", elements[e], caps);
      if (out != NULL) { /* and they go on as they came */
        g_autoptr (GstCaps) came = gst_caps_from_string (caps), sent = gst_pad_get_current_caps (h->sinkpad);
        fail_unless (gst_caps_is_equal (came, sent), "%s: %s", elements[e], caps);
      }
      if (out != NULL && e == 0) {
        g_autoptr (GArray) found = found_in (out);
        fail_unless (found_equal (expected, found), "%s", caps);
      }
      harness_free (h);
    }
}
GST_END_TEST

/* Only the size counts for text. */
GST_START_TEST (lines_need_a_size)
{
  static const char *const caps[] = {
    LEAST,
    "video/x-raw(format:Interlaced),format=NV12,width=96,height=64,interlace-mode=alternate",
    "video/x-raw(memory:Anything),width=96,height=64",
  };

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++) {
    GstHarness *h = harness_new (element_new ("cbamjson"), NULL);
    g_autoptr (GstBuffer) out = push_one (h, caps[i]);
    fail_unless (out != NULL, "%s", caps[i]);
    harness_free (h);
  }
}
GST_END_TEST

/* Downstream that wants to be told everything is told what it means that caps do not say it. */
GST_START_TEST (downstream_that_wants_all)
{
  static const struct
  {
    const char *wanted, *field, *value;
  } cases[] = {
    { ",framerate=[0/1,60/1]", "framerate", "0/1" },
    { ",framerate=0/1,pixel-aspect-ratio=1/1", "pixel-aspect-ratio", "1/1" },
    { ",framerate=[0/1,60/1],interlace-mode=progressive", "interlace-mode", "progressive" },
    { ",framerate=[0/1,60/1],colorimetry=sRGB", "colorimetry", "sRGB" },
  };
  static const char *const elements[] = { "cbamdetect", "cbamoverlay" };
  static const char *const features[] = { "video/x-raw", "video/x-raw(meta:GstVideoOverlayComposition)",
                                          "video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition)" };

  for (guint e = 0; e < G_N_ELEMENTS (elements); e++)
    for (guint f = 0; f < G_N_ELEMENTS (features); f++)
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *wanted = g_strconcat (features[f], strchr (LEAST, ','), cases[i].wanted, NULL);
        GstHarness *h = harness_new (element_new (elements[e]), NULL);
        gst_harness_set_sink_caps_str (h, wanted);
        g_autoptr (GstBuffer) out = push_one (h, LEAST);
        fail_unless (out != NULL, "%s before %s", elements[e], wanted);
        g_autoptr (GstCaps) sent = gst_pad_get_current_caps (h->sinkpad);
        const GValue *value = gst_structure_get_value (gst_caps_get_structure (sent, 0), cases[i].field);
        g_autofree char *text = value != NULL ? gst_value_serialize (value) : NULL;
        fail_unless_equals_string (text, cases[i].value);
        fail_unless_equals_int (gst_caps_features_contains (gst_caps_get_features (sent, 0),
                                                            GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION),
                                f > 0);
        harness_free (h);
      }
}
GST_END_TEST

/* What downstream cannot take is not made up. */
GST_START_TEST (downstream_that_wants_something_else)
{
  static const char *const wanted[] = { ",framerate=30/1", ",framerate=[0/1,60/1],pixel-aspect-ratio=2/1" };

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    g_autofree char *caps = g_strconcat (LEAST, wanted[i], NULL);
    GstHarness *h = harness_new (element_new ("cbamoverlay"), NULL);
    gst_harness_set_sink_caps_str (h, caps);
    fail_unless (push_one (h, LEAST) == NULL, "%s", caps);
    harness_free (h);
  }
}
GST_END_TEST

/* Whole pipelines, as GStreamer's own elements stand in them. The encoder wants a framerate. */
GST_START_TEST (in_pipelines)
{
  static const char *const lines[] = { "videoconvert",
                                       "cbamdetect",
                                       "cbamoverlay",
                                       "cbamdetect ! cbamoverlay ! cbamjson",
                                       "videoconvert ! jpegenc",
                                       "cbamdetect ! jpegenc",
                                       "cbamoverlay ! jpegenc",
                                       "cbamdetect ! queue ! videoscale ! cbamoverlay" };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    GstHarness *h = gst_harness_new_parse (lines[i]);
    gst_harness_set_live (h, FALSE);
    g_autoptr (GstBuffer) out = push_one (h, LEAST);
    fail_unless (out != NULL, "%s", lines[i]);
    gst_harness_teardown (h);
  }
}
GST_END_TEST

/* The same for frames on a device, where there are any. */
GST_START_TEST (of_every_feature)
{
  static const char *const features[] = { "", "(memory:SystemMemory, meta:GstVideoOverlayComposition)",
                                          "(meta:GstVideoOverlayComposition)", "(memory:VulkanImage)",
                                          "(memory:VulkanImage, meta:GstVideoOverlayComposition)" };
  GstHarness *h = harness_new (element_new ("cbamdetect"), NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "sink");
  g_autoptr (GstCaps) template_caps = gst_pad_get_pad_template_caps (pad);
  g_autofree char *all = gst_caps_to_string (template_caps);
  g_autoptr (GstCaps) interlaced =
      gst_caps_from_string ("video/x-raw(format:Interlaced),format=NV12,width=64,height=64,interlace-mode=alternate");

  for (guint i = 0; i < G_N_ELEMENTS (features); i++) {
    g_autofree char *text = g_strdup_printf ("video/x-raw%s,format=NV12,width=64,height=64", features[i]);
    g_autoptr (GstCaps) caps = gst_caps_from_string (text);
    const gboolean there = strstr (features[i], "Vulkan") == NULL || strstr (all, "Vulkan") != NULL;
    fail_unless_equals_int (gst_pad_query_accept_caps (pad, caps), there);
  }
  fail_if (gst_pad_query_accept_caps (pad, interlaced));
  harness_free (h);
}
GST_END_TEST

/* One error that says what is missing. */
GST_START_TEST (what_may_not_be_missing)
{
  static const struct
  {
    const char *element, *caps, *expected;
  } cases[] = {
    { "cbamdetect", "video/x-raw,width=64,height=64", "a format" },
    { "cbamdetect", "video/x-raw,format=RGB,width=64", "a height" },
    { "cbamoverlay", "video/x-raw,width=64,height=64", "a format" },
    { "cbamoverlay", "video/x-raw,format=RGB,height=64", "a width" },
    { "cbamjson", "video/x-raw,format=RGB,height=64", "a width" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = harness_new (element_new (cases[i].element), NULL);
    g_autoptr (GError) error = NULL;
    fail_unless (push_one (h, cases[i].caps) == NULL);
    g_autoptr (GstMessage) message = pop_message (h->element, GST_MESSAGE_ERROR);
    fail_unless (message != NULL, "%s: %s", cases[i].element, cases[i].caps);
    gst_message_parse_error (message, &error, NULL);
    fail_unless (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT));
    fail_unless (strstr (error->message, cases[i].expected) && strstr (error->message, "64"), "%s", error->message);
    harness_free (h);
  }
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  g_setenv ("CBAM_MODEL", g_getenv ("CBAM_TEST_MODEL"), TRUE);
  TCase *tests = tcase_create ("caps");
  tcase_add_test (tests, what_may_be_missing);
  tcase_add_test (tests, lines_need_a_size);
  tcase_add_test (tests, downstream_that_wants_all);
  tcase_add_test (tests, downstream_that_wants_something_else);
  tcase_add_test (tests, in_pipelines);
  tcase_add_test (tests, of_every_feature);
  tcase_add_test (tests, what_may_not_be_missing);
  return run_suite (tests);
}
