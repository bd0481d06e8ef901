/* conv: a full convolution; and what all convolutions share, depthwise and transposed ones included.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/conv.h"

#include "ops/activation.h"

extern const CbamOpClass cbam_op_conv;

typedef enum
{
  CBAM_PADDING_SYMMETRIC,
  CBAM_PADDING_SAME
} CbamPadding;

/* A convolution or transposed convolution, full or depthwise. Output pixel (x, y) of its own grid of width x height is
 * pixel (x * step_x + first_x, y * step_y + first_y) of its output: a transposed convolution is several of these. */
typedef struct
{
  guint kernel_width, kernel_height, stride, dilation;
  gint pad_left, pad_top;
  guint up_x, up_y; /* transposed: output pixels per input pixel */
  guint width, height, step_x, step_y, first_x, first_y;
  CbamParam *weight;               /* [out, in / groups, height, width]; depthwise [channels, 1, height, width] */
  CbamParam *bias;                 /* [out], NULL = zeros */
  CbamActivationParams activation; /* fused */
  gboolean sigmoid;                /* fused, after that */
  guint first_channel;             /* of the input: a full convolution may read some of its channels only */
  guint groups;                    /* of a full convolution: each sees its part of the input; 0 = 1 */
  guint64 winograd;  /* its groups are places of Winograd's convolution (winograd.h): multiply-adds of that; 0 = not */
  gboolean shuffles; /* a second input is no addend: its channels come by turns with the convolution's own */
} CbamConvParams;

typedef struct
{
  const char *name; /* prefix of the tensors name.weight, name.bias */
  CbamValue *input;
  guint channels;      /* output; ignored when depthwise */
  guint kernel;        /* [1] */
  guint stride;        /* [1] */
  guint dilation;      /* [1] */
  guint groups;        /* [1]; both numbers of channels are multiples of it */
  guint pad;           /* on all sides [0]; ignored with CBAM_PADDING_SAME */
  CbamPadding padding; /* [symmetric]; same = as TensorFlow, output = ceil (input / stride) */
  gboolean depthwise;
  gboolean needs_bias; /* name.bias must be there [it may be missing] */
  guint
      weight_dims; /* of name.weight: 2 = [out, in], 3 = [out, in, kernel] along rows, 4 [4, or 2 as the source has] */
} CbamConvForm;

/* A convolution; its bias is added when the source has name.bias. */
CbamValue *cbam_graph_conv (CbamGraph *graph, const CbamConvForm *form);

CBAM_OP_PARAMS (CbamConvParams, cbam_conv_params)

/* ---- For the other convolutions ---------------------------------------------------------------------------------- */

guint64 cbam_conv_parameters (const CbamNode *node);
guint cbam_conv_kernel (const CbamNode *node);
/* Channels that it makes itself, without those that it only stores. */
guint cbam_conv_channels (const CbamNode *node);
/* Of all convolutions. */
CbamScaling cbam_conv_scaling (const CbamNode *node);
void cbam_conv_rescale (CbamGraph *graph, CbamNode *node, gint in, gint out);
/* Taps of the kernel. */
gsize cbam_conv_taps (const CbamNode *node);
CbamValue *cbam_conv_add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs);

/* The zero border that the kernel reads around its input, in pixels. */
guint cbam_conv_border (const CbamNode *node, guint i);
guint cbam_conv_reach (const CbamConvParams *params, const CbamValue *input);

/* Fills all push constants but those of weights (bias, in_blocks, bundle), groups[0] (tiles of @tile_pixels output
 * pixels, then border cells by @threads). */
void cbam_conv_fill_args (const CbamNode *node, guint tile_pixels, guint threads, CbamDispatch *ret_dispatch);

/* Weights of a full convolution: [channels/8][input block, kernel row, kernel column][8][4], then the bias; zeros up to
 * whole tiles of @variant, and where a tile holds several groups, between them. Sizes in floats. */
extern const CbamPacking cbam_conv_packing;
guint cbam_conv_bias_texel (const CbamOpVariant *variant, const CbamNode *node);

/* ---- For packings ------------------------------------------------------------------------------------------------ */

/* Output channels rounded up to whole tiles of the kernel that makes them; to groups of eight for those without. */
gsize cbam_conv_padded_channels (const CbamOpVariant *variant, const CbamNode *node);
/* Output channels that a kernel takes for one group, with weights of zero between those in it. */
guint cbam_conv_bundle (const CbamOpVariant *variant, const CbamNode *node);
/* Texels of a pixel in which lie the channels that a bundle sees. */
guint cbam_conv_in_blocks (const CbamOpVariant *variant, const CbamNode *node);

/* From a weight to the next, in floats. */
typedef struct
{
  gsize channel, group; /* of an output channel in its group of eight; of groups */
  gsize k, block, tap;  /* of an input channel in its texel; of these; of taps */
} CbamConvStrides;

/* Every weight to its place and the bias to @bias; zeros everywhere else in @out [@size]. */
void cbam_conv_pack (const CbamOpVariant *variant, const CbamNode *node, const CbamConvStrides *strides, gsize bias,
                     gsize size, float *out);

/* ---- For fusions ------------------------------------------------------------------------------------------------- */

/* Whether @node is a convolution of any kind, with CbamConvParams. */
gboolean cbam_conv_is_any (const CbamNode *node);
/* 1x1, stride 1, nothing added. */
gboolean cbam_conv_is_pointwise (const CbamNode *node);
/* The convolution, of any kind, that makes input 0 of @node and nothing else; NULL = none. */
CbamNode *cbam_conv_find_sole_before (CbamGraph *graph, const CbamNode *node);
