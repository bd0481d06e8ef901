/* What add and multiply share: maps element by element, where an input may also be a vector of channels or a map of one
 * channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/combine.h"

#include "args/combine.h"

#include "ops/padded.h"
#include "run/reference/reference.h"

#define THREADS 64

static gboolean
is_vector (const CbamValue *tensor)
{
  return tensor->width == 1 && tensor->height == 1;
}

gboolean
cbam_combine_fits (const CbamValue *output, const CbamValue *input)
{
  const gboolean same_size = input->width == output->width && input->height == output->height;

  return (same_size || is_vector (input)) && (input->channels == output->channels || input->channels == 1);
}

void
cbam_combine_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->output;
  CbamCombineArgs *args = (CbamCombineArgs *) ret_dispatch->args;

  *args = (CbamCombineArgs){
    .y = out->view,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .channels = out->channels,
    .inv_full = cbam_padded_dispatch (out, THREADS, ret_dispatch),
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
  const CbamValue *out = node->output;
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++)
    for (guint row = 0; row < out->height; row++)
      for (guint column = 0; column < out->width; column++) {
        double v = value_at (run, node->inputs[0], c, row, column);

        for (guint i = 1; i < node->n_inputs; i++) {
          const double w = value_at (run, node->inputs[i], c, row, column);

          v = node->op == &cbam_op_add ? v + w : v * w;
        }
        *y++ = (float) v;
      }
}
