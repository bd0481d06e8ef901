/* A depthwise convolution and the 1x1 convolution that reads it, stripe by stripe: what is between them is as large as
 * a stripe, in the thread's own room.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/striped.h"

#include "ops/depthwise.h"
#include "ops/separable.h"

typedef struct
{
  CbamStriped *depthwise, *pointwise;
  gsize between; /* floats of a stripe of what is between the two, up to whole vectors */
} SeparableState;

static void
separable_state_free (gpointer data)
{
  SeparableState *state = data;

  cbam_striped_free (state->depthwise);
  cbam_striped_free (state->pointwise);
  g_free (state);
}

static const char *
get_code (const CbamHostStep *step)
{
  return cbam_striped_get_code (((const SeparableState *) step->state)->pointwise);
}

static gboolean
make_stripes (CbamHostStep *step, const CbamOnednnForm forms[2], GError **error)
{
  const CbamSeparableParams *p = cbam_separable_params (step->node);
  SeparableState *state = step->state;

  g_clear_pointer (&state->depthwise, cbam_striped_free);
  state->depthwise = cbam_striped_new (step->program, &forms[0], &p->depthwise, step->rows, error);
  if (state->depthwise != NULL)
    state->pointwise = cbam_striped_new (step->program, &forms[1], &p->pointwise, step->rows, error);
  return state->pointwise != NULL;
}

static gboolean
prepare (CbamHostStep *step, GError **error)
{
  const CbamSeparableParams *p = cbam_separable_params (step->node);
  const CbamExtent in = cbam_extent_of (step->node->inputs[0]), out = cbam_extent_of (step->node->outputs[0]);
  const CbamExtent between = { out.width, out.height, in.channels };
  const CbamOnednnForm forms[2] = {
    cbam_striped_get_form (step->program, &cbam_op_depthwise, &p->depthwise, in, between),
    cbam_striped_get_form (step->program, &cbam_op_conv, &p->pointwise, between, out),
  };
  SeparableState *state = step->state = g_new0 (SeparableState, 1);

  cbam_striped_divide (step, forms, G_N_ELEMENTS (forms));
  if (!make_stripes (step, forms, NULL)) {
    cbam_striped_set_rows (step, out.height);
    if (!make_stripes (step, forms, error))
      return FALSE;
  }
  state->between =
      ((gsize) step->rows * between.width * between.channels + CBAM_LOOP_LANES - 1) / CBAM_LOOP_LANES * CBAM_LOOP_LANES;
  cbam_host_need_scratch (step, state->between + cbam_striped_get_room (state->pointwise));
  return TRUE;
}

static gboolean
run (const CbamHostTask *task)
{
  const SeparableState *state = task->step->state;
  const CbamValue *in = task->step->node->inputs[0], *out = task->step->node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const guint stripe = rows.first / task->step->rows;
  const float *x = cbam_host_map (task, in, rows.image) +
                   (gsize) cbam_striped_get_first_in (state->depthwise, stripe) * in->width * in->channels;
  float *y = cbam_host_map (task, out, rows.image) + (gsize) rows.first * out->width * out->channels;
  float *between = cbam_host_scratch (task), *room = between + state->between;

  return cbam_striped_run (task, state->depthwise, stripe, x, between, NULL) &&
         cbam_striped_run (task, state->pointwise, stripe, between, y, room);
}

const CbamHostKernel cbam_host_separable = { .name = "onednn",
                                             .op = &cbam_op_separable,
                                             .prepare = prepare,
                                             .run = run,
                                             .free_state = separable_state_free,
                                             .get_code = get_code };
