/* depthwise: a convolution of each channel by itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/conv.h"

extern const CbamOpClass cbam_op_depthwise;

/* Weights: [channels/4][taps][4], then the bias. Sizes in floats. */
extern const CbamPacking cbam_depthwise_packing;
guint cbam_depthwise_bias_texel (const CbamNode *node);

/* The reference: [channel][row][column] of @x, which is as large as @in, to as many channels of @p's width and height.
 */
void cbam_depthwise_compute (const CbamConvParams *p, const CbamValue *in, const float *x, float *y);
