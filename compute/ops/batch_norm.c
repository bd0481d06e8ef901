/* batch_norm: each channel scaled and shifted (Ioffe, Szegedy 2015, arXiv 1502.03167), by what training measured.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/batch_norm.h"

#include "args/map.h"

#include <math.h>

#include "ops/conv.h"
#include "ops/map.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static void
scale_and_shift (const CbamBatchNormParams *p, guint c, double *ret_scale, double *ret_shift)
{
  *ret_scale = p->gamma->values[c] / sqrt (p->variance->values[c] + p->eps);
  *ret_shift = p->beta->values[c] - p->mean->values[c] * *ret_scale;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->outputs[0]) * 8;
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  for (gsize i = 0; i < packed_size (variant, node); i++)
    out[i] = 0;
  for (guint c = 0; c < node->outputs[0]->channels; c++) {
    double scale, shift;

    scale_and_shift (cbam_batch_norm_params (node), c, &scale, &shift);
    out[c / 4 * 8 + c % 4] = (float) scale;
    out[c / 4 * 8 + 4 + c % 4] = (float) shift;
  }
}

static const CbamPacking packing = { packed_size, pack };

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", batch_norm, CbamMapArgs, dispatch, .packing = &packing),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  const gsize pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++) {
    double scale, shift;

    scale_and_shift (cbam_batch_norm_params (node), c, &scale, &shift);
    for (gsize i = 0; i < pixels; i++)
      y[c * pixels + i] = (float) (x[c * pixels + i] * scale + shift);
  }
}

/* What is measured is not learned. */
static guint64
parameters (const CbamNode *node)
{
  const CbamBatchNormParams *p = cbam_batch_norm_params (node);

  return cbam_param_count (p->gamma) + cbam_param_count (p->beta);
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

gboolean
cbam_graph_has_batch_norm (const CbamGraph *graph, const char *name)
{
  return cbam_graph_has_param (graph, name, "weight") || cbam_graph_has_param (graph, name, "running_mean") ||
         cbam_graph_has_param (graph, name, "running_var");
}

CbamValue *
cbam_graph_batch_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps)
{
  CbamBatchNormParams params = { .eps = eps };
  CbamValue *output;
  gsize dims[1];

  if (graph->error != NULL || !cbam_graph_has_batch_norm (graph, name))
    return input;
  dims[0] = input->channels;
  params.gamma = cbam_graph_read_param (graph, name, "weight", 1, dims);
  params.beta = cbam_graph_read_param (graph, name, "bias", 1, dims);
  params.mean = cbam_graph_read_param (graph, name, "running_mean", 1, dims);
  params.variance = cbam_graph_read_param (graph, name, "running_var", 1, dims);
  output = cbam_graph_add_value (graph, name, input->width, input->height, input->channels);
  cbam_graph_add_node (graph, &cbam_op_batch_norm, name, &params, input, output);
  return output;
}

static CbamParam *
bias_of (CbamGraph *graph, CbamNode *conv)
{
  const CbamParam *weight = cbam_conv_params (conv)->weight;
  CbamParam *bias = cbam_conv_params (conv)->bias;
  g_autofree char *name = NULL;

  if (bias != NULL)
    return bias;
  name = g_strconcat (conv->name, ".bias", NULL);
  bias = cbam_conv_params (conv)->bias = cbam_graph_add_param (graph, name, 1, weight->dims);
  bias->values = g_new0 (float, bias->n);
  return bias;
}

/* y = (Wx + b - mean) * gamma / sqrt (variance + eps) + beta is again a convolution. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  const CbamBatchNormParams *norm = cbam_batch_norm_params (node);
  CbamNode *conv;
  CbamParam *weight, *bias;

  if (node->op != &cbam_op_batch_norm)
    return CBAM_FUSION_NOTHING;
  conv = cbam_conv_find_sole_before (graph, node);
  if (conv == NULL || !cbam_activation_is_none (&cbam_conv_params (conv)->activation))
    return CBAM_FUSION_NOTHING;
  weight = cbam_conv_params (conv)->weight;
  bias = bias_of (graph, conv);
  for (gsize c = 0; c < weight->dims[0]; c++) {
    const double scale = norm->gamma->values[c] / sqrt (norm->variance->values[c] + norm->eps);
    const gsize row = weight->n / weight->dims[0];

    for (gsize i = 0; i < row; i++)
      weight->values[c * row + i] = (float) (weight->values[c * row + i] * scale);
    bias->values[c] = (float) ((bias->values[c] - norm->mean->values[c]) * scale + norm->beta->values[c]);
  }
  conv->outputs[0] = node->outputs[0];
  return CBAM_FUSION_GONE;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_batch_norm (graph, "norm", inputs[0], 1e-5);
}

static const CbamOpCase cases[] = {
  { 1, 1, 3 },
  { 9, 14, 84 },
};

const CbamOpClass cbam_op_batch_norm = {
  .name = "batch_norm",
  .params_size = sizeof (CbamBatchNormParams),
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .parameters = parameters,
  .fusion = CBAM_FUSE_BATCH_NORM,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
