/* channel_gate: a weight 0..1 for each channel, from global pools and two small layers (SE: Hu et al. 2018, arXiv
 * 1709.01507; CBAM's channel attention). No recipe asks for it: fuse.c makes it of the ops that say the same.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/channel_gate.h"

#include <math.h>

#include "graph/run_reference.h"
#include "ops/padded.h"
#include "ops/reduce.h"
#include "shaders.h"

gboolean
cbam_channel_gate_fits (guint pools, guint channels, guint hidden)
{
  return pools * ((channels + 3) / 4) <= CBAM_GATE_POOLED && hidden <= CBAM_GATE_HIDDEN;
}

static guint
hidden_channels (const CbamNode *node)
{
  return (guint) node->params.channel_gate.first.weight->dims[0];
}

static gsize
packed_size (const CbamNode *node)
{
  const gsize blocks = cbam_tensor_blocks (node->output), hidden = hidden_channels (node);

  return 4 * (hidden * blocks + (hidden + 3) / 4 + hidden * blocks + blocks);
}

/* W0 by hidden channel, b0, W1 by hidden channel, b1 as often as there are pools. */
static void
pack (const CbamNode *node, float *out)
{
  const CbamChannelGateParams *p = &node->params.channel_gate;
  const gsize channels = node->output->channels, row = 4 * (gsize) cbam_tensor_blocks (node->output);
  const gsize hidden = hidden_channels (node);
  float *b0 = out + hidden * row, *w1 = b0 + (hidden + 3) / 4 * 4, *b1 = w1 + hidden * row;

  for (gsize i = 0; i < packed_size (node); i++)
    out[i] = 0;
  for (gsize h = 0; h < hidden; h++) {
    b0[h] = p->first.bias ? p->first.bias->values[h] : 0;
    for (gsize c = 0; c < channels; c++) {
      out[h * row + c] = p->first.weight->values[h * channels + c];
      w1[h * row + c] = p->second.weight->values[c * hidden + h];
    }
  }
  for (gsize c = 0; c < channels; c++)
    b1[c] = p->second.bias ? p->second.bias->values[c] * (float) p->pool.n : 0;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamChannelGateParams *p = &node->params.channel_gate;
  CbamReduceArgs *args = (CbamReduceArgs *) ret_dispatch->args;

  *args = cbam_reduce_args (node->inputs[0], node->output, &p->pool);
  args->hidden = hidden_channels (node);
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
  return 2 * (guint64) node->params.channel_gate.pool.n * node->output->channels * hidden_channels (node);
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
