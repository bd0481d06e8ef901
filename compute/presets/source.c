/* Seeded weights for a preset, and which tensors it has: what a file would say by its names and shapes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "presets/source.h"

#include <stdio.h>
#include <string.h>

#include "presets/seeded.h"

#define LATERALS 6 /* of every StairNet preset */

static const CbamPreset *
preset_of (CbamParamSource *source)
{
  return ((CbamPresetSource *) source)->preset;
}

static gboolean
source_read (CbamParamSource *source, CbamParam *param, GError **error)
{
  param->values = g_new (float, param->n);
  cbam_seeded_fill (param->name, param->dims, param->n_dims, ((CbamPresetSource *) source)->seed, param->values);
  return TRUE;
}

static gboolean
is_batch_norm (const char *name)
{
  guint block, layer;

  if (sscanf (name, "base_net.%u.%u.", &block, &layer) == 2)
    return layer == 1 || layer == 4;
  return strstr (name, ".bn.") != NULL || strstr (name, "_bn_") != NULL;
}

/* As the papers' networks: MobileNet's trunk, StairNet's convolutions and the inside of attention modules have batch
 * norms, everything else biases. */
static gboolean
source_has (CbamParamSource *source, const char *name)
{
  const CbamPreset *preset = preset_of (source);

  if (g_str_has_prefix (name, "topdown.extra_layers."))
    return is_batch_norm (name);
  if (g_str_has_prefix (name, "topdown."))
    return is_batch_norm (name) && preset->neck_norm;
  if (g_str_has_prefix (name, "att."))
    return is_batch_norm (name) ||
           (g_str_has_suffix (name, ".bias") && !strstr (name, "bn_out") && !strstr (name, "SpatialGate"));
  if (g_str_has_prefix (name, "base_net."))
    return is_batch_norm (name);
  return g_str_has_suffix (name, ".bias") && !is_batch_norm (name);
}

/* Names that recipes ask for the shapes of. A dimension of 0 is not known. */
static gsize
source_dim (CbamParamSource *source, const char *name, guint i)
{
  const CbamPreset *preset = preset_of (source);
  const gsize head = preset->head_kernel, width = preset->neck_width, post = preset->post_kernel;
  const gsize hidden = width / 16, depth = preset->depthwise_steps ? 1 : width;
  guint lateral;
  const struct
  {
    const char *prefix, *suffix;
    gsize dims[4];
  } shapes[] = {
    { "loc.", "", { 0, 0, head, head } },
    { "conf.", "", { 0, 0, head, head } },
    { "extras.8.weight", "", { preset->ten_extras ? 128 : 0 } },
    { "topdown.proj_layers.", ".conv.weight", { width, 0, 1, 1 } },
    { "topdown.topdown_layers.", ".upsample.weight", { width, depth, 3, 3 } },
    { "topdown.extra_layers.", ".conv.weight", { width, width, post, post } },
    { "att.", ".fc.0.weight", { hidden, width } },
    { "att.", ".ChannelGate.mlp.1.weight", { hidden, width } },
    { "att.", ".gate_c_fc_0.weight", { hidden, width } },
    { "att.", ".gate_s_conv_reduce0.weight", { hidden, width, 1, 1 } },
    { "att.", ".SpatialGate.spatial.conv.weight", { 1, 2, 7, 7 } },
  };

  if (g_str_has_suffix (name, ".dw.conv.weight") || i >= 4 ||
      (sscanf (name, "topdown.proj_layers.%u.", &lateral) == 1 && lateral >= LATERALS))
    return 0;
  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    if (g_str_has_prefix (name, shapes[s].prefix) && g_str_has_suffix (name, shapes[s].suffix))
      return shapes[s].dims[i];
  return 0;
}

CbamPresetSource
cbam_preset_source (const CbamPreset *preset, guint32 seed)
{
  return (CbamPresetSource){ { source_read, source_has, source_dim }, preset, seed };
}
