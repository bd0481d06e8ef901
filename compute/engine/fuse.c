/* Fusions: each is a rule that rewrites the list of nodes in place and can be switched off; the reference runs the
 * graph without any of them, which is how they are tested.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "engine/graph.h"
#include "ops/cbam.h"
#include "ops/channel_gate.h"

static gboolean
is_conv (const CbamNode *node)
{
  return node->op == &cbam_op_conv || node->op == &cbam_op_depthwise || node->op == &cbam_op_deconv ||
         node->op == &cbam_op_depthwise_deconv;
}

static gboolean
is_pointwise (const CbamNode *node)
{
  return node->op == &cbam_op_conv && node->params.conv.kernel_width == 1 && node->params.conv.kernel_height == 1 &&
         node->params.conv.stride == 1 && node->n_inputs == 1;
}

/* The node that writes input @i of @node, if nobody else reads it; else NULL. */
static CbamNode *
sole_writer_before (CbamGraph *graph, const CbamNode *node, guint i)
{
  CbamNode *before = cbam_graph_find_writer (graph, node->inputs[i]);

  return before && cbam_graph_count_readers (graph, before->output) == 1 ? before : NULL;
}

static CbamNode *
sole_conv_before (CbamGraph *graph, const CbamNode *node)
{
  CbamNode *before = sole_writer_before (graph, node, 0);

  return before && is_conv (before) ? before : NULL;
}

static guint
place_of (CbamGraph *graph, const CbamNode *node)
{
  guint place = 0;

  g_ptr_array_find (graph->nodes, node, &place);
  return place;
}

static gboolean
has_activation (const CbamNode *conv)
{
  return conv->params.conv.lo != -INFINITY || conv->params.conv.hi != INFINITY;
}

static CbamParam *
bias_of (CbamGraph *graph, CbamNode *conv)
{
  const CbamParam *weight = conv->params.conv.weight;
  CbamParam *bias = conv->params.conv.bias;
  g_autofree char *name = NULL;

  if (bias)
    return bias;
  name = g_strconcat (conv->name, ".bias", NULL);
  bias = conv->params.conv.bias = cbam_graph_add_param (graph, name, 1, weight->dims);
  bias->values = g_new0 (float, bias->n);
  return bias;
}

/* y = (Wx + b - mean) * gamma / sqrt (variance + eps) + beta is again a convolution. */
static gboolean
fold_batch_norm (CbamGraph *graph, CbamNode *node)
{
  const CbamBatchNormParams *norm = &node->params.batch_norm;
  CbamNode *conv;
  CbamParam *weight, *bias;

  if (node->op != &cbam_op_batch_norm)
    return FALSE;
  conv = sole_conv_before (graph, node);
  if (!conv || has_activation (conv))
    return FALSE;
  weight = conv->params.conv.weight;
  bias = bias_of (graph, conv);
  for (gsize c = 0; c < weight->dims[0]; c++) {
    const double scale = norm->gamma->values[c] / sqrt (norm->variance->values[c] + norm->eps);
    const gsize row = weight->n / weight->dims[0];

    for (gsize i = 0; i < row; i++)
      weight->values[c * row + i] = (float) (weight->values[c * row + i] * scale);
    bias->values[c] = (float) ((bias->values[c] - norm->mean->values[c]) * scale + norm->beta->values[c]);
  }
  conv->output = node->output;
  return TRUE;
}

static gboolean
fuse_activation (CbamGraph *graph, CbamNode *node)
{
  CbamNode *conv;

  if (node->op != &cbam_op_activation)
    return FALSE;
  conv = sole_conv_before (graph, node);
  if (!conv || has_activation (conv))
    return FALSE;
  conv->params.conv.lo = node->params.activation.lo;
  conv->params.conv.hi = node->params.activation.hi;
  conv->output = node->output;
  return TRUE;
}

/* A sum that a 1x1 convolution in front of it can take along. It runs after whatever makes the other part. */
static gboolean
fuse_sum (CbamGraph *graph, CbamNode *node)
{
  if (node->op != &cbam_op_add)
    return FALSE;
  for (guint i = 0; i < 2; i++) {
    CbamNode *conv = sole_writer_before (graph, node, i);
    CbamValue *other = node->inputs[1 - i];
    const CbamNode *writer = cbam_graph_find_writer (graph, other);

    if (!conv || !writer || !is_pointwise (conv) || has_activation (conv) ||
        place_of (graph, writer) > place_of (graph, conv) || other->width != conv->output->width ||
        other->height != conv->output->height || other->channels != conv->output->channels)
      continue;
    conv->inputs[1] = other;
    conv->n_inputs = 2;
    conv->output = node->output;
    return TRUE;
  }
  return FALSE;
}

/* A spatial gate's sigmoid; kernels that make one channel can take it. */
static gboolean
fuse_sigmoid (CbamGraph *graph, CbamNode *node)
{
  CbamNode *conv;

  if (node->op != &cbam_op_sigmoid)
    return FALSE;
  conv = sole_writer_before (graph, node, 0);
  if (!conv || conv->op != &cbam_op_conv || conv->output->channels != 1 || conv->n_inputs != 1)
    return FALSE;
  conv->params.conv.sigmoid = TRUE;
  conv->output = node->output;
  return TRUE;
}

/* Rows of @a, then rows of @b. Either may be NULL: zeros. */
static float *
concatenate (const CbamParam *a, gsize n_a, const CbamParam *b, gsize n_b)
{
  float *values = g_new0 (float, n_a + n_b);

  if (a)
    memcpy (values, a->values, n_a * sizeof (float));
  if (b)
    memcpy (values + n_a, b->values, n_b * sizeof (float));
  return values;
}

static gboolean
same_shape_of_conv (const CbamNode *a, const CbamNode *b)
{
  const CbamConvParams *p = &a->params.conv, *q = &b->params.conv;

  return a->op == &cbam_op_conv && b->op == &cbam_op_conv && a->inputs[0] == b->inputs[0] &&
         p->kernel_width == q->kernel_width && p->stride == q->stride && p->dilation == q->dilation &&
         p->pad_left == q->pad_left && p->pad_top == q->pad_top && p->lo == q->lo && p->hi == q->hi;
}

/* The loc and conf convolutions of a level become one: its loc rows first, so that loc stays one texel per anchor. */
static gboolean
merge_heads (CbamGraph *graph, CbamNode *node)
{
  CbamNode *loc, *conf;
  CbamConvParams params;
  g_autofree char *name = NULL;
  CbamValue *output;
  gsize dims[4];
  gsize n_loc;

  if (node->op != &cbam_op_detect || node->inputs[0] == node->inputs[1])
    return FALSE;
  loc = cbam_graph_find_writer (graph, node->inputs[0]);
  conf = cbam_graph_find_writer (graph, node->inputs[1]);
  if (!loc || !conf || !same_shape_of_conv (loc, conf) || loc->output->channels % 4 != 0 ||
      cbam_graph_count_readers (graph, loc->output) != 1 || cbam_graph_count_readers (graph, conf->output) != 1)
    return FALSE;

  name = g_strconcat (loc->name, "+", conf->name, NULL);
  params = loc->params.conv;
  n_loc = params.weight->dims[0];
  memcpy (dims, params.weight->dims, sizeof dims);
  dims[0] += conf->params.conv.weight->dims[0];
  params.weight = cbam_graph_add_param (graph, name, 4, dims);
  params.weight->values = concatenate (loc->params.conv.weight, loc->params.conv.weight->n, conf->params.conv.weight,
                                       conf->params.conv.weight->n);
  params.bias = cbam_graph_add_param (graph, name, 1, dims);
  params.bias->values = concatenate (loc->params.conv.bias, n_loc, conf->params.conv.bias, dims[0] - n_loc);

  output = cbam_graph_add_value (graph, name, loc->output->width, loc->output->height, (guint) dims[0]);
  node->inputs[0] = node->inputs[1] = output;
  node->params.detect.conf_channel = (guint) n_loc;
  graph->levels[node->params.detect.level].loc = graph->levels[node->params.detect.level].conf = output;
  graph->levels[node->params.detect.level].conf_channel = (guint) n_loc;
  /* loc computes both from where conf stood, the later of the two; the other node goes. */
  g_free (conf->name);
  conf->name = g_steal_pointer (&name);
  conf->params.conv = params;
  conf->output = output;
  g_ptr_array_remove (graph->nodes, loc);
  return FALSE; /* @node itself stays */
}

/* Along one axis, what output pixels number first + i * up of a transposed convolution are made of: @n taps, of which
 * the last reads input pixel i + base. */
typedef struct
{
  guint n, first_tap;
  gint base;
} Taps;

static Taps
taps_of (guint first, guint up, gint pad, guint kernel)
{
  const guint tap = (first + (guint) pad) % up;

  return (Taps){ (kernel - tap + up - 1) / up, tap, (gint) (first + (guint) pad - tap) / (gint) up };
}

/* The kernel of one parity class: every up-th tap, in the order of the pixels they read, which is theirs turned round.
 */
static CbamParam *
weight_of_class (CbamGraph *graph, const CbamNode *node, const char *name, Taps x, Taps y)
{
  const CbamConvParams *p = &node->params.conv;
  const gsize rows = p->weight->dims[0] * p->weight->dims[1];
  CbamParam *weight =
      cbam_graph_add_param (graph, name, 4, (const gsize[]){ p->weight->dims[0], p->weight->dims[1], y.n, x.n });
  float *to = weight->values = g_new (float, weight->n);

  for (gsize row = 0; row < rows; row++)
    for (guint ty = 0; ty < y.n; ty++)
      for (guint tx = 0; tx < x.n; tx++) {
        const guint ky = y.first_tap + (y.n - 1 - ty) * p->up_y, kx = x.first_tap + (x.n - 1 - tx) * p->up_x;

        *to++ = p->weight->values[(row * p->kernel_height + ky) * p->kernel_width + kx];
      }
  return weight;
}

static CbamNode *
conv_of_class (CbamGraph *graph, const CbamNode *node, guint first_x, guint first_y)
{
  const CbamConvParams *p = &node->params.conv;
  const Taps x = taps_of (first_x, p->up_x, p->pad_left, p->kernel_width);
  const Taps y = taps_of (first_y, p->up_y, p->pad_top, p->kernel_height);
  CbamNode *conv = g_new0 (CbamNode, 1);

  conv->op = &cbam_op_conv;
  conv->name = g_strdup_printf ("%s[%u,%u]", node->name, first_y, first_x);
  conv->inputs[0] = node->inputs[0];
  conv->n_inputs = 1;
  conv->output = node->output;
  conv->params.conv = *p;
  conv->params.conv.weight = weight_of_class (graph, node, conv->name, x, y);
  conv->params.conv.kernel_width = x.n;
  conv->params.conv.kernel_height = y.n;
  conv->params.conv.pad_left = (gint) x.n - 1 - x.base;
  conv->params.conv.pad_top = (gint) y.n - 1 - y.base;
  conv->params.conv.width = (p->width - first_x + p->up_x - 1) / p->up_x;
  conv->params.conv.height = (p->height - first_y + p->up_y - 1) / p->up_y;
  conv->params.conv.step_x = p->up_x;
  conv->params.conv.step_y = p->up_y;
  conv->params.conv.first_x = first_x;
  conv->params.conv.first_y = first_y;
  return conv;
}

/* Whether the map is only ever added to another: whoever convolves it wants a border of zeros, which no one class
 * leaves. */
static gboolean
is_only_added (CbamGraph *graph, const CbamValue *value)
{
  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    if (node->inputs[0] == value && node->op != &cbam_op_add)
      return FALSE;
  }
  return TRUE;
}

/* Output pixels whose row and column have the same remainders by the stride see the same taps of the kernel: an
 * ordinary convolution makes them. */
static gboolean
split_by_parity (CbamGraph *graph, CbamNode *node)
{
  const CbamConvParams *p = &node->params.conv;

  if (node->op != &cbam_op_deconv || !is_only_added (graph, node->output))
    return FALSE;
  for (guint y = 0; y < MIN (p->up_y, p->height); y++)
    for (guint x = 0; x < MIN (p->up_x, p->width); x++)
      g_ptr_array_insert (graph->nodes, (gint) place_of (graph, node), conv_of_class (graph, node, x, y));
  return TRUE;
}

/* pools -> convolution -> convolution -> sum over the pools -> sigmoid. */
static gboolean
make_channel_gate (CbamGraph *graph, CbamNode *node)
{
  CbamNode *sum, *second, *first, *pool;
  CbamChannelGateParams params;

  if (node->op != &cbam_op_sigmoid)
    return FALSE;
  sum = sole_writer_before (graph, node, 0);
  second = sum && sum->op == &cbam_op_global_pool ? sole_writer_before (graph, sum, 0) : NULL;
  first = second && is_pointwise (second) && !has_activation (second) ? sole_writer_before (graph, second, 0) : NULL;
  pool = first && is_pointwise (first) ? sole_writer_before (graph, first, 0) : NULL;
  if (!pool || pool->op != &cbam_op_global_pool || sum->params.global_pool.n != 1 ||
      sum->params.global_pool.kinds[0] != CBAM_REDUCE_SUM ||
      !cbam_channel_gate_fits (&pool->params.global_pool, pool->inputs[0], first->output->channels))
    return FALSE;
  params = (CbamChannelGateParams){ pool->params.global_pool, first->params.conv, second->params.conv };
  node->op = &cbam_op_channel_gate;
  node->inputs[0] = pool->inputs[0];
  node->params.channel_gate = params;
  g_ptr_array_remove (graph->nodes, pool);
  g_ptr_array_remove (graph->nodes, first);
  g_ptr_array_remove (graph->nodes, second);
  g_ptr_array_remove (graph->nodes, sum);
  return FALSE; /* @node itself stays */
}

/* Whether @reader can multiply its map with a channel gate as it reads it. */
static gboolean
can_take_gate (const CbamNode *reader)
{
  if (reader->op == &cbam_op_channel_pool)
    return reader->n_inputs == 1;
  return reader->op == &cbam_op_multiply && reader->n_inputs == 2 && reader->inputs[0] != reader->inputs[1];
}

static void
take_gate (CbamNode *reader, const CbamNode *product)
{
  if (reader->op == &cbam_op_multiply) {
    reader->inputs[2] = reader->inputs[0] == product->output ? reader->inputs[1] : reader->inputs[0];
    reader->n_inputs = 3;
  } else {
    reader->n_inputs = 2;
  }
  reader->inputs[0] = product->inputs[0];
  reader->inputs[1] = product->inputs[1];
}

/* A map times its channel gate, where every reader can do that by itself: the product is never written. */
static gboolean
drop_product (CbamGraph *graph, CbamNode *node)
{
  if (node->op != &cbam_op_multiply || node->n_inputs != 2 || node->output->keep || node->inputs[1]->width != 1 ||
      node->inputs[1]->height != 1 || node->inputs[0]->channels != node->inputs[1]->channels)
    return FALSE;
  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *reader = g_ptr_array_index (graph->nodes, n);

    for (guint i = 0; i < reader->n_inputs; i++)
      if (reader->inputs[i] == node->output && !can_take_gate (reader))
        return FALSE;
  }
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *reader = g_ptr_array_index (graph->nodes, n);

    if (reader->inputs[0] == node->output || (reader->n_inputs > 1 && reader->inputs[1] == node->output))
      take_gate (reader, node);
  }
  return TRUE;
}

/* The node that writes @value, if it is of @op and only @n nodes read it. */
static CbamNode *
writer_of_op (CbamGraph *graph, const CbamValue *value, const CbamOpClass *op, guint n)
{
  CbamNode *writer = cbam_graph_find_writer (graph, value);

  return writer && writer->op == op && cbam_graph_count_readers (graph, value) - (value->keep ? 1 : 0) == n ? writer
                                                                                                            : NULL;
}

/* x * channel gate of x * spatial gate of both, where the map is small. */
static gboolean
make_cbam (CbamGraph *graph, CbamNode *node)
{
  CbamNode *channel, *spatial, *pool;
  CbamCbamParams params;

  if (node->op != &cbam_op_multiply || node->n_inputs != 3)
    return FALSE;
  channel = writer_of_op (graph, node->inputs[1], &cbam_op_channel_gate, 2);
  spatial = writer_of_op (graph, node->inputs[2], &cbam_op_conv, 1);
  pool = spatial ? writer_of_op (graph, spatial->inputs[0], &cbam_op_channel_pool, 1) : NULL;
  if (!channel || !pool || !spatial->params.conv.sigmoid || spatial->params.conv.stride != 1 ||
      spatial->params.conv.dilation != 1 || pool->n_inputs != 2 || pool->inputs[0] != node->inputs[0] ||
      pool->inputs[1] != node->inputs[1] || channel->inputs[0] != node->inputs[0])
    return FALSE;
  params = (CbamCbamParams){ channel->params.channel_gate, spatial->params.conv, pool->params.channel_pool.mean_first };
  if (!cbam_cbam_fits (&params, node->inputs[0]))
    return FALSE;
  node->op = &cbam_op_cbam;
  node->n_inputs = 1;
  node->more[0] = channel->output;
  node->more[1] = spatial->output;
  node->n_more = 2;
  node->params.cbam = params;
  g_ptr_array_remove (graph->nodes, channel);
  g_ptr_array_remove (graph->nodes, pool);
  g_ptr_array_remove (graph->nodes, spatial);
  return FALSE; /* @node itself stays */
}

/* Returns TRUE when @node has become part of another and goes. */
typedef gboolean (*Rule) (CbamGraph *graph, CbamNode *node);

static const struct
{
  CbamFusions flag;
  Rule apply;
} rules[] = {
  { CBAM_FUSE_BATCH_NORM, fold_batch_norm }, { CBAM_FUSE_SUM, fuse_sum },
  { CBAM_FUSE_ACTIVATION, fuse_activation }, { CBAM_FUSE_SIGMOID, fuse_sigmoid },
  { CBAM_FUSE_HEADS, merge_heads },          { CBAM_FUSE_CHANNEL_GATE, make_channel_gate },
  { CBAM_FUSE_GATES, drop_product },         { CBAM_FUSE_CBAM, make_cbam },
  { CBAM_FUSE_PARITY, split_by_parity },
};

void
cbam_graph_fuse (CbamGraph *graph, CbamFusions fusions)
{
  for (guint r = 0; r < G_N_ELEMENTS (rules); r++) {
    if (!(fusions & rules[r].flag))
      continue;
    for (guint n = 0; n < graph->nodes->len; n++) {
      CbamNode *node = g_ptr_array_index (graph->nodes, n);
      const gboolean gone = rules[r].apply (graph, node);

      g_ptr_array_find (graph->nodes, node, &n); /* a rule may have removed nodes before it */
      if (gone)
        g_ptr_array_remove_index (graph->nodes, n--);
    }
  }
}
