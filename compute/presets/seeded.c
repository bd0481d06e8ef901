/* Draws the weights of a tensor from its name and a seed, as seeded.h writes it down.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "presets/seeded.h"

#include <math.h>

#define GOLDEN G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static guint64
start_of (const char *name, guint32 seed)
{
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325); /* FNV-1a */

  for (; *name; name++)
    hash = (hash ^ (guint8) *name) * G_GUINT64_CONSTANT (0x100000001b3);
  return hash ^ (seed * GOLDEN);
}

static double
draw (guint64 start, gsize i)
{
  guint64 z = start + (i + 1) * GOLDEN;

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  z ^= z >> 31;
  return (double) (z >> 40) / (double) (1 << 24);
}

double
cbam_seeded_uniform (const char *name, guint32 seed, gsize i)
{
  return draw (start_of (name, seed), i);
}

/* What a vector's numbers are about: the first that its name ends in. */
static double
middle_of (const char *name)
{
  static const struct
  {
    const char *end;
    double middle;
  } middles[] = {
    { ".bn3.weight", 0.25 }, { ".conv.3.weight", 0.5 }, { ".weight", 1 }, { ".gamma", 1 }, { ".running_var", 1 }
  };

  for (guint i = 0; i < G_N_ELEMENTS (middles); i++)
    if (g_str_has_suffix (name, middles[i].end))
      return middles[i].middle;
  return 0;
}

void
cbam_seeded_fill (const char *name, const gsize *dims, guint n_dims, guint32 seed, float *values)
{
  const double middle = n_dims == 1 ? middle_of (name) : 0;
  const guint64 start = start_of (name, seed);
  gsize fan_in = 1, n;
  double spread;

  for (guint i = 1; i < n_dims; i++)
    fan_in *= dims[i];
  n = fan_in * dims[0];
  spread = n_dims > 1 ? sqrt (6.0 / (double) fan_in) : 0.1;
  for (gsize i = 0; i < n; i++)
    values[i] = (float) (middle + (2 * draw (start, i) - 1) * spread);
}
