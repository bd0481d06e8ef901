/* Squeeze-and-excitation (Hu, Shen, Sun 2018, arXiv 1709.01507): a weight for each channel, from its mean.
 *
 *     x -> mean of each channel -> fc.0 -> ReLU -> fc.2 -> sigmoid -> * x
 *
 * Layers may have biases or not; the CBAM paper's counts say with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

static CbamValue *
build (CbamNet *net, const char *prefix, CbamValue *x, CbamGates *ret_gates)
{
  g_autofree char *name = g_strconcat (prefix, ".scaled", NULL);

  ret_gates->channel.map = cbam_net_channel_gate (net, prefix, x, CBAM_REDUCE_MEAN, "fc.0", "fc.2");
  return cbam_graph_multiply (net->graph, name, x, ret_gates->channel.map);
}

const CbamAttentionModule cbam_attention_se = { .name = "se", .build = build };
