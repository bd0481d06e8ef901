/* The processor itself as a device: how it is found and shared, what it says of Vulkan's part of the library, and that
 * the number of threads and of frames at once changes nothing of what comes out.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/vulkan.h>
#include <math.h>
#include <string.h>

#include "host/processor.h"
#include "model.h"
#include "results.h"
#include "run/host/loops.h"
#include "vk/device.h"

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
make_detector (CbamDevice *device, guint slots, CbamPrecision precision)
{
  const CbamModelConfig config = { .precision = precision };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), &config, &error);
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
  g_autoptr (CbamDetector) detector = make_detector (device, 1, CBAM_PRECISION_AUTO);
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
check_same_bits (CbamPrecision precision)
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
      g_autoptr (CbamDetector) detector = make_detector (device, slots, precision);

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

static void
test_same_bits (void)
{
  check_same_bits (CBAM_PRECISION_FP32);
}

static gboolean
lacks_bf16 (void)
{
  g_autoptr (CbamDevice) device = open_host (0);

  if (cbam_device_has_precision (device, CBAM_PRECISION_BF16))
    return FALSE;
  g_test_skip ("this processor does not compute in bfloat16");
  return TRUE;
}

static void
test_same_bits_bf16 (void)
{
  if (!lacks_bf16 ())
    check_same_bits (CBAM_PRECISION_BF16);
}

/* Unless somebody asks for another, the fastest is taken; the model says which. */
static void
test_precision (void)
{
  g_autoptr (CbamDevice) device = open_host (0);
  const gboolean has_bf16 = cbam_device_has_precision (device, CBAM_PRECISION_BF16);
  const CbamPrecision wanted[] = { CBAM_PRECISION_AUTO, CBAM_PRECISION_FP32, CBAM_PRECISION_BF16 };
  const CbamPrecision fastest = device->caps.has_bf16_tiles ? CBAM_PRECISION_BF16 : CBAM_PRECISION_FP32;

  g_assert_true (cbam_device_has_precision (device, CBAM_PRECISION_FP32));
  g_assert_false (cbam_device_has_precision (device, CBAM_PRECISION_FP16));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    const CbamModelConfig config = { .precision = wanted[i] };
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamModel) model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), &config, &error);

    if (wanted[i] == CBAM_PRECISION_BF16 && !has_bf16) {
      g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
      continue;
    }
    g_assert_no_error (error);
    g_assert_cmpint (cbam_model_get_info (model)->precision, ==, wanted[i] == 0 ? fastest : wanted[i]);
    g_assert_true ((strstr (cbam_model_get_info (model)->kernels, "bfloat16") != NULL) ==
                   (cbam_model_get_info (model)->precision == CBAM_PRECISION_BF16));
  }
}

/* ---- Rounding to bfloat16 ---------------------------------------------------------------------------------------- */

static float
float_of (guint32 bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

/* By all the loops there are, in pieces of all lengths up to a few vectors. */
static void
test_rounding (void)
{
  const struct
  {
    guint32 from;
    guint16 to;
  } cases[] = {
    { 0, 0 },
    { 0x80000000, 0x8000 },
    { 0x3f800000, 0x3f80 },
    { 0x3f807fff, 0x3f80 }, /* less than half */
    { 0x3f808000, 0x3f80 }, /* half: to the even one, which is below, */
    { 0x3f818000, 0x3f82 }, /* ... or above */
    { 0x3f808001, 0x3f81 },
    { 0xbf808001, 0xbf81 },
    { 0x3fffffff, 0x4000 }, /* into the exponent */
    { 0x7f7fffff, 0x7f80 }, /* the largest becomes infinite */
    { 0x7f800000, 0x7f80 },
    { 0xff800000, 0xff80 },
  };
  const guint32 none[] = { 0x7fc00000, 0xffffffff, 0x7f800001 };
  const guint n = G_N_ELEMENTS (cases);

  if (lacks_bf16 ())
    return;
  for (guint v = 0; v <= (guint) cbam_processor_get_vectors (); v++)
    for (guint length = 1; length < 100; length++) {
      float from[100];
      guint16 to[101] = { 0 };

      for (guint i = 0; i < length; i++)
        from[i] = float_of (cases[(i + length) % n].from);
      to[length] = 0x1234;
      cbam_loops_get (v)->to_bf16 (to, from, length);
      for (guint i = 0; i < length; i++)
        g_assert_cmphex (to[i], ==, cases[(i + length) % n].to);
      g_assert_cmphex (to[length], ==, 0x1234);
      for (guint i = 0; i < length; i++)
        from[i] = float_of (none[(i + length) % G_N_ELEMENTS (none)]);
      cbam_loops_get (v)->to_bf16 (to, from, length);
      for (guint i = 0; i < length; i++)
        g_assert_true (isnan (float_of ((guint32) to[i] << 16)));
    }
}

/* A stream of its own that finds what it always finds, while others are at work on the same threads. */
static gpointer
detect_often (gpointer data)
{
  static guint8 bytes[3][WIDTH * HEIGHT * 3];
  static gint streams;
  const guint stream = (guint) g_atomic_int_add (&streams, 1) % 3;
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes[stream] } };
  g_autoptr (CbamDetector) detector = make_detector (data, 2, CBAM_PRECISION_AUTO);
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
  g_test_add_func ("/host/same-bits-bf16", test_same_bits_bf16);
  g_test_add_func ("/host/precision", test_precision);
  g_test_add_func ("/host/rounding", test_rounding);
  g_test_add_func ("/host/streams", test_streams);
  return g_test_run ();
}
