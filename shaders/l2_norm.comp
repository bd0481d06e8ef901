// L2Norm (ParseNet, Liu et al. 2015, arXiv 1506.04579): each pixel's vector over its norm, times a weight per channel.
// One invocation makes one pixel of the padded output, all its blocks. A pixel of zeros stays zero.
//
// Weights: [C/4][4].
//
// module: l2_norm (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#define WEIGHTS
#include "common/maps.glsl"
#include "args/map.h"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamMapArgs args; };

void main ()
{
  const CbamMapArgs a = args; // before the first branch: see preprocess.comp
  const uint full = a.width + 2 * a.border;
  const uint i = min (gl_GlobalInvocationID.x, full * (a.height + 2 * a.border) - 1);
  const int row = int (i / full) - int (a.border), column = int (i % full) - int (a.border);
  const bool inside = row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width);
  const int from = int (ORIGIN (a.x)) + clamp (row, 0, int (a.height) - 1) * int (a.x.row) +
                   clamp (column, 0, int (a.width) - 1) * int (a.x.pixel);
  const int to = int (ORIGIN (a.y)) + row * int (a.y.row) + column * int (a.y.pixel);
  float sum = 0.0;

  for (int block = 0; block < int (a.blocks); block++) {
    const vec4 x = LOAD (X, from + block * int (a.x.plane));

    sum += dot (x, x);
  }
  const float scale = inside ? 1.0 / (sqrt (sum) + a.lo) : 0.0;
  for (int block = 0; block < int (a.blocks); block++)
    STORE (y, to + block * int (a.y.plane),
           inside ? LOAD (X, from + block * int (a.x.plane)) * scale * LOAD_WEIGHT (block) : vec4 (0.0));
}
