/* Push constants of CBAM in one dispatch.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_CBAM_H
#define CBAM_ARGS_CBAM_H

#include "types.h"

#define CBAM_CBAM_THREADS 128 /* where the lanes of a subgroup are too few */

/* Shared memory: 4 KiB of pooled channels, 4 of gates, 0.5 hidden, 4 of pooled pixels. */
#define CBAM_CBAM_POOLED 256 /* texels: blocks of channels times pools */
#define CBAM_CBAM_BLOCKS 256
#define CBAM_CBAM_HIDDEN 128
#define CBAM_CBAM_PIXELS 512

struct CbamCbamArgs
{
  CbamView x;
  CbamView y;
  CbamView channel; /* the channel gate, for whoever wants to see it */
  CbamView spatial; /* the spatial gate */
  uint width;       /* pixels */
  uint height;
  uint border; /* of the output, pixels */
  uint channels;
  uint n_kinds;
  uint kinds; /* as in CbamReduceArgs */
  uint hidden;
  uint kernel;     /* of the spatial gate */
  uint mean_first; /* its pooled maps are mean, max instead of max, mean */
  float lo;        /* clamp of the hidden channels */
  float hi;
  float spatial_lo; /* least of the spatial gate before its sigmoid */
};

#ifndef VULKAN
typedef struct CbamCbamArgs CbamCbamArgs;
_Static_assert(sizeof (CbamCbamArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
