// Which pixel of a map, its border included, is number i.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

struct Padded
{
  int row, column; // of the map itself; outside of it in the border
  bool inside;
};

Padded padded_pixel (uint i, uint width, uint height, uint border, float inv_full)
{
  const uint full = width + 2 * border;
  const uint padded_row = uint ((float (i) + 0.5) * inv_full);
  const int row = int (padded_row) - int (border), column = int (i - padded_row * full) - int (border);

  return Padded (row, column, row >= 0 && row < int (height) && column >= 0 && column < int (width));
}
