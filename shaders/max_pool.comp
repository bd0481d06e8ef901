// Max pool of any kernel, stride and padding. One invocation makes one texel of the padded output.
//
// Taps outside of the map are moved onto its edge: a pixel the window holds anyway, since padding is at most half the
// kernel, so that padding never wins against a negative maximum.
//
// module: max_pool (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#include "common/maps.glsl"
#include "args/pool.h"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamPoolArgs args; };

void main ()
{
  // All parameters are read before the first branch: only there does lavapipe read them once for all lanes.
  const CbamPoolArgs a = args;
  const uint full = a.width + 2 * a.border;
  const uint i = min (gl_GlobalInvocationID.x, full * (a.height + 2 * a.border) - 1);
  const uint padded_row = uint ((float (i) + 0.5) * a.inv_full);
  const int row = int (padded_row) - int (a.border), column = int (i - padded_row * full) - int (a.border);
  const bool inside = row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width);
  const int y0 = row * int (a.stride) - int (a.pad), x0 = column * int (a.stride) - int (a.pad);
  const int last_x = int (a.in_width) - 1, last_y = int (a.in_height) - 1;
  const int base = int (ORIGIN (a.x) + gl_WorkGroupID.y * a.x.plane);
  vec4 largest = LOAD (X, base + clamp (y0, 0, last_y) * int (a.x.row) + clamp (x0, 0, last_x) * int (a.x.pixel));

  for (int tap = 1; tap < int (a.kernel * a.kernel); tap++) {
    const int ky = tap / int (a.kernel), kx = tap - ky * int (a.kernel);

    largest = max (largest, LOAD (X, base + clamp (y0 + ky, 0, last_y) * int (a.x.row) +
                                         clamp (x0 + kx, 0, last_x) * int (a.x.pixel)));
  }
  STORE (y, int (ORIGIN (a.y) + gl_WorkGroupID.y * a.y.plane) + row * int (a.y.row) + column * int (a.y.pixel),
         inside ? largest : vec4 (0.0));
}
