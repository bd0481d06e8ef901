/* detect: the tail of one level. Decodes its boxes, turns logits into scores and lists what passes the threshold.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/detect.h"

#include "args/detect.h"
#include "args/frame.h"

#include <math.h>
#include <string.h>

#include "ops/conv.h"
#include "ops/shaders.h"

static guint
count_priors (const CbamNode *node)
{
  return node->inputs[0]->width * node->inputs[0]->height * cbam_detect_params (node)->per_cell;
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) count_priors (node) * 4;
}

/* The level's anchors, one texel each. */
static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const CbamDetectOpParams *p = cbam_detect_params (node);

  for (guint i = 0; i < count_priors (node); i++) {
    memcpy (out + 4 * i, p->anchors + 4 * (p->prior + i), 4 * sizeof (float));
  }
}

/* Places in the picture, for which 11 digits are too few. */
static const CbamPacking packing = { packed_size, pack, .exact = TRUE };

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamDetectOpParams *p = cbam_detect_params (node);
  const CbamValue *loc = node->inputs[0], *conf = node->inputs[1];
  /* A cell's boxes, then its anchors' classes in chunks. */
  const guint parts = p->per_cell * (1 + (p->n_classes + CBAM_DETECT_CHUNK - 1) / CBAM_DETECT_CHUNK);
  CbamDetectArgs *args = (CbamDetectArgs *) ret_dispatch->args;

  *args = (CbamDetectArgs){
    .loc = loc->view,
    .conf = conf->view,
    .width = loc->width,
    .height = loc->height,
    .per_cell = p->per_cell,
    .n_classes = p->n_classes,
    .prior = p->prior,
    .score = p->sigmoid ? CBAM_DETECT_SIGMOID : CBAM_DETECT_SOFTMAX,
    .variance = { p->variances[0], p->variances[1], p->variances[2], p->variances[3] },
    .parameters = sizeof (CbamFrameArgs) / sizeof (uint),
    .hits = p->hits,
    .boxes = p->boxes,
    .results = p->results,
    .bins = p->bins,
  };
  args->conf.origin += p->conf_channel / 4 * conf->view.plane;
  ret_dispatch->groups[0] = (loc->width * loc->height * parts + CBAM_THREADS - 1) / CBAM_THREADS;
  ret_dispatch->groups[1] = 1;
  ret_dispatch->constant = p->bins > 0 ? CBAM_DETECT_DISTRIBUTION : CBAM_DETECT_OFFSETS;
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_detect_texel,
    .needs = CBAM_NEED_TEXELS,
    .args_size = sizeof (CbamDetectArgs),
    .packing = &packing,
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_detect_plain,
    .args_size = sizeof (CbamDetectArgs),
    .packing = &packing,
    .dispatch = dispatch },
  { .name = "half",
    .shader = &cbam_shader_detect_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamDetectArgs),
    .packing = &packing,
    .dispatch = dispatch },
};

/* ---- Truth ------------------------------------------------------------------------------------------------------ */

static void
decode_offsets (const CbamDetectOpParams *p, const double t[4], const float a[4], float ret_box[4])
{
  const double cx = a[0] + t[0] * p->variances[0] * a[2], cy = a[1] + t[1] * p->variances[1] * a[3];
  const double w = a[2] * exp (MIN (t[2] * p->variances[2], CBAM_DETECT_MAX_LOG_SIZE));
  const double h = a[3] * exp (MIN (t[3] * p->variances[3], CBAM_DETECT_MAX_LOG_SIZE));

  ret_box[0] = (float) (cx - w / 2);
  ret_box[1] = (float) (cy - h / 2);
  ret_box[2] = (float) (cx + w / 2);
  ret_box[3] = (float) (cy + h / 2);
}

/* The mean of the numbers of @n bins, each as likely as the softmax of @logits, @stride floats apart, says. */
static double
expected_bin (const float *logits, gsize stride, guint n)
{
  double largest = logits[0], sum = 0, weighed = 0;

  for (guint i = 1; i < n; i++)
    largest = MAX (largest, logits[i * stride]);
  for (guint i = 0; i < n; i++) {
    const double likely = exp (logits[i * stride] - largest);

    sum += likely;
    weighed += likely * i;
  }
  return weighed / sum;
}

/* @d: distances of the sides from the anchor's centre, in units. */
static void
decode_distances (const CbamDetectOpParams *p, const double d[4], const float a[4], float ret_box[4])
{
  const double unit_x = (double) p->variances[2] * a[2], unit_y = (double) p->variances[3] * a[3];

  ret_box[0] = (float) (a[0] - d[0] * unit_x);
  ret_box[1] = (float) (a[1] - d[1] * unit_y);
  ret_box[2] = (float) (a[0] + d[2] * unit_x);
  ret_box[3] = (float) (a[1] + d[3] * unit_y);
}

/* @loc: the first of an anchor's rows, @stride floats apart. */
static void
decode_box (const CbamDetectOpParams *p, const float *loc, gsize stride, const float anchor[4], float ret_box[4])
{
  double sides[4];

  for (guint i = 0; i < 4; i++)
    sides[i] = p->bins > 0 ? expected_bin (loc + i * p->bins * stride, stride, p->bins) : loc[i * stride];
  if (p->bins > 0)
    decode_distances (p, sides, anchor, ret_box);
  else
    decode_offsets (p, sides, anchor, ret_box);
}

/* @logits of one prior, @stride floats apart. */
static double
score_of (gboolean sigmoid, const float *logits, gsize stride, guint n, guint k)
{
  double largest = logits[0], sum = 0;

  if (sigmoid)
    return 1 / (1 + exp (-logits[k * stride]));
  for (guint i = 1; i < n; i++)
    largest = MAX (largest, logits[i * stride]);
  for (guint i = 0; i < n; i++)
    sum += exp (logits[i * stride] - largest);
  return exp (logits[k * stride] - largest) / sum;
}

/* The list that an image's scores go to. */
static void
append_hit (guint32 *list, float score, guint prior_class)
{
  const CbamHit hit = { score, prior_class };

  memcpy (list + 2 + 2 * list[0], &hit, sizeof hit);
  list[0]++;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamDetectOpParams *p = cbam_detect_params (node);
  const CbamValue *in = node->inputs[0];
  const gsize pixels = (gsize) in->width * in->height;
  const float *loc = cbam_reference_get (run, in);
  const float *conf = cbam_reference_get (run, node->inputs[1]) + p->conf_channel * pixels;
  guint8 *block = cbam_reference_get_bytes (run, node->outputs[0]);
  const CbamFrameArgs *frame = (const CbamFrameArgs *) block + cbam_reference_get_image (run);
  guint32 *words = (guint32 *) block + p->results * cbam_reference_get_image (run);
  float (*boxes)[4] = (float (*)[4]) (words + p->boxes);
  float *best_score = (float *) (words + p->hits + 1);

  for (gsize cell = 0; cell < pixels; cell++)
    for (guint anchor = 0; anchor < p->per_cell; anchor++) {
      const guint prior = p->prior + (guint) cell * p->per_cell + anchor;

      decode_box (p, loc + anchor * cbam_detect_loc_rows (p->bins) * pixels + cell, pixels, p->anchors + 4 * prior,
                  boxes[prior]);
      for (guint k = 0; k < p->n_classes; k++) {
        const float score =
            (float) score_of (p->sigmoid, conf + anchor * p->n_classes * pixels + cell, pixels, p->n_classes, k);

        if ((frame->reported[k / CBAM_CLASSES_PER_WORD] & (1u << (k % CBAM_CLASSES_PER_WORD))) == 0)
          continue;
        *best_score = MAX (*best_score, score);
        if (score > frame->threshold)
          append_hit (words + p->hits, score, prior * p->n_classes + k);
      }
    }
}

CbamNode *
cbam_graph_detect (CbamGraph *graph, const char *name, CbamValue *loc, CbamValue *conf, CbamValue *block,
                   const CbamDetectOpParams *params)
{
  CbamNode *node;

  if (graph->error != NULL)
    return NULL;
  block->accumulates = TRUE;
  node = cbam_graph_add_node (graph, &cbam_op_detect, name, params, loc, block);
  node->inputs[node->n_inputs++] = conf;
  return node;
}

/* Rows of @a, then rows of @b. Either may be NULL: zeros. */
static float *
concatenate (const CbamParam *a, gsize n_a, const CbamParam *b, gsize n_b)
{
  float *values = g_new0 (float, n_a + n_b);

  if (a != NULL)
    memcpy (values, a->values, n_a * sizeof (float));
  if (b != NULL)
    memcpy (values + n_a, b->values, n_b * sizeof (float));
  return values;
}

static gboolean
same_shape_of_conv (const CbamNode *a, const CbamNode *b)
{
  const CbamConvParams *p = cbam_conv_params (a), *q = cbam_conv_params (b);

  return a->op == &cbam_op_conv && b->op == &cbam_op_conv && a->inputs[0] == b->inputs[0] &&
         p->kernel_width == q->kernel_width && p->stride == q->stride && p->dilation == q->dilation &&
         p->pad_left == q->pad_left && p->pad_top == q->pad_top && cbam_activation_is_none (&p->activation) &&
         cbam_activation_is_none (&q->activation);
}

/* The loc and conf convolutions of a level become one: its loc rows first, so that loc stays one texel per anchor. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  CbamDetectOpParams *p = node->params;
  CbamNode *loc, *conf;
  CbamConvParams params;
  g_autofree char *name = NULL;
  CbamValue *output;
  gsize dims[4];
  gsize n_loc;

  if (node->op != &cbam_op_detect || node->inputs[0] == node->inputs[1])
    return CBAM_FUSION_NOTHING;
  loc = cbam_graph_find_writer (graph, node->inputs[0]);
  conf = cbam_graph_find_writer (graph, node->inputs[1]);
  if (loc == NULL || conf == NULL || !same_shape_of_conv (loc, conf) || loc->outputs[0]->channels % 4 != 0 ||
      cbam_graph_count_readers (graph, loc->outputs[0]) != 1 || cbam_graph_count_readers (graph, conf->outputs[0]) != 1)
    return CBAM_FUSION_NOTHING;

  name = g_strconcat (loc->name, "+", conf->name, NULL);
  params = *cbam_conv_params (loc);
  n_loc = params.weight->dims[0];
  memcpy (dims, params.weight->dims, sizeof dims);
  dims[0] += cbam_conv_params (conf)->weight->dims[0];
  params.weight = cbam_graph_add_param (graph, name, 4, dims);
  params.weight->values = concatenate (cbam_conv_params (loc)->weight, cbam_conv_params (loc)->weight->n,
                                       cbam_conv_params (conf)->weight, cbam_conv_params (conf)->weight->n);
  params.bias = cbam_graph_add_param (graph, name, 1, dims);
  params.bias->values =
      concatenate (cbam_conv_params (loc)->bias, n_loc, cbam_conv_params (conf)->bias, dims[0] - n_loc);

  output = cbam_graph_add_value (graph, name, loc->outputs[0]->width, loc->outputs[0]->height, (guint) dims[0]);
  output->keepable = conf->outputs[0]->keepable;
  node->inputs[0] = node->inputs[1] = output;
  p->conf_channel = (guint) n_loc;
  /* loc computes both from where conf stood, the later of the two; the other node goes. */
  g_free (conf->name);
  conf->name = g_steal_pointer (&name);
  *cbam_conv_params (conf) = params;
  conf->outputs[0] = output;
  cbam_graph_remove_node (graph, loc);
  return CBAM_FUSION_CHANGED;
}

const CbamOpClass cbam_op_detect = {
  .name = "detect",
  .params_size = sizeof (CbamDetectOpParams),
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_HEADS,
  .fuse = fuse,
};
