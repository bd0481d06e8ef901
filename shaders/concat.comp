// The channels of two maps one behind the other. One invocation makes one texel of the padded output; the channels of a
// texel may come from both.
//
// module: concat (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 2
#include "common/maps.glsl"
#include "args/concat.h"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X0);
INPUT_MAP (1, X1);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamConcatArgs args; };

// In the border it is the texel of the nearest pixel.
int texel_of (CbamView view, ivec2 pixel, uint channel)
{
  return int (ORIGIN (view) + channel / CBAM_TEXEL_CHANNELS * view.plane) + pixel.y * int (view.row) +
         pixel.x * int (view.pixel);
}

void main ()
{
  const CbamConcatArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const ivec2 pixel = clamp (ivec2 (p.column, p.row), ivec2 (0), ivec2 (a.width, a.height) - 1);
  vec4 v = vec4 (0.0);

  [[unroll]] for (uint i = 0; i < CBAM_TEXEL_CHANNELS; i++) {
    const uint c = block * CBAM_TEXEL_CHANNELS + i, second = min (max (c, a.first), a.channels - 1) - a.first;
    const vec4 x0 = LOAD (X0, texel_of (a.x[0], pixel, min (c, a.first - 1)));
    const vec4 x1 = LOAD (X1, texel_of (a.x[1], pixel, second));

    v[i] = c >= a.channels ? 0.0 : c < a.first ? x0[c % CBAM_TEXEL_CHANNELS] : x1[second % CBAM_TEXEL_CHANNELS];
  }
  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? v : vec4 (0.0));
}
