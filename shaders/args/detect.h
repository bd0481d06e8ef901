/* Push constants of the detection tail, one dispatch per level.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_DETECT_H
#define CBAM_ARGS_DETECT_H

#include "types.h"

#define CBAM_DETECT_SOFTMAX 0
#define CBAM_DETECT_SIGMOID 1

#define CBAM_DETECT_CHUNK 32 /* classes per invocation, at most the bits of a word */

struct CbamDetectArgs
{
  CbamView loc;  /* anchors_per_cell texels a pixel: tx, ty, tw, th */
  CbamView conf; /* anchor-major: channel = anchor * n_classes + class */
  uint width;
  uint height;
  uint per_cell;
  uint n_classes;
  uint prior; /* number of the level's first prior */
  uint score; /* CBAM_DETECT_SOFTMAX or CBAM_DETECT_SIGMOID */
  float variance[4];
  /* Where all results are bound as one: words behind the frame's parameters. */
  uint hits;
  uint boxes;
};

#ifndef VULKAN
typedef struct CbamDetectArgs CbamDetectArgs;
#endif

#endif
