/* Push constants of the convolutions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_CONV_H
#define CBAM_ARGS_CONV_H

#include "types.h"

/* Output channels whose weights lie side by side, a lane each; every tile has whole groups. */
#define CBAM_CONV_GROUP CBAM_LANES

/* Tiles of conv_tile.comp: output channels, pixels, slices of K, texels of K of a slice a turn. The last asks for no
 * more than every device has. */
#define CBAM_GPU_TILES(TILE)                                                                                           \
  TILE (128, 128, 1, 4), TILE (64, 128, 1, 4), TILE (32, 128, 1, 2), TILE (32, 64, 2, 2), TILE (32, 32, 8, 1),         \
      TILE (32, 32, 4, 1), TILE (64, 64, 1, 2)

/* Channels and pixels that an invocation of it makes. */
#define CBAM_GPU_SIDE 8

/* The same of those that multiply two 16-bit floats at once: an invocation makes as many channels, and fewer pixels. */
#define CBAM_PACKED_TILES(TILE)                                                                                        \
  TILE (128, 128, 1, 8), TILE (64, 128, 1, 8), TILE (32, 64, 1, 4), TILE (32, 32, 4, 4), TILE (32, 32, 2, 4),          \
      TILE (64, 64, 1, 4)
#define CBAM_PACKED_SIDE 4

/* Tiles of conv_texel.comp, 1x1: output channels, pixels of a lane, texels of K a turn, channels interleaved. */
#define CBAM_CONV_TILES(TILE)                                                                                          \
  TILE (48, 4, 1, 1), TILE (32, 6, 1, 2), TILE (24, 8, 1, 2), TILE (16, 13, 1, 2), TILE (32, 4, 2, 4),                 \
      TILE (32, 2, 2, 4)

/* Of larger kernels: output channels, pixels of a lane, channels interleaved. */
#define CBAM_CONV_KERNEL_TILES(TILE) TILE (24, 4, 2), TILE (16, 4, 1), TILE (32, 2, 4)

/* Of the sliding window: output channels, neighbouring pixels. */
#define CBAM_CONV_WINDOW_TILES(TILE) TILE (16, 6), TILE (16, 5)

/* Of depthwise kernels by depthwise_texel.comp: width, height, size of the kernel, stride. Those of 5x5 are as small as
 * they are because code that does not stay in a processor's first cache costs more than loads do. */
#define CBAM_DEPTHWISE_TILES(TILE)                                                                                     \
  TILE (6, 4, 3, 1), TILE (5, 5, 3, 1), TILE (4, 4, 3, 2), TILE (5, 2, 3, 2), TILE (3, 2, 5, 1), TILE (3, 1, 5, 2)

struct CbamConvArgs
{
  CbamView x;     /* input; origin is that of tap (0, 0) of output pixel (0, 0) */
  CbamView y;     /* output */
  CbamView other; /* of the output's size: what is added, or stored between the channels */
  uint width;     /* of the output, pixels */
  uint height;
  uint in_blocks; /* of channels that an output channel sees, a texel each */
  uint bundle;    /* output channels that see the same of the input; the next ones see the blocks behind those */
  uint channels;  /* that it makes itself */
  uint kernel_width;
  uint kernel_height;
  uint stride;
  uint dilation;
  uint bias;       /* texel of the weights at which the bias begins */
  uint tiles;      /* workgroups along x that compute; those behind them zero the border */
  uint border;     /* of the output, pixels */
  uint last_texel; /* of an image of the input; loads beyond it, of pixels nobody stores, are moved here */
  float inv_width; /* 1 / width */
  float lo;        /* the activation: clamp to lo..hi */
  float hi;
  uint sigmoid; /* taken after the clamp, where the kernel can */
};

#ifndef VULKAN
typedef struct CbamConvArgs CbamConvArgs;
_Static_assert(sizeof (CbamConvArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
