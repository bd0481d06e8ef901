/* Explanations: which maps of a result --attention and --grad-cam draw.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "explanation.h"

#include <string.h>

gboolean
explanation_parse_attention (const char *which, Explanation *explanation)
{
  static const struct
  {
    const char *name;
    ExplanationKind kind;
  } views[] = {
    { "mean", EXPLAIN_ATTENTION_MEAN },
    { "max", EXPLAIN_ATTENTION_MAX },
    { "levels", EXPLAIN_ATTENTION_LEVELS },
  };
  for (guint i = 0; i < G_N_ELEMENTS (views); i++)
    if (strcmp (which, views[i].name) == 0) {
      *explanation = (Explanation){ .kind = views[i].kind };
      return TRUE;
    }

  guint64 level;
  if (!g_ascii_string_to_unsigned (which, 10, 0, G_MAXUINT, &level, NULL))
    return FALSE;
  *explanation = (Explanation){ .kind = EXPLAIN_ATTENTION_LEVEL, .number = (guint) level };
  return TRUE;
}

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, message);
  return FALSE;
}

gboolean
explanation_check_attention (const Explanation *explanation, const CbamModelInfo *info, gboolean is_drawn,
                             GError **error)
{
  const gulong levels = info->spatial_levels | info->channel_levels;
  if (levels == 0)
    return refuse (
        error, "--attention: expected a network with attention weights of places or channels %s, found none in '%s'",
        info->detector != NULL ? "before its heads" : "in its blocks", info->name);

  const gboolean wants_level = explanation->kind == EXPLAIN_ATTENTION_LEVEL;
  const guint32 shown = !wants_level ? ~0u : explanation->number < 32 ? 1u << explanation->number : 0;
  if ((levels & shown) == 0)
    return refuse (error, "--attention: expected a level from %d to %d, found %u", g_bit_nth_lsf (levels, -1),
                   g_bit_nth_msf (levels, -1), explanation->number);
  if (is_drawn && (info->spatial_levels & shown) == 0)
    return refuse (error,
                   "--attention: expected weights of places to draw, found weights of channels only in '%s' (--json "
                   "without --output prints those)",
                   info->name);
  return TRUE;
}

static CbamDrawingHeat *
level_heat (const CbamAttention *attention)
{
  const CbamMap *map = attention->spatial;
  float min, max;
  cbam_drawing_map_range (map, &min, &max);
  const float range = max - min;
  const int digits = range == 0 || range >= 0.1F ? 2 : range >= 0.01F ? 3 : 4; /* so that they differ */
  g_autofree char *low = g_strdup_printf ("%.*f", digits, min);
  g_autofree char *high = g_strdup_printf ("%.*f", digits, max);
  CbamDrawingHeat *heat = cbam_drawing_heat_new (CBAM_DRAWING_HEAT_MAX, low, high, "attention, level %u: %ux%u",
                                                 attention->level, map->width, map->height);
  cbam_drawing_heat_add (heat, map, min, max);
  return heat;
}

static void
add_attention (GPtrArray *heat_maps, const Explanation *explanation, const CbamResult *result)
{
  const gsize n = cbam_result_get_n_attention (result);
  if (explanation->kind == EXPLAIN_ATTENTION_MEAN || explanation->kind == EXPLAIN_ATTENTION_MAX) {
    const CbamDrawingHeatMix mix =
        explanation->kind == EXPLAIN_ATTENTION_MAX ? CBAM_DRAWING_HEAT_MAX : CBAM_DRAWING_HEAT_MEAN;
    CbamDrawingHeat *heat = cbam_drawing_heat_new (mix, "low", "high", "attention, %s of levels",
                                                   mix == CBAM_DRAWING_HEAT_MAX ? "max" : "mean");
    for (gsize i = 0; i < n; i++)
      cbam_drawing_heat_add_attention (heat, cbam_result_get_attention (result, i));
    g_ptr_array_add (heat_maps, heat);
    return;
  }
  for (gsize i = 0; i < n; i++) {
    const CbamAttention *attention = cbam_result_get_attention (result, i);
    if (attention->spatial != NULL &&
        (explanation->kind == EXPLAIN_ATTENTION_LEVELS || attention->level == explanation->number))
      g_ptr_array_add (heat_maps, level_heat (attention));
  }
}

static void
add_grad_cam (GPtrArray *heat_maps, guint n, const CbamResult *result)
{
  const gsize n_classes = cbam_result_get_n_classes (result);
  n = (guint) MIN (n, n_classes + cbam_result_get_n_detections (result)); /* of which there is one kind */
  if (n == 0)
    return;

  const char *first =
      n_classes > 0 ? cbam_result_get_class (result, 0)->label : cbam_result_get_detection (result, 0)->label;
  CbamDrawingHeat *heat =
      n == 1 ? cbam_drawing_heat_new (CBAM_DRAWING_HEAT_MAX, "0", "1", "Grad-CAM of %s", first)
             : cbam_drawing_heat_new (CBAM_DRAWING_HEAT_MAX, "0", "1", "Grad-CAM of the %u strongest", n);
  for (guint i = 0; i < n; i++) {
    const CbamMap *map = cbam_result_get_grad_cam (result, i);
    if (map != NULL)
      cbam_drawing_heat_add (heat, map, 0, 1);
  }
  g_ptr_array_add (heat_maps, heat);
}

GPtrArray *
explanation_heat_maps (const Explanation *explanation, const CbamResult *result)
{
  GPtrArray *heat_maps = g_ptr_array_new_with_free_func ((GDestroyNotify) cbam_drawing_heat_free);
  if (explanation->kind == EXPLAIN_GRAD_CAM)
    add_grad_cam (heat_maps, explanation->number, result);
  else if (explanation->kind != EXPLAIN_NOTHING)
    add_attention (heat_maps, explanation, result);
  return heat_maps;
}
