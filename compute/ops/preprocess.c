/* preprocess: from a frame's bytes to the network's input. What to do is all in the slot's CbamFrameArgs, which
 * compute/detect/image.c fills from the frame and the model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/preprocess.h"

#include "args/frame.h"
#include "args/map.h"

#include <math.h>

#include "ops/map.h"
#include "ops/shaders.h"

gboolean
cbam_preprocess_is_batch (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->outputs[0]->batch > 1;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
  ret_dispatch->groups[0] = (ret_dispatch->groups[0] + CBAM_PREPROCESS_PIXELS - 1) / CBAM_PREPROCESS_PIXELS;
}

/* A frame that is thinned is alone in its batch. */
static const CbamOpVariant variants[] = {
  { .name = "batch-texel",
    .shader = &cbam_shader_preprocess_batch_texel,
    .thin = &cbam_shader_preprocess_thin_texel,
    .needs = CBAM_NEED_TEXELS,
    .args_size = sizeof (CbamMapArgs),
    .fits = cbam_preprocess_is_batch,
    .dispatch = dispatch },
  { .name = "batch-plain",
    .shader = &cbam_shader_preprocess_batch_plain,
    .thin = &cbam_shader_preprocess_thin_plain,
    .args_size = sizeof (CbamMapArgs),
    .fits = cbam_preprocess_is_batch,
    .dispatch = dispatch },
  { .name = "batch-half",
    .shader = &cbam_shader_preprocess_batch_half,
    .thin = &cbam_shader_preprocess_thin_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamMapArgs),
    .fits = cbam_preprocess_is_batch,
    .dispatch = dispatch },
  { .name = "texel",
    .shader = &cbam_shader_preprocess_texel,
    .thin = &cbam_shader_preprocess_thin_texel,
    .needs = CBAM_NEED_TEXELS,
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_preprocess_plain,
    .thin = &cbam_shader_preprocess_thin_plain,
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
  { .name = "half",
    .shader = &cbam_shader_preprocess_half,
    .thin = &cbam_shader_preprocess_thin_half,
    .needs = CBAM_NEED_HALF,
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
};

guint
cbam_thin_find (const CbamThinAxis *axis, guint line)
{
  gint n;

  if (axis->count == 0)
    return line;
  n = (gint) floor (((double) line - axis->middle) * axis->inv_step);
  n = CLAMP (n, 0, (gint) axis->count - 1);
  return (guint) (n * CBAM_THIN_LINES +
                  CLAMP ((gint) line - (gint) cbam_thin_begin (axis, (guint) n), 0, CBAM_THIN_LINES - 1));
}

/* Rows and steps of turned frames may be negative, see CbamComponent. */
static double
byte_at (const guint8 *pixels, const CbamComponent *c, guint x, guint y)
{
  return pixels[c->offset + y * (gssize) (gint32) c->row + x * (gssize) (gint32) c->step];
}

/* Bilinear, edges repeated; @x and @y in pixels of the frame, 0 in the middle of the first. */
static double
sample (const guint8 *pixels, const CbamComponent *c, const CbamThin *thin, double x, double y)
{
  const double px = CLAMP (x * c->scale_x + c->shift_x, 0, c->width - 1.0);
  const double py = CLAMP (y * c->scale_y + c->shift_y, 0, c->height - 1.0);
  const guint left = (guint) px, top = (guint) py;
  const double fx = px - left, fy = py - top;
  const guint x0 = cbam_thin_find (&thin->x, left), x1 = cbam_thin_find (&thin->x, MIN (left + 1, c->width - 1));
  const guint y0 = cbam_thin_find (&thin->y, top), y1 = cbam_thin_find (&thin->y, MIN (top + 1, c->height - 1));

  return (byte_at (pixels, c, x0, y0) * (1 - fx) + byte_at (pixels, c, x1, y0) * fx) * (1 - fy) +
         (byte_at (pixels, c, x0, y1) * (1 - fx) + byte_at (pixels, c, x1, y1) * fx) * fy;
}

gboolean
cbam_preprocess_is_inside (const CbamFrameArgs *f, double x, double y)
{
  return x > -0.5 && y > -0.5 && x < f->frame_width - 0.5 && y < f->frame_height - 0.5;
}

float
cbam_preprocess_colour (const CbamFrameArgs *f, const double raw[3], guint channel)
{
  const float *row = f->matrix + channel * 4;
  const double v = CLAMP (raw[0] * row[0] + raw[1] * row[1] + raw[2] * row[2] + row[3], 0, 255);

  return (float) (((f->round_u8 ? floor (v + 0.5) : v) - f->mean[channel]) * f->gain[channel]);
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const guint8 *pixels = cbam_reference_get_bytes (run, node->inputs[0]);
  const CbamFrameArgs *f =
      (const CbamFrameArgs *) cbam_reference_get_bytes (run, node->inputs[1]) + cbam_reference_get_image (run);
  const guint width = node->outputs[0]->width, height = node->outputs[0]->height;
  float *out = cbam_reference_get (run, node->outputs[0]);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++) {
      const double at_x = (x + 0.5) * f->scale_x + f->shift_x - 0.5, at_y = (y + 0.5) * f->scale_y + f->shift_y - 0.5;
      const gboolean inside = cbam_preprocess_is_inside (f, at_x, at_y);
      double raw[3] = { 0 };

      for (guint c = 0; inside && c < 3; c++)
        raw[c] = sample (pixels, &f->component[c], &f->thin[c], at_x, at_y);
      for (guint c = 0; c < 3; c++)
        out[((f->bgr ? 2 - c : c) * height + y) * width + x] = inside ? cbam_preprocess_colour (f, raw, c) : 0;
    }
}

CbamValue *
cbam_graph_add_frame (CbamGraph *graph, const CbamOpClass *op, const char *name, const void *params, guint width,
                      guint height, CbamValue **ret_block)
{
  CbamValue *output, *pixels;
  CbamNode *node;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, width, height, 3);
  pixels = cbam_graph_add_bytes (graph, "pixels", 0);
  pixels->is_frame = TRUE;
  *ret_block = cbam_graph_add_bytes (graph, "frame", sizeof (CbamFrameArgs));
  (*ret_block)->host = CBAM_HOST_WRITES;
  (*ret_block)->host_bytes = (*ret_block)->size;
  node = cbam_graph_add_node (graph, op, name, params, pixels, output);
  node->inputs[node->n_inputs++] = *ret_block;
  return output;
}

CbamValue *
cbam_graph_preprocess (CbamGraph *graph, guint width, guint height, CbamValue **ret_block)
{
  return cbam_graph_add_frame (graph, &cbam_op_preprocess, "preprocess", NULL, width, height, ret_block);
}

const CbamOpClass cbam_op_preprocess = {
  .name = "preprocess",
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
