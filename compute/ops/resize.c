/* resize: a map to any size, nearest or bilinear.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/resize.h"

#include "args/resize.h"

#include "ops/padded.h"
#include "ops/shaders.h"

void
cbam_resize_fill (const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];

  *(CbamResizeArgs *) ret_dispatch->args = (CbamResizeArgs){
    .x = in->view,
    .y = out->view,
    .in_width = in->width,
    .in_height = in->height,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .inv_full = cbam_padded_dispatch (out, CBAM_THREADS, ret_dispatch),
  };
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_resize_fill (node, ret_dispatch);
  ((CbamResizeArgs *) ret_dispatch->args)->bilinear = cbam_resize_params (node)->bilinear;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", resize, CbamResizeArgs, dispatch),
};

/* Where output pixel @i of @n lies among @in pixels, along one axis: between @ret_near and the next, by the part
 * returned.
 */
static double
source_of (guint i, guint n, guint in, gboolean bilinear, guint *ret_near)
{
  const double at = MAX (0, (i + 0.5) * in / n - 0.5);

  *ret_near = bilinear ? (guint) at : (guint) ((guint64) i * in / n);
  return bilinear ? at - *ret_near : 0;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const gboolean bilinear = cbam_resize_params (node)->bilinear;
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);

  for (guint c = 0; c < out->channels; c++, x += (gsize) in->width * in->height)
    for (guint row = 0; row < out->height; row++)
      for (guint column = 0; column < out->width; column++) {
        guint x0, y0;
        const double fy = source_of (row, out->height, in->height, bilinear, &y0);
        const double fx = source_of (column, out->width, in->width, bilinear, &x0);
        const guint x1 = MIN (x0 + 1, in->width - 1), y1 = MIN (y0 + 1, in->height - 1);
        const double top = x[y0 * in->width + x0] * (1 - fx) + x[y0 * in->width + x1] * fx;
        const double bottom = x[y1 * in->width + x0] * (1 - fx) + x[y1 * in->width + x1] * fx;

        *y++ = (float) (top * (1 - fy) + bottom * fy);
      }
}

/* ---- In graphs ------------------------------------------------------------------------------------------------- */

CbamValue *
cbam_graph_resize (CbamGraph *graph, const char *name, CbamValue *input, guint width, guint height, gboolean bilinear)
{
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, width, height, input->channels);
  cbam_graph_add_node (graph, &cbam_op_resize, name, &(CbamResizeParams){ bilinear }, input, output);
  return output;
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_graph_resize (graph, "op", inputs[0], shape->kernel, shape->stride, shape->outputs == 1);
}

/* outputs: 1 for bilinear; kernel x stride: the size. */
static const CbamOpCase cases[] = {
  { 3, 2, 5, 0, 5, 4 }, { 10, 10, 21, 0, 19, 19, .big_reader = TRUE },
  { 1, 1, 8, 1, 3, 2 }, { 10, 5, 21, 1, 19, 10, .big_reader = TRUE },
  { 7, 9, 4, 1, 5, 3 },
};

const CbamOpClass cbam_op_resize = {
  .name = "resize",
  .params_size = sizeof (CbamResizeParams),
  .reference = reference,
  .scaling = cbam_op_scales_all,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
