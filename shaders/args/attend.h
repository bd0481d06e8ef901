/* Push constants of attend.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_ATTEND_H
#define CBAM_ARGS_ATTEND_H

#include "types.h"

/* What a workgroup makes: so many places, and blocks of channels. */
#define CBAM_ATTEND_PLACES 16
#define CBAM_ATTEND_BLOCKS 16
#define CBAM_ATTEND_PRODUCTS 4 /* of so many places with a key an invocation sums the products at once */

struct CbamAttendArgs
{
  CbamView y;
  CbamView queries;
  CbamView keys;
  CbamView values;
  uint width; /* of all of them, pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint depth;  /* blocks of channels of queries and keys */
  uint blocks; /* of values and the output */
  uint tiles;  /* workgroups along x that make places; the others zero the border */
  float gamma;
};

#ifndef VULKAN
typedef struct CbamAttendArgs CbamAttendArgs;
_Static_assert(sizeof (CbamAttendArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
