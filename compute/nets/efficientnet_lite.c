/* EfficientNet-lite (tensorflow/tpu, models/official/efficientnet/lite, 2020: EfficientNet, Tan and Le 2019, arXiv
 * 1905.11946, table 1, without its squeeze-and-excitation), and inverted residuals as extras behind it.
 *
 *     conv 3x3 s2 -> inverted residuals, in seven rows -> conv 1x1 (_conv_head) -> extras
 *     lite0: 300 -> 150 .. 75 (_blocks.2) .. 38 (_blocks.4) .. 19 (_blocks.10) .. 10 (_blocks.15) -> 5 -> 3 -> 2 -> 1
 *
 *     inverted residual: x -> 1x1, wider -> depthwise k x k -> 1x1, narrow -> [attention] -> +
 *                        '-> x, where the shape stays what it is ----------------------------'
 *
 * An activation follows the first two convolutions of each, none the third. The first inverted residual does not widen.
 * The five are widened and lengthened, but for the first and the last convolution and how often the first and the last
 * row repeat. Tensor names are those of lukemelas/EfficientNet-PyTorch; batch norms may be folded into the convolutions
 * already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_TRUNK_SOURCES 2
#define STEM 32
#define LAST 1280

/* Inverted residuals in a row, of which the first has the stride. */
static const struct
{
  guint widening, kernel, stride, channels, blocks;
} rows[] = { { 1, 3, 1, 16, 1 },  { 6, 3, 2, 24, 2 },  { 6, 5, 2, 40, 2 }, { 6, 3, 2, 80, 3 },
             { 6, 5, 1, 112, 3 }, { 6, 5, 2, 192, 4 }, { 6, 3, 1, 320, 1 } };

/* In tenths. */
static const struct
{
  const CbamBackbone *backbone;
  guint width, depth;
} sizes[] = {
  { &cbam_backbone_efficientnet_lite0, 10, 10 }, { &cbam_backbone_efficientnet_lite1, 10, 11 },
  { &cbam_backbone_efficientnet_lite2, 11, 12 }, { &cbam_backbone_efficientnet_lite3, 12, 14 },
  { &cbam_backbone_efficientnet_lite4, 14, 18 },
};

/* An inverted residual. */
typedef struct
{
  const char *name;
  guint hidden; /* channels of the depthwise convolution; 0 = those that come in, and no convolution that widens */
  guint channels, kernel, stride;
} Block;

/* A convolution of a block and an activation. */
static CbamValue *
part (CbamNet *net, const Block *block, const char *conv, const char *bn, const CbamConvForm *form)
{
  g_autofree char *name = g_strconcat (block->name, conv, NULL);
  g_autofree char *norm = g_strconcat (block->name, bn, NULL);
  CbamConvForm complete = *form;

  complete.name = name;
  return cbam_net_conv (net, norm, &complete);
}

static CbamValue *
inverted_residual (CbamNet *net, const Block *block, CbamValue *x)
{
  const CbamAttentionModule *attention = net->spec->network.attention.kind;
  g_autofree char *project = g_strconcat (block->name, "._project_conv", NULL);
  g_autofree char *norm = g_strconcat (block->name, "._bn2", NULL);
  g_autofree char *prefix = g_strdup_printf ("%s.%s", block->name, attention != NULL ? attention->name : "");
  const gboolean adds = block->stride == 1 && x->channels == block->channels;
  CbamValue *y = x;

  if (block->hidden > 0)
    y = part (net, block, "._expand_conv", "._bn0", &(CbamConvForm){ .input = y, .channels = block->hidden });
  y = part (net, block, "._depthwise_conv", "._bn1",
            &(CbamConvForm){ .input = y,
                             .kernel = block->kernel,
                             .stride = block->stride,
                             .pad = block->kernel / 2,
                             .padding = net->spec->network.padding,
                             .depthwise = TRUE });
  y = cbam_net_linear_conv (net, norm, &(CbamConvForm){ .name = project, .input = y, .channels = block->channels });
  y = cbam_net_attend_in_block (net, prefix, block->name, y, NULL);
  if (net->graph->error == NULL && adds)
    y = cbam_graph_add (net->graph, block->name, y, x);
  g_hash_table_insert (net->layers, g_strdup (block->name), y);
  return y;
}

/* All of the trunk's, named from _blocks.0 on. */
static CbamValue *
inverted_residuals (CbamNet *net, guint width, guint depth, CbamValue *x)
{
  guint number = 0;

  for (guint r = 0; r < G_N_ELEMENTS (rows); r++) {
    const gboolean at_end = r == 0 || r == G_N_ELEMENTS (rows) - 1;
    const guint n = at_end ? rows[r].blocks : (rows[r].blocks * depth + 9) / 10;

    for (guint i = 0; i < n && net->graph->error == NULL; i++, number++) {
      g_autofree char *name = g_strdup_printf ("_blocks.%u", number);
      const Block block = { .name = name,
                            .hidden = rows[r].widening > 1 ? rows[r].widening * x->channels : 0,
                            .channels = cbam_net_round_channels (net, rows[r].channels * width / 10.0),
                            .kernel = rows[r].kernel,
                            .stride = i == 0 ? rows[r].stride : 1 };

      x = inverted_residual (net, &block, x);
    }
  }
  return x;
}

static void
build (CbamNet *net, CbamValue *input)
{
  const guint n_extras = cbam_net_count_extras (net, N_TRUNK_SOURCES, CBAM_INVERTED_EXTRAS);
  guint size = 0;
  CbamValue *x;

  while (sizes[size].backbone != net->spec->network.backbone)
    size++;
  x = cbam_net_conv (net, "_bn0",
                     &(CbamConvForm){ .name = "_conv_stem",
                                      .input = input,
                                      .channels = cbam_net_round_channels (net, STEM),
                                      .kernel = 3,
                                      .stride = 2,
                                      .pad = 1,
                                      .padding = net->spec->network.padding });
  x = inverted_residuals (net, sizes[size].width, sizes[size].depth, x);
  x = cbam_net_conv (
      net, "_bn1",
      &(CbamConvForm){ .name = "_conv_head", .input = x, .channels = cbam_net_round_channels (net, LAST) });
  for (guint e = 0; e < n_extras && net->graph->error == NULL; e++)
    x = cbam_net_inverted_extra (net, e, x);
}

/* @widest: number of the block with the last stride, whose widened map is the finest usual source. */
#define BACKBONE(size, widest)                                                                                         \
  static const char *const sources_of_lite##size[] = {                                                                 \
    "_blocks." widest "._expand_conv",                                                                                 \
    "_conv_head",                                                                                                      \
    "extras.0.conv.2",                                                                                                 \
    "extras.1.conv.2",                                                                                                 \
    "extras.2.conv.2",                                                                                                 \
    "extras.3.conv.2",                                                                                                 \
    NULL,                                                                                                              \
  };                                                                                                                   \
  const CbamBackbone cbam_backbone_efficientnet_lite##size = {                                                         \
    .name = "efficientnet_lite" #size,                                                                                 \
    .build = build,                                                                                                    \
    .sources = sources_of_lite##size,                                                                                  \
    .end = "_conv_head",                                                                                               \
    .attends = TRUE,                                                                                                   \
  }

BACKBONE (0, "11");
BACKBONE (1, "15");
BACKBONE (2, "15");
BACKBONE (3, "17");
BACKBONE (4, "21");
