/* The kernels of convolutions: stripes by oneDNN; and loops for transposed ones of each channel by itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/striped.h"

#include <string.h>

#include "ops/deconv.h"
#include "ops/depthwise.h"

/* ---- In stripes -------------------------------------------------------------------------------------------------- */

typedef struct
{
  CbamStriped *striped;
  gboolean activates; /* by a loop: the primitive would be slow */
} ConvState;

static void
conv_state_free (gpointer data)
{
  ConvState *state = data;

  cbam_striped_free (state->striped);
  g_free (state);
}

static const char *
get_code (const CbamHostStep *step)
{
  return cbam_striped_get_code (((const ConvState *) step->state)->striped);
}

static gboolean
fits (const CbamHostProgram *program, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return p->first_channel == 0 && !p->shuffles && p->winograd == 0 && p->step_x == 1 && p->step_y == 1 &&
         p->first_x == 0 && p->first_y == 0 && p->width == node->outputs[0]->width &&
         p->height == node->outputs[0]->height;
}

static gboolean
prepare (CbamHostStep *step, GError **error)
{
  const CbamNode *node = step->node;
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *out = node->outputs[0];
  CbamOnednnForm whole =
      cbam_striped_get_form (step->program, node->op, p, cbam_extent_of (node->inputs[0]), cbam_extent_of (out));
  ConvState *state = step->state = g_new0 (ConvState, 1);

  whole.adds = node->n_inputs > 1;
  state->activates = node->op == &cbam_op_deconv && !cbam_activation_is_none (&p->activation);
  cbam_striped_divide (step, &whole, 1);
  state->striped = cbam_striped_new (step->program, &whole, p, step->rows, NULL);
  if (state->striped == NULL) {
    cbam_striped_set_rows (step, out->height);
    state->striped = cbam_striped_new (step->program, &whole, p, step->rows, error);
  }
  if (state->striped == NULL)
    return FALSE;
  cbam_host_need_scratch (step, cbam_striped_get_room (state->striped));
  return TRUE;
}

static gboolean
run (const CbamHostTask *task)
{
  const ConvState *state = task->step->state;
  const CbamNode *node = task->step->node;
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const guint stripe = rows.first / task->step->rows;
  const gsize offset = (gsize) rows.first * out->width * out->channels;
  const gsize n = (gsize) (rows.end - rows.first) * out->width * out->channels;
  const float *x = cbam_host_map (task, in, rows.image) +
                   (gsize) cbam_striped_get_first_in (state->striped, stripe) * in->width * in->channels;
  float *y = cbam_host_map (task, out, rows.image) + offset;

  if (node->n_inputs > 1)
    memcpy (y, cbam_host_map (task, node->inputs[1], rows.image) + offset, n * sizeof (float));
  if (!cbam_striped_run (task, state->striped, stripe, x, y, cbam_host_scratch (task)))
    return FALSE;
  if (state->activates)
    task->step->program->loops->activate (y, y, n, &cbam_conv_params (node)->activation);
  return TRUE;
}

#define ONEDNN(suffix)                                                                                                 \
  const CbamHostKernel cbam_host_##suffix = {                                                                          \
    .name = "onednn",                                                                                                  \
    .op = &cbam_op_##suffix,                                                                                           \
    .fits = fits,                                                                                                      \
    .prepare = prepare,                                                                                                \
    .run = run,                                                                                                        \
    .free_state = conv_state_free,                                                                                     \
    .get_code = get_code,                                                                                              \
  }

ONEDNN (conv);
ONEDNN (depthwise);
ONEDNN (deconv);

/* ---- Transposed, channel by channel: oneDNN's is slow ------------------------------------------------------------ */

static gboolean
prepare_spread (CbamHostStep *step, GError **error)
{
  const CbamConvParams *p = cbam_conv_params (step->node);
  const CbamValue *in = step->node->inputs[0], *out = step->node->outputs[0];
  const gsize taps = cbam_conv_taps (step->node);
  CbamLoopSpread *spread = step->state = g_new0 (CbamLoopSpread, 1);
  float *weights = cbam_host_new_packed (step->program, p->weight->n * sizeof (float)), *bias = NULL;

  for (gsize tap = 0; tap < taps; tap++)
    for (guint c = 0; c < out->channels; c++)
      weights[tap * out->channels + c] = p->weight->values[c * taps + tap];
  if (p->bias != NULL) {
    bias = cbam_host_new_packed (step->program, p->bias->n * sizeof (float));
    memcpy (bias, p->bias->values, p->bias->n * sizeof (float));
  }
  *spread = (CbamLoopSpread){
    .in_width = in->width,
    .in_height = in->height,
    .width = out->width,
    .channels = out->channels,
    .kernel_width = p->kernel_width,
    .kernel_height = p->kernel_height,
    .up_x = p->up_x,
    .up_y = p->up_y,
    .pad_left = p->pad_left,
    .pad_top = p->pad_top,
    .weights = weights,
    .bias = bias,
  };
  cbam_host_divide_rows (step, 4.0 * (double) (taps * out->width * out->channels) / (p->up_x * p->up_y));
  return TRUE;
}

static gboolean
run_spread (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *out = node->outputs[0];
  const CbamLoops *loops = task->step->program->loops;
  const CbamActivationParams *activation = &cbam_conv_params (node)->activation;
  const CbamHostRows rows = cbam_host_rows (task);
  const gsize row = (gsize) out->width * out->channels;
  float *y = cbam_host_map (task, out, rows.image) + rows.first * row;

  loops->spread (y, cbam_host_map (task, node->inputs[0], rows.image), task->step->state, rows.first, rows.end);
  if (!cbam_activation_is_none (activation))
    loops->activate (y, y, (rows.end - rows.first) * row, activation);
  return TRUE;
}

const CbamHostKernel cbam_host_depthwise_deconv = {
  .name = "loops", .op = &cbam_op_depthwise_deconv, .fits = fits, .prepare = prepare_spread, .run = run_spread
};
