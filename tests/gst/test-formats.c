/* Every format, odd sizes, padded rows, colorimetry, and caps that change: the same picture gives the same detections.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define COLOUR_PICTURE 0
#define GRAY_PICTURE 9

static const char *const colour_formats[] = { "NV12", "I420", "YUY2", "UYVY", "RGB",
                                              "BGR",  "RGBA", "BGRA", "RGBx", "BGRx" };
static const struct
{
  int width, height;
} sizes[] = { { 320, 240 }, { 321, 241 }, { 61, 47 }, { 639, 47 } };

static char *
caps_for (const char *format, int width, int height)
{
  return g_strdup_printf ("video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, width, height);
}

/* The best detections of @picture as RGB. */
static GArray *
reference_for (int width, int height, guint picture)
{
  g_autofree char *caps = caps_for ("RGB", width, height);
  GArray *reference = found_by (caps, picture, "threshold=0 max-detections=10");

  fail_unless (reference->len > 0);
  return reference;
}

/* How far off the detections are when the element takes @caps's bytes for @wrong_caps's. */
static double
distance_if_wrong (const GArray *reference, const char *caps, const char *wrong_caps)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=200"), wrong_caps);

  gst_harness_push (h, picture_new (caps, COLOUR_PICTURE, 0));
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) found = found_in (out);
  harness_free (h);
  return found_distance (reference, found);
}

/* Chroma subsampling and 8-bit Y'CbCr move pixels by a few levels. Measured with the test model, that is 0.01 to 0.03
 * of what red and blue exchanged do to the detections; a wrong matrix does 0.044 of it, and a wrong range 0.11. */
static double
limit_for (const GArray *reference, int width, int height)
{
  g_autofree char *rgb = caps_for ("RGB", width, height);
  g_autofree char *bgr = caps_for ("BGR", width, height);

  return 0.037 * distance_if_wrong (reference, bgr, rgb);
}

static void
assert_same_picture (const GArray *reference, const char *caps, guint picture, double limit)
{
  g_autoptr (GArray) found = found_by (caps, picture, "threshold=0 max-detections=200");
  const double distance = found_distance (reference, found);

  fail_unless (distance <= limit, "%s: %g from the reference, allowed %g", caps, distance, limit);
}

GST_START_TEST (colour_formats_agree)
{
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    g_autoptr (GArray) reference = reference_for (sizes[s].width, sizes[s].height, COLOUR_PICTURE);
    const double limit = limit_for (reference, sizes[s].width, sizes[s].height);
    for (guint f = 0; f < G_N_ELEMENTS (colour_formats); f++) {
      g_autofree char *caps = caps_for (colour_formats[f], sizes[s].width, sizes[s].height);
      assert_same_picture (reference, caps, COLOUR_PICTURE, limit);
    }
  }
}
GST_END_TEST

/* Same pixels in another order are the same input, to the last bit. */
GST_START_TEST (rgb_orders_are_equal)
{
  g_autofree char *rgb = caps_for ("RGB", 123, 77);
  g_autoptr (GArray) reference = found_by (rgb, COLOUR_PICTURE, "threshold=0");

  for (guint f = 5; f < G_N_ELEMENTS (colour_formats); f++) {
    g_autofree char *caps = caps_for (colour_formats[f], 123, 77);
    g_autoptr (GArray) found = found_by (caps, COLOUR_PICTURE, "threshold=0");
    fail_unless (found_equal (reference, found), "%s", caps);
  }
}
GST_END_TEST

GST_START_TEST (gray_agrees)
{
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    g_autofree char *gray = caps_for ("GRAY8", sizes[s].width, sizes[s].height);
    g_autoptr (GArray) reference = reference_for (sizes[s].width, sizes[s].height, GRAY_PICTURE);
    assert_same_picture (reference, gray, GRAY_PICTURE, 0.001); /* gray is gray: all but equal */
  }
}
GST_END_TEST

GST_START_TEST (colorimetry_is_read)
{
  const char *const colorimetries[] = { "bt601", "bt709", "bt2020", "smpte240m", "1:4:0:0", "1:3:0:0" };
  g_autoptr (GArray) reference = reference_for (320, 240, COLOUR_PICTURE);
  const double limit = limit_for (reference, 320, 240);

  for (guint i = 0; i < G_N_ELEMENTS (colorimetries); i++) {
    g_autofree char *caps = g_strdup_printf (
        "video/x-raw,format=NV12,width=320,height=240,framerate=25/1,colorimetry=%s", colorimetries[i]);
    assert_same_picture (reference, caps, COLOUR_PICTURE, limit);
  }
}
GST_END_TEST

/* The tests above can fail: colours misread by matrix or range are beyond the limit. */
GST_START_TEST (wrong_colours_differ)
{
  const char *nv12 = "video/x-raw,format=NV12,width=320,height=240,framerate=25/1";
  g_autoptr (GArray) reference = reference_for (320, 240, COLOUR_PICTURE);
  const double limit = limit_for (reference, 320, 240);
  g_autofree char *full = g_strdup_printf ("%s,colorimetry=1:4:0:0", nv12);
  g_autofree char *bt709 = g_strdup_printf ("%s,colorimetry=bt709", nv12);

  fail_unless (limit > 0);
  fail_unless (distance_if_wrong (reference, nv12, full) > limit);
  fail_unless (distance_if_wrong (reference, nv12, bt709) > limit);
}
GST_END_TEST

GST_START_TEST (every_tiny_size_works)
{
  for (int width = 1; width <= 5; width++)
    for (int height = 1; height <= 3; height++) {
      g_autofree char *caps = caps_for (colour_formats[(width + height) % 4], width, height);
      g_autoptr (GArray) found = found_by (caps, COLOUR_PICTURE, "threshold=0 overlay=boxes+labels");
      for (guint i = 0; i < found->len; i++) {
        const Found *f = &g_array_index (found, Found, i);
        fail_unless (f->width >= 1 && f->height >= 1 && f->x + f->width <= (guint) width &&
                     f->y + f->height <= (guint) height);
      }
    }
}
GST_END_TEST

/* Rows of any length, another one in every buffer, as the buffers' GstVideoMeta say. */
GST_START_TEST (strides_of_each_buffer)
{
  const guint paddings[] = { 0, 1, 64, 3, 0, 17 };
  const char *const formats[] = { "NV12", "I420", "YUY2", "RGB", "BGRx", "GRAY8" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    g_autofree char *caps = caps_for (formats[f], 101, 67);
    g_autoptr (GArray) reference = found_by (caps, COLOUR_PICTURE, "threshold=0");
    GstHarness *h = harness_new (detect_new ("threshold=0"), caps);
    for (guint i = 0; i < G_N_ELEMENTS (paddings); i++) {
      GstBuffer *plain = picture_new (caps, COLOUR_PICTURE, i);
      if (paddings[i] > 0) {
        GstBuffer *padded = picture_pad (plain, caps, paddings[i]);
        gst_buffer_unref (plain);
        plain = padded;
      }
      fail_unless_equals_int (gst_harness_push (h, plain), GST_FLOW_OK);
      g_autoptr (GstBuffer) out = gst_harness_pull (h);
      g_autoptr (GArray) found = found_in (out);
      fail_unless (found_equal (reference, found), "%s with %u bytes of padding", formats[f], paddings[i]);
    }
    harness_free (h);
  }
}
GST_END_TEST

typedef struct
{
  int width;
  guint n_frames, n_caps;
} Watch;

static GstPadProbeReturn
watch (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Watch *w = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    g_autoptr (GArray) found = found_in (GST_PAD_PROBE_INFO_BUFFER (info));
    for (guint i = 0; i < found->len; i++)
      fail_unless (g_array_index (found, Found, i).x + g_array_index (found, Found, i).width <= (guint) w->width);
    fail_unless_equals_int (gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info)), GST_ROUND_UP_4 (w->width * 3) * 50);
    w->n_frames++;
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_CAPS) {
    GstCaps *caps;
    gst_event_parse_caps (GST_PAD_PROBE_INFO_EVENT (info), &caps);
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &w->width);
    w->n_caps++;
  }
  return GST_PAD_PROBE_OK;
}

/* New caps stay between the frames they stand between, though frames of the old ones are still being inferred. */
GST_START_TEST (caps_change_in_their_place)
{
  Watch w = { 0 };
  GstHarness *h = harness_new (detect_new ("threshold=0 queue-depth=8"), NULL);

  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, watch, &w, NULL);
  for (guint i = 0; i < 12; i++) {
    g_autofree char *caps = caps_for ("RGB", 40 + 31 * (i / 3), 50);
    if (i % 3 == 0)
      gst_harness_set_src_caps_str (h, caps);
    fail_unless_equals_int (gst_harness_push (h, picture_new (caps, i % 3, i)), GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 12; i++)
    gst_buffer_unref (gst_harness_pull (h));
  fail_unless_equals_int (w.n_frames, 12);
  fail_unless_equals_int (w.n_caps, 4);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (caps_answers)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), NULL);
  GstPad *pad = gst_element_get_static_pad (h->element, "sink");

  gst_harness_set_sink_caps_str (h, "video/x-raw,format={I420,v210},width=[1,100]");
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  g_autoptr (GstCaps) good = gst_caps_from_string ("video/x-raw,format=I420,width=64,height=64,framerate=25/1");
  g_autoptr (GstCaps) wide = gst_caps_from_string ("video/x-raw,format=I420,width=640,height=64,framerate=25/1");
  g_autoptr (GstCaps) deep = gst_caps_from_string ("video/x-raw,format=v210,width=64,height=64,framerate=25/1");
  fail_unless (gst_caps_can_intersect (caps, good));
  fail_if (gst_caps_can_intersect (caps, wide));
  fail_if (gst_caps_can_intersect (caps, deep));
  fail_unless (gst_pad_query_accept_caps (pad, good));
  fail_if (gst_pad_query_accept_caps (pad, wide));
  fail_if (gst_pad_query_accept_caps (pad, deep));

  g_autoptr (GstCaps) filter = gst_caps_from_string ("video/x-raw,format={NV12,I420},width=32");
  g_autoptr (GstCaps) filtered = gst_pad_query_caps (pad, filter);
  fail_unless (gst_caps_is_subset (filtered, filter));
  fail_if (gst_caps_is_empty (filtered));

  gst_object_unref (pad);
  harness_free (h);
}
GST_END_TEST

/* A frame smaller than its caps is one clear error, and a memory error in nobody. */
GST_START_TEST (short_buffer_is_an_error)
{
  const char *caps = "video/x-raw,format=RGB,width=100,height=100,framerate=25/1";
  GstHarness *h = harness_new (detect_new ("%s", ""), caps);

  fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_allocate (NULL, 100, NULL)), GST_FLOW_ERROR);
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_allocate (NULL, 100, NULL)), GST_FLOW_ERROR);
  g_autoptr (GstMessage) error = pop_message (h->element, GST_MESSAGE_ERROR);
  g_autoptr (GstMessage) another = pop_message (h->element, GST_MESSAGE_ERROR);
  fail_unless (error != NULL && another == NULL);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("formats");
  tcase_add_test (tests, colour_formats_agree);
  tcase_add_test (tests, rgb_orders_are_equal);
  tcase_add_test (tests, gray_agrees);
  tcase_add_test (tests, colorimetry_is_read);
  tcase_add_test (tests, wrong_colours_differ);
  tcase_add_test (tests, every_tiny_size_works);
  tcase_add_test (tests, strides_of_each_buffer);
  tcase_add_test (tests, caps_change_in_their_place);
  tcase_add_test (tests, caps_answers);
  tcase_add_test (tests, short_buffer_is_an_error);
  return run_suite (tests);
}
