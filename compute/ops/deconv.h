/* deconv and depthwise_deconv: transposed convolutions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/conv.h"

extern const CbamOpClass cbam_op_deconv;
extern const CbamOpClass cbam_op_depthwise_deconv;

/* A transposed convolution to a map of exactly width x height; its weight is [in, out, k, k], depthwise [in, 1, k, k].
 */
typedef struct
{
  const char *name;
  CbamValue *input;
  guint channels;      /* output; ignored when depthwise */
  guint kernel;        /* [3] */
  guint up_x, up_y;    /* its stride: output pixels per input pixel [1] */
  guint pad_x, pad_y;  /* [0] */
  guint width, height; /* of the output */
  gboolean depthwise;
} CbamDeconvForm;

CbamValue *cbam_graph_deconv (CbamGraph *graph, const CbamDeconvForm *form);

/* ---- What both share ------------------------------------------------------------------------------------------------
 */

/* @bias: texel of the weights at which it begins. */
void cbam_deconv_fill_dispatch (const CbamNode *node, guint bias, CbamDispatch *ret_dispatch);
/* Adds what a plane of the input, spread by one kernel, makes of a plane of the output. */
void cbam_deconv_spread (const CbamNode *node, const float *x, const float *kernel, double *sums);
CbamValue *cbam_deconv_add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs,
                                 gboolean depthwise);
