// Self-attention: of each place the mean of all places' values, where each counts by the softmax of the product of the
// place's query with the other's key; times gamma.
//
// A workgroup goes through all places, as many a round as it has invocations. What it has summed so far shrinks where a
// larger product comes (Milakov, Gimelshein 2018, arXiv 1805.02867): no exponential is above 1, and the products of all
// pairs are never stored.
//
// module: attend (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 3
#include "common/maps.glsl"
#include "args/attend.h"
#include "common/border.glsl"

#define THREADS CBAM_THREADS
#define PLACES CBAM_ATTEND_PLACES
#define BLOCKS CBAM_ATTEND_BLOCKS
#define PRODUCTS CBAM_ATTEND_PRODUCTS
#define PARTS (THREADS / PLACES)        // invocations that share a place's softmax
#define OWN (PLACES * BLOCKS / THREADS) // places whose values an invocation sums
#define LEAST -3.4e38

layout (local_size_x = THREADS) in;
INPUT_MAP (0, Q);
INPUT_MAP (1, K);
INPUT_MAP (2, V);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamAttendArgs args; };

shared float weights[PLACES][THREADS]; // of a round's keys: products, then what their values count
shared float parts[PLACES][PARTS];     // of each invocation: the largest product so far; in the end sums of weights
shared float shrink[PLACES];
shared uint queries[PLACES]; // texels
shared uint values[THREADS];

uint texel_of (CbamView view, uint width, uint place)
{
  return ORIGIN (view) + place / width * view.row + place % width * view.pixel;
}

void zero_border (CbamAttendArgs a)
{
  const uint cell = (gl_WorkGroupID.x - a.tiles) * THREADS + gl_LocalInvocationIndex;

  if (cell >= border_cells (a.width, a.height, a.border))
    return;
  const uint texel = border_texel (a.y, a.width, a.height, a.border, cell);
  for (uint block = gl_WorkGroupID.y * BLOCKS; block < min ((gl_WorkGroupID.y + 1) * BLOCKS, a.blocks); block++)
    STORE (y, texel + block * a.y.plane, vec4 (0.0));
}

// The products of some queries, from the first on, with the key of one place.
void multiply (CbamAttendArgs a, uint first, uint place)
{
  const uint count = a.width * a.height, key = texel_of (a.keys, a.width, min (place, count - 1));
  float products[PRODUCTS];

  [[unroll]] for (uint p = 0; p < PRODUCTS; p++)
    products[p] = 0.0;
  for (uint block = 0; block < a.depth; block++) {
    const vec4 k = LOAD (K, key + block * a.keys.plane);

    [[unroll]] for (uint p = 0; p < PRODUCTS; p++)
      products[p] += dot (LOAD (Q, queries[first + p] + block * a.queries.plane), k);
  }
  [[unroll]] for (uint p = 0; p < PRODUCTS; p++)
    weights[first + p][gl_LocalInvocationIndex] = place < count ? products[p] : LEAST;
}

void main ()
{
  const CbamAttendArgs a = args; // before the first branch: see max_pool.comp
  const uint thread = gl_LocalInvocationIndex;
  const uint count = a.width * a.height, first = gl_WorkGroupID.x * PLACES;
  const uint place = thread / PARTS, part = thread % PARTS; // of its softmax
  const uint own = thread / BLOCKS * OWN;
  const uint block = gl_WorkGroupID.y * BLOCKS + thread % BLOCKS;
  const uint plane = min (block, a.blocks - 1) * a.values.plane;
  float largest = LEAST, total = 0.0;
  vec4 sum[OWN];

  if (gl_WorkGroupID.x >= a.tiles) {
    zero_border (a);
    return;
  }
  [[unroll]] for (uint i = 0; i < OWN; i++)
    sum[i] = vec4 (0.0);
  if (thread < PLACES)
    queries[thread] = texel_of (a.queries, a.width, min (first + thread, count - 1));
  barrier ();

  for (uint start = 0; start < count; start += THREADS) {
    for (uint p = 0; p < PLACES; p += PRODUCTS)
      multiply (a, p, start + thread);
    values[thread] = texel_of (a.values, a.width, min (start + thread, count - 1));
    barrier ();

    float most = largest;
    [[unroll]] for (uint i = part; i < THREADS; i += PARTS)
      most = max (most, weights[place][i]);
    parts[place][part] = most;
    barrier ();

    [[unroll]] for (uint i = 0; i < PARTS; i++)
      most = max (most, parts[place][i]);
    const float factor = exp (largest - most);
    largest = most;
    total *= factor;
    for (uint i = part; i < THREADS; i += PARTS) {
      const float weight = exp (weights[place][i] - most);

      weights[place][i] = weight;
      total += weight;
    }
    if (part == 0)
      shrink[place] = factor;
    barrier ();

    [[unroll]] for (uint i = 0; i < OWN; i++)
      sum[i] *= shrink[own + i];
    for (uint k = 0; k < min (count - start, THREADS); k++) {
      const vec4 v = LOAD (V, values[k] + plane);

      [[unroll]] for (uint i = 0; i < OWN; i++)
        sum[i] += weights[own + i][k] * v;
    }
    barrier ();
  }
  parts[place][part] = total;
  barrier ();

  if (block >= a.blocks)
    return;
  [[unroll]] for (uint i = 0; i < OWN; i++) {
    float all = 0.0;

    [[unroll]] for (uint p = 0; p < PARTS; p++)
      all += parts[own + i][p];
    if (first + own + i < count)
      STORE (y, texel_of (a.y, a.width, first + own + i) + block * a.y.plane, sum[i] * (a.gamma / all));
  }
}
