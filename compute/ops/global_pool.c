/* global_pool: all pixels of a channel become one, in one way or several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/global_pool.h"

#include <math.h>

#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  *(CbamReduceArgs *) ret_dispatch->args =
      cbam_reduce_args (node->inputs[0], node->outputs[0], cbam_global_pool_params (node));
  ret_dispatch->groups[0] = (cbam_value_blocks (node->outputs[0]) + CBAM_LANES - 1) / CBAM_LANES;
  ret_dispatch->groups[1] = 1;
}

static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_reduce_turns (node->inputs[0], cbam_global_pool_params (node)) < CBAM_MOST_TURNS;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", global_pool, CbamReduceArgs, dispatch, .fits = fits),
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
  float *y = cbam_reference_get (run, node->outputs[0]);

  for (guint c = 0; c < in->channels; c++, x += pixels)
    for (guint i = 0; i < cbam_global_pool_params (node)->n; i++)
      *y++ = (float) reduce (x, pixels, cbam_global_pool_params (node)->kinds[i]);
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_global_pool (CbamGraph *graph, const char *name, CbamValue *input, const CbamGlobalPoolParams *params)
{
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, params->n, 1, input->channels);
  cbam_graph_add_node (graph, &cbam_op_global_pool, name, params, input, output);
  return output;
}

CbamGlobalPoolParams
cbam_global_pool_of (guint set)
{
  CbamGlobalPoolParams params = { .n = 0 };

  for (guint kind = CBAM_REDUCE_MEAN; kind <= CBAM_REDUCE_SUM && params.n < CBAM_MAX_REDUCTIONS; kind <<= 1)
    if (set & kind)
      params.kinds[params.n++] = (CbamReduction) kind;
  return params;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  const CbamGlobalPoolParams params = cbam_global_pool_of (shape->outputs);

  return cbam_graph_global_pool (graph, "op", inputs[0], &params);
}

/* outputs: a set of CBAM_REDUCE_*. */
static const CbamOpCase cases[] = {
  { 1, 1, 3, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX },
  { 9, 14, 41, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX | CBAM_REDUCE_L2 | CBAM_REDUCE_LOG_SUM },
  { 2, 1, 84, CBAM_REDUCE_SUM, .big_reader = TRUE },
};

const CbamOpClass cbam_op_global_pool = {
  .name = "global_pool",
  .params_size = sizeof (CbamGlobalPoolParams),
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
