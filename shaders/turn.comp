// A vector of channels becomes a row of pixels of one channel, or the other way round: what a convolution along
// channels needs. One invocation makes one texel of the padded output.
//
// module: turn (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#include "common/maps.glsl"
#include "args/resize.h"
#include "common/channels.glsl"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamResizeArgs args; };

void main ()
{
  const CbamResizeArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  vec4 v = vec4 (0.0);

  if (a.from_row != 0) {
    // Pixels past the last are read from its place and taken out again.
    for (uint i = 0; i < CBAM_TEXEL_CHANNELS; i++)
      v[i] = LOAD (X, ORIGIN (a.x) + min (block * CBAM_TEXEL_CHANNELS + i, a.in_width - 1) * a.x.pixel).x;
    v = real_channels (v, block, a.in_width);
  } else {
    const uint channel = uint (clamp (p.column, 0, int (a.width) - 1));

    v.x = LOAD (X, ORIGIN (a.x) + channel / CBAM_TEXEL_CHANNELS * a.x.plane)[channel % CBAM_TEXEL_CHANNELS];
  }
  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? v : vec4 (0.0));
}
