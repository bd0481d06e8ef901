/* JPEG files, by libjpeg itself: gdk-pixbuf keeps what libjpeg warns of to itself, and shows half a picture as if it
 * were whole.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

gboolean jpeg_is_one (const guint8 *data, gsize size);

/* Decodes a whole JPEG to RGB, as it is stored; the option "orientation" says how it is turned upright. One that ends
 * early or has damaged data is an error; what stands behind its end does not matter. Four components are taken for what
 * Adobe's programs write, inverted CMYK. */
GdkPixbuf *jpeg_decode (const guint8 *data, gsize size, GError **error);

G_END_DECLS
