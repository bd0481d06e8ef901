/* Copies the attention maps that a slot kept, and runs Grad-CAM, when a result asks for them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "explain.h"

#include <math.h>

#include "result.h"

/* The network's whole input lies over the frame like this. */
static CbamMap
place_map (const CbamModel *model, const CbamFlight *flight, const CbamValue *cells, const float *values)
{
  const CbamLevels *levels = cbam_levels_of (model->program->plan->graph);
  const CbamFrameArgs *frame = (const CbamFrameArgs *) cbam_slot_get (flight->slot, levels->block) + flight->image;

  return (CbamMap){
    .width = cells->width,
    .height = cells->height,
    .values = values,
    .x = frame->shift_x,
    .y = frame->shift_y,
    .frame_width = (float) model->spec->input.width * frame->scale_x,
    .frame_height = (float) model->spec->input.height * frame->scale_y,
  };
}

/* ---- Attention -------------------------------------------------------------------------------------------------- */

static float *
read_gate (const CbamFlight *flight, const CbamGate *gate)
{
  const CbamValue *map = gate->map;
  gsize n;
  float *values;

  if (map == NULL)
    return NULL;
  n = (gsize) map->width * map->height * map->channels;
  values = g_new (float, n);
  cbam_value_read_image (map, cbam_slot_get (flight->slot, map), flight->image, values);
  for (gsize i = 0; gate->is_logit && i < n; i++)
    values[i] = (float) (1 / (1 + exp (-(double) values[i])));
  return values;
}

void
cbam_explain_attention (const CbamModel *model, const CbamFlight *flight, CbamResult *result)
{
  const CbamLevels *levels = cbam_levels_of (model->program->plan->graph);

  for (guint l = 0; l < levels->n_levels; l++) {
    const CbamLevel *level = &levels->levels[l];
    CbamAttention *attention;
    CbamMap *spatial;

    if (level->channel.map == NULL && level->spatial.map == NULL)
      continue;
    if (result->attention == NULL) {
      result->attention = g_new0 (CbamAttention, levels->n_levels);
      result->spatial = g_new0 (CbamMap, levels->n_levels);
    }
    spatial = &result->spatial[result->n_attention];
    attention = &result->attention[result->n_attention++];
    attention->level = l;
    attention->channel = read_gate (flight, &level->channel);
    attention->n_channels = level->channel.map != NULL ? level->channel.map->channels : 0;
    *spatial = place_map (model, flight, level->features, read_gate (flight, &level->spatial));
    attention->spatial = level->spatial.map != NULL ? spatial : NULL;
  }
}

/* ---- Grad-CAM --------------------------------------------------------------------------------------------------- */

static CbamGradCamTarget
find_target (const CbamLevels *levels, guint32 prior, guint class_id)
{
  CbamGradCamTarget target = { .n_classes = levels->n_classes, .class_id = class_id };
  const CbamLevel *level = &levels->levels[0];
  const CbamDetectOpParams *p;
  guint cell, anchor;

  while (level + 1 < levels->levels + levels->n_levels && prior >= level[1].prior)
    level++;
  p = cbam_detect_params (level->detect);
  cell = (prior - level->prior) / level->per_cell;
  anchor = (prior - level->prior) % level->per_cell;
  target.name = level->detect->name;
  target.features = level->evidence;
  target.conf = level->detect->inputs[1];
  target.first_conf = p->conf_channel + anchor * levels->n_classes;
  target.softmax = !p->sigmoid;
  target.row = cell / level->features->width;
  target.column = cell % level->features->width;
  return target;
}

/* Nothing that speaks for the class leaves zeros. */
static void
normalise (float *values, gsize n)
{
  float largest = 0;

  for (gsize i = 0; i < n; i++)
    largest = MAX (largest, values[i]);
  for (gsize i = 0; largest > 0 && i < n; i++)
    values[i] /= largest;
}

/* Explains score number @result->n_grad_cam, for which there is room. */
static gboolean
explain (const CbamModel *model, const CbamFlight *flight, CbamGradCamTarget target, CbamResult *result, GError **error)
{
  const gsize cells = (gsize) target.features->width * target.features->height;
  float *values = g_new (float, cells);

  target.image = flight->image;
  result->grad_cam[result->n_grad_cam++] = place_map (model, flight, target.features, values);
  if (!cbam_slot_explain (flight->slot, &target, values, error))
    return FALSE;
  normalise (values, cells);
  return TRUE;
}

gboolean
cbam_explain_detections (const CbamModel *model, const CbamFlight *flight, const guint32 *priors, CbamResult *result,
                         GError **error)
{
  const gsize wanted = MIN (flight->params.grad_cam, result->n_detections);

  result->grad_cam = g_new0 (CbamMap, wanted);
  for (gsize i = 0; i < wanted; i++) {
    const CbamGradCamTarget target =
        find_target (cbam_levels_of (model->program->plan->graph), priors[i], result->detections[i].class_id);

    if (!explain (model, flight, target, result, error))
      return FALSE;
  }
  return TRUE;
}

/* A score is linear in the mean of the evidence, so that all places count alike: to Grad-CAM's closed form the scores
 * are those of a 1x1 convolution at one cell. */
gboolean
cbam_explain_classes (const CbamModel *model, const CbamFlight *flight, CbamResult *result, GError **error)
{
  const CbamLevels *levels = cbam_levels_of (model->program->plan->graph);
  const gsize wanted = levels->scores->keepable ? MIN (flight->params.grad_cam, result->n_classes) : 0;

  result->grad_cam = g_new0 (CbamMap, wanted);
  for (gsize i = 0; i < wanted; i++) {
    const CbamGradCamTarget target = {
      .name = levels->scores->name,
      .features = levels->evidence,
      .conf = levels->scores,
      .n_classes = levels->n_classes,
      .class_id = result->classes[i].class_id,
      .softmax = model->spec->output.score == CBAM_SCORE_SOFTMAX,
    };

    if (!explain (model, flight, target, result, error))
      return FALSE;
  }
  return TRUE;
}
