/* Push constants of shuffle.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_SHUFFLE_H
#define CBAM_ARGS_SHUFFLE_H

#include "types.h"

struct CbamShuffleArgs
{
  CbamView y;
  CbamView x[2];
  uint width; /* pixels */
  uint height;
  uint border;    /* of the output, pixels */
  uint channels;  /* of the output */
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef struct CbamShuffleArgs CbamShuffleArgs;
_Static_assert(sizeof (CbamShuffleArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
