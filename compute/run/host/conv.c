/* Convolutions by oneDNN, in stripes of rows: a stripe of the output is a convolution of its own, of the rows of the
 * input that it sees. In [row][pixel][channel] both lie in one piece. So any number of threads computes the same
 * numbers, and what a part reads and writes stays in its processor's cache. Most stripes of a map are alike and have
 * one primitive; all read the same packed weights.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <string.h>

#include "ops/conv.h"
#include "ops/deconv.h"
#include "ops/depthwise.h"

/* Bytes of the input and output that a part goes over, where that leaves enough to do: half of a usual L2 cache. */
#define STRIPE_BYTES (512 * 1024)

typedef struct
{
  CbamOnednn *primitive; /* borrowed */
  guint first_in, n_in;  /* rows of the input that it sees */
} Stripe;

typedef struct
{
  GPtrArray *primitives; /* CbamOnednn */
  GArray *forms;         /* CbamOnednnForm of each */
  Stripe *stripes;       /* by part of an image */
  guint n_stripes;
  const void *weights; /* the program's */
  const float *bias;
  gboolean bf16;      /* its input is converted first */
  gboolean activates; /* by a loop: the primitive would be slow */
} ConvState;

static void
conv_state_free (gpointer data)
{
  ConvState *state = data;

  g_ptr_array_unref (state->primitives);
  g_array_unref (state->forms);
  g_free (state->stripes);
  g_free (state);
}

static const char *
get_code (const CbamHostStep *step)
{
  const ConvState *state = step->state;

  return cbam_onednn_get_code (g_ptr_array_index (state->primitives, 0));
}

/* ---- Stripes ----------------------------------------------------------------------------------------------------- */

static CbamOnednnFunction
function_of (const CbamActivationParams *activation)
{
  if (cbam_activation_is_none (activation))
    return CBAM_ONEDNN_NO_FUNCTION;
  switch (activation->function) {
    case CBAM_FUNCTION_CLAMP: return CBAM_ONEDNN_CLAMP;
    case CBAM_FUNCTION_LEAKY_RELU: return CBAM_ONEDNN_LEAKY_RELU;
    case CBAM_FUNCTION_HARD_SWISH: return CBAM_ONEDNN_HARD_SWISH;
  }
  g_return_val_if_reached (CBAM_ONEDNN_NO_FUNCTION);
}

/* With fewer channels the products are few, and would mostly be of zeros. */
#define LEAST_BF16_CHANNELS 16

static gboolean
is_in_bf16 (const CbamHostStep *step)
{
  return step->program->bf16 && step->node->op == &cbam_op_conv && cbam_conv_params (step->node)->groups <= 1 &&
         step->node->inputs[0]->channels >= LEAST_BF16_CHANNELS;
}

/* The whole convolution. */
static CbamOnednnForm
form_of (const CbamHostStep *step)
{
  const CbamNode *node = step->node;
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const gboolean transposed = node->op == &cbam_op_deconv;

  return (CbamOnednnForm){
    .in_width = in->width,
    .in_height = in->height,
    .in_channels = in->channels,
    .width = out->width,
    .height = out->height,
    .channels = out->channels,
    .kernel_width = p->kernel_width,
    .kernel_height = p->kernel_height,
    .stride = p->stride,
    .dilation = p->dilation,
    .pad_left = p->pad_left,
    .pad_top = p->pad_top,
    .up_x = transposed ? p->up_x : 0,
    .up_y = transposed ? p->up_y : 0,
    .groups = node->op == &cbam_op_depthwise ? out->channels : p->groups,
    .bf16 = is_in_bf16 (step),
    .has_bias = p->bias != NULL,
    .adds = node->n_inputs > 1,
    .function = transposed ? CBAM_ONEDNN_NO_FUNCTION : function_of (&p->activation),
    .lo = p->activation.lo,
    .hi = p->activation.hi,
    .sigmoid = p->sigmoid,
  };
}

/* The same for rows [first, end) of the output. */
static CbamOnednnForm
form_of_stripe (const CbamOnednnForm *whole, guint first, guint end, guint *ret_first_in)
{
  const gint reach = (gint) (whole->kernel_height - 1);
  CbamOnednnForm form = *whole;
  gint begin, last;

  if (whole->up_y > 0) { /* row i of the input makes rows i * up - pad .. + reach */
    const gint up = (gint) whole->up_y, from = (gint) first + whole->pad_top - reach;

    begin = from > 0 ? (from + up - 1) / up : 0;
    last = MIN (((gint) end - 1 + whole->pad_top) / up, (gint) whole->in_height - 1);
    form.pad_top = (gint) first + whole->pad_top - begin * up;
  } else {
    const gint top = (gint) (first * whole->stride) - whole->pad_top;

    begin = MAX (top, 0);
    last = MIN ((gint) ((end - 1) * whole->stride) - whole->pad_top + reach * (gint) whole->dilation,
                (gint) whole->in_height - 1);
    form.pad_top = begin - top;
  }
  /* A stripe that sees nothing but padding gets a row that its taps do not reach. */
  begin = CLAMP (begin, 0, (gint) whole->in_height - 1);
  form.in_height = (guint) MAX (last - begin + 1, 1);
  form.height = end - first;
  *ret_first_in = (guint) begin;
  return form;
}

/* The primitive of @form, which may be there already. */
static CbamOnednn *
get_primitive (CbamHostStep *step, ConvState *state, const CbamOnednnForm *form, GError **error)
{
  CbamHostProgram *program = step->program;
  CbamOnednn *primitive;

  for (guint i = 0; i < state->forms->len; i++)
    if (memcmp (&g_array_index (state->forms, CbamOnednnForm, i), form, sizeof *form) == 0)
      return g_ptr_array_index (state->primitives, i);
  primitive = cbam_onednn_new (form, program->n_primitives, error);
  if (primitive == NULL)
    return NULL;
  program->n_primitives++;
  program->scratch_size = MAX (program->scratch_size, cbam_onednn_get_scratch_size (primitive));
  g_ptr_array_add (state->primitives, primitive);
  g_array_append_val (state->forms, *form);
  return primitive;
}

static gboolean
make_stripes (CbamHostStep *step, ConvState *state, const CbamOnednnForm *whole, GError **error)
{
  state->n_stripes = (whole->height + step->rows - 1) / step->rows;
  state->stripes = g_new0 (Stripe, state->n_stripes);
  for (guint s = 0; s < state->n_stripes; s++) {
    Stripe *stripe = &state->stripes[s];
    const guint first = s * step->rows, end = MIN (first + step->rows, whole->height);
    const CbamOnednnForm form = form_of_stripe (whole, first, end, &stripe->first_in);

    stripe->primitive = get_primitive (step, state, &form, error);
    stripe->n_in = form.in_height;
    if (stripe->primitive == NULL)
      return FALSE;
    if (!cbam_onednn_shares_weights (stripe->primitive, g_ptr_array_index (state->primitives, 0)))
      return FALSE; /* without @error: another division may do */
  }
  return TRUE;
}

/* ---- Weights ----------------------------------------------------------------------------------------------------- */

void *
cbam_host_new_packed (CbamHostProgram *program, gsize size)
{
  void *packed = g_aligned_alloc0 (1, size, 64);

  g_ptr_array_add (program->packed, packed);
  program->packed_size += size;
  return packed;
}

static gboolean
pack_weights (CbamHostStep *step, ConvState *state, GError **error)
{
  const CbamConvParams *p = cbam_conv_params (step->node);
  const CbamOnednn *primitive = g_ptr_array_index (state->primitives, 0);
  void *packed = cbam_host_new_packed (step->program, cbam_onednn_get_weights_size (primitive));

  state->weights = packed;
  if (p->bias != NULL) {
    float *bias = cbam_host_new_packed (step->program, p->bias->n * sizeof (float));

    memcpy (bias, p->bias->values, p->bias->n * sizeof (float));
    state->bias = bias;
  }
  return cbam_onednn_pack (primitive, p->weight->values, packed, error);
}

/* ---- The kernels ------------------------------------------------------------------------------------------------- */

static gboolean
fits (const CbamHostProgram *program, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return p->first_channel == 0 && !p->shuffles && p->step_x == 1 && p->step_y == 1 && p->first_x == 0 &&
         p->first_y == 0 && p->width == node->outputs[0]->width && p->height == node->outputs[0]->height;
}

/* What a division into parts costs, in cycles of the thread that has most to do: with AVX-512, roughly. */
#define MACS_PER_CYCLE 25
#define BF16_MACS_PER_CYCLE 45
#define TILE_MACS_PER_CYCLE 150 /* by AMX */
#define CACHED_PER_CYCLE 24     /* bytes of what is in the second cache */
#define UNCACHED_PER_CYCLE 7    /* ... and of what is not */
#define CACHE_BYTES (1 << 20)   /* weights that stay there beside the maps */
#define CYCLES_PER_PART 2000

typedef struct
{
  guint height, threads;
  double row;     /* cycles for a row of the output */
  double weights; /* ... and for reading all weights, which every part does */
} Work;

static double
count_cycles (const Work *work, guint rows)
{
  const guint n = (work->height + rows - 1) / rows;
  double most = 0;

  for (guint t = 0; t < work->threads; t++) {
    const guint first = n * t / work->threads, end = n * (t + 1) / work->threads;
    const guint own = MIN (end * rows, work->height) - MIN (first * rows, work->height);

    most = MAX (most, own * work->row + (end - first) * (work->weights + CYCLES_PER_PART));
  }
  return most;
}

/* As few rows as the cache has room for, and as many as make the weights worth reading; the threads get alike. */
static void
divide (CbamHostStep *step)
{
  const CbamValue *in = step->node->inputs[0], *out = step->node->outputs[0];
  const double row_bytes = (double) (cbam_host_frame (in) + cbam_host_frame (out)) / out->height * sizeof (float);
  const gboolean bf16 = is_in_bf16 (step);
  const double rate = !bf16 ? MACS_PER_CYCLE : step->program->has_tiles ? TILE_MACS_PER_CYCLE : BF16_MACS_PER_CYCLE;
  const double weight_bytes =
      (double) cbam_conv_params (step->node)->weight->n * (bf16 ? sizeof (guint16) : sizeof (float));
  const Work work = {
    .height = out->height,
    .threads = cbam_team_get_size (step->program->team),
    .row = MAX ((double) step->node->op->macs (step->node) / out->height / rate, row_bytes / CACHED_PER_CYCLE),
    .weights = weight_bytes / (weight_bytes > CACHE_BYTES ? UNCACHED_PER_CYCLE : CACHED_PER_CYCLE),
  };
  guint best = 1;

  for (guint rows = 2; rows <= out->height; rows++)
    if ((rows * row_bytes <= STRIPE_BYTES || rows * work.row < 2 * work.weights) &&
        count_cycles (&work, rows) < count_cycles (&work, best))
      best = rows;
  step->rows = best;
  step->parts[0] = (out->height + best - 1) / best * out->batch;
}

/* Room for the input in bfloat16. */
static void
need_room (CbamHostStep *step, const ConvState *state)
{
  const CbamValue *in = step->node->inputs[0];

  for (guint s = 0; s < state->n_stripes && state->bf16; s++)
    cbam_host_need_scratch (step, ((gsize) state->stripes[s].n_in * in->width * in->channels + 1) / 2);
}

static gboolean
prepare (CbamHostStep *step, GError **error)
{
  const CbamNode *node = step->node;
  const CbamOnednnForm whole = form_of (step);
  ConvState *state = step->state = g_new0 (ConvState, 1);
  g_autoptr (GError) local = NULL;

  state->primitives = g_ptr_array_new_with_free_func ((GDestroyNotify) cbam_onednn_free);
  state->forms = g_array_new (FALSE, TRUE, sizeof (CbamOnednnForm));
  state->activates = node->op == &cbam_op_deconv && !cbam_activation_is_none (&cbam_conv_params (node)->activation);
  state->bf16 = whole.bf16;
  divide (step);
  if (!make_stripes (step, state, &whole, &local)) {
    if (step->rows == whole.height) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    g_clear_error (&local);
    g_ptr_array_set_size (state->primitives, 0);
    g_array_set_size (state->forms, 0);
    g_clear_pointer (&state->stripes, g_free);
    step->rows = whole.height;
    step->parts[0] = node->outputs[0]->batch;
    if (!make_stripes (step, state, &whole, error))
      return FALSE;
  }
  need_room (step, state);
  return pack_weights (step, state, error);
}

/* The rows that a stripe sees, as its primitive reads them. */
static const void *
find_input (const CbamHostTask *task, const Stripe *stripe, guint image)
{
  const ConvState *state = task->step->state;
  const CbamValue *in = task->step->node->inputs[0];
  const gsize row = (gsize) in->width * in->channels;
  const float *x = cbam_host_map (task, in, image) + stripe->first_in * row;
  guint16 *converted;

  if (!state->bf16)
    return x;
  converted = (guint16 *) cbam_host_scratch (task);
  task->step->program->loops->to_bf16 (converted, x, stripe->n_in * row);
  return converted;
}

static gboolean
run (const CbamHostTask *task)
{
  const ConvState *state = task->step->state;
  const CbamNode *node = task->step->node;
  const CbamValue *out = node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const Stripe *stripe = &state->stripes[rows.first / task->step->rows];
  const gsize offset = (gsize) rows.first * out->width * out->channels;
  const gsize n = (gsize) (rows.end - rows.first) * out->width * out->channels;
  float *y = cbam_host_map (task, out, rows.image) + offset;
  const CbamOnednnBuffers buffers = {
    .input = find_input (task, stripe, rows.image),
    .weights = state->weights,
    .bias = state->bias,
    .output = y,
  };

  if (node->n_inputs > 1)
    memcpy (y, cbam_host_map (task, node->inputs[1], rows.image) + offset, n * sizeof (float));
  if (!cbam_onednn_run (task->stage->workers[task->thread], stripe->primitive, &buffers))
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
