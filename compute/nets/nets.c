/* From a model's document to its graph: backbone, neck, attention, heads on every level, detection tail.
 *
 *     frame -> preprocess -> backbone -> source 0 (fine) .. source n (coarse)
 *                                    neck -> features of each level -> attention -> loc, conf -> detect
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#include "args/frame.h"

#include "detect/anchors.h"

const CbamBackbone *const cbam_backbones[] = { &cbam_backbone_vgg16, &cbam_backbone_mobilenet_v1, NULL };
const CbamNeck *const cbam_necks[] = { &cbam_neck_ssd, &cbam_neck_stairnet, NULL };

guint
cbam_net_channels (const CbamNet *net, guint channels)
{
  return MAX (8, (guint) (channels * net->spec->network.width));
}

guint
cbam_net_dim (const CbamNet *net, const char *name, guint i, guint usual)
{
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  const gsize found = net->graph->source->dim (net->graph->source, weight, i);

  return found > 0 && found <= G_MAXINT16 ? (guint) found : usual;
}

CbamValue *
cbam_net_conv (CbamNet *net, const char *norm, const CbamConvForm *form)
{
  CbamConvForm complete = *form;
  CbamValue *x;

  /* Where no batch norm shifts, a bias must: without either, a tensor is missing from the file. */
  complete.needs_bias = !cbam_graph_has_batch_norm (net->graph, norm);
  x = cbam_graph_conv (net->graph, &complete);
  x = cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
  x = cbam_graph_activation (net->graph, x, net->spec->network.activation);
  g_hash_table_insert (net->layers, g_strdup (form->name), x);
  return x;
}

/* ---- Levels ----------------------------------------------------------------------------------------------------- */

/* As many as the document lists; else one per level, and one more for each lateral that the file has beyond those. */
static guint
count_sources (const CbamNet *net, const CbamNeck *neck)
{
  const CbamNetworkSpec *network = &net->spec->network;
  guint n = network->levels;

  if (network->sources)
    return g_strv_length (network->sources);
  for (; neck->seeds && n < CBAM_MAX_LEVELS; n++) {
    g_autofree char *lateral = g_strdup_printf ("topdown.proj_layers.%u.conv", n);

    if (cbam_net_dim (net, lateral, 0, 0) == 0)
      break;
  }
  return n;
}

static gboolean
check_sources (CbamNet *net, const CbamBackbone *backbone, const CbamNeck *neck)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const guint usual = g_strv_length ((char **) backbone->sources);
  const gboolean more = neck->seeds && net->n_sources > network->levels && net->n_sources <= CBAM_MAX_LEVELS;

  if (!network->sources && net->n_sources > usual)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                     "network.sources: expected a list, since %s has %u usual ones; found %u levels", backbone->name,
                     usual, net->n_sources);
  else if (net->n_sources != network->levels && !more)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "network.sources: expected %u names, one per level, found %u",
                     network->levels, net->n_sources);
  return net->graph->error == NULL;
}

static void
find_sources (CbamNet *net, const CbamBackbone *backbone)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const char *const *names = network->sources ? (const char *const *) network->sources : backbone->sources;

  for (guint s = 0; !net->graph->error && s < net->n_sources; s++) {
    net->sources[s] = g_hash_table_lookup (net->layers, names[s]);
    if (!net->sources[s])
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "network.sources: expected the name of a convolution of %s, found \"%s\"", backbone->name,
                       names[s]);
  }
}

/* Boxes per cell, from the rows of the loc weights, or from the anchor generator when the source has none. */
static guint
per_cell_of (CbamNet *net, guint level)
{
  g_autofree char *weight = g_strdup_printf ("loc.%u.weight", level);
  const gsize rows = net->graph->source->dim (net->graph->source, weight, 0);

  if (rows == 0 && !net->spec->anchors.tensor && level < net->spec->anchors.n_levels)
    return cbam_anchors_per_cell (&net->spec->anchors, level);
  if (rows == 0 || rows % 4 != 0)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                     "tensor \"%s\": expected 4 rows per anchor, found %" G_GSIZE_FORMAT " rows", weight, rows);
  return (guint) (rows / 4);
}

static CbamValue *
head (CbamNet *net, const char *kind, guint level, guint channels)
{
  g_autofree char *name = g_strdup_printf ("%s.%u", kind, level);
  const guint kernel = cbam_net_dim (net, name, 2, 1);

  return cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name,
                                                       .input = net->graph->levels[level].features,
                                                       .channels = channels,
                                                       .kernel = kernel,
                                                       .pad = kernel / 2,
                                                       .needs_bias = TRUE });
}

/* ---- Anchors ---------------------------------------------------------------------------------------------------- */

/* Boxes of all levels. */
static guint
count_priors (CbamNet *net)
{
  guint64 priors = 0;

  for (guint l = 0; l < net->spec->network.levels; l++)
    priors +=
        (guint64) net->graph->levels[l].features->width * net->graph->levels[l].features->height * per_cell_of (net, l);
  if (priors == 0 || priors > G_MAXINT32)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "the heads' levels have %" G_GUINT64_FORMAT " anchors", priors);
  return (guint) priors;
}

static void
read_anchors (CbamNet *net)
{
  CbamGraph *graph = net->graph;
  const guint n = count_priors (net);
  CbamParam *param;

  if (graph->error)
    return;
  param = cbam_graph_add_param (graph, net->spec->anchors.tensor, 2, (const gsize[]){ n, 4 });
  if (!graph->source->read (graph->source, param, &graph->error))
    return;
  graph->anchors = g_array_sized_new (FALSE, FALSE, sizeof (CbamAnchor), n);
  g_array_append_vals (graph->anchors, param->values, n);
}

static void
check_maps (CbamNet *net)
{
  const CbamAnchorSpec *anchors = &net->spec->anchors;

  if (anchors->n_levels != net->spec->network.levels) {
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "anchors.maps: expected %u levels, found %u",
                     net->spec->network.levels, anchors->n_levels);
    return;
  }
  for (guint l = 0; l < anchors->n_levels; l++) {
    const CbamValue *source = net->graph->levels[l].features;
    const guint per_cell = cbam_anchors_per_cell (anchors, l);

    if (source->width != anchors->map_width[l] || source->height != anchors->map_height[l])
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "anchors.maps: level %u is [%u,%u], but the network's map is [%u,%u]", l, anchors->map_height[l],
                       anchors->map_width[l], source->height, source->width);
    if (per_cell_of (net, l) != per_cell)
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "anchors: level %u has %u boxes per cell, but loc.%u.weight is for %u", l, per_cell, l,
                       per_cell_of (net, l));
  }
}

static void
make_anchors (CbamNet *net)
{
  const CbamInputSpec *input = &net->spec->input;

  if (net->graph->error)
    return;
  if (net->spec->anchors.tensor) {
    read_anchors (net);
    return;
  }
  check_maps (net);
  if (!net->graph->error)
    net->graph->anchors = cbam_anchors_generate (&net->spec->anchors, input->width, input->height);
}

/* ---- The network ------------------------------------------------------------------------------------------------ */

static void
build_heads (CbamNet *net)
{
  const CbamOutputSpec *output = &net->spec->output;
  guint prior = 0;

  net->graph->n_classes = output->n_classes;
  for (guint l = 0; !net->graph->error && l < net->spec->network.levels; l++) {
    const CbamValue *features = net->graph->levels[l].features;
    const guint per_cell = per_cell_of (net, l);
    g_autofree char *name = g_strdup_printf ("detect.%u", l);
    CbamDetectNode form = { .level = l,
                            .per_cell = per_cell,
                            .n_classes = output->n_classes,
                            .prior = prior,
                            .sigmoid = output->score == CBAM_SCORE_SIGMOID };
    CbamValue *loc, *conf;

    for (guint i = 0; i < 4; i++)
      form.variances[i] = output->variances[i];
    loc = head (net, "loc", l, per_cell * 4);
    conf = head (net, "conf", l, per_cell * output->n_classes);
    cbam_graph_detect (net->graph, name, loc, conf, &form);
    prior += features->width * features->height * per_cell;
  }
}

/* Right before the heads, as in the CBAM paper's detection experiments: loc and conf of a level see the same. */
static void
attend (CbamNet *net)
{
  const CbamAttentionModule *module = cbam_net_attention_on_levels (net);

  for (guint l = 0; module && !net->graph->error && l < net->spec->network.levels; l++) {
    CbamLevel *level = &net->graph->levels[l];
    g_autofree char *prefix = g_strdup_printf ("att.%u", l);
    CbamGates gates = { 0 };

    level->features = module->build (net, prefix, level->features, &gates);
    level->channel = gates.channel;
    level->spatial = gates.spatial;
    if (gates.channel.map)
      gates.channel.map->keep = TRUE;
    if (gates.spatial.map)
      gates.spatial.map->keep = TRUE;
  }
}

static const CbamBackbone *
find_backbone (const CbamNetworkSpec *network)
{
  for (guint i = 0; cbam_backbones[i]; i++)
    if (cbam_backbones[i]->kind == network->backbone)
      return cbam_backbones[i];
  g_return_val_if_reached (NULL); /* the document's parser knows no others */
}

static const CbamNeck *
find_neck (const CbamNetworkSpec *network)
{
  for (guint i = 0; cbam_necks[i]; i++)
    if (cbam_necks[i]->kind == network->detector)
      return cbam_necks[i];
  g_return_val_if_reached (NULL);
}

static void
build_all (CbamNet *net, const CbamBackbone *backbone, const CbamNeck *neck)
{
  const CbamInputSpec *input = &net->spec->input;
  CbamValue *x;

  net->n_sources = count_sources (net, neck);
  if (!check_sources (net, backbone, neck))
    return;
  if (cbam_net_attention_in_blocks (net) && !backbone->attends)
    cbam_graph_fail (net->graph, CBAM_ERROR_UNSUPPORTED,
                     "network.attention.place: expected \"levels\" with %s, whose blocks have no place for attention",
                     backbone->name);
  x = cbam_graph_preprocess (net->graph, input->width, input->height);
  if (!net->graph->error)
    backbone->build (net, x);
  find_sources (net, backbone);
  if (!net->graph->error)
    neck->build (net);
  attend (net);
  make_anchors (net);
  build_heads (net);
}

CbamGraph *
cbam_net_build (const CbamSpec *spec, CbamParamSource *source)
{
  CbamGraph *graph = cbam_graph_new (source);
  CbamNet net = { .graph = graph, .spec = spec };

  if (spec->output.n_classes > CBAM_MAX_CLASSES)
    cbam_graph_fail (graph, CBAM_ERROR_UNSUPPORTED, "output.classes: expected at most %u, found %u", CBAM_MAX_CLASSES,
                     spec->output.n_classes);
  net.layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!graph->error)
    build_all (&net, find_backbone (&spec->network), find_neck (&spec->network));
  g_hash_table_unref (net.layers);
  return graph;
}
