/* Self-attention in two phases: keys are transposed, so that those of all places follow each other channel by
 * channel; then every part makes rows of places.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/attend.h"

#include "run/host/private.h"

static gboolean
prepare (CbamHostStep *step, GError **error)
{
  const CbamValue *keys = step->node->inputs[1], *out = step->node->outputs[0];
  const gsize places = (gsize) out->width * out->height;
  CbamLoopAttend *attend = step->state = g_new (CbamLoopAttend, 1);

  *attend = (CbamLoopAttend){
    .places = places,
    .stride = (places + CBAM_LOOP_LANES - 1) / CBAM_LOOP_LANES * CBAM_LOOP_LANES,
    .depth = keys->channels,
    .channels = out->channels,
    .gamma = cbam_attend_params (step->node)->gamma->values[0],
  };
  cbam_host_need_shared (step, attend->stride * attend->depth * out->batch);
  cbam_host_need_scratch (step, attend->stride * CBAM_LOOP_PLACES);
  cbam_host_divide_rows (step, (double) out->width * (double) places * (keys->channels + out->channels));
  step->parts[1] = step->parts[0];
  step->parts[0] = out->batch;
  return TRUE;
}

static void
transpose (float *to, const float *keys, const CbamLoopAttend *attend)
{
  for (guint d = 0; d < attend->depth; d++, to += attend->stride)
    for (gsize i = 0; i < attend->stride; i++)
      to[i] = i < attend->places ? keys[i * attend->depth + d] : 0;
}

static gboolean
run (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamLoopAttend *attend = task->step->state;
  const gsize size = attend->stride * attend->depth;
  float *shared = task->stage->shared;

  if (task->phase == 0) {
    transpose (shared + task->part * size, cbam_host_map (task, node->inputs[1], task->part), attend);
    return TRUE;
  }
  const CbamHostRows rows = cbam_host_rows (task);
  const gsize width = node->outputs[0]->width, first = rows.first * width;

  task->step->program->loops->attend (cbam_host_map (task, node->outputs[0], rows.image) + first * attend->channels,
                                      cbam_host_map (task, node->inputs[0], rows.image) + first * attend->depth,
                                      shared + rows.image * size, cbam_host_map (task, node->inputs[2], rows.image),
                                      attend, (rows.end - rows.first) * width, cbam_host_scratch (task));
  return TRUE;
}

const CbamHostKernel cbam_host_attend = { .name = "loops", .op = &cbam_op_attend, .prepare = prepare, .run = run };
