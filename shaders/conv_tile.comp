// Convolution for every device with shared memory worth the name: a matrix product over K = kernel row, kernel column,
// input channel, a tile of it in the registers of a workgroup.
//
// An invocation makes 8 channels x 8 pixels; with PACKED, which multiplies two 16-bit floats at once, 8 x 4. A turn of
// the loop takes DEPTH texels of K for each of SLICES parts of the workgroup: what one part sums up the others do not,
// and in the end they add up their sums, so that small maps with many channels keep many invocations busy. What the
// next turn needs is on its way while this one computes.
//
//   weights   [tap][input block][4 of its channels][OC/4] texels of four output channels, then the bias [OC/4]; OC
//             rounded up to whole tiles, K to whole turns, with zeros
//   shared    a row for each of the turn's channels of K: a number of each pixel, one texel unused; then a row of
//             weights for each. For 8 x 8 x 4 multiply-adds an invocation reads 16 texels of it.
//
// With PACKED sixteen products of a sum are added up in 16 bits, and all of these sums in 32. Two products at once are
// of two channels and one pixel, so that texels of the map stay whole in the shared memory.
//
// A K past the end takes the pixel's first texel, times zero: a number that the sum has already.
//
// Compiled per tile: OC output channels, PX pixels, SLICES, DEPTH. With SUM a second map of the output's size is added
// before the activation; with SHUFFLE its channels come by turns with those that are computed (conv_texel.comp).
//
// module: conv_tile_{OC}x{PX}x{SLICES} of CBAM_GPU_TILES (OC, PX, SLICES, DEPTH)
// module: conv_tile_{OC}x{PX}x{SLICES}_sum -DSUM of CBAM_GPU_TILES (OC, PX, SLICES, DEPTH)
// module: conv_tile_{OC}x{PX}x{SLICES}_packed -DPACKED of CBAM_PACKED_TILES (OC, PX, SLICES, DEPTH)
// module: conv_tile_{OC}x{PX}x{SLICES}_packed_sum -DPACKED -DSUM of CBAM_PACKED_TILES (OC, PX, SLICES, DEPTH)
// module: conv_tile_{OC}x{PX}x{SLICES}_shuffle -DSHUFFLE of CBAM_GPU_TILES (OC, PX, SLICES, DEPTH)
// module: conv_tile_{OC}x{PX}x{SLICES}_packed_shuffle -DPACKED -DSHUFFLE of CBAM_PACKED_TILES (OC, PX, SLICES, DEPTH)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef PACKED
#define HALF
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif
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

// How texels of the map lie in the shared memory, and which pixel of the tile is an invocation's number p.
#ifdef PACKED
#define NUMBERS f16vec4
#define SIDE CBAM_PACKED_SIDE
#define X_TEXELS (TURN * PX)
#define PIXEL(p) (column + (p) * COLUMNS)
#else
#define NUMBERS vec4
#define SIDE CBAM_GPU_SIDE
#define X_TEXELS (TURN * CBAM_TEXEL_CHANNELS * PIXEL_TEXELS)
#define PIXEL(p) (4 * column + (p) / 4 * (PX / 2) + (p) % 4)
#endif
#define COLUMNS (PX / SIDE) // invocations side by side, of each slice
#define ROWS (OC / CBAM_GPU_SIDE)
#define SLICE (COLUMNS * ROWS) // invocations of a slice
#define THREADS (SLICE * SLICES)
#define TURN (DEPTH * SLICES)                       // texels of K
#define PIXEL_TEXELS (PX / CBAM_TEXEL_CHANNELS + 1) // of a row; one more, so that rows begin in other banks
#define CHANNEL_TEXELS (OC / CBAM_TEXEL_CHANNELS)
#define TILE_TEXELS (X_TEXELS + TURN * CBAM_TEXEL_CHANNELS * CHANNEL_TEXELS)
#define FEW 4           // texels of K whose products are added up in 16 bits
#define SUMS (SIDE * 2) // vectors of four channels of an invocation: [pixel][upper or lower channels]
#define X_LOADS (TURN * PX / THREADS)
#define W_LOADS (TURN * OC / THREADS)

layout (local_size_x = THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
#if INPUTS == 2
INPUT_MAP (1, S);
#endif
#ifdef SHUFFLE
#define TIMES 2 // blocks stored for one that is computed
#else
#define TIMES 1
#endif
layout (push_constant) uniform Args { CbamConvArgs a; };

#if defined (PACKED) && SLICES > 1
shared NUMBERS tile[TILE_TEXELS];
shared vec4 all_sums[SLICE * SUMS];
#else
#define all_sums tile
#if SLICES > 1 && SLICE * SUMS > TILE_TEXELS
shared NUMBERS tile[SLICE * SUMS];
#else
shared NUMBERS tile[TILE_TEXELS];
#endif
#endif

void zero_border ()
{
  const uint cell = (gl_WorkGroupID.x - a.tiles) * THREADS + gl_LocalInvocationIndex;

  if (cell >= border_cells (a.width, a.height, a.border))
    return;
  const uint texel = border_texel (a.y, a.width, a.height, a.border, cell);
  const uint most = TIMES * CHANNEL_TEXELS;
  for (uint block = gl_WorkGroupID.y * most;
       block < min ((gl_WorkGroupID.y + 1) * most, blocks_of (TIMES * a.channels)); block++)
    STORE (y, texel + block * a.y.plane, vec4 (0));
}

// A K index: which block of which kernel column it is, and how far from a pixel's first texel its texel lies.
struct Place
{
  uint block, column, offset;
};

Place place_of (uint k)
{
  const uint tap = k / a.in_blocks, row = tap / a.kernel_width;
  const uint block = k - tap * a.in_blocks, column = tap - row * a.kernel_width;

  return Place (block, column, block * a.x.plane + a.dilation * (row * a.x.row + column * a.x.pixel));
}

// @step further: what that moves is the same for all, but for a carry from blocks to columns and from these to rows.
Place move (Place place, Place step)
{
  const bool next_column = place.block + step.block >= a.in_blocks;
  const uint column = place.column + step.column + (next_column ? 1 : 0);
  const bool next_row = column >= a.kernel_width;
  const uint block_carry = a.dilation * a.x.pixel - a.in_blocks * a.x.plane;
  const uint column_carry = a.dilation * (a.x.row - a.kernel_width * a.x.pixel);

  return Place (place.block + step.block - (next_column ? a.in_blocks : 0), column - (next_row ? a.kernel_width : 0),
                place.offset + step.offset + (next_column ? block_carry : 0) + (next_row ? column_carry : 0));
}

// What an invocation stages: of X_LOADS pixels a texel, @offset from their first ones, and W_LOADS texels of weights.
uint base[X_LOADS];
NUMBERS next_x[X_LOADS], next_w[W_LOADS];

void fetch (uint offset, uint w, uint pitch)
{
  [[unroll]] for (uint i = 0; i < X_LOADS; i++)
    next_x[i] = NUMBERS (X[base[i] + offset]);
  [[unroll]] for (uint i = 0; i < W_LOADS; i++)
    next_w[i] = NUMBERS (W[w + i * (THREADS / CHANNEL_TEXELS) * pitch]);
}

void store_block (uint pixel, uint block, vec4 v)
{
  if (pixel >= a.width * a.height || block >= blocks_of (a.channels))
    return;
  const uint py = pixel / a.width, px = pixel % a.width;

  v += LOAD_WEIGHT (a.bias + block);
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

void main ()
{
  if (gl_WorkGroupID.x >= a.tiles) {
    zero_border ();
    return;
  }

  const uint thread = gl_LocalInvocationIndex;
  const uint depth = a.in_blocks * a.kernel_width * a.kernel_height;

  // It stages texels of K index `k`, and weights from texel `w` on.
  const uint staged = thread % TURN;
  const uint seen = gl_WorkGroupID.y * OC / a.bundle * a.in_blocks * a.x.plane;
  const uint pitch = gl_NumWorkGroups.y * CHANNEL_TEXELS;
  const Place step = place_of (TURN);
  Place place = place_of (staged);
  uint k = staged, w = thread / CHANNEL_TEXELS * pitch + gl_WorkGroupID.y * CHANNEL_TEXELS + thread % CHANNEL_TEXELS;
#ifdef PACKED
  const uint x_to = staged * PX + thread / TURN;
#else
  const uint x_to = staged * CBAM_TEXEL_CHANNELS * PIXEL_TEXELS + thread / TURN / 4, x_component = thread / TURN % 4;
#endif

  [[unroll]] for (uint i = 0; i < X_LOADS; i++) {
    const uint pixel = min (gl_WorkGroupID.x * PX + thread / TURN + i * (THREADS / TURN), a.width * a.height - 1);

    base[i] = ORIGIN (a.x) + seen + a.stride * (pixel / a.width * a.x.row + pixel % a.width * a.x.pixel);
  }
  fetch (k < depth ? place.offset : 0, w, pitch);

  // What it computes: of its slice's texels of K, channels 4*row .. +3 and as many in the lower half of the tile,
  // pixels 4*column .. +3 and as many in the right half.
  const uint slice = thread / SLICE, row = thread % SLICE / COLUMNS, column = thread % COLUMNS;
#ifdef PACKED
  const uint x_begin = slice * DEPTH * PX + column;
#else
  const uint x_begin = slice * DEPTH * CBAM_TEXEL_CHANNELS * PIXEL_TEXELS + column;
#endif
  const uint w_begin = X_TEXELS + slice * DEPTH * CBAM_TEXEL_CHANNELS * CHANNEL_TEXELS + row;
  vec4 sum[SUMS];

  [[unroll]] for (uint i = 0; i < SUMS; i++)
    sum[i] = vec4 (0);

  for (uint k0 = 0; k0 < depth; k0 += TURN) {
#ifdef PACKED
    [[unroll]] for (uint i = 0; i < X_LOADS; i++)
      tile[x_to + i * (THREADS / TURN)] = next_x[i];
#else
    [[unroll]] for (uint i = 0; i < X_LOADS; i++)
      [[unroll]] for (uint c = 0; c < CBAM_TEXEL_CHANNELS; c++)
        tile[x_to + c * PIXEL_TEXELS + i * (THREADS / TURN / 4)][x_component] = next_x[i][c];
#endif
    [[unroll]] for (uint i = 0; i < W_LOADS; i++)
      tile[X_TEXELS + i * THREADS + thread] = next_w[i];
    barrier ();
    k += TURN;
    place = move (place, step);
    w += k0 + TURN < depth ? TURN * CBAM_TEXEL_CHANNELS * pitch : 0; // the last turn fetches what it has again
    fetch (k < depth ? place.offset : 0, w, pitch);
#ifdef PACKED
    f16vec4 few[SUMS];

    [[unroll]] for (uint d = 0; d < DEPTH; d++) {
      f16vec4 x[SIDE];

      if (d % FEW == 0)
        [[unroll]] for (uint i = 0; i < SUMS; i++)
          few[i] = f16vec4 (0);
      [[unroll]] for (uint p = 0; p < SIDE; p++)
        x[p] = tile[x_begin + d * PX + p * COLUMNS];
      [[unroll]] for (uint c = 0; c < CBAM_TEXEL_CHANNELS; c++) {
        const uint from = w_begin + (d * CBAM_TEXEL_CHANNELS + c) * CHANNEL_TEXELS;
        const f16vec4 v[2] = f16vec4[2] (tile[from], tile[from + ROWS]);

        [[unroll]] for (uint p = 0; p < SIDE; p++)
          [[unroll]] for (uint part = 0; part < 2; part++)
            few[2 * p + part] += v[part] * x[p][c];
      }
      if (d % FEW == FEW - 1)
        [[unroll]] for (uint i = 0; i < SUMS; i++)
          sum[i] += vec4 (few[i]);
    }
#else
    [[unroll]] for (uint r = 0; r < DEPTH * CBAM_TEXEL_CHANNELS; r++) {
      const vec4 x[2] = vec4[2] (tile[x_begin + r * PIXEL_TEXELS], tile[x_begin + r * PIXEL_TEXELS + COLUMNS]);
      const vec4 v[2] = vec4[2] (tile[w_begin + r * CHANNEL_TEXELS], tile[w_begin + r * CHANNEL_TEXELS + ROWS]);

      [[unroll]] for (uint p = 0; p < SIDE; p++)
        [[unroll]] for (uint part = 0; part < 2; part++)
          sum[2 * p + part] += v[part] * x[p / 4][p % 4];
    }
#endif
    barrier ();
  }

  const uint first_block = gl_WorkGroupID.y * CHANNEL_TEXELS + row;
  const uint first_pixel = gl_WorkGroupID.x * PX;
#if SLICES == 1
  [[unroll]] for (uint i = 0; i < SUMS; i++)
    store_block (first_pixel + PIXEL (i / 2), first_block + i % 2 * ROWS, sum[i]);
#else
  // Each slice adds up its part of all sums, in the order of slices, and stores it.
  const uint at = thread % SLICE;
  [[unroll]] for (uint part = 0; part < SLICES; part++) {
    [[unroll]] for (uint i = 0; i < SUMS / SLICES; i++)
      all_sums[(slice * (SUMS / SLICES) + i) * SLICE + at] = sum[part * (SUMS / SLICES) + i];
    barrier ();
    if (slice == part)
      [[unroll]] for (uint i = 0; i < SUMS / SLICES; i++) {
        const uint n = part * (SUMS / SLICES) + i;
        vec4 all = all_sums[i * SLICE + at];

        [[unroll]] for (uint s = 1; s < SLICES; s++)
          all += all_sums[(s * (SUMS / SLICES) + i) * SLICE + at];
        store_block (first_pixel + PIXEL (n / 2), first_block + n % 2 * ROWS, all);
      }
    barrier ();
  }
#endif
}
