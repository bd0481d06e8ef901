/* GhostNet (Han et al. 2020, arXiv 1911.11907, table 1), and inverted residuals as extras behind it, as MobileNetV2's.
 *
 *     conv 3x3 s2 -> 16 bottlenecks in nine stages -> conv 1x1 (blocks.9.0.conv) -> extras
 *     224 -> 112 .. 56 (blocks.2.0) .. 28 (blocks.4.0) .. 14 (blocks.6.4) .. 7 (blocks.8.3) -> 4 -> 2 -> 1
 *
 *     ghost module: x -> 1x1 -> a -> depthwise 3x3 -> b; a's channels, then b's
 *     bottleneck:   x -> ghost, wider -> [depthwise k x k s2] -> [squeeze-and-excitation] -> ghost, narrow ->
 *                                                                                            [attention] -> +
 *                   '-> x, or where the shape changes depthwise k x k -> 1x1 --------------------------------'
 *
 * Activations follow the stem, the last convolution and both halves of a bottleneck's first ghost module, nothing else.
 * Channels are multiples of four, so that halves need not be cut. As a classifier it has a hidden layer (classifier.c).
 * Tensor names are those of the authors (huawei-noah/ghostnet), the extras' as MobileNetV2's. Batch norms may be folded
 * into the convolutions already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_TRUNK_SOURCES 2
#define DIVISOR 4 /* of all channels */
#define STEM 16
#define LAST 960
#define HIDDEN 1280

static const struct
{
  guint stage, kernel, hidden, channels;
  gboolean squeezes;
  guint stride;
} rows[] = {
  { 0, 3, 16, 16, FALSE, 1 },   { 1, 3, 48, 24, FALSE, 2 },  { 2, 3, 72, 24, FALSE, 1 },   { 3, 5, 72, 40, TRUE, 2 },
  { 4, 5, 120, 40, TRUE, 1 },   { 5, 3, 240, 80, FALSE, 2 }, { 6, 3, 200, 80, FALSE, 1 },  { 6, 3, 184, 80, FALSE, 1 },
  { 6, 3, 184, 80, FALSE, 1 },  { 6, 3, 480, 112, TRUE, 1 }, { 6, 3, 672, 112, TRUE, 1 },  { 7, 5, 672, 160, TRUE, 2 },
  { 8, 5, 960, 160, FALSE, 1 }, { 8, 5, 960, 160, TRUE, 1 }, { 8, 5, 960, 160, FALSE, 1 }, { 8, 5, 960, 160, TRUE, 1 },
};

static guint
round_channels (const CbamNet *net, guint channels)
{
  return cbam_net_round (channels * net->spec->network.width, DIVISOR);
}

/* Convolution PLACE.@number with the batch norm behind it, and where @activates an activation. */
static CbamValue *
conv (CbamNet *net, const char *place, guint number, gboolean activates, const CbamConvForm *form)
{
  g_autofree char *name = g_strdup_printf ("%s.%u", place, number);
  g_autofree char *norm = g_strdup_printf ("%s.%u", place, number + 1);
  CbamConvForm complete = *form;

  complete.name = name;
  return activates ? cbam_net_conv (net, norm, &complete) : cbam_net_linear_conv (net, norm, &complete);
}

static CbamConvForm
depthwise (const CbamNet *net, CbamValue *x, guint kernel, guint stride)
{
  return (CbamConvForm){ .input = x,
                         .kernel = kernel,
                         .stride = stride,
                         .pad = kernel / 2,
                         .padding = net->spec->network.padding,
                         .depthwise = TRUE };
}

static CbamValue *
ghost (CbamNet *net, const char *block, const char *part, guint channels, gboolean activates, CbamValue *x)
{
  g_autofree char *place = g_strdup_printf ("%s.%s", block, part);
  g_autofree char *primary = g_strconcat (place, ".primary_conv", NULL);
  g_autofree char *cheap = g_strconcat (place, ".cheap_operation", NULL);
  CbamConvForm form;
  CbamValue *a, *b;

  a = conv (net, primary, 0, activates, &(CbamConvForm){ .input = x, .channels = channels / 2 });
  form = depthwise (net, a, 3, 1);
  b = conv (net, cheap, 0, activates, &form);
  return cbam_graph_concat (net->graph, place, a, b);
}

/* What the block's output is added to. */
static CbamValue *
shortcut (CbamNet *net, guint row, const char *block, guint channels, CbamValue *x)
{
  g_autofree char *place = g_strconcat (block, ".shortcut", NULL);
  CbamConvForm form;

  if (net->graph->error != NULL || (rows[row].stride == 1 && x->channels == channels))
    return x;
  form = depthwise (net, x, rows[row].kernel, rows[row].stride);
  x = conv (net, place, 0, FALSE, &form);
  return conv (net, place, 2, FALSE, &(CbamConvForm){ .input = x, .channels = channels });
}

static CbamValue *
bottleneck (CbamNet *net, guint row, const char *name, CbamValue *x)
{
  const CbamAttentionModule *attention = net->spec->network.attention.kind;
  const guint channels = round_channels (net, rows[row].channels);
  g_autofree char *prefix = g_strdup_printf ("%s.%s", name, attention != NULL ? attention->name : "");
  g_autofree char *halving = g_strconcat (name, ".conv_dw", NULL);
  g_autofree char *norm = g_strconcat (name, ".bn_dw", NULL);
  g_autofree char *se = g_strconcat (name, ".se", NULL);
  CbamValue *y = ghost (net, name, "ghost1", round_channels (net, rows[row].hidden), TRUE, x);

  if (rows[row].stride > 1) {
    CbamConvForm form = depthwise (net, y, rows[row].kernel, rows[row].stride);

    form.name = halving;
    y = cbam_net_linear_conv (net, norm, &form);
  }
  if (rows[row].squeezes)
    y = cbam_net_squeeze (net, se, "conv_reduce", "conv_expand", DIVISOR, y);
  y = ghost (net, name, "ghost2", channels, FALSE, y);
  y = cbam_net_attend_in_block (net, prefix, name, y, NULL);
  y = cbam_graph_add (net->graph, name, y, shortcut (net, row, name, channels, x));
  g_hash_table_insert (net->layers, g_strdup (name), y);
  return y;
}

static CbamValue *
bottlenecks (CbamNet *net, CbamValue *x)
{
  for (guint row = 0, number = 0; row < G_N_ELEMENTS (rows) && net->graph->error == NULL; row++) {
    g_autofree char *name = NULL;

    number = row > 0 && rows[row].stage == rows[row - 1].stage ? number + 1 : 0;
    name = g_strdup_printf ("blocks.%u.%u", rows[row].stage, number);
    x = bottleneck (net, row, name, x);
  }
  return x;
}

static void
build (CbamNet *net, CbamValue *input)
{
  const guint n_extras = cbam_net_count_extras (net, N_TRUNK_SOURCES, CBAM_INVERTED_EXTRAS);
  CbamValue *x;

  x = cbam_net_conv (net, "bn1",
                     &(CbamConvForm){ .name = "conv_stem",
                                      .input = input,
                                      .channels = round_channels (net, STEM),
                                      .kernel = 3,
                                      .stride = 2,
                                      .pad = 1,
                                      .padding = net->spec->network.padding });
  x = bottlenecks (net, x);
  x = cbam_net_conv (net, "blocks.9.0.bn1",
                     &(CbamConvForm){ .name = "blocks.9.0.conv", .input = x, .channels = round_channels (net, LAST) });
  for (guint e = 0; e < n_extras && net->graph->error == NULL; e++)
    x = cbam_net_inverted_extra (net, e, x);
}

static const char *const sources[] = {
  "blocks.6.4", "blocks.9.0.conv", "extras.0.conv.2", "extras.1.conv.2", "extras.2.conv.2", "extras.3.conv.2", NULL,
};

const CbamBackbone cbam_backbone_ghostnet = {
  .name = "ghostnet",
  .build = build,
  .sources = sources,
  .end = "blocks.9.0.conv",
  .hidden = HIDDEN,
  .hidden_activation = CBAM_ACTIVATION_RELU,
  .attends = TRUE,
};
