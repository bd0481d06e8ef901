/* Attention modules by name, where they stand, and what several of them are made of.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

/* A new module is a file like se.c and a line here. */
const CbamAttentionModule *const cbam_attentions[] = {
  &cbam_attention_se, &cbam_attention_cbam, &cbam_attention_bam, &cbam_attention_eca, &cbam_attention_self, NULL,
};

/* ---- Places ------------------------------------------------------------------------------------------------------ */

void
cbam_net_attend_on_levels (CbamNet *net)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;

  if (attention->kind == NULL || (attention->place != CBAM_PLACE_LEVELS && attention->place != CBAM_PLACE_BOTH))
    return;
  for (guint l = 0; net->graph->error == NULL && l < net->spec->network.levels; l++) {
    CbamLevel *level = &net->levels->levels[l];
    g_autofree char *prefix = g_strdup_printf ("att.%u", l);
    CbamGates gates = { 0 };

    level->features = attention->kind->build (net, prefix, level->features, &gates);
    level->channel = gates.channel;
    level->spatial = gates.spatial;
    if (gates.channel.map != NULL)
      gates.channel.map->host |= CBAM_HOST_READS;
    if (gates.spatial.map != NULL)
      gates.spatial.map->host |= CBAM_HOST_READS;
  }
}

gboolean
cbam_net_attends_in_blocks (const CbamNet *net)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;

  return attention->kind != NULL && (attention->place == CBAM_PLACE_BLOCKS || attention->place == CBAM_PLACE_BOTH);
}

gboolean
cbam_net_attends_between_stages (const CbamNet *net)
{
  const CbamAttentionSpec *attention = &net->spec->network.attention;

  return attention->kind != NULL && attention->place == CBAM_PLACE_STAGES;
}

/* Of a classifier there is to see what the last module on each size of map lets through. */
static void
show (CbamNet *net, CbamValue *x, const CbamGates *gates)
{
  CbamLevels *levels = net->levels;
  CbamLevel *level;

  if (net->spec->task != CBAM_TASK_CLASSIFY || x == NULL || (gates->channel.map == NULL && gates->spatial.map == NULL))
    return;
  level = levels->n_levels > 0 ? &levels->levels[levels->n_levels - 1] : NULL;
  if (level == NULL || level->features->width != x->width || level->features->height != x->height) {
    if (levels->n_levels == CBAM_MAX_LEVELS)
      return;
    level = &levels->levels[levels->n_levels++];
  }
  *level = (CbamLevel){ .features = x, .channel = gates->channel, .spatial = gates->spatial };
}

CbamValue *
cbam_net_attend_in_block (CbamNet *net, const char *prefix, const char *layer, CbamValue *x, CbamGates *ret_gates)
{
  CbamGates gates = { 0 };

  if (cbam_net_attends_in_blocks (net) && net->graph->error == NULL) {
    x = net->spec->network.attention.kind->build (net, prefix, x, &gates);
    show (net, x, &gates);
    g_hash_table_insert (net->layers, g_strdup (layer), x);
  }
  if (ret_gates != NULL)
    *ret_gates = gates;
  return x;
}

CbamValue *
cbam_net_attend_behind_stage (CbamNet *net, guint stage, CbamValue *x)
{
  const CbamAttentionModule *kind = net->spec->network.attention.kind;
  CbamGates gates = { 0 };

  if (cbam_net_attends_between_stages (net) && net->graph->error == NULL) {
    g_autofree char *prefix = g_strdup_printf ("%s%u", kind->name, stage);

    x = kind->build (net, prefix, x, &gates);
    show (net, x, &gates);
  }
  return x;
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_net_mlp (CbamNet *net, CbamValue *pooled, const char *first, const char *norm, const char *second)
{
  CbamValue *x;

  if (net->graph->error != NULL)
    return NULL;
  x = cbam_graph_conv (net->graph,
                       &(CbamConvForm){ .name = first,
                                        .input = pooled,
                                        .channels = cbam_net_dim (net, first, 0, MAX (1, pooled->channels / 16)),
                                        .weight_dims = 2 });
  if (norm != NULL)
    x = cbam_graph_batch_norm (net->graph, norm, x, net->spec->network.bn_eps);
  x = cbam_graph_activation (net->graph, x, CBAM_ACTIVATION_RELU);
  return cbam_graph_conv (
      net->graph, &(CbamConvForm){ .name = second, .input = x, .channels = pooled->channels, .weight_dims = 2 });
}

CbamValue *
cbam_net_channel_gate (CbamNet *net, const char *prefix, CbamValue *x, guint pools, const char *first,
                       const char *second)
{
  const CbamGlobalPoolParams params = cbam_global_pool_of (pools), sum = cbam_global_pool_of (CBAM_REDUCE_SUM);
  g_autofree char *pool_name = g_strconcat (prefix, ".pool", NULL);
  g_autofree char *gate_name = g_strconcat (prefix, ".channel", NULL);
  g_autofree char *first_name = g_strconcat (prefix, ".", first, NULL);
  g_autofree char *second_name = g_strconcat (prefix, ".", second, NULL);

  x = cbam_graph_global_pool (net->graph, pool_name, x, &params);
  x = cbam_net_mlp (net, x, first_name, NULL, second_name);
  x = cbam_graph_global_pool (net->graph, gate_name, x, &sum);
  return cbam_graph_sigmoid (net->graph, x);
}
