/* Push constants of ops that turn one map into another of the same size, texel by texel, and of the preprocess.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_MAP_H
#define CBAM_ARGS_MAP_H

#include "types.h"

#define CBAM_PREPROCESS_PIXELS 4 /* per invocation of the preprocess */

struct CbamMapArgs
{
  CbamView x;
  CbamView y;
  uint width; /* of the output, pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint blocks; /* of channels, a texel each */
  float lo;    /* activation: clamp to lo..hi; l2_norm: the eps added to the norm */
  float hi;
  uint channels; /* real ones */
};

#ifndef VULKAN
typedef struct CbamMapArgs CbamMapArgs;
_Static_assert(sizeof (CbamMapArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
