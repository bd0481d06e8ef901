// A 1x1 convolution by the usual tile in shared memory, whose rounds take STEP texels of K: what test-network-bound.c
// compares is two of these, which do the same work in rounds of different lengths.
//
// 64 invocations make 32 channels x 32 pixels, each 4 x 4 of them. Pixels and weights: [texel of K][32].
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_EXT_control_flow_attributes : require

#define THREADS 64
#define SIDE 32

layout (local_size_x = THREADS) in;
layout (std430, binding = 0) readonly buffer X { vec4 x[]; };
layout (std430, binding = 1) readonly buffer W { vec4 w[]; };
layout (std430, binding = 2) writeonly buffer Y { vec4 y[]; };
layout (push_constant) uniform Args { uint depth; };

shared vec4 x_tile[STEP * SIDE];
shared vec4 w_tile[STEP * SIDE];

void main ()
{
  const uint thread = gl_LocalInvocationIndex;
  const uint row = thread / (SIDE / 4), column = thread % (SIDE / 4);
  const uint begin = gl_WorkGroupID.x * depth * SIDE;
  vec4 sum[4] = vec4[4] (vec4 (0), vec4 (0), vec4 (0), vec4 (0));

  for (uint k = 0; k < depth; k += STEP) {
    [[unroll]] for (uint i = 0; i < STEP * SIDE; i += THREADS) {
      x_tile[i + thread] = x[begin + k * SIDE + i + thread];
      w_tile[i + thread] = w[k * SIDE + i + thread];
    }
    barrier ();
    [[unroll]] for (uint d = 0; d < STEP; d++) {
      [[unroll]] for (uint p = 0; p < 4; p++) {
        const vec4 pixel = x_tile[d * SIDE + column + p * SIDE / 4];

        [[unroll]] for (uint c = 0; c < 4; c++)
          sum[p][c] += dot (w_tile[d * SIDE + row * 4 + c], pixel);
      }
    }
    barrier ();
  }
  [[unroll]] for (uint p = 0; p < 4; p++)
    y[(gl_WorkGroupID.x * SIDE + column + p * SIDE / 4) * SIDE / 4 + row] = sum[p];
}
