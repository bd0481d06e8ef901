/* separable: a depthwise convolution and the 1x1 convolution that alone reads it, as MobileNets and ShuffleNets have
 * them everywhere (Howard et al. 2017, arXiv 1704.04861). A fusion makes it of the two. What is between them stays in
 * the cache of whoever computes both, and nobody waits for it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/separable.h"

#include <math.h>

#include "ops/depthwise.h"

static guint
border (const CbamNode *node, guint i)
{
  return cbam_conv_reach (&cbam_separable_params (node)->depthwise, node->inputs[i]);
}

static gsize
count_pixels (const CbamNode *node)
{
  return (gsize) node->outputs[0]->width * node->outputs[0]->height;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamSeparableParams *p = cbam_separable_params (node);
  const gsize pixels = count_pixels (node), n_in = node->inputs[0]->channels;
  g_autofree float *between = g_new (float, n_in *pixels);
  float *y = cbam_reference_get (run, node->outputs[0]);

  cbam_depthwise_compute (&p->depthwise, node->inputs[0], cbam_reference_get (run, node->inputs[0]), between);
  for (gsize o = 0; o < node->outputs[0]->channels; o++)
    for (gsize i = 0; i < pixels; i++) {
      double sum = p->pointwise.bias != NULL ? p->pointwise.bias->values[o] : 0;

      for (gsize c = 0; c < n_in; c++)
        sum += (double) p->pointwise.weight->values[o * n_in + c] * between[c * pixels + i];
      sum = cbam_activation_apply (&p->pointwise.activation, sum);
      *y++ = (float) (p->pointwise.sigmoid ? 1 / (1 + exp (-sum)) : sum);
    }
}

static guint64
macs (const CbamNode *node)
{
  const CbamConvParams *p = &cbam_separable_params (node)->depthwise;

  return count_pixels (node) * node->inputs[0]->channels *
         ((guint64) p->kernel_width * p->kernel_height + node->outputs[0]->channels);
}

static guint64
parameters (const CbamNode *node)
{
  const CbamSeparableParams *p = cbam_separable_params (node);

  return cbam_param_count (p->depthwise.weight) + cbam_param_count (p->depthwise.bias) +
         cbam_param_count (p->pointwise.weight) + cbam_param_count (p->pointwise.bias);
}

static guint
kernel (const CbamNode *node)
{
  return cbam_separable_params (node)->depthwise.kernel_width;
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

/* It makes the whole of its output. */
static gboolean
is_plain (const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *out = node->outputs[0];

  return node->n_inputs == 1 && p->groups <= 1 && p->first_channel == 0 && !p->shuffles && p->step_x == 1 &&
         p->step_y == 1 && p->width == out->width && p->height == out->height && p->weight->dims[0] == out->channels;
}

/* Not where Grad-CAM asks for the 1x1 convolution, whose weights it reads, or for what is between. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamNode *before = cbam_conv_is_pointwise (node) ? cbam_conv_find_sole_before (graph, node) : NULL;
  CbamSeparableParams params;

  if (before == NULL || before->op != &cbam_op_depthwise || !is_plain (node) || !is_plain (before) ||
      cbam_conv_params (node)->weight->dims[1] != before->outputs[0]->channels || /* the others were sliced off */
      node->outputs[0]->keepable || before->outputs[0]->keepable)
    return CBAM_FUSION_NOTHING;
  params = (CbamSeparableParams){ *cbam_conv_params (before), *cbam_conv_params (node) };
  node->inputs[0] = before->inputs[0];
  cbam_node_become (node, &cbam_op_separable, &params);
  cbam_graph_remove_node (graph, before);
  return CBAM_FUSION_CHANGED;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  const CbamConvForm depthwise = {
    .name = "depthwise",
    .input = inputs[0],
    .kernel = shape->kernel,
    .stride = shape->stride,
    .dilation = shape->dilation,
    .pad = shape->pad,
    .padding = shape->same ? CBAM_PADDING_SAME : 0,
    .depthwise = TRUE,
  };
  CbamValue *between = cbam_graph_conv (graph, &depthwise);
  CbamValue *output =
      cbam_graph_conv (graph, &(CbamConvForm){ .name = "op", .input = between, .channels = shape->outputs });

  cbam_conv_params (cbam_graph_find_writer (graph, between))->activation = cbam_activations[CBAM_ACTIVATION_RELU6];
  cbam_conv_params (cbam_graph_find_writer (graph, output))->activation =
      cbam_activations[shape->width % 2 ? CBAM_ACTIVATION_LEAKY_RELU : CBAM_ACTIVATION_HARD_SWISH];
  return output;
}

static const CbamOpCase cases[] = {
  { 1, 1, 3, 1, 3, 1, 1, 1 },
  { 2, 2, 8, 5, 3, 2, .same = TRUE },
  { 19, 19, 21, 84, 3, 1, 1, 1 },
  { 24, 20, 5, 17, 3, 1, .same = TRUE, .big_reader = TRUE },
  { 25, 25, 40, 16, 3, 2, .same = TRUE, .no_bias = TRUE },
  { 26, 24, 64, 128, 3, 2, 1, 1 },
  { 31, 5, 12, 33, 5, 1, 1, 2 },
  { 11, 11, 96, 96, 5, 2, 1, 2 },
  { 10, 11, 9, 12, 3, 1, 2, 2 },
  { 150, 37, 32, 64, 3, 1, 1, 1 }, /* several stripes */
  { 5, 64, 256, 320, 3, 2, 1, 1 },
};

const CbamOpClass cbam_op_separable = {
  .name = "separable",
  .params_size = sizeof (CbamSeparableParams),
  .border = border,
  .macs = macs,
  .reference = reference,
  .parameters = parameters,
  .kernel = kernel,
  .fusion = CBAM_FUSE_SEPARABLE,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
  .case_fusions = CBAM_FUSE_SEPARABLE,
};
