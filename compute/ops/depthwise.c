/* depthwise: a convolution of each channel by itself, with bias and a fused clamp.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/depthwise.h"

#include "ops/shaders.h"

guint
cbam_depthwise_bias_texel (const CbamNode *node)
{
  return (guint) (cbam_value_blocks (node->outputs[0]) * cbam_conv_taps (node));
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->outputs[0]) * 4 * (cbam_conv_taps (node) + 1);
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const guint channels = node->outputs[0]->channels;
  float *bias = out + (gsize) cbam_value_blocks (node->outputs[0]) * 4 * cbam_conv_taps (node);

  for (gsize i = 0; i < packed_size (variant, node); i++)
    out[i] = 0;
  for (guint c = 0; c < channels; c++) {
    for (gsize t = 0; t < cbam_conv_taps (node); t++)
      out[(c / 4 * cbam_conv_taps (node) + t) * 4 + c % 4] = p->weight->values[c * cbam_conv_taps (node) + t];
    bias[c] = p->bias != NULL ? p->bias->values[c] : 0;
  }
}

const CbamPacking cbam_depthwise_packing = { packed_size, pack };

/* tile: width and height, stride, size of the kernel that the shader was compiled for. */

static gboolean
fits_tile (const CbamOpVariant *variant, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return p->kernel_width == variant->tile[3] && p->kernel_height == variant->tile[3] && p->dilation == 1 &&
         p->stride == variant->tile[2];
}

static guint
count_tiles (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint across = (node->outputs[0]->width + variant->tile[0] - 1) / variant->tile[0];
  const guint down = (node->outputs[0]->height + variant->tile[1] - 1) / variant->tile[1];

  return across * down;
}

/* Loads and stores of all lanes that run, idle ones in the last workgroup included. */
static double
tile_cost (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps)
{
  const guint *tile = variant->tile;
  const double loads = ((tile[0] - 1) * tile[2] + tile[3]) * ((tile[1] - 1) * tile[2] + tile[3]);
  const guint groups = (count_tiles (variant, node) + CBAM_LANES - 1) / CBAM_LANES;

  return groups * (loads + 2.0 * tile[0] * tile[1] + 8);
}

static void
dispatch_texel (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;
  const guint groups = (count_tiles (variant, node) + CBAM_LANES - 1) / CBAM_LANES;

  cbam_conv_fill_args (node, CBAM_LANES, CBAM_LANES, ret_dispatch);
  ret_dispatch->groups[0] += groups - args->tiles;
  ret_dispatch->groups[1] = cbam_value_blocks (node->outputs[0]);
  args->tiles = groups;
  args->bias = cbam_depthwise_bias_texel (node);
}

static void
dispatch_plain (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;

  cbam_conv_fill_args (node, CBAM_THREADS, CBAM_THREADS, ret_dispatch);
  ret_dispatch->groups[1] = cbam_value_blocks (node->outputs[0]);
  args->bias = cbam_depthwise_bias_texel (node);
}

#define TEXEL(width, height, size, stride)                                                                             \
  {                                                                                                                    \
    .name = "texel-" #width "x" #height "-k" #size,                                                                    \
    .shader = &cbam_shader_depthwise_texel_##width##x##height##_k##size##s##stride,                                    \
    .narrow = &cbam_shader_depthwise_texel_##width##x##height##_k##size##s##stride##_narrow,                           \
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8, .args_size = sizeof (CbamConvArgs),                              \
    .tile = { width, height, stride, size }, .packing = &cbam_depthwise_packing, .fits = fits_tile, .cost = tile_cost, \
    .dispatch = dispatch_texel                                                                                         \
  }

static const CbamOpVariant variants[] = {
  CBAM_DEPTHWISE_TILES (TEXEL),
  { .name = "plain",
    .shader = &cbam_shader_depthwise_plain,
    .args_size = sizeof (CbamConvArgs),
    .packing = &cbam_depthwise_packing,
    .dispatch = dispatch_plain },
  { .name = "half",
    .shader = &cbam_shader_depthwise_plain_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamConvArgs),
    .packing = &cbam_depthwise_packing,
    .dispatch = dispatch_plain },
};

void
cbam_depthwise_compute (const CbamConvParams *p, const CbamValue *in, const float *x, float *y)
{
  for (guint c = 0; c < in->channels; c++)
    for (guint row = 0; row < p->height; row++)
      for (guint column = 0; column < p->width; column++) {
        double sum = p->bias != NULL ? p->bias->values[c] : 0;

        for (guint ky = 0; ky < p->kernel_height; ky++)
          for (guint kx = 0; kx < p->kernel_width; kx++) {
            const gint iy = (gint) (row * p->stride + ky * p->dilation) - p->pad_top;
            const gint ix = (gint) (column * p->stride + kx * p->dilation) - p->pad_left;

            if (iy >= 0 && iy < (gint) in->height && ix >= 0 && ix < (gint) in->width)
              sum += (double) p->weight->values[(c * p->kernel_height + ky) * p->kernel_width + kx] *
                     x[(c * in->height + (guint) iy) * in->width + (guint) ix];
          }
        *y++ = (float) cbam_activation_apply (&p->activation, sum);
      }
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  cbam_depthwise_compute (cbam_conv_params (node), node->inputs[0], cbam_reference_get (run, node->inputs[0]),
                          cbam_reference_get (run, node->outputs[0]));
}

static guint64
macs (const CbamNode *node)
{
  return (guint64) node->outputs[0]->width * node->outputs[0]->height * node->outputs[0]->channels *
         cbam_conv_taps (node);
}

static const CbamOpCase cases[] = {
  { 1, 1, 3, 0, 3, 1, 1, 1 },
  { 2, 2, 8, 0, 3, 2, .same = TRUE },
  { 19, 19, 21, 0, 3, 1, 1, 1 },
  { 24, 20, 5, 0, 3, 1, .same = TRUE },
  { 25, 25, 4, 0, 3, 2, .same = TRUE, .big_reader = TRUE },
  { 26, 24, 7, 0, 3, 2, 1, 1, .no_bias = TRUE },
  { 7, 31, 84, 0, 3, 2, .same = TRUE },
  { 31, 5, 12, 0, 5, 1, 1, 2 },
  { 11, 11, 21, 0, 5, 2, 1, 2 },
  { 20, 12, 6, 0, 5, 2, .same = TRUE, .big_reader = TRUE },
  { 22, 9, 7, 0, 5, 1, 1, 2, .no_bias = TRUE },
  { 10, 11, 9, 0, 3, 1, 2, 2 },
  { 48, 16, 4, 0, 3, 1, 1, 1 }, /* tiles that fill the workgroups exactly */
  { 32, 16, 4, 0, 3, 2, 1, 1 },
  { 13, 12, 8, 0, 3, 2, .same = TRUE },
};

const CbamOpClass cbam_op_depthwise = {
  .name = "depthwise",
  .params_size = sizeof (CbamConvParams),
  .border = cbam_conv_border,
  .macs = macs,
  .reference = reference,
  .scaling = cbam_conv_scaling,
  .rescale = cbam_conv_rescale,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .parameters = cbam_conv_parameters,
  .kernel = cbam_conv_kernel,
  .add_case = cbam_conv_add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
