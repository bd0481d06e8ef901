/* global_pool: all pixels of a channel become one, in one way or several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

#define THREADS 8

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  *(CbamReduceArgs *) ret_dispatch->args = cbam_reduce_args (node->inputs[0], node->output, &node->params.global_pool);
  ret_dispatch->groups[0] = (cbam_value_blocks (node->output) + THREADS - 1) / THREADS;
  ret_dispatch->groups[1] = 1;
  ret_dispatch->groups[2] = 1;
}

static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_reduce_turns (node->inputs[0], &node->params.global_pool) < CBAM_MOST_TURNS;
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", global_pool, CbamReduceArgs, dispatch, fits, CBAM_BIND_INPUT, CBAM_BIND_OUTPUT),
};

static double
reduce (const float *x, gsize n, CbamReduction kind)
{
  double largest = x[0], sum = 0, squares = 0, exponentials = 0;

  for (gsize i = 0; i < n; i++) {
    largest = MAX (largest, x[i]);
    sum += x[i];
    squares += (double) x[i] * x[i];
  }
  for (gsize i = 0; i < n; i++)
    exponentials += exp (x[i] - largest);
  switch (kind) {
    case CBAM_REDUCE_MEAN: return sum / (double) n;
    case CBAM_REDUCE_MAX: return largest;
    case CBAM_REDUCE_L2: return sqrt (squares);
    case CBAM_REDUCE_LOG_SUM: return largest + log (exponentials);
    case CBAM_REDUCE_SUM: return sum;
  }
  g_return_val_if_reached (0);
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];
  const gsize pixels = (gsize) in->width * in->height;
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, node->output);

  for (guint c = 0; c < in->channels; c++, x += pixels)
    for (guint i = 0; i < node->params.global_pool.n; i++)
      *y++ = (float) reduce (x, pixels, node->params.global_pool.kinds[i]);
}

const CbamOpClass cbam_op_global_pool = {
  .name = "global_pool",
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
