// What becomes of all pixels of a block of channels. The including shader has the map as X and its parameters as
// CbamReduceArgs.
//
// Pixels are read once for all kinds (twice for logarithms of sums of exponentials, which need the largest first),
// several a turn: Mesa before 25 ends all loops of an invocation after 65,535 turns, silently. Sums are made row by
// row, so that the sum of many pixels does not lose what the sum of a few would keep.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

struct Pools
{
  vec4 largest, sum, squares, exponentials; // the last less the largest
};

uint kind_of (CbamReduceArgs a, uint i)
{
  return bitfieldExtract (a.kinds, int (CBAM_REDUCE_KIND_BITS * i), CBAM_REDUCE_KIND_BITS);
}

bool wants_exponentials (CbamReduceArgs a)
{
  for (uint i = 0; i < a.n_kinds; i++)
    if (kind_of (a, i) == CBAM_REDUCE_LOG_SUM)
      return true;
  return false;
}

Pools pool_block (CbamReduceArgs a, uint block)
{
  const int base = int (ORIGIN (a.x) + block * a.x.plane), last = int (a.width) - 1;
  const vec4 first = LOAD (X, base);
  Pools p = Pools (first, vec4 (0.0), vec4 (0.0), vec4 (0.0));

  for (int row = 0; row < int (a.height); row++) {
    vec4 sum = vec4 (0.0), squares = vec4 (0.0);

    for (int column = 0; column <= last; column += CBAM_REDUCE_PIXELS)
      [[unroll]] for (int i = 0; i < CBAM_REDUCE_PIXELS; i++) {
        const vec4 x = LOAD (X, base + row * int (a.x.row) + min (column + i, last) * int (a.x.pixel));
        const vec4 real = column + i <= last ? x : vec4 (0.0);

        p.largest = max (p.largest, x);
        sum += real;
        squares += real * real;
      }
    p.sum += sum;
    p.squares += squares;
  }
  for (int row = 0; row < int (a.height) && wants_exponentials (a); row++) {
    vec4 sum = vec4 (0.0);

    for (int column = 0; column <= last; column += CBAM_REDUCE_PIXELS)
      [[unroll]] for (int i = 0; i < CBAM_REDUCE_PIXELS; i++) {
        const vec4 x = LOAD (X, base + row * int (a.x.row) + min (column + i, last) * int (a.x.pixel));

        sum += column + i <= last ? exp (x - p.largest) : vec4 (0.0);
      }
    p.exponentials += sum;
  }
  return p;
}

// The pool numbered i.
vec4 pool_value (CbamReduceArgs a, Pools p, uint block, uint i)
{
  const uint kind = kind_of (a, i);
  vec4 v = p.largest;

  if (kind == CBAM_REDUCE_SUM)
    v = p.sum;
  if (kind == CBAM_REDUCE_MEAN)
    v = p.sum / float (a.width * a.height);
  if (kind == CBAM_REDUCE_L2)
    v = sqrt (p.squares);
  if (kind == CBAM_REDUCE_LOG_SUM)
    v = p.largest + log (p.exponentials);
  return real_channels (v, block, a.channels);
}
