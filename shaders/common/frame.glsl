// A frame's bytes and colours, for what makes the network's input of them. The including shader has bound `pixels` and
// the parameter block `f`.
//
// Every pixel layout is three components with an offset, a row stride, a step and a subsampling (args/frame.h); there
// is no code per format. Bytes are picked from 32-bit words, so that no device needs 8-bit storage.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

float byte_at (uint i)
{
  return float ((LOAD_WORD (pixels, i >> 2) >> (8 * (i & 3u))) & 255u);
}

float channel (vec3 raw, vec4 row, float mean, float gain, bool round_u8)
{
  const float v = clamp (dot (raw, row.xyz) + row.w, 0.0, 255.0);

  return ((round_u8 ? floor (v + 0.5) : v) - mean) * gain;
}

vec4 matrix_row (int i)
{
  return vec4 (f.matrix[i], f.matrix[i + 1], f.matrix[i + 2], f.matrix[i + 3]);
}
