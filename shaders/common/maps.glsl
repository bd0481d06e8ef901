// Maps and weights as kernels see them: where they are bound, and texels of four channels. The one place that knows how
// a texel lies in memory.
//
// Bound are, from 0 on: a node's inputs in their order, its packed weights if it has any, its outputs in their order.
// The including shader defines INPUTS, their number, WEIGHTS if there are some, and OUTPUTS, how many maps it writes,
// if that is not one.
//
// With TEXELS inputs and weights are texel buffers, and outputs are written as two 64-bit halves: lavapipe stores lane
// by lane and component by component, so that half the components cost half the time. With NARROW, for devices without
// 64-bit integers, and without TEXELS they are written whole.
//
// With HALF texels are of 16-bit floats, weights too unless the shader defines EXACT_WEIGHTS. In registers all is in 32
// bits. What 16 bits have no room for is clamped when it is stored; bound behind the outputs is a word for the host to
// know of that by.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "args/types.h"

// Of a batch a workgroup computes image z: texels of a map that lie before it, and the image's pixel (0, 0).
#define BEFORE(view) (gl_WorkGroupID.z * (view).frame)
#define ORIGIN(view) ((view).origin + BEFORE (view))

#define INPUT(i) (i)
#ifdef WEIGHTS
#define OUTPUT(i) (INPUTS + 1 + (i))
#else
#define OUTPUT(i) (INPUTS + (i))
#endif
#ifndef OUTPUTS
#define OUTPUTS 1
#endif

#ifdef HALF
#define TEXEL f16vec4
#else
#define TEXEL vec4
#endif

#ifdef TEXELS
#define READ_TEXELS(number, name) layout (binding = number, rgba32f) uniform readonly imageBuffer name
#define LOAD(name, i) imageLoad (name, int (i))
#define INPUT_WORDS(i, name) layout (binding = INPUT (i), r32ui) uniform readonly uimageBuffer name
#define LOAD_WORD(name, i) imageLoad (name, int (i)).x
#else
#define READ_TEXELS(number, name) layout (binding = number, std430) readonly buffer name##Block { TEXEL name[]; }
#define LOAD(name, i) vec4 (name[i])
#define INPUT_WORDS(i, name) layout (binding = INPUT (i), std430) readonly buffer name##Block { uint name[]; }
#define LOAD_WORD(name, i) name[i]
#endif

#define INPUT_MAP(i, name) READ_TEXELS (INPUT (i), name)

#ifdef WEIGHTS
#if defined (EXACT_WEIGHTS) && !defined (TEXELS)
layout (binding = INPUTS, std430) readonly buffer WBlock { vec4 W[]; };
#else
READ_TEXELS (INPUTS, W);
#endif
#define LOAD_WEIGHT(i) LOAD (W, i)
#endif

#if defined (TEXELS) && !defined (NARROW)
#define OUTPUT_MAP(i, name)                                                                                            \
  layout (binding = OUTPUT (i), std430) writeonly buffer name##Block { u64vec2 name[]; }
#define STORE(name, i, v) name[i] = texel_halves (v)

u64vec2 texel_halves (vec4 v)
{
  return u64vec2 (packUint2x32 (floatBitsToUint (v.xy)), packUint2x32 (floatBitsToUint (v.zw)));
}
#else
#define OUTPUT_MAP(i, name) layout (binding = OUTPUT (i), std430) writeonly buffer name##Block { TEXEL name[]; }
#if defined (HALF) && OUTPUTS > 0
layout (binding = OUTPUT (OUTPUTS), std430) buffer Largest { uint largest_bits; };
#define STORE(name, i, v) name[i] = f16vec4 (clamp_texel (v))

// Magnitudes are not negative, so their bits have their order.
vec4 clamp_texel (vec4 v)
{
  const vec4 size = abs (v);
  const float largest = max (max (size.x, size.y), max (size.z, size.w));

  if (largest > CBAM_HALF_NEAR_MOST) {
    atomicMax (largest_bits, floatBitsToUint (largest));
    v = clamp (v, -CBAM_HALF_MOST, CBAM_HALF_MOST);
  }
  return v;
}
#else
#define STORE(name, i, v) name[i] = v
#endif
#endif
