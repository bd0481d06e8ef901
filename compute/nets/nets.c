/* From a model's document to its graph: backbone, neck, attention, head.
 *
 *     frame -> preprocess -> backbone -> source 0 (fine) .. source n (coarse)
 *                                    neck -> features of each level -> attention -> head
 *
 * A classifier has one source, the end of its backbone, which its head looks at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#include <stdio.h>

#define CBAM_BACKBONE(file, name) &cbam_backbone_##name,
const CbamBackbone *const cbam_backbones[] = {
#include "nets/backbones.h"
  NULL
};
#undef CBAM_BACKBONE

const CbamNeck *const cbam_necks[] = { &cbam_neck_ssd, &cbam_neck_stairnet, NULL };
const CbamHead *const cbam_heads[] = { &cbam_head_ssd, &cbam_head_classifier, NULL };

gboolean
cbam_net_pads_symmetrically (CbamNet *net)
{
  if (net->spec->network.padding == CBAM_PADDING_SYMMETRIC)
    return TRUE;
  cbam_graph_fail (net->graph, CBAM_ERROR_UNSUPPORTED,
                   "network.padding: expected \"symmetric\" with %s, found \"same\"",
                   net->spec->network.backbone->name);
  return FALSE;
}

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
cbam_net_linear_conv (CbamNet *net, const char *norm, const CbamConvForm *form)
{
  CbamConvForm complete = *form;

  /* Where no batch norm shifts, a bias must: without either, a tensor is missing from the file. */
  complete.needs_bias = !cbam_graph_has_batch_norm (net->graph, norm);
  return cbam_graph_batch_norm (net->graph, norm, cbam_graph_conv (net->graph, &complete), net->spec->network.bn_eps);
}

guint
cbam_net_count_extras (const CbamNet *net, guint n_trunk, guint most)
{
  const CbamNetworkSpec *network = &net->spec->network;
  guint n = 0, e;

  if (network->n_extras > 0)
    return network->n_extras;
  if (network->sources == NULL)
    return CLAMP (net->n_sources, n_trunk, n_trunk + most) - n_trunk;
  for (guint i = 0; network->sources[i] != NULL; i++)
    if (sscanf (network->sources[i], "extras.%u.", &e) == 1 && e < CBAM_MAX_EXTRAS)
      n = MAX (n, e + 1);
  return n;
}

CbamValue *
cbam_net_conv (CbamNet *net, const char *norm, const CbamConvForm *form)
{
  CbamValue *x =
      cbam_graph_activate (net->graph, cbam_net_linear_conv (net, norm, form), &net->spec->network.activation);

  g_hash_table_insert (net->layers, g_strdup (form->name), x);
  return x;
}

/* ---- Levels ----------------------------------------------------------------------------------------------------- */

/* As many as the document lists; else one per level, and one more for each lateral that the file has beyond those. A
 * classifier has one. */
static guint
count_sources (const CbamNet *net)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const CbamNeck *neck = network->detector;
  guint n = network->levels;

  if (neck == NULL)
    return 1;
  if (network->sources != NULL)
    return g_strv_length (network->sources);
  for (; neck->seeds && n < CBAM_MAX_LEVELS; n++) {
    g_autofree char *lateral = g_strdup_printf ("topdown.proj_layers.%u.conv", n);

    if (cbam_net_dim (net, lateral, 0, 0) == 0)
      break;
  }
  return n;
}

static gboolean
check_sources (CbamNet *net, const CbamBackbone *backbone)
{
  const CbamNetworkSpec *network = &net->spec->network;
  const CbamNeck *neck = network->detector;
  const guint usual = g_strv_length ((char **) backbone->sources);
  const gboolean more =
      neck != NULL && neck->seeds && net->n_sources > network->levels && net->n_sources <= CBAM_MAX_LEVELS;

  if (neck == NULL) {
    if (backbone->end == NULL)
      cbam_graph_fail (net->graph, CBAM_ERROR_UNSUPPORTED,
                       "network.backbone: expected one that classifies, found %s, of which there is only the trunk of "
                       "detectors",
                       backbone->name);
  } else if (network->sources == NULL && net->n_sources > usual)
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
  const char *const *names = network->sources != NULL ? (const char *const *) network->sources : backbone->sources;

  if (network->detector == NULL) {
    net->sources[0] = g_hash_table_lookup (net->layers, backbone->end);
    if (net->sources[0] == NULL)
      cbam_graph_fail (
          net->graph, CBAM_ERROR_BAD_MODEL,
          "network.backbone: expected a %s that reaches %s, which a classifier looks at, found one that ends "
          "before",
          backbone->name, backbone->end);
    return;
  }
  for (guint s = 0; net->graph->error == NULL && s < net->n_sources; s++) {
    net->sources[s] = g_hash_table_lookup (net->layers, names[s]);
    if (net->sources[s] == NULL)
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "network.sources: expected the name of a convolution of %s, found \"%s\"", backbone->name,
                       names[s]);
  }
}

/* Whether the backbone has the places for attention that the document wants. */
static void
check_places (CbamNet *net, const CbamBackbone *backbone)
{
  const gboolean classifies = net->spec->network.detector == NULL;
  const char *lacking = NULL;

  if (cbam_net_attends_in_blocks (net) && !backbone->attends)
    lacking = "whose blocks have no place for attention";
  if (cbam_net_attends_between_stages (net) && !backbone->has_stages)
    lacking = "between whose stages there is no place for attention";
  if (lacking != NULL && classifies)
    cbam_graph_fail (net->graph, CBAM_ERROR_UNSUPPORTED,
                     "network.attention.place: expected %s in a classifier on %s, %s",
                     backbone->attends ? "\"blocks\"" : "no attention", backbone->name, lacking);
  else if (lacking != NULL)
    cbam_graph_fail (net->graph, CBAM_ERROR_UNSUPPORTED, "network.attention.place: expected \"levels\" with %s, %s",
                     backbone->name, lacking);
}

/* ---- The network ------------------------------------------------------------------------------------------------ */

static void
build_all (CbamNet *net)
{
  const CbamBackbone *backbone = net->spec->network.backbone;
  const CbamNeck *neck = net->spec->network.detector;
  const CbamInputSpec *input = &net->spec->input;
  CbamValue *x, *block;

  if (net->spec->output.n_classes > CBAM_MAX_CLASSES) {
    cbam_graph_fail (net->graph, CBAM_ERROR_UNSUPPORTED, "output.classes: expected at most %u, found %u",
                     CBAM_MAX_CLASSES, net->spec->output.n_classes);
    return;
  }
  net->n_sources = count_sources (net);
  if (!check_sources (net, backbone))
    return;
  check_places (net, backbone);
  x = input->filter == CBAM_FILTER_NONE
          ? cbam_graph_preprocess (net->graph, input->width, input->height, &block)
          : cbam_graph_resample (net->graph, input->width, input->height, input->filter == CBAM_FILTER_BICUBIC, &block);
  if (net->graph->error != NULL)
    return;
  net->levels = cbam_levels_new (net->graph, block);
  backbone->build (net, x);
  find_sources (net, backbone);
  if (net->graph->error == NULL && neck != NULL)
    neck->build (net);
  cbam_net_attend_on_levels (net);
  if (net->graph->error == NULL)
    net->spec->network.head->build (net);
}

CbamGraph *
cbam_net_build (const CbamSpec *spec, CbamParamSource *source, guint batch)
{
  CbamGraph *graph = cbam_graph_new (source);
  CbamNet net = { .graph = graph, .spec = spec };

  graph->batch = batch;
  net.layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  build_all (&net);
  g_hash_table_unref (net.layers);
  return graph;
}
