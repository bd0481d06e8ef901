/* depthwise: a convolution of each channel by itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/conv.h"

G_BEGIN_DECLS

extern const CbamOpClass cbam_op_depthwise;

/* Weights: [channels/4][taps][4], then the bias. Sizes in floats. */
gsize cbam_depthwise_packed_size (const CbamOpVariant *variant, const CbamNode *node);
void cbam_depthwise_pack (const CbamOpVariant *variant, const CbamNode *node, float *out);
guint cbam_depthwise_bias_texel (const CbamNode *node);

G_END_DECLS
