/* StairNet's feature combining module (Woo, Hwang, Kweon 2018, arXiv 1709.05788): what coarse maps know is stepped down
 * into the finer ones.
 *
 *     source n (coarsest) -> lateral ------------------------> T_n -> post -> features n
 *                                                               | step up
 *     source l            -> lateral -> + <--------------------'
 *                                       T_l -> post -> features l,  and so on to source 0 (finest)
 *
 * After its second author's code (SoonminHwang/ssd.pytorch): laterals 1x1 without activation, steps by transposed 3x3
 * convolutions, a plain sum, a convolution with ReLU (or what the document says) after it. Which batch norms there are,
 * how the steps and the last convolutions are made, is what the tensors say. His lists run from coarse to fine.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

#define USUAL_CHANNELS 256

/* A name under "topdown.": list, number, layer. */
static char *
name_of (const char *list, guint j, const char *layer)
{
  return g_strdup_printf ("topdown.%s.%u.%s", list, j, layer);
}

static CbamValue *
norm (CbamNet *net, const char *list, guint j, const char *layer, CbamValue *x)
{
  g_autofree char *name = name_of (list, j, layer);

  return cbam_graph_batch_norm (net->graph, name, x, net->spec->network.bn_eps);
}

static CbamValue *
lateral (CbamNet *net, guint source)
{
  const guint j = net->n_sources - 1 - source;
  g_autofree char *name = name_of ("proj_layers", j, "conv");
  CbamValue *x;

  x = cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name,
                                                    .input = net->sources[source],
                                                    .channels = cbam_net_dim (net, name, 0, USUAL_CHANNELS) });
  return norm (net, "proj_layers", j, "bn", x);
}

/* Along one axis: twice as large, or one pixel less, by a stride of 2; two pixels larger (1 -> 3) by a stride of 1. */
static void
find_stride (guint coarse, guint fine, guint *ret_stride, guint *ret_pad)
{
  const gboolean doubles = fine == 2 * coarse || fine + 1 == 2 * coarse;

  *ret_stride = doubles ? 2 : 1;
  *ret_pad = doubles ? 1 : 0;
}

static CbamValue *
deconv (CbamNet *net, guint j, CbamValue *x, const CbamValue *fine)
{
  g_autofree char *name = name_of ("topdown_layers", j, "upsample");
  CbamDeconvForm form = { .name = name, .input = x, .channels = x->channels, .width = fine->width };

  form.height = fine->height;
  form.kernel = cbam_net_dim (net, name, 2, 3);
  form.depthwise = x->channels > 1 && cbam_net_dim (net, name, 1, x->channels) == 1;
  find_stride (x->width, fine->width, &form.up_x, &form.pad_x);
  find_stride (x->height, fine->height, &form.up_y, &form.pad_y);
  x = cbam_graph_deconv (net->graph, &form);
  return norm (net, "topdown_layers", j, "bn", x);
}

static CbamValue *
step_up (CbamNet *net, guint level, CbamValue *x)
{
  const CbamValue *fine = net->sources[level];
  const guint j = net->n_sources - 2 - level;
  const CbamUpsample upsample = net->spec->network.upsample;
  g_autofree char *name = name_of ("topdown_layers", j, "upsample");

  if (upsample == CBAM_UPSAMPLE_DECONV)
    return deconv (net, j, x, fine);
  return cbam_graph_resize (net->graph, name, x, fine->width, fine->height, upsample == CBAM_UPSAMPLE_BILINEAR);
}

/* One convolution of a post: its batch norm and activation follow. */
static CbamValue *
post_conv (CbamNet *net, guint j, const char *layer, const char *layer_norm, CbamValue *x, gboolean depthwise)
{
  g_autofree char *name = name_of ("extra_layers", j, layer);
  const guint kernel = cbam_net_dim (net, name, 2, depthwise ? 3 : 1);

  x = cbam_graph_conv (net->graph, &(CbamConvForm){ .name = name,
                                                    .input = x,
                                                    .channels = cbam_net_dim (net, name, 0, x->channels),
                                                    .kernel = kernel,
                                                    .pad = kernel / 2,
                                                    .depthwise = depthwise });
  x = norm (net, "extra_layers", j, layer_norm, x);
  return cbam_graph_activate (net->graph, x, &net->spec->network.post_activation);
}

/* Depthwise and 1x1 convolutions, as often as there are tensors; @x itself where there are none. The first have no
 * number in their names. */
static CbamValue *
separable_post (CbamNet *net, guint j, CbamValue *x)
{
  for (guint b = 0; net->graph->error == NULL; b++) {
    g_autofree char *number = b > 0 ? g_strdup_printf ("%u.", b) : g_strdup ("");
    g_autofree char *depthwise = g_strconcat (number, "dw.conv", NULL);
    g_autofree char *depthwise_norm = g_strconcat (number, "dw.bn", NULL);
    g_autofree char *pointwise = g_strconcat (number, "pw.conv", NULL);
    g_autofree char *pointwise_norm = g_strconcat (number, "pw.bn", NULL);
    g_autofree char *name = name_of ("extra_layers", j, depthwise);

    if (cbam_net_dim (net, name, 0, 0) == 0)
      break;
    x = post_conv (net, j, depthwise, depthwise_norm, x, TRUE);
    if (net->graph->error == NULL)
      x = post_conv (net, j, pointwise, pointwise_norm, x, FALSE);
  }
  return x;
}

/* What makes a sum the features of its level: nothing, a convolution, or separable ones. */
static CbamValue *
post (CbamNet *net, guint level, CbamValue *x)
{
  const guint j = net->spec->network.levels - 1 - level;
  g_autofree char *conv = name_of ("extra_layers", j, "conv");
  CbamValue *separable;

  if (net->graph->error != NULL)
    return x;
  separable = separable_post (net, j, x);
  if (separable != x)
    return separable;
  if (cbam_net_dim (net, conv, 0, 0) > 0)
    return post_conv (net, j, "conv", "bn", x, FALSE);
  return net->spec->network.sum_relu ? cbam_graph_activation (net->graph, x, CBAM_ACTIVATION_RELU) : x;
}

static void
build (CbamNet *net)
{
  CbamValue *sums[CBAM_MAX_LEVELS], *above = NULL;

  for (guint l = net->n_sources; l-- > 0 && net->graph->error == NULL;) {
    g_autofree char *name = g_strdup_printf ("topdown.sum.%u", l);
    CbamValue *stepped = above != NULL ? step_up (net, l, above) : NULL;

    /* The lateral comes last, so that it can take the sum along. */
    above = lateral (net, l);
    if (stepped != NULL)
      above = cbam_graph_add (net->graph, name, stepped, above);
    sums[l] = above;
  }
  for (guint l = 0; net->graph->error == NULL && l < net->spec->network.levels; l++)
    net->levels->levels[l].features = post (net, l, sums[l]);
}

const CbamNeck cbam_neck_stairnet = {
  .name = "stairnet",
  .build = build,
  .seeds = TRUE,
};
