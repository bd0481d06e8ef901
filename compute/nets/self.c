/* Self-attention, as SAGAN has it (Zhang et al. 2018, arXiv 1805.08318): each place sees all others.
 *
 *     x -> query_conv 1x1 = q, key_conv 1x1 = k, of an eighth of the channels; value_conv 1x1 = v
 *     y_i = x_i + gamma * sum over places j of softmax over j (q_i . k_j) v_j
 *
 * A weight for each pair of places is none for a place: there are no gates to see. Tensors are called as in
 * heykeetae/Self-Attention-GAN.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

static CbamValue *
pointwise (CbamNet *net, const char *prefix, const char *layer, CbamValue *x, guint channels)
{
  g_autofree char *name = g_strconcat (prefix, ".", layer, NULL);

  return cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name, .input = x, .channels = channels });
}

static CbamValue *
build (CbamNet *net, const char *prefix, CbamValue *x, CbamGates *ret_gates)
{
  g_autofree char *query = g_strconcat (prefix, ".query_conv", NULL);
  g_autofree char *sum = g_strconcat (prefix, ".sum", NULL);
  const guint depth = cbam_net_dim (net, query, 0, MAX (1, x->channels / 8));
  CbamValue *queries = pointwise (net, prefix, "query_conv", x, depth);
  CbamValue *keys = pointwise (net, prefix, "key_conv", x, depth);
  CbamValue *values = pointwise (net, prefix, "value_conv", x, x->channels);

  return cbam_graph_add (net->graph, sum, x, cbam_graph_attend (net->graph, prefix, queries, keys, values));
}

const CbamAttentionModule cbam_attention_self = { .name = "self", .build = build };
