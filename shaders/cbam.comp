// CBAM (Woo et al. 2018, arXiv 1807.06521), channels first, in one workgroup: for maps so small that to start a
// dispatch costs more than what it does.
//
//     global pools -> two layers, sigmoid = channel gate -> x * gate -> largest and mean of each pixel's channels
//     -> convolution k x k, sigmoid = spatial gate -> x * gate * gate
//
// Weights: those of channel_gate.comp, then [k x k] of the spatial convolution's two inputs, then its bias.
//
// module: cbam (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef TEXELS
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#define INPUTS 1
#define OUTPUTS 3
#define WEIGHTS
#include "common/maps.glsl"
#include "args/cbam.h"
#include "args/reduce.h"
#include "common/border.glsl"
#include "common/channels.glsl"

#ifdef TEXELS
#define THREADS CBAM_LANES
#else
#define THREADS CBAM_CBAM_THREADS
#endif

layout (local_size_x = THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
OUTPUT_MAP (1, channel);
OUTPUT_MAP (2, spatial);
layout (push_constant) uniform Args { CbamCbamArgs args; };

shared vec4 pooled[CBAM_CBAM_POOLED];
shared float hidden[CBAM_CBAM_HIDDEN];
shared float pixels[2][CBAM_CBAM_PIXELS];

#include "common/reduce.glsl"
#include "common/channel_gate.glsl"

// The channel gate of a block. Shared memory is slow where there is none: lanes then hold the gates and ask each other.
#ifdef TEXELS
vec4 gates[CBAM_CBAM_BLOCKS / THREADS];
#define SET_GATE(block, v) gates[(block) / THREADS] = v
#define GATE(block) subgroupShuffle (gates[(block) / THREADS], (block) & (THREADS - 1))
#else
shared vec4 gates[CBAM_CBAM_BLOCKS];
#define SET_GATE(block, v) gates[block] = v
#define GATE(block) gates[block]
#endif

// Of all lanes, since they ask each other; those past the last pixel do it again.
uint pixel_of (uint first, uint count)
{
  return min (first + gl_LocalInvocationIndex, count - 1);
}

vec2 pool_pixel (CbamCbamArgs a, uint from)
{
  const uint last = (a.channels - 1) / CBAM_TEXEL_CHANNELS;
  vec4 largest = vec4 (-3.4e38), sum = vec4 (0.0);

  for (uint block = 0; block <= last; block++) {
    const vec4 x = LOAD (X, from + block * a.x.plane) * GATE (block);
    // The last block may hold fewer channels; its first one is real, and stands in for the others.
    const uint left = block < last ? CBAM_TEXEL_CHANNELS : a.channels - last * CBAM_TEXEL_CHANNELS;

    largest = max (largest, vec4 (x.x, left > 1 ? x.y : x.x, left > 2 ? x.z : x.x, left > 3 ? x.w : x.x));
    sum += x;
  }
  return vec2 (max (max (largest.x, largest.y), max (largest.z, largest.w)),
               (sum.x + sum.y + sum.z + sum.w) / float (a.channels));
}

float spatial_gate (CbamCbamArgs a, uint weights, int row, int column)
{
  const int reach = int (a.kernel / 2);
  const int first_row = max (row - reach, 0), last_row = min (row + reach, int (a.height) - 1);
  const int first_column = max (column - reach, 0), last_column = min (column + reach, int (a.width) - 1);
  float sum = LOAD_WEIGHT (weights + a.kernel * a.kernel).x;

  for (int y = first_row; y <= last_row; y++)
    for (int x = first_column; x <= last_column; x++) {
      const vec4 w = LOAD_WEIGHT (int (weights) + (y - row + reach) * int (a.kernel) + x - column + reach);
      const uint i = uint (y) * a.width + uint (x);

      sum += w.x * pixels[0][i] + w.y * pixels[1][i];
    }
  return 1.0 / (1.0 + exp (-max (sum, a.spatial_lo)));
}

void zero_border (CbamCbamArgs a, uint blocks)
{
  const uint cells = border_cells (a.width, a.height, a.border);

  for (uint i = gl_LocalInvocationIndex; i < cells * blocks; i += THREADS)
    STORE (y, border_texel (a.y, a.width, a.height, a.border, i % cells) + i / cells * a.y.plane, vec4 (0.0));
}

void main ()
{
  const CbamCbamArgs a = args; // before the first branch: see max_pool.comp
  const uint thread = gl_LocalInvocationIndex;
  const uint blocks = blocks_of (a.channels), count = a.width * a.height;
  CbamReduceArgs r;

  r.x = a.x;
  r.width = a.width;
  r.height = a.height;
  r.channels = a.channels;
  r.n_kinds = a.n_kinds;
  r.kinds = a.kinds;
  r.hidden = a.hidden;
  r.lo = a.lo;
  r.hi = a.hi;

  pool_channels (r, thread);
  barrier ();
  first_layer (r, thread);
  barrier ();
  for (uint block = thread; block < blocks; block += THREADS) {
    const vec4 gate = second_layer (r, block);

    SET_GATE (block, gate);
    STORE (channel, ORIGIN (a.channel) + block * a.channel.plane, gate);
  }
  barrier ();

  for (uint first = 0; first < count; first += THREADS) {
    const uint p = pixel_of (first, count);
    const vec2 pool = pool_pixel (a, ORIGIN (a.x) + p / a.width * a.x.row + p % a.width * a.x.pixel);

    pixels[0][p] = a.mean_first != 0 ? pool.y : pool.x;
    pixels[1][p] = a.mean_first != 0 ? pool.x : pool.y;
  }
  barrier ();

  for (uint first = 0; first < count; first += THREADS) {
    const uint p = pixel_of (first, count), row = p / a.width, column = p % a.width;
    const float gate = spatial_gate (a, channel_gate_texels (r), int (row), int (column));
    const uint from = ORIGIN (a.x) + row * a.x.row + column * a.x.pixel;
    const uint to = ORIGIN (a.y) + row * a.y.row + column * a.y.pixel;

    STORE (spatial, ORIGIN (a.spatial) + row * a.spatial.row + column * a.spatial.pixel, vec4 (gate, 0.0, 0.0, 0.0));
    for (uint block = 0; block < blocks; block++)
      STORE (y, to + block * a.y.plane, LOAD (X, from + block * a.x.plane) * GATE (block) * gate);
  }
  zero_border (a, blocks);
}
