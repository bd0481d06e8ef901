/* The kernels of full convolutions for every device with shared memory worth the name: shaders/conv_tile.comp in tiles
 * of several sizes, and which of them suits a layer on a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/conv.h"
#include "ops/shaders.h"

/* Weights in rows: [tap][input block][4 of its channels][output channels], then the bias; zeros up to whole tiles and
 * whole turns. */
extern const CbamPacking cbam_conv_tile_packing;

/* Output numbers that an invocation of @variant makes, or its part of what they are sums of. */
guint cbam_conv_tile_sums (const CbamOpVariant *variant);

gboolean cbam_conv_tile_fits (const CbamOpVariant *variant, const CbamNode *node);
gboolean cbam_conv_tile_fits_sum (const CbamOpVariant *variant, const CbamNode *node);
gboolean cbam_conv_tile_fits_shuffle (const CbamOpVariant *variant, const CbamNode *node);
double cbam_conv_tile_cost (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps);
void cbam_conv_tile_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch);

/* Rows of a table of variants, of CBAM_GPU_TILES and CBAM_PACKED_TILES; tile: output channels, pixels, slices of K,
 * texels of K of a slice a turn. */
#define CBAM_CONV_TILE_VARIANT(label, module, channels, pixels, slices, depth, need, fitting)                          \
  {                                                                                                                    \
    .name = label, .shader = &cbam_shader_##module, .needs = need, .args_size = sizeof (CbamConvArgs),                 \
    .tile = { channels, pixels, slices, depth }, .packing = &cbam_conv_tile_packing, .fits = fitting,                  \
    .cost = cbam_conv_tile_cost, .dispatch = cbam_conv_tile_dispatch                                                   \
  }
#define CBAM_CONV_TILE(channels, pixels, slices, depth)                                                                \
  CBAM_CONV_TILE_VARIANT ("tile-" #channels "x" #pixels "x" #slices, conv_tile_##channels##x##pixels##x##slices,       \
                          channels, pixels, slices, depth, 0, cbam_conv_tile_fits)
/* With a second map added. */
#define CBAM_CONV_TILE_SUM(channels, pixels, slices, depth)                                                            \
  CBAM_CONV_TILE_VARIANT ("tile-" #channels "x" #pixels "x" #slices "-sum",                                            \
                          conv_tile_##channels##x##pixels##x##slices##_sum, channels, pixels, slices, depth, 0,        \
                          cbam_conv_tile_fits_sum)
/* With the channels of a second map between its own. */
#define CBAM_CONV_TILE_SHUFFLE(channels, pixels, slices, depth)                                                        \
  CBAM_CONV_TILE_VARIANT ("tile-" #channels "x" #pixels "x" #slices "-shuffle",                                        \
                          conv_tile_##channels##x##pixels##x##slices##_shuffle, channels, pixels, slices, depth, 0,    \
                          cbam_conv_tile_fits_shuffle)
/* The same of maps and weights of 16-bit floats, of which two are multiplied at once. */
#define CBAM_CONV_TILE_PACKED(channels, pixels, slices, depth)                                                         \
  CBAM_CONV_TILE_VARIANT ("tile-" #channels "x" #pixels "x" #slices "-packed",                                         \
                          conv_tile_##channels##x##pixels##x##slices##_packed, channels, pixels, slices, depth,        \
                          CBAM_NEED_HALF, cbam_conv_tile_fits)
#define CBAM_CONV_TILE_PACKED_SUM(channels, pixels, slices, depth)                                                     \
  CBAM_CONV_TILE_VARIANT ("tile-" #channels "x" #pixels "x" #slices "-packed-sum",                                     \
                          conv_tile_##channels##x##pixels##x##slices##_packed_sum, channels, pixels, slices, depth,    \
                          CBAM_NEED_HALF, cbam_conv_tile_fits_sum)
#define CBAM_CONV_TILE_PACKED_SHUFFLE(channels, pixels, slices, depth)                                                 \
  CBAM_CONV_TILE_VARIANT ("tile-" #channels "x" #pixels "x" #slices "-packed-shuffle",                                 \
                          conv_tile_##channels##x##pixels##x##slices##_packed_shuffle, channels, pixels, slices,       \
                          depth, CBAM_NEED_HALF, cbam_conv_tile_fits_shuffle)
