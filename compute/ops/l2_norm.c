/* l2_norm: each pixel's vector of channels over its length, times a learned weight per channel. SSD puts it before the
 * heads of conv4_3, whose activations are larger than the other sources'.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/map.h"

#include <math.h>

#include "ops/map.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->output) * 4;
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  for (gsize c = 0; c < packed_size (variant, node); c++)
    out[c] = c < node->output->channels ? node->params.l2_norm.weight->values[c] : 0;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
  ((CbamMapArgs *) ret_dispatch->args)->lo = (float) node->params.l2_norm.eps;
  ret_dispatch->groups[1] = 1; /* an invocation makes all blocks of its pixel */
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_l2_norm_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_l2_norm_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamL2NormParams *p = &node->params.l2_norm;
  const CbamValue *out = node->output;
  const gsize pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < pixels; i++) {
    double sum = 0;

    for (guint c = 0; c < out->channels; c++)
      sum += (double) x[c * pixels + i] * x[c * pixels + i];
    for (guint c = 0; c < out->channels; c++)
      y[c * pixels + i] = (float) (x[c * pixels + i] / (sqrt (sum) + p->eps) * p->weight->values[c]);
  }
}

const CbamOpClass cbam_op_l2_norm = {
  .name = "l2_norm",
  .packed_size = packed_size,
  .pack = pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
