// The parameter block of a frame as `f`; with BATCH that of the image which the workgroup is on. The including shader
// has included args/frame.h.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

#ifdef BATCH
#define FRAME_PARAMETERS(n) \
  layout (binding = INPUT (n), std430) readonly buffer Frame { CbamFrameArgs frames[]; };
#define f frames[gl_WorkGroupID.z]
#else
#define FRAME_PARAMETERS(n) layout (binding = INPUT (n), std430) readonly buffer Frame { CbamFrameArgs f; };
#endif
