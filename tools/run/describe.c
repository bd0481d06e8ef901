/* What cbam-run --describe prints.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "describe.h"

#include "shared/json-text.h"

#include <string.h>

void
describe_table (FILE *out, const CbamDescription *description)
{
  gsize n;
  const CbamLayerInfo *layers = cbam_description_get_layers (description, &n);

  int name_width = strlen ("layer"), kind_width = strlen ("kind");

  for (gsize i = 0; i < n; i++) {
    name_width = MAX (name_width, (int) strlen (layers[i].name));
    kind_width = MAX (kind_width, (int) strlen (layers[i].kind));
  }
  fprintf (out, "%s\n", cbam_description_get_name (description));
  fprintf (out, "  %-*s  %-*s  %-12s  %10s  %13s  %10s\n", name_width, "layer", kind_width, "kind", "output",
           "parameters", "multiply-adds", "bytes");
  for (gsize i = 0; i < n; i++)
    fprintf (out, "  %-*s  %-*s  %-12s  %10" G_GUINT64_FORMAT "  %13" G_GUINT64_FORMAT "  %10" G_GUINT64_FORMAT "\n",
             name_width, layers[i].name, kind_width, layers[i].kind, layers[i].shape, layers[i].parameters,
             layers[i].macs, layers[i].bytes);
  fprintf (out, "  %-*s  %10" G_GUINT64_FORMAT "  %13" G_GUINT64_FORMAT "\n", name_width + kind_width + 16, "total",
           cbam_description_get_parameters (description), cbam_description_get_macs (description));
}

void
describe_json (FILE *out, const CbamDescription *description)
{
  gsize n;
  const CbamLayerInfo *layers = cbam_description_get_layers (description, &n);
  g_autoptr (GString) text = g_string_new ("{");
  json_add_string (text, "name", cbam_description_get_name (description));
  json_add_count (text, "parameters", cbam_description_get_parameters (description));
  json_add_count (text, "macs", cbam_description_get_macs (description));
  json_open (text, "layers", '[');
  for (gsize i = 0; i < n; i++) {
    json_open (text, NULL, '{');
    json_add_string (text, "name", layers[i].name);
    json_add_string (text, "kind", layers[i].kind);
    json_add_string (text, "shape", layers[i].shape);
    json_add_count (text, "parameters", layers[i].parameters);
    json_add_count (text, "macs", layers[i].macs);
    json_add_count (text, "bytes", layers[i].bytes);
    g_string_append_c (text, '}');
  }
  fprintf (out, "%s]}\n", text->str);
}
