/* depthwise_deconv: a transposed convolution of each channel by itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/deconv.h"

#include "ops/deconv.h"
#include "ops/depthwise.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_deconv_fill_dispatch (node, cbam_depthwise_bias_texel (node), ret_dispatch);
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", depthwise_deconv, CbamDeconvArgs, dispatch, .packing = &cbam_depthwise_packing),
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const gsize in_pixels = (gsize) in->width * in->height, out_pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);
  g_autofree double *sums = g_new (double, out_pixels);

  for (guint c = 0; c < out->channels; c++) {
    for (gsize i = 0; i < out_pixels; i++)
      sums[i] = p->bias != NULL ? p->bias->values[c] : 0;
    cbam_deconv_spread (node, x + c * in_pixels, p->weight->values + c * cbam_conv_taps (node), sums);
    for (gsize i = 0; i < out_pixels; i++)
      *y++ = (float) cbam_activation_apply (&p->activation, sums[i]);
  }
}

static guint64
macs (const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];

  return (guint64) in->width * in->height * in->channels * cbam_conv_taps (node);
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_deconv_add_case (graph, shape, inputs, TRUE);
}

/* As deconv's. */
static const CbamOpCase cases[] = {
  { 1, 1, 5, 0, 3, 2, 1, 1 },
  { 10, 7, 21, 0, 3, 2, 0, 1, .no_bias = TRUE },
  { 6, 5, 8, 0, 3, 1, 0, 0, .big_reader = TRUE },
  { 3, 9, 4, 0, 4, 3, 2, 1 },
};

const CbamOpClass cbam_op_depthwise_deconv = {
  .name = "depthwise_deconv",
  .params_size = sizeof (CbamConvParams),
  .macs = macs,
  .parameters = cbam_conv_parameters,
  .reference = reference,
  .scaling = cbam_conv_scaling,
  .rescale = cbam_conv_rescale,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
