/* Comparing what a device computed with the truth.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "vk/device.h"

/* Whether the test device is the processor itself. */
gboolean test_is_host (void);

/* Opens the test device, which the environment variable CBAM_TEST_DEVICE names, else the first of Vulkan's, with
 * @debug, and with the validation layer where it is installed; a test without a device fails, because lavapipe is one.
 */
CbamDevice *test_device_open (CbamDebugFlags debug);

/* Whether the test device stores maps of 16 bits; lavapipe does. */
gboolean test_has_fp16 (void);

/* Beside flags of CbamDebugFlags in what a test is given: with maps of 16 bits. */
#define TEST_FP16 (1u << 30)

/* Relative L2 error of @found; counts a NaN as infinite. */
double relative_error (const float *expected, const float *found, gsize n);

/* Fails the test when the error is above @limit or any value is further away than @absolute; says where. */
void assert_close (const char *what, const float *expected, const float *found, gsize n, double limit, double absolute);
