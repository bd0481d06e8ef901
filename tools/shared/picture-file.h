/* What gdk-pixbuf does not ask of a file: whether all of it is there, and which way up its picture was taken.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

/* Whether BMP and WebP, which its readers show by half, are as long as they say; of other kinds it is true. */
gboolean picture_file_check (const guint8 *data, gsize size, GError **error);

/* The orientation of PNG and WebP, 1 to 8 as EXIF counts them; 0 for other kinds, which gdk-pixbuf asks itself. */
guint picture_file_orientation (const guint8 *data, gsize size);

G_END_DECLS
