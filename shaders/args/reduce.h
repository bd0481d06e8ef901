/* Push constants of the ops that make few numbers of many: global_pool, channel_pool, channel_gate.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_REDUCE_H
#define CBAM_ARGS_REDUCE_H

#include "types.h"

/* Ways to make one number of many, a bit each, so that some of them make a set. */
#define CBAM_REDUCE_MEAN 1
#define CBAM_REDUCE_MAX 2
#define CBAM_REDUCE_L2 4      /* root of the sum of squares */
#define CBAM_REDUCE_LOG_SUM 8 /* logarithm of the sum of exponentials */
#define CBAM_REDUCE_SUM 16

#define CBAM_MAX_REDUCTIONS 4
#define CBAM_REDUCE_KIND_BITS 8 /* of a word for as many */

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
  uint kinds;      /* of CBAM_REDUCE_KIND_BITS each, the first one lowest */
  uint hidden;     /* channel_gate: channels between its layers */
  uint mean_first; /* channel_pool: mean, max instead of max, mean */
  float lo;        /* channel_gate: clamp of the hidden channels */
  float hi;
  float inv_full; /* 1 / (width + 2 * border) */
};

#ifndef VULKAN
typedef uint CbamReduction;
typedef struct CbamReduceArgs CbamReduceArgs;
_Static_assert(sizeof (CbamReduceArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
