/* The few pieces of JSON that the tools print, written into a GString.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A quoted and escaped string; bytes that are not UTF-8 become U+FFFD. %NULL is null. */
void json_append_string (GString *out, const char *text);

/* The shortest decimal that reads back as the same float; null for what JSON cannot say (NaN, infinities). */
void json_append_float (GString *out, float value);

/* A measured value, to seven digits, that nobody compares bit by bit. */
void json_append_double (GString *out, double value);

/* Begins a member of an object, or with %NULL as @key an element of a list: after a comma, unless it is the first. The
 * value is to be appended. */
void json_append_key (GString *out, const char *key);

/* A member or element whose value is begun by @bracket and ended by appending the other one. */
void json_open (GString *out, const char *key, char bracket);

/* Whole members. */
void json_add_string (GString *out, const char *key, const char *text);
void json_add_float (GString *out, const char *key, float value);
void json_add_double (GString *out, const char *key, double value);
void json_add_count (GString *out, const char *key, guint64 count);

G_END_DECLS
