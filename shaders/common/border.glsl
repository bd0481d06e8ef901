// The zero border of a map: which texel is border cell number i. The border is as wide as its widest reader's padding,
// so that no kernel ever tests whether it reads inside the picture; whoever writes a map writes its border too.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

uint border_cells (uint width, uint height, uint border)
{
  return 2 * border * (width + 2 * border + height);
}

// Its texel in the map's first block; i < border_cells ().
uint border_texel (CbamView view, uint width, uint height, uint border, uint i)
{
  const uint full = width + 2 * border;
  const uint strip = full * border;
  uint x, y;

  if (i < 2 * strip) {
    y = i / full;
    x = i - y * full;
    y += i < strip ? 0 : height;
  } else {
    i -= 2 * strip;
    y = i / (2 * border);
    x = i - y * 2 * border;
    x += x < border ? 0 : width;
    y += border;
  }
  return ORIGIN (view) - border * (view.row + view.pixel) + y * view.row + x * view.pixel;
}
