/* Ops that make few numbers of many, or sample a map.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <string.h>

#include "ops/channel_gate.h"
#include "ops/channel_pool.h"
#include "ops/max_pool.h"
#include "ops/resize.h"

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

static gboolean
prepare_max_pool (CbamHostStep *step, GError **error)
{
  const CbamPoolParams *p = cbam_max_pool_params (step->node);
  const CbamValue *out = step->node->outputs[0];

  cbam_host_divide_rows (step, 4.0 * (double) out->width * out->channels * p->kernel * p->kernel);
  return TRUE;
}

static gboolean
run_max_pool (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamPoolParams *p = cbam_max_pool_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const CbamLoopPool pool = { in->width, in->height, in->channels, p->kernel, p->stride, p->pad };

  task->step->program->loops->max_pool (cbam_host_map (task, out, rows.image) +
                                            (gsize) rows.first * out->width * out->channels,
                                        cbam_host_map (task, in, rows.image), &pool, out->width, rows.first, rows.end);
  return TRUE;
}

const CbamHostKernel cbam_host_max_pool = {
  .name = "loops", .op = &cbam_op_max_pool, .prepare = prepare_max_pool, .run = run_max_pool
};

/* ---- Resizing ---------------------------------------------------------------------------------------------------- */

/* Between which pixels of an axis a pixel of the output lies, and the part of the second. */
typedef struct
{
  guint near, next;
  float part;
} Place;

typedef struct
{
  Place *rows, *columns;
} ResizeState;

static void
resize_state_free (gpointer data)
{
  ResizeState *state = data;

  g_free (state->rows);
  g_free (state->columns);
  g_free (state);
}

static Place *
find_places (guint n, guint in, gboolean bilinear)
{
  Place *places = g_new (Place, n);

  for (guint i = 0; i < n; i++) {
    const double at = MAX (0, (i + 0.5) * in / n - 0.5);
    const guint near = bilinear ? (guint) at : (guint) ((guint64) i * in / n);

    places[i] = (Place){ near, MIN (near + 1, in - 1), bilinear ? (float) (at - near) : 0 };
  }
  return places;
}

static gboolean
prepare_resize (CbamHostStep *step, GError **error)
{
  const CbamValue *in = step->node->inputs[0], *out = step->node->outputs[0];
  const gboolean bilinear = cbam_resize_params (step->node)->bilinear;
  ResizeState *state = step->state = g_new0 (ResizeState, 1);

  state->rows = find_places (out->height, in->height, bilinear);
  state->columns = find_places (out->width, in->width, bilinear);
  cbam_host_need_scratch (step, 2 * (gsize) out->channels);
  cbam_host_divide_rows (step, 24.0 * (double) out->width * out->channels);
  return TRUE;
}

static gboolean
run_resize (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const CbamLoops *loops = task->step->program->loops;
  const ResizeState *state = task->step->state;
  const CbamHostRows rows = cbam_host_rows (task);
  const guint n = out->channels;
  const float *x = cbam_host_map (task, in, rows.image);
  float *y = cbam_host_map (task, out, rows.image) + (gsize) rows.first * out->width * n;
  float *top = cbam_host_scratch (task), *bottom = top + n;

  for (guint row = rows.first; row < rows.end; row++)
    for (guint column = 0; column < out->width; column++, y += n) {
      const Place *across = &state->columns[column], *down = &state->rows[row];
      const float *upper = x + (gsize) down->near * in->width * n, *lower = x + (gsize) down->next * in->width * n;

      if (!cbam_resize_params (node)->bilinear) {
        memcpy (y, upper + (gsize) across->near * n, n * sizeof (float));
        continue;
      }
      loops->blend (top, upper + (gsize) across->near * n, upper + (gsize) across->next * n, across->part, n);
      loops->blend (bottom, lower + (gsize) across->near * n, lower + (gsize) across->next * n, across->part, n);
      loops->blend (y, top, bottom, down->part, n);
    }
  return TRUE;
}

const CbamHostKernel cbam_host_resize = {
  .name = "loops", .op = &cbam_op_resize, .prepare = prepare_resize, .run = run_resize, .free_state = resize_state_free
};

/* ---- All channels of a pixel ------------------------------------------------------------------------------------- */

static gboolean
prepare_channel_pool (CbamHostStep *step, GError **error)
{
  const CbamValue *in = step->node->inputs[0];

  cbam_host_divide_rows (step, 8.0 * (double) in->width * in->channels);
  return TRUE;
}

static gboolean
run_channel_pool (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *in = node->inputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const float *gate = node->n_inputs > 1 ? cbam_host_map (task, node->inputs[1], rows.image) : NULL;
  const gsize first = (gsize) rows.first * in->width;

  task->step->program->loops->channel_pool (cbam_host_map (task, node->outputs[0], rows.image) + 2 * first,
                                            cbam_host_map (task, in, rows.image) + first * in->channels,
                                            (gsize) (rows.end - rows.first) * in->width, in->channels, gate,
                                            cbam_channel_pool_params (node)->mean_first);
  return TRUE;
}

const CbamHostKernel cbam_host_channel_pool = {
  .name = "loops", .op = &cbam_op_channel_pool, .prepare = prepare_channel_pool, .run = run_channel_pool
};

/* ---- All pixels of a channel ------------------------------------------------------------------------------------- */

#define GROUP 64 /* channels that a part pools: whole cache lines */

/* Parts of the first phase. */
static void
divide_channels (CbamHostStep *step)
{
  const CbamValue *in = step->node->inputs[0];

  step->rows = GROUP;
  if ((double) cbam_host_frame (in) * 8 < CBAM_HOST_PART)
    step->rows = in->channels; /* too little to share */
  step->parts[0] = (in->channels + step->rows - 1) / step->rows * in->batch;
}

/* Pools the channels of a part: @y has [n][channels]. */
static void
pool_channels (const CbamHostTask *task, const CbamGlobalPoolParams *pool, const float *x, float *y, guint first)
{
  const CbamValue *in = task->step->node->inputs[0];

  for (guint i = 0; i < pool->n; i++)
    task->step->program->loops->reduce (y + (gsize) i * in->channels, x, in->width, in->height, in->channels, first,
                                        MIN (first + task->step->rows, in->channels), pool->kinds[i]);
}

/* Which image, and the first channel, that a part has. */
static guint
find_image (const CbamHostTask *task, guint *ret_first)
{
  const guint groups = (task->step->node->inputs[0]->channels + task->step->rows - 1) / task->step->rows;

  *ret_first = task->part % groups * task->step->rows;
  return task->part / groups;
}

static gboolean
prepare_global_pool (CbamHostStep *step, GError **error)
{
  divide_channels (step);
  return TRUE;
}

static gboolean
run_global_pool (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  guint first;
  const guint image = find_image (task, &first);

  pool_channels (task, cbam_global_pool_params (node), cbam_host_map (task, node->inputs[0], image),
                 cbam_host_map (task, node->outputs[0], image), first);
  return TRUE;
}

const CbamHostKernel cbam_host_global_pool = {
  .name = "loops", .op = &cbam_op_global_pool, .prepare = prepare_global_pool, .run = run_global_pool
};

/* ---- Channel gates ----------------------------------------------------------------------------------------------- */

typedef struct
{
  gsize pooled; /* floats of what an image's channels are pooled to */
  float *first, *first_bias, *second, *second_bias;
} GateState;

static void
gate_state_free (gpointer data)
{
  GateState *state = data;

  g_free (state->first);
  g_free (state->first_bias);
  g_free (state->second);
  g_free (state->second_bias);
  g_free (state);
}

static float *
copy_param (const CbamParam *param)
{
  return param != NULL ? g_memdup2 (param->values, param->n * sizeof (float)) : NULL;
}

/* The second phase makes each image's gate, in one part. */
static gboolean
prepare_channel_gate (CbamHostStep *step, GError **error)
{
  const CbamChannelGateParams *p = cbam_channel_gate_params (step->node);
  const CbamValue *in = step->node->inputs[0];
  GateState *state = step->state = g_new0 (GateState, 1);

  state->first = copy_param (p->first.weight);
  state->first_bias = copy_param (p->first.bias);
  state->second = copy_param (p->second.weight);
  state->second_bias = copy_param (p->second.bias);
  state->pooled = (gsize) p->pool.n * in->channels;
  cbam_host_need_scratch (step, cbam_channel_gate_hidden (p) * 2 + in->channels);
  cbam_host_need_shared (step, state->pooled * in->batch);
  divide_channels (step);
  step->parts[1] = in->batch;
  return TRUE;
}

/* The sum over the pools of what both layers make of them, then its sigmoid. The second layer is linear, so that the
 * pools are summed before it. */
static void
make_gate (const CbamHostTask *task, const float *pooled, float *y)
{
  const CbamChannelGateParams *p = cbam_channel_gate_params (task->step->node);
  const CbamLoops *loops = task->step->program->loops;
  const GateState *state = task->step->state;
  const guint hidden = cbam_channel_gate_hidden (p), channels = task->step->node->inputs[0]->channels;
  float *sum = cbam_host_scratch (task), *layer = sum + hidden;

  memset (sum, 0, hidden * sizeof (float));
  for (guint i = 0; i < p->pool.n; i++) {
    loops->product (layer, pooled + (gsize) i * channels, state->first, channels, hidden);
    for (guint h = 0; state->first_bias != NULL && h < hidden; h++)
      layer[h] += state->first_bias[h];
    loops->activate (layer, layer, hidden, &p->first.activation);
    for (guint h = 0; h < hidden; h++)
      sum[h] += layer[h];
  }
  loops->product (y, sum, state->second, hidden, channels);
  for (guint c = 0; state->second_bias != NULL && c < channels; c++)
    y[c] += state->second_bias[c] * (float) p->pool.n;
  loops->sigmoid (y, y, channels);
}

static gboolean
run_channel_gate (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const GateState *state = task->step->state;
  float *pooled = task->stage->shared;
  guint first;

  if (task->phase == 1) {
    make_gate (task, pooled + task->part * state->pooled, cbam_host_map (task, node->outputs[0], task->part));
    return TRUE;
  }
  const guint image = find_image (task, &first);

  pool_channels (task, &cbam_channel_gate_params (node)->pool, cbam_host_map (task, node->inputs[0], image),
                 pooled + image * state->pooled, first);
  return TRUE;
}

const CbamHostKernel cbam_host_channel_gate = { .name = "loops",
                                                .op = &cbam_op_channel_gate,
                                                .prepare = prepare_channel_gate,
                                                .run = run_channel_gate,
                                                .free_state = gate_state_free };
