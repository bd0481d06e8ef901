/* Panels: copies of one picture beside each other, each under a heat map of its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "draw.h"

G_BEGIN_DECLS

/* Writes a PNG to @path, as draw_png(), with a panel for each of @heat_maps (CbamDrawingHeat, one at least), which are
 * fitted to the panels and are good for nothing else afterwards. */
gboolean panels_png (GdkPixbuf *pixbuf, GPtrArray *heat_maps, const CbamDetection *detections, gsize n,
                     const char *path, GError **error);

G_END_DECLS
