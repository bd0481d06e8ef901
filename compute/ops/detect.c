/* detect: the tail of one level. Decodes its boxes, turns logits into scores and lists what passes the threshold.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/detect.h"

#include <math.h>

#include "ops/shaders.h"
#include "run/reference/reference.h"

#define THREADS 64
#define MAX_LOG_SIZE 4.135166556742356 /* ln (1000 / 16), as torchvision: keeps a wild output finite */

static guint
count_priors (const CbamNode *node)
{
  return node->inputs[0]->width * node->inputs[0]->height * node->params.detect.per_cell;
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
  const CbamDetectNode *p = &node->params.detect;

  for (guint i = 0; i < count_priors (node); i++) {
    const CbamAnchor *anchor = &g_array_index (p->anchors, CbamAnchor, p->prior + i);

    *out++ = anchor->cx;
    *out++ = anchor->cy;
    *out++ = anchor->w;
    *out++ = anchor->h;
  }
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamDetectNode *p = &node->params.detect;
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
    .score = p->score == CBAM_SCORE_SIGMOID ? CBAM_DETECT_SIGMOID : CBAM_DETECT_SOFTMAX,
    .variance = { p->variances[0], p->variances[1], p->variances[2], p->variances[3] },
    .hits = p->hits,
    .boxes = p->boxes,
  };
  args->conf.origin += p->conf_channel / 4 * conf->view.plane;
  ret_dispatch->groups[0] = (loc->width * loc->height * parts + THREADS - 1) / THREADS;
  ret_dispatch->groups[1] = 1;
  ret_dispatch->groups[2] = 1;
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_detect_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_INPUT_1, CBAM_BIND_WEIGHTS, CBAM_BIND_FRAME, CBAM_BIND_BOXES,
                  CBAM_BIND_HITS },
    .args_size = sizeof (CbamDetectArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_detect_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_INPUT_1, CBAM_BIND_WEIGHTS, CBAM_BIND_RESULTS },
    .args_size = sizeof (CbamDetectArgs),
    .dispatch = dispatch },
};

/* ---- Truth ------------------------------------------------------------------------------------------------------ */

static void
decode (const CbamDetectNode *p, const double t[4], const CbamAnchor *a, float ret_box[4])
{
  const double cx = a->cx + t[0] * p->variances[0] * a->w, cy = a->cy + t[1] * p->variances[1] * a->h;
  const double w = a->w * exp (MIN (t[2] * p->variances[2], MAX_LOG_SIZE));
  const double h = a->h * exp (MIN (t[3] * p->variances[3], MAX_LOG_SIZE));

  ret_box[0] = (float) (cx - w / 2);
  ret_box[1] = (float) (cy - h / 2);
  ret_box[2] = (float) (cx + w / 2);
  ret_box[3] = (float) (cy + h / 2);
}

/* @logits of one prior, @stride floats apart. */
static double
score_of (CbamScore score, const float *logits, gsize stride, guint n, guint k)
{
  double largest = logits[0], sum = 0;

  if (score == CBAM_SCORE_SIGMOID)
    return 1 / (1 + exp (-logits[k * stride]));
  for (guint i = 1; i < n; i++)
    largest = MAX (largest, logits[i * stride]);
  for (guint i = 0; i < n; i++)
    sum += exp (logits[i * stride] - largest);
  return exp (logits[k * stride] - largest) / sum;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamDetectNode *p = &node->params.detect;
  const CbamValue *in = node->inputs[0];
  const gsize pixels = (gsize) in->width * in->height;
  const float *loc = cbam_reference_get (run, in);
  const float *conf = cbam_reference_get (run, node->inputs[1]) + p->conf_channel * pixels;

  for (gsize cell = 0; cell < pixels; cell++)
    for (guint anchor = 0; anchor < p->per_cell; anchor++) {
      const guint prior = p->prior + (guint) cell * p->per_cell + anchor;
      double t[4];

      for (guint i = 0; i < 4; i++)
        t[i] = loc[(anchor * 4 + i) * pixels + cell];
      decode (p, t, &g_array_index (p->anchors, CbamAnchor, prior), run->boxes[prior]);
      for (guint k = 0; k < p->n_classes; k++) {
        const CbamHit hit = {
          .score = (float) score_of (p->score, conf + anchor * p->n_classes * pixels + cell, pixels, p->n_classes, k),
          .prior_class = prior * p->n_classes + k,
        };

        if ((run->frame->reported[k / 32] & (1u << (k % 32))) == 0)
          continue;
        run->best_score = MAX (run->best_score, hit.score);
        if (hit.score > run->frame->threshold)
          g_array_append_val (run->hits, hit);
      }
    }
}

const CbamOpClass cbam_op_detect = {
  .name = "detect",
  .packed_size = packed_size,
  .pack = pack,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
