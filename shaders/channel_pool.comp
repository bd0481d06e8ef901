// CBAM's channel pool: the largest and the mean of a pixel's channels. With GATED the map is multiplied with a channel
// gate on the way. One invocation makes one pixel of the padded output.
//
// module: channel_pool (texel plain narrow half)
// module: channel_pool_gated -DGATED (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef GATED
#define INPUTS 2
#else
#define INPUTS 1
#endif
#include "common/maps.glsl"
#include "args/reduce.h"
#include "common/channels.glsl"
#include "common/padded.glsl"

layout (local_size_x = CBAM_LANES) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
#ifdef GATED
INPUT_MAP (1, Z);
#define VALUE(block)                                                                                                   \
  (LOAD (X, from + (block) * int (a.x.plane)) * LOAD (Z, int (ORIGIN (a.gate)) + (block) * int (a.gate.plane)))
#else
#define VALUE(block) LOAD (X, from + (block) * int (a.x.plane))
#endif
layout (push_constant) uniform Args { CbamReduceArgs args; };

void main ()
{
  const CbamReduceArgs a = args; // before the first branch: see max_pool.comp
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const int from = int (ORIGIN (a.x)) + clamp (p.row, 0, int (a.height) - 1) * int (a.x.row) +
                   clamp (p.column, 0, int (a.width) - 1) * int (a.x.pixel);
  const int last = int (a.channels - 1) / CBAM_TEXEL_CHANNELS;
  vec4 largest = vec4 (-3.4e38), sum = vec4 (0.0);

  for (int block = 0; block < last; block++) {
    const vec4 x = VALUE (block);

    largest = max (largest, x);
    sum += x;
  }
  // The last block may hold fewer channels; its first one is real, and stands in for the others.
  const vec4 x = VALUE (last);
  const int left = int (a.channels) - last * CBAM_TEXEL_CHANNELS;
  largest = max (largest, vec4 (x.x, left > 1 ? x.y : x.x, left > 2 ? x.z : x.x, left > 3 ? x.w : x.x));
  sum += x;

  const float most = max (max (largest.x, largest.y), max (largest.z, largest.w));
  const float mean = (sum.x + sum.y + sum.z + sum.w) / float (a.channels);
  const vec4 v = a.mean_first != 0 ? vec4 (mean, most, 0.0, 0.0) : vec4 (most, mean, 0.0, 0.0);
  STORE (y, int (ORIGIN (a.y)) + p.row * int (a.y.row) + p.column * int (a.y.pixel), p.inside ? v : vec4 (0.0));
}
