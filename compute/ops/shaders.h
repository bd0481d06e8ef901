/* The shaders that the build compiled into the library; shaders/meson.build names them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/shader.h"

G_BEGIN_DECLS

/* All of them; ends with one whose name is NULL. */
extern const CbamShader cbam_shaders[];

#define CBAM_SHADER(shader) extern const CbamShader cbam_shader_##shader;
#include "shaders-list.h"
#undef CBAM_SHADER

G_END_DECLS
