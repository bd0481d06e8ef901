/* ECA, efficient channel attention (Wang et al. 2020, arXiv 1910.03151): a weight for each channel, from the means of
 * its neighbours in the list of channels.
 *
 *     x -> mean of each channel -> convolution along the channels, k taps -> sigmoid -> * x
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

static CbamValue *
build (CbamNet *net, const char *prefix, CbamValue *x, CbamGates *ret_gates)
{
  const CbamGlobalPoolParams mean = { .n = 1, .kinds = { CBAM_REDUCE_MEAN } };
  g_autofree char *pool = g_strconcat (prefix, ".pool", NULL);
  g_autofree char *conv = g_strconcat (prefix, ".conv", NULL);
  g_autofree char *name = g_strconcat (prefix, ".scaled", NULL);
  const guint kernel = cbam_net_dim (net, conv, 2, 3);
  CbamValue *z;

  z = cbam_graph_global_pool (net->graph, pool, x, &mean);
  z = cbam_graph_turn (net->graph, pool, z);
  z = cbam_graph_conv (
      net->graph, &(CbamConvForm){
                      .name = conv, .input = z, .channels = 1, .kernel = kernel, .pad = kernel / 2, .weight_dims = 3 });
  z = cbam_graph_sigmoid (net->graph, z);
  ret_gates->channel.map = cbam_graph_turn (net->graph, conv, z);
  return cbam_graph_multiply (net->graph, name, x, ret_gates->channel.map);
}

const CbamAttentionModule cbam_attention_eca = { .name = "eca", .build = build };
