// The body of an op that makes one map from another of the same size, texel by texel: the including shader defines
// vec4 map_texel (vec4 x, uint block), and the workgroup's y is the channel block.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

void main ()
{
  const uint full = a.width + 2 * a.border;
  const uint i = gl_GlobalInvocationID.x, block = gl_WorkGroupID.y;

  if (i >= full * (a.height + 2 * a.border))
    return;
  const int row = int (i / full) - int (a.border), column = int (i % full) - int (a.border);
  const bool inside = row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width);
  const int to = int (ORIGIN (a.y) + block * a.y.plane) + row * int (a.y.row) + column * int (a.y.pixel);

  if (!inside) {
    STORE (y, to, vec4 (0));
    return;
  }
  STORE (y, to, map_texel (LOAD (X, ORIGIN (a.x) + block * a.x.plane + row * a.x.row + column * a.x.pixel), block));
}
