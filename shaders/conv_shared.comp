// Convolution for every other device: the textbook tile in shared memory.
//
// 128 invocations make 64 output channels x 32 pixels, each 4 x 4 of them. One turn stages 4 texels of K (input block,
// kernel row, kernel column; the order of the weights) of every pixel and channel of the tile.
//
// The weights are packed as for conv_texel.comp: [OC/8][K][8][4], then the bias.
//
// module: conv_shared
// module: conv_shared_sum -DSUM
// module: conv_shared_shuffle -DSHUFFLE
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#if defined (SUM) || defined (SHUFFLE)
#define INPUTS 2
#else
#define INPUTS 1
#endif
#define WEIGHTS
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "args/conv.h"
#include "common/border.glsl"
#include "common/channels.glsl"

#define CHANNELS CBAM_CONV_SHARED_CHANNELS
#define PIXELS CBAM_CONV_SHARED_PIXELS
#define DEPTH CBAM_CONV_SHARED_DEPTH
#define THREADS CBAM_CONV_SHARED_THREADS
#define COLUMNS (PIXELS / 4) // four pixels of each invocation lie so far apart

layout (local_size_x = THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
#if INPUTS == 2 // a second map is added before the activation, or shuffled with what is computed: see conv_texel.comp
INPUT_MAP (1, S);
#endif
#ifdef SHUFFLE
#define TIMES 2 // blocks stored for one that is computed
#else
#define TIMES 1
#endif
layout (push_constant) uniform Args { CbamConvArgs a; };

shared vec4 x_tile[DEPTH][PIXELS];
shared vec4 w_tile[DEPTH][CHANNELS];

void zero_border ()
{
  const uint cell = (gl_WorkGroupID.x - a.tiles) * THREADS + gl_LocalInvocationIndex;

  if (cell >= border_cells (a.width, a.height, a.border))
    return;
  const uint texel = border_texel (a.y, a.width, a.height, a.border, cell);
  const uint most = TIMES * CHANNELS / CBAM_TEXEL_CHANNELS;
  for (uint block = gl_WorkGroupID.y * most;
       block < min ((gl_WorkGroupID.y + 1) * most, blocks_of (TIMES * a.channels)); block++)
    STORE (y, texel + block * a.y.plane, vec4 (0));
}

// The texel of the input that K index k of the pixel at texel `base` means.
uint input_texel (uint base, uint k)
{
  const uint taps = a.kernel_width * a.kernel_height;
  const uint block = k / taps;
  const uint tap = k - block * taps;
  const uint row = tap / a.kernel_width;
  const uint column = tap - row * a.kernel_width;

  return base + block * a.x.plane + a.dilation * (row * a.x.row + column * a.x.pixel);
}

void main ()
{
  if (gl_WorkGroupID.x >= a.tiles) {
    zero_border ();
    return;
  }

  const uint thread = gl_LocalInvocationIndex;
  const uint count = a.width * a.height;
  const uint depth = a.in_blocks * a.kernel_width * a.kernel_height;
  const uint group_size = depth * CBAM_CONV_GROUP;

  // What this invocation stages: one pixel's texel and two channels' texels, of K index `slice` of a turn.
  const uint slice = thread / PIXELS;
  const uint staged = min (gl_WorkGroupID.x * PIXELS + thread % PIXELS, count - 1);
  const uint last = a.last_texel + BEFORE (a.x);
  const uint seen = gl_WorkGroupID.y * CHANNELS / a.bundle * a.in_blocks * a.x.plane;
  const uint base = ORIGIN (a.x) + seen + a.stride * (staged / a.width * a.x.row + staged % a.width * a.x.pixel);

  // What it computes: channels 4*row .. +3 of pixels column, column + COLUMNS, ...
  const uint row = thread / COLUMNS, column = thread % COLUMNS;
  vec4 sum[4] = vec4[4] (vec4 (0), vec4 (0), vec4 (0), vec4 (0));

  for (uint k0 = 0; k0 < depth; k0 += DEPTH) {
    const uint k = k0 + slice;

    x_tile[slice][thread % PIXELS] = k < depth ? LOAD (X, min (input_texel (base, k), last)) : vec4 (0);
    [[unroll]] for (uint i = 0; i < 2; i++) {
      const uint channel = thread % PIXELS + i * PIXELS;
      const uint group = gl_WorkGroupID.y * (CHANNELS / CBAM_CONV_GROUP) + channel / CBAM_CONV_GROUP;
      const uint w = group * group_size + k * CBAM_CONV_GROUP + channel % CBAM_CONV_GROUP;

      w_tile[slice][channel] = k < depth ? LOAD_WEIGHT (w) : vec4 (0);
    }
    barrier ();
    [[unroll]] for (uint d = 0; d < DEPTH; d++) {
      [[unroll]] for (uint p = 0; p < 4; p++) {
        const vec4 x = x_tile[d][column + p * COLUMNS];

        sum[p] += vec4 (dot (w_tile[d][row * 4], x), dot (w_tile[d][row * 4 + 1], x),
                        dot (w_tile[d][row * 4 + 2], x), dot (w_tile[d][row * 4 + 3], x));
      }
    }
    barrier ();
  }

  const uint block = gl_WorkGroupID.y * (CHANNELS / CBAM_TEXEL_CHANNELS) + row;
  if (block >= blocks_of (a.channels))
    return;
  const vec4 bias = LOAD_WEIGHT (a.bias + block);
  [[unroll]] for (uint p = 0; p < 4; p++) {
    const uint pixel = gl_WorkGroupID.x * PIXELS + column + p * COLUMNS;
    const uint py = pixel / a.width, px = pixel % a.width;

    if (pixel >= count)
      continue;
    vec4 v = sum[p] + bias;
#if INPUTS == 2
    const vec4 s = LOAD (S, ORIGIN (a.other) + py * a.other.row + px * a.other.pixel + block * a.other.plane);
#endif
#ifdef SUM
    v += s;
#endif
    v = activate (v, a.lo, a.hi);
    const uint to = ORIGIN (a.y) + py * a.y.row + px * a.y.pixel + TIMES * block * a.y.plane;
#ifdef SHUFFLE
    const vec4 u = real_channels (s, block, a.channels);

    STORE (y, to, vec4 (u.x, v.x, u.y, v.y));
    if (2 * block + 1 < blocks_of (2 * a.channels))
      STORE (y, to + a.y.plane, vec4 (u.z, v.z, u.w, v.w));
#else
    STORE (y, to, v);
#endif
  }
}
