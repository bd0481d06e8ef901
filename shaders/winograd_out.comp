// The way out of Winograd's convolution: of every tile 36 places become 4x4 pixels, A^T m A, with bias and activation.
// What of a tile sticks out of the map is not stored.
//
// With POOL the largest of each 2x2 pixels is stored alone; of windows that stick out, of those that are inside.
//
// module: winograd_out (texel plain narrow)
// module: winograd_out_pool -DPOOL (texel plain narrow)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 1
#define WEIGHTS
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "common/winograd.glsl"

#define SPAN CBAM_WINOGRAD_SPAN
#define TILE CBAM_WINOGRAD_TILE

void transform (vec4 m0, vec4 m1, vec4 m2, vec4 m3, vec4 m4, vec4 m5, out vec4 v[TILE])
{
  const vec4 p = m1 + m2, q = A * (m1 - m2), r = m3 + m4, s = B * (m3 - m4);

  v[0] = m0 + p + r;
  v[1] = q + s;
  v[2] = 0.5 * p + 2.0 * r;
  v[3] = 0.5 * q + 2.0 * s + m5;
}

void zero_border (CbamWinogradArgs a)
{
  const uint cell = border_cell (a);

  if (cell < border_cells (a.map_width, a.map_height, a.border))
    STORE (y, border_texel (a.y, a.map_width, a.map_height, a.border, cell) + gl_WorkGroupID.y * a.y.plane, vec4 (0));
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
  const uint base = ORIGIN (a.x) + gl_WorkGroupID.y * a.x.plane + tile.y * a.x.row + tile.x * a.x.pixel;
  const uint to = ORIGIN (a.y) + gl_WorkGroupID.y * a.y.plane;
  const vec4 bias = LOAD_WEIGHT (a.bias + gl_WorkGroupID.y);
  vec4 rows[SPAN][TILE], columns[TILE][TILE];

  [[unroll]] for (int i = 0; i < SPAN; i++) {
    const uint row = base + i * SPAN * a.step;

    transform (LOAD (X, row), LOAD (X, row + a.step), LOAD (X, row + 2 * a.step), LOAD (X, row + 3 * a.step),
               LOAD (X, row + 4 * a.step), LOAD (X, row + 5 * a.step), rows[i]);
  }
  [[unroll]] for (int j = 0; j < TILE; j++) {
    transform (rows[0][j], rows[1][j], rows[2][j], rows[3][j], rows[4][j], rows[5][j], columns[j]);
    [[unroll]] for (int i = 0; i < TILE; i++)
      columns[j][i] = activate (columns[j][i] + bias, a.lo, a.hi);
  }
#ifdef POOL
  [[unroll]] for (int i = 0; i < TILE; i += 2)
    [[unroll]] for (int j = 0; j < TILE; j += 2) {
      const bool right = first_x + j + 1 < a.width, below = first_y + i + 1 < a.height;
      const uint row = (first_y + i) / 2, column = (first_x + j) / 2;
      vec4 largest = columns[j][i];

      largest = max (largest, right ? columns[j + 1][i] : largest);
      largest = max (largest, below ? columns[j][i + 1] : largest);
      largest = max (largest, right && below ? columns[j + 1][i + 1] : largest);
      if (row < a.map_height && column < a.map_width)
        STORE (y, to + row * a.y.row + column * a.y.pixel, largest);
    }
#else
  [[unroll]] for (int j = 0; j < TILE; j++)
    [[unroll]] for (int i = 0; i < TILE; i++) {
      const uint row = first_y + i * a.dilation, column = first_x + j * a.dilation;

      if (row < a.height && column < a.width)
        STORE (y, to + row * a.y.row + column * a.y.pixel, columns[j][i]);
    }
#endif
}
