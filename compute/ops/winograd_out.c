/* winograd_out: the sums of products of each place of a tile, transformed back to 4x4 pixels of what the 3x3
 * convolution makes; with bias and a fused activation.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/padded.h"
#include "ops/shaders.h"
#include "ops/winograd.h"

/* ---- Packing: the bias; of a map that Grad-CAM may ask for, behind the convolution's weights, which it reads ------
 */

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->outputs[0]) * CBAM_TEXEL_CHANNELS;
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const CbamParam *bias = cbam_winograd_params (node)->conv.bias;

  for (gsize o = 0; o < packed_size (variant, node); o++)
    out[o] = o < cbam_param_count (bias) ? bias->values[o] : 0;
}

static const CbamPacking packing = { .size = packed_size, .pack = pack };

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

static gboolean
is_asked_for (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->outputs[0]->keepable;
}

static gboolean
is_only_read (const CbamOpVariant *variant, const CbamNode *node)
{
  return !node->outputs[0]->keepable;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *in = node->inputs[0];
  CbamWinogradArgs *args = (CbamWinogradArgs *) ret_dispatch->args;

  cbam_winograd_fill_args (variant, node, ret_dispatch);
  args->step = cbam_value_blocks (in) / CBAM_WINOGRAD_PLACES * in->view.plane;
  args->bias = variant->packing == &cbam_conv_packing ? cbam_conv_bias_texel (variant, node) : 0;
  ret_dispatch->groups[1] = cbam_value_blocks (node->outputs[0]);
  ret_dispatch->constant = cbam_winograd_params (node)->conv.activation.function;
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", winograd_out, CbamWinogradArgs, dispatch, .packing = &packing, .fits = is_only_read),
  CBAM_TEXEL_AND_PLAIN ("-head", winograd_out, CbamWinogradArgs, dispatch, .packing = &cbam_conv_packing,
                        .fits = is_asked_for),
};

/* ---- Truth ------------------------------------------------------------------------------------------------------- */

static double
sum_places (const CbamNode *node, const float *x, guint i, guint j)
{
  const CbamValue *in = node->inputs[0];
  const gsize place_size = (gsize) in->width * in->height * in->channels / CBAM_WINOGRAD_PLACES;
  double sum = 0;

  for (gsize place = 0; place < CBAM_WINOGRAD_PLACES; place++)
    sum += cbam_winograd_out[i][place / CBAM_WINOGRAD_SPAN] * cbam_winograd_out[j][place % CBAM_WINOGRAD_SPAN] *
           x[place * place_size];
  return sum;
}

/* What of the tile at @x lies inside of the map. */
static void
reference_tile (const CbamNode *node, const float *x, float *y, guint o, guint top, guint left)
{
  const CbamConvParams *p = &cbam_winograd_params (node)->conv;
  const double bias = p->bias != NULL ? p->bias->values[o] : 0;

  for (guint i = 0; i < CBAM_WINOGRAD_TILE; i++)
    for (guint j = 0; j < CBAM_WINOGRAD_TILE; j++) {
      const guint row = top + i * p->dilation, column = left + j * p->dilation;

      if (row < p->height && column < p->width)
        y[(gsize) row * p->width + column] =
            (float) cbam_activation_apply (&p->activation, sum_places (node, x, i, j) + bias);
    }
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamWinogradParams *p = cbam_winograd_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);

  for (guint o = 0; o < out->channels; o++, y += (gsize) out->width * out->height)
    for (guint row = 0; row < in->height; row++)
      for (guint column = 0; column < in->width; column++)
        reference_tile (node, x++, y, o, cbam_winograd_first_pixel (&p->conv, p->first + row),
                        cbam_winograd_first_pixel (&p->conv, column));
}

/* ---- In graphs --------------------------------------------------------------------------------------------------- */

/* Numbers were learned once, whatever the number of stripes. */
static guint64
parameters (const CbamNode *node)
{
  const CbamWinogradParams *p = cbam_winograd_params (node);

  return p->first > 0 ? 0 : cbam_param_count (p->conv.weight) + cbam_param_count (p->conv.bias);
}

static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  const guint rows = cbam_winograd_fits (node) ? cbam_winograd_choose_rows (node) : 0;

  if (rows == 0)
    return CBAM_FUSION_NOTHING;
  cbam_winograd_split (graph, node, rows);
  return CBAM_FUSION_GONE;
}

/* A convolution in stripes of one row of tiles, which all are what is tested. */
static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamValue *output = cbam_conv_add_case (graph, shape, inputs);
  CbamNode *conv = cbam_graph_find_writer (graph, output);

  output->keepable = shape->width % 2 == 0;
  cbam_winograd_split (graph, conv, 1);
  cbam_graph_remove_node (graph, conv);
  return output;
}

/* Even widths: maps that Grad-CAM may ask for. */
static const CbamOpCase cases[] = {
  { 1, 1, 4, 8, 3, 1, 1, 1 },  { 4, 4, 12, 5, 3, 1, 1, 1, .no_bias = TRUE },
  { 6, 6, 4, 17, 3, 1, 1, 0 }, { 9, 13, 12, 21, 3, 1, 1, 1, .big_reader = TRUE },
  { 5, 5, 8, 16, 3, 1, 1, 1 }, { 38, 11, 8, 33, 3, 1, .same = TRUE, .big_reader = TRUE },
};

const CbamOpClass cbam_op_winograd_out = {
  .name = "winograd_out",
  .params_size = sizeof (CbamWinogradParams),
  .reference = reference,
  .parameters = parameters,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_WINOGRAD,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
