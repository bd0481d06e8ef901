/* Reads pictures with boxes, laid out as Pascal VOC's devkit is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "devkit.h"

#include "annotation.h"
#include "picture-folder.h"
#include "text-file.h"

#include <string.h>

static void
picture_free (DevkitPicture *picture)
{
  g_array_unref (picture->objects);
  g_free (picture->name);
  g_free (picture->path);
  g_free (picture->annotation);
  g_free (picture);
}

void
devkit_free (Devkit *devkit)
{
  if (devkit == NULL)
    return;
  g_ptr_array_unref (devkit->pictures);
  g_ptr_array_unref (devkit->classes);
  g_free (devkit->renamed);
  g_free (devkit);
}

/* ---- Pictures --------------------------------------------------------------------------------------------------- */

/* The picture in @folder that is called @stem whatever its kind; %NULL if there is none. @listings: folder -> what
 * picture_folder_list() says. */
static char *
find_by_kind (const char *folder, const char *stem, GHashTable *listings)
{
  GPtrArray *names = g_hash_table_lookup (listings, folder);
  if (names == NULL) {
    names = picture_folder_list (folder, NULL);
    if (names == NULL) /* what is missing is said where it is read */
      names = g_ptr_array_new ();
    g_hash_table_insert (listings, g_strdup (folder), names);
  }
  const gsize length = strlen (stem);
  const char *best = NULL;
  guint best_kind = PICTURE_KIND_NONE;
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    if (strncmp (name, stem, length) != 0 || name[length] != '.')
      continue;
    const guint kind = picture_kind (name + length + 1);
    if (kind < best_kind) {
      best_kind = kind;
      best = name;
    }
  }
  return best != NULL ? g_build_filename (folder, best, NULL) : NULL;
}

/* Where a picture is: by the split's name for it, as VOC has it or in other kinds of file, else by what its annotation
 * says. If it is nowhere, where VOC has it. */
static char *
find_picture (const char *folder, const char *id, const char *filename, GHashTable *listings)
{
  g_autofree char *name = g_strconcat (id, ".jpg", NULL);
  g_autofree char *usual = g_build_filename (folder, "JPEGImages", name, NULL);
  if (g_file_test (usual, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&usual);
  g_autofree char *within = g_path_get_dirname (usual), *stem = g_path_get_basename (id);
  char *other = find_by_kind (within, stem, listings);
  if (other != NULL)
    return other;
  g_autofree char *said = g_build_filename (folder, "JPEGImages", filename, NULL);
  return g_file_test (said, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer (&said) : g_steal_pointer (&usual);
}

/* Whether <filename> names another picture than the one that was taken: not the same up to the kind. */
static gboolean
is_other_picture (const char *filename, const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  char *point = strrchr (name, '.');
  if (point != NULL)
    *point = '\0';
  const gsize length = strlen (name);
  const gboolean begins_alike = strncmp (filename, name, length) == 0;
  return *filename != '\0' &&
         !(begins_alike && (filename[length] == '\0' || strrchr (filename, '.') == filename + length));
}

static gboolean
check_size (const DevkitPicture *picture, guint width, guint height, GError **error)
{
  const double said_width = picture->said_width, said_height = picture->said_height;
  if ((said_width == 0 || said_width == width) && (said_height == 0 || said_height == height))
    return TRUE;
  const gboolean is_swapped = said_width == height && said_height == width;
  g_set_error (
      error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "%s: expected the size of the picture '%s', %ux%u, found a <size> of %gx%g%s (where the boxes are right, "
      "take <size> out)",
      picture->annotation, picture->path, width, height, said_width, said_height,
      is_swapped ? ", swapped: boxes belong on the upright picture" : "");
  return FALSE;
}

gboolean
devkit_picture_fit (DevkitPicture *picture, const char *const *classes, guint width, guint height, GError **error)
{
  if (!check_size (picture, width, height, error))
    return FALSE;
  for (guint i = 0; i < picture->objects->len; i++) {
    const VocObject *object = &g_array_index (picture->objects, VocObject, i);
    VocBox *box = &g_array_index (picture->objects, VocObject, i).box;
    if (box->x1 <= 0 || box->y1 <= 0 || box->x0 - 1 >= width || box->y0 - 1 >= height) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "%s: expected boxes inside of the picture '%s', %ux%u, found '%s' from %g, %g to %g, %g",
                   picture->annotation, picture->path, width, height, classes[object->class_id], box->x0, box->y0,
                   box->x1, box->y1);
      return FALSE;
    }
    *box = (VocBox){ MAX (box->x0, 1), MAX (box->y0, 1), MIN (box->x1, width), MIN (box->y1, height) };
  }
  return TRUE;
}

/* ---- Splits ----------------------------------------------------------------------------------------------------- */

static char *
split_path (const char *folder, const char *split)
{
  g_autofree char *name = g_strconcat (split, ".txt", NULL);
  return g_build_filename (folder, "ImageSets", "Main", name, NULL);
}

/* What a line names: all of it, blanks too, or what stands before the 1, 0 or -1 that the splits of a class have.
 * Changes
 * @line. Returns the path of the annotation. */
static char *
take_name (char *line, const char *folder)
{
  g_autofree char *name = g_strconcat (g_strstrip (line), ".xml", NULL);
  g_autofree char *path = g_build_filename (folder, "Annotations", name, NULL);
  char *blank = line + strlen (line);
  while (blank > line && !g_ascii_isspace (*blank))
    blank--;
  const char *flag = blank + 1;
  const gboolean is_flag =
      blank > line && (g_str_equal (flag, "1") || g_str_equal (flag, "0") || g_str_equal (flag, "-1"));
  if (!is_flag || g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  *blank = '\0';
  g_autofree char *shorter = g_strconcat (g_strchomp (line), ".xml", NULL);
  return g_build_filename (folder, "Annotations", shorter, NULL);
}

/* Takes over @name and @path. */
static DevkitPicture *
read_picture (Devkit *devkit, const char *folder, const char *id, char *name, char *path, GHashTable *class_ids,
              GHashTable *listings, GError **error)
{
  DevkitPicture *picture = g_new (DevkitPicture, 1);
  *picture = (DevkitPicture){ .name = name, .annotation = path };
  g_autoptr (Annotation) annotation = annotation_read (path, class_ids, error);
  picture->objects = annotation != NULL ? g_array_ref (annotation->objects) : g_array_new (FALSE, FALSE, 1);
  if (annotation == NULL) {
    picture_free (picture);
    return NULL;
  }
  picture->path = find_picture (folder, id, annotation->filename, listings);
  picture->said_width = annotation->width;
  picture->said_height = annotation->height;
  if (is_other_picture (annotation->filename, picture->path) && devkit->n_renamed++ == 0)
    devkit->renamed =
        g_strdup_printf ("%s: <filename> is '%s', taken was '%s'", path, annotation->filename, picture->path);
  return picture;
}

/* @prefix: what goes before the names of pictures. */
static gboolean
read_split (Devkit *devkit, const char *folder, const char *split, const char *prefix, GHashTable *class_ids,
            GError **error)
{
  g_autofree char *path = split_path (folder, split);
  g_auto (GStrv) lines = text_file_read_names (path, error);
  if (lines == NULL)
    return FALSE;

  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) listings =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  for (char **line = lines; *line != NULL; line++) {
    char *id = *line;
    if (*id == '\0')
      continue;
    g_autofree char *annotation = take_name (id, folder);
    if (!g_hash_table_add (seen, id)) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected every picture once, found '%s' twice", path,
                   id);
      return FALSE;
    }
    DevkitPicture *picture = read_picture (devkit, folder, id, g_strconcat (prefix, id, NULL),
                                           g_steal_pointer (&annotation), class_ids, listings, error);
    if (picture == NULL)
      return FALSE;
    g_ptr_array_add (devkit->pictures, picture);
  }
  if (g_hash_table_size (seen) > 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected names of pictures, found none", path);
  return FALSE;
}

/* The names of the folder's sub-folders that have the split, sorted. */
static GPtrArray *
find_years (const char *folder, const char *split)
{
  GPtrArray *years = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *year = g_build_filename (folder, name, NULL), *path = split_path (year, split);
    if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
      g_ptr_array_add (years, g_steal_pointer (&year));
  }
  g_ptr_array_sort (years, by_name);
  return years;
}

/* Adds to @roots the folder, or those in it, that hold the split. */
static gboolean
find_roots (const char *folder, const char *split, GPtrArray *roots, GError **error)
{
  g_autofree char *path = split_path (folder, split);
  g_autoptr (GPtrArray) years = find_years (folder, split);
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR,
                 "expected the folder of a VOC devkit (JPEGImages, Annotations, ImageSets), found no folder '%s'",
                 folder);
    return FALSE;
  }
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR)) {
    g_ptr_array_add (roots, g_strdup (folder));
  } else if (years->len == 0) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                 "expected the split's list of pictures at '%s', or in a folder of '%s', found none", path, folder);
    return FALSE;
  }
  for (guint i = 0; !g_file_test (path, G_FILE_TEST_IS_REGULAR) && i < years->len; i++)
    g_ptr_array_add (roots, g_strdup (g_ptr_array_index (years, i)));
  return TRUE;
}

/* Turns ids in the order of appearance into places in the sorted list of names. */
static void
sort_classes (Devkit *devkit, GHashTable *class_ids)
{
  GHashTableIter iter;
  gpointer name, id;
  g_hash_table_iter_init (&iter, class_ids);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (devkit->classes, g_strdup (name));
  g_ptr_array_sort (devkit->classes, by_name);
  devkit->n_classes = devkit->classes->len;

  g_autofree guint *places = g_new (guint, devkit->n_classes + 1);
  for (guint i = 0; i < devkit->n_classes; i++) {
    id = g_hash_table_lookup (class_ids, g_ptr_array_index (devkit->classes, i));
    places[GPOINTER_TO_UINT (id) - 1] = i;
  }
  for (guint i = 0; i < devkit->pictures->len; i++) {
    const DevkitPicture *picture = g_ptr_array_index (devkit->pictures, i);
    for (guint j = 0; j < picture->objects->len; j++) {
      VocObject *object = &g_array_index (picture->objects, VocObject, j);
      object->class_id = places[object->class_id];
    }
  }
  g_ptr_array_add (devkit->classes, NULL);
}

Devkit *
devkit_read (char *const *folders, const char *split, GError **error)
{
  g_autoptr (GHashTable) class_ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) roots = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Devkit) devkit = g_new0 (Devkit, 1);
  devkit->pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);
  devkit->classes = g_ptr_array_new_with_free_func (g_free);

  for (char *const *folder = folders; *folder != NULL; folder++)
    if (!find_roots (*folder, split, roots, error))
      return NULL;
  if (!picture_folders_check (roots, error))
    return NULL;
  for (guint i = 0; i < roots->len; i++) {
    const char *root = g_ptr_array_index (roots, i);
    g_autofree char *base = g_path_get_basename (root), *prefix = g_strconcat (base, "/", NULL);
    if (!read_split (devkit, root, split, roots->len > 1 ? prefix : "", class_ids, error))
      return NULL;
  }
  if (g_hash_table_size (class_ids) == 0) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                 "expected objects in the annotations of split '%s', found none in %u pictures", split,
                 devkit->pictures->len);
    return NULL;
  }
  sort_classes (devkit, class_ids);
  return g_steal_pointer (&devkit);
}
