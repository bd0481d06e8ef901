/* Attention modules by name, where they stand, and what several of them are made of.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

/* A new module is a file like se.c and a line here. */
const CbamAttentionModule *const cbam_attentions[] = {
  &cbam_attention_se, &cbam_attention_cbam, &cbam_attention_bam, &cbam_attention_eca, NULL,
};

const CbamAttentionModule *
cbam_net_attention_on_levels (CbamNet *net)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;

  return attention->place != CBAM_PLACE_BLOCKS ? attention->kind : NULL;
}

const CbamAttentionModule *
cbam_net_attention_in_blocks (CbamNet *net)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;

  return attention->place != CBAM_PLACE_LEVELS ? attention->kind : NULL;
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_net_mlp (CbamNet *net, CbamValue *pooled, const char *first, const char *norm, const char *second)
{
  CbamValue *x;

  if (net->graph->error)
    return NULL;
  x = cbam_graph_conv (net->graph,
                       &(CbamConvForm){ .name = first,
                                        .input = pooled,
                                        .channels = cbam_net_dim (net, first, 0, MAX (1, pooled->channels / 16)),
                                        .weight_dims = 2 });
  if (norm)
    x = cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
  x = cbam_graph_activation (net->graph, x, CBAM_ACTIVATION_RELU);
  return cbam_graph_conv (
      net->graph, &(CbamConvForm){ .name = second, .input = x, .channels = pooled->channels, .weight_dims = 2 });
}

CbamValue *
cbam_net_channel_gate (CbamNet *net, const char *prefix, CbamValue *x, guint pools, const char *first,
                       const char *second)
{
  const CbamGlobalPoolParams sum = { .n = 1, .kinds = { CBAM_REDUCE_SUM } };
  CbamGlobalPoolParams params = { .n = 0 };
  g_autofree char *pool_name = g_strconcat (prefix, ".pool", NULL);
  g_autofree char *gate_name = g_strconcat (prefix, ".channel", NULL);
  g_autofree char *first_name = g_strconcat (prefix, ".", first, NULL);
  g_autofree char *second_name = g_strconcat (prefix, ".", second, NULL);

  for (guint kind = CBAM_POOL_AVG; kind <= CBAM_POOL_LSE; kind <<= 1)
    if (pools & kind)
      params.kinds[params.n++] = (CbamReduction) kind;
  x = cbam_graph_global_pool (net->graph, pool_name, x, &params);
  x = cbam_net_mlp (net, x, first_name, NULL, second_name);
  x = cbam_graph_global_pool (net->graph, gate_name, x, &sum);
  return cbam_graph_sigmoid (net->graph, x);
}
