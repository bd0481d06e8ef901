/* JSON as model files hold it: an object, strict, of bounded depth, every name once; and words for error messages.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>
#include <json-glib/json-glib.h>

/* The format itself needs 4 levels. json-glib recurses once per level, so the limit guards the stack. */
#define CBAM_JSON_MAX_DEPTH 32

/* Parses @length bytes at @text, which need no end mark. @where opens the message. Returns (transfer full);
 * CBAM_ERROR_BAD_MODEL for what is not one object of strict JSON in UTF-8, is nested too deeply or has a name twice. */
JsonObject *cbam_json_parse_object (const char *where, const char *text, gsize length, GError **error);

/* What stands behind "found " in a message: the value as JSON, cut where it gets long; "nothing" for %NULL. */
char *cbam_json_describe (JsonNode *node);

/* @text in quotes, control characters escaped, cut where it gets long: for names that come out of a file. */
char *cbam_json_quote (const char *text);
