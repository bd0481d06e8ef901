/* Push constants of concat.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_CONCAT_H
#define CBAM_ARGS_CONCAT_H

#include "types.h"

struct CbamConcatArgs
{
  CbamView y;
  CbamView x[2];
  uint width; /* pixels */
  uint height;
  uint border;    /* of the output, pixels */
  uint first;     /* channels of the first input */
  uint channels;  /* of the output */
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef struct CbamConcatArgs CbamConcatArgs;
_Static_assert(sizeof (CbamConcatArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
