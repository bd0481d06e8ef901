// From a frame's bytes to the network's input, each pixel of it a weighted mean of all pixels of the frame that it
// covers: a triangle or a cubic as wide as the frame's pixels, or as the input's where those are coarser. This is what
// PIL's resize() does, but for its rounding between rows and columns. Then colours as in preprocess.comp.
//
// module: resample (texel plain half)
// module: resample_batch -DBATCH (texel plain half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 2
#define NARROW // a store for each dozens of loads is nothing to halve
#include "common/maps.glsl"
#include "args/frame.h"
#include "args/resample.h"
#include "common/parameters.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_WORDS (0, pixels);
FRAME_PARAMETERS (1)
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamResampleArgs a; };

#include "common/frame.glsl"

float weight (float distance)
{
  const float x = abs (distance), c = float (CBAM_RESAMPLE_CUBIC_A);

  if (a.cubic == 0)
    return max (1.0 - x, 0.0);
  return x < 1.0   ? ((c + 2.0) * x - (c + 3.0)) * x * x + 1.0
         : x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * c
                   : 0.0;
}

// What a pixel of the input covers along an axis of a component.
struct Span
{
  uint first, end;
  float middle, inv_stretch;
};

// `at` with 0 in the middle of the first pixel; `scale` pixels of the component to one of the input, of which it has n.
Span span_at (float at, float scale, uint n)
{
  const float stretch = max (scale, 1.0), middle = at + 0.5;
  const float reach =
      stretch * float (a.cubic == 0 ? CBAM_RESAMPLE_REACH_LINEAR : CBAM_RESAMPLE_REACH_CUBIC);
  const int last = int (n) - 1;
  const int first = clamp (int (floor (middle - reach + 0.5)), 0, last);
  const int end = clamp (int (floor (middle + reach + 0.5)), first + 1, last + 1);

  return Span (uint (first), uint (end), middle, 1.0 / stretch);
}

float sample_component (CbamComponent c, vec2 at, vec2 scale)
{
  const vec2 p = at * vec2 (c.scale_x, c.scale_y) + vec2 (c.shift_x, c.shift_y);
  const Span across = span_at (p.x, scale.x * c.scale_x, c.width);
  const Span down = span_at (p.y, scale.y * c.scale_y, c.height);
  float sum = 0.0, total = 0.0;

  for (uint row = down.first; row < down.end; row++) {
    const float by_row = weight ((float (row) + 0.5 - down.middle) * down.inv_stretch);
    const uint line = c.offset + row * c.row;

    for (uint column = across.first; column < across.end; column++) {
      const float w = by_row * weight ((float (column) + 0.5 - across.middle) * across.inv_stretch);

      sum += w * byte_at (line + column * c.step);
      total += w;
    }
  }
  return sum / total;
}

void main ()
{
  const uint full = a.width + 2 * a.border;
  const uint i = gl_WorkGroupID.x * CBAM_THREADS + gl_LocalInvocationIndex;
  const int row = int (i / full) - int (a.border), column = int (i % full) - int (a.border);
  const vec2 scale = vec2 (f.scale_x, f.scale_y);
  const vec2 at = (vec2 (float (column), float (row)) + 0.5) * scale + vec2 (f.shift_x, f.shift_y) - 0.5;
  const vec2 end = vec2 (f.frame_width, f.frame_height) - 0.5;
  vec4 v = vec4 (0.0);

  if (row >= int (a.height + a.border))
    return;
  if (row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width) && at.x > -0.5 && at.y > -0.5 &&
      at.x < end.x && at.y < end.y) {
    const vec3 raw = vec3 (sample_component (f.component[0], at, scale), sample_component (f.component[1], at, scale),
                           sample_component (f.component[2], at, scale));
    const bool round_u8 = f.round_u8 != 0;
    const vec3 rgb = vec3 (channel (raw, matrix_row (0), f.mean[0], f.gain[0], round_u8),
                           channel (raw, matrix_row (4), f.mean[1], f.gain[1], round_u8),
                           channel (raw, matrix_row (8), f.mean[2], f.gain[2], round_u8));

    v = vec4 (f.bgr != 0 ? rgb.zyx : rgb, 0.0);
  }
  STORE (y, int (ORIGIN (a.y)) + row * int (a.y.row) + column * int (a.y.pixel), v);
}
