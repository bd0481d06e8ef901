/* turn: a vector of channels becomes a row of pixels, or back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/resize.h"

#include "ops/padded.h"
#include "ops/resize.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_resize_fill (node, ret_dispatch);
  ((CbamResizeArgs *) ret_dispatch->args)->from_row = node->inputs[0]->channels == 1;
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", turn, CbamResizeArgs, dispatch, NULL, CBAM_BIND_INPUT, CBAM_BIND_OUTPUT),
};

/* Either way the numbers stay in their order. */
static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, node->output);

  for (guint i = 0; i < in->width * in->channels; i++)
    y[i] = x[i];
}

const CbamOpClass cbam_op_turn = {
  .name = "turn",
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
