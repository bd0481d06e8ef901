/* What convolutions share, transposed ones included.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/conv.h"
#include "engine/graph.h"

G_BEGIN_DECLS

/* The zero border that the kernel reads around its input, in pixels. */
guint cbam_conv_border (const CbamNode *node, guint i);

/* Fills all push constants but the bias, groups[0] (tiles of @tile_pixels output pixels, then border cells by
 * @threads) and groups[2]. */
void cbam_conv_fill_args (const CbamNode *node, guint tile_pixels, guint threads, CbamDispatch *ret_dispatch);

/* Weights of a full convolution: [channels/8][input block, kernel row, kernel column][8][4], then the bias; zeros up to
 * whole tiles of @variant. Sizes in floats. */
gsize cbam_conv_packed_size (const CbamOpVariant *variant, const CbamNode *node);
void cbam_conv_pack (const CbamOpVariant *variant, const CbamNode *node, float *out);
guint cbam_conv_bias_texel (const CbamOpVariant *variant, const CbamNode *node);

/* Of a depthwise one: [channels/4][taps][4], then the bias. */
gsize cbam_depthwise_packed_size (const CbamOpVariant *variant, const CbamNode *node);
void cbam_depthwise_pack (const CbamOpVariant *variant, const CbamNode *node, float *out);
guint cbam_depthwise_bias_texel (const CbamNode *node);

G_END_DECLS
