/* Seeded weights for a preset, and which tensors it has: what a file would say by its names and shapes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "presets/source.h"

#include <string.h>

#include "presets/seeded.h"

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

/* What belongs to a layer. */
typedef enum
{
  NOTHING,
  WEIGHT, /* alone */
  BIAS,   /* with its weight */
  NORM,   /* the four tensors of a batch norm */
} Tensors;

typedef struct
{
  const char *name; /* '#' stands for a number */
  Tensors tensors;
  gsize dims[4]; /* of the weight, as far as recipes ask; 0 = they know it */
  guint n;       /* numbers are below this; 0 = any */
} Layer;

static gboolean
matches (const Layer *layer, const char *name, gsize length)
{
  const char *end = name + length;

  for (const char *p = layer->name; *p; p++) {
    if (*p == '#') {
      char *rest;
      const guint64 number = g_ascii_isdigit (*name) ? g_ascii_strtoull (name, &rest, 10) : G_MAXUINT64;

      if (number >= (layer->n > 0 ? layer->n : G_MAXUINT))
        return FALSE;
      name = rest;
    } else if (*name++ != *p) {
      return FALSE;
    }
  }
  return name == end;
}

/* The layers of all presets, of which a network asks for its own: MobileNet's trunk, StairNet's convolutions and the
 * inside of attention modules have batch norms, everything else biases, as in the papers' networks; where batch norms
 * are folded, all have biases. Returns the one that @tensor belongs to, with NOTHING where the preset has none. */
static Layer
find_layer (const CbamPreset *preset, const char *tensor)
{
  const gsize head = preset->head_kernel, width = preset->neck_width, post = preset->post_kernel;
  const gsize reduced = preset->extra_kernel > 0 ? 128 : 0, hidden = width / 16,
              depth = preset->depthwise_steps ? 1 : width;
  const Tensors neck_norm = preset->neck_norm ? NORM : NOTHING;
  const Tensors neck = preset->folded ? BIAS : WEIGHT, norm = preset->folded ? NOTHING : NORM;
  const Tensors full = preset->separable_posts ? NOTHING : neck, separable = preset->separable_posts ? BIAS : NOTHING;
  const Layer layers[] = {
    { "vgg.#", BIAS },
    { "L2Norm", WEIGHT },
    { "base_net.#.0", WEIGHT },
    { "base_net.#.1", NORM },
    { "base_net.#.3", WEIGHT },
    { "base_net.#.4", NORM },
    { "extras.8", preset->ten_extras ? BIAS : NOTHING, { 128 } },
    { "extras.#", BIAS },
    { "extras.0.0", preset->extra_norm ? WEIGHT : BIAS, { reduced } },
    { "extras.#.0", preset->extra_norm         ? WEIGHT
                    : preset->extra_kernel > 0 ? NOTHING
                                               : BIAS },
    { "extras.#.1", preset->extra_norm ? NORM : NOTHING },
    { "extras.#.2", BIAS, { 0, 0, preset->extra_kernel } },
    { "extras.#.3", preset->extra_norm ? WEIGHT : NOTHING },
    { "extras.#.4", preset->extra_norm ? NORM : BIAS },
    { "conv1", WEIGHT },
    { "bn1", NORM },
    { "layer#.#.conv#", WEIGHT },
    { "layer#.#.bn#", NORM },
    { "layer#.#.downsample.0", WEIGHT },
    { "layer#.#.downsample.1", NORM },
    { "layer#.#.cbam.ChannelGate.mlp.#", BIAS },
    { "layer#.#.cbam.SpatialGate.reduce", WEIGHT },
    { "layer#.#.cbam.SpatialGate.spatial.conv", WEIGHT, { 0, 0, preset->spatial_kernel } },
    { "layer#.#.cbam.SpatialGate.spatial.bn", NORM },
    { "layer#.#.se.fc.#", BIAS },
    { "base_net.#.att.#.fc.#", BIAS },
    { "base_net.#.att.#.ChannelGate.mlp.#", BIAS },
    { "base_net.#.att.#.SpatialGate.spatial.conv", WEIGHT },
    { "base_net.#.att.#.SpatialGate.spatial.bn", NORM },
    { "bam#.channel_att.gate_c.gate_c_fc_0", BIAS },
    { "bam#.channel_att.gate_c.gate_c_bn_1", NORM },
    { "bam#.channel_att.gate_c.gate_c_fc_final", BIAS },
    { "bam#.spatial_att.gate_s.gate_s_conv_reduce0", BIAS },
    { "bam#.spatial_att.gate_s.gate_s_bn_reduce0", NORM },
    { "bam#.spatial_att.gate_s.gate_s_conv_di_#", BIAS },
    { "bam#.spatial_att.gate_s.gate_s_bn_di_#", NORM },
    { "bam#.spatial_att.gate_s.gate_s_conv_final", BIAS },
    { "fc", BIAS },
    { "features.#.0", WEIGHT },
    { "features.#.1", NORM },
    { "features.1.conv.1", WEIGHT }, /* the one that does not widen first */
    { "features.1.conv.2", NORM },
    { "features.#.conv.#.0", WEIGHT },
    { "features.#.conv.#.1", NORM },
    { "features.#.conv.2", WEIGHT },
    { "features.#.conv.3", NORM },
    { "_conv_stem", WEIGHT },
    { "_conv_head", WEIGHT },
    { "_bn#", NORM },
    { "_blocks.#._expand_conv", WEIGHT },
    { "_blocks.#._depthwise_conv", WEIGHT },
    { "_blocks.#._project_conv", WEIGHT },
    { "_blocks.#._bn#", NORM },
    { "features.#.block.#.0", WEIGHT },
    { "features.#.block.#.1", NORM },
    { "features.#.block.2.fc#", BIAS },
    { "conv_stem", WEIGHT },
    { "blocks.#.#.ghost#.primary_conv.0", WEIGHT },
    { "blocks.#.#.ghost#.primary_conv.1", NORM },
    { "blocks.#.#.ghost#.cheap_operation.0", WEIGHT },
    { "blocks.#.#.ghost#.cheap_operation.1", NORM },
    { "blocks.#.#.conv_dw", WEIGHT },
    { "blocks.#.#.bn_dw", NORM },
    { "blocks.#.#.se.conv_reduce", BIAS },
    { "blocks.#.#.se.conv_expand", BIAS },
    { "blocks.#.#.shortcut.0", WEIGHT },
    { "blocks.#.#.shortcut.1", NORM },
    { "blocks.#.#.shortcut.2", WEIGHT },
    { "blocks.#.#.shortcut.3", NORM },
    { "blocks.9.0.conv", WEIGHT },
    { "blocks.9.0.bn1", NORM },
    { "hidden", BIAS },
    { "extras.#.conv.#.0", WEIGHT },
    { "extras.#.conv.#.1", NORM },
    { "extras.#.conv.2", WEIGHT },
    { "extras.#.conv.3", NORM },
    { "conv1.0", BIAS },
    { "stage#.#.branch1.0", BIAS },
    { "stage#.#.branch1.2", BIAS },
    { "stage#.#.branch2.0", BIAS },
    { "stage#.#.branch2.3", BIAS },
    { "stage#.#.branch2.5", BIAS },
    { "topdown.proj_layers.#.conv", neck, { width, 0, 1, 1 }, .n = preset->laterals > 0 ? preset->laterals : 6 },
    { "topdown.proj_layers.#.bn", neck_norm },
    { "topdown.topdown_layers.#.upsample", neck, { width, depth, 3, 3 } },
    { "topdown.topdown_layers.#.bn", neck_norm },
    { "topdown.extra_layers.#.conv", full, { width, width, post, post } },
    { "topdown.extra_layers.#.bn", norm },
    { "topdown.extra_layers.#.dw.conv", separable, { width, 1, post, post } },
    { "topdown.extra_layers.#.pw.conv", separable, { width, width, 1, 1 } },
    { "topdown.extra_layers.#.1.dw.conv", separable, { width, 1, post, post } },
    { "topdown.extra_layers.#.1.pw.conv", separable, { width, width, 1, 1 } },
    { "att.#.fc.0", BIAS, { hidden, width } },
    { "att.#.fc.2", BIAS },
    { "att.#.ChannelGate.mlp.1", BIAS, { hidden, width } },
    { "att.#.ChannelGate.mlp.3", BIAS },
    { "att.#.SpatialGate.spatial.conv", neck, { 1, 2, 7, 7 } },
    { "att.#.SpatialGate.spatial.bn", norm },
    { "att.#.channel_att.gate_c.gate_c_fc_0", BIAS, { hidden, width } },
    { "att.#.channel_att.gate_c.gate_c_bn_1", NORM },
    { "att.#.channel_att.gate_c.gate_c_fc_final", BIAS },
    { "att.#.spatial_att.gate_s.gate_s_conv_reduce0", BIAS, { hidden, width, 1, 1 } },
    { "att.#.spatial_att.gate_s.gate_s_bn_reduce0", NORM },
    { "att.#.spatial_att.gate_s.gate_s_conv_di_#", BIAS },
    { "att.#.spatial_att.gate_s.gate_s_bn_di_#", NORM },
    { "att.#.spatial_att.gate_s.gate_s_conv_final", BIAS },
    { "loc.#", BIAS, { 0, 0, head, head } },
    { "conf.#", BIAS, { 0, 0, head, head } },
  };
  const char *dot = strrchr (tensor, '.');

  for (guint i = 0; dot != NULL && i < G_N_ELEMENTS (layers); i++)
    if (matches (&layers[i], tensor, (gsize) (dot - tensor)))
      return layers[i];
  return (Layer){ .tensors = NOTHING };
}

static gboolean
source_has (CbamParamSource *source, const char *name)
{
  const Layer layer = find_layer (preset_of (source), name);

  if (g_str_has_suffix (name, ".weight"))
    return layer.tensors != NOTHING;
  return layer.tensors == NORM || (layer.tensors == BIAS && g_str_has_suffix (name, ".bias"));
}

static gsize
source_dim (CbamParamSource *source, const char *name, guint i)
{
  const Layer layer = find_layer (preset_of (source), name);

  return i < 4 && layer.tensors != NOTHING && g_str_has_suffix (name, ".weight") ? layer.dims[i] : 0;
}

CbamPresetSource
cbam_preset_source (const CbamPreset *preset, guint32 seed)
{
  return (CbamPresetSource){ { source_read, source_has, source_dim }, preset, seed };
}
