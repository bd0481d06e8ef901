/* CBAM, the convolutional block attention module (Woo et al. 2018, arXiv 1807.06521; layers and names as in its
 * authors' Jongchan/attention-module, MODELS/cbam.py).
 *
 *     x -> pools -> mlp.1 -> ReLU -> mlp.3 -> summed over the pools -> sigmoid = M_c
 *     x * M_c -> largest and mean of the channels -> conv k x k -> batch norm -> sigmoid = M_s
 *     x * M_c * M_s
 *
 * The ablations are the spec's: which pools, a 1x1 convolution for the channel pool, either half alone, the halves in
 * the other order or side by side. Reduction, k, biases and batch norm are what the tensors say.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

static CbamValue *
times (CbamNet *net, const char *prefix, const char *which, CbamValue *x, CbamValue *gate)
{
  g_autofree char *name = g_strconcat (prefix, ".", which, NULL);

  return cbam_graph_multiply (net->graph, name, x, gate);
}

static CbamValue *
channel_gate (CbamNet *net, const char *prefix, CbamValue *x)
{
  return cbam_net_channel_gate (net, prefix, x, net->spec->network.attention.pool, "ChannelGate.mlp.1",
                                "ChannelGate.mlp.3");
}

static CbamValue *
spatial_gate (CbamNet *net, const char *prefix, CbamValue *x)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;
  g_autofree char *pool = g_strconcat (prefix, ".SpatialGate.pool", NULL);
  g_autofree char *reduce = g_strconcat (prefix, ".SpatialGate.reduce", NULL);
  g_autofree char *conv = g_strconcat (prefix, ".SpatialGate.spatial.conv", NULL);
  g_autofree char *norm = g_strconcat (prefix, ".SpatialGate.spatial.bn", NULL);
  const guint kernel = cbam_net_dim (net, conv, 2, 7);

  if (attention->spatial_input == CBAM_SPATIAL_INPUT_CONV)
    x = cbam_graph_conv (net->graph, &(CbamConvForm){ .name = reduce, .input = x, .channels = 1 });
  else
    x = cbam_graph_channel_pool (net->graph, pool, x, attention->spatial_input == CBAM_SPATIAL_INPUT_MEAN_MAX);
  x = cbam_graph_conv (net->graph,
                       &(CbamConvForm){ .name = conv, .input = x, .channels = 1, .kernel = kernel, .pad = kernel / 2 });
  x = cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
  if (attention->spatial_relu)
    x = cbam_graph_activation (net->graph, x, CBAM_ACTIVATION_RELU);
  return cbam_graph_sigmoid (net->graph, x);
}

static CbamValue *
build (CbamNet *net, const char *prefix, CbamValue *x, CbamGates *ret_gates)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;
  const gboolean spatial_first = attention->order == CBAM_ORDER_SPATIAL_CHANNEL && attention->spatial;
  CbamValue *seen = x; /* by the spatial gate */

  if (spatial_first) {
    ret_gates->spatial.map = spatial_gate (net, prefix, x);
    x = times (net, prefix, "placed", x, ret_gates->spatial.map);
  }
  if (attention->channel) {
    ret_gates->channel.map = channel_gate (net, prefix, x);
    x = times (net, prefix, "scaled", x, ret_gates->channel.map);
  }
  if (attention->spatial && !spatial_first) {
    ret_gates->spatial.map = spatial_gate (net, prefix, attention->order == CBAM_ORDER_PARALLEL ? seen : x);
    x = times (net, prefix, "placed", x, ret_gates->spatial.map);
  }
  return x;
}

const CbamAttentionModule cbam_attention_cbam = { .name = "cbam", .build = build };
