// What the convolutions for lavapipe share: lanes, bindings, and the workgroups behind the computing ones, which zero
// the border. The including shader defines OC.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

#define WEIGHTS
#define TEXELS
#include "common/maps.glsl"
#include "common/activation.glsl"
#include "args/conv.h"
#include "common/border.glsl"

#define GROUPS (OC / CBAM_CONV_GROUP)
#define BLOCKS (OC / CBAM_TEXEL_CHANNELS)
#ifdef SHUFFLE
#define STORED (2 * BLOCKS) // blocks that a workgroup stores
#else
#define STORED BLOCKS
#endif

layout (local_size_x = CBAM_LANES) in;
INPUT_MAP (0, X);
OUTPUT_MAP (0, y);
layout (push_constant) uniform Args { CbamConvArgs args; };

void zero_border (CbamConvArgs a)
{
  const uint cell = (gl_WorkGroupID.x - a.tiles) * CBAM_LANES + gl_LocalInvocationIndex;

  if (cell >= border_cells (a.width, a.height, a.border))
    return;
  const uint texel = border_texel (a.y, a.width, a.height, a.border, cell);
  for (uint block = gl_WorkGroupID.y * STORED; block < (gl_WorkGroupID.y + 1) * STORED; block++)
    STORE (y, texel + block * a.y.plane, vec4 (0));
}
