// Convolution for devices that vectorise over a subgroup of LANES lanes without real shared memory: lavapipe.
//
// A workgroup is one subgroup. Its lanes are neighbouring output pixels; a lane keeps OC output channels of NX pixels
// (LANES apart) in registers: OC * NX sums. One turn of the only loop reads STEPS input texels of every pixel and, with
// lane = output channel, the matching weights; each weight then reaches all lanes by a shuffle. Why each of these:
// storage texel buffers are the only loads that become straight code there, a shuffle by an index the compiler cannot
// see through is one instruction, and sums of one channel are added in chains long enough to stay in registers.
//
//   weights   [OC/8][turn * STEPS][8 output channels][4 input channels], then the bias [OC/4][4]; OC rounded up to
//             whole tiles, so that none reaches past the end
//   output    has room for whole tiles of channels: nothing is tested before it is stored
//   turns     input block outermost, then kernel row, then kernel column
//
// Compiled per tile: OC (multiple of 8), NX, STEPS, CHAINS (channels interleaved), and KERNEL when the kernel is larger
// than 1x1 (STEPS is then 1). With SUM a second map of the output's size is added before the activation; with SHUFFLE
// its channels come by turns with those that are computed, itself first (shuffle.comp): two texels are stored for each.
//
// module: conv_texel_{OC}x{NX}x{STEPS} (narrow) of CBAM_CONV_TILES (OC, NX, STEPS, CHAINS)
// module: conv_texel_{OC}x{NX}x{STEPS}_sum -DSUM (narrow) of CBAM_CONV_TILES (OC, NX, STEPS, CHAINS)
// module: conv_texel_{OC}x{NX}x{STEPS}_shuffle -DSHUFFLE (narrow) of CBAM_CONV_TILES (OC, NX, STEPS, CHAINS)
// module: conv_texel_k_{OC}x{NX} -DKERNEL -DSTEPS=1 (narrow) of CBAM_CONV_KERNEL_TILES (OC, NX, CHAINS)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
#if defined (SUM) || defined (SHUFFLE)
#define INPUTS 2
#else
#define INPUTS 1
#endif
#include "common/conv_lanes.glsl"
#if INPUTS == 2
#include "common/channels.glsl"
INPUT_MAP (1, S);
#endif

void main ()
{
  // All parameters are read before the first branch: only there does lavapipe read them once for all lanes.
  const CbamConvArgs a = args;

  if (gl_WorkGroupID.x >= a.tiles) {
    zero_border (a);
    return;
  }

  const int lane = int (gl_LocalInvocationIndex);
  // Always 0, which the compiler does not know: a shuffle by a register is one instruction, by a constant two.
  const uint zero = gl_NumWorkGroups.x >> 31;
  const uint count = a.width * a.height;
  const uint seen = ORIGIN (a.x) + gl_WorkGroupID.y * OC / a.bundle * a.in_blocks * a.x.plane;
  uint pixel[NX];
  int xi[NX];
  float sum[OC][NX];

  [[unroll]] for (int j = 0; j < NX; j++) {
    // Lanes past the last pixel compute it again, and store the same.
    const uint p = min (gl_WorkGroupID.x * (CBAM_LANES * NX) + j * CBAM_LANES + lane, count - 1);
    const uint row = uint ((float (p) + 0.5) * a.inv_width);
    const uint column = p - row * a.width;
    xi[j] = int (seen + a.stride * (row * a.x.row + column * a.x.pixel));
    pixel[j] = ORIGIN (a.y) + row * a.y.row + column * a.y.pixel;
    [[unroll]] for (int c = 0; c < OC; c++)
      sum[c][j] = 0.0;
  }

#ifdef KERNEL
  const int turns = int (a.in_blocks * a.kernel_width * a.kernel_height);
  const int group_size = turns * CBAM_LANES;
  const int next_column = int (a.dilation * a.x.pixel);
  const int next_row = int (a.dilation * a.x.row) - int (a.kernel_width) * next_column;
  const int plane = 0; // one step a turn
  const int kernel_width = int (a.kernel_width), kernel_height = int (a.kernel_height);
  const int next_block = int (a.x.plane) - int (a.kernel_height * a.dilation * a.x.row);
  int column = 0, row = 0;
#else
  const int turns = int (a.in_blocks) / STEPS;
  const int plane = int (a.x.plane);
  const int group_size = int (a.in_blocks) * CBAM_LANES;
#endif
  int wi = int (gl_WorkGroupID.y) * GROUPS * group_size + lane;

  [[dont_unroll]] for (int turn = 0; turn < turns; turn++) {
    [[unroll]] for (int s = 0; s < STEPS; s++) {
      vec4 x[NX], w[GROUPS];

      [[unroll]] for (int j = 0; j < NX; j++)
        x[j] = LOAD (X, xi[j] + s * plane);
      [[unroll]] for (int g = 0; g < GROUPS; g++)
        w[g] = LOAD_WEIGHT (wi + g * group_size + s * CBAM_LANES);

      [[unroll]] for (int c = 0; c < OC; c += CHAINS)
        [[unroll]] for (int k = 0; k < CBAM_TEXEL_CHANNELS; k++)
          [[unroll]] for (int i = 0; i < CHAINS; i++) {
            const float weight = subgroupShuffle (w[(c + i) / CBAM_LANES][k], zero + (c + i) % CBAM_LANES);

            [[unroll]] for (int j = 0; j < NX; j++)
              sum[c + i][j] += weight * x[j][k];
          }
    }
    wi += STEPS * CBAM_LANES;
#ifdef KERNEL
    int step = next_column;
    column++;
    const bool row_done = column == kernel_width;
    step += row_done ? next_row : 0;
    column = row_done ? 0 : column;
    row += row_done ? 1 : 0;
    const bool block_done = row == kernel_height;
    step += block_done ? next_block : 0;
    row = block_done ? 0 : row;
#else
    const int step = STEPS * plane;
#endif
    [[unroll]] for (int j = 0; j < NX; j++)
      xi[j] += step;
  }

  const uint first = gl_WorkGroupID.y * BLOCKS;
#if INPUTS == 2
  const uint last_block = blocks_of (a.channels) - 1;
  uint other[NX];

  [[unroll]] for (int j = 0; j < NX; j++) {
    const uint p = min (gl_WorkGroupID.x * (CBAM_LANES * NX) + j * CBAM_LANES + lane, count - 1);
    const uint row = uint ((float (p) + 0.5) * a.inv_width);

    other[j] = ORIGIN (a.other) + row * a.other.row + (p - row * a.width) * a.other.pixel;
  }
#endif
  [[unroll]] for (int b = 0; b < BLOCKS; b++) {
    const vec4 bias = LOAD_WEIGHT (int (a.bias + first) + b);

    [[unroll]] for (int j = 0; j < NX; j++) {
      vec4 v = vec4 (sum[b * 4][j], sum[b * 4 + 1][j], sum[b * 4 + 2][j], sum[b * 4 + 3][j]) + bias;

#if INPUTS == 2
      const vec4 s = LOAD (S, int (other[j] + min (first + b, last_block) * a.other.plane));
#endif
#ifdef SUM
      v += s;
#endif
      v = activate (v, a.lo, a.hi);
#ifdef SHUFFLE
      const vec4 u = real_channels (s, first + b, a.channels);
      const uint to = pixel[j] + 2 * (first + b) * a.y.plane;

      STORE (y, to, vec4 (u.x, v.x, u.y, v.y));
      STORE (y, to + a.y.plane, vec4 (u.z, v.z, u.w, v.w));
#else
      STORE (y, pixel[j] + (first + b) * a.y.plane, v);
#endif
    }
  }
}
