/* The parameter block of a slot: all that may change from frame to frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_FRAME_H
#define CBAM_ARGS_FRAME_H

#include "types.h"

#define CBAM_MAX_CLASSES 1024
#define CBAM_CLASSES_PER_WORD 32 /* of a set of classes, a bit each */

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

/* Of a frame too large to bind only lines (rows, and columns) near the positions that are sampled are there: of
 * position n = 0, 1, ... those from begin (n) = clamp ((first + n * step) / CBAM_THIN_ONE, 0, last) on, CBAM_THIN_LINES
 * of them, one group after the other. Two are sampled; the third makes it all the same how positions are rounded. */
#define CBAM_THIN_LINES 3
#define CBAM_THIN_BITS 14
#define CBAM_THIN_ONE (1 << CBAM_THIN_BITS)

struct CbamThinAxis
{
  int first;    /* lines of the component, times CBAM_THIN_ONE */
  int step;     /* from position to position; at least four lines, so that the nearest position is the one meant */
  uint count;   /* positions; 0 = all lines are there */
  uint last;    /* where the last group can begin */
  float middle; /* lines: half a step before position 0 */
  float inv_step;
};

#ifndef VULKAN
typedef struct CbamComponent CbamComponent;
typedef struct CbamThinAxis CbamThinAxis;
#endif

struct CbamThin
{
  CbamThinAxis x;
  CbamThinAxis y;
};

#ifndef VULKAN
typedef struct CbamThin CbamThin;
#endif

/* Words of it that are read without the rest. */
#define CBAM_FRAME_THRESHOLD 0
#define CBAM_FRAME_REPORTED 2

struct CbamFrameArgs
{
  float threshold;
  uint n_classes;
  uint reported[CBAM_MAX_CLASSES / CBAM_CLASSES_PER_WORD]; /* bit set: the class may be reported */
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
  uint bgr;         /* the first channel is blue */
  uint round_u8;    /* round to whole numbers after resizing */
  CbamThin thin[3]; /* by component, where the frame is thinned */
};

/* A score above the threshold. */
struct CbamHit
{
  float score;
  uint prior_class; /* prior * n_classes + class */
};

#ifndef VULKAN
typedef struct CbamFrameArgs CbamFrameArgs;
_Static_assert(offsetof (CbamFrameArgs, threshold) == sizeof (uint) * CBAM_FRAME_THRESHOLD, "a word's place");
_Static_assert(offsetof (CbamFrameArgs, reported) == sizeof (uint) * CBAM_FRAME_REPORTED, "a word's place");
typedef struct CbamHit CbamHit;
#endif

#endif
