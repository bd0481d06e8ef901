/* max_pool: the largest value of each window of a channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/pool.h"

#include "ops/shaders.h"
#include "run/reference/reference.h"

#define THREADS 64

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamPoolParams *p = &node->params.pool;
  const CbamValue *in = node->inputs[0], *out = node->output;
  const guint full_width = out->width + 2 * out->border, full_height = out->height + 2 * out->border;

  *(CbamPoolArgs *) ret_dispatch->args = (CbamPoolArgs){
    .x = in->view,
    .y = out->view,
    .in_width = in->width,
    .in_height = in->height,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .kernel = p->kernel,
    .stride = p->stride,
    .pad = p->pad,
    .inv_full = 1.0f / (float) full_width,
  };
  ret_dispatch->groups[0] = (full_width * full_height + THREADS - 1) / THREADS;
  ret_dispatch->groups[1] = cbam_value_blocks (out);
  ret_dispatch->groups[2] = 1;
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_max_pool_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamPoolArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_max_pool_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamPoolArgs),
    .dispatch = dispatch },
};

static float
largest_of_window (const CbamNode *node, const float *plane, guint row, guint column)
{
  const CbamPoolParams *p = &node->params.pool;
  const CbamValue *in = node->inputs[0];
  float largest = -G_MAXFLOAT;

  for (guint ky = 0; ky < p->kernel; ky++)
    for (guint kx = 0; kx < p->kernel; kx++) {
      const gint y = (gint) (row * p->stride + ky) - (gint) p->pad;
      const gint x = (gint) (column * p->stride + kx) - (gint) p->pad;

      if (y >= 0 && y < (gint) in->height && x >= 0 && x < (gint) in->width)
        largest = MAX (largest, plane[(guint) y * in->width + (guint) x]);
    }
  return largest;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0], *out = node->output;
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++, x += (gsize) in->width * in->height)
    for (guint row = 0; row < out->height; row++)
      for (guint column = 0; column < out->width; column++)
        *y++ = largest_of_window (node, x, row, column);
}

const CbamOpClass cbam_op_max_pool = {
  .name = "max_pool",
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
