// Depthwise convolution of any kernel, stride and dilation: one invocation makes one texel. For every device.
//
// Weights: [C/4][taps][4], then the bias [C/4][4].
//
// module: depthwise_plain (half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#define WEIGHTS
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "args/conv.h"
#include "common/border.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamConvArgs a; };

void main ()
{
  const uint block = gl_WorkGroupID.y;

  if (gl_WorkGroupID.x >= a.tiles) {
    const uint cell = (gl_WorkGroupID.x - a.tiles) * CBAM_THREADS + gl_LocalInvocationIndex;

    if (cell < border_cells (a.width, a.height, a.border))
      STORE (y, border_texel (a.y, a.width, a.height, a.border, cell) + block * a.y.plane, vec4 (0));
    return;
  }

  const uint pixel = gl_WorkGroupID.x * CBAM_THREADS + gl_LocalInvocationIndex;
  if (pixel >= a.width * a.height)
    return;
  const uint row = pixel / a.width, column = pixel % a.width;
  const uint taps = a.kernel_width * a.kernel_height;
  const uint base = ORIGIN (a.x) + block * a.x.plane + a.stride * (row * a.x.row + column * a.x.pixel);
  vec4 sum = LOAD_WEIGHT (a.bias + block);

  for (uint ky = 0; ky < a.kernel_height; ky++)
    for (uint kx = 0; kx < a.kernel_width; kx++)
      sum += LOAD_WEIGHT (block * taps + ky * a.kernel_width + kx) *
             LOAD (X, base + a.dilation * (ky * a.x.row + kx * a.x.pixel));
  STORE (y, ORIGIN (a.y) + block * a.y.plane + row * a.y.row + column * a.y.pixel,
         activate (sum, a.lo, a.hi));
}
