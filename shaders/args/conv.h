/* Push constants of the convolutions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_CONV_H
#define CBAM_ARGS_CONV_H

#include "types.h"

struct CbamConvArgs
{
  CbamView x; /* input; origin is that of tap (0, 0) of output pixel (0, 0) */
  CbamView y; /* output */
  CbamView sum; /* what is added, of the output's size, where the kernel adds */
  uint width; /* of the output, pixels */
  uint height;
  uint in_blocks; /* channels / 4 */
  uint out_blocks;
  uint kernel_width;
  uint kernel_height;
  uint stride;
  uint dilation;
  uint bias;       /* texel of the weights at which the bias begins */
  uint tiles;      /* workgroups along x that compute; those behind them zero the border */
  uint border;     /* of the output, pixels */
  uint last_texel; /* of the input; loads beyond it, of pixels nobody stores, are moved here */
  float inv_width; /* 1 / width */
  float lo;        /* the activation: clamp to lo..hi */
  float hi;
  uint sigmoid; /* taken after the clamp, where the kernel can */
};

#ifndef VULKAN
typedef struct CbamConvArgs CbamConvArgs;
#endif

#endif
