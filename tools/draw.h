/* Boxes and labels, drawn on a picture for people to look at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

/* Draws the @n detections on a copy of @pixbuf and writes that as a PNG to @path, which appears whole or not at all. */
gboolean draw_detections_png (GdkPixbuf *pixbuf, const CbamDetection *detections, gsize n, const char *path,
                              GError **error);

G_END_DECLS
