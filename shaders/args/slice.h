/* Push constants of slice.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_SLICE_H
#define CBAM_ARGS_SLICE_H

#include "types.h"

struct CbamSliceArgs
{
  CbamView x;
  CbamView y;
  uint width; /* pixels */
  uint height;
  uint border;    /* of the output, pixels */
  uint first;     /* channel of the input */
  uint channels;  /* of the output */
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef struct CbamSliceArgs CbamSliceArgs;
_Static_assert(sizeof (CbamSliceArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
