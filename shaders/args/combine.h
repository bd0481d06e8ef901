/* Push constants of add and multiply.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_COMBINE_H
#define CBAM_ARGS_COMBINE_H

#include "types.h"

struct CbamCombineArgs
{
  CbamView y;
  CbamView x[3]; /* strides of 0 where one texel counts for many */
  uint width;    /* of the output, pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint channels;
  uint single;    /* bit i set: input i has one channel, which counts for all */
  float inv_full; /* 1 / (width + 2 * border) */
  float lo;       /* of the activation, as its constant FUNCTION says; sums only */
  float hi;
};

#ifndef VULKAN
typedef struct CbamCombineArgs CbamCombineArgs;
_Static_assert(sizeof (CbamCombineArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
