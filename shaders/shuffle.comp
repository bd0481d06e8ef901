// The channels of two maps by turns. One invocation makes one texel of the padded output, of half a texel of each.
//
// module: shuffle (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 2
#include "common/maps.glsl"
#include "args/shuffle.h"
#include "common/channels.glsl"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X0);
INPUT_MAP (1, X1);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamShuffleArgs args; };

// In the border it is the texel of the nearest pixel.
int texel_of (CbamView view, ivec2 pixel, uint block)
{
  return int (ORIGIN (view) + block * view.plane) + pixel.y * int (view.row) + pixel.x * int (view.pixel);
}

void main ()
{
  const CbamShuffleArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const ivec2 pixel = clamp (ivec2 (p.column, p.row), ivec2 (0), ivec2 (a.width, a.height) - 1);
  const vec4 x0 = LOAD (X0, texel_of (a.x[0], pixel, block / 2));
  const vec4 x1 = LOAD (X1, texel_of (a.x[1], pixel, block / 2));
  const vec4 v = block % 2 == 0 ? vec4 (x0.x, x1.x, x0.y, x1.y) : vec4 (x0.z, x1.z, x0.w, x1.w);

  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? real_channels (v, block, a.channels) : vec4 (0.0));
}
