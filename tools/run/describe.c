/* What cbam-run --describe prints.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "describe.h"

#include "shared/json-text.h"
#include "shared/precision-name.h"

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

/* ---- As a device runs it ---------------------------------------------------------------------------------------- */

typedef struct
{
  guint64 macs, bytes;
  guint barriers;
} Totals;

static guint64
macs_of (const CbamOpTime *op)
{
  return (guint64) (op->flop / 2);
}

static Totals
add_up (const CbamModel *model)
{
  Totals totals = { 0 };

  for (gsize i = 0; i < cbam_model_get_n_ops (model); i++) {
    const CbamOpTime *op = cbam_model_get_op (model, i);

    totals.macs += macs_of (op);
    totals.bytes += op->bytes;
    totals.barriers += op->waits;
  }
  return totals;
}

void
describe_fused_table (FILE *out, const CbamModel *model)
{
  const Totals totals = add_up (model);
  int name_width = strlen ("dispatch"), kind_width = strlen ("kind"), kernel_width = strlen ("kernel");

  for (gsize i = 0; i < cbam_model_get_n_ops (model); i++) {
    const CbamOpTime *op = cbam_model_get_op (model, i);

    name_width = MAX (name_width, (int) strlen (op->name));
    kind_width = MAX (kind_width, (int) strlen (op->kind));
    kernel_width = MAX (kernel_width, (int) strlen (op->variant));
  }
  fprintf (out, "%s\n  %-*s  %-*s  %-*s  %-12s  %13s  %10s\n", cbam_model_get_info (model)->name, name_width,
           "dispatch", kind_width, "kind", kernel_width, "kernel", "output", "multiply-adds", "bytes");
  for (gsize i = 0; i < cbam_model_get_n_ops (model); i++) {
    const CbamOpTime *op = cbam_model_get_op (model, i);

    fprintf (out, "  %-*s  %-*s  %-*s  %-12s  %13" G_GUINT64_FORMAT "  %10" G_GUINT64_FORMAT "%s\n", name_width,
             op->name, kind_width, op->kind, kernel_width, op->variant, op->shape, macs_of (op), op->bytes,
             op->waits ? "  waits" : "");
  }
  fprintf (out, "  %-*s  %13" G_GUINT64_FORMAT "  %10" G_GUINT64_FORMAT "  %u wait\n",
           name_width + kind_width + kernel_width + 18, "total", totals.macs, totals.bytes, totals.barriers);
}

void
describe_fused_json (FILE *out, const CbamModel *model)
{
  const CbamModelInfo *info = cbam_model_get_info (model);
  const Totals totals = add_up (model);
  g_autoptr (GString) text = g_string_new ("{");

  json_add_string (text, "name", info->name);
  json_add_string (text, "kernels", info->kernels);
  json_add_string (text, "precision", precision_name (info->precision));
  json_add_count (text, "macs", totals.macs);
  json_add_count (text, "bytes", totals.bytes);
  json_add_count (text, "barriers", totals.barriers);
  json_open (text, "dispatches", '[');
  for (gsize i = 0; i < cbam_model_get_n_ops (model); i++) {
    const CbamOpTime *op = cbam_model_get_op (model, i);

    json_open (text, NULL, '{');
    json_add_string (text, "name", op->name);
    json_add_string (text, "kind", op->kind);
    json_add_string (text, "kernel", op->variant);
    json_add_string (text, "shape", op->shape);
    json_add_count (text, "macs", macs_of (op));
    json_add_count (text, "bytes", op->bytes);
    json_append_key (text, "barrier");
    g_string_append (text, op->waits ? "true" : "false");
    g_string_append_c (text, '}');
  }
  fprintf (out, "%s]}\n", text->str);
}
