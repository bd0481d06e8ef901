/* Describing a network: its recipe's graph, unfused, in numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/describe.h>

#include "model.h"
#include "nets/nets.h"
#include "ops/detect.h"

struct _CbamDescription
{
  gatomicrefcount refs;
  CbamModelInfo *info;
  GArray *layers; /* CbamLayerInfo */
};

static void
add_layer (CbamDescription *description, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  CbamLayerInfo layer = {
    .name = g_strdup (node->name),
    .kind = node->op->name,
    .parameters = node->op->parameters != NULL ? node->op->parameters (node) : 0,
    .macs = node->op->macs != NULL ? node->op->macs (node) : 0,
  };

  if (out->kind == CBAM_VALUE_MAP) {
    layer.shape = g_strdup_printf ("%ux%ux%u", out->width, out->height, out->channels);
    layer.bytes = (guint64) out->width * out->height * out->channels * sizeof (float);
  } else {
    const CbamValue *in = node->inputs[0];

    layer.shape = g_strdup_printf ("%u boxes", in->width * in->height * cbam_detect_params (node)->per_cell);
  }
  g_array_append_val (description->layers, layer);
}

CbamDescription *
cbam_describe (const char *model, GError **error)
{
  g_autoptr (CbamGraph) graph = NULL;
  g_autoptr (CbamSpec) spec = NULL;
  CbamDescription *description;

  g_return_val_if_fail (model != NULL, NULL);
  graph = cbam_model_build_graph (model, &spec, error);
  if (graph == NULL)
    return NULL;
  description = g_new0 (CbamDescription, 1);
  g_atomic_ref_count_init (&description->refs);
  description->info = cbam_model_info_new (spec, graph, model);
  description->layers = g_array_new (FALSE, FALSE, sizeof (CbamLayerInfo));
  for (guint n = 0; n < graph->nodes->len; n++)
    add_layer (description, g_ptr_array_index (graph->nodes, n));
  return description;
}

CbamDescription *
cbam_description_ref (CbamDescription *description)
{
  g_return_val_if_fail (description != NULL, NULL);
  g_atomic_ref_count_inc (&description->refs);
  return description;
}

void
cbam_description_unref (CbamDescription *description)
{
  if (description == NULL || !g_atomic_ref_count_dec (&description->refs))
    return;
  for (guint i = 0; i < description->layers->len; i++) {
    g_free ((char *) g_array_index (description->layers, CbamLayerInfo, i).name);
    g_free ((char *) g_array_index (description->layers, CbamLayerInfo, i).shape);
  }
  g_array_unref (description->layers);
  cbam_model_info_unref (description->info);
  g_free (description);
}

const CbamModelInfo *
cbam_description_get_info (const CbamDescription *description)
{
  g_return_val_if_fail (description != NULL, NULL);
  return description->info;
}

guint
cbam_description_get_n_layers (const CbamDescription *description)
{
  g_return_val_if_fail (description != NULL, 0);
  return description->layers->len;
}

const CbamLayerInfo *
cbam_description_get_layer (const CbamDescription *description, guint i)
{
  g_return_val_if_fail (description != NULL && i < description->layers->len, NULL);
  return &g_array_index (description->layers, CbamLayerInfo, i);
}
