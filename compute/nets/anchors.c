/* Generates anchors as Caffe's PriorBox and its PyTorch ports do: which boxes, in which order, and how they clip.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/anchors.h"

#include <math.h>

guint
cbam_anchors_per_cell (const CbamAnchorSpec *spec, guint level)
{
  g_return_val_if_fail (level < spec->n_levels, 0);

  return 1 + (spec->max_size[level] > 0) + 2 * spec->n_ratios[level];
}

/* Clamps the corners on one axis and gives centre and size back. */
static void
clip_corners (double *centre, double *size)
{
  double low = CLAMP (*centre - *size / 2, 0, 1);
  double high = CLAMP (*centre + *size / 2, 0, 1);

  *centre = (low + high) / 2;
  *size = high - low;
}

static CbamAnchor
make_anchor (CbamClip clip, double cx, double cy, double w, double h)
{
  switch (clip) {
    case CBAM_CLIP_NONE: break;
    case CBAM_CLIP_CXCYWH:
      cx = CLAMP (cx, 0, 1);
      cy = CLAMP (cy, 0, 1);
      G_GNUC_FALLTHROUGH;
    case CBAM_CLIP_WH:
      w = CLAMP (w, 0, 1);
      h = CLAMP (h, 0, 1);
      break;
    case CBAM_CLIP_CORNER:
      clip_corners (&cx, &w);
      clip_corners (&cy, &h);
      break;
  }
  return (CbamAnchor){ (float) cx, (float) cy, (float) w, (float) h };
}

/* The boxes of one cell, in the order of the detector's outputs: the square, the larger square, then for each aspect
 * ratio the wide box and the tall one. */
static void
append_cell (GArray *anchors, const CbamAnchorSpec *spec, guint level, double cx, double cy, double input_width,
             double input_height)
{
  double size = spec->min_size[level];
  double large = sqrt (size * spec->max_size[level]);
  CbamAnchor box = make_anchor (spec->clip, cx, cy, size / input_width, size / input_height);

  g_array_append_val (anchors, box);
  if (spec->max_size[level] > 0) {
    box = make_anchor (spec->clip, cx, cy, large / input_width, large / input_height);
    g_array_append_val (anchors, box);
  }
  for (guint r = 0; r < spec->n_ratios[level]; r++) {
    double root = sqrt (spec->ratios[level][r]);

    box = make_anchor (spec->clip, cx, cy, size * root / input_width, size / root / input_height);
    g_array_append_val (anchors, box);
    box = make_anchor (spec->clip, cx, cy, size / root / input_width, size * root / input_height);
    g_array_append_val (anchors, box);
  }
}

GArray *
cbam_anchors_generate (const CbamAnchorSpec *spec, guint input_width, guint input_height)
{
  const double offset = 0.5 + spec->off_middle;
  GArray *anchors = g_array_new (FALSE, FALSE, sizeof (CbamAnchor));

  g_return_val_if_fail (spec->tensor == NULL && input_width > 0 && input_height > 0, anchors);

  for (guint level = 0; level < spec->n_levels; level++) {
    guint rows = spec->map_height[level], columns = spec->map_width[level];
    double step_x = spec->step_x[level] > 0 ? spec->step_x[level] : (double) input_width / columns;
    double step_y = spec->step_y[level] > 0 ? spec->step_y[level] : (double) input_height / rows;

    for (guint i = 0; i < rows; i++)
      for (guint j = 0; j < columns; j++)
        append_cell (anchors, spec, level, (j + offset) * step_x / input_width, (i + offset) * step_y / input_height,
                     input_width, input_height);
  }
  return anchors;
}
