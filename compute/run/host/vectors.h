/* Numbers by the vector, and what there is of exp() for them: for loops.c, which says why.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <math.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "run/host/loops.h"

#define LANES CBAM_LOOP_LANES

/* GLib's evaluate their arguments twice, which is all the same here; these are what compilers know as one instruction.
 */
static inline float
larger (float a, float b)
{
  return a > b ? a : b;
}

static inline float
smaller (float a, float b)
{
  return a < b ? a : b;
}

/* 2^n; -126 <= n <= 127. */
static inline float
power_of_two (gint32 n)
{
  const gint32 bits = (n + 127) * (1 << 23);
  float power;

  memcpy (&power, &bits, sizeof power);
  return power;
}

/* Below this exp() is no normal number, and 0 here: processors take a hundred cycles over each of the others. */
#define LEAST_EXPONENT (-87.0f)

/* exp() to a few units in the last place, kept away from infinity: 2^n times a polynomial of the rest (the coefficients
 * are those of Cephes' expf). In two steps, since 2^n alone may be too large. */
static inline float
exponential (float x)
{
  const float log2_e = 1.44269504088896341f, magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to whole numbers */
  const float clamped = smaller (larger (x, LEAST_EXPONENT), 88.0f);
  const float n = (clamped * log2_e + magic) - magic;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  const gint32 half = (gint32) n / 2;
  float p = 1.9875691500e-4f;

  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  p = p * power_of_two (half) * power_of_two ((gint32) n - half);
  return x < LEAST_EXPONENT ? 0 : p;
}

static inline float
logistic (float x)
{
  const float e = exponential (-fabsf (x));

  return (x >= 0 ? 1.0f : e) / (1.0f + e);
}

typedef float Vector __attribute__ ((vector_size (LANES * sizeof (float))));
typedef gint32 Mask __attribute__ ((vector_size (LANES * sizeof (float))));

static inline Vector
load (const float *x)
{
  Vector v;

  memcpy (&v, x, sizeof v);
  return v;
}

static inline Vector
all (float number)
{
  const Vector none = { 0 };

  return none + number;
}

/* The first @n numbers, and @rest behind them. */
static inline Vector
load_part (const float *x, guint n, float rest)
{
#ifdef __AVX512F__
  return (Vector) _mm512_mask_loadu_ps ((__m512) all (rest), (__mmask16) ((1u << n) - 1), x);
#else
  float numbers[LANES];

  for (guint i = 0; i < LANES; i++)
    numbers[i] = i < n ? x[i] : rest;
  return load (numbers);
#endif
}

static inline Vector
larger_of (Vector a, Vector b)
{
  const Mask first = a > b;

  return (Vector) ((first & (Mask) a) | (~first & (Mask) b));
}

static inline Vector
power_of_two_each (Mask n)
{
  return (Vector) ((n + 127) << 23);
}

/* exponential() of each. */
static inline Vector
exponentials (Vector x)
{
  const float magic = 12582912.0f;
  const Vector clamped = -larger_of (-larger_of (x, all (LEAST_EXPONENT)), all (-88.0f));
  const Mask counts = x >= LEAST_EXPONENT;
  const Vector n = (clamped * 1.44269504088896341f + magic) - magic;
  const Vector r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  const Mask whole = __builtin_convertvector(n, Mask), half = whole >> 1;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;

  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  p = p * power_of_two_each (half) * power_of_two_each (whole - half);
  return (Vector) (counts & (Mask) p);
}

static inline float
sum_of (Vector v)
{
  float a[8], b[4];

  for (guint i = 0; i < 8; i++)
    a[i] = v[i] + v[i + 8];
  for (guint i = 0; i < 4; i++)
    b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

static inline float
largest_of (Vector v)
{
  float a[8], b[4];

  for (guint i = 0; i < 8; i++)
    a[i] = larger (v[i], v[i + 8]);
  for (guint i = 0; i < 4; i++)
    b[i] = larger (a[i], a[i + 4]);
  return larger (larger (b[0], b[2]), larger (b[1], b[3]));
}
