// From a frame's bytes to the network's input: bilinear resize (half-pixel centres, no antialiasing), colour matrix,
// channel order, mean and scale; of all pixels of the padded input map.
//
// module: preprocess (texel plain half)
// module: preprocess_thin -DTHIN (texel plain half)
// module: preprocess_batch -DBATCH (texel plain half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 2
#define NARROW // a store for each dozen loads is nothing to halve
#include "common/maps.glsl"
#include "args/frame.h"
#include "args/map.h"
#include "common/parameters.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_WORDS (0, pixels);
FRAME_PARAMETERS (1)
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamMapArgs args; };

#include "common/frame.glsl"

#ifdef THIN // of the frame only some lines are there
#define COMPONENT(i) c##i, f.thin[i]
#define THIN_PARAMETER , CbamThin thin

// Where a line is among those that are there: see args/frame.h.
uint kept_line (CbamThinAxis axis, uint line)
{
  const int n = clamp (int (floor ((float (line) - axis.middle) * axis.inv_step)), 0, int (axis.count) - 1);
  const int begin = clamp ((axis.first + n * axis.step) >> CBAM_THIN_BITS, 0, int (axis.last));

  return axis.count == 0 ? line : uint (n * CBAM_THIN_LINES + clamp (int (line) - begin, 0, CBAM_THIN_LINES - 1));
}

#define KEPT(p) uvec2 (kept_line (thin.x, p.x), kept_line (thin.y, p.y))
#else
#define COMPONENT(i) c##i
#define THIN_PARAMETER
#define KEPT(p) p
#endif

// One component at frame position `at`, in pixels of the frame with 0 in the middle of the first one.
float sample_component (CbamComponent c THIN_PARAMETER, vec2 at)
{
  const vec2 last = vec2 (float (c.width), float (c.height)) - 1.0;
  const vec2 p = clamp (at * vec2 (c.scale_x, c.scale_y) + vec2 (c.shift_x, c.shift_y), vec2 (0.0), last);
  const vec2 corner = floor (p);
  const vec2 part = p - corner;
  const uvec2 p0 = KEPT (uvec2 (corner)), p1 = KEPT (uvec2 (min (corner + 1.0, last)));
  const uint row0 = c.offset + p0.y * c.row, row1 = c.offset + p1.y * c.row;
  const uint x0 = p0.x * c.step, x1 = p1.x * c.step;

  return mix (mix (byte_at (row0 + x0), byte_at (row0 + x1), part.x),
              mix (byte_at (row1 + x0), byte_at (row1 + x1), part.x), part.y);
}

void main ()
{
  // All parameters are read before the first branch, and where there is one image at places that do not depend on the
  // workgroup: only so does lavapipe read them once for all lanes, which halves the time.
  const CbamMapArgs a = args;
  const CbamComponent c0 = f.component[0], c1 = f.component[1], c2 = f.component[2];
  const vec4 row0 = matrix_row (0), row1 = matrix_row (4), row2 = matrix_row (8);
  const vec2 scale = vec2 (f.scale_x, f.scale_y), shift = vec2 (f.shift_x, f.shift_y) - 0.5;
  const vec2 end = vec2 (f.frame_width, f.frame_height) - 0.5;
  const vec3 mean = vec3 (f.mean[0], f.mean[1], f.mean[2]), gain = vec3 (f.gain[0], f.gain[1], f.gain[2]);
  const bool bgr = f.bgr != 0, round_u8 = f.round_u8 != 0;
  const uint full = a.width + 2 * a.border, last = full * (a.height + 2 * a.border) - 1;
  const float inv_full = 1.0 / float (full);

  // Several pixels an invocation, because reading the parameters costs as much as one of them. Those past the last are
  // the last again.
  [[unroll]] for (uint k = 0; k < CBAM_PREPROCESS_PIXELS; k++) {
    const uint i = min ((gl_WorkGroupID.x * CBAM_PREPROCESS_PIXELS + k) * CBAM_THREADS + gl_LocalInvocationIndex, last);
    const uint padded_row = uint ((float (i) + 0.5) * inv_full); // exact below 2^21, and no division lane by lane
    const int row = int (padded_row) - int (a.border), column = int (i - padded_row * full) - int (a.border);
    const int to = int (ORIGIN (a.y)) + row * int (a.y.row) + column * int (a.y.pixel);
    const vec2 at = (vec2 (float (column), float (row)) + 0.5) * scale + shift;
    const bool inside = row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width) && at.x > -0.5 &&
                        at.y > -0.5 && at.x < end.x && at.y < end.y;

    // Outside, edge pixels are read and thrown away: cheaper than a branch.
    const vec3 raw = vec3 (sample_component (COMPONENT (0), at), sample_component (COMPONENT (1), at),
                           sample_component (COMPONENT (2), at));
    const vec3 rgb =
        vec3 (channel (raw, row0, mean.x, gain.x, round_u8), channel (raw, row1, mean.y, gain.y, round_u8),
              channel (raw, row2, mean.z, gain.z, round_u8));
    STORE (y, to, inside ? vec4 (bgr ? rgb.zyx : rgb, 0.0) : vec4 (0.0));
  }
}
