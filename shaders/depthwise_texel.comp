// Depthwise KxK convolution for lavapipe (see conv_texel.comp): a lane makes TX x TY neighbouring pixels of one channel
// block and reads each input texel once.
//
// Weights: [C/4][K * K taps][4], then the bias [C/4][4]. Compiled per K, STRIDE, TX, TY.
//
// module: depthwise_texel_{TX}x{TY}_k{K}s{STRIDE} (narrow) of CBAM_DEPTHWISE_TILES (TX, TY, K, STRIDE)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#define OC CBAM_TEXEL_CHANNELS // one block a workgroup
#include "common/conv_lanes.glsl"

#define WIDTH ((TX - 1) * STRIDE + K)
#define HEIGHT ((TY - 1) * STRIDE + K)
#define TAPS (K * K)
#define LOADS ((TAPS + CBAM_LANES - 1) / CBAM_LANES) // of weights: a tap each lane

void main ()
{
  // All parameters are read before the first branch: only there does lavapipe read them once for all lanes.
  const CbamConvArgs a = args;

  if (gl_WorkGroupID.x >= a.tiles) {
    zero_border (a);
    return;
  }

  const uint lane = gl_LocalInvocationIndex;
  const int block = int (gl_WorkGroupID.y);
  const uint across = (a.width + TX - 1) / TX;
  const uint tile = gl_WorkGroupID.x * CBAM_LANES + lane;
  const uint x0 = tile % across * TX, y0 = tile / across * TY;
  const int first = int (ORIGIN (a.x) + block * a.x.plane + STRIDE * (y0 * a.x.row + x0 * a.x.pixel));
  const int last = int (a.last_texel + BEFORE (a.x));
  const vec4 bias = LOAD_WEIGHT (int (a.bias) + block);
  const uint zero = gl_NumWorkGroups.x >> 31; // see conv_texel.comp
  vec4 w_lane[LOADS], w[TAPS], sum[TY][TX];

  [[unroll]] for (int l = 0; l < LOADS; l++)
    w_lane[l] = LOAD_WEIGHT (block * TAPS + min (l * CBAM_LANES + int (lane), TAPS - 1));
  [[unroll]] for (int t = 0; t < TAPS; t++)
    w[t] = subgroupShuffle (w_lane[t / CBAM_LANES], zero + t % CBAM_LANES);
  [[unroll]] for (int j = 0; j < TY; j++)
    [[unroll]] for (int i = 0; i < TX; i++)
      sum[j][i] = bias;

  [[unroll]] for (int r = 0; r < HEIGHT; r++) {
    vec4 x[WIDTH];

    [[unroll]] for (int i = 0; i < WIDTH; i++)
      x[i] = LOAD (X, min (first + r * int (a.x.row) + i * int (a.x.pixel), last));
    [[unroll]] for (int j = 0; j < TY; j++)
      if (r - j * STRIDE >= 0 && r - j * STRIDE < K)
        [[unroll]] for (int i = 0; i < TX; i++)
          [[unroll]] for (int k = 0; k < K; k++)
            sum[j][i] += w[(r - j * STRIDE) * K + k] * x[i * STRIDE + k];
  }

  const uint out_first = ORIGIN (a.y) + block * a.y.plane + y0 * a.y.row + x0 * a.y.pixel;
  [[unroll]] for (int j = 0; j < TY; j++)
    [[unroll]] for (int i = 0; i < TX; i++)
      if (y0 + j < a.height && x0 + i < a.width)
        STORE (y, out_first + j * a.y.row + i * a.y.pixel, activate (sum[j][i], a.lo, a.hi));
}
