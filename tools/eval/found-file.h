/* The file that --detections names: lines of what a model found, written while it looks.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

/* Opens the file before the first picture, so that a wrong path is known then. */
FILE *found_file_open (const char *path, GError **error);

/* %FALSE if not all that was written to it is there. */
gboolean found_file_close (FILE *file, const char *path, GError **error);

G_END_DECLS
