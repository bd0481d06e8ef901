/* A classifier's head: the mean of each channel of what the backbone ends in, and a linear layer with a score for each
 * class (Lin et al. 2013, arXiv 1312.4400, section 3.2, as in all the networks here).
 *
 *     [H][W][C] -> mean -> fc [1 a class]
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

static void
show (CbamValue *map)
{
  if (map != NULL)
    map->host |= CBAM_HOST_READS;
}

static void
build (CbamNet *net)
{
  const CbamGlobalPoolParams mean = cbam_global_pool_of (CBAM_REDUCE_MEAN);
  CbamValue *end = net->sources[0], *x;

  x = cbam_graph_global_pool (net->graph, "pool", end, &mean);
  x = cbam_graph_conv (
      net->graph,
      &(CbamConvForm){
          .name = "fc", .input = x, .channels = net->spec->output.n_classes, .weight_dims = 2, .needs_bias = TRUE });
  if (net->graph->error != NULL)
    return;
  end->keepable = x->keepable = TRUE; /* for Grad-CAM */
  cbam_levels_set_scores (net->levels, net->graph, end, x);
  for (guint l = 0; l < net->levels->n_levels; l++) {
    show (net->levels->levels[l].channel.map);
    show (net->levels->levels[l].spatial.map);
  }
}

const CbamHead cbam_head_classifier = { .name = "classifier", .build = build, .task = CBAM_TASK_CLASSIFY };
