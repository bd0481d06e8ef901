/* The legend of a heat map: its title, and a bar of its colours between what the coldest and the hottest stand for.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <heatmap.h>

G_BEGIN_DECLS

typedef struct _Legend Legend;

/* Laid out for @cr and at most @room pixels wide where that can be: without its title if this is too long. @heat must
 * outlive it. */
Legend *legend_new (const CbamDrawingHeat *heat, cairo_t *cr, double font, double room);
void legend_free (Legend *legend);

double legend_width (const Legend *legend);
double legend_height (const Legend *legend);

/* Finds the corner of a picture where it hides the least of the heat and the boxes. Returns %FALSE where it would hide
 * too much of the picture. */
gboolean legend_find_corner (const Legend *legend, double width, double height, const CbamDetection *detections,
                             gsize n, cairo_rectangle_t *corner);

void legend_draw (const Legend *legend, cairo_t *cr, double x, double y);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Legend, legend_free)

G_END_DECLS
