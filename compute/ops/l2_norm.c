/* l2_norm: each pixel's vector of channels over its length, times a learned weight per channel. SSD puts it before the
 * heads of conv4_3, whose activations are larger than the other sources'.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/l2_norm.h"

#include "args/map.h"

#include <math.h>

#include "ops/map.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->outputs[0]) * 4;
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  for (gsize c = 0; c < packed_size (variant, node); c++)
    out[c] = c < node->outputs[0]->channels ? cbam_l2_norm_params (node)->weight->values[c] : 0;
}

static const CbamPacking packing = { packed_size, pack };

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
  ((CbamMapArgs *) ret_dispatch->args)->lo = (float) cbam_l2_norm_params (node)->eps;
  ret_dispatch->groups[1] = 1; /* an invocation makes all blocks of its pixel */
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", l2_norm, CbamMapArgs, dispatch, .packing = &packing),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamL2NormParams *p = cbam_l2_norm_params (node);
  const CbamValue *out = node->outputs[0];
  const gsize pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < pixels; i++) {
    double sum = 0;

    for (guint c = 0; c < out->channels; c++)
      sum += (double) x[c * pixels + i] * x[c * pixels + i];
    for (guint c = 0; c < out->channels; c++)
      y[c * pixels + i] = (float) (x[c * pixels + i] / (sqrt (sum) + p->eps) * p->weight->values[c]);
  }
}

static guint64
parameters (const CbamNode *node)
{
  return cbam_param_count (cbam_l2_norm_params (node)->weight);
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_l2_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps)
{
  CbamL2NormParams params = { .eps = eps };
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  params.weight = cbam_graph_read_param (graph, name, "weight", 1, (const gsize[]){ input->channels });
  output = cbam_graph_add_value (graph, name, input->width, input->height, input->channels);
  cbam_graph_add_node (graph, &cbam_op_l2_norm, name, &params, input, output);
  return output;
}

/* A vector over its norm is the same for any fraction of it. */
static CbamScaling
scaling (const CbamNode *node)
{
  return CBAM_SCALING_INPUT;
}

static void
rescale (CbamGraph *graph, CbamNode *node, gint in, gint out)
{
  cbam_l2_norm_params (node)->eps = ldexp (cbam_l2_norm_params (node)->eps, -in);
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_l2_norm (graph, "norm", inputs[0], 1e-10);
}

static const CbamOpCase cases[] = {
  { 1, 1, 3 },
  { 11, 6, 30, .big_reader = TRUE },
};

const CbamOpClass cbam_op_l2_norm = {
  .name = "l2_norm",
  .params_size = sizeof (CbamL2NormParams),
  .reference = reference,
  .scaling = scaling,
  .rescale = rescale,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .parameters = parameters,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
