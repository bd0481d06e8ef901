/* What cbam-run --describe prints.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "describe.h"

#include "shared/json-text.h"

#include <string.h>

void
describe_table (FILE *out, const CbamDescription *description)
{
  const CbamModelInfo *info = cbam_description_get_info (description);
  const guint n = cbam_description_get_n_layers (description);

  int name_width = strlen ("layer"), kind_width = strlen ("kind");

  for (guint i = 0; i < n; i++) {
    name_width = MAX (name_width, (int) strlen (cbam_description_get_layer (description, i)->name));
    kind_width = MAX (kind_width, (int) strlen (cbam_description_get_layer (description, i)->kind));
  }
  fprintf (out, "%s\n", info->name);
  fprintf (out, "  %-*s  %-*s  %-12s  %10s  %13s  %10s\n", name_width, "layer", kind_width, "kind", "output",
           "parameters", "multiply-adds", "bytes");
  for (guint i = 0; i < n; i++) {
    const CbamLayerInfo *layer = cbam_description_get_layer (description, i);
    fprintf (out, "  %-*s  %-*s  %-12s  %10" G_GUINT64_FORMAT "  %13" G_GUINT64_FORMAT "  %10" G_GUINT64_FORMAT "\n",
             name_width, layer->name, kind_width, layer->kind, layer->shape, layer->parameters, layer->macs,
             layer->bytes);
  }
  fprintf (out, "  %-*s  %10" G_GUINT64_FORMAT "  %13" G_GUINT64_FORMAT "\n", name_width + kind_width + 16, "total",
           info->parameters, info->macs);
}

void
describe_json (FILE *out, const CbamDescription *description)
{
  const CbamModelInfo *info = cbam_description_get_info (description);
  const guint n = cbam_description_get_n_layers (description);
  g_autoptr (GString) text = g_string_new ("{");
  json_add_string (text, "name", info->name);
  json_add_count (text, "parameters", info->parameters);
  json_add_count (text, "macs", info->macs);
  json_open (text, "layers", '[');
  for (guint i = 0; i < n; i++) {
    const CbamLayerInfo *layer = cbam_description_get_layer (description, i);
    json_open (text, NULL, '{');
    json_add_string (text, "name", layer->name);
    json_add_string (text, "kind", layer->kind);
    json_add_string (text, "shape", layer->shape);
    json_add_count (text, "parameters", layer->parameters);
    json_add_count (text, "macs", layer->macs);
    json_add_count (text, "bytes", layer->bytes);
    g_string_append_c (text, '}');
  }
  fprintf (out, "%s]}\n", text->str);
}
