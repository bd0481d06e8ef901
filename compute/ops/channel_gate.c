/* channel_gate: a weight 0..1 for each channel, from global pools and two small layers (SE: Hu et al. 2018, arXiv
 * 1709.01507; CBAM's channel attention). No recipe asks for it: fuse.c makes it of the ops that say the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/channel_gate.h"

#include <math.h>

#include "ops/padded.h"
#include "ops/reduce.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

#define LEAST_THREADS 8 /* that its workgroup has */

gboolean
cbam_channel_gate_fits (const CbamGlobalPoolParams *pool, const CbamValue *x, guint hidden)
{
  const guint blocks = (x->channels + 3) / 4;
  const guint64 blocks_each = (blocks + LEAST_THREADS - 1) / LEAST_THREADS;
  const guint64 hidden_each = (hidden + LEAST_THREADS - 1) / LEAST_THREADS;

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
    b0[h] = params->first.bias ? params->first.bias->values[h] : 0;
    for (gsize c = 0; c < channels; c++) {
      out[h * row + c] = params->first.weight->values[h * channels + c];
      w1[h * row + c] = params->second.weight->values[c * hidden + h];
    }
  }
  for (gsize c = 0; c < channels; c++)
    b1[c] = params->second.bias ? params->second.bias->values[c] * (float) params->pool.n : 0;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_channel_gate_packed_size (&node->params.channel_gate, node->output->channels);
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  cbam_channel_gate_pack (&node->params.channel_gate, node->output->channels, out);
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamChannelGateParams *p = &node->params.channel_gate;
  CbamReduceArgs *args = (CbamReduceArgs *) ret_dispatch->args;

  *args = cbam_reduce_args (node->inputs[0], node->output, &p->pool);
  args->hidden = cbam_channel_gate_hidden (p);
  args->lo = p->first.lo;
  args->hi = p->first.hi;
  ret_dispatch->groups[0] = ret_dispatch->groups[1] = ret_dispatch->groups[2] = 1;
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", channel_gate, CbamReduceArgs, dispatch, NULL, CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS,
                        CBAM_BIND_OUTPUT),
};

static guint64
macs (const CbamNode *node)
{
  const CbamChannelGateParams *p = &node->params.channel_gate;

  return 2 * (guint64) p->pool.n * node->output->channels * cbam_channel_gate_hidden (p);
}

/* It only stands in for other ops, which have references of their own. */
static void
reference (CbamReference *run, const CbamNode *node)
{
  g_return_if_reached ();
}

const CbamOpClass cbam_op_channel_gate = {
  .name = "channel_gate",
  .macs = macs,
  .packed_size = packed_size,
  .pack = pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
