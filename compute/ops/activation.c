/* activation: each number clamped. It is usually fused into the convolution or sum before it; this runs where that is
 * switched off or impossible, as do batch_norm and sigmoid.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/activation.h"

#include "args/map.h"

#include <math.h>

#include "ops/add.h"
#include "ops/conv.h"
#include "ops/map.h"
#include "ops/padded.h"
#include "ops/shaders.h"

const CbamActivationParams cbam_activations[] = {
  [CBAM_ACTIVATION_RELU] = { CBAM_FUNCTION_CLAMP, 0, INFINITY },
  [CBAM_ACTIVATION_RELU6] = { CBAM_FUNCTION_CLAMP, 0, 6 },
  [CBAM_ACTIVATION_LEAKY_RELU] = { CBAM_FUNCTION_LEAKY_RELU, 0.1f, 0 },
  [CBAM_ACTIVATION_HARD_SWISH] = { CBAM_FUNCTION_HARD_SWISH, 0, 0 },
  [CBAM_ACTIVATION_HARD_SIGMOID] = { CBAM_FUNCTION_HARD_SIGMOID, 0, 0 },
};
const CbamActivationParams cbam_activation_none = { CBAM_FUNCTION_CLAMP, -INFINITY, INFINITY };

gboolean
cbam_activation_is_none (const CbamActivationParams *params)
{
  return params->function == CBAM_FUNCTION_CLAMP && params->lo == -INFINITY && params->hi == INFINITY;
}

gboolean
cbam_activation_is_homogeneous (const CbamActivationParams *params)
{
  return params->function == CBAM_FUNCTION_CLAMP || params->function == CBAM_FUNCTION_LEAKY_RELU;
}

void
cbam_activation_rescale (CbamActivationParams *params, gint exponent)
{
  if (params->function != CBAM_FUNCTION_CLAMP)
    return;
  params->lo = ldexpf (params->lo, -exponent);
  params->hi = ldexpf (params->hi, -exponent);
}

double
cbam_activation_apply (const CbamActivationParams *params, double v)
{
  switch (params->function) {
    case CBAM_FUNCTION_CLAMP: return CLAMP (v, (double) params->lo, (double) params->hi);
    case CBAM_FUNCTION_LEAKY_RELU: return v < 0 ? v * (double) params->lo : v;
    case CBAM_FUNCTION_HARD_SWISH: return v * CLAMP (v / 6 + 0.5, 0, 1);
    case CBAM_FUNCTION_HARD_SIGMOID: return CLAMP (v / 6 + 0.5, 0, 1);
  }
  g_return_val_if_reached (v);
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamMapArgs *args = (CbamMapArgs *) ret_dispatch->args;

  cbam_map_fill_dispatch (node, ret_dispatch);
  args->lo = cbam_activation_params (node)->lo;
  args->hi = cbam_activation_params (node)->hi;
  ret_dispatch->constant = cbam_activation_params (node)->function;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", activation, CbamMapArgs, dispatch),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < (gsize) out->width * out->height * out->channels; i++)
    y[i] = (float) cbam_activation_apply (cbam_activation_params (node), x[i]);
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_activate (CbamGraph *graph, CbamValue *input, const CbamActivationParams *params)
{
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, input->name, input->width, input->height, input->channels);
  cbam_graph_add_node (graph, &cbam_op_activation, input->name, params, input, output);
  return output;
}

CbamValue *
cbam_graph_activation (CbamGraph *graph, CbamValue *input, CbamActivation activation)
{
  return cbam_graph_activate (graph, input, &cbam_activations[activation]);
}

/* Taken by the convolution or the sum before it, but for a function that makes something of the zeros which pad a map's
 * channels: epilogues do not look where those begin. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamActivationParams *activation;
  CbamNode *before;

  if (node->op != &cbam_op_activation || cbam_activation_apply (cbam_activation_params (node), 0) != 0)
    return CBAM_FUSION_NOTHING;
  before = cbam_graph_find_sole_writer (graph, node, 0);
  if (before == NULL || (before->op != &cbam_op_add && !cbam_conv_is_any (before)))
    return CBAM_FUSION_NOTHING;
  activation = before->op == &cbam_op_add ? cbam_add_params (before) : &cbam_conv_params (before)->activation;
  if (!cbam_activation_is_none (activation))
    return CBAM_FUSION_NOTHING;
  *activation = *cbam_activation_params (node);
  before->outputs[0] = node->outputs[0];
  return CBAM_FUSION_GONE;
}

CbamScaling
cbam_activation_scaling (const CbamNode *node)
{
  return cbam_activation_is_homogeneous (cbam_activation_params (node)) ? CBAM_SCALING_SAME : CBAM_SCALING_NONE;
}

void
cbam_activation_rescale_node (CbamGraph *graph, CbamNode *node, gint in, gint out)
{
  cbam_activation_rescale (cbam_activation_params (node), out);
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_activation (graph, inputs[0], (CbamActivation) shape->kernel);
}

/* kernel: a CbamActivation. */
static const CbamOpCase cases[] = {
  { 1, 1, 1, .kernel = CBAM_ACTIVATION_RELU6 },
  { 13, 7, 21, .kernel = CBAM_ACTIVATION_RELU6, .big_reader = TRUE },
  { 13, 7, 21, .kernel = CBAM_ACTIVATION_LEAKY_RELU },
  { 9, 4, 6, .kernel = CBAM_ACTIVATION_HARD_SWISH, .big_reader = TRUE },
  { 1, 1, 18, .kernel = CBAM_ACTIVATION_HARD_SIGMOID },
  { 9, 4, 6, .kernel = CBAM_ACTIVATION_HARD_SIGMOID, .big_reader = TRUE },
};

const CbamOpClass cbam_op_activation = {
  .name = "activation",
  .params_size = sizeof (CbamActivationParams),
  .reference = reference,
  .scaling = cbam_activation_scaling,
  .rescale = cbam_activation_rescale_node,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_ACTIVATION,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
