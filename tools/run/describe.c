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
  g_autoptr (GString) text = g_string_new ("{\"name\": ");
  gsize n;
  const CbamLayerInfo *layers = cbam_description_get_layers (description, &n);

  json_append_string (text, cbam_description_get_name (description));
  g_string_append_printf (text,
                          ", \"parameters\": %" G_GUINT64_FORMAT ", \"macs\": %" G_GUINT64_FORMAT ", \"layers\": [",
                          cbam_description_get_parameters (description), cbam_description_get_macs (description));
  for (gsize i = 0; i < n; i++) {
    g_string_append (text, i > 0 ? ", {\"name\": " : "{\"name\": ");
    json_append_string (text, layers[i].name);
    g_string_append (text, ", \"kind\": ");
    json_append_string (text, layers[i].kind);
    g_string_append (text, ", \"shape\": ");
    json_append_string (text, layers[i].shape);
    g_string_append_printf (text,
                            ", \"parameters\": %" G_GUINT64_FORMAT ", \"macs\": %" G_GUINT64_FORMAT
                            ", \"bytes\": %" G_GUINT64_FORMAT "}",
                            layers[i].parameters, layers[i].macs, layers[i].bytes);
  }
  g_string_append (text, "]}\n");
  fputs (text->str, out);
}
