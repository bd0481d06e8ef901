/* The processor itself as a device: how it is found and shared, what it says of Vulkan's part of the library, and that
 * the number of threads and of frames at once changes nothing of what comes out.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/vulkan.h>
#include <string.h>

#include "host/processor.h"
#include "model.h"
#include "results.h"

#define WIDTH 120
#define HEIGHT 90
#define FRAMES 24

static CbamDevice *
open_host (guint threads)
{
  g_autoptr (GError) error = NULL;
  CbamDevice *device =
      cbam_device_open_configured ("cpu", &(CbamDeviceConfig){ .size = sizeof (CbamDeviceConfig), threads }, &error);

  g_assert_no_error (error);
  return device;
}

/* It is offered with or without a Vulkan loader or driver, before software that does as a GPU would. */
static void
test_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDeviceList) list = cbam_device_list_new (&error);
  g_autofree char *name = cbam_processor_get_name ();
  guint at = G_MAXUINT;

  g_assert_no_error (error);
  for (guint i = 0; i < cbam_device_list_size (list); i++) {
    const CbamDeviceInfo *info = cbam_device_list_get (list, i);

    if (g_str_equal (info->type, "host")) {
      g_assert_cmpuint (at, ==, G_MAXUINT);
      at = i;
      g_assert_cmpstr (info->name, ==, name);
      g_assert_nonnull (strstr (info->driver, "oneDNN"));
      g_assert_nonnull (strstr (info->driver, "thread"));
    }
    g_assert_true (!g_str_equal (info->type, "cpu") || i > at);
  }
  g_assert_cmpuint (at, !=, G_MAXUINT);
}

static void
test_open (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) device = open_host (0), again = open_host (0), alone = open_host (1);
  g_autoptr (CbamDevice) same = open_host (cbam_processor_count_threads ()), by_number = NULL;

  g_assert_cmpstr (cbam_device_get_info (device)->type, ==, "host");
  g_assert_true (cbam_device_is_cpu (device));
  g_assert_true (device == again);
  g_assert_true (device == same);
  g_assert_true ((device == alone) == (cbam_processor_count_threads () == 1));
  g_assert_true (g_str_has_prefix (cbam_device_get_info (alone)->driver, "1 thread,"));
  by_number = cbam_device_open ("100", &error);
  g_assert_no_error (error);
  g_assert_true (device == by_number);
  g_assert_true (cbam_device_wait_idle (device, &error));
}

/* Where there is no driver, that is the error of whoever wants Vulkan, and of nobody else. */
static void
test_without_vulkan (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) any = NULL, vulkan = NULL;

  if (!g_getenv ("CBAM_TEST_WITHOUT_VULKAN")) {
    g_test_skip ("there is a driver");
    return;
  }
  any = cbam_device_open (NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (cbam_device_get_info (any)->type, ==, "host");
  vulkan = cbam_device_open ("llvmpipe", &error);
  g_assert_null (vulkan);
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE);
  g_assert_nonnull (strstr (error->message, g_getenv ("CBAM_TEST_WITHOUT_VULKAN")));
  g_clear_error (&error);
  vulkan = cbam_device_open ("gpu", &error);
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE);
}

static CbamDetector *
make_detector (CbamDevice *device, guint slots)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  CbamDetector *detector;

  g_assert_no_error (error);
  detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = slots }, &error);
  g_assert_no_error (error);
  return detector;
}

/* Images of Vulkan's are an error, and the slot is free again. */
static void
test_images (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) device = open_host (0);
  g_autoptr (CbamDetector) detector = make_detector (device, 1);
  const CbamImage image = { .format = CBAM_FORMAT_RGBA, .width = 64, .height = 64 };
  const CbamVulkanPlane plane = { .image = (VkImage) (gsize) 1 };
  const CbamVulkanFrame frame = { .image = &image, .planes = { &plane, &plane, &plane } };

  g_assert_false (cbam_detector_submit_vulkan (detector, &frame, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "processor itself"));
  g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 1);
}

static void
fill (guint8 *bytes, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < WIDTH * HEIGHT * 3; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  g_rand_free (rand);
}

/* What is found in frame @number, in words. */
static char *
describe (const CbamResult *result)
{
  GString *text = g_string_new (NULL);
  gsize n;
  const CbamDetection *found = test_get_detections (result, &n);

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (text, "%u %a %a %a %a %a\n", found[i].class_id, (double) found[i].score,
                            (double) found[i].x, (double) found[i].y, (double) found[i].width,
                            (double) found[i].height);
  return g_string_free (text, FALSE);
}

/* Many frames at once are computed a thread each, one alone by all of them: the same bits, whichever. */
static void
test_same_bits (void)
{
  const guint threads[] = { 1, 2, 3, 5 };
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
  const CbamDetectParams params = { .threshold = 0.2f, .max_detections = 30 };
  g_autofree char *expected = NULL;

  fill (bytes, 5);
  for (guint t = 0; t < G_N_ELEMENTS (threads); t++)
    for (guint slots = 1; slots <= 8; slots += 7) {
      g_autoptr (CbamDevice) device = open_host (threads[t]);
      g_autoptr (CbamDetector) detector = make_detector (device, slots);

      for (guint i = 0; i < FRAMES; i += slots) {
        for (guint s = 0; s < slots; s++) {
          g_autoptr (GError) error = NULL;

          cbam_detector_submit (detector, &image, &params, &error);
          g_assert_no_error (error);
        }
        for (guint s = 0; s < slots; s++) {
          g_autoptr (GError) error = NULL;
          g_autoptr (CbamResult) result = cbam_detector_collect (detector, &error);
          g_autofree char *found = NULL;

          g_assert_no_error (error);
          found = describe (result);
          if (expected == NULL)
            expected = g_strdup (found);
          g_assert_cmpstr (found, ==, expected);
        }
      }
    }
  g_assert_cmpuint (strlen (expected), >, 0);
}

/* A stream of its own that finds what it always finds, while others are at work on the same threads. */
static gpointer
detect_often (gpointer data)
{
  static guint8 bytes[3][WIDTH * HEIGHT * 3];
  static gint streams;
  const guint stream = (guint) g_atomic_int_add (&streams, 1) % 3;
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes[stream] } };
  g_autoptr (CbamDetector) detector = make_detector (data, 2);
  g_autofree char *expected = NULL;

  fill (bytes[stream], stream);
  for (guint i = 0; i < FRAMES; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamResult) result = NULL;
    g_autofree char *found = NULL;

    while (!cbam_detector_submit (detector, &image, &(CbamDetectParams){ .threshold = 0.2f }, &error)) {
      g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BUSY);
      g_clear_error (&error);
      g_usleep (200);
    }
    result = cbam_detector_collect (detector, &error);
    g_assert_no_error (error);
    found = describe (result);
    if (expected == NULL)
      expected = g_strdup (found);
    g_assert_cmpstr (found, ==, expected);
  }
  return NULL;
}

static void
test_streams (void)
{
  g_autoptr (CbamDevice) device = open_host (2);
  GThread *streams[3];

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    streams[i] = g_thread_new ("stream", detect_often, device);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    g_thread_join (streams[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host/list", test_list);
  g_test_add_func ("/host/open", test_open);
  g_test_add_func ("/host/without-vulkan", test_without_vulkan);
  g_test_add_func ("/host/images", test_images);
  g_test_add_func ("/host/same-bits", test_same_bits);
  g_test_add_func ("/host/streams", test_streams);
  return g_test_run ();
}
