/* A box from what the network says of it, in parts of the input: for loops.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "run/host/vectors.h"

/* From the anchor @a, as its middle and size. */
static inline void
decode (const CbamLoopDetect *d, const float *restrict t, const float *restrict a, float *restrict box)
{
  const float most = (float) CBAM_DETECT_MAX_LOG_SIZE;
  const float cx = a[0] + t[0] * d->variances[0] * a[2], cy = a[1] + t[1] * d->variances[1] * a[3];
  const float w = a[2] * exponential (smaller (t[2] * d->variances[2], most)) * 0.5f;
  const float h = a[3] * exponential (smaller (t[3] * d->variances[3], most)) * 0.5f;

  box[0] = cx - w;
  box[1] = cy - h;
  box[2] = cx + w;
  box[3] = cy + h;
}

/* The mean of the numbers of @n bins, each as likely as the softmax of @logits says. */
static inline float
expected_bin (const float *logits, guint n)
{
  float most = logits[0], sum = 0, weighed = 0;

  for (guint i = 1; i < n; i++)
    most = larger (most, logits[i]);
  for (guint i = 0; i < n; i++) {
    const float likely = exponential (logits[i] - most);

    sum += likely;
    weighed += likely * (float) i;
  }
  return weighed / sum;
}

/* Distances of the sides from the anchor's centre. */
static inline void
decode_distribution (const CbamLoopDetect *d, const float *loc, const float *a, float *box)
{
  const float unit_x = d->variances[2] * a[2], unit_y = d->variances[3] * a[3];

  box[0] = a[0] - expected_bin (loc, d->bins) * unit_x;
  box[1] = a[1] - expected_bin (loc + d->bins, d->bins) * unit_y;
  box[2] = a[0] + expected_bin (loc + 2 * d->bins, d->bins) * unit_x;
  box[3] = a[1] + expected_bin (loc + 3 * d->bins, d->bins) * unit_y;
}
