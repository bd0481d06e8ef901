/* add: the sum of two maps, element by element, with a fused activation.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/add.h"

#include "args/combine.h"

#include "ops/combine.h"
#include "ops/conv.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static gboolean
has_two (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 2;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamCombineArgs *args = (CbamCombineArgs *) ret_dispatch->args;

  cbam_combine_dispatch (variant, node, ret_dispatch);
  args->lo = cbam_add_params (node)->lo;
  args->hi = cbam_add_params (node)->hi;
  ret_dispatch->constant = cbam_add_params (node)->function;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", add, CbamCombineArgs, dispatch, .fits = has_two),
};

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_add (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b)
{
  return cbam_combine_add (graph, &cbam_op_add, &cbam_activation_none, name, a, b);
}

/* A sum that a 1x1 convolution in front of it can take along. It runs after whatever makes the other part. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  if (node->op != &cbam_op_add)
    return CBAM_FUSION_NOTHING;
  for (guint i = 0; i < 2; i++) {
    CbamNode *conv = cbam_graph_find_sole_writer (graph, node, i);
    CbamValue *other = node->inputs[1 - i];
    const CbamNode *writer = cbam_graph_find_writer (graph, other);

    if (conv == NULL || writer == NULL || !cbam_conv_is_pointwise (conv) ||
        !cbam_activation_is_none (&cbam_conv_params (conv)->activation) ||
        cbam_graph_find_place (graph, writer) > cbam_graph_find_place (graph, conv) ||
        other->width != conv->outputs[0]->width || other->height != conv->outputs[0]->height ||
        other->channels != conv->outputs[0]->channels)
      continue;
    conv->inputs[1] = other;
    conv->n_inputs = 2;
    conv->outputs[0] = node->outputs[0];
    cbam_conv_params (conv)->activation = *cbam_add_params (node);
    return CBAM_FUSION_GONE;
  }
  return CBAM_FUSION_NOTHING;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamValue *output = cbam_combine_add_case (graph, &cbam_op_add, &cbam_activation_none, shape, inputs);

  if (shape->kernel > 0)
    *cbam_add_params (cbam_graph_find_writer (graph, output)) = cbam_activations[shape->kernel - 1];
  return output;
}

/* A first map of one channel meets a vector of the channels that outputs says. kernel: 1 + a CbamActivation, 0 = none.
 */
static const CbamOpCase cases[] = {
  { 1, 1, 3, .company = CBAM_CASE_MAP },
  { 11, 6, 21, .kernel = 1 + CBAM_ACTIVATION_RELU, .company = CBAM_CASE_MAP, .big_reader = TRUE },
  { 7, 9, 13, .kernel = 1 + CBAM_ACTIVATION_LEAKY_RELU, .company = CBAM_CASE_MAP },
  { 11, 6, 21, .company = CBAM_CASE_VECTOR },
  { 11, 6, 1, .outputs = 9, .company = CBAM_CASE_VECTOR },
};

const CbamOpClass cbam_op_add = {
  .name = "add",
  .params_size = sizeof (CbamActivationParams),
  .reference = cbam_combine_reference,
  .scaling = cbam_activation_scaling,
  .rescale = cbam_activation_rescale_node,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_SUM,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
