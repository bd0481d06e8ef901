/* batch_norm: each channel scaled and shifted, by what training measured.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_batch_norm;

typedef struct
{
  CbamParam *gamma, *beta, *mean, *variance; /* [channels] */
  double eps;
} CbamBatchNormParams;

/* Batch norm over name.{weight,bias,running_mean,running_var}; returns @input when the source has none of them, because
 * it is folded into the convolution already. */
CbamValue *cbam_graph_batch_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps);
gboolean cbam_graph_has_batch_norm (const CbamGraph *graph, const char *name);

CBAM_OP_PARAMS (CbamBatchNormParams, cbam_batch_norm_params)
