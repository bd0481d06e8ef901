/* concat: the channels of two maps one behind the other, as GhostNet (arXiv 1911.11907) wants them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/concat.h"

#include "args/concat.h"

#include <string.h>

#include "ops/padded.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];

  *(CbamConcatArgs *) ret_dispatch->args = (CbamConcatArgs){
    .y = out->view,
    .x = { node->inputs[0]->view, node->inputs[1]->view },
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .first = node->inputs[0]->channels,
    .channels = out->channels,
    .inv_full = cbam_padded_dispatch (out, CBAM_THREADS, ret_dispatch),
  };
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", concat, CbamConcatArgs, dispatch),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  float *y = cbam_reference_get (run, node->outputs[0]);

  for (guint i = 0; i < node->n_inputs; i++) {
    const CbamValue *in = node->inputs[i];
    const gsize n = (gsize) in->width * in->height * in->channels;

    memcpy (y, cbam_reference_get (run, in), n * sizeof (float));
    y += n;
  }
}

CbamValue *
cbam_graph_concat (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b)
{
  CbamValue *output;
  CbamNode *node;

  if (graph->error != NULL)
    return NULL;
  if (a->width != b->width || a->height != b->height)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: channels of maps of %ux%u and %ux%u do not go together", name,
                     a->width, a->height, b->width, b->height);
  output = cbam_graph_add_value (graph, name, a->width, a->height, a->channels + b->channels);
  node = cbam_graph_add_node (graph, &cbam_op_concat, name, NULL, a, output);
  node->inputs[node->n_inputs++] = b;
  return output;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_concat (graph, "op", inputs[0], inputs[1]);
}

/* outputs: channels of the second map. */
static const CbamOpCase cases[] = {
  { 1, 1, 3, 2, .company = CBAM_CASE_MAP },
  { 11, 6, 24, 12, .company = CBAM_CASE_MAP },
  { 11, 6, 8, 21, .company = CBAM_CASE_MAP, .big_reader = TRUE },
  { 7, 9, 21, 8, .company = CBAM_CASE_MAP },
  { 5, 4, 13, 1, .company = CBAM_CASE_MAP },
  { 19, 13, 2, 63, .company = CBAM_CASE_MAP },
};

const CbamOpClass cbam_op_concat = {
  .name = "concat",
  .reference = reference,
  .scaling = cbam_op_scales_all,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
