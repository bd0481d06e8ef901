// Convolution 3x3, stride 1, for lavapipe (see conv_texel.comp): a sliding window. A lane owns NX neighbouring pixels
// of a row, so that NX + 2 loads serve the three taps of a kernel row.
//
// Pixels are counted along the padded rows of the input, gaps between rows included: what a lane reads is then always
// one run of texels. Pixels in the gaps are computed and thrown away. One turn is one kernel row of one input block.
//
//   weights   as for conv_texel.comp: [OC/8][input block, kernel row, kernel column][8][4], then the bias
//
// Compiled per tile: OC (multiple of 8), NX.
//
// module: conv_window_{OC}x{NX} (narrow) of CBAM_CONV_WINDOW_TILES (OC, NX)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#include "common/conv_lanes.glsl"

void main ()
{
  // All parameters are read before the first branch: only there does lavapipe read them once for all lanes.
  const CbamConvArgs a = args;

  if (gl_WorkGroupID.x >= a.tiles) {
    zero_border (a);
    return;
  }

  const int lane = int (gl_LocalInvocationIndex);
  const uint zero = gl_NumWorkGroups.x >> 31; // see conv_texel.comp
  const int first = int (gl_WorkGroupID.x) * (CBAM_LANES * NX) + lane * NX;
  const int row_step = int (a.x.row), block_step = int (a.x.plane) - 3 * int (a.x.row);
  const int turns = int (a.in_blocks) * 3;
  const int group_size = turns * 3 * CBAM_LANES;
  // Lanes past the last pixel, which ends two texels before its row does, compute the last ones again: so no tap reads
  // past the map.
  const int begin = min (first, int (a.height * a.x.row) - NX - 2);
  int xi = int (ORIGIN (a.x) + gl_WorkGroupID.y * OC / a.bundle * a.in_blocks * a.x.plane) + begin;
  int wi = int (gl_WorkGroupID.y) * GROUPS * group_size + lane;
  int row = 0;
  float sum[OC][NX];

  [[unroll]] for (int c = 0; c < OC; c++)
    [[unroll]] for (int j = 0; j < NX; j++)
      sum[c][j] = 0.0;

  [[dont_unroll]] for (int turn = 0; turn < turns; turn++) {
    vec4 x[NX + 2], w[3][GROUPS];

    [[unroll]] for (int j = 0; j < NX + 2; j++)
      x[j] = LOAD (X, xi + j);
    [[unroll]] for (int t = 0; t < 3; t++)
      [[unroll]] for (int g = 0; g < GROUPS; g++)
        w[t][g] = LOAD_WEIGHT (wi + t * CBAM_LANES + g * group_size);

    [[unroll]] for (int k_pair = 0; k_pair < 2; k_pair++)
      [[unroll]] for (int c_pair = 0; c_pair < OC / 2; c_pair++)
        [[unroll]] for (int t = 0; t < 3; t++)
          [[unroll]] for (int k_of_pair = 0; k_of_pair < 2; k_of_pair++)
            [[unroll]] for (int c_of_pair = 0; c_of_pair < 2; c_of_pair++) {
              const int k = k_pair * 2 + k_of_pair, c = c_pair * 2 + c_of_pair;
              const float weight = subgroupShuffle (w[t][c / CBAM_LANES][k], zero + c % CBAM_LANES);

              [[unroll]] for (int j = 0; j < NX; j++)
                sum[c][j] += weight * x[j + t][k];
            }
    wi += 3 * CBAM_LANES;
    row++;
    const bool block_done = row == 3;
    xi += row_step + (block_done ? block_step : 0);
    row = block_done ? 0 : row;
  }

  const uint first_block = gl_WorkGroupID.y * BLOCKS;
  const float inv_row = a.inv_width;
  uint to[NX];
  bool real[NX];
  [[unroll]] for (int j = 0; j < NX; j++) {
    const int p = begin + j;
    const uint py = uint ((float (p) + 0.5) * inv_row);
    const uint px = p - py * a.x.row;

    real[j] = px < a.width;
    to[j] = ORIGIN (a.y) + py * a.y.row + px * a.y.pixel;
  }
  [[unroll]] for (int b = 0; b < BLOCKS; b++) {
    const vec4 bias = LOAD_WEIGHT (int (a.bias + first_block) + b);

    [[unroll]] for (int j = 0; j < NX; j++) {
      const vec4 v = vec4 (sum[b * 4][j], sum[b * 4 + 1][j], sum[b * 4 + 2][j], sum[b * 4 + 3][j]) + bias;

      if (real[j])
        STORE (y, to[j] + (first_block + b) * a.y.plane, activate (v, a.lo, a.hi));
    }
  }
}
