/* Ops that make a map from another of the same size, texel by texel: activation, sigmoid and batch_norm. They are
 * usually fused into the convolution before them; these run where that is switched off or impossible.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/map.h"

#include <math.h>

#include "run/reference/reference.h"
#include "ops/map.h"
#include "ops/shaders.h"

#define THREADS 64

void
cbam_map_fill_dispatch (const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->output;
  const guint texels = (out->width + 2 * out->border) * (out->height + 2 * out->border);
  CbamMapArgs *args = (CbamMapArgs *) ret_dispatch->args;

  *args = (CbamMapArgs){ .y = out->view, .width = out->width, .height = out->height, .border = out->border };
  args->blocks = cbam_value_blocks (out);
  args->channels = out->channels;
  if (node->n_inputs > 0)
    args->x = node->inputs[0]->view;
  ret_dispatch->groups[0] = (texels + THREADS - 1) / THREADS;
  ret_dispatch->groups[1] = cbam_value_blocks (out);
  ret_dispatch->groups[2] = 1;
}

/* ---- activation ------------------------------------------------------------------------------------------------- */

static void
activation_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamMapArgs *args = (CbamMapArgs *) ret_dispatch->args;

  cbam_map_fill_dispatch (node, ret_dispatch);
  args->lo = node->params.activation.lo;
  args->hi = node->params.activation.hi;
}

static const CbamOpVariant activation_variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_activation_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = activation_dispatch },
  { .name = "plain",
    .shader = &cbam_shader_activation_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = activation_dispatch },
};

static void
activation_reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->output;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < (gsize) out->width * out->height * out->channels; i++)
    y[i] = CLAMP (x[i], node->params.activation.lo, node->params.activation.hi);
}

const CbamOpClass cbam_op_activation = {
  .name = "activation",
  .reference = activation_reference,
  .variants = activation_variants,
  .n_variants = G_N_ELEMENTS (activation_variants),
};

/* ---- sigmoid ---------------------------------------------------------------------------------------------------- */

static void
sigmoid_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
}

static const CbamOpVariant sigmoid_variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_sigmoid_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = sigmoid_dispatch },
  { .name = "plain",
    .shader = &cbam_shader_sigmoid_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = sigmoid_dispatch },
};

static void
sigmoid_reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->output;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < (gsize) out->width * out->height * out->channels; i++)
    y[i] = (float) (1 / (1 + exp (-(double) x[i])));
}

const CbamOpClass cbam_op_sigmoid = {
  .name = "sigmoid",
  .reference = sigmoid_reference,
  .variants = sigmoid_variants,
  .n_variants = G_N_ELEMENTS (sigmoid_variants),
};

/* ---- batch_norm ------------------------------------------------------------------------------------------------- */

static void
scale_and_shift (const CbamBatchNormParams *p, guint c, double *ret_scale, double *ret_shift)
{
  *ret_scale = p->gamma->values[c] / sqrt (p->variance->values[c] + p->eps);
  *ret_shift = p->beta->values[c] - p->mean->values[c] * *ret_scale;
}

static gsize
batch_norm_packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return (gsize) cbam_value_blocks (node->output) * 8;
}

static void
batch_norm_pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  for (gsize i = 0; i < batch_norm_packed_size (variant, node); i++)
    out[i] = 0;
  for (guint c = 0; c < node->output->channels; c++) {
    double scale, shift;

    scale_and_shift (&node->params.batch_norm, c, &scale, &shift);
    out[c / 4 * 8 + c % 4] = (float) scale;
    out[c / 4 * 8 + 4 + c % 4] = (float) shift;
  }
}

static void
batch_norm_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
}

static const CbamOpVariant batch_norm_variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_batch_norm_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = batch_norm_dispatch },
  { .name = "plain",
    .shader = &cbam_shader_batch_norm_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_WEIGHTS, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = batch_norm_dispatch },
};

static void
batch_norm_reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->output;
  const gsize pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++) {
    double scale, shift;

    scale_and_shift (&node->params.batch_norm, c, &scale, &shift);
    for (gsize i = 0; i < pixels; i++)
      y[c * pixels + i] = (float) (x[c * pixels + i] * scale + shift);
  }
}

const CbamOpClass cbam_op_batch_norm = {
  .name = "batch_norm",
  .packed_size = batch_norm_packed_size,
  .pack = batch_norm_pack,
  .reference = batch_norm_reference,
  .variants = batch_norm_variants,
  .n_variants = G_N_ELEMENTS (batch_norm_variants),
};
