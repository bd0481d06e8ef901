/* VGG16 (Simonyan and Zisserman 2014, arXiv 1409.1556), its fully connected layers made convolutions, and the extra
 * layers SSD puts behind it (Liu et al. 2016, arXiv 1512.02325).
 *
 *     2 x conv 64, pool, 2 x 128, pool, 3 x 256, pool (ceil), 3 x 512 -> conv4_3 -> L2Norm -> source 0
 *     pool, 3 x 512, pool 3x3 s1, fc6 3x3 dilation 6, fc7 1x1 -> source 1, then pairs of 1x1 and 3x3
 *     300 .. 150 .. 75 .. 38 (source 0) .. 19 (source 1) -> 10 -> 5 -> 3 -> 1;  512: 64, 32, 16, 8, 4, 2, 1
 *
 * Tensor names are those of amdegroot/ssd.pytorch: places in its list of modules, ReLUs and pools counted.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#include <stdio.h>

/* A row of the paper's table: a convolution, or a pool where channels is 0. */
static const struct
{
  guint index, channels, kernel, pad, dilation;
  guint pool_stride;
  gboolean pool_ceil;
} layers[] = {
  { 0, 64, 3, 1, 1 },   { 2, 64, 3, 1, 1 },   { 4, 0, 2, 0, 0, 2 },  { 5, 128, 3, 1, 1 },   { 7, 128, 3, 1, 1 },
  { 9, 0, 2, 0, 0, 2 }, { 10, 256, 3, 1, 1 }, { 12, 256, 3, 1, 1 },  { 14, 256, 3, 1, 1 },  { 16, 0, 2, 0, 0, 2, TRUE },
  { 17, 512, 3, 1, 1 }, { 19, 512, 3, 1, 1 }, { 21, 512, 3, 1, 1 },  { 23, 0, 2, 0, 0, 2 }, { 24, 512, 3, 1, 1 },
  { 26, 512, 3, 1, 1 }, { 28, 512, 3, 1, 1 }, { 30, 0, 3, 1, 0, 1 }, { 31, 1024, 3, 6, 6 }, { 33, 1024, 1, 0, 1 },
};

/* Pairs of 1x1 and larger convolutions. */
typedef struct
{
  guint reduced, channels, kernel, stride, pad;
} Extra;

static const Extra extras_300[] = {
  { 256, 512, 3, 2, 1 },
  { 128, 256, 3, 2, 1 },
  { 128, 256, 3, 1, 0 },
  { 128, 256, 3, 1, 0 },
};
static const Extra extras_512[] = {
  { 256, 512, 3, 2, 1 }, { 128, 256, 3, 2, 1 }, { 128, 256, 3, 2, 1 }, { 128, 256, 3, 2, 1 }, { 128, 256, 4, 1, 1 },
};

#define CONV4_3 "vgg.21"

static CbamValue *
conv (CbamNet *net, const CbamConvForm *form)
{
  g_autofree char *norm = g_strconcat (form->name, ".bn", NULL);

  return cbam_net_conv (net, norm, form);
}

static CbamValue *
build_trunk (CbamNet *net, CbamValue *x)
{
  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    g_autofree char *name = g_strdup_printf ("vgg.%u", layers[i].index);

    if (layers[i].channels == 0)
      x = cbam_graph_max_pool (net->graph, &(CbamPoolForm){ .name = name,
                                                            .input = x,
                                                            .kernel = layers[i].kernel,
                                                            .stride = layers[i].pool_stride,
                                                            .pad = layers[i].pad,
                                                            .ceil = layers[i].pool_ceil });
    else
      x = conv (net, &(CbamConvForm){ .name = name,
                                      .input = x,
                                      .channels = cbam_net_channels (net, layers[i].channels),
                                      .kernel = layers[i].kernel,
                                      .pad = layers[i].pad,
                                      .dilation = layers[i].dilation,
                                      .padding = net->spec->network.padding });
  }
  return x;
}

/* Pairs that the sources need: two of the usual sources are layers of the trunk. */
static guint
count_extras (const CbamNet *net)
{
  char **sources = net->spec->network.sources;
  guint n = 0, layer;

  if (sources == NULL)
    return MAX (net->n_sources, 2) - 2;
  for (guint s = 0; sources[s] != NULL; s++)
    if (sscanf (sources[s], "extras.%u", &layer) == 1 && layer < 2 * CBAM_MAX_EXTRAS)
      n = MAX (n, layer / 2 + 1);
  return n;
}

static void
build_extras (CbamNet *net, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const gboolean is_512 = cbam_net_dim (net, "extras.8", 0, 0) > 0;
  const Extra *extras = is_512 ? extras_512 : extras_300;
  const guint usual = is_512 ? G_N_ELEMENTS (extras_512) : G_N_ELEMENTS (extras_300);
  const guint n = network->n_extras > 0 ? network->n_extras : MIN (usual, count_extras (net));

  for (guint e = 0; e < n; e++) {
    const Extra *extra = &extras[MIN (e, usual - 1)];
    g_autofree char *reduce = g_strdup_printf ("extras.%u", 2 * e);
    g_autofree char *larger = g_strdup_printf ("extras.%u", 2 * e + 1);

    x = conv (net,
              &(CbamConvForm){ .name = reduce,
                               .input = x,
                               .channels = cbam_net_dim (net, reduce, 0, cbam_net_channels (net, extra->reduced)) });
    x = conv (net, &(CbamConvForm){ .name = larger,
                                    .input = x,
                                    .channels = cbam_net_dim (net, larger, 0, cbam_net_channels (net, extra->channels)),
                                    .kernel = cbam_net_dim (net, larger, 2, extra->kernel),
                                    .stride = network->n_extras > 0 ? network->extras_stride[e] : extra->stride,
                                    .pad = network->n_extras > 0 ? network->extras_pad[e] : extra->pad });
  }
}

static void
build (CbamNet *net, CbamValue *input)
{
  CbamValue *conv4_3;

  build_extras (net, build_trunk (net, input));
  if (net->graph->error != NULL)
    return;
  /* Only the heads see it normalised; the trunk goes on with what it was. */
  conv4_3 = cbam_graph_l2_norm (net->graph, "L2Norm", g_hash_table_lookup (net->layers, CONV4_3),
                                net->spec->network.l2norm_eps);
  g_hash_table_insert (net->layers, g_strdup (CONV4_3), conv4_3);
}

static const char *const sources[] = {
  CONV4_3, "vgg.33", "extras.1", "extras.3", "extras.5", "extras.7", "extras.9", NULL,
};

const CbamBackbone cbam_backbone_vgg16 = {
  .name = "vgg16",
  .build = build,
  .sources = sources,
};
