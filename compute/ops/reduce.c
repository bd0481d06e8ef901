/* global_pool and channel_pool: all pixels of a channel become one, all channels of a pixel become two.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/reduce.h"

#include <math.h>

#include "run/reference/reference.h"
#include "ops/padded.h"
#include "ops/shaders.h"

#define THREADS 8

static guint
kind_code (CbamReduction kind)
{
  switch (kind) {
    case CBAM_REDUCE_MEAN: return CBAM_REDUCE_KIND_MEAN;
    case CBAM_REDUCE_MAX: return CBAM_REDUCE_KIND_MAX;
    case CBAM_REDUCE_L2: return CBAM_REDUCE_KIND_L2;
    case CBAM_REDUCE_LOG_SUM: return CBAM_REDUCE_KIND_LOG_SUM;
    case CBAM_REDUCE_SUM: return CBAM_REDUCE_KIND_SUM;
  }
  g_return_val_if_reached (0);
}

guint64
cbam_reduce_turns (const CbamValue *x, const CbamGlobalPoolParams *pool)
{
  const guint64 once = (guint64) x->height * (1 + (x->width + CBAM_REDUCE_PIXELS - 1) / CBAM_REDUCE_PIXELS);
  guint passes = 1;

  for (guint i = 0; i < pool->n; i++)
    passes += pool->kinds[i] == CBAM_REDUCE_LOG_SUM;
  return once * passes;
}

CbamReduceArgs
cbam_reduce_args (const CbamValue *x, const CbamValue *out, const CbamGlobalPoolParams *pool)
{
  CbamReduceArgs args = { .x = x->view, .y = out->view, .width = x->width, .height = x->height };

  args.border = out->border;
  args.channels = x->channels;
  for (guint i = 0; pool && i < pool->n; i++) {
    args.n_kinds++;
    args.kinds |= kind_code (pool->kinds[i]) << (4 * i);
  }
  return args;
}

/* ---- global_pool ------------------------------------------------------------------------------------------------ */

static void
global_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  *(CbamReduceArgs *) ret_dispatch->args = cbam_reduce_args (node->inputs[0], node->output, &node->params.global_pool);
  ret_dispatch->groups[0] = (cbam_value_blocks (node->output) + THREADS - 1) / THREADS;
  ret_dispatch->groups[1] = 1;
  ret_dispatch->groups[2] = 1;
}

static gboolean
global_fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_reduce_turns (node->inputs[0], &node->params.global_pool) < CBAM_MOST_TURNS;
}

static const CbamOpVariant global_variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", global_pool, CbamReduceArgs, global_dispatch, global_fits, CBAM_BIND_INPUT,
                        CBAM_BIND_OUTPUT),
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
global_reference (CbamReference *run, const CbamNode *node)
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
  .reference = global_reference,
  .variants = global_variants,
  .n_variants = G_N_ELEMENTS (global_variants),
};

/* ---- channel_pool ----------------------------------------------------------------------------------------------- */

/* A second input is a channel gate that the map is multiplied with first. */
static void
channel_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamReduceArgs *args = (CbamReduceArgs *) ret_dispatch->args;

  *args = cbam_reduce_args (node->inputs[0], node->output, NULL);
  args->mean_first = node->params.channel_pool.mean_first;
  args->inv_full = cbam_padded_dispatch (node->output, THREADS, ret_dispatch);
  if (node->n_inputs > 1)
    args->gate = node->inputs[1]->view;
}

static gboolean
has_one (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 1;
}

static gboolean
has_gate (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 2;
}

static const CbamOpVariant channel_variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", channel_pool, CbamReduceArgs, channel_dispatch, has_one, CBAM_BIND_INPUT, CBAM_BIND_OUTPUT),
  CBAM_TEXEL_AND_PLAIN ("-gated", channel_pool_gated, CbamReduceArgs, channel_dispatch, has_gate, CBAM_BIND_INPUT,
                        CBAM_BIND_INPUT_1, CBAM_BIND_OUTPUT),
};

static void
channel_reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];
  const gsize pixels = (gsize) in->width * in->height;
  const gboolean mean_first = node->params.channel_pool.mean_first;
  const float *x = cbam_reference_get (run, in);
  const float *gate = node->n_inputs > 1 ? cbam_reference_get (run, node->inputs[1]) : NULL;
  float *y = cbam_reference_get (run, node->output);

  for (gsize i = 0; i < pixels; i++) {
    double largest = -INFINITY, sum = 0;

    for (guint c = 0; c < in->channels; c++) {
      const double v = x[c * pixels + i] * (gate ? gate[c] : 1.0);

      largest = MAX (largest, v);
      sum += v;
    }
    y[i] = (float) (mean_first ? sum / in->channels : largest);
    y[pixels + i] = (float) (mean_first ? largest : sum / in->channels);
  }
}

const CbamOpClass cbam_op_channel_pool = {
  .name = "channel_pool",
  .reference = channel_reference,
  .variants = channel_variants,
  .n_variants = G_N_ELEMENTS (channel_variants),
};
