// Resizing a map, nearest or bilinear between centres of pixels. One invocation makes one texel of the padded output.
//
// module: resize (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#include "common/maps.glsl"
#include "args/resize.h"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamResizeArgs args; };

void main ()
{
  const CbamResizeArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const uvec2 size = uvec2 (a.width, a.height), in_size = uvec2 (a.in_width, a.in_height);
  const uvec2 pixel = uvec2 (clamp (ivec2 (p.column, p.row), ivec2 (0), ivec2 (size) - 1));
  const vec2 at = max ((vec2 (pixel) + 0.5) * vec2 (in_size) / vec2 (size) - 0.5, vec2 (0.0));
  const uvec2 near = a.bilinear != 0 ? uvec2 (at) : pixel * in_size / size;
  const uvec2 far = a.bilinear != 0 ? min (near + 1, in_size - 1) : near;
  const vec2 part = a.bilinear != 0 ? at - vec2 (near) : vec2 (0.0);
  const uint base = ORIGIN (a.x) + block * a.x.plane;
  const vec4 top = mix (LOAD (X, base + near.y * a.x.row + near.x * a.x.pixel),
                        LOAD (X, base + near.y * a.x.row + far.x * a.x.pixel), part.x);
  const vec4 bottom = mix (LOAD (X, base + far.y * a.x.row + near.x * a.x.pixel),
                           LOAD (X, base + far.y * a.x.row + far.x * a.x.pixel), part.x);

  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? mix (top, bottom, part.y) : vec4 (0.0));
}
