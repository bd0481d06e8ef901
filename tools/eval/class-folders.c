/* Pictures sorted by what they show, a folder for each class.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "class-folders.h"

#include "picture-folder.h"

#include <string.h>

static void
picture_free (ClassPicture *picture)
{
  g_free (picture->name);
  g_free (picture->path);
  g_free (picture);
}

void
class_folders_free (ClassFolders *set)
{
  if (set == NULL)
    return;
  g_ptr_array_unref (set->pictures);
  g_ptr_array_unref (set->classes);
  g_free (set);
}

static gboolean
is_picture (const char *name)
{
  const char *point = strrchr (name, '.');
  return point != NULL && picture_kind (point + 1) != PICTURE_KIND_NONE;
}

/* ---- Classes ---------------------------------------------------------------------------------------------------- */

/* The folders of classes in @folder, sorted. */
static GPtrArray *
list_classes (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = picture_folder_list (folder, error);
  if (names == NULL)
    return NULL;
  for (guint i = names->len; i-- > 0;) {
    const char *name = g_ptr_array_index (names, i);
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (*name == '.' || !g_file_test (path, G_FILE_TEST_IS_DIR))
      g_ptr_array_remove_index (names, i);
  }
  if (names->len > 0)
    return g_steal_pointer (&names);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected a folder for each class, found none", folder);
  return NULL;
}

static guint
class_of (const ClassFolders *set, const char *name)
{
  for (guint i = 0; i < set->classes->len; i++)
    if (strcmp (g_ptr_array_index (set->classes, i), name) == 0)
      return i;
  return G_MAXUINT;
}

/* Several folders may have classes in common. */
static void
add_classes (ClassFolders *set, const GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    if (class_of (set, g_ptr_array_index (names, i)) == G_MAXUINT)
      g_ptr_array_add (set->classes, g_strdup (g_ptr_array_index (names, i)));
}

/* ---- Pictures --------------------------------------------------------------------------------------------------- */

/* @prefix: what stands before the class in a picture's name. */
static void
add_picture (ClassFolders *set, const char *prefix, const char *class_name, const char *name, char *path)
{
  ClassPicture *picture = g_new (ClassPicture, 1);
  *picture = (ClassPicture){
    .name = g_strconcat (prefix, class_name, "/", name, NULL),
    .path = path,
    .class_id = class_of (set, class_name),
  };
  g_ptr_array_add (set->pictures, picture);
}

static gboolean
add_class (ClassFolders *set, const char *folder, const char *prefix, const char *class_name, GError **error)
{
  g_autofree char *within = g_build_filename (folder, class_name, NULL);
  g_autoptr (GPtrArray) names = picture_folder_list (within, error);
  if (names == NULL)
    return FALSE;
  const guint before = set->pictures->len;
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    g_autofree char *path = g_build_filename (within, name, NULL);
    if (*name == '.')
      continue;
    if (g_file_test (path, G_FILE_TEST_IS_DIR)) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "%s: expected the pictures of a class, found the folder '%s'; --split names a folder of classes "
                   "within",
                   within, name);
      return FALSE;
    }
    if (is_picture (name))
      add_picture (set, prefix, class_name, name, g_steal_pointer (&path));
  }
  if (set->pictures->len > before)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected pictures of the class, found none", within);
  return FALSE;
}

static gboolean
add_folder (ClassFolders *set, const char *folder, const char *prefix, GError **error)
{
  g_autoptr (GPtrArray) names = list_classes (folder, error);
  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    if (!add_class (set, folder, prefix, g_ptr_array_index (names, i), error))
      return FALSE;
  return TRUE;
}

/* ---- The set ---------------------------------------------------------------------------------------------------- */

static gboolean
find_classes (ClassFolders *set, const GPtrArray *folders, GError **error)
{
  for (guint i = 0; i < folders->len; i++) {
    g_autoptr (GPtrArray) names = list_classes (g_ptr_array_index (folders, i), error);
    if (names == NULL)
      return FALSE;
    add_classes (set, names);
  }
  g_ptr_array_sort (set->classes, by_name);
  set->n_classes = set->classes->len;
  return TRUE;
}

/* @named: the folders as their caller has them, without a split. */
static gboolean
find_pictures (ClassFolders *set, const GPtrArray *folders, char *const *named, GError **error)
{
  for (guint i = 0; i < folders->len; i++) {
    g_autofree char *name = g_path_get_basename (named[i]), *prefix = g_strconcat (name, "/", NULL);
    if (!add_folder (set, g_ptr_array_index (folders, i), folders->len > 1 ? prefix : "", error))
      return FALSE;
  }
  return TRUE;
}

ClassFolders *
class_folders_read (char *const *folders, const char *split, GError **error)
{
  g_autoptr (GPtrArray) within = g_ptr_array_new_with_free_func (g_free);
  for (char *const *folder = folders; *folder != NULL; folder++)
    g_ptr_array_add (within, split != NULL ? g_build_filename (*folder, split, NULL) : g_strdup (*folder));
  g_autoptr (ClassFolders) set = g_new0 (ClassFolders, 1);
  set->pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);
  set->classes = g_ptr_array_new_with_free_func (g_free);
  if (!picture_folders_check (within, error) || !find_classes (set, within, error) ||
      !find_pictures (set, within, folders, error))
    return NULL;
  g_ptr_array_add (set->classes, NULL);
  return g_steal_pointer (&set);
}
