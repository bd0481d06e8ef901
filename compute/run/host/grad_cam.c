/* Grad-CAM on the host: plain C, of one score at a time, over what the slot has kept. shaders/grad_cam.comp says what
 * is computed and why.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <math.h>

#include "ops/conv.h"
#include "ops/detect.h"

/* The convolution that makes @conf; NULL = there is none. */
static const CbamNode *
find_head (const CbamPlan *plan, const CbamValue *conf)
{
  for (guint s = 0; s < plan->n_steps; s++)
    if (plan->steps[s].node->outputs[0] == conf && plan->steps[s].node->op == &cbam_op_conv)
      return plan->steps[s].node;
  return NULL;
}

/* The scores that a detector's tail @node reads, or those of a classifier, which the host reads; else NULL. */
static const CbamValue *
find_scores (const CbamNode *node)
{
  const CbamValue *output = node->outputs[0];

  if (node->op == &cbam_op_detect)
    return node->inputs[1];
  return output->keepable && (output->host & CBAM_HOST_READS) != 0 ? output : NULL;
}

gboolean
cbam_host_grad_cam_reads (const CbamPlan *plan, const CbamParam *param)
{
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamValue *scores = find_scores (plan->steps[s].node);
    const CbamNode *head = scores != NULL ? find_head (plan, scores) : NULL;

    if (head != NULL && cbam_conv_params (head)->weight == param)
      return TRUE;
  }
  return FALSE;
}

/* How much each class's weights count: the class itself 1, less all classes by their probabilities. */
static void
weigh_classes (const CbamGradCamTarget *target, const float *logits, double *factors)
{
  double largest = logits[0], sum = 0;

  for (guint k = 0; k < target->n_classes; k++)
    largest = MAX (largest, logits[k]);
  for (guint k = 0; k < target->n_classes; k++)
    sum += exp (logits[k] - largest);
  for (guint k = 0; k < target->n_classes; k++)
    factors[k] = (k == target->class_id) - (target->softmax ? exp (logits[k] - largest) / sum : 0);
}

/* What the score gains by channel @channel at the taps that lie inside of the map. */
static double
weigh_channel (const CbamGradCamTarget *target, const CbamConvParams *head, const double *factors, guint channel)
{
  const guint kernel = head->kernel_width, pad = kernel / 2;
  double total = 0;

  for (guint tap = 0; tap < kernel * kernel; tap++) {
    const gint row = (gint) (target->row + tap / kernel) - (gint) pad;
    const gint column = (gint) (target->column + tap % kernel) - (gint) pad;

    if (row < 0 || row >= (gint) target->features->height || column < 0 || column >= (gint) target->features->width)
      continue;
    for (guint k = 0; k < target->n_classes; k++)
      total +=
          factors[k] *
          head->weight
              ->values[((gsize) (target->first_conf + k) * head->weight->dims[1] + channel) * kernel * kernel + tap];
  }
  return total;
}

gboolean
cbam_host_slot_explain (CbamSlot *base, const CbamGradCamTarget *target, float *values, GError **error)
{
  const CbamHostSlot *slot = (const CbamHostSlot *) base;
  const CbamNode *head = find_head (base->program->plan, target->conf);
  const CbamValue *features = target->features, *conf = target->conf;
  const gsize cell = (gsize) target->row * features->width + target->column;

  if (head == NULL || slot->kept == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "Grad-CAM: %s has no convolution that makes its scores",
                 target->name);
    return FALSE;
  }
  const float *x = cbam_host_slot_get_kept (slot, features) + cbam_host_frame (features) * target->image;
  const float *scores = cbam_host_slot_get_kept (slot, conf) + cbam_host_frame (conf) * target->image;
  g_autofree double *factors = g_new (double, target->n_classes), *alpha = g_new (double, features->channels);

  weigh_classes (target, scores + cell * conf->channels + target->first_conf, factors);
  for (guint c = 0; c < features->channels; c++)
    alpha[c] = weigh_channel (target, cbam_conv_params (head), factors, c);
  for (gsize i = 0; i < (gsize) features->width * features->height; i++, x += features->channels) {
    double evidence = 0;

    for (guint c = 0; c < features->channels; c++)
      evidence += alpha[c] * x[c];
    values[i] = (float) MAX (evidence, 0);
  }
  return TRUE;
}
