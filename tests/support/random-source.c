/* Weights made up from a seed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "random-source.h"

#include <math.h>

static gboolean
read_param (CbamParamSource *source, CbamParam *param, GError **error)
{
  RandomSource *self = (RandomSource *) source;
  const gboolean is_variance = g_str_has_suffix (param->name, "running_var");
  const gboolean is_gamma = param->n_dims == 1 && g_str_has_suffix (param->name, "weight");
  double fan_in = 1;

  for (guint i = 1; i < param->n_dims; i++)
    fan_in *= (double) param->dims[i];
  param->values = g_new (float, param->n);
  for (gsize i = 0; i < param->n; i++) {
    const double low = is_variance || is_gamma ? 0.5 : -1, high = is_variance || is_gamma ? 1.5 : 1;

    param->values[i] = (float) (g_rand_double_range (self->rand, low, high) * self->spread / sqrt (fan_in));
  }
  return TRUE;
}

static gboolean
has (CbamParamSource *source, const char *name)
{
  RandomSource *self = (RandomSource *) source;

  if (g_str_has_suffix (name, ".bias"))
    return self->bias;
  return self->batch_norm;
}

static gsize
dim (CbamParamSource *source, const char *name, guint i)
{
  return 0;
}

void
random_source_init (RandomSource *source, guint32 seed)
{
  *source = (RandomSource){ .source = { read_param, has, dim }, .bias = TRUE, .spread = 1.7 };
  source->rand = g_rand_new_with_seed (seed);
}

void
random_source_clear (RandomSource *source)
{
  g_clear_pointer (&source->rand, g_rand_free);
}

void
random_fill_nasty (GRand *rand, float *values, gsize n)
{
  static const float nasty[] = { 0.0f, -0.0f, 1e-42f, -1e-42f, 1e-30f, 1e4f, -1e4f, 1.0f };

  for (gsize i = 0; i < n; i++) {
    values[i] = (float) g_rand_double_range (rand, -1, 1);
    if (g_rand_int_range (rand, 0, 16) == 0)
      values[i] = nasty[g_rand_int_range (rand, 0, G_N_ELEMENTS (nasty))];
  }
}
