/* A model file's document: JSON to C structs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "document.h"

#include <string.h>

#include "file/reader.h"

CbamSpec *
cbam_spec_parse (const char *where, const char *json, GError **error)
{
  g_autofree char *whole = g_strdup_printf ("%s: metadata cbamdetect", where);
  g_autoptr (JsonObject) object = cbam_json_parse_object (whole, json, strlen (json), error);
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (CbamSpec) spec = g_new0 (CbamSpec, 1);
  CbamReader reader = { .where = where };
  const CbamItem document = { .reader = &reader, .node = root };

  if (object == NULL)
    return NULL;
  json_node_set_object (root, object);
  spec->document = g_strdup (json);
  cbam_spec_read (spec, &document);
  if (reader.error == NULL)
    return g_steal_pointer (&spec);
  g_propagate_error (error, reader.error);
  return NULL;
}
