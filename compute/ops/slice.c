/* slice: some of the channels of a map, as the half that a unit of ShuffleNetV2 (arXiv 1807.11164) works on. It is
 * usually fused: a convolution reads its channels where they lie.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/slice.h"

#include "args/slice.h"

#include <string.h>

#include "ops/conv.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];

  *(CbamSliceArgs *) ret_dispatch->args = (CbamSliceArgs){
    .x = node->inputs[0]->view,
    .y = out->view,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .first = cbam_slice_params (node)->first,
    .channels = out->channels,
    .inv_full = cbam_padded_dispatch (out, CBAM_THREADS, ret_dispatch),
  };
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", slice, CbamSliceArgs, dispatch),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  const gsize pixels = (gsize) out->width * out->height;

  memcpy (cbam_reference_get (run, out),
          cbam_reference_get (run, node->inputs[0]) + cbam_slice_params (node)->first * pixels,
          out->channels * pixels * sizeof (float));
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_slice (CbamGraph *graph, const char *name, CbamValue *input, guint first, guint channels)
{
  const CbamSliceParams params = { first };
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  if (first > input->channels || channels > input->channels - first)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: channels from %u on, %u of them, of a map of %u", name, first,
                     channels, input->channels);
  output = cbam_graph_add_value (graph, name, input->width, input->height, channels);
  cbam_graph_add_node (graph, &cbam_op_slice, name, &params, input, output);
  return output;
}

/* The full convolution that alone reads the channels takes them from the whole map. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamNode *slice = node->op == &cbam_op_conv ? cbam_graph_find_sole_writer (graph, node, 0) : NULL;

  if (slice == NULL || slice->op != &cbam_op_slice || cbam_conv_params (node)->groups > 1)
    return CBAM_FUSION_NOTHING;
  cbam_conv_params (node)->first_channel += cbam_slice_params (slice)->first;
  node->inputs[0] = slice->inputs[0];
  cbam_graph_remove_node (graph, slice);
  return CBAM_FUSION_CHANGED;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_slice (graph, "op", inputs[0], shape->first, shape->outputs);
}

static const CbamOpCase cases[] = {
  { 1, 1, 3, 1, .first = 2 },     { 11, 6, 24, 12, .first = 12 }, { 11, 6, 21, 7, .first = 5, .big_reader = TRUE },
  { 7, 9, 116, 58, .first = 58 }, { 5, 4, 13, 12, .first = 1 },   { 19, 13, 9, 9 },
};

const CbamOpClass cbam_op_slice = {
  .name = "slice",
  .params_size = sizeof (CbamSliceParams),
  .reference = reference,
  .scaling = cbam_op_scales_all,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_SLICE,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
