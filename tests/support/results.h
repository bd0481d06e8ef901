/* A result's lists as arrays, for tests that compare them whole.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "result.h"

static inline const CbamDetection *
test_get_detections (const CbamResult *result, gsize *n)
{
  *n = result->n_detections;
  return result->detections;
}

/* NULL where there is none. */
static inline const CbamAttention *
test_get_attention (const CbamResult *result, gsize *n)
{
  *n = result->n_attention;
  return result->attention;
}
