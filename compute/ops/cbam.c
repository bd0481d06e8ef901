/* cbam: all of CBAM on a small map in one dispatch, with both gates as further outputs. No recipe asks for it: fuse.c
 * makes it of the ops that say the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/cbam.h"

#include "args/cbam.h"

#include <math.h>

#include "ops/channel_pool.h"
#include "ops/multiply.h"
#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"
#include "ops/sigmoid.h"

/* Texels of the map above which four dispatches over all processors are faster than one workgroup: on two, about
 * 10x10 pixels of 128 channels. */
#define MOST_TEXELS 4096

/* Whether a module with @params on @x fits the kernel's shared memory. */
static gboolean
fits (const CbamCbamParams *params, const CbamValue *x)
{
  const guint blocks = (x->channels + 3) / 4, pixels = x->width * x->height;

  return pixels * blocks <= MOST_TEXELS && pixels <= CBAM_CBAM_PIXELS && blocks <= CBAM_CBAM_BLOCKS &&
         params->channel.pool.n * blocks <= CBAM_CBAM_POOLED &&
         cbam_channel_gate_hidden (&params->channel) <= CBAM_CBAM_HIDDEN && params->spatial.activation.hi == INFINITY &&
         params->spatial.activation.function == CBAM_FUNCTION_CLAMP;
}

static gsize
taps (const CbamNode *node)
{
  const CbamConvParams *p = &cbam_cbam_params (node)->spatial;

  return (gsize) p->kernel_width * p->kernel_height;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_channel_gate_packed_size (&cbam_cbam_params (node)->channel, node->outputs[0]->channels) +
         4 * (taps (node) + 1);
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const CbamCbamParams *p = cbam_cbam_params (node);
  const gsize n = taps (node);

  cbam_channel_gate_pack (&p->channel, node->outputs[0]->channels, out);
  out += cbam_channel_gate_packed_size (&p->channel, node->outputs[0]->channels);
  for (gsize i = 0; i < 4 * (n + 1); i++)
    out[i] = 0;
  for (gsize tap = 0; tap < n; tap++) {
    out[4 * tap] = p->spatial.weight->values[tap];
    out[4 * tap + 1] = p->spatial.weight->values[n + tap];
  }
  out[4 * n] = p->spatial.bias != NULL ? p->spatial.bias->values[0] : 0;
}

static const CbamPacking packing = { packed_size, pack };

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamCbamParams *p = cbam_cbam_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const CbamReduceArgs reduce = cbam_reduce_args (in, out, &p->channel.pool);

  *(CbamCbamArgs *) ret_dispatch->args = (CbamCbamArgs){
    .x = in->view,
    .y = out->view,
    .channel = node->outputs[1]->view,
    .spatial = node->outputs[2]->view,
    .width = in->width,
    .height = in->height,
    .border = out->border,
    .channels = in->channels,
    .n_kinds = reduce.n_kinds,
    .kinds = reduce.kinds,
    .hidden = cbam_channel_gate_hidden (&p->channel),
    .kernel = p->spatial.kernel_width,
    .mean_first = p->mean_first,
    .lo = p->channel.first.activation.lo,
    .hi = p->channel.first.activation.hi,
    .spatial_lo = p->spatial.activation.lo,
  };
  ret_dispatch->groups[0] = ret_dispatch->groups[1] = 1;
  ret_dispatch->constant = p->channel.first.activation.function;
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_cbam_texel,
    .narrow = &cbam_shader_cbam_texel_narrow,
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8,
    .args_size = sizeof (CbamCbamArgs),
    .packing = &packing,
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_cbam_plain,
    .args_size = sizeof (CbamCbamArgs),
    .packing = &packing,
    .dispatch = dispatch },
  { .name = "half",
    .shader = &cbam_shader_cbam_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamCbamArgs),
    .packing = &packing,
    .dispatch = dispatch },
};

static guint64
macs (const CbamNode *node)
{
  const CbamChannelGateParams *p = &cbam_cbam_params (node)->channel;
  const CbamValue *out = node->outputs[0];

  return 2 * (guint64) p->pool.n * out->channels * cbam_channel_gate_hidden (p) +
         2 * (guint64) out->width * out->height * taps (node);
}

/* It only stands in for other ops, which have references of their own. */
static void
reference (CbamReference *run, const CbamNode *node)
{
  g_return_if_reached ();
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

/* The node that writes @value, if it is of @op and only @n nodes read it. */
static CbamNode *
writer_of_op (CbamGraph *graph, const CbamValue *value, const CbamOpClass *op, guint n)
{
  CbamNode *writer = cbam_graph_find_writer (graph, value);

  return writer != NULL && writer->op == op &&
                 cbam_graph_count_readers (graph, value) - (value->host & CBAM_HOST_READS ? 1 : 0) == n
             ? writer
             : NULL;
}

/* x * channel gate of x * spatial gate of both, where the map is small. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamNode *channel, *spatial, *pool;
  CbamCbamParams params;

  if (node->op != &cbam_op_multiply || node->n_inputs != 3)
    return CBAM_FUSION_NOTHING;
  channel = writer_of_op (graph, node->inputs[1], &cbam_op_channel_gate, 2);
  spatial = writer_of_op (graph, node->inputs[2], &cbam_op_conv, 1);
  pool = spatial != NULL ? writer_of_op (graph, spatial->inputs[0], &cbam_op_channel_pool, 1) : NULL;
  if (channel == NULL || pool == NULL || !cbam_conv_params (spatial)->sigmoid ||
      cbam_conv_params (spatial)->stride != 1 || cbam_conv_params (spatial)->dilation != 1 || pool->n_inputs != 2 ||
      pool->inputs[0] != node->inputs[0] || pool->inputs[1] != node->inputs[1] || channel->inputs[0] != node->inputs[0])
    return CBAM_FUSION_NOTHING;
  params = (CbamCbamParams){ *cbam_channel_gate_params (channel), *cbam_conv_params (spatial),
                             cbam_channel_pool_params (pool)->mean_first };
  if (!fits (&params, node->inputs[0]))
    return CBAM_FUSION_NOTHING;
  cbam_node_become (node, &cbam_op_cbam, &params);
  node->n_inputs = 1;
  node->outputs[node->n_outputs++] = channel->outputs[0];
  node->outputs[node->n_outputs++] = spatial->outputs[0];
  cbam_graph_remove_node (graph, channel);
  cbam_graph_remove_node (graph, pool);
  cbam_graph_remove_node (graph, spatial);
  return CBAM_FUSION_CHANGED;
}

/* What the fusion looks for, once the other gates' have been at it. */
static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamValue *x = cbam_graph_multiply (graph, "scaled", inputs[0], cbam_channel_gate_add_case (graph, shape, inputs));
  CbamValue *spatial = cbam_graph_channel_pool (graph, "pool", x, shape->dilation == 1);

  spatial = cbam_graph_conv (
      graph,
      &(CbamConvForm){
          .name = "spatial", .input = spatial, .channels = 1, .kernel = shape->stride, .pad = shape->stride / 2 });
  return cbam_graph_multiply (graph, "op", x, cbam_graph_sigmoid (graph, spatial));
}

/* As channel_gate's; stride: the spatial kernel; dilation: whether the mean comes first. */
static const CbamOpCase cases[] = {
  { 1, 1, 5, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX, 1, 7 },
  { 9, 14, 41, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX, 7, 7, .big_reader = TRUE },
  { 11, 10, 128, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX, 8, 7, .no_bias = TRUE },
  { 5, 6, 130, CBAM_REDUCE_MAX | CBAM_REDUCE_L2 | CBAM_REDUCE_LOG_SUM, 70, 3, 1 },
};

const CbamOpClass cbam_op_cbam = {
  .name = "cbam",
  .params_size = sizeof (CbamCbamParams),
  .macs = macs,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_CBAM,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
  .case_fusions = CBAM_FUSE_SIGMOID | CBAM_FUSE_CHANNEL_GATE | CBAM_FUSE_GATES | CBAM_FUSE_CBAM,
};
