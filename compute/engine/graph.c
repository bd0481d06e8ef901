/* CbamGraph: building it, and asking it questions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/graph.h"
#include "ops/combine.h"

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
  graph->values = g_ptr_array_new_with_free_func ((GDestroyNotify) value_free);
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
  g_ptr_array_unref (graph->values);
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

CbamValue *
cbam_graph_add_value (CbamGraph *graph, const char *name, guint width, guint height, guint channels)
{
  CbamValue *value = g_new0 (CbamValue, 1);

  if (width == 0 || height == 0 || channels == 0 || (guint64) width * height > MAX_MAP_PIXELS)
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: a map of %ux%u pixels and %u channels; expected 1 to %u pixels",
                     name, width, height, channels, MAX_MAP_PIXELS);
  value->id = graph->values->len;
  value->name = g_strdup (name);
  value->width = width;
  value->height = height;
  value->channels = channels;
  g_ptr_array_add (graph->values, value);
  return value;
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

  if (!graph->error) /* values stay NULL on failure: nobody will read them */
    graph->source->read (graph->source, param, &graph->error);
  return param;
}

static gboolean
source_has (const CbamGraph *graph, const char *prefix, const char *suffix)
{
  g_autofree char *name = g_strconcat (prefix, ".", suffix, NULL);

  return graph->source->has (graph->source, name);
}

static CbamNode *
add_node (CbamGraph *graph, const CbamOpClass *op, const char *name, CbamValue *input, CbamValue *output)
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
conv_extent (guint input, const CbamConvForm *form, guint kernel, guint stride, guint dilation, guint pad,
             gint *ret_pad)
{
  const gint span = (gint) ((kernel - 1) * dilation + 1);
  gint output;

  if (form->padding == CBAM_PADDING_SAME) {
    output = (gint) ((input + stride - 1) / stride);
    *ret_pad = MAX (0, (output - 1) * (gint) stride + span - (gint) input) / 2;
    return (guint) output;
  }
  *ret_pad = (gint) pad;
  output = (gint) input + 2 * *ret_pad - span;
  return output < 0 ? 0 : (guint) output / stride + 1;
}

/* As [out, in, height, width], however many dimensions the source has. */
static CbamParam *
read_conv_weight (CbamGraph *graph, const CbamConvForm *form, guint channels, guint kernel_height, guint kernel_width)
{
  const gsize in = form->depthwise ? 1 : form->input->channels;
  const gsize dims[4] = { channels, in, kernel_height, kernel_width }, row[3] = { channels, in, kernel_width };
  g_autofree char *name = g_strconcat (form->name, ".weight", NULL);
  guint n_dims = form->weight_dims ? form->weight_dims : 4;
  CbamParam *weight;

  if (form->weight_dims == 2 && graph->source->dim (graph->source, name, 2) == 1)
    n_dims = 4; /* a 1x1 convolution does as well as a linear layer */
  weight = read_param (graph, form->name, "weight", n_dims, n_dims == 3 ? row : dims);
  weight->n_dims = 4;
  memcpy (weight->dims, dims, sizeof dims);
  return weight;
}

CbamValue *
cbam_graph_conv (CbamGraph *graph, const CbamConvForm *form)
{
  const guint kernel = MAX (form->kernel, 1), stride = MAX (form->stride, 1), dilation = MAX (form->dilation, 1);
  const gboolean is_row = form->weight_dims == 3; /* padded along the row only */
  const guint kernel_height = is_row ? 1 : kernel;
  const CbamValue *input = form->input;
  CbamConvParams params = { .kernel_width = kernel,
                            .kernel_height = kernel_height,
                            .stride = stride,
                            .dilation = dilation,
                            .step_x = 1,
                            .step_y = 1,
                            .lo = -INFINITY,
                            .hi = INFINITY };
  CbamValue *output;
  guint channels;

  if (graph->error)
    return NULL;
  channels = form->depthwise ? input->channels : form->channels;
  params.width = conv_extent (input->width, form, kernel, stride, dilation, form->pad, &params.pad_left);
  params.height =
      conv_extent (input->height, form, kernel_height, stride, dilation, is_row ? 0 : form->pad, &params.pad_top);
  output = cbam_graph_add_value (graph, form->name, params.width, params.height, channels);
  params.weight = read_conv_weight (graph, form, channels, kernel_height, kernel);
  if (form->needs_bias || source_has (graph, form->name, "bias"))
    params.bias = read_param (graph, form->name, "bias", 1, (const gsize[]){ channels });
  add_node (graph, form->depthwise ? &cbam_op_depthwise : &cbam_op_conv, form->name, form->input, output)->params.conv =
      params;
  return output;
}

/* From PyTorch's [in, out, k, k] to [out, in, k, k], which is what all that comes after expects. */
static void
swap_channels (CbamParam *weight)
{
  const gsize in = weight->dims[0], out = weight->dims[1], taps = weight->dims[2] * weight->dims[3];
  float *swapped = g_new (float, weight->n);

  for (gsize i = 0; i < in; i++)
    for (gsize o = 0; o < out; o++)
      memcpy (swapped + (o * in + i) * taps, weight->values + (i * out + o) * taps, taps * sizeof (float));
  g_free (weight->values);
  weight->values = swapped;
  weight->dims[0] = out;
  weight->dims[1] = in;
}

/* Whether a transposed convolution can fill @output pixels from @input; the last ones may lie past its kernel's reach
 * by less than one step (PyTorch's output_padding). */
static gboolean
deconv_reaches (guint input, guint output, guint kernel, guint up, guint pad)
{
  const gint least = (gint) ((input - 1) * up + kernel) - 2 * (gint) pad;

  return up <= kernel && pad < kernel && least >= 1 && (gint) output >= least && (gint) output < least + (gint) up;
}

CbamValue *
cbam_graph_deconv (CbamGraph *graph, const CbamDeconvForm *form)
{
  const guint kernel = form->kernel ? form->kernel : 3, up_x = MAX (form->up_x, 1), up_y = MAX (form->up_y, 1);
  const CbamValue *input = form->input;
  CbamConvParams params = { .kernel_width = kernel,
                            .kernel_height = kernel,
                            .stride = 1,
                            .dilation = 1,
                            .pad_left = (gint) form->pad_x,
                            .pad_top = (gint) form->pad_y,
                            .up_x = up_x,
                            .up_y = up_y,
                            .width = form->width,
                            .height = form->height,
                            .step_x = 1,
                            .step_y = 1,
                            .lo = -INFINITY,
                            .hi = INFINITY };
  CbamValue *output;
  guint channels;

  if (graph->error)
    return NULL;
  if (!deconv_reaches (input->width, form->width, kernel, up_x, form->pad_x) ||
      !deconv_reaches (input->height, form->height, kernel, up_y, form->pad_y)) {
    cbam_graph_fail (graph, CBAM_ERROR_UNSUPPORTED, "%s: a map of %ux%u cannot be stepped up to %ux%u by %ux%u",
                     form->name, input->width, input->height, form->width, form->height, up_x, up_y);
    return NULL;
  }
  channels = form->depthwise ? input->channels : form->channels;
  output = cbam_graph_add_value (graph, form->name, form->width, form->height, channels);
  params.weight = read_param (graph, form->name, "weight", 4,
                              (const gsize[]){ input->channels, form->depthwise ? 1 : channels, kernel, kernel });
  if (!form->depthwise && params.weight->values)
    swap_channels (params.weight);
  if (source_has (graph, form->name, "bias"))
    params.bias = read_param (graph, form->name, "bias", 1, (const gsize[]){ channels });
  add_node (graph, form->depthwise ? &cbam_op_depthwise_deconv : &cbam_op_deconv, form->name, form->input, output)
      ->params.conv = params;
  return output;
}

gboolean
cbam_graph_has_batch_norm (const CbamGraph *graph, const char *name)
{
  return source_has (graph, name, "weight") || source_has (graph, name, "running_mean") ||
         source_has (graph, name, "running_var");
}

CbamValue *
cbam_graph_batch_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps)
{
  CbamBatchNormParams params = { .eps = eps };
  CbamValue *output;
  gsize dims[1];

  if (graph->error || !cbam_graph_has_batch_norm (graph, name))
    return input;
  dims[0] = input->channels;
  params.gamma = read_param (graph, name, "weight", 1, dims);
  params.beta = read_param (graph, name, "bias", 1, dims);
  params.mean = read_param (graph, name, "running_mean", 1, dims);
  params.variance = read_param (graph, name, "running_var", 1, dims);
  output = cbam_graph_add_value (graph, name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_batch_norm, name, input, output)->params.batch_norm = params;
  return output;
}

CbamValue *
cbam_graph_activation (CbamGraph *graph, CbamValue *input, CbamActivation activation)
{
  const CbamActivationParams params = { .lo = 0, .hi = activation == CBAM_ACTIVATION_RELU6 ? 6 : INFINITY };
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, input->name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_activation, input->name, input, output)->params.activation = params;
  return output;
}

CbamValue *
cbam_graph_sigmoid (CbamGraph *graph, CbamValue *input)
{
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, input->name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_sigmoid, input->name, input, output);
  return output;
}

static CbamValue *
combine (CbamGraph *graph, const CbamOpClass *op, const char *name, CbamValue *a, CbamValue *b)
{
  CbamValue *output;
  CbamNode *node;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, name, MAX (a->width, b->width), MAX (a->height, b->height),
                                 MAX (a->channels, b->channels));
  if (!cbam_combine_fits (output, a) || !cbam_combine_fits (output, b))
    cbam_graph_fail (graph, CBAM_ERROR_BAD_MODEL, "%s: maps of %ux%ux%u and %ux%ux%u do not go together", name,
                     a->width, a->height, a->channels, b->width, b->height, b->channels);
  node = add_node (graph, op, name, a, output);
  node->inputs[1] = b;
  node->n_inputs = 2;
  return output;
}

CbamValue *
cbam_graph_add (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b)
{
  return combine (graph, &cbam_op_add, name, a, b);
}

CbamValue *
cbam_graph_multiply (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b)
{
  return combine (graph, &cbam_op_multiply, name, a, b);
}

CbamValue *
cbam_graph_global_pool (CbamGraph *graph, const char *name, CbamValue *input, const CbamGlobalPoolParams *params)
{
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, name, params->n, 1, input->channels);
  add_node (graph, &cbam_op_global_pool, name, input, output)->params.global_pool = *params;
  return output;
}

CbamValue *
cbam_graph_channel_pool (CbamGraph *graph, const char *name, CbamValue *input, gboolean mean_first)
{
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, name, input->width, input->height, 2);
  add_node (graph, &cbam_op_channel_pool, name, input, output)->params.channel_pool.mean_first = mean_first;
  return output;
}

CbamValue *
cbam_graph_resize (CbamGraph *graph, const char *name, CbamValue *input, guint width, guint height, gboolean bilinear)
{
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, name, width, height, input->channels);
  add_node (graph, &cbam_op_resize, name, input, output)->params.resize.bilinear = bilinear;
  return output;
}

CbamValue *
cbam_graph_turn (CbamGraph *graph, const char *name, CbamValue *input)
{
  const gboolean is_row = input && input->channels == 1;
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, name, is_row ? 1 : input->channels, 1, is_row ? input->width : 1);
  add_node (graph, &cbam_op_turn, name, input, output);
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

CbamValue *
cbam_graph_max_pool (CbamGraph *graph, const CbamPoolForm *form)
{
  CbamPoolParams params = { .kernel = form->kernel ? form->kernel : 2, .pad = form->pad };
  const CbamValue *input = form->input;
  CbamValue *output;

  if (graph->error)
    return NULL;
  params.stride = form->stride ? form->stride : params.kernel;
  output = cbam_graph_add_value (graph, form->name, pool_extent (input->width, &params, form->ceil),
                                 pool_extent (input->height, &params, form->ceil), input->channels);
  add_node (graph, &cbam_op_max_pool, form->name, form->input, output)->params.pool = params;
  return output;
}

CbamValue *
cbam_graph_l2_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps)
{
  CbamL2NormParams params = { .eps = eps };
  CbamValue *output;

  if (graph->error)
    return NULL;
  params.weight = read_param (graph, name, "weight", 1, (const gsize[]){ input->channels });
  output = cbam_graph_add_value (graph, name, input->width, input->height, input->channels);
  add_node (graph, &cbam_op_l2_norm, name, input, output)->params.l2_norm = params;
  return output;
}

CbamValue *
cbam_graph_preprocess (CbamGraph *graph, guint width, guint height)
{
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, "preprocess", width, height, 3);
  add_node (graph, &cbam_op_preprocess, "preprocess", NULL, output);
  return output;
}

CbamValue *
cbam_graph_input (CbamGraph *graph, const char *name, guint width, guint height, guint channels)
{
  CbamValue *output;

  if (graph->error)
    return NULL;
  output = cbam_graph_add_value (graph, name, width, height, channels);
  output->host = TRUE;
  add_node (graph, &cbam_op_input, name, NULL, output);
  return output;
}

void
cbam_graph_detect (CbamGraph *graph, const char *name, CbamValue *loc, CbamValue *conf, const CbamDetectNode *form)
{
  CbamNode *node;

  if (graph->error)
    return;
  node = add_node (graph, &cbam_op_detect, name, loc, NULL);
  node->inputs[1] = conf;
  node->n_inputs = 2;
  node->params.detect = *form;
  node->params.detect.anchors = graph->anchors;
  graph->levels[form->level].loc = loc;
  graph->levels[form->level].conf = conf;
  graph->levels[form->level].prior = form->prior;
  graph->levels[form->level].per_cell = form->per_cell;
  graph->n_levels = MAX (graph->n_levels, form->level + 1);
}

/* ---- Questions ------------------------------------------------------------------------------------------------- */

guint
cbam_graph_count_readers (const CbamGraph *graph, const CbamValue *value)
{
  guint readers = value->keep ? 1 : 0;

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

    if (node->output == value)
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
