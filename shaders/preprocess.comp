// From a frame's bytes to the network's input: bilinear resize (half-pixel centres, no antialiasing), colour matrix,
// channel order, mean and scale. One invocation makes one pixel of the padded input map.
//
// Every pixel layout is three components with an offset, a row stride, a step and a subsampling (args/frame.h); there is
// no code per format. Bytes are picked from 32-bit words, so that no device needs 8-bit storage.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "args/frame.h"
#include "args/map.h"
#include "common/loads.glsl"

layout (local_size_x = 64) in;
BYTES_BUFFER (0, pixels);
layout (binding = 1, std430) readonly buffer Frame { CbamFrameArgs f; };
layout (binding = 2, std430) writeonly buffer Output { vec4 y[]; };
layout (push_constant) uniform Args { CbamMapArgs a; };

float byte_at (uint i)
{
  return float ((LOAD_WORD (pixels, i >> 2) >> (8 * (i & 3u))) & 255u);
}

// Component `c` at frame position `at`, in pixels of the frame with 0 in the middle of the first one.
float sample_component (uint c, vec2 at)
{
  const vec2 last = vec2 (float (f.component[c].width), float (f.component[c].height)) - 1.0;
  const vec2 p = clamp (at * vec2 (f.component[c].scale_x, f.component[c].scale_y) +
                            vec2 (f.component[c].shift_x, f.component[c].shift_y),
                        vec2 (0.0), last);
  const vec2 corner = floor (p);
  const vec2 part = p - corner;
  const uvec2 p0 = uvec2 (corner), p1 = uvec2 (min (corner + 1.0, last));
  const uint row0 = f.component[c].offset + p0.y * f.component[c].row;
  const uint row1 = f.component[c].offset + p1.y * f.component[c].row;
  const uint x0 = p0.x * f.component[c].step, x1 = p1.x * f.component[c].step;

  return mix (mix (byte_at (row0 + x0), byte_at (row0 + x1), part.x),
              mix (byte_at (row1 + x0), byte_at (row1 + x1), part.x), part.y);
}

void main ()
{
  const uint full = a.width + 2 * a.border;
  const uint i = gl_GlobalInvocationID.x;

  if (i >= full * (a.height + 2 * a.border))
    return;
  const int row = int (i / full) - int (a.border), column = int (i % full) - int (a.border);
  const int to = int (a.y.origin) + row * int (a.y.row) + column * int (a.y.pixel);
  const vec2 at = (vec2 (float (column), float (row)) + 0.5) * vec2 (f.scale_x, f.scale_y) +
                  vec2 (f.shift_x, f.shift_y) - 0.5;
  const bool inside = row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width) && at.x > -0.5 &&
                      at.y > -0.5 && at.x < f.frame_width - 0.5 && at.y < f.frame_height - 0.5;

  if (!inside) {
    y[to] = vec4 (0);
    return;
  }

  const vec3 raw = vec3 (sample_component (0, at), sample_component (1, at), sample_component (2, at));
  vec4 texel = vec4 (0);
  [[unroll]] for (int c = 0; c < 3; c++) {
    float v = dot (raw, vec3 (f.matrix[c * 4], f.matrix[c * 4 + 1], f.matrix[c * 4 + 2])) + f.matrix[c * 4 + 3];

    v = clamp (v, 0.0, 255.0);
    v = f.round_u8 != 0 ? floor (v + 0.5) : v;
    texel[c] = (v - f.mean[c]) * f.gain[c];
  }
  y[to] = f.bgr != 0 ? texel.zyxw : texel;
}
