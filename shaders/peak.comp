// The device's own multiply-add peak: ACCUMULATORS independent chains in registers, UNROLL steps a turn, nothing else.
//
// module: peak_{ACCUMULATORS}x{UNROLL} of CBAM_PEAK_TILES (ACCUMULATORS, UNROLL)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 0
#include "common/maps.glsl"
#include "args/peak.h"

layout (local_size_x = CBAM_THREADS) in;
layout (binding = OUTPUT (0), std430) writeonly buffer Output { float result[]; };
layout (push_constant) uniform Args { CbamPeakArgs a; };

void main ()
{
  const float factor = a.factor, term = a.term; // not inside the loop, where lavapipe reads them lane by lane
  const uint turns = a.turns;
  float sum[ACCUMULATORS];

  [[unroll]] for (int i = 0; i < ACCUMULATORS; i++)
    sum[i] = float (gl_LocalInvocationIndex + i);
  [[dont_unroll]] for (uint turn = 0; turn < turns; turn++)
    [[unroll]] for (int u = 0; u < UNROLL; u++)
      [[unroll]] for (int i = 0; i < ACCUMULATORS; i++)
        sum[i] = sum[i] * factor + term;

  float total = 0.0;
  [[unroll]] for (int i = 0; i < ACCUMULATORS; i++)
    total += sum[i];
  result[gl_GlobalInvocationID.x] = total;
}
