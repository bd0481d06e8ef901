/* channel_gate: a weight 0..1 for each channel, from global pools and two small layers (SE: Hu et al. 2018, arXiv
 * 1709.01507; CBAM's channel attention). No recipe asks for it: fuse.c makes it of the ops that say the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/channel_gate.h"

#include <math.h>

#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"
#include "ops/sigmoid.h"

/* Whether pooling @x by @pool, with @hidden channels between the layers, fits what the kernel can do. */
static gboolean
fits (const CbamGlobalPoolParams *pool, const CbamValue *x, guint hidden)
{
  const guint blocks = (x->channels + 3) / 4;
  const guint64 blocks_each = (blocks + CBAM_LANES - 1) / CBAM_LANES;
  const guint64 hidden_each = (hidden + CBAM_LANES - 1) / CBAM_LANES;

  return pool->n * blocks <= CBAM_GATE_POOLED && hidden <= CBAM_GATE_HIDDEN &&
         blocks_each * (cbam_reduce_turns (x, pool) + hidden) + hidden_each * pool->n * blocks < CBAM_MOST_TURNS;
}

guint
cbam_channel_gate_hidden (const CbamChannelGateParams *params)
{
  return (guint) params->first.weight->dims[0];
}

gsize
cbam_channel_gate_packed_size (const CbamChannelGateParams *params, guint channels)
{
  const gsize blocks = (channels + 3) / 4, hidden = cbam_channel_gate_hidden (params);

  return 4 * (hidden * blocks + (hidden + 3) / 4 + hidden * blocks + blocks);
}

void
cbam_channel_gate_pack (const CbamChannelGateParams *params, guint channels, float *out)
{
  const gsize row = 4 * (gsize) ((channels + 3) / 4), hidden = cbam_channel_gate_hidden (params);
  float *b0 = out + hidden * row, *w1 = b0 + (hidden + 3) / 4 * 4, *b1 = w1 + hidden * row;

  for (gsize i = 0; i < cbam_channel_gate_packed_size (params, channels); i++)
    out[i] = 0;
  for (gsize h = 0; h < hidden; h++) {
    b0[h] = params->first.bias != NULL ? params->first.bias->values[h] : 0;
    for (gsize c = 0; c < channels; c++) {
      out[h * row + c] = params->first.weight->values[h * channels + c];
      w1[h * row + c] = params->second.weight->values[c * hidden + h];
    }
  }
  for (gsize c = 0; c < channels; c++)
    b1[c] = params->second.bias != NULL ? params->second.bias->values[c] * (float) params->pool.n : 0;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_channel_gate_packed_size (cbam_channel_gate_params (node), node->outputs[0]->channels);
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  cbam_channel_gate_pack (cbam_channel_gate_params (node), node->outputs[0]->channels, out);
}

static const CbamPacking packing = { packed_size, pack };

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamChannelGateParams *p = cbam_channel_gate_params (node);
  CbamReduceArgs *args = (CbamReduceArgs *) ret_dispatch->args;

  *args = cbam_reduce_args (node->inputs[0], node->outputs[0], &p->pool);
  args->hidden = cbam_channel_gate_hidden (p);
  args->lo = p->first.activation.lo;
  args->hi = p->first.activation.hi;
  ret_dispatch->constant = p->first.activation.function;
  ret_dispatch->groups[0] = ret_dispatch->groups[1] = 1;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", channel_gate, CbamReduceArgs, dispatch, .packing = &packing),
};

static guint64
macs (const CbamNode *node)
{
  const CbamChannelGateParams *p = cbam_channel_gate_params (node);

  return 2 * (guint64) p->pool.n * node->outputs[0]->channels * cbam_channel_gate_hidden (p);
}

/* It only stands in for other ops, which have references of their own. */
static void
reference (CbamReference *run, const CbamNode *node)
{
  g_return_if_reached ();
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

/* pools -> convolution -> convolution -> sum over the pools -> sigmoid. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamNode *sum, *second, *first, *pool;
  CbamChannelGateParams params;

  if (node->op != &cbam_op_sigmoid)
    return CBAM_FUSION_NOTHING;
  sum = cbam_graph_find_sole_writer (graph, node, 0);
  second = sum != NULL && sum->op == &cbam_op_global_pool ? cbam_graph_find_sole_writer (graph, sum, 0) : NULL;
  first = second != NULL && cbam_conv_is_pointwise (second) &&
                  cbam_activation_is_none (&cbam_conv_params (second)->activation)
              ? cbam_graph_find_sole_writer (graph, second, 0)
              : NULL;
  pool = first != NULL && cbam_conv_is_pointwise (first) ? cbam_graph_find_sole_writer (graph, first, 0) : NULL;
  if (pool == NULL || pool->op != &cbam_op_global_pool || cbam_global_pool_params (sum)->n != 1 ||
      cbam_global_pool_params (sum)->kinds[0] != CBAM_REDUCE_SUM ||
      !fits (cbam_global_pool_params (pool), pool->inputs[0], first->outputs[0]->channels))
    return CBAM_FUSION_NOTHING;
  params =
      (CbamChannelGateParams){ *cbam_global_pool_params (pool), *cbam_conv_params (first), *cbam_conv_params (second) };
  cbam_node_become (node, &cbam_op_channel_gate, &params);
  node->inputs[0] = pool->inputs[0];
  cbam_graph_remove_node (graph, pool);
  cbam_graph_remove_node (graph, first);
  cbam_graph_remove_node (graph, second);
  cbam_graph_remove_node (graph, sum);
  return CBAM_FUSION_CHANGED;
}

CbamValue *
cbam_channel_gate_add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  const CbamGlobalPoolParams pools = cbam_global_pool_of (shape->outputs), sum = cbam_global_pool_of (CBAM_REDUCE_SUM);
  CbamValue *x = cbam_graph_global_pool (graph, "pool", inputs[0], &pools);

  x = cbam_graph_conv (graph, &(CbamConvForm){ .name = "first", .input = x, .channels = shape->kernel });
  cbam_conv_params (cbam_graph_find_writer (graph, x))->activation.lo = 0;
  x = cbam_graph_conv (graph, &(CbamConvForm){ .name = "second", .input = x, .channels = inputs[0]->channels });
  return cbam_graph_sigmoid (graph, cbam_graph_global_pool (graph, "sum", x, &sum));
}

/* outputs: a set of CBAM_REDUCE_*; kernel: the channels between the layers. */
static const CbamOpCase cases[] = {
  { 1, 1, 5, CBAM_REDUCE_MEAN, 1 },
  { 9, 14, 41, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX, 7 },
  { 5, 6, 130, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX | CBAM_REDUCE_L2 | CBAM_REDUCE_LOG_SUM, 70, .no_bias = TRUE },
};

const CbamOpClass cbam_op_channel_gate = {
  .name = "channel_gate",
  .params_size = sizeof (CbamChannelGateParams),
  .macs = macs,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_CHANNEL_GATE,
  .fuse = fuse,
  .add_case = cbam_channel_gate_add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
  .case_fusions = CBAM_FUSE_CHANNEL_GATE,
};
