/* Winograd's convolution F(4x4, 3x3) (Lavin, Gray 2016, arXiv 1509.09308): a tile of 6x6 pixels, of which neighbours
 * share two rows or columns, becomes 4x4 pixels of the output. Sums of products are taken for each of the 36 places of
 * a transformed tile by itself. Here is what all who do it share, and the push constants of both transforms.
 *
 * With dilation d every d-th pixel of every d-th row is one of a convolution without: tile u of a row has pixels
 * u % d + (u / d * 4 + j) * d, j = 0 .. 3, and so along columns.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_WINOGRAD_H
#define CBAM_ARGS_WINOGRAD_H

#include "types.h"

#define CBAM_WINOGRAD_TILE 4
#define CBAM_WINOGRAD_SPAN 6 /* pixels of the input along an edge */
#define CBAM_WINOGRAD_PLACES 36

/* The points 0, +-A, +-B and infinity, of which A * B is 1: sums lose fewer digits than with 1 and 2. */
#define CBAM_WINOGRAD_A 0.70710678118654752
#define CBAM_WINOGRAD_B 1.41421356237309505

struct CbamWinogradArgs
{
  CbamView x; /* on the way in, origin is that of the first pixel that the first tile of the map reads */
  CbamView y;
  uint width; /* of the convolution's output, pixels */
  uint height;
  uint map_width; /* of the map that is written on the way out: smaller if it is pooled */
  uint map_height;
  uint dilation;
  uint across;      /* tiles in a row */
  uint rows;        /* of tiles, that this stripe has */
  uint first;       /* of them, in the map */
  uint step;        /* texels from a place to the next */
  uint groups;      /* workgroups along x that compute; those behind them zero the border */
  uint border;      /* of what is written, pixels; 0: there is none, or another stripe zeroes it */
  uint bias;        /* texel of the weights at which the bias begins */
  float inv_across; /* 1 / across */
  float lo;         /* the activation: clamp to lo..hi */
  float hi;
};

#ifndef VULKAN
typedef struct CbamWinogradArgs CbamWinogradArgs;
_Static_assert(sizeof (CbamWinogradArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
