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
  g_autoptr (GString) text = g_string_new ("{\"name\": ");
  const CbamModelInfo *info = cbam_description_get_info (description);
  const guint n = cbam_description_get_n_layers (description);

  json_append_string (text, info->name);
  g_string_append_printf (text,
                          ", \"parameters\": %" G_GUINT64_FORMAT ", \"macs\": %" G_GUINT64_FORMAT ", \"layers\": [",
                          info->parameters, info->macs);
  for (guint i = 0; i < n; i++) {
    const CbamLayerInfo *layer = cbam_description_get_layer (description, i);
    g_string_append (text, i > 0 ? ", {\"name\": " : "{\"name\": ");
    json_append_string (text, layer->name);
    g_string_append (text, ", \"kind\": ");
    json_append_string (text, layer->kind);
    g_string_append (text, ", \"shape\": ");
    json_append_string (text, layer->shape);
    g_string_append_printf (text,
                            ", \"parameters\": %" G_GUINT64_FORMAT ", \"macs\": %" G_GUINT64_FORMAT
                            ", \"bytes\": %" G_GUINT64_FORMAT "}",
                            layer->parameters, layer->macs, layer->bytes);
  }
  g_string_append (text, "]}\n");
  fputs (text->str, out);
}
