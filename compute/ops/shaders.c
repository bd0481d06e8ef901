/* The shaders that the build compiled into the library.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/shaders.h"

#include "shaders-data.h"

#define CBAM_SHADER(shader)                                                                                            \
  const CbamShader cbam_shader_##shader = { #shader, cbam_spirv_##shader, sizeof cbam_spirv_##shader };
#include "shaders-list.h"
#undef CBAM_SHADER
