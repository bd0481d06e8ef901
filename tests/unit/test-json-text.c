/* What the tools' JSON is written with: text of any bytes, and numbers that are none.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "shared/json-text.h"

#include <locale.h>
#include <math.h>

static void
assert_string (const char *text, const char *expected)
{
  g_autoptr (GString) out = g_string_new (NULL);

  json_append_string (out, text);
  g_assert_cmpstr (out->str, ==, expected);
}

static void
test_strings (void)
{
  assert_string (NULL, "null");
  assert_string ("", "\"\"");
  assert_string ("a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"");
  assert_string ("\x01\t\n\x1f\x7f", "\"\\u0001\\u0009\\u000a\\u001f\x7f\"");
  assert_string ("K\xc3\xa4se", "\"K\xc3\xa4se\"");
  assert_string ("K\xe4se", "\"K\xef\xbf\xbdse\"");
}

static void
assert_numbers (double value, const char *expected_float, const char *expected_double)
{
  g_autoptr (GString) as_float = g_string_new (NULL), as_double = g_string_new (NULL);

  json_append_float (as_float, (float) value);
  json_append_double (as_double, value);
  g_assert_cmpstr (as_float->str, ==, expected_float);
  g_assert_cmpstr (as_double->str, ==, expected_double);
}

static void
test_numbers (void)
{
  assert_numbers (0, "0", "0");
  assert_numbers (0.625, "0.625", "0.625");
  assert_numbers (-1e-10, "-1e-10", "-1e-10");
  assert_numbers (3e38, "3e+38", "3e+38");
  assert_numbers (INFINITY, "null", "null");
  assert_numbers (-INFINITY, "null", "null");
  assert_numbers (NAN, "null", "null");
}

static void
test_members (void)
{
  g_autoptr (GString) out = g_string_new ("{");

  json_add_string (out, "name", "{");
  json_open (out, "list", '[');
  json_add_count (out, NULL, G_MAXUINT64);
  json_open (out, NULL, '{');
  g_string_append_c (out, '}');
  json_open (out, NULL, '[');
  json_add_float (out, NULL, 0.1f);
  json_add_double (out, NULL, NAN);
  g_string_append (out, "]]");
  json_append_key (out, "last");
  g_string_append (out, "true}");
  g_assert_cmpstr (out->str, ==,
                   "{\"name\": \"{\", \"list\": [18446744073709551615, {}, [0.1, null]], \"last\": true}");
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, ""); /* as programs do: JSON has points where people write commas */
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-text/strings", test_strings);
  g_test_add_func ("/json-text/numbers", test_numbers);
  g_test_add_func ("/json-text/members", test_members);
  return g_test_run ();
}
