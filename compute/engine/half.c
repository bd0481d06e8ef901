/* Floats of 16 bits, by their bits.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/half.h"

#include <math.h>
#include <string.h>

/* Of float32. */
#define INFINITE 0x7f800000u
#define MOST_BITS 0x477fe000u  /* 65504 */
#define LEAST_BITS 0x38800000u /* 2^-14: what is smaller has fewer digits */

#define HALF_MOST 0x7bff
#define HALF_NAN 0x7e00

guint16
cbam_half_from_float (float value)
{
  guint32 bits, size;
  guint16 sign;

  memcpy (&bits, &value, sizeof bits);
  sign = (guint16) (bits >> 16 & 0x8000);
  size = bits & 0x7fffffff;
  if (size > INFINITE)
    return sign | HALF_NAN;
  if (size >= MOST_BITS)
    return sign | HALF_MOST;
  if (size < LEAST_BITS) /* a multiple of 2^-24 */
    return sign | (guint16) rintf (fabsf (value) * 0x1p24f);
  size += 0xfff + (size >> 13 & 1);
  return (guint16) (sign | (size - ((127 - 15) << 23)) >> 13);
}

float
cbam_half_to_float (guint16 half)
{
  const guint32 sign = (guint32) (half & 0x8000) << 16;
  guint32 exponent = (half >> 10) & 0x1f, mantissa = half & 0x3ff, bits;
  float value;

  if (exponent == 0x1f) { /* infinity, NaN */
    bits = INFINITE | mantissa << 13;
  } else if (exponent != 0) {
    bits = (exponent + 127 - 15) << 23 | mantissa << 13;
  } else if (mantissa == 0) {
    bits = 0;
  } else {
    /* Subnormal: mantissa * 2^-24. Shift its first 1 to where a float32 leaves it out. */
    for (exponent = 127 - 14; (mantissa & 0x400) == 0; exponent--)
      mantissa <<= 1;
    bits = exponent << 23 | (mantissa & 0x3ff) << 13;
  }
  bits |= sign;
  memcpy (&value, &bits, sizeof value);
  return value;
}
