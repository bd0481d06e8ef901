/* Reads pictures with boxes, laid out as Pascal VOC's devkit is. Annotations are XML in which only these matter:
 *
 *     <annotation> <object> <name>, <difficult> (absent: 0), <bndbox> <xmin> <ymin> <xmax> <ymax>
 *
 * A <part> of an object has a name and a box of its own, which are not looked at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "devkit.h"

#include "text-file.h"

#include <math.h>
#include <string.h>

/* The four sides, as bits of what an object has so far. */
static const char *const sides[] = { "xmin", "ymin", "xmax", "ymax" };
#define ALL_SIDES 0xf

/* Where the parser is in an annotation. */
typedef struct
{
  GHashTable *class_ids; /* name -> id + 1, shared by all annotations */
  GArray *objects;
  GString *text; /* of the element that is open, if it is one that matters */
  char *name;    /* of the object that is open */
  gboolean is_difficult;
  double corners[G_N_ELEMENTS (sides)];
  guint has_sides;
  gboolean is_annotation;
} Annotation;

static void
picture_free (DevkitPicture *picture)
{
  g_array_unref (picture->objects);
  g_free (picture->name);
  g_free (picture->path);
  g_free (picture);
}

void
devkit_free (Devkit *devkit)
{
  if (devkit == NULL)
    return;
  g_ptr_array_unref (devkit->pictures);
  g_ptr_array_unref (devkit->classes);
  g_free (devkit);
}

/* ---- Annotations ------------------------------------------------------------------------------------------------ */

/* The open elements below the outermost, innermost last: "object/bndbox/xmin". */
static char *
open_path (GMarkupParseContext *context)
{
  GString *path = g_string_new (NULL);
  for (const GSList *element = g_markup_parse_context_get_element_stack (context); element->next != NULL;
       element = element->next) {
    if (path->len > 0)
      g_string_prepend_c (path, '/');
    g_string_prepend (path, element->data);
  }
  return g_string_free (path, FALSE);
}

static void
start_element (GMarkupParseContext *context, const char *element, const char **names, const char **values,
               gpointer data, GError **error)
{
  Annotation *annotation = data;
  g_autofree char *path = open_path (context);
  if (!annotation->is_annotation && strcmp (element, "annotation") != 0) {
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "expected <annotation>, found <%s>", element);
    return;
  }
  annotation->is_annotation = TRUE;
  g_string_truncate (annotation->text, 0);
  if (strcmp (path, "object") != 0)
    return;
  g_clear_pointer (&annotation->name, g_free);
  annotation->is_difficult = FALSE;
  annotation->has_sides = 0;
}

static void
take_text (GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
  g_string_append_len (((Annotation *) data)->text, text, (gssize) length);
}

static gboolean
parse_number (const char *text, double *ret_value)
{
  char *end;
  *ret_value = g_ascii_strtod (text, &end);
  return end != text && *end == '\0' && isfinite (*ret_value);
}

static void
set_unexpected (GError **error, const char *element, const char *expected, const char *found)
{
  g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "<%s>: expected %s, found '%s'", element,
               expected, found);
}

static void
end_object (Annotation *annotation, GError **error)
{
  const double *corners = annotation->corners;
  if (annotation->name == NULL || *annotation->name == '\0' || annotation->has_sides != ALL_SIDES) {
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_MISSING_ATTRIBUTE,
                 "expected a name and a bndbox of xmin, ymin, xmax and ymax in <object>, found one without %s",
                 annotation->has_sides == ALL_SIDES ? "a name" : "all of the box");
    return;
  }
  if (corners[2] < corners[0] || corners[3] < corners[1]) {
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
                 "<bndbox>: expected xmax and ymax no less than xmin and ymin, found %g, %g and %g, %g", corners[2],
                 corners[3], corners[0], corners[1]);
    return;
  }

  guint id = GPOINTER_TO_UINT (g_hash_table_lookup (annotation->class_ids, annotation->name));
  if (id == 0) {
    id = g_hash_table_size (annotation->class_ids) + 1;
    g_hash_table_insert (annotation->class_ids, g_strdup (annotation->name), GUINT_TO_POINTER (id));
  }
  const VocObject object = { .box = { corners[0], corners[1], corners[2], corners[3] },
                             .class_id = id - 1,
                             .is_difficult = annotation->is_difficult };
  g_array_append_val (annotation->objects, object);
}

static void
end_element (GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
  Annotation *annotation = data;
  const char *text = g_strstrip (annotation->text->str);
  g_autofree char *path = open_path (context);

  if (strcmp (path, "object") == 0) {
    end_object (annotation, error);
  } else if (strcmp (path, "object/name") == 0) {
    g_free (annotation->name);
    annotation->name = g_strdup (text);
  } else if (strcmp (path, "object/difficult") == 0) {
    double flag;
    if (!parse_number (text, &flag) || (flag != 0 && flag != 1))
      set_unexpected (error, element, "0 or 1", text);
    annotation->is_difficult = flag == 1;
  }
  for (guint i = 0; i < G_N_ELEMENTS (sides); i++) {
    if (!g_str_has_prefix (path, "object/bndbox/") || strcmp (path + strlen ("object/bndbox/"), sides[i]) != 0)
      continue;
    if (!parse_number (text, &annotation->corners[i]))
      set_unexpected (error, element, "a number of pixels", text);
    annotation->has_sides |= 1u << i;
  }
  g_string_truncate (annotation->text, 0);
}

/* @class_ids grows by what it does not know yet. Returns the objects (VocObject). */
static GArray *
read_annotation (const char *path, GHashTable *class_ids, GError **error)
{
  static const GMarkupParser parser = { .start_element = start_element, .end_element = end_element, .text = take_text };
  g_autofree char *xml = NULL;
  gsize length;
  if (!g_file_get_contents (path, &xml, &length, error))
    return NULL;

  g_autoptr (GArray) objects = g_array_new (FALSE, FALSE, sizeof (VocObject));
  g_autoptr (GString) text = g_string_new (NULL);
  Annotation annotation = { .class_ids = class_ids, .objects = objects, .text = text };
  g_autoptr (GMarkupParseContext) context =
      g_markup_parse_context_new (&parser, G_MARKUP_PREFIX_ERROR_POSITION, &annotation, NULL);
  const gboolean ok = g_markup_parse_context_parse (context, xml, (gssize) length, error) &&
                      g_markup_parse_context_end_parse (context, error);
  g_free (annotation.name);
  if (ok)
    return g_steal_pointer (&objects);
  g_prefix_error (error, "%s: ", path);
  return NULL;
}

/* ---- Splits ----------------------------------------------------------------------------------------------------- */

static char *
split_path (const char *folder, const char *split)
{
  g_autofree char *name = g_strconcat (split, ".txt", NULL);
  return g_build_filename (folder, "ImageSets", "Main", name, NULL);
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
  for (char **line = lines; *line != NULL; line++) {
    char *id = *line;
    id[strcspn (id, " \t")] = '\0'; /* the splits of a class have a 1, 0 or -1 behind the name */
    if (*id == '\0')
      continue;
    if (!g_hash_table_add (seen, id)) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected every picture once, found '%s' twice", path,
                   id);
      return FALSE;
    }

    g_autofree char *xml = g_strconcat (id, ".xml", NULL), *jpeg = g_strconcat (id, ".jpg", NULL);
    g_autofree char *annotation = g_build_filename (folder, "Annotations", xml, NULL);
    GArray *objects = read_annotation (annotation, class_ids, error);
    if (objects == NULL)
      return FALSE;
    DevkitPicture *picture = g_new (DevkitPicture, 1);
    *picture = (DevkitPicture){ .name = g_strconcat (prefix, id, NULL),
                                .path = g_build_filename (folder, "JPEGImages", jpeg, NULL),
                                .objects = objects };
    g_ptr_array_add (devkit->pictures, picture);
  }
  if (g_hash_table_size (seen) > 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected names of pictures, found none", path);
  return FALSE;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
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
  g_ptr_array_sort (years, compare_strings);
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

static gboolean
check_different (const GPtrArray *roots, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < roots->len; i++) {
    const char *root = g_ptr_array_index (roots, i);
    if (g_hash_table_add (seen, g_canonicalize_filename (root, NULL)))
      continue;
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_EXIST, "expected different folders, found '%s' twice", root);
    return FALSE;
  }
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
  g_ptr_array_sort (devkit->classes, compare_strings);
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
  if (!check_different (roots, error))
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
