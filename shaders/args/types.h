/* What C and GLSL both say: read by the C compiler and, through #include, by glslang (which predefines VULKAN).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_TYPES_H
#define CBAM_ARGS_TYPES_H

#ifndef VULKAN
#include <stddef.h>
#include <sys/types.h> /* uint */
#endif

#define CBAM_TEXEL_CHANNELS 4

#define CBAM_MOST_ARGS 128 /* bytes of push constants that every device has */

/* The largest number that a 16-bit float has room for; and from where on kernels that store such tell the host what
 * they have seen, so that a factor of 8 is left. */
#define CBAM_HALF_MOST 65504.0
#define CBAM_HALF_NEAR_MOST (CBAM_HALF_MOST / 8.0)

/* Invocations of a workgroup, where nothing asks for another number. */
#define CBAM_THREADS 64
/* Lanes of a subgroup of the CPU device that has kernels of its own; of workgroups too where there is little to do. */
#define CBAM_LANES 8

/* A feature map in texels of four channels: texel (x, y, block) lies at origin + y*row + x*pixel + block*plane.
 * Channel-blocked: pixel 1, plane = one padded map. Pixel-major (NHWC): plane 1, pixel = number of blocks. Images of a
 * batch lie one behind the other. */
struct CbamView
{
  uint origin; /* texel of pixel (0, 0), behind the zero border */
  uint row;
  uint pixel;
  uint plane;
  uint frame; /* from one image to the next */
};

#ifndef VULKAN
typedef struct CbamView CbamView;
#endif

#endif
