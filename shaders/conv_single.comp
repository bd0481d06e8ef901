// Convolution to a single channel, as spatial gates have it: one invocation makes one pixel of the padded output. Takes
// the sigmoid if asked.
//
// Weights as for conv_texel.comp; only the first of each group's output channels is read.
//
// module: conv_single (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#define WEIGHTS
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "args/conv.h"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamConvArgs args; };

void main ()
{
  const CbamConvArgs a = args; // before the first branch: see max_pool.comp
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_width);
  const uint row = uint (clamp (p.row, 0, int (a.height) - 1)), column = uint (clamp (p.column, 0, int (a.width) - 1));
  const uint from = ORIGIN (a.x) + a.stride * (row * a.x.row + column * a.x.pixel);
  vec4 sum = vec4 (0.0);
  uint k = 0;

  for (uint block = 0; block < a.in_blocks; block++)
    for (uint ky = 0; ky < a.kernel_height; ky++)
      for (uint kx = 0; kx < a.kernel_width; kx++, k += CBAM_CONV_GROUP)
        sum += LOAD (X, from + block * a.x.plane + a.dilation * (ky * a.x.row + kx * a.x.pixel)) * LOAD_WEIGHT (k);

  float v = activate (sum.x + sum.y + sum.z + sum.w + LOAD_WEIGHT (a.bias).x, a.lo, a.hi);
  v = a.sigmoid != 0 ? 1.0 / (1.0 + exp (-v)) : v;
  STORE (y, int (ORIGIN (a.y)) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         vec4 (p.inside ? v : 0.0, 0.0, 0.0, 0.0));
}
