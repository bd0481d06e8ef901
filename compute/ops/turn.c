/* turn: a vector of channels becomes a row of pixels, or back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/turn.h"

#include "args/resize.h"

#include "ops/padded.h"
#include "ops/resize.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_resize_fill (node, ret_dispatch);
  ((CbamResizeArgs *) ret_dispatch->args)->from_row = node->inputs[0]->channels == 1;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", turn, CbamResizeArgs, dispatch),
};

/* Either way the numbers stay in their order. */
static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, node->outputs[0]);

  for (guint i = 0; i < in->width * in->channels; i++)
    y[i] = x[i];
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_turn (CbamGraph *graph, const char *name, CbamValue *input)
{
  const gboolean is_row = input != NULL && input->channels == 1;
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, is_row ? 1 : input->channels, 1, is_row ? input->width : 1);
  cbam_graph_add_node (graph, &cbam_op_turn, name, NULL, input, output);
  return output;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_turn (graph, "op", inputs[0]);
}

static const CbamOpCase cases[] = {
  { 1, 1, 21 },
  { 1, 1, 64, .big_reader = TRUE },
  { 30, 1, 1 },
  { 64, 1, 1, .big_reader = TRUE },
};

const CbamOpClass cbam_op_turn = {
  .name = "turn",
  .reference = reference,
  .scaling = cbam_op_scales_all,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
