// Writing texels as two 64-bit halves: lavapipe stores lane by lane and component by component, so that half the
// components cost half the time. With NARROW, for devices without 64-bit integers, they are written whole.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

#ifdef NARROW
#define STORE_BUFFER(number, name) layout (binding = number, std430) writeonly buffer name##Block { vec4 name[]; }
#define STORE(name, i, v) name[i] = v
#else
#define STORE_BUFFER(number, name) layout (binding = number, std430) writeonly buffer name##Block { u64vec2 name[]; }
#define STORE(name, i, v) name[i] = texel_halves (v)

u64vec2 texel_halves (vec4 v)
{
  return u64vec2 (packUint2x32 (floatBitsToUint (v.xy)), packUint2x32 (floatBitsToUint (v.zw)));
}
#endif
