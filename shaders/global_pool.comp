// Global pooling: all pixels of a channel become one, in several ways, each a pixel of the output. One invocation makes
// one block of channels.
//
// module: global_pool (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#include "common/maps.glsl"
#include "args/reduce.h"
#include "common/border.glsl"
#include "common/channels.glsl"

layout (local_size_x = CBAM_LANES) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamReduceArgs args; };

#include "common/reduce.glsl"

void main ()
{
  const CbamReduceArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_GlobalInvocationID.x;

  if (block >= blocks_of (a.channels))
    return;
  const Pools p = pool_block (a, block);
  for (uint i = 0; i < a.n_kinds; i++)
    STORE (y, ORIGIN (a.y) + i * a.y.pixel + block * a.y.plane, pool_value (a, p, block, i));
  for (uint cell = 0; cell < border_cells (a.n_kinds, 1, a.border); cell++)
    STORE (y, border_texel (a.y, a.n_kinds, 1, a.border, cell) + block * a.y.plane, vec4 (0.0));
}
