/* channel_pool: all channels of a pixel become two, their largest and their mean.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/channel_pool.h"

#include <math.h>

#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"

/* A second input is a channel gate that the map is multiplied with first. */
static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamReduceArgs *args = (CbamReduceArgs *) ret_dispatch->args;

  *args = cbam_reduce_args (node->inputs[0], node->outputs[0], NULL);
  args->mean_first = cbam_channel_pool_params (node)->mean_first;
  args->inv_full = cbam_padded_dispatch (node->outputs[0], CBAM_LANES, ret_dispatch);
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

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", channel_pool, CbamReduceArgs, dispatch, .fits = has_one),
  CBAM_FLAVOURS ("-gated", channel_pool_gated, CbamReduceArgs, dispatch, .fits = has_gate),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];
  const gsize pixels = (gsize) in->width * in->height;
  const gboolean mean_first = cbam_channel_pool_params (node)->mean_first;
  const float *x = cbam_reference_get (run, in);
  const float *gate = node->n_inputs > 1 ? cbam_reference_get (run, node->inputs[1]) : NULL;
  float *y = cbam_reference_get (run, node->outputs[0]);

  for (gsize i = 0; i < pixels; i++) {
    double largest = -INFINITY, sum = 0;

    for (guint c = 0; c < in->channels; c++) {
      const double v = x[c * pixels + i] * (gate != NULL ? gate[c] : 1.0);

      largest = MAX (largest, v);
      sum += v;
    }
    y[i] = (float) (mean_first ? sum / in->channels : largest);
    y[pixels + i] = (float) (mean_first ? largest : sum / in->channels);
  }
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_channel_pool (CbamGraph *graph, const char *name, CbamValue *input, gboolean mean_first)
{
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, input->width, input->height, 2);
  cbam_graph_add_node (graph, &cbam_op_channel_pool, name, &(CbamChannelPoolParams){ mean_first }, input, output);
  return output;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamValue *output = cbam_graph_channel_pool (graph, "op", inputs[0], shape->dilation == 1);
  CbamNode *node = cbam_graph_find_writer (graph, output);

  if (shape->company == CBAM_CASE_VECTOR)
    node->inputs[node->n_inputs++] = inputs[1];
  return output;
}

/* dilation: whether the mean comes first. */
static const CbamOpCase cases[] = {
  { 1, 1, 1 },
  { 9, 14, 84, .big_reader = TRUE },
  { 12, 5, 21, .dilation = 1 },
  { 12, 5, 22, .company = CBAM_CASE_VECTOR },
  { 7, 7, 19, .dilation = 1, .company = CBAM_CASE_VECTOR, .big_reader = TRUE },
};

const CbamOpClass cbam_op_channel_pool = {
  .name = "channel_pool",
  .params_size = sizeof (CbamChannelPoolParams),
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
