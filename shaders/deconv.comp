// Transposed convolution, full or DEPTHWISE, of any kernel and stride: one invocation makes one texel of the padded
// output from the input pixels whose kernels reach it. Of a kernel's taps along an axis every up-th counts.
//
// Weights, full: as for conv_texel.comp, [OC/8][input block, kernel row, kernel column][8][4], then the bias.
// Depthwise: [C/4][taps][4], then the bias.
//
// module: deconv (texel plain narrow half)
// module: depthwise_deconv -DDEPTHWISE (texel plain narrow half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 1
#define WEIGHTS
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "args/conv.h"
#include "args/deconv.h"
#include "common/padded.glsl"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamDeconvArgs args; };

void main ()
{
  const CbamDeconvArgs a = args; // before the first branch: see max_pool.comp
  const uint block = gl_WorkGroupID.y;
  const uint count = (a.width + 2 * a.border) * (a.height + 2 * a.border);
  const Padded p = padded_pixel (min (gl_GlobalInvocationID.x, count - 1), a.width, a.height, a.border, a.inv_full);
  const uint row = uint (clamp (p.row, 0, int (a.height) - 1)) + a.pad_y;
  const uint column = uint (clamp (p.column, 0, int (a.width) - 1)) + a.pad_x;
  const uint taps = a.kernel * a.kernel;
  // The last input pixel whose kernel begins at or before this one; integers are divided lane by lane on lavapipe.
  const int last_row = int ((float (row) + 0.5) / float (a.up_y));
  const int last_column = int ((float (column) + 0.5) / float (a.up_x));
  vec4 sum = LOAD_WEIGHT (a.bias + block);
  int in_row = last_row;

  for (uint ky = row - uint (last_row) * a.up_y; ky < a.kernel; ky += a.up_y, in_row--) {
    int in_column = last_column;

    for (uint kx = column - uint (last_column) * a.up_x; kx < a.kernel; kx += a.up_x, in_column--) {
      const bool reaches = in_row >= 0 && in_column >= 0 && in_row < int (a.in_height) && in_column < int (a.in_width);
      const uint from = ORIGIN (a.x) + uint (clamp (in_row, 0, int (a.in_height) - 1)) * a.x.row +
                        uint (clamp (in_column, 0, int (a.in_width) - 1)) * a.x.pixel;
      const uint tap = ky * a.kernel + kx;

#ifdef DEPTHWISE
      const vec4 x = LOAD (X, from + block * a.x.plane);

      sum += reaches ? x * LOAD_WEIGHT (block * taps + tap) : vec4 (0.0);
#else
      const uint channel = block * CBAM_TEXEL_CHANNELS;
      const uint rows = channel / CBAM_CONV_GROUP * (a.in_blocks * taps * CBAM_CONV_GROUP) + channel % CBAM_CONV_GROUP +
                        tap * CBAM_CONV_GROUP;

      for (uint in_block = 0; in_block < a.in_blocks; in_block++) {
        const vec4 x = reaches ? LOAD (X, from + in_block * a.x.plane) : vec4 (0.0);
        const uint w = rows + in_block * taps * CBAM_CONV_GROUP;

        sum += vec4 (dot (LOAD_WEIGHT (w), x), dot (LOAD_WEIGHT (w + 1), x), dot (LOAD_WEIGHT (w + 2), x),
                     dot (LOAD_WEIGHT (w + 3), x));
      }
#endif
    }
  }
  STORE (y, int (ORIGIN (a.y) + block * a.y.plane) + p.row * int (a.y.row) + p.column * int (a.y.pixel),
         p.inside ? activate (sum, a.lo, a.hi) : vec4 (0.0));
}
