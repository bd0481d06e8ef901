// Writing a map: as 64-bit halves where TEXELS is defined (see stores.glsl), as texels elsewhere.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

#ifndef TEXELS
#define NARROW
#endif
#include "common/stores.glsl"
