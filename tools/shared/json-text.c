/* The few pieces of JSON that the tools print, written into a GString. Numbers have a point in every locale.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "json-text.h"

#include <math.h>
#include <string.h>

void
json_append_string (GString *out, const char *text)
{
  if (text == NULL) {
    g_string_append (out, "null");
    return;
  }

  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_string_append_c (out, '"');
  for (const char *c = valid; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_c (out, '\\');
    if ((guchar) *c < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) *c);
    else
      g_string_append_c (out, *c);
  }
  g_string_append_c (out, '"');
}

void
json_append_float (GString *out, float value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  if (!isfinite (value)) {
    g_string_append (out, "null");
    return;
  }

  static const char *const formats[] = { "%.6g", "%.7g", "%.8g", "%.9g" };
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_ascii_formatd (text, sizeof text, formats[i], value);
    if ((float) g_ascii_strtod (text, NULL) == value)
      break;
  }
  g_string_append (out, text);
}

void
json_append_double (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append (out, isfinite (value) ? g_ascii_formatd (text, sizeof text, "%.7g", value) : "null");
}

void
json_append_key (GString *out, const char *key)
{
  const char last = out->len > 0 ? out->str[out->len - 1] : '\0';
  if (last != '\0' && strchr ("{[ ", last) == NULL)
    g_string_append (out, ", ");
  if (key != NULL)
    g_string_append_printf (out, "\"%s\": ", key);
}

void
json_open (GString *out, const char *key, char bracket)
{
  json_append_key (out, key);
  g_string_append_c (out, bracket);
}

void
json_add_string (GString *out, const char *key, const char *text)
{
  json_append_key (out, key);
  json_append_string (out, text);
}

void
json_add_float (GString *out, const char *key, float value)
{
  json_append_key (out, key);
  json_append_float (out, value);
}

void
json_add_double (GString *out, const char *key, double value)
{
  json_append_key (out, key);
  json_append_double (out, value);
}

void
json_add_count (GString *out, const char *key, guint64 count)
{
  json_append_key (out, key);
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, count);
}
