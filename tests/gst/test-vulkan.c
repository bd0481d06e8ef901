/* Frames in memory:VulkanImage: detected where they lie, as the same frames in system memory are. Skipped where
 * GStreamer's Vulkan elements are missing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#ifdef HAVE_GST_VULKAN
#include <gst/vulkan/vulkan.h>
#endif

#define N_FRAMES 8

#define CAPS(format) "video/x-raw,format=" format ",width=160,height=120,framerate=25/1"

/* What vulkanupload of GStreamer 1.22 can make images of; RGB makes it crash. */
static const char *const formats[] = { CAPS ("NV12"), CAPS ("RGBA"), CAPS ("BGRA"), CAPS ("RGBx"), CAPS ("BGRx") };

static gboolean
can_upload (void)
{
  g_autoptr (GstElementFactory) upload = gst_element_factory_find ("vulkanupload");
  g_autoptr (GstElementFactory) download = gst_element_factory_find ("vulkandownload");

  return upload != NULL && download != NULL;
}

/* videotestsrc, in memory that vulkanupload proposes (that of 1.22 crashes on most other), and then @rest. */
static GstHarness *
source_harness (const char *caps, const char *rest)
{
  g_autofree char *line = g_strdup_printf ("videotestsrc pattern=ball num-buffers=%u ! %s ! %s", N_FRAMES, caps, rest);
  GstHarness *h = gst_harness_new_parse (line);
  g_autoptr (GstBus) bus = gst_bus_new ();

  fail_unless (h != NULL, "%s", line);
  gst_element_set_bus (h->element, bus);
  gst_harness_play (h);
  return h;
}

/* The same with the element after an upload, which has these further properties, and then @rest. */
static GstHarness *
upload_harness (const char *caps, const char *properties, const char *rest)
{
  g_autofree char *line =
      g_strdup_printf ("vulkanupload ! cbamdetect name=detect precision=fp32 threshold=0.02 model=%s %s %s",
                       model_path (), properties, rest);
  return source_harness (caps, line);
}

static GstBuffer *
pull_one (GstHarness *h)
{
  GstBuffer *buffer = gst_harness_pull (h);

  fail_unless (buffer != NULL);
  return buffer;
}

/* vulkanupload of 1.26 frees its images when it is stopped, those with copies still to run too, which crashes on busy
 * machines: the copies wait behind what is inferred. So streams end first; @pulled of their frames have been pulled. */
static void
come_to_rest (GstHarness *h, guint pulled)
{
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);
  for (guint i = pulled; i < N_FRAMES && minor >= 24; i++)
    gst_buffer_unref (pull_one (h));
}

/* (transfer full): what is found in the first frame in system memory. */
static GArray *
found_plainly (const char *caps, const char *properties)
{
  g_autofree char *line =
      g_strdup_printf ("cbamdetect precision=fp32 threshold=0.02 model=%s %s", model_path (), properties);
  GstHarness *h = source_harness (caps, line);
  g_autoptr (GstBuffer) buffer = pull_one (h);
  GArray *found = found_in (buffer);

  harness_free (h);
  return found;
}

/* Not to the bit: on a device that is not its own the library may use other kernels. */
static void
assert_same (const GArray *expected, GstBuffer *buffer)
{
  g_autoptr (GArray) found = found_in (buffer);

  fail_unless (expected->len > 0);
  fail_unless_equals_int (found->len, expected->len);
  fail_unless (found_distance (expected, found) < 1e-5, "%g", found_distance (expected, found));
}

/* Who uses the images next learns what they were used for last. */
static void
assert_noted (GstBuffer *buffer)
{
#ifdef HAVE_GST_VULKAN
  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++) {
    const GstVulkanBarrierImageInfo *state = &((GstVulkanImageMemory *) gst_buffer_peek_memory (buffer, i))->barrier;

    fail_unless_equals_int (state->image_layout, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
    fail_unless (state->parent.pipeline_stages == VK_PIPELINE_STAGE_TRANSFER_BIT);
    fail_unless (state->parent.access_flags == VK_ACCESS_TRANSFER_READ_BIT);
  }
#else
  (void) buffer;
#endif
}

GST_START_TEST (test_formats)
{
  const char *caps = formats[__i__];
  g_autoptr (GArray) expected = found_plainly (caps, "");
  GstHarness *h = upload_harness (caps, "", "");
  g_autoptr (GstBuffer) buffer = pull_one (h);
  g_autoptr (GstCaps) out = gst_pad_get_current_caps (h->sinkpad);

  fail_unless (gst_caps_features_contains (gst_caps_get_features (out, 0), "memory:VulkanImage"));
  fail_unless (gst_memory_is_type (gst_buffer_peek_memory (buffer, 0), "VulkanImage"));
  assert_same (expected, buffer);
  assert_noted (buffer);
  for (guint i = 1; i < N_FRAMES; i++)
    gst_buffer_unref (pull_one (h));
  harness_free (h);
}
GST_END_TEST

/* A part of the frame, turned. */
GST_START_TEST (test_roi)
{
  const char *caps = CAPS ("NV12"), *roi = "roi=31,21,90,70 video-direction=90r";
  g_autoptr (GArray) expected = found_plainly (caps, roi);
  GstHarness *h = upload_harness (caps, roi, "");
  g_autoptr (GstBuffer) buffer = pull_one (h);

  assert_same (expected, buffer);
  come_to_rest (h, 1);
  harness_free (h);
}
GST_END_TEST

/* The images are only read, and stay what GStreamer's own elements can read after us. (vulkandownload of 1.22 keeps no
 * metadata.) */
GST_START_TEST (test_pixels_stay)
{
  const char *caps = CAPS ("RGBA");
  GstHarness *h = upload_harness (caps, "", "! vulkandownload"), *plain = source_harness (caps, "identity");

  for (guint i = 0; i < N_FRAMES; i++) {
    g_autoptr (GstBuffer) sent = pull_one (plain), got = pull_one (h);
    GstMapInfo map;

    fail_unless (gst_buffer_map (sent, &map, GST_MAP_READ));
    fail_unless (gst_buffer_memcmp (got, 0, map.data, map.size) == 0, "frame %u", i);
    gst_buffer_unmap (sent, &map);
  }
  harness_free (h);
  harness_free (plain);
}
GST_END_TEST

/* Two readers of the same images. What they find is not compared: with queues after it, vulkanupload of 1.22 fills
 * images from memory that its source has written anew. */
GST_START_TEST (test_tee)
{
  const char *caps = CAPS ("NV12");
  g_autofree char *line = g_strdup_printf (
      "vulkanupload ! tee name=t t. ! queue ! cbamdetect precision=fp32 threshold=0.02 model=%s ! fakesink async=false "
      "t. ! queue ! cbamdetect precision=fp32 threshold=0.02 model=%s",
      model_path (), model_path ());
  GstHarness *h = source_harness (caps, line);

  for (guint i = 0; i < N_FRAMES; i++) {
    g_autoptr (GstBuffer) buffer = pull_one (h);
    g_autoptr (GArray) found = found_in (buffer);
    fail_unless (found->len > 0);
  }
  harness_free (h);
}
GST_END_TEST

/* Nothing can be drawn on images: said once, and frames go on with what was found. */
GST_START_TEST (test_overlay)
{
  const char *caps = CAPS ("RGBA");
  g_autoptr (GArray) expected = found_plainly (caps, "");
  GstHarness *h = upload_harness (caps, "overlay=boxes+labels", "");
  g_autoptr (GstBuffer) earliest = pull_one (h);
  guint warnings = 0;

  assert_same (expected, earliest);
  for (guint i = 1; i < N_FRAMES; i++)
    gst_buffer_unref (pull_one (h));
  for (GstMessage *message; (message = pop_message (h->element, GST_MESSAGE_WARNING)) != NULL; warnings++)
    gst_message_unref (message);
  fail_unless_equals_int (warnings, 1);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (test_states)
{
  const char *caps = CAPS ("NV12");
  g_autoptr (GArray) expected = found_plainly (caps, "");
  GstHarness *h = upload_harness (caps, "", "");
  g_autoptr (GstElement) detect = gst_bin_get_by_name (GST_BIN (h->element), "detect");

  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = pull_one (h);

    assert_same (expected, buffer);
    gst_buffer_unref (buffer);
    come_to_rest (h, 1);
    /* The same model again, on the device of the frames. */
    g_object_set (detect, "model", model_path (), NULL);
    fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    while ((buffer = gst_harness_try_pull (h)) != NULL)
      gst_buffer_unref (buffer);
    gst_harness_play (h);
  }
  come_to_rest (h, 0);
  harness_free (h);
}
GST_END_TEST

/* Smaller frames: the memory that the earlier ones came from goes while their copies wait behind what is inferred.
 * (Larger ones make vulkanupload of 1.22 write past its images.) */
GST_START_TEST (test_caps_change)
{
  GstHarness *h = upload_harness ("capsfilter name=size caps=" CAPS ("NV12"), "", "");
  g_autoptr (GstElement) size = gst_bin_get_by_name (GST_BIN (h->element), "size");
  g_autoptr (GstCaps) smaller = gst_caps_from_string ("video/x-raw,format=NV12,width=96,height=80,framerate=25/1");
  gint width = 0;

  gst_buffer_unref (pull_one (h));
  g_object_set (size, "caps", smaller, NULL);
  for (guint i = 1; i < N_FRAMES; i++) {
    g_autoptr (GstBuffer) buffer = pull_one (h);
    g_autoptr (GArray) found = found_in (buffer);
    fail_unless (found->len > 0);
  }
  g_autoptr (GstCaps) out = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_structure_get_int (gst_caps_get_structure (out, 0), "width", &width));
  fail_unless_equals_int (width, 96);
  harness_free (h);
}
GST_END_TEST

/* One error that says so, and the frame is not read. */
GST_START_TEST (test_image_too_small)
{
  GstHarness *h = upload_harness (CAPS ("NV12"), "", "");
  GstHarness *wider = harness_new (detect_new ("%s", "name=detect"),
                                   "video/x-raw(memory:VulkanImage),format=NV12,width=162,height=120,framerate=25/1");
  g_autoptr (GError) error = NULL;

  fail_unless_equals_int (gst_harness_push (wider, pull_one (h)), GST_FLOW_ERROR);
  g_autoptr (GstMessage) message = pop_message (wider->element, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, "162x120 pixels in an image of 160x120") != NULL, "%s", error->message);
  harness_free (wider);
  come_to_rest (h, 1);
  harness_free (h);
}
GST_END_TEST

/* So is it where the property says that the processor itself computes, if it can. */
GST_START_TEST (test_processor_named)
{
  GstHarness *h = upload_harness (CAPS ("NV12"), "", "");

  g_setenv ("CBAM_DEBUG", "", TRUE);
  GstHarness *named = harness_new (detect_new ("%s", "name=detect device=cpu"),
                                   "video/x-raw(memory:VulkanImage),format=NV12,width=160,height=120,framerate=25/1");
  const GstFlowReturn flow = gst_harness_push (named, pull_one (h));
  g_autoptr (GstMessage) message = pop_message (named->element, GST_MESSAGE_ERROR);

  if (HAS_HOST) {
    g_autoptr (GError) error = NULL;

    fail_unless_equals_int (flow, GST_FLOW_ERROR);
    fail_unless (message != NULL);
    gst_message_parse_error (message, &error, NULL);
    fail_unless (strstr (error->message, "vulkandownload") != NULL, "%s", error->message);
  } else
    fail_unless (message == NULL); /* built without oneDNN: cpu is Vulkan in software */
  harness_free (named);
  come_to_rest (h, 1);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  TCase *tests = tcase_create ("vulkan");

  gst_check_init (&argc, &argv);
  if (!can_upload ())
    return 77; /* what meson takes for skipped */
  tcase_add_loop_test (tests, test_formats, 0, G_N_ELEMENTS (formats));
  tcase_add_test (tests, test_roi);
  tcase_add_test (tests, test_pixels_stay);
  tcase_add_test (tests, test_tee);
  tcase_add_test (tests, test_overlay);
  tcase_add_test (tests, test_states);
  tcase_add_test (tests, test_caps_change);
  tcase_add_test (tests, test_image_too_small);
  tcase_add_test (tests, test_processor_named);
  return run_suite (tests);
}
