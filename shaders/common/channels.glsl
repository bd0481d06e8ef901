// Blocks of channels, a texel each, of which the last may hold fewer: what lies behind the last channel is zero in
// every map.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

uint blocks_of (uint channels)
{
  return (channels + (CBAM_TEXEL_CHANNELS - 1)) / CBAM_TEXEL_CHANNELS;
}

vec4 real_channels (vec4 v, uint block, uint channels)
{
  const int left = int (channels) - int (block * CBAM_TEXEL_CHANNELS);

  return vec4 (left > 0 ? v.x : 0.0, left > 1 ? v.y : 0.0, left > 2 ? v.z : 0.0, left > 3 ? v.w : 0.0);
}
