/* Which class of a set each of a model's labels means.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "label-map.h"

#include "text-file.h"

#include <string.h>

#define MANY 6 /* names that a message lists */

static int
find (const char *name, const char *const *names, guint n)
{
  for (guint i = 0; i < n; i++)
    if (names[i] != NULL && strcmp (names[i], name) == 0)
      return (int) i;
  return LABEL_MEANS_NOTHING;
}

static char *
list_names (const char *const *names, guint n)
{
  GString *list = g_string_new (NULL);
  for (guint i = 0; i < MIN (n, MANY); i++) {
    g_autofree char *valid = g_utf8_make_valid (names[i], -1);
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", valid);
  }
  if (n > MANY)
    g_string_append_printf (list, " and %u more", n - MANY);
  return g_string_free (list, FALSE);
}

/* @line has no comment any more and is changed. @has_line: whether a label had one already. */
static gboolean
apply_line (char *line, const char *const *labels, guint n_labels, const char *const *classes, int *meanings,
            gboolean *has_line, GError **error)
{
  char *equals = strchr (line, '=');
  if (equals == NULL) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "expected 'model label = set label', found '%s'", line);
    return FALSE;
  }
  *equals = '\0';
  const char *label = g_strstrip (line), *class_name = g_strstrip (equals + 1);
  const int id = find (label, labels, n_labels);
  if (id < 0 || has_line[id]) {
    g_autofree char *known = list_names (labels, n_labels);
    if (id < 0)
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "expected a label of the model (%s), found '%s'", known,
                   label);
    else
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "expected every label once, found '%s' again", label);
    return FALSE;
  }
  has_line[id] = TRUE;
  meanings[id] =
      *class_name != '\0' ? find (class_name, classes, g_strv_length ((char **) classes)) : LABEL_MEANS_NOTHING;
  return TRUE;
}

static gboolean
apply_file (const char *path, const char *const *labels, guint n_labels, const char *const *classes, int *meanings,
            GError **error)
{
  g_autofree gboolean *has_line = g_new0 (gboolean, n_labels + 1);
  g_auto (GStrv) lines = text_file_read_lines (path, error);
  if (lines == NULL)
    return FALSE;

  for (guint i = 0; lines[i] != NULL; i++) {
    lines[i][strcspn (lines[i], "#")] = '\0';
    g_strstrip (lines[i]);
    if (*lines[i] == '\0' || apply_line (lines[i], labels, n_labels, classes, meanings, has_line, error))
      continue;
    g_prefix_error (error, "%s, line %u: ", path, i + 1);
    return FALSE;
  }
  return TRUE;
}

int *
label_map_read (const char *path, const char *const *labels, guint n_labels, const char *const *classes, GError **error)
{
  const guint n_classes = g_strv_length ((char **) classes);
  g_autofree int *meanings = g_new (int, n_labels + 1);
  gboolean any = FALSE;
  for (guint i = 0; i < n_labels; i++)
    meanings[i] = find (labels[i], classes, n_classes);
  if (path != NULL && !apply_file (path, labels, n_labels, classes, meanings, error))
    return NULL;

  for (guint i = 0; i < n_labels; i++)
    any |= meanings[i] != LABEL_MEANS_NOTHING;
  if (any)
    return g_steal_pointer (&meanings);
  g_autofree char *ours = list_names (labels, n_labels), *theirs = list_names (classes, n_classes);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
               "expected labels that the model (%s) and the set (%s) both have, found none; --map tells which mean the "
               "same",
               ours, theirs);
  return NULL;
}

char *
label_map_missing (const int *meanings, guint n_labels, const char *const *classes)
{
  GString *missing = g_string_new (NULL);
  for (guint i = 0; classes[i] != NULL; i++) {
    gboolean is_meant = FALSE;
    for (guint j = 0; j < n_labels; j++)
      is_meant |= meanings[j] == (int) i;
    g_autofree char *valid = g_utf8_make_valid (classes[i], -1); /* a folder's name need not be UTF-8 */
    if (!is_meant)
      g_string_append_printf (missing, "%s'%s'", missing->len > 0 ? ", " : "", valid);
  }
  return g_string_free (missing, missing->len == 0);
}
