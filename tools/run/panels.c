/* Panels: copies of one picture beside each other, each under a heat map of its own. They have one size whatever the
 * picture's, so that what is written on them can be read and the whole fits on a screen.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "panels.h"

#include "legend.h"

#include <math.h>

#define LONGER_SIDE 480 /* of a panel */
#define LEAST_WIDTH 200 /* of a cell: of its legend, that is */
#define GAP 8
#define FONT 13
#define SHAPE 1.6 /* width / height of the whole that is aimed at */

/* Columns that make the whole most like a screen. */
static guint
count_columns (guint n, double width, double height)
{
  guint best = 1;
  double best_off = INFINITY;
  for (guint columns = 1; columns <= n; columns++) {
    const guint rows = (n + columns - 1) / columns;
    const double off = fabs (log (columns * width / (rows * height) / SHAPE));
    if (off < best_off) {
      best = columns;
      best_off = off;
    }
  }
  return best;
}

static CbamDetection *
scale_detections (const CbamDetection *detections, gsize n, double x, double y)
{
  CbamDetection *scaled = g_new (CbamDetection, MAX (n, 1));
  for (gsize i = 0; i < n; i++) {
    scaled[i] = detections[i];
    scaled[i].x *= x;
    scaled[i].width *= x;
    scaled[i].y *= y;
    scaled[i].height *= y;
  }
  return scaled;
}

/* @panel at the top of a cell, its heat's legend below it. */
static void
draw_panel (cairo_t *cr, const Drawing *panel, double cell_width)
{
  const int width = gdk_pixbuf_get_width (panel->pixbuf), height = gdk_pixbuf_get_height (panel->pixbuf);
  g_autoptr (Legend) legend = legend_new (panel->heat, cr, FONT, cell_width);
  legend_draw (legend, cr, round ((cell_width - legend_width (legend)) / 2), height);

  cairo_translate (cr, round ((cell_width - width) / 2), 0);
  cairo_rectangle (cr, 0, 0, width, height);
  cairo_clip (cr);
  draw_picture (cr, panel);
}

gboolean
panels_png (GdkPixbuf *pixbuf, GPtrArray *heat_maps, const CbamDetection *detections, gsize n, const char *path,
            GError **error)
{
  const int full_width = gdk_pixbuf_get_width (pixbuf), full_height = gdk_pixbuf_get_height (pixbuf);
  const double scale = LONGER_SIDE / (double) MAX (full_width, full_height);
  const int width = MAX (1, (int) lround (scale * full_width)), height = MAX (1, (int) lround (scale * full_height));
  const double scale_x = width / (double) full_width, scale_y = height / (double) full_height;
  g_autoptr (GdkPixbuf) copy = gdk_pixbuf_scale_simple (pixbuf, width, height, GDK_INTERP_BILINEAR);
  g_autofree CbamDetection *scaled = scale_detections (detections, n, scale_x, scale_y);
  if (copy == NULL) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOMEM, "cannot draw '%s': no memory for a panel", path);
    return FALSE;
  }

  const int cell_width = MAX (width, LEAST_WIDTH) + GAP, cell_height = height + 4 * FONT + GAP;
  const guint columns = count_columns (heat_maps->len, cell_width, cell_height);
  const guint rows = (heat_maps->len + columns - 1) / columns;
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) columns * cell_width + GAP, (int) rows * cell_height + GAP);
  cairo_t *cr = cairo_create (surface);
  cairo_surface_destroy (surface); /* @cr has it now */
  cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
  cairo_paint (cr);
  for (guint i = 0; i < heat_maps->len; i++) {
    const Drawing panel = {
      .pixbuf = copy, .heat = g_ptr_array_index (heat_maps, i), .detections = scaled, .n_detections = n
    };
    cbam_drawing_heat_scale (g_ptr_array_index (heat_maps, i), scale_x, scale_y);
    cairo_save (cr);
    cairo_translate (cr, GAP + (int) (i % columns) * cell_width, GAP + (int) (i / columns) * cell_height);
    draw_panel (cr, &panel, cell_width - GAP);
    cairo_restore (cr);
  }
  const gboolean written = draw_finish_png (cr, path, error);
  cairo_destroy (cr);
  return written;
}
