/* winograd_in: tiles of a map, transformed so that a 3x3 convolution becomes products of each place by itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/padded.h"
#include "ops/shaders.h"
#include "ops/winograd.h"

static guint
border (const CbamNode *node, guint i)
{
  return cbam_conv_reach (&cbam_winograd_params (node)->conv, node->inputs[i]);
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamConvParams *conv = &cbam_winograd_params (node)->conv;
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  CbamWinogradArgs *args = (CbamWinogradArgs *) ret_dispatch->args;

  cbam_winograd_fill_args (variant, node, ret_dispatch);
  args->x.origin -= (guint) conv->pad_top * in->view.row + (guint) conv->pad_left * in->view.pixel;
  args->step = cbam_value_blocks (in) * out->view.plane;
  ret_dispatch->groups[1] = cbam_value_blocks (in);
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", winograd_in, CbamWinogradArgs, dispatch),
};

/* Channel @c of a pixel that the convolution reads, counted from the first; what lies outside of the map is 0. Behind
 * the last comes the last again. */
static double
pixel (const CbamNode *node, const float *x, guint c, guint from_left, guint from_top)
{
  const CbamConvParams *p = &cbam_winograd_params (node)->conv;
  const CbamValue *in = node->inputs[0];
  const gint row = (gint) MIN (from_top, p->height - 1 + 2 * p->dilation) - p->pad_top;
  const gint column = (gint) MIN (from_left, p->width - 1 + 2 * p->dilation) - p->pad_left;

  if (column < 0 || row < 0 || column >= (gint) in->width || row >= (gint) in->height)
    return 0;
  return x[((gsize) c * in->height + (guint) row) * in->width + (guint) column];
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamWinogradParams *p = cbam_winograd_params (node);
  const CbamValue *out = node->outputs[0];
  const float *x = cbam_reference_get (run, node->inputs[0]);
  const guint channels = out->channels / CBAM_WINOGRAD_PLACES;
  float *y = cbam_reference_get (run, out);

  for (guint o = 0; o < out->channels; o++)
    for (guint row = 0; row < out->height; row++)
      for (guint column = 0; column < out->width; column++) {
        const double *ys = cbam_winograd_in[o / channels / 6], *xs = cbam_winograd_in[o / channels % 6];
        const guint top = cbam_winograd_first_pixel (&p->conv, p->first + row);
        const guint left = cbam_winograd_first_pixel (&p->conv, column), step = p->conv.dilation;
        double sum = 0;

        for (guint i = 0; i < CBAM_WINOGRAD_SPAN; i++)
          for (guint j = 0; j < CBAM_WINOGRAD_SPAN; j++)
            sum += ys[i] * xs[j] * pixel (node, x, o % channels, left + j * step, top + i * step);
        *y++ = (float) sum;
      }
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamWinogradParams params = {
    .conv = { .pad_left = (gint) shape->pad,
              .pad_top = (gint) shape->pad,
              .kernel_width = 3,
              .kernel_height = 3,
              .stride = 1,
              .dilation = shape->dilation,
              .width = shape->width + 2 * shape->pad - 2 * shape->dilation,
              .height = shape->height + 2 * shape->pad - 2 * shape->dilation },
    .first = shape->first,
  };
  CbamValue *output;

  params.rows = cbam_winograd_down (&params.conv) - params.first;
  output = cbam_graph_add_value (graph, "op", cbam_winograd_across (&params.conv), params.rows,
                                 CBAM_WINOGRAD_PLACES * shape->channels);
  cbam_graph_add_node (graph, &cbam_op_winograd_in, "op", &params, inputs[0], output);
  return output;
}

/* first: the row of tiles that the stripe begins with. */
static const CbamOpCase cases[] = {
  { 1, 1, 4, .dilation = 1, .pad = 1 },
  { 4, 4, 8, .dilation = 1, .pad = 1 },
  { 6, 6, 12, .dilation = 1 },
  { 9, 7, 16, .dilation = 1 },
  { 17, 22, 4, .dilation = 1, .pad = 1, .first = 2 },
  { 38, 38, 12, .dilation = 1, .pad = 1, .big_reader = TRUE },
  { 13, 6, 8, .dilation = 1, .pad = 2, .first = 1, .big_reader = TRUE },
  { 19, 13, 4, .dilation = 6, .pad = 6 },
  { 9, 17, 8, .dilation = 2, .pad = 1, .first = 1 },
};

const CbamOpClass cbam_op_winograd_in = {
  .name = "winograd_in",
  .params_size = sizeof (CbamWinogradParams),
  .border = border,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
