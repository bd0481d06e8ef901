/* Ops that make each number, or each pixel, of what lies at the same place.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <math.h>
#include <string.h>

#include "ops/activation.h"
#include "ops/add.h"
#include "ops/batch_norm.h"
#include "ops/concat.h"
#include "ops/l2_norm.h"
#include "ops/multiply.h"
#include "ops/shuffle.h"
#include "ops/sigmoid.h"
#include "ops/slice.h"
#include "ops/turn.h"

/* The numbers of a part's rows. */
static gsize
count_numbers (const CbamHostTask *task, CbamHostRows rows)
{
  const CbamValue *out = task->step->node->outputs[0];

  return (gsize) (rows.end - rows.first) * out->width * out->channels;
}

static gsize
count_pixels (const CbamHostTask *task, CbamHostRows rows)
{
  return (gsize) (rows.end - rows.first) * task->step->node->outputs[0]->width;
}

/* Where a part's rows begin in @value, which is as large as the output. */
static float *
begin (const CbamHostTask *task, const CbamValue *value, CbamHostRows rows)
{
  return cbam_host_map (task, value, rows.image) + (gsize) rows.first * value->width * value->channels;
}

static void
divide_numbers (CbamHostStep *step, double work)
{
  const CbamValue *out = step->node->outputs[0];

  cbam_host_divide_rows (step, work * (double) out->width * out->channels);
}

/* ---- Activation, sigmoid ----------------------------------------------------------------------------------------- */

static gboolean
prepare_activation (CbamHostStep *step, GError **error)
{
  divide_numbers (step, 8);
  return TRUE;
}

static gboolean
run_activation (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);

  task->step->program->loops->activate (begin (task, node->outputs[0], rows), begin (task, node->inputs[0], rows),
                                        count_numbers (task, rows), cbam_activation_params (node));
  return TRUE;
}

static gboolean
prepare_sigmoid (CbamHostStep *step, GError **error)
{
  divide_numbers (step, 30);
  return TRUE;
}

static gboolean
run_sigmoid (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);

  task->step->program->loops->sigmoid (begin (task, node->outputs[0], rows), begin (task, node->inputs[0], rows),
                                       count_numbers (task, rows));
  return TRUE;
}

const CbamHostKernel cbam_host_activation = {
  .name = "loops", .op = &cbam_op_activation, .prepare = prepare_activation, .run = run_activation
};
const CbamHostKernel cbam_host_sigmoid = {
  .name = "loops", .op = &cbam_op_sigmoid, .prepare = prepare_sigmoid, .run = run_sigmoid
};

/* ---- Norms ------------------------------------------------------------------------------------------------------- */

/* Factors of all channels, then what is added. */
static gboolean
prepare_batch_norm (CbamHostStep *step, GError **error)
{
  const CbamBatchNormParams *p = cbam_batch_norm_params (step->node);
  const guint channels = step->node->outputs[0]->channels;
  float *factors = step->state = g_new (float, 2 * (gsize) channels);

  for (guint c = 0; c < channels; c++) {
    const double factor = p->gamma->values[c] / sqrt (p->variance->values[c] + p->eps);

    factors[c] = (float) factor;
    factors[channels + c] = (float) (p->beta->values[c] - p->mean->values[c] * factor);
  }
  divide_numbers (step, 8);
  return TRUE;
}

static gboolean
run_batch_norm (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);
  const guint channels = node->outputs[0]->channels;
  const float *factors = task->step->state;

  task->step->program->loops->scale (begin (task, node->outputs[0], rows), begin (task, node->inputs[0], rows),
                                     count_pixels (task, rows), channels, factors, factors + channels);
  return TRUE;
}

static gboolean
prepare_l2_norm (CbamHostStep *step, GError **error)
{
  const CbamParam *weight = cbam_l2_norm_params (step->node)->weight;

  step->state = g_memdup2 (weight->values, weight->n * sizeof (float));
  divide_numbers (step, 8);
  return TRUE;
}

static gboolean
run_l2_norm (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);

  task->step->program->loops->l2_norm (begin (task, node->outputs[0], rows), begin (task, node->inputs[0], rows),
                                       count_pixels (task, rows), node->outputs[0]->channels, task->step->state,
                                       (float) cbam_l2_norm_params (node)->eps);
  return TRUE;
}

const CbamHostKernel cbam_host_batch_norm = {
  .name = "loops", .op = &cbam_op_batch_norm, .prepare = prepare_batch_norm, .run = run_batch_norm
};
const CbamHostKernel cbam_host_l2_norm = {
  .name = "loops", .op = &cbam_op_l2_norm, .prepare = prepare_l2_norm, .run = run_l2_norm
};

/* ---- Maps together ----------------------------------------------------------------------------------------------- */

static gboolean
prepare_combine (CbamHostStep *step, GError **error)
{
  divide_numbers (step, 8.0 * step->node->n_inputs);
  return TRUE;
}

/* @in under the rows of the output: a vector counts at every pixel, a map of one channel for every channel. */
static CbamLoopInput
place_input (const CbamHostTask *task, const CbamValue *in, CbamHostRows rows)
{
  const CbamValue *out = task->step->node->outputs[0];
  const gboolean vector = in->width == 1 && in->height == 1;

  return (CbamLoopInput){
    .x = cbam_host_map (task, in, rows.image) + (vector ? 0 : (gsize) rows.first * in->width * in->channels),
    .step = vector ? 0 : in->channels,
    .single = in->channels == 1 && out->channels > 1,
  };
}

static gboolean
run_combine (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);
  const CbamLoops *loops = task->step->program->loops;
  float *y = begin (task, node->outputs[0], rows);
  CbamLoopInput inputs[CBAM_MAX_INPUTS];

  for (guint i = 0; i < node->n_inputs; i++)
    inputs[i] = place_input (task, node->inputs[i], rows);
  loops->combine (y, count_pixels (task, rows), node->outputs[0]->channels, node->op == &cbam_op_add, inputs,
                  node->n_inputs);
  if (node->op == &cbam_op_add && !cbam_activation_is_none (cbam_add_params (node)))
    loops->activate (y, y, count_numbers (task, rows), cbam_add_params (node));
  return TRUE;
}

const CbamHostKernel cbam_host_add = {
  .name = "loops", .op = &cbam_op_add, .prepare = prepare_combine, .run = run_combine
};
const CbamHostKernel cbam_host_multiply = {
  .name = "loops", .op = &cbam_op_multiply, .prepare = prepare_combine, .run = run_combine
};

static gboolean
run_concat (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);
  const gsize pixels = count_pixels (task, rows);
  float *y = begin (task, node->outputs[0], rows);

  for (guint i = 0; i < node->n_inputs; i++) {
    const guint channels = node->inputs[i]->channels;
    const float *x = begin (task, node->inputs[i], rows);

    for (gsize p = 0; p < pixels; p++)
      memcpy (y + p * node->outputs[0]->channels, x + p * channels, channels * sizeof (float));
    y += channels;
  }
  return TRUE;
}

const CbamHostKernel cbam_host_concat = {
  .name = "loops", .op = &cbam_op_concat, .prepare = prepare_combine, .run = run_concat
};

static gboolean
run_slice (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const float *x = begin (task, in, rows) + cbam_slice_params (node)->first;
  float *y = begin (task, out, rows);

  for (gsize p = 0; p < count_pixels (task, rows); p++)
    memcpy (y + p * out->channels, x + p * in->channels, out->channels * sizeof (float));
  return TRUE;
}

static gboolean
run_shuffle (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *a = node->inputs[0], *b = node->inputs[1];
  const CbamHostRows rows = cbam_host_rows (task);

  task->step->program->loops->shuffle (begin (task, node->outputs[0], rows), begin (task, a, rows),
                                       begin (task, b, rows), count_pixels (task, rows), node->outputs[0]->channels,
                                       a->channels, b->channels);
  return TRUE;
}

const CbamHostKernel cbam_host_slice = {
  .name = "loops", .op = &cbam_op_slice, .prepare = prepare_combine, .run = run_slice
};
const CbamHostKernel cbam_host_shuffle = {
  .name = "loops", .op = &cbam_op_shuffle, .prepare = prepare_combine, .run = run_shuffle
};

/* Either way the numbers stay in their order. */
static gboolean
run_turn (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamHostRows rows = cbam_host_rows (task);

  memcpy (begin (task, node->outputs[0], rows), cbam_host_map (task, node->inputs[0], rows.image),
          count_numbers (task, rows) * sizeof (float));
  return TRUE;
}

const CbamHostKernel cbam_host_turn = {
  .name = "loops", .op = &cbam_op_turn, .prepare = prepare_combine, .run = run_turn
};
