/* SSD's head (Liu et al. 2016, arXiv 1512.02325): on every level a convolution for the boxes and one for the classes,
 * and what makes candidates of both with the level's anchors.
 *
 *     features of level l -> loc.l  [4 a box] --.
 *                         -> conf.l [1 a class] +-> detect, anchors of level l
 *
 * SSDLite's (Sandler et al. 2018, arXiv 1801.04381, section 6.2) are separable: loc.l.0 is a depthwise convolution with
 * an activation, loc.l.3 the 1x1 behind it.
 *
 * Where boxes are distributions (Li et al. 2020, arXiv 2006.04388), loc has the bins of each of a box's 4 sides.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#include "args/frame.h"
#include "nets/anchors.h"

/* The name of the convolution that ends @kind, "loc" or "conf", of a level. */
static char *
name_last (CbamNet *net, const char *kind, guint level)
{
  g_autofree char *first = g_strdup_printf ("%s.%u.0", kind, level);

  return g_strdup_printf (cbam_net_dim (net, first, 0, 0) > 0 ? "%s.%u.3" : "%s.%u", kind, level);
}

/* Boxes per cell, from the rows of the loc weights, or from the anchor generator when the source has none. */
static guint
per_cell_of (CbamNet *net, guint level)
{
  g_autofree char *last = name_last (net, "loc", level);
  g_autofree char *weight = g_strconcat (last, ".weight", NULL);
  const gsize rows = net->graph->source->dim (net->graph->source, weight, 0);
  const guint each = cbam_detect_loc_rows (net->spec->output.bins);

  if (rows == 0 && net->spec->anchors.tensor == NULL && level < net->spec->anchors.n_levels)
    return cbam_anchors_per_cell (&net->spec->anchors, level);
  if (rows == 0 || rows % each != 0)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                     "tensor \"%s\": expected %u rows per anchor, found %" G_GSIZE_FORMAT " rows", weight, each, rows);
  return (guint) (rows / each);
}

/* What the last convolution of @kind sees on a level: its features, or what a depthwise convolution makes of them. */
static CbamValue *
evidence_for (CbamNet *net, const char *kind, guint level)
{
  CbamValue *features = net->levels->levels[level].features;
  g_autofree char *name = g_strdup_printf ("%s.%u.0", kind, level);
  g_autofree char *norm = g_strdup_printf ("%s.%u.1", kind, level);
  const guint kernel = cbam_net_dim (net, name, 2, 0);

  if (kernel == 0)
    return features;
  return cbam_net_conv (
      net, norm,
      &(CbamConvForm){ .name = name, .input = features, .kernel = kernel, .pad = kernel / 2, .depthwise = TRUE });
}

static CbamValue *
conv (CbamNet *net, const char *kind, guint level, CbamValue *evidence, guint channels)
{
  g_autofree char *name = name_last (net, kind, level);
  const guint kernel = cbam_net_dim (net, name, 2, 1);

  return cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name,
                                                       .input = evidence,
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
    priors += (guint64) net->levels->levels[l].features->width * net->levels->levels[l].features->height *
              per_cell_of (net, l);
  if (priors == 0 || priors > G_MAXINT32)
    cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL, "the heads' levels have %" G_GUINT64_FORMAT " anchors", priors);
  return (guint) priors;
}

static GArray *
read_anchors (CbamNet *net)
{
  CbamGraph *graph = net->graph;
  const guint n = count_priors (net);
  CbamParam *param;
  GArray *anchors;

  if (graph->error != NULL)
    return NULL;
  param = cbam_graph_add_param (graph, net->spec->anchors.tensor, 2, (const gsize[]){ n, 4 });
  if (!graph->source->read (graph->source, param, &graph->error))
    return NULL;
  anchors = g_array_sized_new (FALSE, FALSE, sizeof (CbamAnchor), n);
  return g_array_append_vals (anchors, param->values, n);
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
    const CbamValue *source = net->levels->levels[l].features;
    const guint per_cell = cbam_anchors_per_cell (anchors, l);
    g_autofree char *loc = name_last (net, "loc", l);

    if (source->width != anchors->map_width[l] || source->height != anchors->map_height[l])
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "anchors.maps: level %u is [%u,%u], but the network's map is [%u,%u]", l, anchors->map_height[l],
                       anchors->map_width[l], source->height, source->width);
    if (per_cell_of (net, l) != per_cell)
      cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                       "anchors: level %u has %u boxes per cell, but %s.weight is for %u", l, per_cell, loc,
                       per_cell_of (net, l));
  }
}

static GArray *
make_anchors (CbamNet *net)
{
  const CbamInputSpec *input = &net->spec->input;

  if (net->spec->anchors.tensor != NULL)
    return read_anchors (net);
  check_maps (net);
  return net->graph->error != NULL ? NULL : cbam_anchors_generate (&net->spec->anchors, input->width, input->height);
}

/* ---- The head --------------------------------------------------------------------------------------------------- */

static void
build (CbamNet *net)
{
  const CbamOutputSpec *output = &net->spec->output;
  CbamLevels *levels = net->levels;
  GArray *anchors = NULL;
  guint prior = 0;

  anchors = make_anchors (net);
  if (anchors != NULL)
    cbam_levels_set_anchors (levels, net->graph, anchors, output->n_classes);
  for (guint l = 0; net->graph->error == NULL && l < net->spec->network.levels; l++) {
    CbamLevel *level = &levels->levels[l];
    g_autofree char *name = g_strdup_printf ("detect.%u", l);
    CbamDetectOpParams params = { .per_cell = per_cell_of (net, l),
                                  .n_classes = output->n_classes,
                                  .prior = prior,
                                  .sigmoid = output->score == CBAM_SCORE_SIGMOID,
                                  .bins = output->bins,
                                  .anchors = (const float *) anchors->data };
    CbamValue *loc, *conf, *boxes;

    cbam_levels_place (levels, &params);
    for (guint i = 0; i < 4; i++)
      params.variances[i] = output->variances[i];
    boxes = evidence_for (net, "loc", l);
    loc = conv (net, "loc", l, boxes, params.per_cell * cbam_detect_loc_rows (output->bins));
    level->evidence = evidence_for (net, "conf", l);
    conf = conv (net, "conf", l, level->evidence, params.per_cell * output->n_classes);
    level->detect = cbam_graph_detect (net->graph, name, loc, conf, levels->block, &params);
    if (net->graph->error != NULL)
      return;
    level->evidence->keepable = conf->keepable = TRUE; /* for Grad-CAM */
    level->prior = prior;
    level->per_cell = params.per_cell;
    levels->n_levels = l + 1;
    prior += level->features->width * level->features->height * params.per_cell;
  }
}

const CbamHead cbam_head_ssd = { .name = "ssd", .build = build, .task = CBAM_TASK_DETECT };
