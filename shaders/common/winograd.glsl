// What both transforms of Winograd's convolution share: which tile an invocation has. Lanes past the last tile have it
// again, and store the same.
//
// A transformed tile is a pixel of a map that has the channels of all places, one place behind the other.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "args/winograd.h"
#include "common/border.glsl"

#ifdef TEXELS
#define THREADS CBAM_LANES // there are few tiles, and a subgroup has no more lanes
#else
#define THREADS CBAM_THREADS
#endif

#define A CBAM_WINOGRAD_A
#define B CBAM_WINOGRAD_B

layout (local_size_x = THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamWinogradArgs args; };

// Column and row in the stripe.
uvec2 find_tile (CbamWinogradArgs a)
{
  const uint tile = min (gl_WorkGroupID.x * THREADS + gl_LocalInvocationIndex, a.across * a.rows - 1);
  const uint row = uint ((float (tile) + 0.5) * a.inv_across);

  return uvec2 (tile - row * a.across, row);
}

// Number along its axis of the first pixel of tile number @tile of a row.
uint first_pixel (CbamWinogradArgs a, uint tile)
{
  return tile % a.dilation + tile / a.dilation * (CBAM_WINOGRAD_TILE * a.dilation);
}

// Number of a cell of the border of what is written, in the workgroups behind the computing ones.
uint border_cell (CbamWinogradArgs a)
{
  return (gl_WorkGroupID.x - a.groups) * THREADS + gl_LocalInvocationIndex;
}
