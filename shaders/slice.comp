// Some of the channels of a map. One invocation makes one texel of the padded output; its channels lie in two texels of
// the input where the first is no multiple of four.
//
// module: slice (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#include "common/maps.glsl"
#include "args/slice.h"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamSliceArgs args; };

void main ()
{
  const CbamSliceArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const ivec2 pixel = clamp (ivec2 (p.column, p.row), ivec2 (0), ivec2 (a.width, a.height) - 1);
  const int from = int (ORIGIN (a.x)) + pixel.y * int (a.x.row) + pixel.x * int (a.x.pixel);
  vec4 v = vec4 (0.0);

  [[unroll]] for (uint i = 0; i < CBAM_TEXEL_CHANNELS; i++) {
    const uint to = block * CBAM_TEXEL_CHANNELS + i, c = a.first + min (to, a.channels - 1);
    const vec4 x = LOAD (X, from + int (c / CBAM_TEXEL_CHANNELS * a.x.plane));

    v[i] = to < a.channels ? x[c % CBAM_TEXEL_CHANNELS] : 0.0;
  }
  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? v : vec4 (0.0));
}
