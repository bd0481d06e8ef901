/* The file that --detections names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "found-file.h"

#include <errno.h>
#include <glib/gstdio.h>

FILE *
found_file_open (const char *path, GError **error)
{
  FILE *file = g_fopen (path, "w");
  if (file == NULL)
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write '%s': %s", path,
                 g_strerror (errno));
  return file;
}

gboolean
found_file_close (FILE *file, const char *path, GError **error)
{
  const gboolean is_whole = !ferror (file);
  if (fclose (file) == 0 && is_whole)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, "cannot write '%s' to its end", path);
  return FALSE;
}
