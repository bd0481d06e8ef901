/* MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244, table 1), and separable convolutions as extras behind it, as
 * torchvision's SSDLite has them.
 *
 *     conv 3x3 s2 -> 15 inverted residuals -> conv 1x1 (features.16) -> extras
 *     320 -> 160 .. 80 (features.3) .. 40 (features.6) .. 20 (features.12) .. 10 (features.15) -> 5 -> 3 -> 2 -> 1
 *
 *     residual: x -> 1x1, wider -> depthwise k x k -> [squeeze-and-excitation] -> 1x1, narrow -> [attention] -> +
 *               '-> x, where the shape stays what it is --------------------------------------------------------'
 *     extra:    1x1 -> depthwise 3x3, stride 2 -> 1x1
 *
 * A row's activation, ReLU or hard swish, follows the first two convolutions of each, none the third. The weights of
 * squeeze-and-excitation are a hard sigmoid's. What the document calls the activation is the extras'. As a classifier
 * it has a hidden layer (classifier.c). Tensor names are torchvision's; batch norms may be folded into the convolutions
 * already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_TRUNK_SOURCES 2
#define N_EXTRAS 4
#define STEM 16
#define WIDENING_OF_LAST 6
#define HIDDEN 1280
#define DIVISOR 8 /* of squeezed channels */

static const struct
{
  guint kernel, hidden, channels;
  gboolean squeezes;
  CbamActivation activation;
  guint stride;
} rows[] = {
  { 3, 16, 16, FALSE, CBAM_ACTIVATION_RELU, 1 },        { 3, 64, 24, FALSE, CBAM_ACTIVATION_RELU, 2 },
  { 3, 72, 24, FALSE, CBAM_ACTIVATION_RELU, 1 },        { 5, 72, 40, TRUE, CBAM_ACTIVATION_RELU, 2 },
  { 5, 120, 40, TRUE, CBAM_ACTIVATION_RELU, 1 },        { 5, 120, 40, TRUE, CBAM_ACTIVATION_RELU, 1 },
  { 3, 240, 80, FALSE, CBAM_ACTIVATION_HARD_SWISH, 2 }, { 3, 200, 80, FALSE, CBAM_ACTIVATION_HARD_SWISH, 1 },
  { 3, 184, 80, FALSE, CBAM_ACTIVATION_HARD_SWISH, 1 }, { 3, 184, 80, FALSE, CBAM_ACTIVATION_HARD_SWISH, 1 },
  { 3, 480, 112, TRUE, CBAM_ACTIVATION_HARD_SWISH, 1 }, { 3, 672, 112, TRUE, CBAM_ACTIVATION_HARD_SWISH, 1 },
  { 5, 672, 160, TRUE, CBAM_ACTIVATION_HARD_SWISH, 2 }, { 5, 960, 160, TRUE, CBAM_ACTIVATION_HARD_SWISH, 1 },
  { 5, 960, 160, TRUE, CBAM_ACTIVATION_HARD_SWISH, 1 },
};

static const guint extras[N_EXTRAS] = { 512, 256, 256, 128 };

/* A convolution with its batch norm and an activation, whatever the document's is: PLACE.0 and PLACE.1. */
static CbamValue *
conv (CbamNet *net, const char *place, const CbamActivationParams *activation, const CbamConvForm *form)
{
  g_autofree char *name = g_strconcat (place, ".0", NULL);
  g_autofree char *norm = g_strconcat (place, ".1", NULL);
  CbamConvForm complete = *form;
  CbamValue *x;

  complete.name = name;
  x = cbam_graph_activate (net->graph, cbam_net_linear_conv (net, norm, &complete), activation);
  g_hash_table_insert (net->layers, g_strdup (name), x);
  return x;
}

CbamValue *
cbam_net_squeeze (CbamNet *net, const char *place, const char *first, const char *second, guint divisor, CbamValue *x)
{
  const CbamGlobalPoolParams mean = cbam_global_pool_of (CBAM_REDUCE_MEAN);
  g_autofree char *pool = g_strconcat (place, ".pool", NULL);
  g_autofree char *narrow = g_strdup_printf ("%s.%s", place, first);
  g_autofree char *widen = g_strdup_printf ("%s.%s", place, second);
  CbamValue *z = cbam_graph_global_pool (net->graph, pool, x, &mean);
  CbamConvForm form = { .name = narrow, .input = z, .needs_bias = TRUE };

  if (net->graph->error != NULL)
    return NULL;
  form.channels = cbam_net_dim (net, narrow, 0, cbam_net_round (x->channels / 4.0, divisor));
  z = cbam_graph_activation (net->graph, cbam_graph_conv (net->graph, &form), CBAM_ACTIVATION_RELU);
  form = (CbamConvForm){ .name = widen, .input = z, .channels = x->channels, .needs_bias = TRUE };
  z = cbam_graph_activation (net->graph, cbam_graph_conv (net->graph, &form), CBAM_ACTIVATION_HARD_SIGMOID);
  return cbam_graph_multiply (net->graph, place, x, z);
}

/* Part @number of a block; the next one's number is one more. */
static char *
name_part (const char *block, guint *number)
{
  return g_strdup_printf ("%s.block.%u", block, (*number)++);
}

/* What the weights say, else the usual: of SSDLite the last blocks are half as wide. */
static CbamValue *
widen (CbamNet *net, guint row, const char *place, const CbamActivationParams *activation, CbamValue *x)
{
  g_autofree char *name = g_strconcat (place, ".0", NULL);
  const guint hidden = cbam_net_dim (net, name, 0, cbam_net_round_channels (net, rows[row].hidden));

  return conv (net, place, activation, &(CbamConvForm){ .input = x, .channels = hidden });
}

static CbamValue *
narrow (CbamNet *net, guint row, const char *place, CbamValue *x)
{
  g_autofree char *name = g_strconcat (place, ".0", NULL);
  const guint channels = cbam_net_dim (net, name, 0, cbam_net_round_channels (net, rows[row].channels));

  return conv (net, place, &cbam_activation_none, &(CbamConvForm){ .input = x, .channels = channels });
}

static CbamValue *
inverted_residual (CbamNet *net, guint row, CbamValue *x)
{
  const CbamActivationParams *activation = &cbam_activations[rows[row].activation];
  const CbamAttentionModule *attention = net->spec->network.attention.kind;
  g_autofree char *name = g_strdup_printf ("features.%u", row + 1);
  g_autofree char *prefix = g_strdup_printf ("%s.%s", name, attention != NULL ? attention->name : "");
  g_autofree char *wider = NULL, *depthwise = NULL, *se = NULL, *last = NULL;
  CbamValue *y = x;
  guint number = 0;

  if (cbam_net_round_channels (net, rows[row].hidden) != x->channels)
    y = widen (net, row, wider = name_part (name, &number), activation, y);
  y = conv (net, depthwise = name_part (name, &number), activation,
            &(CbamConvForm){ .input = y,
                             .kernel = rows[row].kernel,
                             .stride = rows[row].stride,
                             .pad = rows[row].kernel / 2,
                             .padding = net->spec->network.padding,
                             .depthwise = TRUE });
  if (rows[row].squeezes)
    y = cbam_net_squeeze (net, se = name_part (name, &number), "fc1", "fc2", DIVISOR, y);
  y = narrow (net, row, last = name_part (name, &number), y);
  y = cbam_net_attend_in_block (net, prefix, name, y, NULL);
  if (net->graph->error == NULL && rows[row].stride == 1 && x->channels == y->channels)
    y = cbam_graph_add (net->graph, name, y, x);
  g_hash_table_insert (net->layers, g_strdup (name), y);
  return y;
}

/* What the weights say, else the usual. */
static CbamValue *
extra (CbamNet *net, guint e, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  g_autofree char *reduce = g_strdup_printf ("extras.%u.0", e);
  g_autofree char *spread = g_strdup_printf ("extras.%u.1", e);
  g_autofree char *last = g_strdup_printf ("extras.%u.2", e);
  g_autofree char *last_name = g_strconcat (last, ".0", NULL);
  const guint usual = cbam_net_round_channels (net, extras[MIN (e, N_EXTRAS - 1)]);
  const guint channels = cbam_net_dim (net, last_name, 0, usual);

  x = conv (net, reduce, &network->activation, &(CbamConvForm){ .input = x, .channels = channels / 2 });
  x = conv (net, spread, &network->activation,
            &(CbamConvForm){ .input = x,
                             .kernel = 3,
                             .stride = network->n_extras > 0 ? network->extras_stride[e] : 2,
                             .pad = network->n_extras > 0 ? network->extras_pad[e] : 1,
                             .padding = network->padding,
                             .depthwise = TRUE });
  return conv (net, last, &network->activation, &(CbamConvForm){ .input = x, .channels = channels });
}

static void
build (CbamNet *net, CbamValue *input)
{
  const CbamActivationParams *swish = &cbam_activations[CBAM_ACTIVATION_HARD_SWISH];
  const guint n_extras = cbam_net_count_extras (net, N_TRUNK_SOURCES, N_EXTRAS);
  CbamValue *x;

  x = conv (net, "features.0", swish,
            &(CbamConvForm){ .input = input,
                             .channels = cbam_net_round_channels (net, STEM),
                             .kernel = 3,
                             .stride = 2,
                             .pad = 1,
                             .padding = net->spec->network.padding });
  for (guint row = 0; row < G_N_ELEMENTS (rows) && net->graph->error == NULL; row++)
    x = inverted_residual (net, row, x);
  if (net->graph->error == NULL)
    x = conv (net, "features.16", swish, &(CbamConvForm){ .input = x, .channels = WIDENING_OF_LAST * x->channels });
  for (guint e = 0; e < n_extras && net->graph->error == NULL; e++)
    x = extra (net, e, x);
}

static const char *const sources[] = {
  "features.13.block.0.0", "features.16.0", "extras.0.2.0", "extras.1.2.0", "extras.2.2.0", "extras.3.2.0", NULL,
};

const CbamBackbone cbam_backbone_mobilenet_v3 = {
  .name = "mobilenet_v3",
  .build = build,
  .sources = sources,
  .end = "features.16.0",
  .hidden = HIDDEN,
  .hidden_activation = CBAM_ACTIVATION_HARD_SWISH,
  .attends = TRUE,
};
