/* attend: self-attention as SAGAN has it (Zhang et al. 2018, arXiv 1805.08318), without the convolutions before it and
 * the sum behind it. Over all pairs of places i and j
 *
 *     y_i = gamma * sum over j of softmax over j (q_i . k_j) v_j
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/attend.h"

#include "args/attend.h"

#include <math.h>

#include "ops/activation.h"
#include "ops/padded.h"
#include "ops/shaders.h"

static gsize
count_places (const CbamNode *node)
{
  return (gsize) node->outputs[0]->width * node->outputs[0]->height;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];
  const guint cells = 2 * out->border * (out->width + 2 * out->border + out->height);
  const guint tiles = (guint) ((count_places (node) + CBAM_ATTEND_PLACES - 1) / CBAM_ATTEND_PLACES);

  *(CbamAttendArgs *) ret_dispatch->args = (CbamAttendArgs){
    .y = out->view,
    .queries = node->inputs[0]->view,
    .keys = node->inputs[1]->view,
    .values = node->inputs[2]->view,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .depth = cbam_value_blocks (node->inputs[0]),
    .blocks = cbam_value_blocks (out),
    .tiles = tiles,
    .gamma = cbam_attend_params (node)->gamma->values[0],
  };
  ret_dispatch->groups[0] = tiles + (cells + CBAM_THREADS - 1) / CBAM_THREADS;
  ret_dispatch->groups[1] = (cbam_value_blocks (out) + CBAM_ATTEND_BLOCKS - 1) / CBAM_ATTEND_BLOCKS;
}

/* A round over CBAM_THREADS places takes some turns for each block of their keys, two for each weight, and one for each
 * value. */
static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint64 rounds = (count_places (node) + CBAM_THREADS - 1) / CBAM_THREADS;

  const guint64 products = CBAM_ATTEND_PLACES / CBAM_ATTEND_PRODUCTS * (1 + cbam_value_blocks (node->inputs[0]));

  return rounds * (1 + products + 2 * CBAM_ATTEND_PLACES + CBAM_THREADS) < CBAM_MOST_TURNS;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", attend, CbamAttendArgs, dispatch, .fits = fits),
};

/* ---- Truth ------------------------------------------------------------------------------------------------------- */

/* What the places' values count at place @i: a softmax. */
static void
weigh (double *weights, const float *q, const float *k, gsize places, guint channels, gsize i)
{
  double largest = -INFINITY, sum = 0;

  for (gsize j = 0; j < places; j++) {
    weights[j] = 0;
    for (guint c = 0; c < channels; c++)
      weights[j] += (double) q[c * places + i] * k[c * places + j];
    largest = MAX (largest, weights[j]);
  }
  for (gsize j = 0; j < places; j++) {
    weights[j] = exp (weights[j] - largest);
    sum += weights[j];
  }
  for (gsize j = 0; j < places; j++)
    weights[j] /= sum;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const gsize places = count_places (node);
  const float *q = cbam_reference_get (run, node->inputs[0]), *k = cbam_reference_get (run, node->inputs[1]);
  const float *v = cbam_reference_get (run, node->inputs[2]);
  float *y = cbam_reference_get (run, node->outputs[0]);
  g_autofree double *weights = g_new (double, places);

  for (gsize i = 0; i < places; i++) {
    weigh (weights, q, k, places, node->inputs[0]->channels, i);
    for (guint c = 0; c < node->outputs[0]->channels; c++) {
      double sum = 0;

      for (gsize j = 0; j < places; j++)
        sum += weights[j] * v[c * places + j];
      y[c * places + i] = (float) (sum * cbam_attend_params (node)->gamma->values[0]);
    }
  }
}

static guint64
macs (const CbamNode *node)
{
  return (guint64) count_places (node) * count_places (node) * (node->inputs[0]->channels + node->outputs[0]->channels);
}

static guint64
parameters (const CbamNode *node)
{
  return cbam_param_count (cbam_attend_params (node)->gamma);
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_attend (CbamGraph *graph, const char *name, CbamValue *queries, CbamValue *keys, CbamValue *values)
{
  CbamAttendParams params;
  CbamValue *output;
  CbamNode *node;

  if (graph->error != NULL)
    return NULL;
  if (queries->channels != keys->channels || queries->width != keys->width || queries->height != keys->height ||
      keys->width != values->width || keys->height != values->height)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL,
                     "%s: %ux%ux%u queries, %ux%ux%u keys and %ux%u values do not go together", name, queries->width,
                     queries->height, queries->channels, keys->width, keys->height, keys->channels, values->width,
                     values->height);
  params.gamma = cbam_graph_read_param (graph, name, "gamma", 1, (const gsize[]){ 1 });
  output = cbam_graph_add_value_like (graph, name, values);
  node = cbam_graph_add_node (graph, &cbam_op_attend, name, &params, queries, output);
  node->inputs[node->n_inputs++] = keys;
  node->inputs[node->n_inputs++] = values;
  return output;
}

/* Of products of ten thousands nothing would be left behind the point, which the softmax is about. */
static CbamValue *
bounded (CbamGraph *graph, CbamValue *input, const CbamOpCase *shape)
{
  const CbamActivationParams clamp = { CBAM_FUNCTION_CLAMP, -3, shape->kernel > 0 ? (float) shape->kernel : 3 };

  return cbam_graph_activate (graph, input, &clamp);
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  CbamValue *queries = bounded (graph, inputs[1], shape), *keys = bounded (graph, inputs[2], shape);

  return cbam_graph_attend (graph, "op", queries, keys, inputs[0]);
}

/* The maps are values, queries and keys. outputs: channels of the last two; kernel: their largest number [3], where 12
 * makes products whose exponentials are infinite. */
static const CbamOpCase cases[] = {
  { 1, 1, 3, 1, .company = CBAM_CASE_MAPS },
  { 19, 13, 24, 3, .kernel = 12, .company = CBAM_CASE_MAPS },
  { 9, 7, 5, 2, .company = CBAM_CASE_MAPS, .big_reader = TRUE },
  { 19, 13, 70, 9, .company = CBAM_CASE_MAPS },
  { 8, 8, 130, 16, .company = CBAM_CASE_MAPS, .big_reader = TRUE },
  { 1, 40, 7, 33, .company = CBAM_CASE_MAPS },
  { 65, 64, 1, 1, .company = CBAM_CASE_MAPS },
};

const CbamOpClass cbam_op_attend = {
  .name = "attend",
  .params_size = sizeof (CbamAttendParams),
  .macs = macs,
  .parameters = parameters,
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
