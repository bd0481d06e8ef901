/* resample: from a frame's bytes to the network's input through a filter, as PIL's resize() has them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/resample.h"

#include "args/frame.h"

#include <math.h>

#include "ops/preprocess.h"
#include "ops/shaders.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];
  const guint texels = (out->width + 2 * out->border) * (out->height + 2 * out->border);

  *(CbamResampleArgs *) ret_dispatch->args = (CbamResampleArgs){ .y = out->view,
                                                                 .width = out->width,
                                                                 .height = out->height,
                                                                 .border = out->border,
                                                                 .cubic = cbam_resample_params (node)->cubic };
  ret_dispatch->groups[0] = (texels + CBAM_THREADS - 1) / CBAM_THREADS;
  ret_dispatch->groups[1] = 1;
}

static const CbamOpVariant variants[] = {
  { .name = "batch-texel",
    .shader = &cbam_shader_resample_batch_texel,
    .needs = CBAM_NEED_TEXELS,
    .args_size = sizeof (CbamResampleArgs),
    .fits = cbam_preprocess_is_batch,
    .dispatch = dispatch },
  { .name = "batch-plain",
    .shader = &cbam_shader_resample_batch_plain,
    .args_size = sizeof (CbamResampleArgs),
    .fits = cbam_preprocess_is_batch,
    .dispatch = dispatch },
  { .name = "batch-half",
    .shader = &cbam_shader_resample_batch_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamResampleArgs),
    .fits = cbam_preprocess_is_batch,
    .dispatch = dispatch },
  { .name = "texel",
    .shader = &cbam_shader_resample_texel,
    .needs = CBAM_NEED_TEXELS,
    .args_size = sizeof (CbamResampleArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_resample_plain,
    .args_size = sizeof (CbamResampleArgs),
    .dispatch = dispatch },
  { .name = "half",
    .shader = &cbam_shader_resample_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamResampleArgs),
    .dispatch = dispatch },
};

CbamResampleSpan
cbam_resample_find_span (double at, double scale, guint n, gboolean cubic)
{
  const double stretch = MAX (scale, 1), middle = at + 0.5;
  const double reach = stretch * (cubic ? CBAM_RESAMPLE_REACH_CUBIC : CBAM_RESAMPLE_REACH_LINEAR);
  const double first = CLAMP (floor (middle - reach + 0.5), 0, n - 1.0);

  return (CbamResampleSpan){ .first = (guint) first,
                             .end = (guint) CLAMP (floor (middle + reach + 0.5), first + 1, n),
                             .middle = middle,
                             .stretch = stretch };
}

double
cbam_resample_weigh (const CbamResampleSpan *span, guint i, gboolean cubic)
{
  const double x = fabs (i + 0.5 - span->middle) / span->stretch, a = CBAM_RESAMPLE_CUBIC_A;

  if (!cubic)
    return MAX (1 - x, 0);
  if (x < 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* Steps of turned frames may be negative, see CbamComponent. */
static double
sample (const guint8 *pixels, const CbamComponent *c, const CbamResampleSpan *across, const CbamResampleSpan *down,
        gboolean cubic)
{
  double sum = 0, total = 0;

  for (guint row = down->first; row < down->end; row++)
    for (guint column = across->first; column < across->end; column++) {
      const double weight = cbam_resample_weigh (down, row, cubic) * cbam_resample_weigh (across, column, cubic);

      sum += weight * pixels[c->offset + row * (gssize) (gint32) c->row + column * (gssize) (gint32) c->step];
      total += weight;
    }
  return sum / total;
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const guint8 *pixels = cbam_reference_get_bytes (run, node->inputs[0]);
  const CbamFrameArgs *f =
      (const CbamFrameArgs *) cbam_reference_get_bytes (run, node->inputs[1]) + cbam_reference_get_image (run);
  const guint width = node->outputs[0]->width, height = node->outputs[0]->height;
  const gboolean cubic = cbam_resample_params (node)->cubic;
  float *out = cbam_reference_get (run, node->outputs[0]);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++) {
      const double at_x = (x + 0.5) * f->scale_x + f->shift_x - 0.5, at_y = (y + 0.5) * f->scale_y + f->shift_y - 0.5;
      const gboolean inside = cbam_preprocess_is_inside (f, at_x, at_y);
      double raw[3] = { 0 };

      for (guint i = 0; inside && i < 3; i++) {
        const CbamComponent *c = &f->component[i];
        const CbamResampleSpan across =
            cbam_resample_find_span (at_x * c->scale_x + c->shift_x, f->scale_x * c->scale_x, c->width, cubic);
        const CbamResampleSpan down =
            cbam_resample_find_span (at_y * c->scale_y + c->shift_y, f->scale_y * c->scale_y, c->height, cubic);

        raw[i] = sample (pixels, c, &across, &down, cubic);
      }
      for (guint c = 0; c < 3; c++)
        out[((f->bgr ? 2 - c : c) * height + y) * width + x] = inside ? cbam_preprocess_colour (f, raw, c) : 0;
    }
}

CbamValue *
cbam_graph_resample (CbamGraph *graph, guint width, guint height, gboolean cubic, CbamValue **ret_block)
{
  const CbamResampleParams params = { .cubic = cubic };

  return cbam_graph_add_frame (graph, &cbam_op_resample, "resample", &params, width, height, ret_block);
}

const CbamOpClass cbam_op_resample = {
  .name = "resample",
  .params_size = sizeof (CbamResampleParams),
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
