// A batch norm that nothing could be folded into: x * scale + shift by channel.
//
// Weights: [C/4][2][4], scale and shift.
//
// module: batch_norm (texel plain)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#include "args/map.h"
#include "common/loads.glsl"

layout (local_size_x = 64) in;
MAP_BUFFER (0, X);
MAP_BUFFER (1, W);
layout (binding = 2, std430) writeonly buffer Output { vec4 y[]; };
layout (push_constant) uniform Args { CbamMapArgs a; };

vec4 map_texel (vec4 x, uint block)
{
  return x * LOAD (W, block * 2) + LOAD (W, block * 2 + 1);
}

#include "common/map.glsl"
