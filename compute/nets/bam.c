/* BAM, the bottleneck attention module (Park et al. 2018, arXiv 1807.06514; layers and names as in its authors'
 * Jongchan/attention-module, MODELS/bam.py).
 *
 *     x -> mean of each channel -> gate_c_fc_0 -> batch norm -> ReLU -> gate_c_fc_final = a channel's
 *     x -> conv_reduce0 1x1 -> 2 x conv_di 3x3, dilated, each with batch norm and ReLU -> conv_final 1x1 = a place's
 *     x + x * sigmoid (channel's * place's)
 *
 * The code multiplies the two, the paper adds them; either may close with a batch norm (bn_out).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define CHANNEL ".channel_att.gate_c."
#define SPATIAL ".spatial_att.gate_s."

static CbamValue *
close (CbamNet *net, const char *prefix, const char *branch, CbamValue *x)
{
  g_autofree char *norm = g_strconcat (prefix, ".", branch, ".bn_out", NULL);

  return cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
}

static CbamValue *
channel_branch (CbamNet *net, const char *prefix, CbamValue *x)
{
  const CbamGlobalPoolParams mean = { .n = 1, .kinds = { CBAM_REDUCE_MEAN } };
  g_autofree char *pool = g_strconcat (prefix, ".channel_att.pool", NULL);
  g_autofree char *first = g_strconcat (prefix, CHANNEL "gate_c_fc_0", NULL);
  g_autofree char *norm = g_strconcat (prefix, CHANNEL "gate_c_bn_1", NULL);
  g_autofree char *second = g_strconcat (prefix, CHANNEL "gate_c_fc_final", NULL);

  x = cbam_graph_global_pool (net->graph, pool, x, &mean);
  x = cbam_net_mlp (net, x, first, norm, second);
  return close (net, prefix, "channel_att", x);
}

/* A convolution of the spatial branch with its batch norm and ReLU. */
static CbamValue *
spatial_conv (CbamNet *net, const char *prefix, const char *layer, const char *norm_layer, CbamValue *x, guint channels,
              guint kernel)
{
  const guint dilation = kernel > 1 ? net->spec->network.attention.dilation : 1;
  g_autofree char *name = g_strconcat (prefix, SPATIAL, layer, NULL);
  g_autofree char *norm = g_strconcat (prefix, SPATIAL, norm_layer, NULL);

  x = cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name,
                                                    .input = x,
                                                    .channels = cbam_net_dim (net, name, 0, channels),
                                                    .kernel = kernel,
                                                    .pad = kernel / 2 * dilation,
                                                    .dilation = dilation });
  x = cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
  return cbam_graph_activation (net->graph, x, CBAM_ACTIVATION_RELU);
}

static CbamValue *
spatial_branch (CbamNet *net, const char *prefix, CbamValue *x)
{
  const guint hidden = MAX (1, x->channels / 16);
  g_autofree char *last = g_strconcat (prefix, SPATIAL "gate_s_conv_final", NULL);

  x = spatial_conv (net, prefix, "gate_s_conv_reduce0", "gate_s_bn_reduce0", x, hidden, 1);
  x = spatial_conv (net, prefix, "gate_s_conv_di_0", "gate_s_bn_di_0", x, hidden, 3);
  x = spatial_conv (net, prefix, "gate_s_conv_di_1", "gate_s_bn_di_1", x, hidden, 3);
  x = cbam_graph_conv (net->graph, &(CbamConvForm){ .name = last, .input = x, .channels = 1 });
  return close (net, prefix, "spatial_att", x);
}

static CbamValue *
build (CbamNet *net, const char *prefix, CbamValue *x, CbamGates *ret_gates)
{
  const gboolean add = net->spec->network.attention.combine == CBAM_COMBINE_ADD;
  g_autofree char *both = g_strconcat (prefix, ".combined", NULL);
  g_autofree char *scaled = g_strconcat (prefix, ".scaled", NULL);
  g_autofree char *sum = g_strconcat (prefix, ".sum", NULL);
  CbamValue *channel, *spatial, *gate;

  channel = channel_branch (net, prefix, x);
  spatial = spatial_branch (net, prefix, x);
  gate = add ? cbam_graph_add (net->graph, both, channel, spatial)
             : cbam_graph_multiply (net->graph, both, channel, spatial);
  gate = cbam_graph_sigmoid (net->graph, gate);
  ret_gates->channel = (CbamGate){ channel, TRUE };
  ret_gates->spatial = (CbamGate){ spatial, TRUE };
  gate = cbam_graph_multiply (net->graph, scaled, x, gate);
  return cbam_graph_add (net->graph, sum, x, gate);
}

const CbamAttentionModule cbam_attention_bam = { .name = "bam", .build = build };
