// The way into Winograd's convolution: of every tile 6x6 pixels become 36 places, B^T d B.
//
// Pixels past those that any output pixel sees are read from the last row and column that one does: what they are
// matters to nobody, as long as they are numbers.
//
// module: winograd_in (texel plain narrow)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#include "common/maps.glsl"
#include "common/winograd.glsl"

#define SPAN CBAM_WINOGRAD_SPAN

void transform (vec4 d0, vec4 d1, vec4 d2, vec4 d3, vec4 d4, vec4 d5, out vec4 v[SPAN])
{
  const vec4 p = d4 - 2.0 * d2, q = A * (d3 - 2.0 * d1);
  const vec4 r = d4 - 0.5 * d2, s = B * (d3 - 0.5 * d1);

  v[0] = d0 - 2.5 * d2 + d4;
  v[1] = p + q;
  v[2] = p - q;
  v[3] = r + s;
  v[4] = r - s;
  v[5] = d1 - 2.5 * d3 + d5;
}

void zero_border (CbamWinogradArgs a)
{
  const uint cell = border_cell (a);

  if (cell >= border_cells (a.across, a.rows, a.border))
    return;
  const uint texel = border_texel (a.y, a.across, a.rows, a.border, cell) + gl_WorkGroupID.y * a.y.plane;
  for (uint place = 0; place < CBAM_WINOGRAD_PLACES; place++)
    STORE (y, texel + place * a.step, vec4 (0));
}

void main ()
{
  // All parameters are read before the first branch: only there does lavapipe read them once for all lanes.
  const CbamWinogradArgs a = args;

  if (gl_WorkGroupID.x >= a.groups) {
    zero_border (a);
    return;
  }

  const uvec2 tile = find_tile (a);
  const uint first_x = first_pixel (a, tile.x), first_y = first_pixel (a, tile.y + a.first);
  const uint last_x = a.width - 1 + 2 * a.dilation, last_y = a.height - 1 + 2 * a.dilation;
  const uint base = ORIGIN (a.x) + gl_WorkGroupID.y * a.x.plane;
  const uint to = ORIGIN (a.y) + gl_WorkGroupID.y * a.y.plane + tile.y * a.y.row + tile.x * a.y.pixel;
  uint column[SPAN];
  vec4 rows[SPAN][SPAN], places[SPAN];

  [[unroll]] for (int j = 0; j < SPAN; j++)
    column[j] = base + min (first_x + j * a.dilation, last_x) * a.x.pixel;
  [[unroll]] for (int i = 0; i < SPAN; i++) {
    const uint row = min (first_y + i * a.dilation, last_y) * a.x.row;

    transform (LOAD (X, row + column[0]), LOAD (X, row + column[1]), LOAD (X, row + column[2]),
               LOAD (X, row + column[3]), LOAD (X, row + column[4]), LOAD (X, row + column[5]), rows[i]);
  }
  [[unroll]] for (int j = 0; j < SPAN; j++) {
    transform (rows[0][j], rows[1][j], rows[2][j], rows[3][j], rows[4][j], rows[5][j], places);
    [[unroll]] for (int i = 0; i < SPAN; i++)
      STORE (y, to + (i * SPAN + j) * a.step, places[i]);
  }
}
