/* Push constants of the resampling of a frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_RESAMPLE_H
#define CBAM_ARGS_RESAMPLE_H

#include "types.h"

/* How far a filter reaches, in pixels of the finer of both pictures. */
#define CBAM_RESAMPLE_REACH_LINEAR 1
#define CBAM_RESAMPLE_REACH_CUBIC 2
#define CBAM_RESAMPLE_CUBIC_A (-0.5) /* of the cubic's family (Keys 1981) */

struct CbamResampleArgs
{
  CbamView y;
  uint width; /* of the output, pixels */
  uint height;
  uint border;
  uint cubic; /* else linear */
};

#ifndef VULKAN
typedef struct CbamResampleArgs CbamResampleArgs;
_Static_assert(sizeof (CbamResampleArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
