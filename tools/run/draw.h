/* Boxes and labels, or the classes of the whole, drawn on a picture for people to look at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <heatmap.h>

G_BEGIN_DECLS

/* What lies over what, from the bottom up. */
typedef struct
{
  GdkPixbuf *pixbuf;
  const CbamDrawingHeat *heat; /* NULL: none */
  gboolean has_legend;         /* of the heat, where there is room */
  const CbamDetection *detections;
  gsize n_detections;
  const CbamClass *classes; /* below each other in the upper left corner */
  gsize n_classes;
} Drawing;

/* Draws at the origin, where it takes as much room as the pixbuf. */
void draw_picture (cairo_t *cr, const Drawing *drawing);

/* Writes one drawing as a PNG to @path, as output_file_write() does. */
gboolean draw_png (const Drawing *drawing, const char *path, GError **error);

/* The same for whatever was drawn with @cr. */
gboolean draw_finish_png (cairo_t *cr, const char *path, GError **error);

G_END_DECLS
