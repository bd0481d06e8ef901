/* deconv: a transposed convolution, by which StairNet steps a coarse map up into the next finer one; and what
 * depthwise_deconv shares with it.
 *
 * These kernels find each output pixel's inputs one by one; the fusion below usually makes a full one into ordinary
 * convolutions before they get it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/deconv.h"

#include <math.h>
#include <string.h>

#include "args/deconv.h"

#include "ops/add.h"
#include "ops/depthwise.h"
#include "ops/padded.h"
#include "ops/shaders.h"

/* The kernels keep inside of the map. */
void
cbam_deconv_fill_dispatch (const CbamNode *node, guint bias, CbamDispatch *ret_dispatch)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];

  *(CbamDeconvArgs *) ret_dispatch->args = (CbamDeconvArgs){
    .x = in->view,
    .y = out->view,
    .in_width = in->width,
    .in_height = in->height,
    .width = out->width,
    .height = out->height,
    .border = out->border,
    .in_blocks = cbam_value_blocks (in),
    .kernel = p->kernel_width,
    .up_x = p->up_x,
    .up_y = p->up_y,
    .pad_x = (uint) p->pad_left,
    .pad_y = (uint) p->pad_top,
    .bias = bias,
    .inv_full = cbam_padded_dispatch (out, CBAM_THREADS, ret_dispatch),
    .lo = p->activation.lo,
    .hi = p->activation.hi,
  };
  ret_dispatch->constant = p->activation.function;
}

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_deconv_fill_dispatch (node, cbam_conv_bias_texel (variant, node), ret_dispatch);
}

static gboolean
fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_value_blocks (node->inputs[0]) * cbam_conv_taps (node) < CBAM_MOST_TURNS;
}

static const CbamOpVariant variants[] = {
  CBAM_FLAVOURS ("", deconv, CbamDeconvArgs, dispatch, .fits = fits, .packing = &cbam_conv_packing),
};

/* ---- Truth: every input pixel is spread over the output ---------------------------------------------------------- */

void
cbam_deconv_spread (const CbamNode *node, const float *x, const float *kernel, double *sums)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];

  for (guint row = 0; row < in->height; row++)
    for (guint column = 0; column < in->width; column++)
      for (guint ky = 0; ky < p->kernel_height; ky++)
        for (guint kx = 0; kx < p->kernel_width; kx++) {
          const gint y = (gint) (row * p->up_y + ky) - p->pad_top, to_x = (gint) (column * p->up_x + kx) - p->pad_left;

          if (y >= 0 && y < (gint) out->height && to_x >= 0 && to_x < (gint) out->width)
            sums[(guint) y * out->width + (guint) to_x] +=
                (double) x[row * in->width + column] * kernel[ky * p->kernel_width + kx];
        }
}

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const CbamValue *in = node->inputs[0], *out = node->outputs[0];
  const gsize in_pixels = (gsize) in->width * in->height, out_pixels = (gsize) out->width * out->height;
  const float *x = cbam_reference_get (run, in);
  float *y = cbam_reference_get (run, out);
  g_autofree double *sums = g_new (double, out_pixels);

  for (guint o = 0; o < out->channels; o++) {
    for (gsize i = 0; i < out_pixels; i++)
      sums[i] = p->bias != NULL ? p->bias->values[o] : 0;
    for (guint c = 0; c < in->channels; c++)
      cbam_deconv_spread (node, x + c * in_pixels,
                          p->weight->values + ((gsize) o * in->channels + c) * cbam_conv_taps (node), sums);
    for (gsize i = 0; i < out_pixels; i++)
      *y++ = (float) cbam_activation_apply (&p->activation, sums[i]);
  }
}

/* Every tap of every input pixel, as is usual; those that fall off the edge are counted too. */
static guint64
macs (const CbamNode *node)
{
  const CbamValue *in = node->inputs[0];

  return (guint64) in->width * in->height * in->channels * node->outputs[0]->channels * cbam_conv_taps (node);
}

/* ---- In graphs -------------------------------------------------------------------------------------------------- */

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
reaches (guint input, guint output, guint kernel, guint up, guint pad)
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
                            .activation = cbam_activation_none };
  CbamValue *output;
  guint channels;

  if (graph->error != NULL)
    return NULL;
  if (!reaches (input->width, form->width, kernel, up_x, form->pad_x) ||
      !reaches (input->height, form->height, kernel, up_y, form->pad_y)) {
    cbam_graph_fail (graph, CBAM_ERROR_UNSUPPORTED, "%s: a map of %ux%u cannot be stepped up to %ux%u by %ux%u",
                     form->name, input->width, input->height, form->width, form->height, up_x, up_y);
    return NULL;
  }
  channels = form->depthwise ? input->channels : form->channels;
  output = cbam_graph_add_value (graph, form->name, form->width, form->height, channels);
  params.weight =
      cbam_graph_read_param (graph, form->name, "weight", 4,
                             (const gsize[]){ input->channels, form->depthwise ? 1 : channels, kernel, kernel });
  if (!form->depthwise && params.weight->values != NULL)
    swap_channels (params.weight);
  if (cbam_graph_has_param (graph, form->name, "bias"))
    params.bias = cbam_graph_read_param (graph, form->name, "bias", 1, (const gsize[]){ channels });
  cbam_graph_add_node (graph, form->depthwise ? &cbam_op_depthwise_deconv : &cbam_op_deconv, form->name, &params,
                       form->input, output);
  return output;
}

/* ---- As ordinary convolutions ------------------------------------------------------------------------------------ */

/* Along one axis, what output pixels number first + i * up of a transposed convolution are made of: @n taps, of which
 * the last reads input pixel i + base. */
typedef struct
{
  guint n, first_tap;
  gint base;
} Taps;

static Taps
taps_of (guint first, guint up, gint pad, guint kernel)
{
  const guint tap = (first + (guint) pad) % up;

  return (Taps){ (kernel - tap + up - 1) / up, tap, (gint) (first + (guint) pad - tap) / (gint) up };
}

/* The kernel of one parity class: every up-th tap, in the order of the pixels they read, which is theirs turned round.
 */
static CbamParam *
weight_of_class (CbamGraph *graph, const CbamNode *node, const char *name, Taps x, Taps y)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const gsize rows = p->weight->dims[0] * p->weight->dims[1];
  CbamParam *weight =
      cbam_graph_add_param (graph, name, 4, (const gsize[]){ p->weight->dims[0], p->weight->dims[1], y.n, x.n });
  float *to = weight->values = g_new (float, weight->n);

  for (gsize row = 0; row < rows; row++)
    for (guint ty = 0; ty < y.n; ty++)
      for (guint tx = 0; tx < x.n; tx++) {
        const guint ky = y.first_tap + (y.n - 1 - ty) * p->up_y, kx = x.first_tap + (x.n - 1 - tx) * p->up_x;

        *to++ = p->weight->values[(row * p->kernel_height + ky) * p->kernel_width + kx];
      }
  return weight;
}

static void
insert_class (CbamGraph *graph, const CbamNode *node, guint first_x, guint first_y)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const Taps x = taps_of (first_x, p->up_x, p->pad_left, p->kernel_width);
  const Taps y = taps_of (first_y, p->up_y, p->pad_top, p->kernel_height);
  g_autofree char *name = g_strdup_printf ("%s[%u,%u]", node->name, first_y, first_x);
  CbamConvParams params = *p;
  CbamNode *conv;

  params.weight = weight_of_class (graph, node, name, x, y);
  params.kernel_width = x.n;
  params.kernel_height = y.n;
  params.pad_left = (gint) x.n - 1 - x.base;
  params.pad_top = (gint) y.n - 1 - y.base;
  params.width = (p->width - first_x + p->up_x - 1) / p->up_x;
  params.height = (p->height - first_y + p->up_y - 1) / p->up_y;
  params.step_x = p->up_x;
  params.step_y = p->up_y;
  params.first_x = first_x;
  params.first_y = first_y;
  conv = cbam_graph_insert_node (graph, cbam_graph_find_place (graph, node), &cbam_op_conv, name, &params);
  conv->inputs[conv->n_inputs++] = node->inputs[0];
  conv->outputs[conv->n_outputs++] = node->outputs[0];
  node->outputs[0]->accumulates = TRUE; /* each class has pixels of its own */
}

/* Whether the map is only ever added to another: whoever convolves it wants a border of zeros, which no one class
 * leaves. */
static gboolean
is_only_added (CbamGraph *graph, const CbamValue *value)
{
  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    if (node->inputs[0] == value && node->op != &cbam_op_add)
      return FALSE;
  }
  return TRUE;
}

/* Output pixels whose row and column have the same remainders by the stride see the same taps of the kernel: an
 * ordinary convolution makes them. */
static CbamFusionResult
fuse (CbamGraph *graph, CbamNode *node)
{
  const CbamConvParams *p = node->params;

  if (node->op != &cbam_op_deconv || !is_only_added (graph, node->outputs[0]))
    return CBAM_FUSION_NOTHING;
  for (guint y = 0; y < MIN (p->up_y, p->height); y++)
    for (guint x = 0; x < MIN (p->up_x, p->width); x++)
      insert_class (graph, node, x, y);
  return CBAM_FUSION_GONE;
}

CbamValue *
cbam_deconv_add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs, gboolean depthwise)
{
  const gint more = (gint) shape->kernel - 2 * (gint) shape->pad + (gint) shape->dilation;
  CbamValue *x = inputs[0];

  return cbam_graph_deconv (graph, &(CbamDeconvForm){ .name = "op",
                                                      .input = x,
                                                      .channels = shape->outputs,
                                                      .kernel = shape->kernel,
                                                      .up_x = shape->stride,
                                                      .up_y = shape->stride,
                                                      .pad_x = shape->pad,
                                                      .pad_y = shape->pad,
                                                      .width = (x->width - 1) * shape->stride + (guint) more,
                                                      .height = (x->height - 1) * shape->stride + (guint) more,
                                                      .depthwise = depthwise });
}

static CbamValue *
add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs)
{
  return cbam_deconv_add_case (graph, shape, inputs, FALSE);
}

/* stride: output pixels per input pixel; dilation: what the output has beyond the kernel's reach. */
static const CbamOpCase cases[] = {
  { 1, 1, 5, 7, 3, 1, 0, 0 },
  { 5, 3, 12, 8, 3, 2, 0, 1 },
  { 5, 3, 9, 13, 3, 2, 1, 1, .no_bias = TRUE },
  { 4, 6, 8, 8, 4, 2, 0, 1, .big_reader = TRUE },
  { 3, 4, 3, 4, 3, 3, 2, 0 },
};

const CbamOpClass cbam_op_deconv = {
  .name = "deconv",
  .params_size = sizeof (CbamConvParams),
  .macs = macs,
  .parameters = cbam_conv_parameters,
  .reference = reference,
  .scaling = cbam_conv_scaling,
  .rescale = cbam_conv_rescale,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
  .fusion = CBAM_FUSE_PARITY,
  .fuse = fuse,
  .add_case = add_case,
  .cases = cases,
  .n_cases = G_N_ELEMENTS (cases),
};
