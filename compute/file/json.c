/* JSON as model files hold it: json-glib does the parsing; what it lets pass or cannot survive is looked for first.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file/json.h"

#include <string.h>

#define MAX_SHOWN 64 /* characters of a value in a message */

/* Returns the byte after the string that opens at @i, or @length when it never closes. */
static gsize
skip_string (const char *text, gsize length, gsize i)
{
  for (i++; i < length && text[i] != '"'; i++)
    if (text[i] == '\\')
      i++;
  return MIN (i + 1, length);
}

/* json-glib also takes comments, assignments and several roots, and recurses as deep as the text does. So this walks
 * the brackets: one object, nothing behind it, never too deep, and outside strings only what JSON is made of, so that
 * both see the same strings. Returns %NULL, or what was expected at *@at. */
static const char *
check_brackets (const char *text, gsize length, gsize *at)
{
  guint depth = 0;
  gboolean closed = FALSE;

  for (gsize i = 0; i < length;) {
    char c = text[i];

    *at = i++;
    if (strchr (" \t\r\n", c) != NULL)
      continue;
    if (closed)
      return "nothing behind the closing brace";
    if (depth == 0 && c != '{')
      return "a JSON object";

    if (c == '{' || c == '[')
      depth++;
    else if (c == '}' || c == ']')
      closed = --depth == 0;
    else if (c == '"')
      i = skip_string (text, length, *at);
    else if (!g_ascii_isalnum (c) && strchr (",:+-.", c) == NULL)
      return "JSON";

    if (depth > CBAM_JSON_MAX_DEPTH)
      return "at most " G_STRINGIFY (CBAM_JSON_MAX_DEPTH) " levels of brackets";
  }

  *at = length;
  return closed ? NULL : depth == 0 ? "a JSON object" : "a closing bracket";
}

/* json-glib keeps the last of two members with one name; counting the members tells. */
typedef struct
{
  GArray *counts; /* guint per open object */
  char *duplicate;
} MemberCounter;

static void
on_object_start (G_GNUC_UNUSED JsonParser *parser, MemberCounter *counter)
{
  guint zero = 0;

  g_array_append_val (counter->counts, zero);
}

static void
on_object_member (G_GNUC_UNUSED JsonParser *parser, JsonObject *object, const char *name, MemberCounter *counter)
{
  guint *count = &g_array_index (counter->counts, guint, counter->counts->len - 1);

  if (++*count > json_object_get_size (object) && counter->duplicate == NULL)
    counter->duplicate = g_strdup (name);
}

static void
on_object_end (G_GNUC_UNUSED JsonParser *parser, G_GNUC_UNUSED JsonObject *object, MemberCounter *counter)
{
  g_array_set_size (counter->counts, counter->counts->len - 1);
}

/* Returns the root and, if a name occurs twice in one object, that name. */
static JsonNode *
parse (const char *text, gsize length, char **duplicate, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (guint));
  MemberCounter counter = { .counts = counts };
  gboolean ok;

  g_signal_connect (parser, "object-start", G_CALLBACK (on_object_start), &counter);
  g_signal_connect (parser, "object-member", G_CALLBACK (on_object_member), &counter);
  g_signal_connect (parser, "object-end", G_CALLBACK (on_object_end), &counter);
  ok = json_parser_load_from_data (parser, text, (gssize) length, error);
  *duplicate = counter.duplicate;
  return ok ? json_parser_steal_root (parser) : NULL;
}

JsonObject *
cbam_json_parse_object (const char *where, const char *text, gsize length, GError **error)
{
  g_autofree char *copy = NULL;
  g_autofree char *duplicate = NULL;
  g_autoptr (GError) reason = NULL;
  g_autoptr (JsonNode) root = NULL;
  const char *end = text;
  const char *expected;
  gsize at = 0;

  if (!g_utf8_validate_len (text, length, &end)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: expected UTF-8, found byte 0x%02x at offset %zu", where,
                 (guint8) *end, (gsize) (end - text));
    return NULL;
  }

  expected = check_brackets (text, length, &at);
  if (expected != NULL) {
    g_autofree char *rest = g_strndup (text + at, MIN (length - at, (gsize) MAX_SHOWN * 6));
    g_autofree char *shown = rest[0] == '\0' ? g_strdup ("the end") : cbam_json_quote (rest);

    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: expected %s at offset %zu, found %s", where, expected,
                 at, shown);
    return NULL;
  }

  copy = g_strndup (text, length); /* the mapping has no end mark, and another process may write to it */
  root = parse (copy, length, &duplicate, &reason);
  if (duplicate != NULL) {
    g_autofree char *shown = cbam_json_quote (duplicate);

    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: expected every name once, found %s twice", where, shown);
    return NULL;
  }
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: expected JSON, found an error: %s", where,
                 reason != NULL ? reason->message : "not an object");
    return NULL;
  }
  return json_node_dup_object (root);
}

/* Cuts @text after MAX_SHOWN characters, at a whole character. */
static char *
shorten (char *text)
{
  if (g_utf8_strlen (text, -1) > MAX_SHOWN) {
    char *cut = g_utf8_offset_to_pointer (text, MAX_SHOWN);

    *cut = '\0';
    text = g_realloc (text, strlen (text) + strlen ("...") + 1);
    strcat (text, "...");
  }
  return text;
}

char *
cbam_json_describe (JsonNode *node)
{
  g_autofree char *text = NULL;

  if (node == NULL)
    return g_strdup ("nothing");
  text = json_to_string (node, FALSE); /* its escapes may make any bytes */
  return shorten (g_utf8_make_valid (text, -1));
}

char *
cbam_json_quote (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *shown = shorten (g_steal_pointer (&valid));
  GString *quoted = g_string_new ("\"");

  for (const char *p = shown; *p != '\0'; p++) {
    if ((guchar) *p < 0x20 || *p == 0x7f)
      g_string_append_printf (quoted, "\\x%02x", (guchar) *p);
    else if (*p == '"' || *p == '\\')
      g_string_append_printf (quoted, "\\%c", *p);
    else
      g_string_append_c (quoted, *p);
  }
  g_string_append_c (quoted, '"');
  return g_string_free (quoted, FALSE);
}
