/* The parameter block of a slot: all that may change from frame to frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_FRAME_H
#define CBAM_ARGS_FRAME_H

#include "types.h"

#define CBAM_MAX_CLASSES 1024

/* One of the three components of a pixel (R, G, B or Y, Cb, Cr): the byte of component pixel (x, y) lies at
 * offset + y*row + x*step, modulo 2^32: x and y are those of the upright picture, so that row and step of a turned
 * frame may be negative or have changed places. Component coordinates are those of the picture times scale plus shift.
 */
struct CbamComponent
{
  uint offset; /* bytes from the start of the slot's pixels */
  uint row;
  uint step;
  uint width; /* of the component, for clamping at its edges */
  uint height;
  float scale_x;
  float scale_y;
  float shift_x;
  float shift_y;
};

#ifndef VULKAN
typedef struct CbamComponent CbamComponent;
#endif

struct CbamFrameArgs
{
  CbamComponent component[3];
  float matrix[12]; /* rows of 3 + offset: components 0..255 -> R, G, B 0..255 */
  /* Coordinates in the upright picture of the centre of input pixel (x, y): (x + 0.5) * scale + shift - 0.5. */
  float scale_x;
  float scale_y;
  float shift_x;
  float shift_y;
  float frame_width; /* pixels of the upright picture; letterboxed input outside of the frame is 0 after the mean */
  float frame_height;
  float mean[3]; /* by R, G, B */
  float gain[3];
  uint bgr;      /* the first channel is blue */
  uint round_u8; /* round to whole numbers after resizing */
  float threshold;
  uint n_classes;
  uint reported[CBAM_MAX_CLASSES / 32]; /* bit set: the class may be reported */
};

/* A score above the threshold. */
struct CbamHit
{
  float score;
  uint prior_class; /* prior * n_classes + class */
};

#ifndef VULKAN
typedef struct CbamFrameArgs CbamFrameArgs;
typedef struct CbamHit CbamHit;
#endif

#endif
