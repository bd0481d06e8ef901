// Reading maps and weights, by texel buffer where TEXELS is defined and from storage buffers elsewhere.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

#ifdef TEXELS
#define MAP_BUFFER(number, name) layout (binding = number, rgba32f) uniform readonly imageBuffer name
#define LOAD(name, i) imageLoad (name, int (i))
#define BYTES_BUFFER(number, name) layout (binding = number, r32ui) uniform readonly uimageBuffer name
#define LOAD_WORD(name, i) imageLoad (name, int (i)).x
#else
#define MAP_BUFFER(number, name) layout (binding = number, std430) readonly buffer name##Block { vec4 name[]; }
#define LOAD(name, i) name[i]
#define BYTES_BUFFER(number, name) layout (binding = number, std430) readonly buffer name##Block { uint name[]; }
#define LOAD_WORD(name, i) name[i]
#endif
