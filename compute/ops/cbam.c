/* cbam: all of CBAM on a small map in one dispatch, with both gates as further outputs. No recipe asks for it: fuse.c
 * makes it of the ops that say the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/cbam.h"

#include "args/cbam.h"

#include <math.h>

#include "ops/channel_gate.h"
#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

/* Texels of the map above which four dispatches over all processors are faster than one workgroup: on two, about
 * 10x10 pixels of 128 channels. */
#define MOST_TEXELS 4096

gboolean
cbam_cbam_fits (const CbamCbamParams *params, const CbamValue *x)
{
  const guint blocks = (x->channels + 3) / 4, pixels = x->width * x->height;

  return pixels * blocks <= MOST_TEXELS && pixels <= CBAM_CBAM_PIXELS && blocks <= CBAM_CBAM_BLOCKS &&
         params->channel.pool.n * blocks <= CBAM_CBAM_POOLED &&
         cbam_channel_gate_hidden (&params->channel) <= CBAM_CBAM_HIDDEN && params->spatial.hi == INFINITY;
}

static gsize
taps (const CbamNode *node)
{
  const CbamConvParams *p = &node->params.cbam.spatial;

  return (gsize) p->kernel_width * p->kernel_height;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_channel_gate_packed_size (&node->params.cbam.channel, node->output->channels) + 4 * (taps (node) + 1);
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const CbamCbamParams *p = &node->params.cbam;
  const gsize n = taps (node);

  cbam_channel_gate_pack (&p->channel, node->output->channels, out);
  out += cbam_channel_gate_packed_size (&p->channel, node->output->channels);
  for (gsize i = 0; i < 4 * (n + 1); i++)
    out[i] = 0;
  for (gsize tap = 0; tap < n; tap++) {
    out[4 * tap] = p->spatial.weight->values[tap];
    out[4 * tap + 1] = p->spatial.weight->values[n + tap];
  }
  out[4 * n] = p->spatial.bias ? p->spatial.bias->values[0] : 0;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamCbamParams *p = &node->params.cbam;
  const CbamValue *in = node->inputs[0], *out = node->output;
  const CbamReduceArgs reduce = cbam_reduce_args (in, out, &p->channel.pool);

  *(CbamCbamArgs *) ret_dispatch->args = (CbamCbamArgs){
    .x = in->view,
    .y = out->view,
    .channel = node->more[0]->view,
    .spatial = node->more[1]->view,
    .width = in->width,
    .height = in->height,
    .border = out->border,
    .channels = in->channels,
    .n_kinds = reduce.n_kinds,
    .kinds = reduce.kinds,
    .hidden = cbam_channel_gate_hidden (&p->channel),
    .kernel = p->spatial.kernel_width,
    .mean_first = p->mean_first,
    .lo = p->channel.first.lo,
    .hi = p->channel.first.hi,
    .spatial_lo = p->spatial.lo,
  };
  ret_dispatch->groups[0] = ret_dispatch->groups[1] = ret_dispatch->groups[2] = 1;
}

#define BINDINGS CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT, CBAM_BIND_MORE, CBAM_BIND_MORE_1

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_cbam_texel,
    .narrow = &cbam_shader_cbam_texel_narrow,
    .needs = CBAM_NEED_TEXELS | CBAM_NEED_SUBGROUP_8,
    .bindings = { BINDINGS },
    .args_size = sizeof (CbamCbamArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_cbam_plain,
    .bindings = { BINDINGS },
    .args_size = sizeof (CbamCbamArgs),
    .dispatch = dispatch },
};

static guint64
macs (const CbamNode *node)
{
  const CbamChannelGateParams *p = &node->params.cbam.channel;
  const CbamValue *out = node->output;

  return 2 * (guint64) p->pool.n * out->channels * cbam_channel_gate_hidden (p) +
         2 * (guint64) out->width * out->height * taps (node);
}

/* It only stands in for other ops, which have references of their own. */
static void
reference (CbamReference *run, const CbamNode *node)
{
  g_return_if_reached ();
}

const CbamOpClass cbam_op_cbam = {
  .name = "cbam",
  .macs = macs,
  .packed_size = packed_size,
  .pack = pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
