/* Push constants of the ops that make few numbers of many: global_pool, channel_pool, channel_gate.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_REDUCE_H
#define CBAM_ARGS_REDUCE_H

#include "types.h"

#define CBAM_REDUCE_KIND_MEAN 0
#define CBAM_REDUCE_KIND_MAX 1
#define CBAM_REDUCE_KIND_L2 2
#define CBAM_REDUCE_KIND_LOG_SUM 3
#define CBAM_REDUCE_KIND_SUM 4

#define CBAM_REDUCE_PIXELS 8 /* read in a turn */

/* Shared memory of channel_gate, in texels of pooled channels and in hidden channels: 12 + 2 KiB. */
#define CBAM_GATE_POOLED 768
#define CBAM_GATE_HIDDEN 512

struct CbamReduceArgs
{
  CbamView x;
  CbamView y;
  CbamView gate; /* channel_pool: of the vector that x is multiplied with */
  uint width;    /* of the input, pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint channels;
  uint n_kinds;
  uint kinds; /* CBAM_REDUCE_KIND_*, four bits each, the first one lowest */
  uint hidden; /* channel_gate: channels between its layers */
  uint mean_first; /* channel_pool: mean, max instead of max, mean */
  float lo;        /* channel_gate: clamp of the hidden channels */
  float hi;
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef struct CbamReduceArgs CbamReduceArgs;
_Static_assert (sizeof (CbamReduceArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
