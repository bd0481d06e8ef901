/* MobileNetV1 (Howard et al. 2017, arXiv 1704.04861, table 1) and the extra layers SSD puts behind it.
 *
 *     conv 3x3 s2 -> 13 x { depthwise 3x3 -> pointwise 1x1 } -> 4 x { 1x1 -> 3x3 s2 }
 *     300 -> 150 .. 75 .. 38 .. 19 (block 11) .. 10 (block 13) -> 5 -> 3 -> 2 -> 1
 *
 * Tensor names are those of qfgaohao/pytorch-ssd; batch norms may be folded into the convolutions already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_BLOCKS 13
#define N_EXTRAS 4

static const struct
{
  guint channels, stride;
} blocks[N_BLOCKS] = {
  { 64, 1 },  { 128, 2 }, { 128, 1 }, { 256, 2 }, { 256, 1 },  { 512, 2 },  { 512, 1 },
  { 512, 1 }, { 512, 1 }, { 512, 1 }, { 512, 1 }, { 1024, 2 }, { 1024, 1 },
};

static const struct
{
  guint reduced, channels;
} extras[N_EXTRAS] = { { 256, 512 }, { 128, 256 }, { 128, 256 }, { 64, 128 } };

/* Attention stands in two places: 0 after the depthwise, 1 after the pointwise convolution; and after the first
 * convolution of all, as the multiply-adds of the CBAM paper's table say. */
static CbamValue *
block (CbamNet *net, guint i, CbamValue *x)
{
  const CbamPadding padding = net->spec->network.padding;
  g_autofree char *depthwise = g_strdup_printf ("base_net.%u.0", i);
  g_autofree char *depthwise_norm = g_strdup_printf ("base_net.%u.1", i);
  g_autofree char *pointwise = g_strdup_printf ("base_net.%u.3", i);
  g_autofree char *pointwise_norm = g_strdup_printf ("base_net.%u.4", i);
  g_autofree char *after_depthwise = g_strdup_printf ("base_net.%u.att.0", i);
  g_autofree char *after_pointwise = g_strdup_printf ("base_net.%u.att.1", i);

  x = cbam_net_conv (net, depthwise_norm,
                     &(CbamConvForm){ .name = depthwise,
                                      .input = x,
                                      .kernel = 3,
                                      .stride = blocks[i - 1].stride,
                                      .pad = 1,
                                      .padding = padding,
                                      .depthwise = TRUE });
  x = cbam_net_attend_in_block (net, after_depthwise, depthwise, x, NULL);
  x = cbam_net_conv (
      net, pointwise_norm,
      &(CbamConvForm){ .name = pointwise, .input = x, .channels = cbam_net_channels (net, blocks[i - 1].channels) });
  return cbam_net_attend_in_block (net, after_pointwise, pointwise, x, NULL);
}

/* What the weights say, else the usual. */
static guint
extra_channels (CbamNet *net, const char *name, guint usual)
{
  return cbam_net_dim (net, name, 0, cbam_net_channels (net, usual));
}

static CbamValue *
extra (CbamNet *net, guint e, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  g_autofree char *reduce = g_strdup_printf ("extras.%u.0", e);
  g_autofree char *reduce_norm = g_strdup_printf ("extras.%u.0.bn", e);
  g_autofree char *conv = g_strdup_printf ("extras.%u.2", e);
  g_autofree char *conv_norm = g_strdup_printf ("extras.%u.2.bn", e);

  x = cbam_net_conv (
      net, reduce_norm,
      &(CbamConvForm){ .name = reduce,
                       .input = x,
                       .channels = extra_channels (net, reduce, extras[MIN (e, N_EXTRAS - 1)].reduced) });
  return cbam_net_conv (net, conv_norm,
                        &(CbamConvForm){ .name = conv,
                                         .input = x,
                                         .channels = extra_channels (net, conv, extras[MIN (e, N_EXTRAS - 1)].channels),
                                         .kernel = 3,
                                         .stride = network->n_extras > 0 ? network->extras_stride[e] : 2,
                                         .pad = network->n_extras > 0 ? network->extras_pad[e] : 1,
                                         .padding = network->padding });
}

static void
build (CbamNet *net, CbamValue *input)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const guint n_extras = cbam_net_count_extras (net, 2, N_EXTRAS);
  CbamValue *x;

  x = cbam_net_conv (net, "base_net.0.1",
                     &(CbamConvForm){ .name = "base_net.0.0",
                                      .input = input,
                                      .channels = cbam_net_channels (net, 32),
                                      .kernel = 3,
                                      .stride = 2,
                                      .pad = 1,
                                      .padding = network->padding });
  x = cbam_net_attend_in_block (net, "base_net.0.att.0", "base_net.0.0", x, NULL);
  for (guint i = 1; i <= N_BLOCKS; i++)
    x = block (net, i, x);
  for (guint e = 0; e < n_extras; e++)
    x = extra (net, e, x);
}

static const char *const sources[] = {
  "base_net.11.3", "base_net.13.3", "extras.0.2", "extras.1.2", "extras.2.2", "extras.3.2", NULL,
};

const CbamBackbone cbam_backbone_mobilenet_v1 = {
  .name = "mobilenet_v1",
  .build = build,
  .sources = sources,
  .end = "base_net.13.3",
  .attends = TRUE,
};
