/* CbamGraph: building it, and asking it questions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/graph.h"

#include <math.h>
#include <string.h>

#define MAX_MAP_PIXELS (1u << 20) /* kernels find rows by float reciprocals, exact up to here */

/* ---- Life ------------------------------------------------------------------------------------------------------ */

static void
value_free (CbamValue *value)
{
  g_free (value->name);
  g_free (value);
}

static void
param_free (CbamParam *param)
{
  g_free (param->name);
  g_free (param->values);
  g_free (param);
}

static void
node_free (CbamNode *node)
{
  g_free (node->name);
  g_free (node->params);
  g_free (node);
}

CbamGraph *
cbam_graph_new (CbamParamSource *source)
{
  CbamGraph *graph = g_new0 (CbamGraph, 1);

  graph->nodes = g_ptr_array_new_with_free_func ((GDestroyNotify) node_free);
  graph->values = g_ptr_array_new_with_free_func ((GDestroyNotify) value_free);
  graph->params = g_ptr_array_new_with_free_func ((GDestroyNotify) param_free);
  graph->source = source;
  graph->batch = 1;
  return graph;
}

void
cbam_graph_free (CbamGraph *graph)
{
  if (graph == NULL)
    return;
  g_ptr_array_unref (graph->nodes);
  g_ptr_array_unref (graph->values);
  g_ptr_array_unref (graph->params);
  if (graph->free_client != NULL)
    graph->free_client (graph->client);
  g_clear_error (&graph->error);
  g_free (graph);
}

gboolean
cbam_graph_finish (CbamGraph *graph, GError **error)
{
  if (graph->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&graph->error));
  return FALSE;
}

void
cbam_graph_fail (CbamGraph *graph, CbamError code, const char *format, ...)
{
  va_list arguments;

  if (graph->error != NULL)
    return;
  va_start (arguments, format);
  graph->error = g_error_new_valist (CBAM_ERROR, code, format, arguments);
  va_end (arguments);
}

/* ---- Parts ----------------------------------------------------------------------------------------------------- */

static CbamValue *
add_value (CbamGraph *graph, CbamValueKind kind, const char *name)
{
  CbamValue *value = g_new0 (CbamValue, 1);

  value->kind = kind;
  value->id = graph->values->len;
  value->name = g_strdup (name);
  value->batch = graph->batch;
  g_ptr_array_add (graph->values, value);
  return value;
}

CbamValue *
cbam_graph_add_bytes (CbamGraph *graph, const char *name, gsize size)
{
  CbamValue *value = add_value (graph, CBAM_VALUE_BYTES, name);

  value->size = size * graph->batch;
  return value;
}

CbamValue *
cbam_graph_add_value (CbamGraph *graph, const char *name, guint width, guint height, guint channels)
{
  CbamValue *value = add_value (graph, CBAM_VALUE_MAP, name);

  if (width == 0 || height == 0 || channels == 0 || (guint64) width * height > MAX_MAP_PIXELS)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: a map of %ux%u pixels and %u channels; expected 1 to %u pixels",
                     name, width, height, channels, MAX_MAP_PIXELS);
  value->width = width;
  value->height = height;
  value->channels = channels;
  return value;
}

CbamValue *
cbam_graph_add_value_like (CbamGraph *graph, const char *name, const CbamValue *like)
{
  return cbam_graph_add_value (graph, name, like->width, like->height, like->channels);
}

CbamParam *
cbam_graph_add_param (CbamGraph *graph, const char *name, guint n_dims, const gsize *dims)
{
  CbamParam *param = g_new0 (CbamParam, 1);

  param->name = g_strdup (name);
  param->n_dims = n_dims;
  param->n = 1;
  for (guint i = 0; i < n_dims; i++) {
    param->dims[i] = dims[i];
    param->n *= dims[i];
  }
  g_ptr_array_add (graph->params, param);
  return param;
}

CbamParam *
cbam_graph_read_param (CbamGraph *graph, const char *prefix, const char *suffix, guint n_dims, const gsize *dims)
{
  g_autofree char *name = g_strconcat (prefix, ".", suffix, NULL);
  CbamParam *param = cbam_graph_add_param (graph, name, n_dims, dims);

  if (graph->error == NULL) /* values stay NULL on failure: nobody will read them */
    graph->source->read (graph->source, param, &graph->error);
  return param;
}

gboolean
cbam_graph_has_param (const CbamGraph *graph, const char *prefix, const char *suffix)
{
  g_autofree char *name = g_strconcat (prefix, ".", suffix, NULL);

  return graph->source->has (graph->source, name);
}

CbamNode *
cbam_graph_insert_node (CbamGraph *graph, guint place, const CbamOpClass *op, const char *name, const void *params)
{
  CbamNode *node = g_new0 (CbamNode, 1);

  node->name = g_strdup (name);
  cbam_node_become (node, op, params);
  g_ptr_array_insert (graph->nodes, (gint) place, node);
  return node;
}

CbamNode *
cbam_graph_add_node (CbamGraph *graph, const CbamOpClass *op, const char *name, const void *params, CbamValue *input,
                     CbamValue *output)
{
  CbamNode *node = cbam_graph_insert_node (graph, graph->nodes->len, op, name, params);

  node->inputs[0] = input;
  node->n_inputs = input != NULL ? 1 : 0;
  node->outputs[0] = output;
  node->n_outputs = output != NULL ? 1 : 0;
  return node;
}

void
cbam_node_become (CbamNode *node, const CbamOpClass *op, const void *params)
{
  gpointer copy = params != NULL ? g_memdup2 (params, op->params_size) : g_malloc0 (op->params_size);

  g_free (node->params);
  node->params = copy;
  node->op = op;
}

void
cbam_graph_remove_node (CbamGraph *graph, CbamNode *node)
{
  g_ptr_array_remove (graph->nodes, node);
}

/* A map the host writes before the run: nothing to do. */
static void
nothing (CbamReference *reference, const CbamNode *node)
{
}

static const CbamOpClass cbam_op_input = { .name = "input", .reference = nothing };

CbamValue *
cbam_graph_input (CbamGraph *graph, const char *name, guint width, guint height, guint channels)
{
  CbamValue *output;

  if (graph->error != NULL)
    return NULL;
  output = cbam_graph_add_value (graph, name, width, height, channels);
  output->host = CBAM_HOST_WRITES;
  cbam_graph_add_node (graph, &cbam_op_input, name, NULL, NULL, output);
  return output;
}

/* ---- Questions ------------------------------------------------------------------------------------------------- */

guint
cbam_graph_count_readers (const CbamGraph *graph, const CbamValue *value)
{
  guint readers = value->host & CBAM_HOST_READS ? 1 : 0;

  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    for (guint i = 0; i < node->n_inputs; i++)
      readers += node->inputs[i] == value;
  }
  return readers;
}

CbamNode *
cbam_graph_find_writer (const CbamGraph *graph, const CbamValue *value)
{
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *node = g_ptr_array_index (graph->nodes, n);

    if (node->outputs[0] == value)
      return node;
  }
  return NULL;
}

CbamNode *
cbam_graph_find_sole_writer (const CbamGraph *graph, const CbamNode *node, guint i)
{
  CbamNode *before = cbam_graph_find_writer (graph, node->inputs[i]);

  return before != NULL && cbam_graph_count_readers (graph, before->outputs[0]) == 1 ? before : NULL;
}

guint
cbam_graph_find_place (const CbamGraph *graph, const CbamNode *node)
{
  guint place = 0;

  g_ptr_array_find (graph->nodes, node, &place);
  return place;
}

guint64
cbam_graph_macs (const CbamGraph *graph)
{
  guint64 macs = 0;

  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    macs += node->op->macs != NULL ? node->op->macs (node) : 0;
  }
  return macs;
}
