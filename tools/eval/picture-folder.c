/* Folders with pictures in them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "picture-folder.h"

#include <string.h>

/* What pictures may be called behind the last point, in any case: of several of one name, the first in this order. */
static const char *const kinds[] = { "jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm" };

int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

guint
picture_kind (const char *extension)
{
  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    if (g_ascii_strcasecmp (extension, kinds[kind]) == 0)
      return kind;
  return PICTURE_KIND_NONE;
}

GPtrArray *
picture_folder_list (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  if (dir == NULL)
    return NULL;
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, by_name);
  return names;
}

gboolean
picture_folders_check (const GPtrArray *folders, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < folders->len; i++) {
    const char *folder = g_ptr_array_index (folders, i);
    if (g_hash_table_add (seen, g_canonicalize_filename (folder, NULL)))
      continue;
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_EXIST, "expected different folders, found '%s' twice", folder);
    return FALSE;
  }
  return TRUE;
}
