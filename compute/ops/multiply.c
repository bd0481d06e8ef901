/* multiply: the product of two maps, or three, element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/multiply.h"

#include "args/combine.h"

#include "ops/channel_pool.h"
#include "ops/combine.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static gboolean
has_two (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 2;
}

static gboolean
has_three (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 3;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", multiply, CbamCombineArgs, cbam_combine_dispatch, .fits = has_two),
  CBAM_FLAVOURS ("-3", multiply_3, CbamCombineArgs, cbam_combine_dispatch, .fits = has_three),
};

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_multiply (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b)
{
  return cbam_combine_add (graph, &cbam_op_multiply, NULL, name, a, b);
}

/* Whether @reader can multiply its map with a channel gate as it reads it. */
static gboolean
can_take_gate (const CbamNode *reader)
{
  if (reader->op == &cbam_op_channel_pool)
    return reader->n_inputs == 1;
  return reader->op == &cbam_op_multiply && reader->n_inputs == 2 && reader->inputs[0] != reader->inputs[1];
}

static void
take_gate (CbamNode *reader, const CbamNode *product)
{
  if (reader->op == &cbam_op_multiply) {
    reader->inputs[2] = reader->inputs[0] == product->outputs[0] ? reader->inputs[1] : reader->inputs[0];
    reader->n_inputs = 3;
  } else {
    reader->n_inputs = 2;
  }
  reader->inputs[0] = product->inputs[0];
  reader->inputs[1] = product->inputs[1];
}

/* A map times its channel gate, where every reader can do that by itself: the product is never written. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  if (node->op != &cbam_op_multiply || node->n_inputs != 2 || node->outputs[0]->host || node->inputs[1]->width != 1 ||
      node->inputs[1]->height != 1 || node->inputs[0]->channels != node->inputs[1]->channels)
    return CBAM_FUSION_NOTHING;
  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *reader = g_ptr_array_index (graph->nodes, n);

    for (guint i = 0; i < reader->n_inputs; i++)
      if (reader->inputs[i] == node->outputs[0] && !can_take_gate (reader))
        return CBAM_FUSION_NOTHING;
  }
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *reader = g_ptr_array_index (graph->nodes, n);

    if (reader->inputs[0] == node->outputs[0] || (reader->n_inputs > 1 && reader->inputs[1] == node->outputs[0]))
      take_gate (reader, node);
  }
  return CBAM_FUSION_GONE;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_combine_add_case (graph, &cbam_op_multiply, NULL, shape, inputs);
}

/* A first map of one channel meets a vector of the channels that outputs says. */
static const CbamOpCase cases[] = {
  { 11, 6, 21, .company = CBAM_CASE_MAP },
  { 11, 6, 21, .company = CBAM_CASE_VECTOR },
  { 19, 13, 22, .company = CBAM_CASE_SINGLE, .big_reader = TRUE },
  { 11, 6, 1, .outputs = 9, .company = CBAM_CASE_VECTOR },
  { 1, 1, 9, .company = CBAM_CASE_BOTH },
  { 11, 6, 21, .company = CBAM_CASE_BOTH },
};

const CbamOpClass cbam_op_multiply = {
  .name = "multiply",
  .reference = cbam_combine_reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_GATES,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
