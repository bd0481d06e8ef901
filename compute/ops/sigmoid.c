/* sigmoid: 1 / (1 + exp (-x)) of each number.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/sigmoid.h"

#include "args/map.h"

#include <math.h>

#include "ops/conv.h"
#include "ops/map.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", sigmoid, CbamMapArgs, dispatch),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < (gsize) out->width * out->height * out->channels; i++)
    y[i] = (float) (1 / (1 + exp (-(double) x[i])));
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_sigmoid (CbamGraph *graph, CbamValue *input)
{
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, input->name, input->width, input->height, input->channels);
  cbam_graph_add_node (graph, &cbam_op_sigmoid, input->name, NULL, input, output);
  return output;
}

/* A spatial gate's sigmoid; kernels that make one channel can take it. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamNode *conv;

  if (node->op != &cbam_op_sigmoid)
    return CBAM_FUSION_NOTHING;
  conv = cbam_graph_find_sole_writer (graph, node, 0);
  if (conv == NULL || conv->op != &cbam_op_conv || conv->outputs[0]->channels != 1 || conv->n_inputs != 1)
    return CBAM_FUSION_NOTHING;
  cbam_conv_params (conv)->sigmoid = TRUE;
  conv->outputs[0] = node->outputs[0];
  return CBAM_FUSION_GONE;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_sigmoid (graph, inputs[0]);
}

static const CbamOpCase cases[] = {
  { 1, 1, 1 },
  { 13, 7, 21, .big_reader = TRUE },
};

const CbamOpClass cbam_op_sigmoid = {
  .name = "sigmoid",
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_SIGMOID,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
