/* Push constants of the detection tail, one dispatch per level.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_DETECT_H
#define CBAM_ARGS_DETECT_H

#include "frame.h"

#define CBAM_DETECT_SOFTMAX 0
#define CBAM_DETECT_SIGMOID 1

/* How boxes are written; the shader's specialisation constant 0. */
#define CBAM_DETECT_OFFSETS 0
#define CBAM_DETECT_DISTRIBUTION 1

#define CBAM_DETECT_CHUNK CBAM_CLASSES_PER_WORD    /* classes of an invocation */
#define CBAM_DETECT_MAX_LOG_SIZE 4.135166556742356 /* ln (1000 / 16), as torchvision: keeps a wild output finite */

struct CbamDetectArgs
{
  CbamView loc;  /* an anchor's tx, ty, tw, th, a texel; or the bins of its left, top, right and bottom side */
  CbamView conf; /* anchor-major: channel = anchor * n_classes + class */
  uint width;
  uint height;
  uint per_cell;
  uint n_classes;
  uint prior; /* number of the level's first prior */
  uint score; /* CBAM_DETECT_SOFTMAX or CBAM_DETECT_SIGMOID */
  float variance[4];
  uint parameters; /* words from one image's CbamFrameArgs to the next one's */
  uint hits;       /* words before those of the first image */
  uint boxes;
  uint results; /* words from one image's hits and boxes to the next one's */
  uint bins;    /* of a side, with CBAM_DETECT_DISTRIBUTION */
};

#ifndef VULKAN
typedef struct CbamDetectArgs CbamDetectArgs;
_Static_assert(sizeof (CbamDetectArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
