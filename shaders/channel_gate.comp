// A channel gate in one workgroup: a weight for each channel, from global pools and two layers.
//
// module: channel_gate (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#define WEIGHTS
#include "common/maps.glsl"
#include "args/reduce.h"
#include "common/border.glsl"
#include "common/channels.glsl"

#ifdef TEXELS
#define THREADS CBAM_LANES
#else
#define THREADS CBAM_THREADS
#endif

layout (local_size_x = THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamReduceArgs args; };

shared vec4 pooled[CBAM_GATE_POOLED];
shared float hidden[CBAM_GATE_HIDDEN];

#include "common/reduce.glsl"
#include "common/channel_gate.glsl"

void main ()
{
  const CbamReduceArgs a = args; // before the first branch: see max_pool.comp
  const uint thread = gl_LocalInvocationIndex;

  pool_channels (a, thread);
  barrier ();
  first_layer (a, thread);
  barrier ();
  for (uint block = thread; block < blocks_of (a.channels); block += THREADS) {
    STORE (y, ORIGIN (a.y) + block * a.y.plane, second_layer (a, block));
    for (uint cell = 0; cell < border_cells (1, 1, a.border); cell++)
      STORE (y, border_texel (a.y, 1, 1, a.border, cell) + block * a.y.plane, vec4 (0.0));
  }
}
