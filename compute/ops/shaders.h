/* The shaders that the build compiled into the library; shaders/modules.py finds them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/shader.h"

#define CBAM_SHADER(shader) extern const CbamShader cbam_shader_##shader;
#include "shaders-list.h"
#undef CBAM_SHADER
