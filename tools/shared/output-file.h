/* Files that the programs make: whole or not at all, and never in the place of something that is no file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes @size bytes the content of @path. What stands there says how:
 *
 * - nothing: a new file. A regular file: another one takes its place in one step, with its mode and its owner, so that
 *   readers see all of the old or all of the new. Where no other can (the file has more names, its folder may not be
 *   written to, it is a mount, its owner cannot be kept) the bytes go into it as it is. A file that may not be written
 *   to is left alone.
 * - a symbolic link: it stays, and all of this is meant of what it points to, which need not be there yet.
 * - a device, a FIFO, or one of the process's own open files by /proc (/dev/stdout): the bytes go into it, as with cp.
 * - a folder or a loop of links is an error.
 *
 * The message of an error names @path. */
gboolean output_file_write (const char *path, gconstpointer data, gsize size, GError **error);

G_END_DECLS
