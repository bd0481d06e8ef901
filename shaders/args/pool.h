/* Push constants of the max pool.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_POOL_H
#define CBAM_ARGS_POOL_H

#include "types.h"

struct CbamPoolArgs
{
  CbamView x;
  CbamView y;
  uint in_width; /* pixels */
  uint in_height;
  uint width; /* of the output, pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint kernel;
  uint stride;
  uint pad;
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef struct CbamPoolArgs CbamPoolArgs;
_Static_assert(sizeof (CbamPoolArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
