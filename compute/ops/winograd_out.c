/* winograd_out: the sums of products of each place of a tile, transformed back to 4x4 pixels of what the 3x3
 * convolution makes; with bias and a fused activation.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "ops/max_pool.h"
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
is_pooled (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_winograd_params (node)->pools;
}

static gboolean
is_whole (const CbamOpVariant *variant, const CbamNode *node)
{
  return !is_pooled (variant, node) && !is_asked_for (variant, node);
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
  CBAM_TEXEL_AND_PLAIN ("", winograd_out, CbamWinogradArgs, dispatch, .packing = &packing, .fits = is_whole),
  CBAM_TEXEL_AND_PLAIN ("-pool", winograd_out_pool, CbamWinogradArgs, dispatch, .packing = &packing, .fits = is_pooled),
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

/* 4x4 pixels; below all others what lies outside of the map. */
static void
make_pixels (const CbamNode *node, const float *x, guint o, guint top, guint left, float ret_pixels[4][4])
{
  const CbamConvParams *p = &cbam_winograd_params (node)->conv;
  const double bias = p->bias != NULL ? p->bias->values[o] : 0;

  for (guint i = 0; i < CBAM_WINOGRAD_TILE; i++)
    for (guint j = 0; j < CBAM_WINOGRAD_TILE; j++)
      ret_pixels[i][j] = top + i * p->dilation < p->height && left + j * p->dilation < p->width
                             ? (float) cbam_activation_apply (&p->activation, sum_places (node, x, i, j) + bias)
                             : -INFINITY;
}

static void
store_tile (const CbamNode *node, float *y, float pixels[4][4], guint top, guint left)
{
  const CbamWinogradParams *p = cbam_winograd_params (node);
  const CbamValue *out = node->outputs[0];
  const guint size = p->pools ? 2 : 1;

  for (guint i = 0; i < CBAM_WINOGRAD_TILE; i += size)
    for (guint j = 0; j < CBAM_WINOGRAD_TILE; j += size) {
      const guint row = (top + i * p->conv.dilation) / size, column = (left + j * p->conv.dilation) / size;
      float largest = pixels[i][j];

      for (guint n = 1; n < size * size; n++)
        largest = MAX (largest, pixels[i + n / 2][j + n % 2]);
      if (row < out->height && column < out->width)
        y[(gsize) row * out->width + column] = largest;
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
      for (guint column = 0; column < in->width; column++) {
        const guint top = cbam_winograd_first_pixel (&p->conv, p->first + row);
        const guint left = cbam_winograd_first_pixel (&p->conv, column);
        float pixels[4][4];

        make_pixels (node, x++, o, top, left, pixels);
        store_tile (node, y, pixels, top, left);
      }
}

/* ---- In graphs --------------------------------------------------------------------------------------------------- */

/* Numbers were learned once, whatever the number of stripes. */
static guint64
parameters (const CbamNode *node)
{
  const CbamWinogradParams *p = cbam_winograd_params (node);

  return p->first > 0 ? 0 : cbam_param_count (p->conv.weight) + cbam_param_count (p->conv.bias);
}

/* The max pool of 2x2 pixels that alone reads what @node makes; NULL = there is none. */
static CbamNode *
find_pool (const CbamGraph *graph, const CbamNode *node)
{
  const CbamValue *value = node->outputs[0];

  if (cbam_conv_params (node)->dilation > 1 || value->keepable || cbam_graph_count_readers (graph, value) != 1)
    return NULL;
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *reader = g_ptr_array_index (graph->nodes, n);

    if (reader->op == &cbam_op_max_pool && reader->inputs[0] == value && !reader->outputs[0]->keepable) {
      const CbamPoolParams *p = cbam_max_pool_params (reader);

      return p->kernel == 2 && p->stride == 2 && p->pad == 0 ? reader : NULL;
    }
  }
  return NULL;
}

static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  const guint rows = cbam_winograd_fits (node) ? cbam_winograd_choose_rows (node) : 0;
  CbamNode *pool;

  if (rows == 0)
    return CBAM_FUSION_NOTHING;
  pool = find_pool (graph, node);
  cbam_winograd_split (graph, node, pool, rows);
  if (pool != NULL)
    cbam_graph_remove_node (graph, pool);
  return CBAM_FUSION_GONE;
}

/* A convolution in stripes of one row of tiles, which all are what is tested; and a pool behind it. */
static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  const gboolean pools = shape->stride == 2;
  CbamOpCase unpooled = *shape;
  CbamValue *output;
  CbamNode *conv, *pool = NULL;

  unpooled.stride = 1;
  unpooled.first = 0;
  output = cbam_conv_add_case (graph, &unpooled, inputs);
  conv = cbam_graph_find_writer (graph, output);
  if (pools) {
    output = cbam_graph_max_pool (graph, &(CbamPoolForm){ .name = "pool", .input = output, .ceil = shape->first == 1 });
    pool = cbam_graph_find_writer (graph, output);
  }
  output->keepable = !pools && shape->width % 2 == 0;
  cbam_winograd_split (graph, conv, pool, 1);
  cbam_graph_remove_node (graph, conv);
  if (pools)
    cbam_graph_remove_node (graph, pool);
  return output;
}

/* Even widths: maps that Grad-CAM may ask for. stride: 2 if a pool follows; first: 1 if its windows may stick out. */
static const CbamOpCase cases[] = {
  { 1, 1, 4, 8, 3, 1, 1, 1 },
  { 4, 4, 12, 5, 3, 1, 1, 1, .no_bias = TRUE },
  { 6, 6, 4, 17, 3, 1, 1, 0 },
  { 9, 13, 12, 21, 3, 1, 1, 1, .big_reader = TRUE },
  { 5, 5, 8, 16, 3, 1, 1, 1 },
  { 38, 11, 8, 33, 3, 1, .same = TRUE, .big_reader = TRUE },
  { 13, 19, 4, 5, 3, 1, 6, 6, .big_reader = TRUE },
  { 8, 8, 4, 8, 3, 2, 1, 1 },
  { 11, 13, 8, 12, 3, 2, 1, 1, .first = 1, .big_reader = TRUE },
  { 11, 13, 8, 12, 3, 2, 1, 1 },
  { 1, 2, 4, 5, 3, 2, 1, 1, .first = 1 },
  { 19, 7, 12, 21, 3, 2, 1, 1, .first = 1, .no_bias = TRUE },
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
