/* Comparing what a device computed with the truth.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "compare.h"

#include <math.h>

static gboolean
has_validation_layer (void)
{
  return g_file_test ("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json", G_FILE_TEST_EXISTS);
}

gboolean
test_is_host (void)
{
  return g_strcmp0 (g_getenv ("CBAM_TEST_DEVICE"), "cpu") == 0;
}

CbamDevice *
test_device_open (CbamDebugFlags debug)
{
  const char *name = g_getenv ("CBAM_TEST_DEVICE");
  const CbamDebugFlags more =
      (name != NULL ? 0 : CBAM_DEBUG_NO_HOST) | (has_validation_layer () ? CBAM_DEBUG_VALIDATION : 0);
  g_autoptr (GError) error = NULL;
  CbamDevice *device = cbam_device_open_with (name, debug | more, &error);

  g_assert_no_error (error);
  return device;
}

gboolean
test_has_fp16 (void)
{
  g_autoptr (CbamDevice) device = test_device_open (0);

  return cbam_device_has_precision (device, CBAM_PRECISION_FP16);
}

double
relative_error (const float *expected, const float *found, gsize n)
{
  double distance = 0, size = 0;

  for (gsize i = 0; i < n; i++) {
    const double d = (double) expected[i] - found[i];

    distance += d * d;
    size += (double) expected[i] * expected[i];
  }
  if (isnan (distance))
    return INFINITY;
  return size > 0 ? sqrt (distance / size) : sqrt (distance);
}

void
assert_close (const char *what, const float *expected, const float *found, gsize n, double limit, double absolute)
{
  const double error = relative_error (expected, found, n);

  if (error > limit)
    for (gsize i = 0; i < n; i++)
      if (!(fabs ((double) expected[i] - found[i]) <= 1e-3 * (1 + fabs (expected[i]))))
        g_error ("%s: relative error %g > %g; element %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                 ": expected %g, found %g",
                 what, error, limit, i, n, expected[i], found[i]);
  g_assert_cmpfloat (error, <=, limit);
  for (gsize i = 0; i < n; i++)
    if (!(fabs ((double) expected[i] - found[i]) <= absolute))
      g_error ("%s: element %" G_GSIZE_FORMAT ": expected %g, found %g", what, i, expected[i], found[i]);
}
