/* Blends a small picture, stretched over the whole of it, into a frame: a heat map, say. GStreamer would make a picture
 * of the frame's size of it first, and then convert each line of the frame to and fro, which takes several times as
 * long. Here each component of the frame is blended where it lies, in its own colour space:
 *
 *     small picture --(colour matrix)--> one component, small --(a row across)--> wide rows --(two rows down)--> frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstretch.h"

#include <math.h>

#define ALPHA_ONE 32768 /* how 1 is written */
#define VALUE_ONE 128   /* how one level of a component is written; 255 of them fit 16 bits, as ALPHA_ONE does */

/* How opaque a place is, and what it adds to a component: its value there, multiplied by alpha. */
typedef struct
{
  guint16 alpha, value;
} Cell;

/* Between the centres of two cells: the one before, and 0..256 of the way to the next. */
typedef struct
{
  int before;
  guint fraction;
} Place;

typedef struct
{
  int width, height;
  Cell *cells;    /* [height][width] of the small picture */
  int wide;       /* samples across of the component */
  Place *columns; /* [wide]: where they are in the small picture */
  Cell *rows[2];  /* [wide]: rows of the small picture, stretched across */
  int row_of[2];  /* which they are; -1: none */
} Stretch;

/* Which sum of red, green and blue the component is, in levels for colours of 0 to 1, and its level for black. */
static void
component_weights (const GstVideoInfo *info, guint component, double weights[3], double *black)
{
  double kr, kb;
  int offsets[GST_VIDEO_MAX_COMPONENTS], scales[GST_VIDEO_MAX_COMPONENTS];

  weights[0] = weights[1] = weights[2] = *black = 0;
  if (GST_VIDEO_INFO_IS_RGB (info)) {
    weights[component] = 255;
    return;
  }
  if (!gst_video_color_matrix_get_Kr_Kb (info->colorimetry.matrix, &kr, &kb))
    gst_video_color_matrix_get_Kr_Kb (GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
  gst_video_color_range_offsets (info->colorimetry.range, info->finfo, offsets, scales);

  const double luma[] = { kr, 1 - kr - kb, kb };
  for (guint i = 0; i < 3; i++)
    switch (component) {
      case GST_VIDEO_COMP_Y: weights[i] = luma[i] * scales[component]; break;
      case GST_VIDEO_COMP_U: weights[i] = ((i == 2) - luma[i]) / (2 * (1 - kb)) * scales[component]; break;
      default: weights[i] = ((i == 0) - luma[i]) / (2 * (1 - kr)) * scales[component]; break;
    }
  *black = offsets[component];
}

/* Reads the small picture as one component of the frame. */
static void
fill_cells (Stretch *stretch, const GstVideoFrame *pixels, const GstVideoInfo *info, guint component)
{
  double weights[3], black;

  component_weights (info, component, weights, &black);
  for (int y = 0; y < stretch->height; y++) {
    const guint32 *row =
        (const guint32 *) ((const guint8 *) pixels->data[0] + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (pixels, 0));
    for (int x = 0; x < stretch->width; x++) {
      const double alpha = (row[x] >> 24) / 255.0, r = (row[x] >> 16 & 255) / 255.0, g = (row[x] >> 8 & 255) / 255.0,
                   b = (row[x] & 255) / 255.0;
      const double value = alpha * black + weights[0] * r + weights[1] * g + weights[2] * b;
      stretch->cells[y * stretch->width + x] =
          (Cell){ (guint16) lround (ALPHA_ONE * alpha), (guint16) lround (VALUE_ONE * CLAMP (value, 0, 255 * alpha)) };
    }
  }
}

/* Where sample @i of @n is among @cells cells. */
static Place
place (int i, int n, int cells)
{
  const double at = CLAMP ((i + 0.5) / n * cells - 0.5, 0, cells - 1);
  const int before = (int) at;

  return (Place){ before, (guint) lround (256 * (at - before)) };
}

static inline guint
mix (guint a, guint b, guint fraction)
{
  return (a * (256 - fraction) + b * fraction) >> 8;
}

/* Row @row stretched across, from memory if it is one of the last two. */
static const Cell *
wide_row (Stretch *stretch, int row)
{
  const int slot = row & 1;

  if (stretch->row_of[slot] == row)
    return stretch->rows[slot];
  const Cell *cells = stretch->cells + row * stretch->width;
  for (int x = 0; x < stretch->wide; x++) {
    const Place *column = &stretch->columns[x];
    const Cell *left = &cells[column->before], *right = &cells[MIN (column->before + 1, stretch->width - 1)];
    stretch->rows[slot][x] = (Cell){ (guint16) mix (left->alpha, right->alpha, column->fraction),
                                     (guint16) mix (left->value, right->value, column->fraction) };
  }
  stretch->row_of[slot] = row;
  return stretch->rows[slot];
}

/* Inlined, so that the compiler knows @step where it is written as a number. */
static inline void
blend_samples (guint8 *samples, int step, int n, const Cell *above, const Cell *below, guint fraction)
{
  for (int x = 0; x < n; x++) {
    const guint alpha = mix (above[x].alpha, below[x].alpha, fraction);
    const guint value = mix (above[x].value, below[x].value, fraction);
    const guint under = samples[x * step] * (ALPHA_ONE - alpha) / (ALPHA_ONE / VALUE_ONE);
    samples[x * step] = (guint8) ((under + value + VALUE_ONE / 2) / VALUE_ONE);
  }
}

static void
blend_component (Stretch *stretch, GstVideoFrame *frame, guint component)
{
  const int height = GST_VIDEO_FRAME_COMP_HEIGHT (frame, component);
  const int step = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component);

  stretch->row_of[0] = stretch->row_of[1] = -1;
  for (int x = 0; x < stretch->wide; x++)
    stretch->columns[x] = place (x, stretch->wide, stretch->width);
  for (int y = 0; y < height; y++) {
    guint8 *samples =
        GST_VIDEO_FRAME_COMP_DATA (frame, component) + (gssize) y * GST_VIDEO_FRAME_COMP_STRIDE (frame, component);
    const Place row = place (y, height, stretch->height);
    const Cell *above = wide_row (stretch, row.before);
    const Cell *below = wide_row (stretch, MIN (row.before + 1, stretch->height - 1));
    if (step == 1)
      blend_samples (samples, 1, stretch->wide, above, below, row.fraction);
    else
      blend_samples (samples, step, stretch->wide, above, below, row.fraction);
  }
}

void
gst_cbam_stretch_blend (GstVideoFrame *frame, GstBuffer *pixels)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
  GstVideoInfo info;
  GstVideoFrame small;

  gst_video_info_set_format (&info, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, meta->width, meta->height);
  if (!gst_video_frame_map (&small, &info, pixels, GST_MAP_READ))
    return;

  const guint n = MIN (GST_VIDEO_FRAME_N_COMPONENTS (frame), 3); /* the fourth is alpha */
  const gsize width = GST_VIDEO_FRAME_WIDTH (frame);
  g_autofree Cell *cells = g_new (Cell, (gsize) meta->width * meta->height);
  g_autofree Cell *even = g_new (Cell, width), *odd = g_new (Cell, width);
  g_autofree Place *columns = g_new (Place, width);
  Stretch stretch = {
    .width = meta->width, .height = meta->height, .cells = cells, .columns = columns, .rows = { even, odd }
  };
  for (guint c = 0; c < n; c++) {
    stretch.wide = GST_VIDEO_FRAME_COMP_WIDTH (frame, c);
    fill_cells (&stretch, &small, &frame->info, c);
    blend_component (&stretch, frame, c);
  }
  gst_video_frame_unmap (&small);
}
