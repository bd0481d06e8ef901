// An activation that nothing could be fused with, or with SIGMOID the logistic function.
//
// module: activation (texel plain narrow half)
// module: sigmoid -DSIGMOID (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "args/map.h"
#include "common/channels.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamMapArgs a; };

vec4 map_texel (vec4 x, uint block)
{
#ifdef SIGMOID
  return real_channels (1.0 / (1.0 + exp (-x)), block, a.channels);
#else
  const vec4 v = activate (x, a.lo, a.hi);

  return FUNCTION == CBAM_FUNCTION_HARD_SIGMOID ? real_channels (v, block, a.channels) : v;
#endif
}

#include "common/map.glsl"
