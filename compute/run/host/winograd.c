/* 3x3 convolutions of many channels by Winograd's F(4x4, 3x3): a quarter of the multiplications, as 36 products of
 * matrices that oneDNN computes. A part has whole rows of tiles and goes through all three stages in its thread's own
 * room.
 *
 *     rows of the map -> [36][tiles][channels in] * [36][channels in][channels out] -> [36][tiles][channels out] ->
 * rows
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include "ops/winograd.h"

#define TILE CBAM_WINOGRAD_TILE
#define PLACES CBAM_WINOGRAD_PLACES
#define LANES CBAM_LOOP_LANES /* channels that are transformed at once */

/* Below so many channels, or tiles, the transforms and what they store cost more than the products save. */
#define LEAST_CHANNELS 64
#define LEAST_TILES 20

/* Bytes of a part's room, if its weights are not large either; and what share of large weights it may be: a part reads
 * all of them. */
#define ROOM_BYTES (1024 * 1024)
#define WEIGHTS_SHARE 4

typedef struct
{
  CbamOnednn *whole, *last;  /* of as many tiles as most parts have, and of those that the last one has */
  const float *weights;      /* the program's */
  CbamLoopWinograd winograd; /* but the stride */
  guint rows;                /* of tiles in a part */
  float *bias;
} WinogradState;

static void
winograd_state_free (gpointer data)
{
  WinogradState *state = data;

  if (state->last != state->whole)
    cbam_onednn_free (state->last);
  cbam_onednn_free (state->whole);
  g_free (state->bias);
  g_free (state);
}

static guint
count_tiles (guint pixels)
{
  return (pixels + TILE - 1) / TILE;
}

static gboolean
fits (const CbamHostProgram *program, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];

  if (program->bf16 && program->has_tiles)
    return FALSE; /* those multiply faster than what this saves */
  return p->kernel_width == 3 && p->kernel_height == 3 && p->stride == 1 && p->dilation == 1 && p->step_x == 1 &&
         p->step_y == 1 && p->first_channel == 0 && p->groups <= 1 && node->n_inputs == 1 && !p->sigmoid &&
         in->channels >= LEAST_CHANNELS && out->channels >= LEAST_CHANNELS && in->channels % LANES == 0 &&
         out->channels % LANES == 0 && p->activation.function == CBAM_FUNCTION_CLAMP &&
         count_tiles (out->width) * count_tiles (out->height) >= LEAST_TILES;
}

/* To [place][in][out]. */
static float *
transform_weights (const CbamParam *weight)
{
  const gsize n_out = weight->dims[0], n_in = weight->dims[1];
  float *to = g_new (float, PLACES *n_in *n_out);
  g_autofree float *row = g_new (float, n_in);

  for (guint place = 0; place < PLACES; place++)
    for (gsize o = 0; o < n_out; o++) {
      cbam_winograd_transform (weight, o, place, row);
      for (gsize c = 0; c < n_in; c++)
        to[(place * n_in + c) * n_out + o] = row[c];
    }
  return to;
}

static gsize
count_room (const CbamNode *node, guint tiles)
{
  return (gsize) PLACES * tiles * (node->inputs[0]->channels + node->outputs[0]->channels);
}

/* Rows of tiles in a part: as much as its room may hold, and as many parts for each thread. */
static guint
choose_rows (const CbamHostStep *step, guint all, guint tiles)
{
  const CbamNode *node = step->node;
  const gsize weights = PLACES * sizeof (float) * node->inputs[0]->channels * node->outputs[0]->channels;
  const gsize row = count_room (node, tiles) * sizeof (float);
  const guint most = (guint) CLAMP (MAX (ROOM_BYTES, weights / WEIGHTS_SHARE) / row, 1, all);
  const guint threads = cbam_team_get_size (step->program->team);
  const guint parts = ((all + most - 1) / most + threads - 1) / threads * threads;

  return (all + parts - 1) / parts;
}

static CbamOnednn *
new_product (CbamHostStep *step, guint tiles, GError **error)
{
  CbamHostProgram *program = step->program;
  const CbamOnednnProduct product = { PLACES, tiles, step->node->inputs[0]->channels,
                                      step->node->outputs[0]->channels };
  CbamOnednn *primitive = cbam_onednn_new_product (&product, program->n_primitives, error);

  if (primitive == NULL)
    return NULL;
  program->n_primitives++;
  program->scratch_size = MAX (program->scratch_size, cbam_onednn_get_scratch_size (primitive));
  return primitive;
}

static gboolean
prepare (CbamHostStep *step, GError **error)
{
  const CbamConvParams *p = cbam_conv_params (step->node);
  const CbamValue *in = step->node->inputs[0], *out = step->node->outputs[0];
  const guint tiles = count_tiles (out->width), all = count_tiles (out->height);
  WinogradState *state = step->state = g_new0 (WinogradState, 1);
  g_autofree float *weights = transform_weights (p->weight);
  float *packed;
  guint last;

  state->rows = choose_rows (step, all, tiles);
  last = all % state->rows > 0 ? all % state->rows : state->rows;
  step->rows = state->rows * TILE;
  step->parts[0] = (all + state->rows - 1) / state->rows * out->batch;
  state->whole = new_product (step, state->rows * tiles, error);
  state->last = last == state->rows || state->whole == NULL ? state->whole : new_product (step, last * tiles, error);
  if (state->whole == NULL || state->last == NULL)
    return FALSE;
  if (!cbam_onednn_shares_weights (state->whole, state->last)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "oneDNN wants weights in two orders");
    return FALSE;
  }
  packed = cbam_host_new_packed (step->program, cbam_onednn_get_weights_size (state->whole));
  state->weights = packed;
  state->bias = p->bias != NULL ? g_memdup2 (p->bias->values, p->bias->n * sizeof (float)) : NULL;
  state->winograd = (CbamLoopWinograd){
    .in_width = in->width,
    .in_height = in->height,
    .in_channels = in->channels,
    .width = out->width,
    .height = out->height,
    .channels = out->channels,
    .pad_left = p->pad_left,
    .pad_top = p->pad_top,
    .tiles = tiles,
    .bias = state->bias,
    .lo = p->activation.lo,
    .hi = p->activation.hi,
  };
  cbam_host_need_scratch (step, count_room (step->node, state->rows * tiles));
  return cbam_onednn_pack (state->whole, weights, packed, error);
}

static gboolean
run (const CbamHostTask *task)
{
  const WinogradState *state = task->step->state;
  const CbamNode *node = task->step->node;
  const CbamLoops *loops = task->step->program->loops;
  const CbamHostRows rows = cbam_host_rows (task);
  const guint first = rows.first / TILE, n = (rows.end - rows.first + TILE - 1) / TILE, tiles = state->winograd.tiles;
  CbamLoopWinograd winograd = state->winograd;
  float *in = cbam_host_scratch (task), *out = in + (gsize) PLACES * n * tiles * winograd.in_channels;
  const CbamOnednnBuffers buffers = { .input = in, .weights = state->weights, .output = out };

  winograd.stride = (gsize) n * tiles;
  for (guint i = 0; i < n; i++)
    loops->winograd_in (in + (gsize) i * tiles * winograd.in_channels,
                        cbam_host_map (task, node->inputs[0], rows.image), &winograd, first + i);
  if (!cbam_onednn_run (task->stage->workers[task->thread], n == state->rows ? state->whole : state->last, &buffers))
    return FALSE;
  for (guint i = 0; i < n; i++)
    loops->winograd_out (cbam_host_map (task, node->outputs[0], rows.image),
                         out + (gsize) i * tiles * winograd.channels, &winograd, first + i);
  return TRUE;
}

const CbamHostKernel cbam_host_winograd = { .name = "winograd",
                                            .op = &cbam_op_conv,
                                            .fits = fits,
                                            .prepare = prepare,
                                            .run = run,
                                            .free_state = winograd_state_free };
