/* Files that are pictures by their names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "picture-names.h"

#include <string.h>

/* What pictures may be called behind the last point, in any case: of several of one name, the first in this order. */
static const char *const kinds[] = { "jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm" };

static int
compare_strings (gconstpointer a, gconstpointer b)
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
picture_names_list (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_strings);
  return names;
}
