/* A network through the public door by another runner than the device's own: the answers are the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>

#include "compare.h"
#include "results.h"

#define WIDTH 90
#define HEIGHT 70

static CbamResult *
detect (CbamDebugFlags debug, guint grad_cam, GError **error)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
  const CbamDetectParams params = { .threshold = 0.2f, .max_detections = 20, .grad_cam = grad_cam };
  g_autoptr (CbamDevice) device = test_device_open (debug);
  const CbamModelConfig config = { .precision = CBAM_PRECISION_FP32 };
  g_autoptr (CbamModel) model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), &config, error);
  g_autoptr (CbamDetector) detector = model != NULL ? cbam_detector_new (model, NULL, error) : NULL;
  GRand *rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  g_rand_free (rand);
  g_assert_nonnull (detector);
  return cbam_detector_detect (detector, &image, &params, error);
}

static void
test_reference (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamResult) expected = detect (CBAM_DEBUG_REFERENCE, 0, &error), found = detect (0, 0, &error);
  const CbamDetection *a, *b;
  gsize n, m;

  g_assert_no_error (error);
  a = test_get_detections (expected, &n);
  b = test_get_detections (found, &m);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (n, ==, m);
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpuint (a[i].class_id, ==, b[i].class_id);
    g_assert_cmpfloat_with_epsilon (a[i].score, b[i].score, 1e-5);
    g_assert_cmpfloat_with_epsilon (a[i].x, b[i].x, 1e-2);
    g_assert_cmpfloat_with_epsilon (a[i].y, b[i].y, 1e-2);
    g_assert_cmpfloat_with_epsilon (a[i].width, b[i].width, 1e-2);
    g_assert_cmpfloat_with_epsilon (a[i].height, b[i].height, 1e-2);
  }
  g_assert_cmpfloat_with_epsilon (cbam_result_get_best_score (expected), cbam_result_get_best_score (found), 1e-5);
}

/* What a runner cannot is an error, not a map of zeros. */
static void
test_no_grad_cam (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (detect (CBAM_DEBUG_REFERENCE, 1, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_assert_cmpstr (error->message, ==, "the reference runner has no Grad-CAM");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runners/reference", test_reference);
  g_test_add_func ("/runners/no-grad-cam", test_no_grad_cam);
  return g_test_run ();
}
