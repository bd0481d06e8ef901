/* Push constants of the transposed convolutions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_DECONV_H
#define CBAM_ARGS_DECONV_H

#include "types.h"

struct CbamDeconvArgs
{
  CbamView x;
  CbamView y;
  uint in_width; /* pixels */
  uint in_height;
  uint width; /* of the output, pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint in_blocks;
  uint kernel;
  uint up_x; /* output pixels per input pixel */
  uint up_y;
  uint pad_x;
  uint pad_y;
  uint bias;      /* texel of the weights at which the bias begins */
  float inv_full; /* 1 / (width + 2 * border) */
  float lo;       /* the activation: clamp to lo..hi */
  float hi;
};

#ifndef VULKAN
typedef struct CbamDeconvArgs CbamDeconvArgs;
_Static_assert(sizeof (CbamDeconvArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
