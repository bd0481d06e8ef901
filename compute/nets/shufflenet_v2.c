/* ShuffleNetV2 (Ma et al. 2018, arXiv 1807.11164, table 5): with its last convolution as a classifier, and as a
 * detector's trunk with separable extras instead.
 *
 *     conv 3x3 s2 -> max pool 3x3 s2 -> stages of 4, 8 and 4 units, the first of each with stride 2 -> extras
 *     352 -> 176 -> 88 .. 44 (stage2.3) .. 22 (stage3.7) .. 11 (stage4.3) .. 6 (extras.0.4) .. 3 -> 2 -> 1
 *
 *     unit, stride 1: channels of x by turns: the first half of x, 1x1 -> depthwise 3x3 -> 1x1 of the second half
 *     unit, stride 2: channels of x by turns: depthwise 3x3 -> 1x1 of x, 1x1 -> depthwise 3x3 -> 1x1 of x
 *     extra:          1x1 (or nothing) -> depthwise k x k, stride 2 -> 1x1
 *
 * An activation follows every convolution but a unit's depthwise ones. Tensor names are torchvision's; those of the
 * extras, ours. Batch norms may be folded into the convolutions already.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define N_TRUNK_SOURCES 3
#define N_EXTRAS 5
#define USUAL_EXTRA 128      /* channels */
#define USUAL_EXTRA_KERNEL 5 /* of the depthwise convolution */

static const struct
{
  const char *name;
  guint units;
} stages[] = { { "stage2", 4 }, { "stage3", 8 }, { "stage4", 4 } };

/* The paper's four sizes. */
typedef struct
{
  double width;
  guint channels[G_N_ELEMENTS (stages)];
  guint last;
} Size;

static const Size sizes[] = {
  { 0.5, { 48, 96, 192 }, 1024 },
  { 1, { 116, 232, 464 }, 1024 },
  { 1.5, { 176, 352, 704 }, 1024 },
  { 2, { 244, 488, 976 }, 2048 },
};

/* A convolution and what its batch norm would be called: the next number of @place, which are "branch2.0" and so on. */
static CbamValue *
conv (CbamNet *net, const char *place, guint number, const CbamConvForm *form)
{
  g_autofree char *name = g_strdup_printf ("%s.%u", place, number);
  g_autofree char *norm = g_strdup_printf ("%s.%u", place, number + 1);
  CbamConvForm complete = *form;

  complete.name = name;
  return cbam_net_conv (net, norm, &complete);
}

/* A unit's depthwise convolution, which no activation follows. */
static CbamValue *
depthwise (CbamNet *net, const char *place, guint number, guint stride, CbamValue *x)
{
  g_autofree char *name = g_strdup_printf ("%s.%u", place, number);
  g_autofree char *norm = g_strdup_printf ("%s.%u", place, number + 1);

  return cbam_net_linear_conv (
      net, norm,
      &(CbamConvForm){ .name = name, .input = x, .kernel = 3, .stride = stride, .pad = 1, .depthwise = TRUE });
}

/* Of @channels channels, half of them made by each branch. */
static CbamValue *
unit (CbamNet *net, const char *name, guint channels, guint stride, CbamValue *x)
{
  const guint half = channels / 2;
  g_autofree char *first = g_strconcat (name, ".branch1", NULL);
  g_autofree char *second = g_strconcat (name, ".branch2", NULL);
  CbamValue *a = x, *b = x;

  if (stride == 1) {
    b = cbam_graph_slice (net->graph, name, x, half, half);
  } else {
    a = depthwise (net, first, 0, stride, x);
    a = conv (net, first, 2, &(CbamConvForm){ .input = a, .channels = half });
  }
  b = conv (net, second, 0, &(CbamConvForm){ .input = b, .channels = half });
  b = depthwise (net, second, 3, stride, b);
  b = conv (net, second, 5, &(CbamConvForm){ .input = b, .channels = half });
  x = cbam_graph_shuffle (net->graph, name, a, b);
  g_hash_table_insert (net->layers, g_strdup (name), x);
  return x;
}

/* What the weights say, else the usual. */
static CbamValue *
extra (CbamNet *net, guint e, CbamValue *x)
{
  const CbamNetworkSpec *network = &net->spec->network;
  g_autofree char *place = g_strdup_printf ("extras.%u", e);
  g_autofree char *reduce = g_strconcat (place, ".0", NULL);
  g_autofree char *spread = g_strconcat (place, ".2", NULL);
  g_autofree char *point = g_strconcat (place, ".4", NULL);
  const guint reduced = cbam_net_dim (net, reduce, 0, 0);
  const guint kernel = cbam_net_dim (net, spread, 2, USUAL_EXTRA_KERNEL);

  if (reduced > 0)
    x = conv (net, place, 0, &(CbamConvForm){ .input = x, .channels = reduced });
  x = conv (net, place, 2,
            &(CbamConvForm){ .input = x,
                             .kernel = kernel,
                             .stride = network->n_extras > 0 ? network->extras_stride[e] : 2,
                             .pad = network->n_extras > 0 ? network->extras_pad[e] : kernel / 2,
                             .depthwise = TRUE });
  return conv (net, place, 4, &(CbamConvForm){ .input = x, .channels = cbam_net_dim (net, point, 0, USUAL_EXTRA) });
}

/* NULL where the paper has no such size. */
static const Size *
find_size (CbamNet *net)
{
  const CbamNetworkSpec *network = &net->spec->network;

  if (!cbam_net_pads_symmetrically (net))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    if (sizes[i].width == network->width)
      return &sizes[i];
  cbam_graph_fail (net->graph, CBAM_ERROR_BAD_MODEL,
                   "network.width: expected one of 0.5, 1, 1.5, 2 with shufflenet_v2, found %g", network->width);
  return NULL;
}

static void
build (CbamNet *net, CbamValue *input)
{
  const guint n_extras = cbam_net_count_extras (net, N_TRUNK_SOURCES, N_EXTRAS);
  const Size *size = find_size (net);
  CbamValue *x = input;

  if (net->graph->error != NULL)
    return;
  x = conv (net, "conv1", 0, &(CbamConvForm){ .input = x, .channels = 24, .kernel = 3, .stride = 2, .pad = 1 });
  x = cbam_graph_max_pool (net->graph,
                           &(CbamPoolForm){ .name = "maxpool", .input = x, .kernel = 3, .stride = 2, .pad = 1 });
  for (guint s = 0; s < G_N_ELEMENTS (stages); s++)
    for (guint i = 0; i < stages[s].units && net->graph->error == NULL; i++) {
      g_autofree char *name = g_strdup_printf ("%s.%u", stages[s].name, i);

      x = unit (net, name, size->channels[s], i == 0 ? 2 : 1, x);
    }
  if (net->spec->task == CBAM_TASK_CLASSIFY)
    x = conv (net, "conv5", 0, &(CbamConvForm){ .input = x, .channels = size->last });
  for (guint e = 0; e < n_extras && net->graph->error == NULL; e++)
    x = extra (net, e, x);
}

static const char *const sources[] = {
  "stage2.3", "stage3.7", "stage4.3", "extras.0.4", "extras.1.4", "extras.2.4", "extras.3.4", "extras.4.4", NULL,
};

const CbamBackbone cbam_backbone_shufflenet_v2 = {
  .name = "shufflenet_v2",
  .build = build,
  .sources = sources,
  .end = "conv5.0",
};
