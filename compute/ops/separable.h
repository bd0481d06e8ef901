/* separable: a depthwise convolution and the 1x1 convolution that alone reads it, in one: nothing between them is a
 * map.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/conv.h"

extern const CbamOpClass cbam_op_separable;

typedef struct
{
  CbamConvParams depthwise, pointwise;
} CbamSeparableParams;

CBAM_OP_PARAMS (CbamSeparableParams, cbam_separable_params)
