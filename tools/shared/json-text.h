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

G_END_DECLS
