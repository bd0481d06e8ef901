/* From a model's document to its graph: backbone, heads on every level, detection tail (SSD: Liu et al. 2016,
 * arXiv 1512.02325).
 *
 *     frame -> preprocess -> backbone -> source 0 (fine) .. source n (coarse)
 *                                          each: loc, conf -> detect
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#include "args/frame.h"

const CbamBackbone *const cbam_backbones[] = { &cbam_backbone_vgg16, &cbam_backbone_mobilenet_v1, NULL };

guint
cbam_net_channels (const CbamNet *net, guint channels)
{
  return MAX (8, (guint) (channels * net->spec->network.width));
}

CbamTensor *
cbam_net_conv (CbamNet *net, const char *norm, const CbamConvForm *form)
{
  CbamConvForm complete = *form;
  CbamTensor *x;

  /* Where no batch norm shifts, a bias must: without either, a tensor is missing from the file. */
  complete.needs_bias = !cbam_graph_has_batch_norm (net->graph, norm);
  x = cbam_graph_conv (net->graph, &complete);
  x = cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
  x = cbam_graph_activation (net->graph, x, net->spec->network.activation);
  g_hash_table_insert (net->layers, g_strdup (form->name), x);
  return x;
}

/* ---- Levels ----------------------------------------------------------------------------------------------------- */

static void
find_sources (CbamNet *net, const CbamBackbone *backbone)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const char *const *names = network->sources ? (const char *const *) network->sources : backbone->sources;
  const guint n = g_strv_length ((char **) names);

  if (n < network->levels || (network->sources && n != network->levels)) {
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "network.sources: expected %u names, one per level, found %u",
                     network->levels, n);
    return;
  }
  for (guint l = 0; l < network->levels; l++) {
    net->sources[l] = g_hash_table_lookup (net->layers, names[l]);
    if (!net->sources[l])
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "network.sources: expected the name of a convolution of %s, found \"%s\"", backbone->name,
                       names[l]);
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

static CbamTensor *
head (CbamNet *net, const char *kind, guint level, guint channels)
{
  g_autofree char *name = g_strdup_printf ("%s.%u", kind, level);
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  const guint kernel = MAX (1, (guint) net->graph->source->dim (net->graph->source, weight, 2));

  return cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name,
                                                       .input = net->sources[level],
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
    priors += (guint64) net->sources[l]->width * net->sources[l]->height * per_cell_of (net, l);
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
    const CbamTensor *source = net->sources[l];
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
    const guint per_cell = per_cell_of (net, l);
    g_autofree char *name = g_strdup_printf ("detect.%u", l);
    CbamDetectNode form = {
      .per_cell = per_cell, .n_classes = output->n_classes, .prior = prior, .score = output->score
    };
    CbamTensor *loc, *conf;

    for (guint i = 0; i < 4; i++)
      form.variances[i] = output->variances[i];
    loc = head (net, "loc", l, per_cell * 4);
    conf = head (net, "conf", l, per_cell * output->n_classes);
    cbam_graph_detect (net->graph, name, loc, conf, &form);
    prior += net->sources[l]->width * net->sources[l]->height * per_cell;
  }
}

static const CbamBackbone *
find_backbone (CbamGraph *graph, const CbamNetworkSpec *network)
{
  if (network->detector != CBAM_DETECTOR_SSD || network->attention.kind != CBAM_ATTENTION_NONE) {
    cbam_graph_fail (graph, CBAM_ERROR_UNSUPPORTED,
                     "network: this version runs detector \"ssd\" with attention \"none\" only");
    return NULL;
  }
  for (guint i = 0; cbam_backbones[i]; i++)
    if (cbam_backbones[i]->kind == network->backbone)
      return cbam_backbones[i];
  g_return_val_if_reached (NULL); /* the document's parser knows no others */
}

CbamGraph *
cbam_net_build (const CbamSpec *spec, CbamParamSource *source)
{
  CbamGraph *graph = cbam_graph_new (source);
  CbamNet net = { .graph = graph, .spec = spec };
  const CbamBackbone *backbone = find_backbone (graph, &spec->network);

  if (!backbone)
    return graph;
  if (spec->output.n_classes > CBAM_MAX_CLASSES)
    cbam_graph_fail (graph, CBAM_ERROR_UNSUPPORTED, "output.classes: expected at most %u, found %u", CBAM_MAX_CLASSES,
                     spec->output.n_classes);
  net.layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  backbone->build (&net, cbam_graph_preprocess (graph, spec->input.width, spec->input.height));
  if (!graph->error)
    find_sources (&net, backbone);
  make_anchors (&net);
  build_heads (&net);
  g_hash_table_unref (net.layers);
  return graph;
}
