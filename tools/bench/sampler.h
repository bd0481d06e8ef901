/* A detector that is fed with one frame over and over, alone on the device, and timed: what cbam-bench's figures are
 * made of.
 *
 * A sample is the wall time from submit to the sorted result. On a CPU device a sample that did not have its processors
 * to itself, which shows in the process's CPU time and in how fast a short loop runs before and after it, is counted
 * and taken again.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench.h"

G_BEGIN_DECLS

typedef struct
{
  CbamDetector *detector;
  const CbamImage *image;
  gboolean watch;  /* repeat samples that did not have the processors to themselves */
  double patience; /* seconds left for repeats */
  GArray *loads;   /* of the samples taken */
  Pass pass;
} Sampler;

typedef struct
{
  double wall, load; /* seconds; process CPU over wall time */
  gboolean unfit;    /* did not have the processors to itself */
  CbamResult *result;
} Sample;

/* Makes the detector and feeds it until caches, clocks and the driver's compilers have settled, for @runs samples.
 * @alone: one thread computes, and no sample can tell by its load that it was not alone. */
gboolean sampler_start (Sampler *sampler, CbamModel *model, const CbamImage *image, gboolean profile, int runs,
                        gboolean alone, GError **error);

/* Takes one; its result is the caller's. */
gboolean sampler_take (Sampler *sampler, Sample *sample, GError **error);

/* How the pass went; @sampler is of no more use. */
Pass sampler_end (Sampler *sampler);

G_END_DECLS
