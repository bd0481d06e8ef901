/* What add and multiply share: maps element by element, where an input may also be a vector of channels or a map of one
 * channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/combine.h"

#include "args/combine.h"

#include "ops/add.h"
#include "ops/padded.h"

static gboolean
is_vector (const CbamValue *tensor)
{
  return tensor->width == 1 && tensor->height == 1;
}

/* Whether @input counts for all of @output: as large as it in each of place and channels, or 1 there. */
static gboolean
fits (const CbamValue *output, const CbamValue *input)
{
  const gboolean same_size = input->width == output->width && input->height == output->height;

  return (same_size || is_vector (input)) && (input->channels == output->channels || input->channels == 1);
}

void
cbam_combine_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];
  CbamCombineArgs *args = (CbamCombineArgs *) ret_dispatch->args;

  *args = (CbamCombineArgs){
    .y = out->view,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .channels = out->channels,
    .inv_full = cbam_padded_dispatch (out, CBAM_THREADS, ret_dispatch),
  };
  for (guint i = 0; i < node->n_inputs; i++) {
    const CbamValue *in = node->inputs[i];

    args->x[i] = in->view;
    if (is_vector (in))
      args->x[i].row = args->x[i].pixel = 0;
    if (in->channels == 1 && out->channels > 1) {
      args->x[i].plane = 0;
      args->single |= 1u << i;
    }
  }
}

/* ---- Truth ------------------------------------------------------------------------------------------------------ */

static double
value_at (CbamReference *run, const CbamValue *in, guint c, guint row, guint column)
{
  const float *x = cbam_reference_get (run, in);
  const guint channel = in->channels == 1 ? 0 : c;

  return is_vector (in) ? x[channel] : x[((gsize) channel * in->height + row) * in->width + column];
}

void
cbam_combine_reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++)
    for (guint row = 0; row < out->height; row++)
      for (guint column = 0; column < out->width; column++) {
        double v = value_at (run, node->inputs[0], c, row, column);

        for (guint i = 1; i < node->n_inputs; i++) {
          const double w = value_at (run, node->inputs[i], c, row, column);

          v = node->op == &cbam_op_add ? v + w : v * w;
        }
        *y++ = (float) (node->op == &cbam_op_add ? cbam_activation_apply (cbam_add_params (node), v) : v);
      }
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_combine_add (CbamGraph *graph, const CbamOpClass *op, gconstpointer params, const char *name, CbamValue *a,
                  CbamValue *b)
{
  CbamValue *output;
  CbamNode *node;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, MAX (a->width, b->width), MAX (a->height, b->height),
                                 MAX (a->channels, b->channels));
  if (!fits (output, a) || !fits (output, b))
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: maps of %ux%ux%u and %ux%ux%u do not go together", name,
                     a->width, a->height, a->channels, b->width, b->height, b->channels);
  node = cbam_graph_add_node (graph, op, name, params, a, output);
  node->inputs[1] = b;
  node->n_inputs = 2;
  return output;
}

/* A vector or single channel that comes as the third is multiplied as well, which only fusions ask for. */
CbamValue *
cbam_combine_add_case (CbamGraph *graph, const CbamOpClass *op, gconstpointer params, const CbamOpCase *shape,
                       CbamValue *const *inputs)
{
  const gboolean first = shape->company == CBAM_CASE_MAP || inputs[0]->channels == 1;
  CbamValue *output =
      cbam_combine_add (graph, op, params, "op", first ? inputs[1] : inputs[0], first ? inputs[0] : inputs[1]);

  if (shape->company == CBAM_CASE_BOTH) {
    CbamNode *node = cbam_graph_find_writer (graph, output);

    node->inputs[node->n_inputs++] = inputs[2];
  }
  return output;
}
