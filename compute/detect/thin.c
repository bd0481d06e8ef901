/* Thinning: which lines of a large frame are sampled, and copying them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detect/thin.h"

#include "ops/preprocess.h"

#include <math.h>

#define LEAST_STEP 4 /* lines from position to position: args/frame.h */

/* ---- Positions -------------------------------------------------------------------------------------------------- */

/* Positions along an axis of the frame, in its pixels: @first + i * @step, @n of them. */
typedef struct
{
  double first, step;
  guint n;
} Positions;

/* The positions of @n pixels of the input, of those that lie in a frame of @extent pixels or just beside it; in rising
 * order. Letterboxing has some far outside, which are not sampled. */
static Positions
positions_in_frame (guint n, double scale, double shift, double extent)
{
  Positions p = { 0.5 * scale + shift - 0.5, scale, n };

  if (p.step < 0) {
    p.first += (n - 1) * p.step;
    p.step = -p.step;
  }
  const double before = MAX (0, ceil ((-1 - p.first) / p.step)), end = floor ((extent - p.first) / p.step) + 1;

  p.n = (guint) MAX (1, MIN (end, n) - before);
  p.first += before * p.step;
  return p;
}

static CbamThinAxis
axis_of (const Positions *frame, guint extent, double scale, double shift)
{
  const double first = frame->first * scale + shift, step = frame->step * scale;

  if (step < LEAST_STEP || extent <= (guint64) frame->n * CBAM_THIN_LINES)
    return (CbamThinAxis){ 0 };
  return (CbamThinAxis){
    /* The third line is on the nearer side: half a line may be wrong either way. */
    .first = (int) floor ((first - 0.5) * CBAM_THIN_ONE),
    .step = frame->n > 1 ? (int) floor (step * CBAM_THIN_ONE + 0.5) : 0,
    .count = frame->n,
    .last = extent - CBAM_THIN_LINES,
    .middle = (float) (first - step / 2),
    .inv_step = (float) (1 / step),
  };
}

void
cbam_thin_fill (CbamFrameArgs *frame, const CbamInputSpec *input, CbamThinAxes axes)
{
  const Positions x = positions_in_frame (input->width, frame->scale_x, frame->shift_x, frame->frame_width);
  const Positions y = positions_in_frame (input->height, frame->scale_y, frame->shift_y, frame->frame_height);

  for (guint c = 0; c < G_N_ELEMENTS (frame->thin); c++) {
    const CbamComponent *component = &frame->component[c];

    frame->thin[c] = (CbamThin){ 0 };
    if (axes & CBAM_THIN_COLUMNS)
      frame->thin[c].x = axis_of (&x, component->width, component->scale_x, component->shift_x);
    if (axes & CBAM_THIN_ROWS)
      frame->thin[c].y = axis_of (&y, component->height, component->scale_y, component->shift_y);
  }
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

guint
cbam_thin_count (const CbamThinAxis *axis, guint extent)
{
  return axis->count > 0 ? axis->count * CBAM_THIN_LINES : extent;
}

/* The line that is the @i-th of those that are there. */
static guint
line_at (const CbamThinAxis *axis, guint i)
{
  return axis->count > 0 ? cbam_thin_begin (axis, i / CBAM_THIN_LINES) + i % CBAM_THIN_LINES : i;
}

/* ---- Copying ---------------------------------------------------------------------------------------------------- */

gsize
cbam_thin_place (CbamFrameArgs *frame)
{
  gsize size = 0;

  for (guint c = 0; c < G_N_ELEMENTS (frame->component); c++) {
    CbamComponent *component = &frame->component[c];

    component->offset = (uint) size;
    component->row = (cbam_thin_count (&frame->thin[c].x, component->width) + 3) / 4 * 4;
    component->step = 1;
    size += (gsize) component->row * cbam_thin_count (&frame->thin[c].y, component->height);
  }
  return size;
}

static void
pack_row (const guint8 *from, gssize step, const CbamThinAxis *axis, guint width, guint8 *to)
{
  for (guint x = 0; axis->count == 0 && x < width; x++)
    to[x] = from[x * step];
  for (guint n = 0; n < axis->count; n++) {
    const guint8 *group = from + cbam_thin_begin (axis, n) * step;

    for (guint i = 0; i < CBAM_THIN_LINES; i++)
      *to++ = group[i * step];
  }
}

void
cbam_thin_pack (const CbamImage *image, const CbamFrameArgs *frame, guint8 *out)
{
  gboolean more = TRUE;

  /* Row by row, not component by component: those of a packed format lie together. */
  for (guint y = 0; more; y++) {
    more = FALSE;
    for (guint c = 0; c < G_N_ELEMENTS (frame->component); c++) {
      const CbamComponent *component = &frame->component[c];
      gssize row, step;
      const guint8 *from = cbam_image_get_component (image, c, &row, &step);

      if (y >= cbam_thin_count (&frame->thin[c].y, component->height))
        continue;
      pack_row (from + line_at (&frame->thin[c].y, y) * row, step, &frame->thin[c].x, component->width,
                out + component->offset + (gsize) y * component->row);
      more = TRUE;
    }
  }
}
