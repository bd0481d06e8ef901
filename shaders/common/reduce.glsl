// What becomes of all pixels of a block of channels. The including shader has the map as X and its parameters as
// CbamReduceArgs.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

vec4 largest_pixel (CbamReduceArgs a, uint block)
{
  const int base = int (a.x.origin + block * a.x.plane);
  vec4 largest = LOAD (X, base);

  for (uint row = 0; row < a.height; row++)
    for (uint column = 0; column < a.width; column++)
      largest = max (largest, LOAD (X, base + int (row * a.x.row + column * a.x.pixel)));
  return largest;
}

// Row by row, so that the sum of many pixels does not lose what the sum of a few would keep.
vec4 sum_of_pixels (CbamReduceArgs a, uint block, uint kind, vec4 shift)
{
  const int base = int (a.x.origin + block * a.x.plane);
  vec4 sum = vec4 (0.0);

  for (uint row = 0; row < a.height; row++) {
    vec4 row_sum = vec4 (0.0);

    for (uint column = 0; column < a.width; column++) {
      const vec4 x = LOAD (X, base + int (row * a.x.row + column * a.x.pixel));

      row_sum += kind == CBAM_REDUCE_KIND_L2 ? x * x : kind == CBAM_REDUCE_KIND_LOG_SUM ? exp (x - shift) : x;
    }
    sum += row_sum;
  }
  return sum;
}

vec4 reduce (CbamReduceArgs a, uint block, uint kind)
{
  vec4 v;

  if (kind == CBAM_REDUCE_KIND_MAX)
    return largest_pixel (a, block);
  const vec4 shift = kind == CBAM_REDUCE_KIND_LOG_SUM ? largest_pixel (a, block) : vec4 (0.0);
  v = sum_of_pixels (a, block, kind, shift);
  if (kind == CBAM_REDUCE_KIND_MEAN)
    v *= 1.0 / float (a.width * a.height);
  if (kind == CBAM_REDUCE_KIND_L2)
    v = sqrt (v);
  if (kind == CBAM_REDUCE_KIND_LOG_SUM)
    v = shift + log (v);
  return real_channels (v, block, a.channels);
}
