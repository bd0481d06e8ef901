/* l2_norm: each pixel's vector of channels over its length, times a learned weight per channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_l2_norm;

typedef struct
{
  CbamParam *weight; /* [channels] */
  double eps;        /* added to the norm */
} CbamL2NormParams;

/* Each pixel's vector over (its L2 norm + @eps), times name.weight. */
CbamValue *cbam_graph_l2_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps);

CBAM_OP_PARAMS (CbamL2NormParams, cbam_l2_norm_params)
