/* CbamGraph: building it, and asking it questions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "graph/graph.h"

#include <math.h>

#define MAX_MAP_PIXELS (1u << 20) /* kernels find rows by float reciprocals, exact up to here */

/* ---- Life ------------------------------------------------------------------------------------------------------ */

static void
tensor_free (CbamTensor *tensor)
{
  g_free (tensor->name);
  g_free (tensor);
}

static void
param_free (CbamParam *param)
{
  g_free (param->name);
  g_free (param->values);
  g_free (param);
}

void
cbam_node_free (CbamNode *node)
{
  if (!node)
    return;
  g_free (node->name);
  g_free (node);
}

CbamGraph *
cbam_graph_new (CbamParamSource *source)
{
  CbamGraph *graph = g_new0 (CbamGraph, 1);

  graph->nodes = g_ptr_array_new_with_free_func ((GDestroyNotify) cbam_node_free);
  graph->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) tensor_free);
  graph->params = g_ptr_array_new_with_free_func ((GDestroyNotify) param_free);
  graph->source = source;
  return graph;
}

void
cbam_graph_free (CbamGraph *graph)
{
  if (!graph)
    return;
  g_ptr_array_unref (graph->nodes);
  g_ptr_array_unref (graph->tensors);
  g_ptr_array_unref (graph->params);
  g_clear_pointer (&graph->anchors, g_array_unref);
  g_clear_error (&graph->error);
  g_free (graph);
}

gboolean
cbam_graph_finish (CbamGraph *graph, GError **error)
{
  if (!graph->error)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&graph->error));
  return FALSE;
}

void
cbam_graph_fail (CbamGraph *graph, CbamError code, const char *format, ...)
{
  va_list arguments;

  if (graph->error)
    return;
  va_start (arguments, format);
  graph->error = g_error_new_valist (CBAM_ERROR, code, format, arguments);
  va_end (arguments);
}

/* ---- Parts ----------------------------------------------------------------------------------------------------- */

CbamTensor *
cbam_graph_add_tensor (CbamGraph *graph, const char *name, guint width, guint height, guint channels)
{
  CbamTensor *tensor = g_new0 (CbamTensor, 1);

  if (width == 0 || height == 0 || channels == 0 || (guint64) width * height > MAX_MAP_PIXELS)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: a map of %ux%u pixels and %u channels; expected 1 to %u pixels",
                     name, width, height, channels, MAX_MAP_PIXELS);
  tensor->id = graph->tensors->len;
  tensor->name = g_strdup (name);
  tensor->width = width;
  tensor->height = height;
  tensor->channels = channels;
  g_ptr_array_add (graph->tensors, tensor);
  return tensor;
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

static CbamParam *
read_param (CbamGraph *graph, const char *prefix, const char *suffix, guint n_dims, const gsize *dims)
{
  g_autofree char *name = g_strconcat (prefix, ".", suffix, NULL);
  CbamParam *param = cbam_graph_add_param (graph, name, n_dims, dims);

  if (!graph->error)
    graph->source->read (graph->source, param, &graph->error);
  if (!param->values)
    param->values = g_new0 (float, param->n);
  return param;
}

static gboolean
source_has (const CbamGraph *graph, const char *prefix, const char *suffix)
{
  g_autofree char *name = g_strconcat (prefix, ".", suffix, NULL);

  return graph->source->has (graph->source, name);
}

static CbamNode *
add_node (CbamGraph *graph, const CbamOpClass *op, const char *name, CbamTensor *input, CbamTensor *output)
{
  CbamNode *node = g_new0 (CbamNode, 1);

  node->op = op;
  node->name = g_strdup (name);
  node->inputs[0] = input;
  node->n_inputs = input ? 1 : 0;
  node->output = output;
  g_ptr_array_add (graph->nodes, node);
  return node;
}

/* ---- Forms ----------------------------------------------------------------------------------------------------- */

/* Output size and padding before the first pixel, along one axis. 0 when the kernel does not fit. */
static guint
conv_extent (guint input, const CbamConvForm *form, guint kernel, guint stride, guint dilation, guint *ret_pad)
{
  const gint span = (gint) ((kernel - 1) * dilation + 1);
  gint output;

  if (form->padding == CBAM_PADDING_SAME) {
    output = (gint) ((input + stride - 1) / stride);
    *ret_pad = (guint) MAX (0, (output - 1) * (gint) stride + span - (gint) input) / 2;
    return (guint) output;
  }
  *ret_pad = form->pad;
  output = (gint) input + 2 * (gint) form->pad - span;
  return output < 0 ? 0 : (guint) output / stride + 1;
}

CbamTensor *
cbam_graph_conv (CbamGraph *graph, const CbamConvForm *form)
{
  const guint kernel = MAX (form->kernel, 1), stride = MAX (form->stride, 1), dilation = MAX (form->dilation, 1);
  const CbamTensor *input = form->input;
  CbamConvParams params = { .kernel = kernel, .stride = stride, .dilation = dilation, .lo = -INFINITY, .hi = INFINITY };
  CbamTensor *output;
  guint width, height, channels;

  if (graph->error)
    return NULL;
  channels = form->depthwise ? input->channels : form->channels;
  width = conv_extent (input->width, form, kernel, stride, dilation, &params.pad_left);
  height = conv_extent (input->height, form, kernel, stride, dilation, &params.pad_top);
  output = cbam_graph_add_tensor (graph, form->name, width, height, channels);
  params.weight = read_param (graph, form->name, "weight", 4,
                              (const gsize[]){ channels, form->depthwise ? 1 : input->channels, kernel, kernel });
  if (form->needs_bias || source_has (graph, form->name, "bias"))
    params.bias = read_param (graph, form->name, "bias", 1, (const gsize[]){ channels });
  add_node (graph, form->depthwise ? &cbam_op_depthwise : &cbam_op_conv, form->name, form->input, output)->params.conv =
      params;
  return output;
}

gboolean
cbam_graph_has_batch_norm (const CbamGraph *graph, const char *name)
{
  return source_has (graph, name, "weight") || source_has (graph, name, "running_mean") ||
         source_has (graph, name, "running_var");
}

CbamTensor *
cbam_graph_batch_norm (CbamGraph *graph, const char *name, CbamTensor *input, double eps)
{
  CbamBatchNormParams params = { .eps = eps };
  CbamTensor *output;
  gsize dims[1];

  if (graph->error || !cbam_graph_has_batch_norm (graph, name))
    return input;
  dims[0] = input->channels;
  params.gamma = read_param (graph, name, "weight", 1, dims);
  params.beta = read_param (graph, name, "bias", 1, dims);
  params.mean = read_param (graph, name, "running_mean", 1, dims);
  params.variance = read_param (graph, name, "running_var", 1, dims);
  output = cbam_graph_add_tensor (graph, name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_batch_norm, name, input, output)->params.batch_norm = params;
  return output;
}

CbamTensor *
cbam_graph_activation (CbamGraph *graph, CbamTensor *input, CbamActivation activation)
{
  const CbamActivationParams params = { .lo = 0, .hi = activation == CBAM_ACTIVATION_RELU6 ? 6 : INFINITY };
  CbamTensor *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_tensor (graph, input->name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_activation, input->name, input, output)->params.activation = params;
  return output;
}

/* Windows along one axis. The last one begins inside the map or its first padding (PyTorch's rule for ceil_mode). */
static guint
pool_extent (guint input, const CbamPoolParams *params, gboolean ceil)
{
  const gint room = (gint) (input + 2 * params->pad) - (gint) params->kernel;
  gint output;

  if (room < 0)
    return ceil ? 1 : 0;
  output = (gint) ((guint) room + (ceil ? params->stride - 1 : 0)) / (gint) params->stride + 1;
  if ((guint) (output - 1) * params->stride >= input + params->pad)
    output--;
  return (guint) output;
}

CbamTensor *
cbam_graph_max_pool (CbamGraph *graph, const CbamPoolForm *form)
{
  CbamPoolParams params = { .kernel = form->kernel ? form->kernel : 2, .pad = form->pad };
  const CbamTensor *input = form->input;
  CbamTensor *output;

  if (graph->error)
    return NULL;
  params.stride = form->stride ? form->stride : params.kernel;
  output = cbam_graph_add_tensor (graph, form->name, pool_extent (input->width, &params, form->ceil),
                                  pool_extent (input->height, &params, form->ceil), input->channels);
  add_node (graph, &cbam_op_max_pool, form->name, form->input, output)->params.pool = params;
  return output;
}

CbamTensor *
cbam_graph_l2_norm (CbamGraph *graph, const char *name, CbamTensor *input, double eps)
{
  CbamL2NormParams params = { .eps = eps };
  CbamTensor *output;

  if (graph->error)
    return NULL;
  params.weight = read_param (graph, name, "weight", 1, (const gsize[]){ input->channels });
  output = cbam_graph_add_tensor (graph, name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_l2_norm, name, input, output)->params.l2_norm = params;
  return output;
}

CbamTensor *
cbam_graph_preprocess (CbamGraph *graph, guint width, guint height)
{
  CbamTensor *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_tensor (graph, "preprocess", width, height, 3);
  add_node (graph, &cbam_op_preprocess, "preprocess", NULL, output);
  return output;
}

CbamTensor *
cbam_graph_input (CbamGraph *graph, const char *name, guint width, guint height, guint channels)
{
  CbamTensor *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_tensor (graph, name, width, height, channels);
  output->host = TRUE;
  add_node (graph, &cbam_op_input, name, NULL, output);
  return output;
}

void
cbam_graph_detect (CbamGraph *graph, const char *name, CbamTensor *loc, CbamTensor *conf, const CbamDetectNode *form)
{
  CbamNode *node;

  if (graph->error)
    return;
  node = add_node (graph, &cbam_op_detect, name, loc, NULL);
  node->inputs[1] = conf;
  node->n_inputs = 2;
  node->params.detect = *form;
  node->params.detect.anchors = graph->anchors;
}

/* ---- Questions ------------------------------------------------------------------------------------------------- */

guint
cbam_graph_count_readers (const CbamGraph *graph, const CbamTensor *tensor)
{
  guint readers = tensor->keep ? 1 : 0;

  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    for (guint i = 0; i < node->n_inputs; i++)
      readers += node->inputs[i] == tensor;
  }
  return readers;
}

CbamNode *
cbam_graph_find_writer (const CbamGraph *graph, const CbamTensor *tensor)
{
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *node = g_ptr_array_index (graph->nodes, n);

    if (node->output == tensor)
      return node;
  }
  return NULL;
}

guint64
cbam_graph_macs (const CbamGraph *graph)
{
  guint64 macs = 0;

  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    macs += node->op->macs ? node->op->macs (node) : 0;
  }
  return macs;
}
