/* Push constants of resize and turn.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_RESIZE_H
#define CBAM_ARGS_RESIZE_H

#include "types.h"

struct CbamResizeArgs
{
  CbamView x;
  CbamView y;
  uint in_width; /* pixels */
  uint in_height;
  uint width; /* of the output, pixels */
  uint height;
  uint border;    /* of the output, pixels */
  uint bilinear;  /* resize: else nearest */
  uint from_row;  /* turn: a row becomes a vector, else the other way */
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef struct CbamResizeArgs CbamResizeArgs;
_Static_assert(sizeof (CbamResizeArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
