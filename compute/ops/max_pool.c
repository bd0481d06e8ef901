/* max_pool: the largest value of each window of a channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/max_pool.h"

#include "args/pool.h"

#include "ops/padded.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamPoolParams *p = cbam_max_pool_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const guint full_width = out->width + 2 * out->border, full_height = out->height + 2 * out->border;

  *(CbamPoolArgs *) ret_dispatch->args = (CbamPoolArgs){
    .x = in->view,
    .y = out->view,
    .in_width = in->width,
    .in_height = in->height,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .kernel = p->kernel,
    .stride = p->stride,
    .pad = p->pad,
    .inv_full = 1.0f / (float) full_width,
  };
  ret_dispatch->groups[0] = (full_width * full_height + CBAM_THREADS - 1) / CBAM_THREADS;
  ret_dispatch->groups[1] = cbam_value_blocks (out);
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", max_pool, CbamPoolArgs, dispatch),
};

static float
largest_of_window (const CbamNode *node, const float *plane, guint row, guint column)
{
  const CbamPoolParams *p = cbam_max_pool_params (node);
  const CbamValue *in = node->inputs[0];
  float largest = -G_MAXFLOAT;

  for (guint ky = 0; ky < p->kernel; ky++)
    for (guint kx = 0; kx < p->kernel; kx++) {
      const gint y = (gint) (row * p->stride + ky) - (gint) p->pad;
      const gint x = (gint) (column * p->stride + kx) - (gint) p->pad;

      if (y >= 0 && y < (gint) in->height && x >= 0 && x < (gint) in->width)
        largest = MAX (largest, plane[(guint) y * in->width + (guint) x]);
    }
  return largest;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++, x += (gsize) in->width * in->height)
    for (guint row = 0; row < out->height; row++)
      for (guint column = 0; column < out->width; column++)
        *y++ = largest_of_window (node, x, row, column);
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

/* Windows along one axis. The last one begins inside the map or its first padding (PyTorch's rule for ceil_mode). */
static guint
pool_extent (guint input, const CbamPoolParams *params, gboolean ceil)
{
  const gint room = (gint) (input + 2 * params->pad) - (gint) params->kernel;
  gint output;

  if (room < 0)
    return ceil ? 1 : 0;
  output = (gint) ((guint) room + (ceil ? params->stride - 1 : 0)) / (gint) params->stride + 1;
  if ((guint) (output - 1) * params->stride >= input + params->pad)
    output--;
  return (guint) output;
}

CbamValue *
cbam_graph_max_pool (CbamGraph *graph, const CbamPoolForm *form)
{
  CbamPoolParams params = { .kernel = form->kernel ? form->kernel : 2, .pad = form->pad };
  const CbamValue *input = form->input;
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  params.stride = form->stride ? form->stride : params.kernel;
  output = cbam_graph_add_value (graph, form->name, pool_extent (input->width, &params, form->ceil),
                                 pool_extent (input->height, &params, form->ceil), input->channels);
  cbam_graph_add_node (graph, &cbam_op_max_pool, form->name, &params, form->input, output);
  return output;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_max_pool (graph, &(CbamPoolForm){ .name = "op",
                                                      .input = inputs[0],
                                                      .kernel = shape->kernel,
                                                      .stride = shape->stride,
                                                      .pad = shape->pad,
                                                      .ceil = shape->outputs == 1 });
}

/* outputs: 1 for ceil. */
static const CbamOpCase cases[] = {
  { 2, 2, 3, 0, 2, 2 },           { 75, 7, 12, 1, 2, 2 },
  { 75, 7, 12, 0, 2, 2 },         { 19, 13, 21, 0, 3, 1, .pad = 1, .big_reader = TRUE },
  { 1, 1, 5, 0, 3, 1, .pad = 1 }, { 10, 11, 9, 1, 3, 2, .pad = 1 },
};

const CbamOpClass cbam_op_max_pool = {
  .name = "max_pool",
  .params_size = sizeof (CbamPoolParams),
  .reference = reference,
  .scaling = cbam_op_scales_all,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
