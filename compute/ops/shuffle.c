/* shuffle: the channels of two maps by turns, which is what ShuffleNetV2 (arXiv 1807.11164) makes of a unit's halves:
 * it puts one behind the other and shuffles them in two groups. It is usually fused: the 1x1 convolution that makes the
 * second half stores both.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/shuffle.h"

#include "args/shuffle.h"

#include <string.h>

#include "ops/conv.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];

  *(CbamShuffleArgs *) ret_dispatch->args = (CbamShuffleArgs){
    .y = out->view,
    .x = { node->inputs[0]->view, node->inputs[1]->view },
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .channels = out->channels,
    .inv_full = cbam_padded_dispatch (out, CBAM_THREADS, ret_dispatch),
  };
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", shuffle, CbamShuffleArgs, dispatch),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  const gsize pixels = (gsize) out->width * out->height;
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++)
    memcpy (y + c * pixels, cbam_reference_get (run, node->inputs[c % 2]) + c / 2 * pixels, pixels * sizeof (float));
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_shuffle (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b)
{
  CbamValue *output;
  CbamNode *node;

  if (graph->error != NULL)
    return NULL;
  if (a->width != b->width || a->height != b->height || a->channels < b->channels)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: channels of maps of %ux%ux%u and %ux%ux%u do not go by turns",
                     name, a->width, a->height, a->channels, b->width, b->height, b->channels);
  output = cbam_graph_add_value (graph, name, a->width, a->height, 2 * b->channels);
  node = cbam_graph_add_node (graph, &cbam_op_shuffle, name, NULL, a, output);
  node->inputs[node->n_inputs++] = b;
  return output;
}

/* A 1x1 convolution that makes the second map stores the first between its channels, if it runs after whatever makes
 * that. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  const CbamNode *writer;
  CbamNode *conv;

  if (node->op != &cbam_op_shuffle)
    return CBAM_FUSION_NOTHING;
  conv = cbam_graph_find_sole_writer (graph, node, 1);
  writer = cbam_graph_find_writer (graph, node->inputs[0]);
  if (conv == NULL || writer == NULL || !cbam_conv_is_pointwise (conv) || cbam_conv_params (conv)->sigmoid ||
      cbam_graph_find_place (graph, writer) > cbam_graph_find_place (graph, conv))
    return CBAM_FUSION_NOTHING;
  cbam_conv_params (conv)->shuffles = TRUE;
  conv->inputs[conv->n_inputs++] = node->inputs[0];
  conv->outputs[0] = node->outputs[0];
  return CBAM_FUSION_GONE;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_shuffle (graph, "op", inputs[0], inputs[1]);
}

/* outputs: channels of the second map. */
static const CbamOpCase cases[] = {
  { 1, 1, 1, .company = CBAM_CASE_MAP },
  { 11, 6, 12, .company = CBAM_CASE_MAP },
  { 11, 6, 21, .company = CBAM_CASE_MAP, .big_reader = TRUE },
  { 7, 9, 116, 58, .company = CBAM_CASE_MAP },
  { 5, 4, 13, 6, .company = CBAM_CASE_MAP },
  { 19, 13, 9, 3, .company = CBAM_CASE_MAP },
};

const CbamOpClass cbam_op_shuffle = {
  .name = "shuffle",
  .reference = reference,
  .scaling = cbam_op_scales_all,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_SHUFFLE,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
