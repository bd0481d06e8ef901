/* Push constants of Grad-CAM, one dispatch per detection.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_GRAD_CAM_H
#define CBAM_ARGS_GRAD_CAM_H

#include "frame.h"

/* Shared memory: 8 + 4 KiB. */
#define CBAM_GRAD_CAM_BLOCKS 512
#define CBAM_GRAD_CAM_CLASSES CBAM_MAX_CLASSES

struct CbamGradCamArgs
{
  CbamView x; /* features */
  CbamView conf;
  uint width; /* of the level, pixels */
  uint height;
  uint blocks;     /* of the features, a texel each */
  uint first_conf; /* channel of conf, and row of the weights, at which the anchor's classes begin */
  uint n_classes;
  uint class_id;
  uint softmax; /* else sigmoid */
  uint kernel;  /* of the head */
  uint row;     /* cell of the detection's anchor */
  uint column;
  uint pitch; /* of weights in rows, as conv_tile.comp's; 0 = as for conv_texel.comp */
};

#ifndef VULKAN
typedef struct CbamGradCamArgs CbamGradCamArgs;
_Static_assert(sizeof (CbamGradCamArgs) <= CBAM_MOST_ARGS, "push constants");
#endif

#endif
