// Sums (ADD), with an activation behind, and products of two or three maps (INPUTS), element by element. An input may
// be a vector, whose strides are then 0, or a map of one channel, which counts for all. One invocation makes one texel
// of the padded output.
//
// module: add -DADD -DINPUTS=2 (texel plain narrow half)
// module: multiply -DINPUTS=2 (texel plain narrow half)
// module: multiply_3 -DINPUTS=3 (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/maps.glsl"
#ifdef ADD
#include "common/activation.glsl"
#endif
#include "args/combine.h"
#include "common/channels.glsl"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X0);
INPUT_MAP (1, X1);
#if INPUTS == 3
INPUT_MAP (2, X2);
#endif
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamCombineArgs args; };

// In the border it is the texel of the nearest pixel.
int texel_of (CbamView view, ivec2 pixel, uint block)
{
  return int (ORIGIN (view) + block * view.plane) + pixel.y * int (view.row) + pixel.x * int (view.pixel);
}

#define VALUE(i) ((a.single & (1u << i)) != 0 ? LOAD (X##i, texel_of (a.x[i], pixel, block)).xxxx \
                                             : LOAD (X##i, texel_of (a.x[i], pixel, block)))

void main ()
{
  const CbamCombineArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const ivec2 pixel = clamp (ivec2 (p.column, p.row), ivec2 (0), ivec2 (a.width, a.height) - 1);
  vec4 v = VALUE (0);

#ifdef ADD
  v += VALUE (1);
  v = activate (v, a.lo, a.hi);
#else
  v *= VALUE (1);
#if INPUTS == 3
  v *= VALUE (2);
#endif
#endif
  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? real_channels (v, block, a.channels) : vec4 (0.0));
}
