/* Lists that people write: labels, names of pictures, a line each. text_file.py is the same for programs in Python.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "text-file.h"

#include <string.h>

#define MARK "\xef\xbb\xbf" /* U+FEFF in UTF-8 */

/* The content in UTF-8, as far as its first bytes say what it is in. */
static char *
to_utf8 (char *content, gsize length, gsize *ret_length, GError **error)
{
  const gboolean is_little = length >= 2 && memcmp (content, "\xff\xfe", 2) == 0;
  const gboolean is_big = length >= 2 && memcmp (content, "\xfe\xff", 2) == 0;
  if (is_little || is_big)
    return g_convert (content + 2, (gssize) length - 2, "UTF-8", is_little ? "UTF-16LE" : "UTF-16BE", NULL, ret_length,
                      error);
  *ret_length = length;
  return g_strndup (content, length);
}

static gboolean
set_unexpected (const char *text, const char *at, GError **error)
{
  guint line = 1;
  for (const char *before = text; before < at; before++)
    line += *before == '\n';
  g_set_error (error, G_CONVERT_ERROR, G_CONVERT_ERROR_ILLEGAL_SEQUENCE,
               "line %u: expected text in UTF-8, or in UTF-16 with a byte order mark, found the byte 0x%02X", line,
               (guint8) *at);
  return FALSE;
}

static gboolean
check_text (const char *text, gsize length, GError **error)
{
  const char *end;
  return g_utf8_validate (text, (gssize) length, &end) || set_unexpected (text, end, error); /* finds zero bytes, too */
}

/* Names of files may be in any bytes but zero. */
static gboolean
check_names (const char *text, gsize length, GError **error)
{
  const char *end = memchr (text, 0, length);
  return end == NULL || set_unexpected (text, end, error);
}

static char **
split_lines (char *text)
{
  GPtrArray *lines = g_ptr_array_new ();
  for (char *next = text; next != NULL;) {
    char *line = next;
    next = strpbrk (line, "\r\n");
    if (next != NULL) {
      const gsize both = next[0] == '\r' && next[1] == '\n';
      *next = '\0';
      next += 1 + both;
    }
    while (g_str_has_prefix (line, MARK))
      line += strlen (MARK);
    g_ptr_array_add (lines, g_strdup (g_strstrip (line)));
  }
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_free (lines, FALSE);
}

static char **
read_lines (const char *path, gboolean (*check) (const char *text, gsize length, GError **error), GError **error)
{
  g_autofree char *content = NULL, *text = NULL;
  gsize length;
  if (!g_file_get_contents (path, &content, &length, error))
    return NULL;
  text = to_utf8 (content, length, &length, error);
  if (text != NULL && check (text, length, error))
    return split_lines (text);
  g_prefix_error (error, "%s: ", path);
  return NULL;
}

char **
text_file_read_lines (const char *path, GError **error)
{
  return read_lines (path, check_text, error);
}

char **
text_file_read_names (const char *path, GError **error)
{
  return read_lines (path, check_names, error);
}
