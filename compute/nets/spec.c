/* Reads a model file's document top to bottom as models/README.md writes it down: the network here, the rest by its
 * own readers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/spec.h"

#include "file/reader.h"
#include "nets/nets.h"

static const char *const tasks[] = { [CBAM_TASK_DETECT] = "detect", [CBAM_TASK_CLASSIFY] = "classify", NULL };
static const char *const activations[] = {
  [CBAM_ACTIVATION_RELU] = "relu", [CBAM_ACTIVATION_RELU6] = "relu6", [CBAM_ACTIVATION_LEAKY_RELU] = "leaky_relu", NULL
};
static const char *const paddings[] = { [CBAM_PADDING_SYMMETRIC] = "symmetric", [CBAM_PADDING_SAME] = "same", NULL };
static const char *const upsamples[] = {
  [CBAM_UPSAMPLE_DECONV] = "deconv", [CBAM_UPSAMPLE_NEAREST] = "nearest", [CBAM_UPSAMPLE_BILINEAR] = "bilinear", NULL
};
static const char *const pools[] = { "avg", "max", "lp", "lse", NULL }; /* CBAM_REDUCE_MEAN << i */
static const char *const orders[] = {
  [CBAM_ORDER_CHANNEL_SPATIAL] = "channel-spatial",
  [CBAM_ORDER_SPATIAL_CHANNEL] = "spatial-channel",
  [CBAM_ORDER_PARALLEL] = "parallel",
  NULL,
};
static const char *const spatial_inputs[] = {
  [CBAM_SPATIAL_INPUT_MAX_MEAN] = "max-mean",
  [CBAM_SPATIAL_INPUT_MEAN_MAX] = "mean-max",
  [CBAM_SPATIAL_INPUT_CONV] = "conv",
  NULL,
};
static const char *const combines[] = { [CBAM_COMBINE_MUL] = "mul", [CBAM_COMBINE_ADD] = "add", NULL };
static const char *const places[] = {
  [CBAM_PLACE_LEVELS] = "levels",
  [CBAM_PLACE_BLOCKS] = "blocks",
  [CBAM_PLACE_BOTH] = "both",
  [CBAM_PLACE_STAGES] = "stages",
  NULL,
};
static const char *const stride_places[] = { [CBAM_STRIDE_PLACE_3X3] = "3x3", [CBAM_STRIDE_PLACE_1X1] = "1x1", NULL };

static const CbamInterval epsilon_interval = { 0, 1, TRUE };
static const CbamInterval slope_interval = { 0, 1, TRUE };
static const CbamInterval width_interval = { 0, 16, TRUE };

/* ---- The network ------------------------------------------------------------------------------------------------ */

static CbamActivationParams
read_activation (const CbamItem *network, const char *key, double slope)
{
  const int activation = cbam_read_word (network, key, activations, CBAM_ACTIVATION_RELU);
  CbamActivationParams params = cbam_activations[activation];

  if (activation == CBAM_ACTIVATION_LEAKY_RELU)
    params.lo = (float) slope;
  return params;
}

static guint
read_pools (const CbamItem *attention)
{
  const CbamItem list = cbam_read_list (attention, "pool", "pool types", 1, G_N_ELEMENTS (pools) - 1, FALSE);
  guint set = 0;

  if (list.node == NULL)
    return CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX;
  for (guint i = 0; i < cbam_item_length (&list); i++) {
    const CbamItem item = cbam_item_nth (&list, i);
    const guint pool = (guint) CBAM_REDUCE_MEAN << cbam_item_to_word (item, pools);

    if (set & pool)
      cbam_item_fail (&item, "every pool type once");
    set |= pool;
  }
  return set;
}

static void
read_attention (CbamAttentionSpec *attention, const CbamItem *network, CbamTask task)
{
  const CbamItem item = cbam_read_object (network, "attention", FALSE);
  const CbamItem spatial = cbam_item_get (&item, "spatial"), place = cbam_item_get (&item, "place");

  attention->kind = cbam_read_entry (&item, "kind", cbam_attentions, "none", NULL);
  attention->pool = read_pools (&item);
  attention->order = cbam_read_word (&item, "order", orders, CBAM_ORDER_CHANNEL_SPATIAL);
  attention->spatial_input = cbam_read_word (&item, "spatial_input", spatial_inputs, CBAM_SPATIAL_INPUT_MAX_MEAN);
  attention->spatial = cbam_read_boolean (&item, "spatial", TRUE);
  attention->channel = cbam_read_boolean (&item, "channel", TRUE);
  attention->combine = cbam_read_word (&item, "combine", combines, CBAM_COMBINE_MUL);
  attention->dilation = cbam_read_uint (&item, "dilation", 1, 64, 4);
  attention->spatial_relu = cbam_read_boolean (&item, "spatial_relu", FALSE);
  attention->place =
      cbam_read_word (&item, "place", places, task == CBAM_TASK_CLASSIFY ? CBAM_PLACE_BLOCKS : CBAM_PLACE_LEVELS);
  if (task == CBAM_TASK_CLASSIFY && attention->place != CBAM_PLACE_BLOCKS && attention->place != CBAM_PLACE_STAGES)
    cbam_item_fail (&place, "one of blocks, stages in a classifier, which has no levels");

  if (attention->kind != NULL && !attention->spatial && !attention->channel)
    cbam_item_fail (&spatial, "true where network.attention.channel is false");
}

/* Stride and padding of the extras' convs larger than 1x1. */
static void
read_extras (CbamNetworkSpec *spec, const CbamItem *network)
{
  const CbamItem item = cbam_read_object (network, "extras", FALSE);
  const CbamItem strides = cbam_read_list (&item, "stride", "strides", 1, CBAM_MAX_EXTRAS, TRUE);
  const guint n = cbam_item_length (&strides);
  const CbamItem pads = cbam_read_list (&item, "pad", "paddings (one per stride)", n, n, TRUE);

  spec->n_extras = cbam_item_length (&pads);
  for (guint i = 0; i < spec->n_extras; i++) {
    spec->extras_stride[i] = cbam_item_to_uint (cbam_item_nth (&strides, i), 1, 8);
    spec->extras_pad[i] = cbam_item_to_uint (cbam_item_nth (&pads, i), 0, 8);
  }
}

/* Of ResNet's stages; the list says how many there are. */
static void
read_strides (CbamNetworkSpec *spec, const CbamItem *network)
{
  static const guint usual[CBAM_MAX_STAGES] = { 1, 2, 2, 2 };
  const CbamItem strides = cbam_read_list (network, "strides", "strides", 1, CBAM_MAX_STAGES, FALSE);

  spec->n_strides = strides.node != NULL ? cbam_item_length (&strides) : CBAM_MAX_STAGES;
  for (guint i = 0; i < spec->n_strides; i++)
    spec->strides[i] = strides.node != NULL ? cbam_item_to_uint (cbam_item_nth (&strides, i), 1, 2) : usual[i];
}

/* Members that mean nothing in such a network. */
static void
refuse (const CbamItem *network, const char *const *keys, const char *where)
{
  for (; *keys != NULL; keys++) {
    const CbamItem found = cbam_item_get (network, *keys);

    if (found.node != NULL)
      cbam_item_fail (&found, "nothing %s", where);
  }
}

/* What says how a ResNet is built. */
static void
check_backbone (const CbamNetworkSpec *network, const CbamItem *item)
{
  static const char *const of_resnet[] = { "depth", "strides", "stride_place", "groups", NULL };
  g_autofree char *where = NULL;

  if (network->backbone == NULL || network->backbone == &cbam_backbone_resnet)
    return;
  where = g_strdup_printf ("with %s", network->backbone->name);
  refuse (item, of_resnet, where);
}

/* A detector's maps and what looks at them. A classifier looks at the end of its backbone. */
static void
read_levels (CbamNetworkSpec *network, const CbamItem *item, CbamTask task)
{
  static const char *const of_detectors[] = { "detector", "levels", "sources", "extras", NULL };

  if (task == CBAM_TASK_CLASSIFY) {
    refuse (item, of_detectors, "in a classifier");
    return;
  }
  network->detector = cbam_read_entry (item, "detector", cbam_necks, NULL, NULL);
  network->levels = cbam_read_uint (item, "levels", 1, CBAM_MAX_LEVELS, 6);
  /* More sources than levels is right: StairNet's coarsest map may be only the seed of the others. */
  network->sources = cbam_read_strings (item, "sources", network->levels, CBAM_MAX_LEVELS, FALSE);
  read_extras (network, item);
}

static const CbamHead *
read_head (const CbamItem *network, CbamTask task)
{
  const CbamItem item = cbam_item_get (network, "head");
  const CbamHead *usual = task == CBAM_TASK_CLASSIFY ? &cbam_head_classifier : &cbam_head_ssd;
  const CbamHead *head = cbam_read_entry (network, "head", cbam_heads, NULL, usual);

  if (head->task != task)
    cbam_item_fail (&item, "one that can %s", tasks[task]);
  return head;
}

static void
read_network (CbamNetworkSpec *network, const CbamItem *document, CbamTask task)
{
  const CbamItem item = cbam_read_object (document, "network", TRUE);
  double slope; /* of all leaky ReLUs */

  network->backbone = cbam_read_entry (&item, "backbone", cbam_backbones, NULL, NULL);
  network->head = read_head (&item, task);
  network->width = cbam_read_double (&item, "width", &width_interval, 1);
  network->depth = cbam_read_uint (&item, "depth", 1, 1000, 50);
  read_strides (network, &item);
  network->stride_place = cbam_read_word (&item, "stride_place", stride_places, CBAM_STRIDE_PLACE_3X3);
  network->groups = cbam_read_uint (&item, "groups", 1, 1024, 1);
  check_backbone (network, &item);
  slope = cbam_read_double (&item, "slope", &slope_interval, cbam_activations[CBAM_ACTIVATION_LEAKY_RELU].lo);
  network->activation = read_activation (&item, "activation", slope);
  network->post_activation = read_activation (&item, "post_activation", slope);
  network->padding = cbam_read_word (&item, "padding", paddings, CBAM_PADDING_SYMMETRIC);
  read_levels (network, &item, task);
  network->upsample = cbam_read_word (&item, "upsample", upsamples, CBAM_UPSAMPLE_DECONV);
  read_attention (&network->attention, &item, task);
  network->sum_relu = cbam_read_boolean (&item, "sum_relu", FALSE);
  network->bn_eps = cbam_read_double (&item, "bn_eps", &epsilon_interval, 1e-5);
  network->l2norm_eps = cbam_read_double (&item, "l2norm_eps", &epsilon_interval, 1e-10);
}

/* ---- The document ----------------------------------------------------------------------------------------------- */

void
cbam_spec_read (CbamSpec *spec, const CbamItem *document)
{
  cbam_read_uint (document, "version", 1, 1, CBAM_REQUIRED);
  spec->task = (CbamTask) cbam_read_word (document, "task", tasks, CBAM_TASK_DETECT);
  spec->name = cbam_read_string (document, "name");
  g_free (cbam_read_string (document, "description")); /* for people, as is what follows at the end */
  read_network (&spec->network, document, spec->task);
  cbam_input_spec_read (&spec->input, document);
  cbam_output_spec_read (&spec->output, document);
  if (spec->task == CBAM_TASK_CLASSIFY) {
    cbam_report_spec_read (&spec->nms, document);
  } else {
    cbam_anchor_spec_read (&spec->anchors, document, spec->network.levels, &spec->input);
    cbam_nms_spec_read (&spec->nms, document);
  }
  cbam_read_object (document, "provenance", FALSE);
}

void
cbam_spec_free (CbamSpec *spec)
{
  if (spec == NULL)
    return;
  g_strfreev (spec->network.sources);
  cbam_anchor_spec_clear (&spec->anchors);
  cbam_output_spec_clear (&spec->output);
  g_free (spec->document);
  g_free (spec->name);
  g_free (spec);
}
