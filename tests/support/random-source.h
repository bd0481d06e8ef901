/* Weights made up from a seed, and random values with nasty ones among them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

typedef struct
{
  CbamParamSource source;
  GRand *rand;
  gboolean bias;       /* there are tensors *.bias */
  gboolean batch_norm; /* there are tensors *.running_mean */
  double spread;       /* weights are uniform in +-spread / sqrt (fan-in) */
} RandomSource;

void random_source_init (RandomSource *source, guint32 seed);
void random_source_clear (RandomSource *source);

/* Uniform in -1..1, with zeros of both signs, denormals, tiny and (rarely) large values strewn in. */
void random_fill_nasty (GRand *rand, float *values, gsize n);
