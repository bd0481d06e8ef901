/* A convolution in stripes; striped.h says why.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/striped.h"

#include <string.h>

#include "ops/deconv.h"
#include "ops/depthwise.h"

typedef struct
{
  CbamOnednn *primitive; /* borrowed */
  guint first_in, n_in;  /* rows of the input that it sees */
} Stripe;

struct _CbamStriped
{
  CbamOnednnForm whole;
  Stripe *stripes; /* by part of an image */
  guint n_stripes, rows;
  const void *weights; /* the program's */
  const float *bias;
};

void
cbam_striped_free (CbamStriped *striped)
{
  if (striped == NULL)
    return;
  g_free (striped->stripes);
  g_free (striped);
}

const char *
cbam_striped_get_code (const CbamStriped *striped)
{
  return cbam_onednn_get_code (striped->stripes[0].primitive);
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

/* With fewer channels the products are few, and would mostly be of zeros. */
#define LEAST_BF16_CHANNELS 16

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

static gboolean
is_in_bf16 (const CbamHostProgram *program, const CbamOpClass *op, const CbamConvParams *p, guint in_channels)
{
  return program->bf16 && op == &cbam_op_conv && p->groups <= 1 && in_channels >= LEAST_BF16_CHANNELS;
}

CbamOnednnForm
cbam_striped_get_form (const CbamHostProgram *program, const CbamOpClass *op, const CbamConvParams *p, CbamExtent in,
                       CbamExtent out)
{
  const gboolean transposed = op == &cbam_op_deconv;

  return (CbamOnednnForm){
    .in_width = in.width,
    .in_height = in.height,
    .in_channels = in.channels,
    .width = out.width,
    .height = out.height,
    .channels = out.channels,
    .kernel_width = p->kernel_width,
    .kernel_height = p->kernel_height,
    .stride = p->stride,
    .dilation = p->dilation,
    .pad_left = p->pad_left,
    .pad_top = p->pad_top,
    .up_x = transposed ? p->up_x : 0,
    .up_y = transposed ? p->up_y : 0,
    .groups = op == &cbam_op_depthwise ? out.channels : p->groups,
    .bf16 = is_in_bf16 (program, op, p, in.channels),
    .has_bias = p->bias != NULL,
    .function = transposed ? CBAM_ONEDNN_NO_FUNCTION : function_of (&p->activation),
    .lo = p->activation.lo,
    .hi = p->activation.hi,
    .sigmoid = p->sigmoid,
  };
}

/* ---- Stripes ----------------------------------------------------------------------------------------------------- */

/* @whole for rows [first, end) of the output. */
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

/* The primitive of @form, which other stripes, and other steps, may have already. */
static CbamOnednn *
get_primitive (CbamHostProgram *program, const CbamOnednnForm *form, GError **error)
{
  CbamOnednn *primitive;

  for (guint i = 0; i < program->forms->len; i++)
    if (memcmp (&g_array_index (program->forms, CbamOnednnForm, i), form, sizeof *form) == 0)
      return g_ptr_array_index (program->primitives, i);
  primitive = cbam_onednn_new (form, program->n_primitives, error);
  if (primitive == NULL)
    return NULL;
  program->n_primitives++;
  program->scratch_size = MAX (program->scratch_size, cbam_onednn_get_scratch_size (primitive));
  g_ptr_array_add (program->primitives, primitive);
  g_array_append_val (program->forms, *form);
  return primitive;
}

/* FALSE without @error: another division may do. */
static gboolean
make_stripes (CbamHostProgram *program, CbamStriped *striped, GError **error)
{
  const guint height = striped->whole.height;

  striped->n_stripes = (height + striped->rows - 1) / striped->rows;
  striped->stripes = g_new0 (Stripe, striped->n_stripes);
  for (guint s = 0; s < striped->n_stripes; s++) {
    Stripe *stripe = &striped->stripes[s];
    const guint first = s * striped->rows, end = MIN (first + striped->rows, height);
    const CbamOnednnForm form = form_of_stripe (&striped->whole, first, end, &stripe->first_in);

    stripe->n_in = form.in_height;
    stripe->primitive = get_primitive (program, &form, error);
    if (stripe->primitive == NULL || !cbam_onednn_shares_weights (stripe->primitive, striped->stripes[0].primitive))
      return FALSE;
  }
  return TRUE;
}

static gboolean
pack_weights (CbamHostProgram *program, CbamStriped *striped, const CbamConvParams *p, GError **error)
{
  const CbamOnednn *primitive = striped->stripes[0].primitive;
  void *packed = cbam_host_new_packed (program, cbam_onednn_get_weights_size (primitive));

  striped->weights = packed;
  if (p->bias != NULL) {
    float *bias = cbam_host_new_packed (program, p->bias->n * sizeof (float));

    memcpy (bias, p->bias->values, p->bias->n * sizeof (float));
    striped->bias = bias;
  }
  return cbam_onednn_pack (primitive, p->weight->values, packed, error);
}

CbamStriped *
cbam_striped_new (CbamHostProgram *program, const CbamOnednnForm *whole, const CbamConvParams *p, guint rows,
                  GError **error)
{
  g_autoptr (CbamStriped) striped = g_new0 (CbamStriped, 1);

  striped->whole = *whole;
  striped->rows = rows;
  if (!make_stripes (program, striped, error) || !pack_weights (program, striped, p, error))
    return NULL;
  return g_steal_pointer (&striped);
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

guint
cbam_striped_get_first_in (const CbamStriped *striped, guint stripe)
{
  return striped->stripes[stripe].first_in;
}

gsize
cbam_striped_get_room (const CbamStriped *striped)
{
  gsize most = 0;

  for (guint s = 0; s < striped->n_stripes && striped->whole.bf16; s++)
    most = MAX (most, striped->stripes[s].n_in);
  return (most * striped->whole.in_width * striped->whole.in_channels + 1) / 2;
}

gboolean
cbam_striped_run (const CbamHostTask *task, const CbamStriped *striped, guint stripe, const float *x, float *y,
                  float *room)
{
  const Stripe *s = &striped->stripes[stripe];
  const gsize row = (gsize) striped->whole.in_width * striped->whole.in_channels;
  const CbamOnednnBuffers buffers = {
    .input = striped->whole.bf16 ? (const void *) room : x,
    .weights = striped->weights,
    .bias = striped->bias,
    .output = y,
  };

  if (striped->whole.bf16)
    task->step->program->loops->to_bf16 ((guint16 *) room, x, s->n_in * row);
  return cbam_onednn_run (task->stage->workers[task->thread], s->primitive, &buffers);
}

/* ---- Dividing ---------------------------------------------------------------------------------------------------- */

/* Bytes of the input and output that a part goes over, where that leaves enough to do: half of a usual L2 cache. */
#define STRIPE_BYTES (512 * 1024)

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

/* Cycles that the products take, and bytes of the weights. */
static double
count_work (const CbamHostProgram *program, const CbamOnednnForm *form, double *weight_bytes)
{
  const double rate = !form->bf16 ? MACS_PER_CYCLE : program->has_tiles ? TILE_MACS_PER_CYCLE : BF16_MACS_PER_CYCLE;
  const double weights =
      (double) form->channels * form->in_channels / MAX (form->groups, 1) * form->kernel_width * form->kernel_height;
  const double pixels =
      form->up_x > 0 ? (double) form->in_width * form->in_height : (double) form->width * form->height;

  *weight_bytes += weights * (form->bf16 ? sizeof (guint16) : sizeof (float));
  return pixels * weights / rate;
}

/* As few rows as the cache has room for, and as many as make the weights worth reading; the threads get alike. */
void
cbam_striped_divide (CbamHostStep *step, const CbamOnednnForm *forms, guint n)
{
  const CbamValue *in = step->node->inputs[0], *out = step->node->outputs[0];
  const double row_bytes = (double) (cbam_host_frame (in) + cbam_host_frame (out)) / out->height * sizeof (float);
  double weight_bytes = 0, products = 0;
  guint best = 1;

  for (guint i = 0; i < n; i++)
    products += count_work (step->program, &forms[i], &weight_bytes);
  const Work work = {
    .height = out->height,
    .threads = cbam_team_get_size (step->program->team),
    .row = MAX (products / out->height, row_bytes / CACHED_PER_CYCLE),
    .weights = weight_bytes / (weight_bytes > CACHE_BYTES ? UNCACHED_PER_CYCLE : CACHED_PER_CYCLE),
  };
  for (guint rows = 2; rows <= out->height; rows++)
    if ((rows * row_bytes <= STRIPE_BYTES || rows * work.row < 2 * work.weights) &&
        count_cycles (&work, rows) < count_cycles (&work, best))
      best = rows;
  cbam_striped_set_rows (step, best);
}

void
cbam_striped_set_rows (CbamHostStep *step, guint rows)
{
  const CbamValue *out = step->node->outputs[0];

  step->rows = rows;
  step->parts[0] = (out->height + rows - 1) / rows * out->batch;
}
