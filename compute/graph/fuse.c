/* Fusions: each is a rule that rewrites the list of nodes in place and can be switched off; the reference runs the
 * graph without any of them, which is how they are tested.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "graph/graph.h"

static gboolean
is_conv (const CbamNode *node)
{
  return node && (node->op == &cbam_op_conv || node->op == &cbam_op_depthwise);
}

/* The convolution whose output only @node reads, or NULL. */
static CbamNode *
sole_conv_before (CbamGraph *graph, const CbamNode *node)
{
  CbamNode *before = cbam_graph_find_writer (graph, node->inputs[0]);

  if (!is_conv (before) || cbam_graph_count_readers (graph, before->output) != 1)
    return NULL;
  return before;
}

static gboolean
has_activation (const CbamNode *conv)
{
  return conv->params.conv.lo != -INFINITY || conv->params.conv.hi != INFINITY;
}

static CbamParam *
bias_of (CbamGraph *graph, CbamNode *conv)
{
  const CbamParam *weight = conv->params.conv.weight;
  CbamParam *bias = conv->params.conv.bias;
  g_autofree char *name = NULL;

  if (bias)
    return bias;
  name = g_strconcat (conv->name, ".bias", NULL);
  bias = conv->params.conv.bias = cbam_graph_add_param (graph, name, 1, weight->dims);
  bias->values = g_new0 (float, bias->n);
  return bias;
}

/* y = (Wx + b - mean) * gamma / sqrt (variance + eps) + beta is again a convolution. */
static gboolean
fold_batch_norm (CbamGraph *graph, CbamNode *node)
{
  const CbamBatchNormParams *norm = &node->params.batch_norm;
  CbamNode *conv;
  CbamParam *weight, *bias;

  if (node->op != &cbam_op_batch_norm)
    return FALSE;
  conv = sole_conv_before (graph, node);
  if (!conv || has_activation (conv))
    return FALSE;
  weight = conv->params.conv.weight;
  bias = bias_of (graph, conv);
  for (gsize c = 0; c < weight->dims[0]; c++) {
    const double scale = norm->gamma->values[c] / sqrt (norm->variance->values[c] + norm->eps);
    const gsize row = weight->n / weight->dims[0];

    for (gsize i = 0; i < row; i++)
      weight->values[c * row + i] = (float) (weight->values[c * row + i] * scale);
    bias->values[c] = (float) ((bias->values[c] - norm->mean->values[c]) * scale + norm->beta->values[c]);
  }
  conv->output = node->output;
  return TRUE;
}

static gboolean
fuse_activation (CbamGraph *graph, CbamNode *node)
{
  CbamNode *conv;

  if (node->op != &cbam_op_activation)
    return FALSE;
  conv = sole_conv_before (graph, node);
  if (!conv || has_activation (conv))
    return FALSE;
  conv->params.conv.lo = node->params.activation.lo;
  conv->params.conv.hi = node->params.activation.hi;
  conv->output = node->output;
  return TRUE;
}

/* Rows of @a, then rows of @b. Either may be NULL: zeros. */
static float *
concatenate (const CbamParam *a, gsize n_a, const CbamParam *b, gsize n_b)
{
  float *values = g_new0 (float, n_a + n_b);

  if (a)
    memcpy (values, a->values, n_a * sizeof (float));
  if (b)
    memcpy (values + n_a, b->values, n_b * sizeof (float));
  return values;
}

static gboolean
same_shape_of_conv (const CbamNode *a, const CbamNode *b)
{
  const CbamConvParams *p = &a->params.conv, *q = &b->params.conv;

  return a->op == &cbam_op_conv && b->op == &cbam_op_conv && a->inputs[0] == b->inputs[0] && p->kernel == q->kernel &&
         p->stride == q->stride && p->dilation == q->dilation && p->pad_left == q->pad_left &&
         p->pad_top == q->pad_top && p->lo == q->lo && p->hi == q->hi;
}

/* The loc and conf convolutions of a level become one: its loc rows first, so that loc stays one texel per anchor. */
static gboolean
merge_heads (CbamGraph *graph, CbamNode *node)
{
  CbamNode *loc, *conf;
  CbamConvParams params;
  g_autofree char *name = NULL;
  CbamTensor *output;
  gsize dims[4];
  gsize n_loc;

  if (node->op != &cbam_op_detect || node->inputs[0] == node->inputs[1])
    return FALSE;
  loc = cbam_graph_find_writer (graph, node->inputs[0]);
  conf = cbam_graph_find_writer (graph, node->inputs[1]);
  if (!loc || !conf || !same_shape_of_conv (loc, conf) || loc->output->channels % 4 != 0 ||
      cbam_graph_count_readers (graph, loc->output) != 1 || cbam_graph_count_readers (graph, conf->output) != 1)
    return FALSE;

  name = g_strconcat (loc->name, "+", conf->name, NULL);
  params = loc->params.conv;
  n_loc = params.weight->dims[0];
  memcpy (dims, params.weight->dims, sizeof dims);
  dims[0] += conf->params.conv.weight->dims[0];
  params.weight = cbam_graph_add_param (graph, name, 4, dims);
  params.weight->values = concatenate (loc->params.conv.weight, loc->params.conv.weight->n, conf->params.conv.weight,
                                       conf->params.conv.weight->n);
  params.bias = cbam_graph_add_param (graph, name, 1, dims);
  params.bias->values = concatenate (loc->params.conv.bias, n_loc, conf->params.conv.bias, dims[0] - n_loc);

  output = cbam_graph_add_tensor (graph, name, loc->output->width, loc->output->height, (guint) dims[0]);
  node->inputs[0] = node->inputs[1] = output;
  node->params.detect.conf_channel = (guint) n_loc;
  /* loc computes both from where conf stood, the later of the two; the other node goes. */
  g_free (conf->name);
  conf->name = g_steal_pointer (&name);
  conf->params.conv = params;
  conf->output = output;
  g_ptr_array_remove (graph->nodes, loc);
  return FALSE; /* @node itself stays */
}

/* Returns TRUE when @node has become part of another and goes. */
typedef gboolean (*Rule) (CbamGraph *graph, CbamNode *node);

static const struct
{
  CbamFusions flag;
  Rule apply;
} rules[] = {
  { CBAM_FUSE_BATCH_NORM, fold_batch_norm },
  { CBAM_FUSE_ACTIVATION, fuse_activation },
  { CBAM_FUSE_HEADS, merge_heads },
};

void
cbam_graph_fuse (CbamGraph *graph, CbamFusions fusions)
{
  for (guint r = 0; r < G_N_ELEMENTS (rules); r++) {
    if (!(fusions & rules[r].flag))
      continue;
    for (guint n = 0; n < graph->nodes->len; n++) {
      CbamNode *node = g_ptr_array_index (graph->nodes, n);
      const gboolean gone = rules[r].apply (graph, node);

      g_ptr_array_find (graph->nodes, node, &n); /* a rule may have removed nodes before it */
      if (gone)
        g_ptr_array_remove_index (graph->nodes, n--);
    }
  }
}
