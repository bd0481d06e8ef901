/* Describing a network: its recipe's graph, unfused, in numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/describe.h>

#include "model.h"
#include "nets/nets.h"
#include "ops/detect.h"

struct _CbamDescription
{
  char *name;
  GArray *layers; /* CbamLayerInfo */
  guint64 parameters, macs;
};

static void
add_layer (CbamDescription *description, const CbamNode *node)
{
  const CbamValue *out = node->outputs[0];
  CbamLayerInfo layer = {
    .name = g_strdup (node->name),
    .kind = node->op->name,
    .parameters = node->op->parameters ? node->op->parameters (node) : 0,
    .macs = node->op->macs ? node->op->macs (node) : 0,
  };

  if (out) {
    layer.shape = g_strdup_printf ("%ux%ux%u", out->width, out->height, out->channels);
    layer.bytes = (guint64) out->width * out->height * out->channels * sizeof (float);
  } else {
    const CbamValue *in = node->inputs[0];

    layer.shape = g_strdup_printf ("%u boxes", in->width * in->height * cbam_detect_params (node)->per_cell);
  }
  description->parameters += layer.parameters;
  description->macs += layer.macs;
  g_array_append_val (description->layers, layer);
}

static CbamDescription *
describe_graph (const CbamGraph *graph, const char *name)
{
  CbamDescription *description = g_new0 (CbamDescription, 1);

  description->name = g_strdup (name);
  description->layers = g_array_new (FALSE, FALSE, sizeof (CbamLayerInfo));
  for (guint n = 0; n < graph->nodes->len; n++)
    add_layer (description, g_ptr_array_index (graph->nodes, n));
  return description;
}

CbamDescription *
cbam_describe (const char *model, GError **error)
{
  g_autoptr (CbamGraph) graph = NULL;
  g_autoptr (CbamSpec) spec = NULL;
  g_autofree char *base = NULL;

  g_return_val_if_fail (model != NULL, NULL);
  graph = cbam_model_build_graph (model, &spec, error);
  base = g_path_get_basename (model);
  return graph ? describe_graph (graph, spec->name ? spec->name : base) : NULL;
}

void
cbam_description_free (CbamDescription *description)
{
  if (!description)
    return;
  for (guint i = 0; i < description->layers->len; i++) {
    g_free ((char *) g_array_index (description->layers, CbamLayerInfo, i).name);
    g_free ((char *) g_array_index (description->layers, CbamLayerInfo, i).shape);
  }
  g_array_unref (description->layers);
  g_free (description->name);
  g_free (description);
}

const char *
cbam_description_get_name (const CbamDescription *description)
{
  g_return_val_if_fail (description != NULL, NULL);
  return description->name;
}

guint64
cbam_description_get_parameters (const CbamDescription *description)
{
  g_return_val_if_fail (description != NULL, 0);
  return description->parameters;
}

guint64
cbam_description_get_macs (const CbamDescription *description)
{
  g_return_val_if_fail (description != NULL, 0);
  return description->macs;
}

const CbamLayerInfo *
cbam_description_get_layers (const CbamDescription *description, gsize *n)
{
  g_return_val_if_fail (description != NULL && n != NULL, NULL);
  *n = description->layers->len;
  return (const CbamLayerInfo *) description->layers->data;
}
