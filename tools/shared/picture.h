/* Pictures as files hold them, upright and ready for the detector.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>
#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

/* Reads a picture of any format gdk-pixbuf knows and turns it as its EXIF orientation says. A file that ends early or
 * is damaged is an error. The message of an error names the file.
 *
 * tools/train/picture.py is the trainer's twin: the same pixels, and the same answer to damaged files. */
GdkPixbuf *picture_load (const char *path, GError **error);

/* A view of @pixbuf's pixels, which must outlive it. */
CbamImage picture_view (GdkPixbuf *pixbuf);

/* Where the picture drawn from @path goes within @folder: its name with .png, and a number before that if @taken (a set
 * of such paths, to which the answer is added) already has it. */
char *picture_output_path (const char *folder, const char *path, GHashTable *taken);

G_END_DECLS
