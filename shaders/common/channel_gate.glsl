// The layers of a channel gate: sigmoid (sum over pools of W1 clamp (W0 pool (x) + b0) + b1). The second one is linear,
// so it sees the sum of what the first makes of each pool.
//
// The including shader has shared pooled[] and hidden[], and THREADS. Weights: W0 [hidden][C/4][4],
// b0 [hidden/4][4], W1 [hidden][C/4][4], b1 [C/4][4] times the number of pools.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/activation.glsl"

void pool_channels (CbamReduceArgs a, uint thread)
{
  const uint blocks = blocks_of (a.channels);

  for (uint block = thread; block < blocks; block += THREADS) {
    const Pools p = pool_block (a, block);

    for (uint i = 0; i < a.n_kinds; i++)
      pooled[i * blocks + block] = pool_value (a, p, block, i);
  }
}

void first_layer (CbamReduceArgs a, uint thread)
{
  const uint blocks = blocks_of (a.channels), b0 = a.hidden * blocks;

  for (uint h = thread; h < a.hidden; h += THREADS) {
    const float bias = LOAD_WEIGHT (b0 + h / CBAM_TEXEL_CHANNELS)[h % CBAM_TEXEL_CHANNELS];
    float sum = 0.0;

    for (uint i = 0; i < a.n_kinds; i++) {
      vec4 products = vec4 (0.0);

      for (uint block = 0; block < blocks; block++)
        products += LOAD_WEIGHT (h * blocks + block) * pooled[i * blocks + block];
      sum += activate (bias + products.x + products.y + products.z + products.w, a.lo, a.hi);
    }
    hidden[h] = sum;
  }
}

uint channel_gate_texels (CbamReduceArgs a)
{
  const uint blocks = blocks_of (a.channels);

  return 2 * a.hidden * blocks + blocks_of (a.hidden) + blocks;
}

vec4 second_layer (CbamReduceArgs a, uint block)
{
  const uint blocks = blocks_of (a.channels);
  const uint w1 = a.hidden * blocks + blocks_of (a.hidden), b1 = w1 + a.hidden * blocks;
  vec4 sum = LOAD_WEIGHT (b1 + block);

  for (uint h = 0; h < a.hidden; h++)
    sum += LOAD_WEIGHT (w1 + h * blocks + block) * hidden[h];
  return real_channels (1.0 / (1.0 + exp (-sum)), block, a.channels);
}
