// Writing a map: as 64-bit halves where TEXELS is defined (see stores.glsl), as texels elsewhere.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

#ifdef TEXELS
#include "common/stores.glsl"
#else
#define STORE_BUFFER(number, name) layout (binding = number, std430) writeonly buffer name##Block { vec4 name[]; }
#define STORE(name, i, v) name[i] = v
#endif
