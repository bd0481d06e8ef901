// A batch norm that nothing could be folded into: x * scale + shift by channel.
//
// Weights: [C/4][2][4], scale and shift.
//
// module: batch_norm (texel plain narrow half)
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
layout (push_constant) uniform Args { CbamMapArgs a; };

vec4 map_texel (vec4 x, uint block)
{
  return x * LOAD_WEIGHT (block * 2) + LOAD_WEIGHT (block * 2 + 1);
}

#include "common/map.glsl"
