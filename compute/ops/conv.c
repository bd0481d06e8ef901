/* conv: a full convolution, kernel k x k, any stride and dilation, with bias and a fused clamp.
 *
 * On CPU devices a register tile per subgroup (shaders/conv_texel.comp), in several shapes; everywhere else a tile in
 * shared memory (conv-tile.h).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/conv.h"

#include <math.h>
#include <string.h>

#include "ops/conv-tile.h"
#include "ops/deconv.h"
#include "ops/depthwise.h"
#include "ops/shaders.h"
#include "ops/shuffle.h"
#include "ops/slice.h"
#include "ops/winograd.h"

/* ---- What both convolutions share ----------------------------------------------------------------------------- */

gsize
cbam_conv_taps (const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return (gsize) p->kernel_width * p->kernel_height;
}

guint
cbam_conv_channels (const CbamNode *node)
{
  return node->outputs[0]->channels / (cbam_conv_params (node)->shuffles ? 2 : 1);
}

/* Channels of the input that an output channel sees. */
static guint
in_channels (const CbamNode *node)
{
  return (guint) cbam_conv_params (node)->weight->dims[1];
}

/* Output channels that see the same of them. */
static guint
group_channels (const CbamNode *node)
{
  return cbam_conv_channels (node) / MAX (cbam_conv_params (node)->groups, 1);
}

/* How far past the first or the last pixel of an axis of @input pixels the kernel reaches. */
static guint
reach (guint input, guint output, guint kernel, const CbamConvParams *p, gint pad)
{
  const gint last = (gint) ((output - 1) * p->stride + (kernel - 1) * p->dilation) - pad;

  return (guint) MAX (MAX (0, pad), last - (gint) (input - 1));
}

guint
cbam_conv_reach (const CbamConvParams *p, const CbamValue *in)
{
  return MAX (reach (in->width, p->width, p->kernel_width, p, p->pad_left),
              reach (in->height, p->height, p->kernel_height, p, p->pad_top));
}

guint
cbam_conv_border (const CbamNode *node, guint i)
{
  if (i > 0)
    return 0; /* what is added to the sum */
  return cbam_conv_reach (cbam_conv_params (node), node->inputs[0]);
}

void
cbam_conv_fill_args (const CbamNode *node, guint tile_pixels, guint threads, CbamDispatch *ret_dispatch)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
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
    .channels = cbam_conv_channels (node),
    .kernel_width = p->kernel_width,
    .kernel_height = p->kernel_height,
    .stride = p->stride,
    .dilation = p->dilation,
    .tiles = (p->width * p->height + tile_pixels - 1) / tile_pixels,
    .border = border,
    .last_texel = in->view.frame - 1,
    .inv_width = 1.0f / (float) p->width,
    .lo = p->activation.lo,
    .hi = p->activation.hi,
    .sigmoid = p->sigmoid,
  };
  args->x.origin += p->first_channel / CBAM_TEXEL_CHANNELS * in->view.plane;
  args->x.origin -= (uint) p->pad_top * in->view.row + (uint) p->pad_left * in->view.pixel;
  args->y.origin += p->first_y * out->view.row + p->first_x * out->view.pixel;
  args->y.row *= p->step_y;
  args->y.pixel *= p->step_x;
  if (node->n_inputs > 1)
    args->other = node->inputs[1]->view;
  ret_dispatch->groups[0] = args->tiles + (cells + threads - 1) / threads;
  ret_dispatch->constant = p->activation.function;
}

/* ---- Packing ---------------------------------------------------------------------------------------------------- */

gsize
cbam_conv_padded_channels (const CbamOpVariant *variant, const CbamNode *node)
{
  const gsize channels = cbam_conv_channels (node), tile = MAX (variant->tile[0], CBAM_CONV_GROUP);

  return (channels + tile - 1) / tile * tile;
}

static guint
common_multiple (guint a, guint b)
{
  guint multiple = a;

  while (multiple % b != 0)
    multiple += a;
  return multiple;
}

/* Channels of the input that so many output channels, which are whole groups, see together. */
static guint
seen_by (const CbamNode *node, guint channels)
{
  return channels / group_channels (node) * in_channels (node);
}

/* Whole groups and whole tiles, which begin with a texel of the input; all channels where that does not come out even.
 */
guint
cbam_conv_bundle (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint channels = cbam_conv_channels (node), tile = MAX (variant->tile[0], CBAM_CONV_GROUP);
  const guint least = common_multiple (group_channels (node), tile);

  return channels % least == 0 && seen_by (node, least) % CBAM_TEXEL_CHANNELS == 0 ? least : channels;
}

guint
cbam_conv_in_blocks (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint skipped = cbam_conv_params (node)->first_channel % CBAM_TEXEL_CHANNELS;
  const guint seen = seen_by (node, cbam_conv_bundle (variant, node));

  return (skipped + seen + CBAM_TEXEL_CHANNELS - 1) / CBAM_TEXEL_CHANNELS;
}

/* K in texels: input block, kernel row, kernel column. */
static gsize
depth (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_conv_in_blocks (variant, node) * cbam_conv_taps (node);
}

guint
cbam_conv_bias_texel (const CbamOpVariant *variant, const CbamNode *node)
{
  return (guint) (cbam_conv_padded_channels (variant, node) * depth (variant, node));
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_conv_padded_channels (variant, node) * (depth (variant, node) * 4 + 1);
}

/* The weights of output channel @o, [channel][tap]; @room: for as many. */
static const float *
weights_of (const CbamNode *node, gsize o, float *room)
{
  const CbamConvParams *p = cbam_conv_params (node);

  if (p->winograd == 0)
    return p->weight->values + o * in_channels (node) * cbam_conv_taps (node);
  cbam_winograd_transform (p->weight, o % group_channels (node), (guint) o / group_channels (node), room);
  return room;
}

void
cbam_conv_pack (const CbamOpVariant *variant, const CbamNode *node, const CbamConvStrides *strides, gsize bias,
                gsize size, float *out)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const gsize n = in_channels (node), out_channels = cbam_conv_channels (node), taps = cbam_conv_taps (node);
  const guint skipped = p->first_channel % CBAM_TEXEL_CHANNELS; /* in its first texel, with weights of zero */
  const guint bundled = cbam_conv_bundle (variant, node), seen = seen_by (node, bundled);
  g_autofree float *room = g_new (float, n *taps);

  memset (out, 0, size * sizeof (float));
  for (gsize o = 0; o < out_channels; o++) {
    const float *weights = weights_of (node, o, room);
    const gsize first = skipped + o / group_channels (node) * n - o / bundled * seen;
    float *lane = out + o / CBAM_CONV_GROUP * strides->group + o % CBAM_CONV_GROUP * strides->channel;

    for (gsize k = first; k < first + n; k++) {
      float *to = lane + k / CBAM_TEXEL_CHANNELS * strides->block + k % CBAM_TEXEL_CHANNELS * strides->k;

      for (gsize tap = 0; tap < taps; tap++)
        to[tap * strides->tap] = *weights++;
    }
  }
  if (p->bias != NULL)
    memcpy (out + bias, p->bias->values, out_channels * sizeof (float));
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const gsize texels = CBAM_CONV_GROUP * CBAM_TEXEL_CHANNELS, taps = cbam_conv_taps (node);
  const CbamConvStrides strides = {
    .channel = CBAM_TEXEL_CHANNELS,
    .group = depth (variant, node) * texels,
    .k = 1,
    .block = taps * texels,
    .tap = texels,
  };

  cbam_conv_pack (variant, node, &strides, CBAM_TEXEL_CHANNELS * cbam_conv_bias_texel (variant, node),
                  packed_size (variant, node), out);
}

/* The same learned numbers in the same order. */
static gboolean
packs_same (const CbamNode *a, const CbamNode *b)
{
  const CbamConvParams *p = cbam_conv_params (a), *q = cbam_conv_params (b);

  return p->weight == q->weight && p->bias == q->bias && p->groups == q->groups &&
         p->first_channel == q->first_channel && (p->winograd > 0) == (q->winograd > 0) &&
         cbam_conv_taps (a) == cbam_conv_taps (b);
}

const CbamPacking cbam_conv_packing = { .size = packed_size, .pack = pack, .same = packs_same };

/* ---- Kernels ---------------------------------------------------------------------------------------------------- */

/* tile: output channels, pixels per lane, K texels per turn. */

static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return depth (variant, node) < CBAM_MOST_TURNS && node->n_inputs == 1 && !cbam_conv_params (node)->sigmoid;
}

static gboolean
is_pointwise (const CbamOpVariant *variant, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return depth (variant, node) < CBAM_MOST_TURNS && p->kernel_width == 1 && p->kernel_height == 1 && !p->sigmoid &&
         cbam_conv_in_blocks (variant, node) % variant->tile[2] == 0;
}

static gboolean
fits_pointwise (const CbamOpVariant *variant, const CbamNode *node)
{
  return is_pointwise (variant, node) && node->n_inputs == 1;
}

static gboolean
fits_pointwise_sum (const CbamOpVariant *variant, const CbamNode *node)
{
  return is_pointwise (variant, node) && node->n_inputs == 2 && !cbam_conv_params (node)->shuffles;
}

static gboolean
fits_pointwise_shuffle (const CbamOpVariant *variant, const CbamNode *node)
{
  return is_pointwise (variant, node) && cbam_conv_params (node)->shuffles;
}

/* One output channel would leave most of a tile unused. */
static gboolean
fits_single (const CbamOpVariant *variant, const CbamNode *node)
{
  return depth (variant, node) < CBAM_MOST_TURNS && node->n_inputs == 1 && node->outputs[0]->channels == 1 &&
         cbam_conv_params (node)->step_x == 1 && cbam_conv_params (node)->step_y == 1;
}

/* Cycles on lavapipe, roughly: of every tile, those that stick out of the map or past the last channel included, its
 * multiply-adds, its loads (one per pixel and per eight channels), the blend of all sums at the end of a turn, and its
 * stores. The factors were fitted to timings of 30 shapes. */
static double
tile_cost (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps)
{
  const guint pixels = cbam_conv_params (node)->width * cbam_conv_params (node)->height;
  const guint tile_pixels = CBAM_LANES * variant->tile[1];
  const double tiles = ((pixels + tile_pixels - 1) / tile_pixels) *
                       (double) ((cbam_conv_channels (node) + variant->tile[0] - 1) / variant->tile[0]);
  const double sums = variant->tile[0] * variant->tile[1];
  const double loads = variant->tile[1] + variant->tile[0] / 8.0;

  return tiles * (depth (variant, node) * (3 * sums + 20 * loads + (sums + 40) / variant->tile[2]) + 110 * sums / 4);
}

/* All push constants of the kernels that read cbam_conv_packing. */
static void
fill_args (const CbamOpVariant *variant, const CbamNode *node, guint tile_pixels, guint threads,
           CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;

  cbam_conv_fill_args (node, tile_pixels, threads, ret_dispatch);
  args->in_blocks = cbam_conv_in_blocks (variant, node);
  args->bundle = cbam_conv_bundle (variant, node);
  args->bias = cbam_conv_bias_texel (variant, node);
}

static void
dispatch_texel (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  fill_args (variant, node, CBAM_LANES * variant->tile[1], CBAM_LANES, ret_dispatch);
  ret_dispatch->groups[1] = (cbam_conv_channels (node) + variant->tile[0] - 1) / variant->tile[0];
}

/* The sliding window counts pixels along the input's padded rows. */
static gboolean
fits_window (const CbamOpVariant *variant, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return fits (variant, node) && p->kernel_width == 3 && p->kernel_height == 3 && p->stride == 1 && p->dilation == 1 &&
         (p->width + 2) * p->height >= CBAM_LANES * variant->tile[1];
}

static double
window_cost (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps)
{
  const guint pixels = (cbam_conv_params (node)->width + 2) * cbam_conv_params (node)->height;
  const guint tile_pixels = CBAM_LANES * variant->tile[1];
  const double tiles = ((pixels + tile_pixels - 1) / tile_pixels) *
                       (double) ((cbam_conv_channels (node) + variant->tile[0] - 1) / variant->tile[0]);
  const double sums = variant->tile[0] * variant->tile[1];
  const double loads = variant->tile[1] + 2 + 3 * variant->tile[0] / 8.0;

  return tiles * (depth (variant, node) / 3.0 * (8 * sums + 20 * loads + sums + 40) + 130 * sums / 4);
}

static void
dispatch_window (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;
  const guint tile_pixels = CBAM_LANES * variant->tile[1];
  guint tiles;

  fill_args (variant, node, tile_pixels, CBAM_LANES, ret_dispatch);
  tiles = (args->height * args->x.row + tile_pixels - 1) / tile_pixels;
  ret_dispatch->groups[0] += tiles - args->tiles;
  ret_dispatch->groups[1] = (cbam_conv_channels (node) + variant->tile[0] - 1) / variant->tile[0];
  args->tiles = tiles;
  args->inv_width = 1.0f / (float) args->x.row;
}

/* One invocation per pixel of the padded output. */
static void
dispatch_single (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;
  const guint full_width = node->outputs[0]->width + 2 * node->outputs[0]->border;
  const guint full_height = node->outputs[0]->height + 2 * node->outputs[0]->border;

  fill_args (variant, node, 1, 1, ret_dispatch);
  args->inv_width = 1.0f / (float) full_width;
  ret_dispatch->groups[0] = (full_width * full_height + CBAM_THREADS - 1) / CBAM_THREADS;
  ret_dispatch->groups[1] = 1;
}

/* Loads of a pixel and of a weight per turn. */
static double
single_cost (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps)
{
  return (cbam_conv_params (node)->width * cbam_conv_params (node)->height / CBAM_LANES + 1) *
         (45.0 * depth (variant, node) + 150);
}

#define LANES_KERNEL(label, module, needed, tile_channels, tile_pixels, steps, fitting, costing, dispatching, stored)  \
  {                                                                                                                    \
    .name = label, .shader = &cbam_shader_##module, .narrow = &cbam_shader_##module##_narrow,                          \
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8 | needed, .args_size = sizeof (CbamConvArgs),                     \
    .tile = { tile_channels, tile_pixels, steps }, .packing = &cbam_conv_packing, .whole_blocks = stored,              \
    .fits = fitting, .cost = costing, .dispatch = dispatching                                                          \
  }

#define TEXEL(channels, pixels, steps, chains)                                                                         \
  LANES_KERNEL ("texel-" #channels "x" #pixels "x" #steps, conv_texel_##channels##x##pixels##x##steps, 0, channels,    \
                pixels, steps, fits_pointwise, tile_cost, dispatch_texel, (channels) / 4)
#define KERNEL(channels, pixels, chains)                                                                               \
  LANES_KERNEL ("texel-k-" #channels "x" #pixels, conv_texel_k_##channels##x##pixels, 0, channels, pixels, 1, fits,    \
                tile_cost, dispatch_texel, (channels) / 4)
#define WINDOW(channels, pixels)                                                                                       \
  LANES_KERNEL ("window-" #channels "x" #pixels, conv_window_##channels##x##pixels, CBAM_NEED_BLOCKED, channels,       \
                pixels, 1, fits_window, window_cost, dispatch_window, (channels) / 4)
/* With a second map added. */
#define TEXEL_SUM(channels, pixels, steps, chains)                                                                     \
  LANES_KERNEL ("texel-" #channels "x" #pixels "x" #steps "-sum", conv_texel_##channels##x##pixels##x##steps##_sum, 0, \
                channels, pixels, steps, fits_pointwise_sum, tile_cost, dispatch_texel, (channels) / 4)
/* With the channels of a second map between its own. */
#define TEXEL_SHUFFLE(channels, pixels, steps, chains)                                                                 \
  LANES_KERNEL ("texel-" #channels "x" #pixels "x" #steps "-shuffle",                                                  \
                conv_texel_##channels##x##pixels##x##steps##_shuffle, 0, channels, pixels, steps,                      \
                fits_pointwise_shuffle, tile_cost, dispatch_texel, (channels) / 2)

static const CbamOpVariant variants[] = {
  CBAM_CONV_TILES (TEXEL),
  CBAM_CONV_KERNEL_TILES (KERNEL),
  CBAM_CONV_WINDOW_TILES (WINDOW),
  CBAM_CONV_TILES (TEXEL_SUM),
  CBAM_CONV_TILES (TEXEL_SHUFFLE),
  { .name = "single-texel",
    .shader = &cbam_shader_conv_single_texel,
    .narrow = &cbam_shader_conv_single_texel_narrow,
    .needs = CBAM_NEED_TEXELS,
    .args_size = sizeof (CbamConvArgs),
    .packing = &cbam_conv_packing,
    .fits = fits_single,
    .cost = single_cost,
    .dispatch = dispatch_single },
  { .name = "single-plain",
    .shader = &cbam_shader_conv_single_plain,
    .args_size = sizeof (CbamConvArgs),
    .packing = &cbam_conv_packing,
    .fits = fits_single,
    .dispatch = dispatch_single },
  { .name = "single-half",
    .shader = &cbam_shader_conv_single_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamConvArgs),
    .packing = &cbam_conv_packing,
    .fits = fits_single,
    .dispatch = dispatch_single },
  CBAM_GPU_TILES (CBAM_CONV_TILE),
  CBAM_GPU_TILES (CBAM_CONV_TILE_SUM),
  CBAM_GPU_TILES (CBAM_CONV_TILE_SHUFFLE),
  CBAM_PACKED_TILES (CBAM_CONV_TILE_PACKED),
  CBAM_PACKED_TILES (CBAM_CONV_TILE_PACKED_SUM),
  CBAM_PACKED_TILES (CBAM_CONV_TILE_PACKED_SHUFFLE),
};

/* ---- Truth ------------------------------------------------------------------------------------------------------ */

static double
reference_pixel (const CbamNode *node, const float *x, const float *weights, guint o, guint row, guint column)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0];
  const guint n = in_channels (node);
  double sum = p->bias != NULL ? p->bias->values[o] : 0;

  x += (gsize) (p->first_channel + o / group_channels (node) * n) * in->width * in->height;
  for (guint c = 0; c < n; c++)
    for (guint ky = 0; ky < p->kernel_height; ky++)
      for (guint kx = 0; kx < p->kernel_width; kx++) {
        const gint iy = (gint) (row * p->stride + ky * p->dilation) - p->pad_top;
        const gint ix = (gint) (column * p->stride + kx * p->dilation) - p->pad_left;

        if (iy < 0 || iy >= (gint) in->height || ix < 0 || ix >= (gint) in->width)
          continue;
        sum += (double) weights[(c * p->kernel_height + ky) * p->kernel_width + kx] *
               x[(c * in->height + (guint) iy) * in->width + (guint) ix];
      }
  return sum;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *out = node->outputs[0];
  const float *x = cbam_reference_get (run, node->inputs[0]);
  const float *other = node->n_inputs > 1 ? cbam_reference_get (run, node->inputs[1]) : NULL;
  const float *added = p->shuffles ? NULL : other;
  const gsize pixels = (gsize) out->width * out->height;
  g_autofree float *room = g_new (float, in_channels (node) * cbam_conv_taps (node));
  float *y = cbam_reference_get (run, out);

  for (guint o = 0; o < cbam_conv_channels (node); o++) {
    const float *weights = weights_of (node, o, room);

    if (p->shuffles) {
      memcpy (y, other + o * pixels, pixels * sizeof (float));
      y += pixels;
    }
    for (guint row = 0; row < p->height; row++)
      for (guint column = 0; column < p->width; column++) {
        const gsize to = (gsize) (row * p->step_y + p->first_y) * out->width + column * p->step_x + p->first_x;
        const double sum =
            reference_pixel (node, x, weights, o, row, column) + (added != NULL ? added[o * pixels + to] : 0);
        const double v = cbam_activation_apply (&p->activation, sum);

        y[to] = (float) (p->sigmoid ? 1 / (1 + exp (-v)) : v);
      }
    y += pixels;
  }
}

static guint64
macs (const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  if (p->winograd > 0)
    return p->winograd;
  return (guint64) p->width * p->height * cbam_conv_channels (node) * in_channels (node) * cbam_conv_taps (node);
}

guint64
cbam_conv_parameters (const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return p->winograd > 0 ? 0 : cbam_param_count (p->weight) + cbam_param_count (p->bias);
}

guint
cbam_conv_kernel (const CbamNode *node)
{
  return cbam_conv_params (node)->kernel_width;
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

/* Output size and padding before the first pixel, along one axis. 0 when the kernel does not fit. */
static guint
conv_extent (guint input, const CbamConvForm *form, guint kernel, guint stride, guint dilation, guint pad,
             gint *ret_pad)
{
  const gint span = (gint) ((kernel - 1) * dilation + 1);
  gint output;

  if (form->padding == CBAM_PADDING_SAME) {
    output = (gint) ((input + stride - 1) / stride);
    *ret_pad = MAX (0, (output - 1) * (gint) stride + span - (gint) input) / 2;
    return (guint) output;
  }
  *ret_pad = (gint) pad;
  output = (gint) input + 2 * *ret_pad - span;
  return output < 0 ? 0 : (guint) output / stride + 1;
}

/* As [out, in, height, width], however many dimensions the source has. */
static CbamParam *
read_conv_weight (CbamGraph *graph, const CbamConvForm *form, guint channels, guint kernel_height, guint kernel_width)
{
  const gsize in = form->depthwise ? 1 : form->input->channels / MAX (form->groups, 1);
  const gsize dims[4] = { channels, in, kernel_height, kernel_width }, row[3] = { channels, in, kernel_width };
  g_autofree char *name = g_strconcat (form->name, ".weight", NULL);
  guint n_dims = form->weight_dims ? form->weight_dims : 4;
  CbamParam *weight;

  if (form->weight_dims == 2 && graph->source->dim (graph->source, name, 2) == 1)
    n_dims = 4; /* a 1x1 convolution does as well as a linear layer */
  weight = cbam_graph_read_param (graph, form->name, "weight", n_dims, n_dims == 3 ? row : dims);
  weight->n_dims = 4;
  memcpy (weight->dims, dims, sizeof dims);
  return weight;
}

CbamValue *
cbam_graph_conv (CbamGraph *graph, const CbamConvForm *form)
{
  const guint kernel = MAX (form->kernel, 1), stride = MAX (form->stride, 1), dilation = MAX (form->dilation, 1);
  const gboolean is_row = form->weight_dims == 3; /* padded along the row only */
  const guint kernel_height = is_row ? 1 : kernel;
  const CbamValue *input = form->input;
  CbamConvParams params = { .kernel_width = kernel,
                            .kernel_height = kernel_height,
                            .stride = stride,
                            .dilation = dilation,
                            .groups = form->groups,
                            .step_x = 1,
                            .step_y = 1,
                            .activation = cbam_activation_none };
  CbamValue *output;
  guint channels;

  if (graph->error != NULL)
    return NULL;
  channels = form->depthwise ? input->channels : form->channels;
  if (channels % MAX (form->groups, 1) != 0 || input->channels % MAX (form->groups, 1) != 0) {
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: expected multiples of %u groups of channels, found %u and %u",
                     form->name, form->groups, input->channels, channels);
    return NULL;
  }
  params.width = conv_extent (input->width, form, kernel, stride, dilation, form->pad, &params.pad_left);
  params.height =
      conv_extent (input->height, form, kernel_height, stride, dilation, is_row ? 0 : form->pad, &params.pad_top);
  output = cbam_graph_add_value (graph, form->name, params.width, params.height, channels);
  params.weight = read_conv_weight (graph, form, channels, kernel_height, kernel);
  if (form->needs_bias || cbam_graph_has_param (graph, form->name, "bias"))
    params.bias = cbam_graph_read_param (graph, form->name, "bias", 1, (const gsize[]){ channels });
  cbam_graph_add_node (graph, form->depthwise ? &cbam_op_depthwise : &cbam_op_conv, form->name, &params, form->input,
                       output);
  return output;
}

gboolean
cbam_conv_is_any (const CbamNode *node)
{
  return node->op == &cbam_op_conv || node->op == &cbam_op_depthwise || node->op == &cbam_op_deconv ||
         node->op == &cbam_op_depthwise_deconv;
}

gboolean
cbam_conv_is_pointwise (const CbamNode *node)
{
  const CbamConvParams *p = node->params;

  return node->op == &cbam_op_conv && p->kernel_width == 1 && p->kernel_height == 1 && p->stride == 1 &&
         node->n_inputs == 1;
}

CbamNode *
cbam_conv_find_sole_before (CbamGraph *graph, const CbamNode *node)
{
  CbamNode *before = cbam_graph_find_sole_writer (graph, node, 0);

  return before != NULL && cbam_conv_is_any (before) ? before : NULL;
}

CbamValue *
cbam_conv_add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamValue *input = shape->first == 0 ? inputs[0]
                                       : cbam_graph_slice (graph, "slice", inputs[0], shape->first,
                                                           inputs[0]->channels - shape->first);
  CbamValue *output = cbam_graph_conv (graph, &(CbamConvForm){ .name = "op",
                                                               .input = input,
                                                               .channels = shape->outputs,
                                                               .kernel = shape->kernel,
                                                               .stride = shape->stride,
                                                               .dilation = shape->dilation,
                                                               .groups = shape->groups,
                                                               .pad = shape->pad,
                                                               .padding = shape->same ? CBAM_PADDING_SAME : 0,
                                                               .depthwise = shape->outputs == 0 });
  const CbamActivationParams epilogues[] = { cbam_activations[CBAM_ACTIVATION_RELU6],
                                             cbam_activations[CBAM_ACTIVATION_LEAKY_RELU], cbam_activation_none,
                                             cbam_activations[CBAM_ACTIVATION_HARD_SWISH],
                                             cbam_activations[CBAM_ACTIVATION_RELU] };
  CbamNode *node = cbam_graph_find_writer (graph, output);

  cbam_conv_params (node)->activation = epilogues[(shape->outputs + shape->width) % G_N_ELEMENTS (epilogues)];
  if (shape->shuffles)
    output = cbam_graph_shuffle (graph, "shuffle", inputs[shape->company == CBAM_CASE_MAP ? 1 : 0], output);
  else if (shape->company == CBAM_CASE_MAP)
    node->inputs[node->n_inputs++] = inputs[1];
  cbam_graph_fuse (graph, CBAM_FUSE_SLICE | CBAM_FUSE_SHUFFLE);
  return output;
}

static const CbamOpCase cases[] = {
  /* 1x1: tiles exactly full, one too many, one too few; one pixel; odd channels */
  { 1, 1, 3, 1, 1 },
  { 1, 1, 8, 21, 1, .no_bias = TRUE },
  { 5, 3, 4, 4, 1 },
  { 8, 13, 16, 16, 1 },
  { 13, 8, 12, 17, 1 },
  { 7, 7, 13, 84, 1 },
  { 19, 19, 24, 126, 1 },
  { 10, 10, 64, 49, 1, .no_bias = TRUE },
  { 3, 3, 21, 285, 1, .big_reader = TRUE },
  { 2, 2, 192, 48, 1 },
  { 11, 2, 40, 33, 1, 2 },
  { 64, 1, 8, 95, 1, .big_reader = TRUE },
  { 1, 67, 36, 32, 1 },
  /* larger kernels */
  { 17, 11, 3, 24, 3, 2, .same = TRUE },
  { 18, 12, 3, 23, 3, 2, .same = TRUE },
  { 17, 12, 3, 24, 3, 2, .same = TRUE }, /* left and top padding differ */
  { 9, 9, 5, 16, 3, 1, 1, 1 },
  { 1, 1, 4, 8, 3, 1, 1, 1 },
  { 2, 3, 9, 40, 3, 2, 1, 1, .no_bias = TRUE },
  { 13, 10, 6, 7, 3, 1, 6, 6 },
  { 5, 5, 8, 12, 3, 1, 1, 0 },
  { 4, 4, 7, 33, 4, 1, 1, 1 },
  { 9, 8, 3, 5, 7, 3, 1, 3, .big_reader = TRUE },
  { 6, 6, 65, 10, 3, 2, .same = TRUE },
  { 30, 26, 64, 80, 3, 1, 1, 1 },
  { 21, 18, 80, 64, 3, 1, .same = TRUE },
  { 11, 14, 12, 21, 3, 1, 1, 1, .big_reader = TRUE },
  { 13, 10, 8, 7, 3, 1, 6, 6 },
  { 12, 9, 4, 16, 3, 1, 2, 1 },
  /* 1x1 with a map added */
  { 5, 3, 4, 4, 1, .company = CBAM_CASE_MAP },
  { 19, 19, 24, 126, 1, .company = CBAM_CASE_MAP },
  { 10, 10, 64, 49, 1, .no_bias = TRUE, .company = CBAM_CASE_MAP },
  { 2, 2, 192, 48, 1, .company = CBAM_CASE_MAP },
  { 64, 1, 8, 95, 1, .big_reader = TRUE, .company = CBAM_CASE_MAP },
  /* some of a map's channels */
  { 11, 6, 24, 40, 1, .first = 12 },
  { 7, 9, 13, 16, 1, .first = 5, .big_reader = TRUE },
  { 9, 8, 9, 5, 3, 1, 1, 1, .first = 3 },
  /* 1x1 with a map's channels between its own, or those of the map whose others it reads */
  { 5, 3, 4, 4, 1, .company = CBAM_CASE_MAP, .shuffles = TRUE },
  { 19, 19, 24, 21, 1, .company = CBAM_CASE_MAP, .shuffles = TRUE },
  { 10, 10, 64, 49, 1, .no_bias = TRUE, .company = CBAM_CASE_MAP, .shuffles = TRUE, .big_reader = TRUE },
  { 11, 11, 176, 88, 1, .first = 88, .shuffles = TRUE },
  { 7, 9, 116, 58, 1, .first = 58, .shuffles = TRUE },
  { 2, 2, 42, 21, 1, .first = 21, .shuffles = TRUE, .big_reader = TRUE },
  /* in groups: several in a tile, as many as tiles, larger ones, such as do not come out even with tiles or texels */
  { 11, 6, 64, 64, 3, 1, 1, 1, .groups = 16 },
  { 9, 7, 128, 96, 3, 2, 1, 1, .groups = 32 },
  { 5, 9, 48, 96, 3, 2, 1, 1, .groups = 4, .no_bias = TRUE },
  { 12, 10, 96, 192, 3, 1, 1, 1, .groups = 2, .big_reader = TRUE },
  { 7, 7, 66, 44, 1, .groups = 11 },
  { 3, 3, 6, 4, 3, 1, 1, 1, .groups = 2 },
  { 6, 5, 128, 128, 1, .groups = 2 },
  { 5, 4, 24, 64, 3, 1, 1, 1, .groups = 8 },
  { 30, 26, 64, 64, 3, 1, 1, 1, .groups = 2 },
  { 9, 8, 35, 64, 3, 1, 1, 1, .first = 3, .groups = 8 },
  { 9, 4, 64, 192, 1, .groups = 4, .company = CBAM_CASE_MAP },
  /* to one channel */
  { 1, 1, 2, 1, 7, 1, 1, 3 },
  { 19, 11, 2, 1, 7, 1, 1, 3, .no_bias = TRUE },
  { 12, 13, 2, 1, 3, 1, 1, 1, .big_reader = TRUE },
  { 17, 9, 21, 1, 1 },
  { 9, 9, 6, 1, 3, 2, 1, 1 },
};

const CbamOpClass cbam_op_conv = {
  .name = "conv",
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
