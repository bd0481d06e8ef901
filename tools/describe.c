/* What cbam-run --describe prints.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "describe.h"

#include "json-text.h"

void
describe_table (FILE *out, const CbamDescription *description)
{
  gsize n;
  const CbamLayerInfo *layers = cbam_description_get_layers (description, &n);

  fprintf (out, "%s\n", cbam_description_get_name (description));
  fprintf (out, "  %-22s %-10s %-14s %12s %14s %12s\n", "layer", "kind", "output", "parameters", "multiply-adds",
           "bytes");
  for (gsize i = 0; i < n; i++)
    fprintf (out, "  %-22s %-10s %-14s %12" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %12" G_GUINT64_FORMAT "\n",
             layers[i].name, layers[i].kind, layers[i].shape, layers[i].parameters, layers[i].macs, layers[i].bytes);
  fprintf (out, "  %-48s %12" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT "\n", "total",
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
