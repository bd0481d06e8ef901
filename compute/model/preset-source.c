/* Seeded weights for a preset.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model/preset-source.h"

#include <math.h>
#include <stdio.h>

/* Uniform with the variance that keeps a ReLU network's activations as large as its input. Batch norms are near the
 * identity. The same name and seed give the same values, whatever was read before. */
static gboolean
source_read (CbamParamSource *source, CbamParam *param, GError **error)
{
  const gboolean near_one = g_str_has_suffix (param->name, "running_var") ||
                            (param->n_dims == 1 && g_str_has_suffix (param->name, ".weight"));
  GRand *rand = g_rand_new_with_seed (((CbamPresetSource *) source)->seed ^ g_str_hash (param->name));
  double fan_in = 1, spread;

  for (guint i = 1; i < param->n_dims; i++)
    fan_in *= (double) param->dims[i];
  spread = param->n_dims > 1 ? sqrt (6.0 / fan_in) : 0.1;
  param->values = g_new (float, param->n);
  for (gsize i = 0; i < param->n; i++)
    param->values[i] = (float) (near_one + g_rand_double_range (rand, -spread, spread));
  g_rand_free (rand);
  return TRUE;
}

/* As the papers' networks: MobileNet's trunk has batch norms, everything else biases. */
static gboolean
source_has (CbamParamSource *source, const char *name)
{
  guint block, layer;

  if (sscanf (name, "base_net.%u.%u.", &block, &layer) == 2)
    return layer == 1 || layer == 4;
  return g_str_has_suffix (name, ".bias");
}

static gsize
source_dim (CbamParamSource *source, const char *name, guint i)
{
  const gboolean is_head = g_str_has_prefix (name, "loc.") || g_str_has_prefix (name, "conf.");

  return is_head && i >= 2 ? ((CbamPresetSource *) source)->preset->head_kernel : 0;
}

CbamPresetSource
cbam_preset_source (const CbamPreset *preset, guint32 seed)
{
  return (CbamPresetSource){ { source_read, source_has, source_dim }, preset, seed };
}
