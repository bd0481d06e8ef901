/* Winograd's convolution: its matrices, and the fusion that makes it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/winograd.h"

#define TILE CBAM_WINOGRAD_TILE
#define SPAN CBAM_WINOGRAD_SPAN
#define PLACES CBAM_WINOGRAD_PLACES
#define A CBAM_WINOGRAD_A
#define B CBAM_WINOGRAD_B

/* Bytes of what is between the steps of a stripe: a part of a processor's last cache. 8 to 32 MB take the same time but
 * for maps of few pixels, whose stripes should not be cut where 16 MB hold all of them. */
#define STRIPE_BYTES (16 * 1024 * 1024)

/* Output channels of a place are a multiple of this, so that the tiles of kernels end where places do. */
#define OUT_MULTIPLE 16

/* Bytes of weights that every device can bind (Vulkan's least maxStorageBufferRange). */
#define MOST_WEIGHTS (1u << 27)

/* ---- The matrices ------------------------------------------------------------------------------------------------ */

const double cbam_winograd_in[SPAN][SPAN] = { { 1, 0, -2.5, 0, 1, 0 },      { 0, -2 * A, -2, A, 1, 0 },
                                              { 0, 2 * A, -2, -A, 1, 0 },   { 0, -B / 2, -0.5, B, 1, 0 },
                                              { 0, B / 2, -0.5, -B, 1, 0 }, { 0, 1, 0, -2.5, 0, 1 } };

const double cbam_winograd_out[TILE][SPAN] = {
  { 1, 1, 1, 1, 1, 0 }, { 0, A, -A, B, -B, 0 }, { 0, 0.5, 0.5, 2, 2, 0 }, { 0, A / 2, -A / 2, 2 * B, -2 * B, 1 }
};

void
cbam_winograd_transform (const CbamParam *weight, gsize o, guint place, float *ret_weights)
{
  static const double g[SPAN][3] = { { 1, 0, 0 },
                                     { -2.0 / 3, -2 * A / 3, -1.0 / 3 },
                                     { -2.0 / 3, 2 * A / 3, -1.0 / 3 },
                                     { 1.0 / 6, B / 6, 1.0 / 3 },
                                     { 1.0 / 6, -B / 6, 1.0 / 3 },
                                     { 0, 0, 1 } };
  const double *y = g[place / SPAN], *x = g[place % SPAN];
  const gsize n = weight->dims[1];
  const float *w = weight->values + o * n * 9;

  for (gsize c = 0; c < n; c++, w += 9)
    ret_weights[c] = o >= weight->dims[0] ? 0
                                          : (float) (y[0] * (x[0] * w[0] + x[1] * w[1] + x[2] * w[2]) +
                                                     y[1] * (x[0] * w[3] + x[1] * w[4] + x[2] * w[5]) +
                                                     y[2] * (x[0] * w[6] + x[1] * w[7] + x[2] * w[8]));
}

/* ---- Both transforms --------------------------------------------------------------------------------------------- */

static guint
count_tiles (const CbamConvParams *conv, guint pixels)
{
  return (pixels + TILE * conv->dilation - 1) / (TILE * conv->dilation) * conv->dilation;
}

guint
cbam_winograd_across (const CbamConvParams *conv)
{
  return count_tiles (conv, conv->width);
}

guint
cbam_winograd_down (const CbamConvParams *conv)
{
  return count_tiles (conv, conv->height);
}

guint
cbam_winograd_first_pixel (const CbamConvParams *conv, guint tile)
{
  return tile % conv->dilation + tile / conv->dilation * TILE * conv->dilation;
}

guint
cbam_winograd_channels (const CbamNode *conv)
{
  return (conv->outputs[0]->channels + OUT_MULTIPLE - 1) / OUT_MULTIPLE * OUT_MULTIPLE;
}

void
cbam_winograd_fill_args (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamWinogradParams *p = cbam_winograd_params (node);
  const CbamValue *out = node->outputs[0];
  const guint across = cbam_winograd_across (&p->conv);
  const guint threads = variant->needs & CBAM_NEED_TEXELS ? CBAM_LANES : CBAM_THREADS;
  const guint border = p->first == 0 || node->op == &cbam_op_winograd_in ? out->border : 0;
  const guint cells = 2 * border * (out->width + 2 * border + out->height);
  CbamWinogradArgs *args = (CbamWinogradArgs *) ret_dispatch->args;

  *args = (CbamWinogradArgs){
    .x = node->inputs[0]->view,
    .y = out->view,
    .width = p->conv.width,
    .height = p->conv.height,
    .map_width = out->width,
    .map_height = out->height,
    .dilation = p->conv.dilation,
    .across = across,
    .rows = p->rows,
    .first = p->first,
    .groups = (across * p->rows + threads - 1) / threads,
    .border = border,
    .inv_across = 1.0f / (float) across,
    .lo = p->conv.activation.lo,
    .hi = p->conv.activation.hi,
  };
  ret_dispatch->groups[0] = args->groups + (cells + threads - 1) / threads;
}

/* ---- The fusion -------------------------------------------------------------------------------------------------- */

gboolean
cbam_winograd_fits (const CbamNode *node)
{
  const CbamConvParams *p = node->params;
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];

  return node->op == &cbam_op_conv && node->n_inputs == 1 && p->kernel_width == 3 && p->kernel_height == 3 &&
         p->stride == 1 && p->groups <= 1 && p->first_channel == 0 && p->weight->dims[1] == in->channels &&
         in->channels % CBAM_TEXEL_CHANNELS == 0 && p->step_x == 1 && p->step_y == 1 && p->width == out->width &&
         p->height == out->height && p->weight->dims[0] == out->channels && !p->sigmoid && !p->shuffles;
}

/* Whose sums of products are of the tiles of a stripe, a pixel each. */
static CbamConvParams
product_params (const CbamNode *conv, guint first, guint rows)
{
  const CbamConvParams *p = cbam_conv_params (conv);
  const guint64 macs = cbam_op_conv.macs (conv), down = cbam_winograd_down (p);

  return (CbamConvParams){
    .kernel_width = 1,
    .kernel_height = 1,
    .stride = 1,
    .dilation = 1,
    .width = cbam_winograd_across (p),
    .height = rows,
    .step_x = 1,
    .step_y = 1,
    .weight = p->weight,
    .activation = cbam_activation_none,
    .groups = PLACES,
    .winograd = macs * (first + rows) / down - macs * first / down,
  };
}

static void
insert (CbamGraph *graph, CbamNode *before, const CbamOpClass *op, const char *name, gconstpointer params,
        CbamValue *input, CbamValue *output)
{
  CbamNode *node = cbam_graph_insert_node (graph, cbam_graph_find_place (graph, before), op, name, params);

  node->inputs[node->n_inputs++] = input;
  node->outputs[node->n_outputs++] = output;
}

void
cbam_winograd_split (CbamGraph *graph, CbamNode *node, CbamNode *pool, guint rows)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const guint across = cbam_winograd_across (p), down = cbam_winograd_down (p);
  const guint in = node->inputs[0]->channels, out = cbam_winograd_channels (node);
  CbamValue *output = pool != NULL ? pool->outputs[0] : node->outputs[0];

  for (guint first = 0; first < down; first += rows) {
    const CbamWinogradParams stripe = { *p, first, MIN (rows, down - first), pool != NULL };
    const CbamConvParams product = product_params (node, first, stripe.rows);
    g_autofree char *name = g_strdup_printf ("%s[%u]", node->name, first / rows);
    CbamValue *factors = cbam_graph_add_value (graph, name, across, stripe.rows, PLACES * in);
    CbamValue *sums = cbam_graph_add_value (graph, name, across, stripe.rows, PLACES * out);

    insert (graph, node, &cbam_op_winograd_in, name, &stripe, node->inputs[0], factors);
    insert (graph, node, &cbam_op_conv, name, &product, factors, sums);
    insert (graph, node, &cbam_op_winograd_out, name, &stripe, sums, output);
  }
  output->accumulates = rows < down; /* each stripe has pixels of its own */
}

/* ---- What pays --------------------------------------------------------------------------------------------------- */

/* Cycles on lavapipe, as the kernels' costs are: both ways for eight tiles of four channels, most of them for stores; a
 * stripe's three dispatches, which wait for each other; and a weight that no cache has kept since the last stripe. */
#define IN_COST 8500
#define OUT_COST 6000
#define STRIPE_COST 300000
#define WEIGHT_COST 0.6

/* What the kernel takes that the planner would choose, were all to run. */
static double
cost_of (const CbamNode *conv)
{
  const CbamDeviceCaps lavapipe = { .is_cpu = TRUE };
  double least = G_MAXDOUBLE;

  for (guint v = 0; v < cbam_op_conv.n_variants; v++) {
    const CbamOpVariant *variant = &cbam_op_conv.variants[v];

    if (variant->cost != NULL && variant->fits (variant, conv))
      least = MIN (least, variant->cost (variant, conv, &lavapipe));
  }
  return least;
}

static double
stripe_cost (const CbamNode *node, guint rows)
{
  const guint in = node->inputs[0]->channels, out = cbam_winograd_channels (node);
  CbamConvParams params = product_params (node, 0, rows);
  CbamValue factors = { .width = params.width, .height = rows, .channels = PLACES * in, .batch = 1 };
  CbamValue sums = { .width = params.width, .height = rows, .channels = PLACES * out, .batch = 1 };
  const CbamNode product = {
    .op = &cbam_op_conv, .inputs = { &factors }, .n_inputs = 1, .outputs = { &sums }, .n_outputs = 1, .params = &params
  };
  const double eights = (params.width * rows + CBAM_LANES - 1) / CBAM_LANES;

  return cost_of (&product) + eights * (IN_COST * in / 4.0 + OUT_COST * cbam_value_blocks (node->outputs[0])) +
         STRIPE_COST + WEIGHT_COST * PLACES * in * out;
}

static double
split_cost (const CbamNode *node, guint rows)
{
  const guint down = cbam_winograd_down (cbam_conv_params (node));

  return down / rows * stripe_cost (node, rows) + (down % rows > 0 ? stripe_cost (node, down % rows) : 0);
}

guint
cbam_winograd_choose_rows (const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const gsize in = node->inputs[0]->channels, out = node->outputs[0]->channels;
  const gsize row = PLACES * sizeof (float) * (in + out) * cbam_winograd_across (p);
  const guint most = (guint) CLAMP (STRIPE_BYTES / row, 1, cbam_winograd_down (p));
  double least = cost_of (node);
  guint best = 0;

  if (PLACES * sizeof (float) * in * cbam_winograd_channels (node) > MOST_WEIGHTS)
    return 0;
  for (guint rows = most; rows > 0; rows--) {
    const double cost = split_cost (node, rows);

    if (cost < least) {
      least = cost;
      best = rows;
    }
  }
  return best;
}
