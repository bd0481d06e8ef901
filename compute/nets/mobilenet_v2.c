/* MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, table 2), and inverted residuals as extras behind it, as in
 * SSDLite (section 6.2).
 *
 *     conv 3x3 s2 -> 17 inverted residuals -> conv 1x1 (features.18) -> extras
 *     300 -> 150 .. 75 (features.3) .. 38 (features.6) .. 19 (features.13) .. 10 (features.17) -> 5 -> 3 -> 2 -> 1
 *
 *     inverted residual: x -> 1x1, wider -> depthwise 3x3 -> 1x1, narrow -> [attention] -> +
 *                        '-> x, where the shape stays what it is -------------------------'
 *     extra:             the same with stride 2, without attention and with nothing added
 *
 * An activation follows the first two convolutions of each, none the third. The first inverted residual does not widen.
 * Tensor names are torchvision's; those of the extras, the same. Batch norms may be folded into the convolutions
 * already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_TRUNK_SOURCES 2
#define DIVISOR 8 /* of all channels */
#define STEM 32
#define LAST 1280

/* Rows of the paper's table: inverted residuals in a row, of which the first has the stride. */
static const struct
{
  guint widening, channels, blocks, stride;
} rows[] = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 }, { 6, 64, 4, 2 },
             { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } };

/* qfgaohao/pytorch-ssd's. */
static const struct
{
  guint hidden, channels;
} extras[CBAM_INVERTED_EXTRAS] = { { 256, 512 }, { 128, 256 }, { 128, 256 }, { 64, 64 } };

guint
cbam_net_round (double channels, guint divisor)
{
  const guint nearest = MAX (divisor, (guint) (channels + divisor / 2.0) / divisor * divisor);

  return nearest < 0.9 * channels ? nearest + divisor : nearest;
}

guint
cbam_net_round_channels (const CbamNet *net, double channels)
{
  return cbam_net_round (channels * net->spec->network.width, DIVISOR);
}

/* An inverted residual. */
typedef struct
{
  const char *name;
  guint hidden; /* channels of the depthwise convolution; 0 = those that come in, and no convolution that widens */
  guint channels, stride, pad;
  gboolean is_extra;
} Block;

/* 1x1 or depthwise 3x3, and an activation. */
static CbamValue *
part (CbamNet *net, const Block *block, guint number, const CbamConvForm *form)
{
  g_autofree char *name = g_strdup_printf ("%s.conv.%u.0", block->name, number);
  g_autofree char *norm = g_strdup_printf ("%s.conv.%u.1", block->name, number);
  CbamConvForm complete = *form;

  complete.name = name;
  return cbam_net_conv (net, norm, &complete);
}

/* The narrow convolution, number @number, which nothing follows. */
static CbamValue *
project (CbamNet *net, const Block *block, guint number, CbamValue *x)
{
  const CbamAttentionModule *attention = net->spec->network.attention.kind;
  g_autofree char *name = g_strdup_printf ("%s.conv.%u", block->name, number);
  g_autofree char *norm = g_strdup_printf ("%s.conv.%u", block->name, number + 1);
  g_autofree char *prefix = g_strdup_printf ("%s.%s", block->name, attention != NULL ? attention->name : "");

  x = cbam_net_linear_conv (net, norm, &(CbamConvForm){ .name = name, .input = x, .channels = block->channels });
  g_hash_table_insert (net->layers, g_strdup (name), x);
  return block->is_extra ? x : cbam_net_attend_in_block (net, prefix, block->name, x, NULL);
}

static CbamValue *
inverted_residual (CbamNet *net, const Block *block, CbamValue *x)
{
  const gboolean adds = !block->is_extra && block->stride == 1 && x->channels == block->channels;
  CbamValue *y = x;
  guint number = 0;

  if (block->hidden > 0)
    y = part (net, block, number++, &(CbamConvForm){ .input = y, .channels = block->hidden });
  y = part (net, block, number++,
            &(CbamConvForm){ .input = y,
                             .kernel = 3,
                             .stride = block->stride,
                             .pad = block->pad,
                             .padding = net->spec->network.padding,
                             .depthwise = TRUE });
  y = project (net, block, number, y);
  if (net->graph->error == NULL && adds)
    y = cbam_graph_add (net->graph, block->name, y, x);
  g_hash_table_insert (net->layers, g_strdup (block->name), y);
  return y;
}

/* All of the trunk's, named from features.1 on. */
static CbamValue *
inverted_residuals (CbamNet *net, CbamValue *x)
{
  guint number = 1;

  for (guint r = 0; r < G_N_ELEMENTS (rows); r++)
    for (guint i = 0; i < rows[r].blocks && net->graph->error == NULL; i++, number++) {
      g_autofree char *name = g_strdup_printf ("features.%u", number);
      const Block block = { .name = name,
                            .hidden = rows[r].widening > 1 ? rows[r].widening * x->channels : 0,
                            .channels = cbam_net_round_channels (net, rows[r].channels),
                            .stride = i == 0 ? rows[r].stride : 1,
                            .pad = 1 };

      x = inverted_residual (net, &block, x);
    }
  return x;
}

/* What the weights say, else the usual. */
CbamValue *
cbam_net_inverted_extra (CbamNet *net, guint e, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const guint usual = MIN (e, CBAM_INVERTED_EXTRAS - 1);
  g_autofree char *name = g_strdup_printf ("extras.%u", e);
  g_autofree char *widen = g_strconcat (name, ".conv.0.0", NULL);
  g_autofree char *narrow = g_strconcat (name, ".conv.2", NULL);
  const Block block = { .name = name,
                        .hidden = cbam_net_dim (net, widen, 0, cbam_net_round_channels (net, extras[usual].hidden)),
                        .channels =
                            cbam_net_dim (net, narrow, 0, cbam_net_round_channels (net, extras[usual].channels)),
                        .stride = network->n_extras > 0 ? network->extras_stride[e] : 2,
                        .pad = network->n_extras > 0 ? network->extras_pad[e] : 1,
                        .is_extra = TRUE };

  return inverted_residual (net, &block, x);
}

static void
build (CbamNet *net, CbamValue *input)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const guint n_extras = cbam_net_count_extras (net, N_TRUNK_SOURCES, CBAM_INVERTED_EXTRAS);
  CbamValue *x;

  x = cbam_net_conv (net, "features.0.1",
                     &(CbamConvForm){ .name = "features.0.0",
                                      .input = input,
                                      .channels = cbam_net_round_channels (net, STEM),
                                      .kernel = 3,
                                      .stride = 2,
                                      .pad = 1,
                                      .padding = network->padding });
  x = inverted_residuals (net, x);
  x = cbam_net_conv (net, "features.18.1",
                     &(CbamConvForm){ .name = "features.18.0",
                                      .input = x,
                                      .channels = network->width > 1 ? cbam_net_round_channels (net, LAST) : LAST });
  for (guint e = 0; e < n_extras && net->graph->error == NULL; e++)
    x = cbam_net_inverted_extra (net, e, x);
}

static const char *const sources[] = {
  "features.14.conv.0.0",
  "features.18.0",
  "extras.0.conv.2",
  "extras.1.conv.2",
  "extras.2.conv.2",
  "extras.3.conv.2",
  NULL,
};

const CbamBackbone cbam_backbone_mobilenet_v2 = {
  .name = "mobilenet_v2",
  .build = build,
  .sources = sources,
  .end = "features.18.0",
  .attends = TRUE,
};
