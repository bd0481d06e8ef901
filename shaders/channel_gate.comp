// A channel gate in one workgroup: sigmoid (sum over pools of W1 clamp (W0 pool (x) + b0) + b1), a weight for each channel.
//
// The second layer is linear, so it sees the sum of what the first makes of each pool.
//
// Weights: W0 [hidden][C/4][4], b0 [hidden/4][4], W1 [hidden][C/4][4], b1 [C/4][4] times the number of pools.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef TEXELS
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif
#include "args/reduce.h"
#include "common/border.glsl"
#include "common/channels.glsl"
#include "common/loads.glsl"
#include "common/output.glsl"

#ifdef TEXELS
#define THREADS 8 // one subgroup of the device this flavour is for
#else
#define THREADS 64
#endif

layout (local_size_x = THREADS) in;
MAP_BUFFER (0, X);
MAP_BUFFER (1, W);
STORE_BUFFER (2, y);
layout (push_constant) uniform Args { CbamReduceArgs args; };

shared vec4 pooled[CBAM_GATE_POOLED];
shared float hidden[CBAM_GATE_HIDDEN];

#include "common/reduce.glsl"

void main ()
{
  const CbamReduceArgs a = args; // before the first branch: see max_pool.comp
  const uint thread = gl_LocalInvocationIndex;
  const uint blocks = (a.channels + 3) / 4;
  const uint b0 = a.hidden * blocks, w1 = b0 + (a.hidden + 3) / 4, b1 = w1 + a.hidden * blocks;

  for (uint block = thread; block < blocks; block += THREADS)
    for (uint i = 0; i < a.n_kinds; i++)
      pooled[i * blocks + block] = reduce (a, block, (a.kinds >> (4 * i)) & 15u);
  barrier ();

  for (uint h = thread; h < a.hidden; h += THREADS) {
    const float bias = LOAD (W, b0 + h / 4)[h & 3u];
    float sum = 0.0;

    for (uint i = 0; i < a.n_kinds; i++) {
      vec4 products = vec4 (0.0);

      for (uint block = 0; block < blocks; block++)
        products += LOAD (W, h * blocks + block) * pooled[i * blocks + block];
      sum += clamp (bias + products.x + products.y + products.z + products.w, a.lo, a.hi);
    }
    hidden[h] = sum;
  }
  barrier ();

  for (uint block = thread; block < blocks; block += THREADS) {
    vec4 sum = LOAD (W, b1 + block);

    for (uint h = 0; h < a.hidden; h++)
      sum += LOAD (W, w1 + h * blocks + block) * hidden[h];
    STORE (y, a.y.origin + block * a.y.plane, real_channels (1.0 / (1.0 + exp (-sum)), block, a.channels));
    for (uint cell = 0; cell < border_cells (1, 1, a.border); cell++)
      STORE (y, border_texel (a.y, 1, 1, a.border, cell) + block * a.y.plane, vec4 (0.0));
  }
}
