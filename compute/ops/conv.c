/* conv: a full convolution, kernel k x k, any stride and dilation, with bias and a fused clamp.
 *
 * On CPU devices a register tile per subgroup (shaders/conv_texel.comp), in several shapes; everywhere else a tile in
 * shared memory (shaders/conv_shared.comp). All read the same packed weights.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/conv.h"

#include <math.h>

#include "ops/shaders.h"
#include "run/reference/reference.h"

#define LANES 8
#define GROUP 8 /* output channels whose weights lie side by side; every tile has whole groups */
#define SHARED_THREADS 128
#define SINGLE_THREADS 64

/* ---- What both convolutions share ----------------------------------------------------------------------------- */

/* How far past the first or the last pixel of an axis of @input pixels the kernel reaches. */
static guint
reach (guint input, guint output, guint kernel, const CbamConvParams *p, gint pad)
{
  const gint last = (gint) ((output - 1) * p->stride + (kernel - 1) * p->dilation) - pad;

  return (guint) MAX (MAX (0, pad), last - (gint) (input - 1));
}

guint
cbam_conv_border (const CbamNode *node, guint i)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *in = node->inputs[0];

  if (i > 0)
    return 0; /* what is added to the sum */
  return MAX (reach (in->width, p->width, p->kernel_width, p, p->pad_left),
              reach (in->height, p->height, p->kernel_height, p, p->pad_top));
}

void
cbam_conv_fill_args (const CbamNode *node, guint tile_pixels, guint threads, CbamDispatch *ret_dispatch)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *in = node->inputs[0], *out = node->output;
  /* One of several that fill a map together leaves no border: cbam_graph_fuse() sees to it that nobody wants one. */
  const gboolean whole = p->step_x == 1 && p->step_y == 1;
  const guint border = whole ? out->border : 0;
  const guint cells = 2 * border * (out->width + 2 * border + out->height);
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;

  *args = (CbamConvArgs){
    .x = in->view,
    .y = out->view,
    .width = p->width,
    .height = p->height,
    .in_blocks = cbam_value_blocks (in),
    .out_blocks = cbam_value_blocks (out),
    .kernel_width = p->kernel_width,
    .kernel_height = p->kernel_height,
    .stride = p->stride,
    .dilation = p->dilation,
    .tiles = (p->width * p->height + tile_pixels - 1) / tile_pixels,
    .border = border,
    .last_texel = (uint) (in->size / CBAM_TEXEL_BYTES - 1),
    .inv_width = 1.0f / (float) p->width,
    .lo = p->lo,
    .hi = p->hi,
    .sigmoid = p->sigmoid,
  };
  args->x.origin -= (uint) p->pad_top * in->view.row + (uint) p->pad_left * in->view.pixel;
  args->y.origin += p->first_y * out->view.row + p->first_x * out->view.pixel;
  args->y.row *= p->step_y;
  args->y.pixel *= p->step_x;
  if (node->n_inputs > 1)
    args->sum = node->inputs[1]->view;
  ret_dispatch->groups[0] = args->tiles + (cells + threads - 1) / threads;
  ret_dispatch->groups[2] = 1;
}

/* ---- Packing ---------------------------------------------------------------------------------------------------- */

/* Whole tiles of the kernel that reads them, so that none reaches past the end; groups of eight for those without. */
static gsize
padded_channels (const CbamOpVariant *variant, const CbamNode *node)
{
  const gsize channels = node->output->channels, tile = MAX (variant->tile[0], GROUP);

  return (channels + tile - 1) / tile * tile;
}

/* K in texels: input block, kernel row, kernel column. */
static gsize
depth (const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->inputs[0]) * node->params.conv.kernel_width * node->params.conv.kernel_height;
}

guint
cbam_conv_bias_texel (const CbamOpVariant *variant, const CbamNode *node)
{
  return (guint) (padded_channels (variant, node) * depth (node));
}

gsize
cbam_conv_packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return padded_channels (variant, node) * (depth (node) * 4 + 1);
}

void
cbam_conv_pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const CbamConvParams *p = &node->params.conv;
  const guint in_channels = node->inputs[0]->channels, out_channels = node->output->channels;
  const gsize k_depth = depth (node), taps = (gsize) p->kernel_width * p->kernel_height;
  float *bias = out + padded_channels (variant, node) * k_depth * 4;

  for (gsize i = 0; i < cbam_conv_packed_size (variant, node); i++)
    out[i] = 0;
  for (gsize o = 0; o < out_channels; o++)
    for (gsize c = 0; c < in_channels; c++)
      for (gsize tap = 0; tap < taps; tap++) {
        const gsize k = c / 4 * taps + tap;

        out[((o / GROUP * k_depth + k) * GROUP + o % GROUP) * 4 + c % 4] =
            p->weight->values[(o * in_channels + c) * taps + tap];
      }
  for (gsize o = 0; p->bias && o < out_channels; o++)
    bias[o] = p->bias->values[o];
}

/* ---- Kernels ---------------------------------------------------------------------------------------------------- */

/* tile: output channels, pixels per lane, K texels per turn. */

static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return depth (node) < CBAM_MOST_TURNS && node->n_inputs == 1 && !node->params.conv.sigmoid;
}

static gboolean
is_pointwise (const CbamOpVariant *variant, const CbamNode *node)
{
  const CbamConvParams *p = &node->params.conv;

  return depth (node) < CBAM_MOST_TURNS && p->kernel_width == 1 && p->kernel_height == 1 && !p->sigmoid &&
         cbam_value_blocks (node->inputs[0]) % variant->tile[2] == 0;
}

static gboolean
fits_pointwise (const CbamOpVariant *variant, const CbamNode *node)
{
  return is_pointwise (variant, node) && node->n_inputs == 1;
}

static gboolean
fits_pointwise_sum (const CbamOpVariant *variant, const CbamNode *node)
{
  return is_pointwise (variant, node) && node->n_inputs == 2;
}

static gboolean
fits_shared (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 1 && !node->params.conv.sigmoid;
}

static gboolean
fits_shared_sum (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 2 && !node->params.conv.sigmoid;
}

/* One output channel would leave most of a tile unused. */
static gboolean
fits_single (const CbamOpVariant *variant, const CbamNode *node)
{
  return depth (node) < CBAM_MOST_TURNS && node->n_inputs == 1 && node->output->channels == 1 &&
         node->params.conv.step_x == 1 && node->params.conv.step_y == 1;
}

/* Cycles on lavapipe, roughly: of every tile, those that stick out of the map or past the last channel included, its
 * multiply-adds, its loads (one per pixel and per eight channels), the blend of all sums at the end of a turn, and its
 * stores. The factors were fitted to timings of 30 shapes. */
static double
tile_cost (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint pixels = node->params.conv.width * node->params.conv.height;
  const guint tile_pixels = LANES * variant->tile[1];
  const double tiles = ((pixels + tile_pixels - 1) / tile_pixels) *
                       (double) ((node->output->channels + variant->tile[0] - 1) / variant->tile[0]);
  const double sums = variant->tile[0] * variant->tile[1];
  const double loads = variant->tile[1] + variant->tile[0] / 8.0;

  return tiles * (depth (node) * (3 * sums + 20 * loads + (sums + 40) / variant->tile[2]) + 110 * sums / 4);
}

static void
dispatch_texel (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;

  cbam_conv_fill_args (node, LANES * variant->tile[1], LANES, ret_dispatch);
  args->bias = cbam_conv_bias_texel (variant, node);
  ret_dispatch->groups[1] = (node->output->channels + variant->tile[0] - 1) / variant->tile[0];
}

/* The sliding window counts pixels along the input's padded rows. */
static gboolean
fits_window (const CbamOpVariant *variant, const CbamNode *node)
{
  const CbamConvParams *p = &node->params.conv;

  return fits (variant, node) && p->kernel_width == 3 && p->kernel_height == 3 && p->stride == 1 && p->dilation == 1 &&
         (p->width + 2) * p->height >= LANES * variant->tile[1];
}

static double
window_cost (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint pixels = (node->params.conv.width + 2) * node->params.conv.height;
  const guint tile_pixels = LANES * variant->tile[1];
  const double tiles = ((pixels + tile_pixels - 1) / tile_pixels) *
                       (double) ((node->output->channels + variant->tile[0] - 1) / variant->tile[0]);
  const double sums = variant->tile[0] * variant->tile[1];
  const double loads = variant->tile[1] + 2 + 3 * variant->tile[0] / 8.0;

  return tiles * (depth (node) / 3.0 * (8 * sums + 20 * loads + sums + 40) + 130 * sums / 4);
}

static void
dispatch_window (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;
  const guint tile_pixels = LANES * variant->tile[1];
  guint tiles;

  cbam_conv_fill_args (node, tile_pixels, LANES, ret_dispatch);
  tiles = (args->height * args->x.row + tile_pixels - 1) / tile_pixels;
  ret_dispatch->groups[0] += tiles - args->tiles;
  ret_dispatch->groups[1] = (node->output->channels + variant->tile[0] - 1) / variant->tile[0];
  args->tiles = tiles;
  args->bias = cbam_conv_bias_texel (variant, node);
  args->inv_width = 1.0f / (float) args->x.row;
}

static void
dispatch_shared (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;

  cbam_conv_fill_args (node, variant->tile[1], SHARED_THREADS, ret_dispatch);
  args->bias = cbam_conv_bias_texel (variant, node);
  ret_dispatch->groups[1] = (node->output->channels + variant->tile[0] - 1) / variant->tile[0];
}

/* One invocation per pixel of the padded output. */
static void
dispatch_single (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;
  const guint full_width = node->output->width + 2 * node->output->border;
  const guint full_height = node->output->height + 2 * node->output->border;

  cbam_conv_fill_args (node, 1, 1, ret_dispatch);
  args->bias = cbam_conv_bias_texel (variant, node);
  args->inv_width = 1.0f / (float) full_width;
  ret_dispatch->groups[0] = (full_width * full_height + SINGLE_THREADS - 1) / SINGLE_THREADS;
  ret_dispatch->groups[1] = 1;
}

/* Loads of a pixel and of a weight per turn. */
static double
single_cost (const CbamOpVariant *variant, const CbamNode *node)
{
  return (node->params.conv.width * node->params.conv.height / LANES + 1) * (45.0 * depth (node) + 150);
}

#define TEXEL(label, module, channels, pixels, steps, fitting)                                                         \
  {                                                                                                                    \
    .name = label, .shader = &cbam_shader_##module, .narrow = &cbam_shader_##module##_narrow,                          \
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8,                                                                  \
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT }, .args_size = sizeof (CbamConvArgs),          \
    .tile = { channels, pixels, steps }, .whole_blocks = (channels) / 4, .fits = fitting, .cost = tile_cost,           \
    .dispatch = dispatch_texel                                                                                         \
  }

/* The same with a second map added. */
#define TEXEL_SUM(label, module, channels, pixels, steps)                                                              \
  {                                                                                                                    \
    .name = label, .shader = &cbam_shader_##module##_sum, .narrow = &cbam_shader_##module##_sum_narrow,                \
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8,                                                                  \
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT, CBAM_BIND_INPUT_1 },                           \
    .args_size = sizeof (CbamConvArgs), .tile = { channels, pixels, steps }, .whole_blocks = (channels) / 4,           \
    .fits = fits_pointwise_sum, .cost = tile_cost, .dispatch = dispatch_texel                                          \
  }

#define WINDOW(label, module, channels, pixels)                                                                        \
  {                                                                                                                    \
    .name = label, .shader = &cbam_shader_##module, .narrow = &cbam_shader_##module##_narrow,                          \
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8 | CBAM_NEED_BLOCKED,                                              \
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT }, .args_size = sizeof (CbamConvArgs),          \
    .tile = { channels, pixels, 1 }, .whole_blocks = (channels) / 4, .fits = fits_window, .cost = window_cost,         \
    .dispatch = dispatch_window                                                                                        \
  }

static const CbamOpVariant variants[] = {
  TEXEL ("texel-48x4", conv_texel_48x4, 48, 4, 1, fits_pointwise),
  TEXEL ("texel-32x6", conv_texel_32x6, 32, 6, 1, fits_pointwise),
  TEXEL ("texel-24x8", conv_texel_24x8, 24, 8, 1, fits_pointwise),
  TEXEL ("texel-16x13", conv_texel_16x13, 16, 13, 1, fits_pointwise),
  TEXEL ("texel-32x2x2", conv_texel_32x2x2, 32, 2, 2, fits_pointwise),
  TEXEL ("texel-k-24x4", conv_texel_k_24x4, 24, 4, 1, fits),
  TEXEL ("texel-k-16x4", conv_texel_k_16x4, 16, 4, 1, fits),
  TEXEL ("texel-k-32x2", conv_texel_k_32x2, 32, 2, 1, fits),
  WINDOW ("window-16x6", conv_window_16x6, 16, 6),
  WINDOW ("window-16x5", conv_window_16x5, 16, 5),
  TEXEL_SUM ("texel-48x4-sum", conv_texel_48x4, 48, 4, 1),
  TEXEL_SUM ("texel-32x6-sum", conv_texel_32x6, 32, 6, 1),
  TEXEL_SUM ("texel-24x8-sum", conv_texel_24x8, 24, 8, 1),
  TEXEL_SUM ("texel-16x13-sum", conv_texel_16x13, 16, 13, 1),
  TEXEL_SUM ("texel-32x2x2-sum", conv_texel_32x2x2, 32, 2, 2),
  { .name = "single-texel",
    .shader = &cbam_shader_conv_single_texel,
    .narrow = &cbam_shader_conv_single_texel_narrow,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamConvArgs),
    .fits = fits_single,
    .cost = single_cost,
    .dispatch = dispatch_single },
  { .name = "single-plain",
    .shader = &cbam_shader_conv_single_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamConvArgs),
    .fits = fits_single,
    .dispatch = dispatch_single },
  { .name = "shared",
    .shader = &cbam_shader_conv_shared,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamConvArgs),
    .tile = { 64, 32, 4 },
    .fits = fits_shared,
    .dispatch = dispatch_shared },
  { .name = "shared-sum",
    .shader = &cbam_shader_conv_shared_sum,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT, CBAM_BIND_INPUT_1 },
    .args_size = sizeof (CbamConvArgs),
    .tile = { 64, 32, 4 },
    .fits = fits_shared_sum,
    .dispatch = dispatch_shared },
};

/* ---- Truth ------------------------------------------------------------------------------------------------------ */

static double
reference_pixel (const CbamNode *node, const float *x, guint o, guint row, guint column)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *in = node->inputs[0];
  double sum = p->bias ? p->bias->values[o] : 0;

  for (guint c = 0; c < in->channels; c++)
    for (guint ky = 0; ky < p->kernel_height; ky++)
      for (guint kx = 0; kx < p->kernel_width; kx++) {
        const gint iy = (gint) (row * p->stride + ky * p->dilation) - p->pad_top;
        const gint ix = (gint) (column * p->stride + kx * p->dilation) - p->pad_left;

        if (iy < 0 || iy >= (gint) in->height || ix < 0 || ix >= (gint) in->width)
          continue;
        sum += (double) p->weight->values[((o * in->channels + c) * p->kernel_height + ky) * p->kernel_width + kx] *
               x[(c * in->height + (guint) iy) * in->width + (guint) ix];
      }
  return sum;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamConvParams *p = &node->params.conv;
  const CbamValue *out = node->output;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  const float *added = node->n_inputs > 1 ? cbam_reference_get (run, node->inputs[1]) : NULL;
  float *y = cbam_reference_get (run, out);

  for (guint o = 0; o < out->channels; o++)
    for (guint row = 0; row < p->height; row++)
      for (guint column = 0; column < p->width; column++) {
        const gsize to =
            ((gsize) o * out->height + row * p->step_y + p->first_y) * out->width + column * p->step_x + p->first_x;
        const double sum = reference_pixel (node, x, o, row, column) + (added ? added[to] : 0);
        const double v = CLAMP (sum, (double) p->lo, (double) p->hi);

        y[to] = (float) (p->sigmoid ? 1 / (1 + exp (-v)) : v);
      }
}

static guint64
macs (const CbamNode *node)
{
  const CbamConvParams *p = &node->params.conv;

  return (guint64) p->width * p->height * node->output->channels * node->inputs[0]->channels * p->kernel_width *
         p->kernel_height;
}

const CbamOpClass cbam_op_conv = {
  .name = "conv",
  .border = cbam_conv_border,
  .macs = macs,
  .packed_size = cbam_conv_packed_size,
  .pack = cbam_conv_pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
