/* CbamModelInfo: what a model file says of itself, and what its graph is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "info.h"

#include <math.h>
#include <string.h>

#include "file/json.h"
#include "nets/levels.h"

/* With the texts that it owns, which the rest points to. */
typedef struct
{
  CbamModelInfo info; /* first */
  gatomicrefcount refs;
  char *name, *origin, *text;
  char **classes;
  JsonObject *document;
} Owned;

/* ---- The document: what is for people may be anything ------------------------------------------------------------ */

static JsonNode *
get_member (JsonObject *parent, const char *name)
{
  return parent != NULL ? json_object_get_member (parent, name) : NULL;
}

/* The object of that name, or NULL. */
static JsonObject *
get_object (JsonObject *parent, const char *name)
{
  JsonNode *node = get_member (parent, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* A text that says something, or NULL. */
static const char *
get_text (JsonObject *parent, const char *name)
{
  JsonNode *node = get_member (parent, name);
  const char *text =
      node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;

  return text != NULL && *text != '\0' ? text : NULL;
}

/* A number within limits, or @missing. */
static double
get_number (JsonObject *parent, const char *name, double high, double missing)
{
  JsonNode *node = get_member (parent, name);
  const GType type = node != NULL ? json_node_get_value_type (node) : G_TYPE_INVALID;
  double value;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return missing;
  value = json_node_get_double (node);
  return value >= 0 && value <= high ? value : missing;
}

static void
fill_provenance (CbamModelInfo *info, JsonObject *provenance)
{
  JsonObject *metrics = get_object (provenance, "metrics");

  info->licence = get_text (provenance, "license");
  if (info->licence != NULL && g_str_has_prefix (info->licence, "unknown")) /* what tools/train writes for none */
    info->licence = NULL;
  info->data = get_text (provenance, "data");
  info->recipe = get_text (provenance, "recipe");
  info->source = get_text (provenance, "source");
  info->measured_on = get_text (metrics, "set");
  info->measured_pictures = (guint) get_number (metrics, "pictures", G_MAXUINT, 0);
  info->map_11point = get_number (metrics, "map_11point", 1, NAN);
  info->map_area = get_number (metrics, "map_area", 1, NAN);
  info->map_50_95 = get_number (metrics, "map_50_95", 1, NAN);
}

/* The spec was read from it, so what that demands is there. */
static void
fill_from_document (CbamModelInfo *info, JsonObject *document)
{
  JsonObject *network = get_object (document, "network");
  const char *attention = get_text (get_object (network, "attention"), "kind");

  info->format = (guint) get_number (document, "version", G_MAXUINT, 0);
  info->detector = get_text (network, "detector");
  info->backbone = get_text (network, "backbone");
  info->attention = g_strcmp0 (attention, "none") == 0 ? NULL : attention;
  fill_provenance (info, get_object (document, "provenance"));
}

/* ---- The spec and the graph -------------------------------------------------------------------------------------- */

static void
fill_from_spec (CbamModelInfo *info, const CbamSpec *spec)
{
  info->task = spec->task == CBAM_TASK_CLASSIFY ? "classify" : "detect";
  info->width = spec->network.width;
  info->input_width = spec->input.width;
  info->input_height = spec->input.height;
  info->n_classes = spec->output.n_classes;
  for (guint k = 0; k < info->n_classes; k++)
    if (cbam_output_spec_reports (&spec->output, k))
      info->reported[k / 32] |= 1u << (k % 32);
  info->threshold = spec->nms.params.threshold;
  info->nms_iou = spec->nms.params.nms_iou;
  info->nms_across = spec->nms.params.nms_across;
  info->top_k = spec->nms.params.top_k;
  info->max_detections = spec->nms.params.max_detections;
}

static void
fill_from_graph (CbamModelInfo *info, const CbamGraph *graph)
{
  const CbamLevels *levels = cbam_levels_of (graph);

  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    info->parameters += node->op->parameters != NULL ? node->op->parameters (node) : 0;
  }
  info->macs = cbam_graph_macs (graph);
  if (levels == NULL)
    return;
  info->n_levels = levels->n_levels;
  for (guint l = 0; l < levels->n_levels; l++) {
    info->spatial_levels |= (guint32) (levels->levels[l].spatial.map != NULL) << l;
    info->channel_levels |= (guint32) (levels->levels[l].channel.map != NULL) << l;
  }
  info->has_grad_cam = levels->scores != NULL ? levels->scores->keepable : levels->n_levels > 0;
}

CbamModelInfo *
cbam_model_info_new (const CbamSpec *spec, const CbamGraph *graph, const char *origin)
{
  Owned *owned = g_new0 (Owned, 1);

  g_atomic_ref_count_init (&owned->refs);
  owned->document = cbam_json_parse_object (origin, spec->document, strlen (spec->document), NULL);
  owned->name = spec->name != NULL ? g_strdup (spec->name) : g_path_get_basename (origin);
  owned->origin = g_strdup (origin);
  owned->info.name = owned->name;
  owned->info.origin = owned->origin;
  owned->info.document = owned->text = g_strdup (spec->document);
  owned->classes = g_strdupv (spec->output.classes);
  owned->info.classes = (const char *const *) owned->classes;
  fill_from_document (&owned->info, owned->document);
  fill_from_spec (&owned->info, spec);
  fill_from_graph (&owned->info, graph);
  return &owned->info;
}

CbamModelInfo *
cbam_model_info_ref (const CbamModelInfo *info)
{
  Owned *owned = (Owned *) info;

  g_return_val_if_fail (info != NULL, NULL);
  g_atomic_ref_count_inc (&owned->refs);
  return &owned->info;
}

void
cbam_model_info_unref (CbamModelInfo *info)
{
  Owned *owned = (Owned *) info;

  if (owned == NULL || !g_atomic_ref_count_dec (&owned->refs))
    return;
  json_object_unref (owned->document);
  g_free (owned->name);
  g_free (owned->origin);
  g_free ((char *) info->clamped);
  g_free (owned->text);
  g_strfreev (owned->classes);
  g_free (owned);
}

const char *
cbam_model_info_get_label (const CbamModelInfo *info, guint class_id)
{
  g_return_val_if_fail (info != NULL, NULL);
  if (class_id >= info->n_classes || (info->reported[class_id / 32] >> (class_id % 32) & 1) == 0)
    return NULL;
  return info->classes[class_id];
}
