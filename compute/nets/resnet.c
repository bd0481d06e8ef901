/* ResNet (He et al. 2015, arXiv 1512.03385, table 1; wide: Zagoruyko and Komodakis 2016, arXiv 1605.07146; ResNeXt: Xie
 * et al. 2016, arXiv 1611.05431), attention in its blocks (as in the CBAM paper) or between its
 * stages (as in BAM's), and extras behind it.
 *
 *     conv 7x7 s2 -> max pool 3x3 s2 -> stages of blocks, the first block of all but the first with stride 2 -> extras
 *     300 -> 150 -> 75 (layer1) .. 38 (layer2) .. 19 (layer3) .. 10 (layer4) .. 5 (extras.0.3) .. 3 -> 2 -> 1
 *
 *     basic block: x -> conv 3x3 -> conv 3x3 -------------> [attention] -> + -> activation
 *     bottleneck:  x -> conv 1x1 -> conv 3x3 -> conv 1x1 -> [attention] -> + -> activation
 *                  '-> x, or where its shape is another's conv 1x1 --------'
 *     extra:       conv 1x1 -> conv 3x3, stride 2
 *
 * An activation follows every convolution that none is drawn behind, but for those before a sum. A wide one has more
 * channels in its 3x3 convolutions; in a ResNeXt those are in groups, and twice as wide where 32 groups have 4 channels
 * each in the first stage. Tensor names are those of torchvision and of Jongchan/attention-module; batch norms
 * may be folded into the convolutions already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_TRUNK_SOURCES 3
#define N_EXTRAS 5
#define EXPANSION 4 /* a bottleneck's channels by those of its 3x3 convolution, at width 1 */

typedef struct
{
  guint depth;
  gboolean bottleneck;
  guint blocks[CBAM_MAX_STAGES];
} Size;

static const Size sizes[] = {
  { 18, FALSE, { 2, 2, 2, 2 } },
  { 34, FALSE, { 3, 4, 6, 3 } },
  { 50, TRUE, { 3, 4, 6, 3 } },
  { 101, TRUE, { 3, 4, 23, 3 } },
};

/* Of NVIDIA's SSD300. */
static const struct
{
  guint reduced, channels;
} extras[N_EXTRAS] = { { 256, 512 }, { 256, 512 }, { 128, 256 }, { 128, 256 }, { 128, 256 } };

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

/* A block's convolution @number with its batch norm; the last one has no activation before the sum. */
static CbamValue *
conv (CbamNet *net, const char *block, guint number, gboolean activated, const CbamConvForm *form)
{
  g_autofree char *name = g_strdup_printf ("%s.conv%u", block, number);
  g_autofree char *norm = g_strdup_printf ("%s.bn%u", block, number);
  CbamConvForm complete = *form;

  complete.name = name;
  return activated ? cbam_net_conv (net, norm, &complete) : cbam_net_linear_conv (net, norm, &complete);
}

static CbamValue *
basic (CbamNet *net, const char *name, guint channels, guint stride, CbamValue *x)
{
  x = conv (net, name, 1, TRUE,
            &(CbamConvForm){ .input = x, .channels = channels, .kernel = 3, .stride = stride, .pad = 1 });
  return conv (net, name, 2, FALSE, &(CbamConvForm){ .input = x, .channels = channels, .kernel = 3, .pad = 1 });
}

static CbamValue *
bottleneck (CbamNet *net, const char *name, guint reduced, guint channels, guint stride, CbamValue *x)
{
  const gboolean early = net->spec->network.stride_place == CBAM_STRIDE_PLACE_1X1;

  x = conv (net, name, 1, TRUE, &(CbamConvForm){ .input = x, .channels = reduced, .stride = early ? stride : 1 });
  x = conv (net, name, 2, TRUE,
            &(CbamConvForm){ .input = x,
                             .channels = reduced,
                             .kernel = 3,
                             .stride = early ? 1 : stride,
                             .groups = net->spec->network.groups,
                             .pad = 1 });
  return conv (net, name, 3, FALSE, &(CbamConvForm){ .input = x, .channels = channels });
}

/* What a block adds to what it has computed. */
static CbamValue *
shortcut (CbamNet *net, const char *block, guint channels, guint stride, CbamValue *x)
{
  g_autofree char *name = g_strconcat (block, ".downsample.0", NULL);
  g_autofree char *norm = g_strconcat (block, ".downsample.1", NULL);

  if (stride == 1 && x->channels == channels)
    return x;
  return cbam_net_linear_conv (net, norm,
                               &(CbamConvForm){ .name = name, .input = x, .channels = channels, .stride = stride });
}

/* @narrow: channels of the 3x3 convolutions at width 1. */
static CbamValue *
block (CbamNet *net, const char *name, gboolean is_bottleneck, guint narrow, guint stride, CbamValue *x)
{
  const guint width = cbam_net_channels (net, narrow), channels = is_bottleneck ? EXPANSION * narrow : width;
  const CbamAttentionModule *attention = net->spec->network.attention.kind;
  g_autofree char *prefix = g_strdup_printf ("%s.%s", name, attention != NULL ? attention->name : "");
  CbamValue *other;

  if (net->graph->error != NULL)
    return NULL;
  /* First, so that the last convolution can take the sum along. */
  other = shortcut (net, name, channels, stride, x);
  x = is_bottleneck ? bottleneck (net, name, width, channels, stride, x) : basic (net, name, width, stride, x);
  x = cbam_net_attend_in_block (net, prefix, name, x, NULL);
  x = cbam_graph_add (net->graph, name, x, other);
  x = cbam_graph_activate (net->graph, x, &net->spec->network.activation);
  g_hash_table_insert (net->layers, g_strdup (name), x);
  return x;
}

/* ---- The whole ----------------------------------------------------------------------------------------------------
 */

/* What the weights say, else the usual. */
static CbamValue *
extra (CbamNet *net, guint e, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const guint usual = MIN (e, N_EXTRAS - 1);
  g_autofree char *reduce = g_strdup_printf ("extras.%u.0", e);
  g_autofree char *reduce_norm = g_strdup_printf ("extras.%u.1", e);
  g_autofree char *larger = g_strdup_printf ("extras.%u.3", e);
  g_autofree char *larger_norm = g_strdup_printf ("extras.%u.4", e);

  x = cbam_net_conv (
      net, reduce_norm,
      &(CbamConvForm){ .name = reduce,
                       .input = x,
                       .channels = cbam_net_dim (net, reduce, 0, cbam_net_channels (net, extras[usual].reduced)) });
  return cbam_net_conv (
      net, larger_norm,
      &(CbamConvForm){ .name = larger,
                       .input = x,
                       .channels = cbam_net_dim (net, larger, 0, cbam_net_channels (net, extras[usual].channels)),
                       .kernel = 3,
                       .stride = network->n_extras > 0 ? network->extras_stride[e] : 2,
                       .pad = network->n_extras > 0 ? network->extras_pad[e] : 1 });
}

static const Size *
find_size (CbamNet *net)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const Size *size = NULL;

  if (!cbam_net_pads_symmetrically (net))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    if (sizes[i].depth == network->depth)
      size = &sizes[i];
  if (size == NULL)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "network.depth: expected one of 18, 34, 50, 101, found %u",
                     network->depth);
  else if (!size->bottleneck && network->groups > 1)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "network.groups: expected 1 with basic blocks, found %u",
                     network->groups);
  return net->graph->error == NULL ? size : NULL;
}

/* @s counts from 0, names from 1. What comes of it is layerN, whatever is behind its last block. */
static CbamValue *
stage (CbamNet *net, const Size *size, guint s, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  g_autofree char *stage_name = g_strdup_printf ("layer%u", s + 1);

  for (guint i = 0; i < size->blocks[s]; i++) {
    g_autofree char *name = g_strdup_printf ("%s.%u", stage_name, i);

    x = block (net, name, size->bottleneck, 64 << s, i == 0 ? network->strides[s] : 1, x);
  }
  if (s + 1 < network->n_strides)
    x = cbam_net_attend_behind_stage (net, s + 1, x);
  g_hash_table_insert (net->layers, g_strdup (stage_name), x);
  return x;
}

static void
build (CbamNet *net, CbamValue *input)
{
  const Size *size = find_size (net);
  const guint n_extras = cbam_net_count_extras (net, N_TRUNK_SOURCES, N_EXTRAS);
  CbamValue *x;

  if (size == NULL)
    return;
  x = cbam_net_conv (
      net, "bn1",
      &(CbamConvForm){ .name = "conv1", .input = input, .channels = 64, .kernel = 7, .stride = 2, .pad = 3 });
  x = cbam_graph_max_pool (net->graph,
                           &(CbamPoolForm){ .name = "maxpool", .input = x, .kernel = 3, .stride = 2, .pad = 1 });
  for (guint s = 0; s < net->spec->network.n_strides; s++)
    x = stage (net, size, s, x);
  for (guint e = 0; e < n_extras && net->graph->error == NULL; e++)
    x = extra (net, e, x);
}

static const char *const sources[] = {
  "layer2", "layer3", "layer4", "extras.0.3", "extras.1.3", "extras.2.3", "extras.3.3", "extras.4.3", NULL,
};

const CbamBackbone cbam_backbone_resnet = {
  .name = "resnet",
  .build = build,
  .sources = sources,
  .end = "layer4",
  .attends = TRUE,
  .has_stages = TRUE,
};
