/* deconv and depthwise_deconv: transposed convolutions, by which StairNet steps a coarse map up into the next finer
 * one.
 *
 * These kernels find each output pixel's inputs one by one; fuse.c usually makes a full one into ordinary convolutions
 * before they get it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/deconv.h"

#include "ops/conv.h"
#include "ops/padded.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

#define THREADS 64

/* Their kernels keep inside of the map. */
static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *in = node->inputs[0], *out = node->output;

  *(CbamDeconvArgs *) ret_dispatch->args = (CbamDeconvArgs){
    .x = in->view,
    .y = out->view,
    .in_width = in->width,
    .in_height = in->height,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .in_blocks = cbam_value_blocks (in),
    .kernel = p->kernel_width,
    .up_x = p->up_x,
    .up_y = p->up_y,
    .pad_x = (uint) p->pad_left,
    .pad_y = (uint) p->pad_top,
    .bias = node->op == &cbam_op_deconv ? cbam_conv_bias_texel (variant, node) : cbam_depthwise_bias_texel (node),
    .inv_full = cbam_padded_dispatch (out, THREADS, ret_dispatch),
    .lo = p->lo,
    .hi = p->hi,
  };
}

static gsize
taps (const CbamNode *node)
{
  return (gsize) node->params.conv.kernel_width * node->params.conv.kernel_height;
}

static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_value_blocks (node->inputs[0]) * taps (node) < CBAM_MOST_TURNS;
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", deconv, CbamDeconvArgs, dispatch, fits, CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS,
                        CBAM_BIND_OUTPUT),
};

static const CbamOpVariant depthwise_variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", depthwise_deconv, CbamDeconvArgs, dispatch, NULL, CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS,
                        CBAM_BIND_OUTPUT),
};

/* ---- Truth: every input pixel is spread over the output ---------------------------------------------------------- */

static void
spread (const CbamNode *node, const float *x, const float *kernel, double *sums)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *in = node->inputs[0], *out = node->output;

  for (guint row = 0; row < in->height; row++)
    for (guint column = 0; column < in->width; column++)
      for (guint ky = 0; ky < p->kernel_height; ky++)
        for (guint kx = 0; kx < p->kernel_width; kx++) {
          const gint y = (gint) (row * p->up_y + ky) - p->pad_top, to_x = (gint) (column * p->up_x + kx) - p->pad_left;

          if (y >= 0 && y < (gint) out->height && to_x >= 0 && to_x < (gint) out->width)
            sums[(guint) y * out->width + (guint) to_x] +=
                (double) x[row * in->width + column] * kernel[ky * p->kernel_width + kx];
        }
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *in = node->inputs[0], *out = node->output;
  const gsize in_pixels = (gsize) in->width * in->height, out_pixels = (gsize) out->width * out->height;
  const gboolean depthwise = node->op == &cbam_op_depthwise_deconv;
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);
  g_autofree double *sums = g_new (double, out_pixels);

  for (guint o = 0; o < out->channels; o++) {
    for (gsize i = 0; i < out_pixels; i++)
      sums[i] = p->bias ? p->bias->values[o] : 0;
    if (depthwise)
      spread (node, x + o * in_pixels, p->weight->values + o * taps (node), sums);
    for (guint c = 0; !depthwise && c < in->channels; c++)
      spread (node, x + c * in_pixels, p->weight->values + ((gsize) o * in->channels + c) * taps (node), sums);
    for (gsize i = 0; i < out_pixels; i++)
      *y++ = (float) CLAMP (sums[i], (double) p->lo, (double) p->hi);
  }
}

/* Every tap of every input pixel, as is usual; those that fall off the edge are counted too. */
static guint64
macs (const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];
  const guint64 channels = node->op == &cbam_op_deconv ? node->output->channels : 1;

  return (guint64) in->width * in->height * in->channels * channels * taps (node);
}

const CbamOpClass cbam_op_deconv = {
  .name = "deconv",
  .macs = macs,
  .packed_size = cbam_conv_packed_size,
  .pack = cbam_conv_pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};

const CbamOpClass cbam_op_depthwise_deconv = {
  .name = "depthwise_deconv",
  .macs = macs,
  .packed_size = cbam_depthwise_packed_size,
  .pack = cbam_depthwise_pack,
  .reference = reference,
  .variants = depthwise_variants,
  .n_variants = G_N_ELEMENTS (depthwise_variants),
};
