/* A classifier's head: the mean of each channel of what the backbone ends in, and a linear layer with a score for each
 * class (Lin et al. 2013, arXiv 1312.4400, section 3.2, as in all the networks here). MobileNetV3 has a layer more,
 * after the mean, so that it costs little (Howard et al. 2019, arXiv 1905.02244, section 5.1).
 *
 *     [H][W][C] -> mean -> [hidden -> activation] -> fc [1 a class]
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#include "args/grad_cam.h"

static void
show (CbamValue *map)
{
  if (map != NULL)
    map->host |= CBAM_HOST_READS;
}

static CbamValue *
hide (CbamNet *net, CbamValue *x)
{
  const guint usual = cbam_net_round_channels (net, net->spec->network.backbone->hidden);
  const CbamConvForm form = { .name = "hidden",
                              .input = x,
                              .channels = cbam_net_dim (net, "hidden", 0, usual),
                              .weight_dims = 2,
                              .needs_bias = TRUE };

  return cbam_graph_activation (net->graph, cbam_graph_conv (net->graph, &form),
                                net->spec->network.backbone->hidden_activation);
}

static void
build (CbamNet *net)
{
  const CbamGlobalPoolParams mean = cbam_global_pool_of (CBAM_REDUCE_MEAN);
  CbamValue *end = net->sources[0], *x;

  x = cbam_graph_global_pool (net->graph, "pool", end, &mean);
  if (net->spec->network.backbone->hidden > 0)
    x = hide (net, x);
  x = cbam_graph_conv (
      net->graph,
      &(CbamConvForm){
          .name = "fc", .input = x, .channels = net->spec->output.n_classes, .weight_dims = 2, .needs_bias = TRUE });
  if (net->graph->error != NULL)
    return;
  /* Grad-CAM has no closed form with a hidden layer, and its kernel a limit. */
  if (net->spec->network.backbone->hidden == 0 && cbam_value_blocks (end) <= CBAM_GRAD_CAM_BLOCKS)
    end->keepable = x->keepable = TRUE;
  cbam_levels_set_scores (net->levels, net->graph, end, x);
  for (guint l = 0; l < net->levels->n_levels; l++) {
    show (net->levels->levels[l].channel.map);
    show (net->levels->levels[l].spatial.map);
  }
}

const CbamHead cbam_head_classifier = { .name = "classifier", .build = build, .task = CBAM_TASK_CLASSIFY };
