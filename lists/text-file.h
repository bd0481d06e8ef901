/* Lists that people write: labels, names of pictures, a line each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The lines of a text file up to %NULL, without the blanks before and behind them; empty ones stay, so that line n is
 * n - 1. The text is UTF-8, or UTF-16 that begins with a byte order mark; lines end as on Unix, Windows or old Macs. A
 * byte order mark is no part of a line: at the front, or further down in what was joined of several files. The message
 * of an error names @path. */
char **text_file_read_lines (const char *path, GError **error);

/* The same for names of files, which may be in other bytes than UTF-8, as the file system has them. */
char **text_file_read_names (const char *path, GError **error);

G_END_DECLS
