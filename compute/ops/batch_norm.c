/* batch_norm: each channel scaled and shifted (Ioffe, Szegedy 2015, arXiv 1502.03167), by what training measured.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/map.h"

#include <math.h>

#include "ops/map.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

static void
scale_and_shift (const CbamBatchNormParams *p, guint c, double *ret_scale, double *ret_shift)
{
  *ret_scale = p->gamma->values[c] / sqrt (p->variance->values[c] + p->eps);
  *ret_shift = p->beta->values[c] - p->mean->values[c] * *ret_scale;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->output) * 8;
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  for (gsize i = 0; i < packed_size (variant, node); i++)
    out[i] = 0;
  for (guint c = 0; c < node->output->channels; c++) {
    double scale, shift;

    scale_and_shift (&node->params.batch_norm, c, &scale, &shift);
    out[c / 4 * 8 + c % 4] = (float) scale;
    out[c / 4 * 8 + 4 + c % 4] = (float) shift;
  }
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_batch_norm_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_batch_norm_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->output;
  const gsize pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++) {
    double scale, shift;

    scale_and_shift (&node->params.batch_norm, c, &scale, &shift);
    for (gsize i = 0; i < pixels; i++)
      y[c * pixels + i] = (float) (x[c * pixels + i] * scale + shift);
  }
}

const CbamOpClass cbam_op_batch_norm = {
  .name = "batch_norm",
  .packed_size = packed_size,
  .pack = pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
