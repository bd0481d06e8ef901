/* GstCbamOverlaySettings: the properties that say what to draw and how, the same on every element that draws.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamoverlaysettings.h"

#define DEFAULT_FONT "Sans Bold"
#define DEFAULT_OPACITY 0.7

enum
{
  SETTING_OVERLAY,
  SETTING_LINE_WIDTH,
  SETTING_FONT,
  SETTING_COLOURS,
  SETTING_LABEL_TEXT,
  SETTING_ATTENTION_VIEW,
  SETTING_HEAT_OPACITY,
};

GType
gst_cbam_overlay_parts_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_CBAM_OVERLAY_NONE, "Draw nothing", "none" },
    { GST_CBAM_OVERLAY_BOXES, "A rectangle around every detection", "boxes" },
    { GST_CBAM_OVERLAY_LABELS, "Name and score of every detection", "labels" },
    { GST_CBAM_OVERLAY_ATTENTION, "What the network's attention let through, as a heat map", "attention" },
    { GST_CBAM_OVERLAY_GRAD_CAM, "Where the evidence for the strongest detection lies, as a heat map", "grad-cam" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstCbamOverlay", values));
  return type;
}

GType
gst_cbam_label_text_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_CBAM_LABEL_TEXT_NAME, "The class's name", "name" },
    { GST_CBAM_LABEL_TEXT_SCORE, "The score in per cent", "score" },
    { GST_CBAM_LABEL_TEXT_ID, "The number that a tracker has given to the object", "id" },
    { GST_CBAM_LABEL_TEXT_CLASSES, "What classifiers saw in it, three classes at most", "classes" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstCbamLabelText", values));
  return type;
}

GType
gst_cbam_attention_view_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_CBAM_ATTENTION_VIEW_MEAN, "The mean of all levels", "mean" },
    { GST_CBAM_ATTENTION_VIEW_MAX, "The largest of all levels", "max" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0, "The finest level", "level-0" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 1, "Level 1", "level-1" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 2, "Level 2", "level-2" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 3, "Level 3", "level-3" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 4, "Level 4", "level-4" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 5, "Level 5", "level-5" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 6, "Level 6", "level-6" },
    { GST_CBAM_ATTENTION_VIEW_LEVEL_0 + 7, "Level 7", "level-7" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstCbamAttentionView", values));
  return type;
}

static GParamSpec *
param_spec (guint i, GstCbamOverlayParts overlay_default)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  switch (i) {
    case SETTING_OVERLAY:
      return g_param_spec_flags ("overlay", "Overlay",
                                 "What to draw on the frames: attached as GstVideoOverlayComposition where downstream "
                                 "takes it, else blended into the pixels",
                                 GST_TYPE_CBAM_OVERLAY_PARTS, overlay_default, flags);
    case SETTING_LINE_WIDTH:
      return g_param_spec_uint (
          "line-width", "Line width",
          "Width of a box's lines in pixels, 0..64, its dark rim not counted. 0 = by the size of the frame", 0, 64, 0,
          flags);
    case SETTING_FONT:
      return g_param_spec_string (
          "font-desc", "Font description",
          "Pango description of the labels' font, such as \"Sans Bold\" or \"Serif 12\". Without "
          "a size, that is by the size of the frame",
          DEFAULT_FONT, flags);
    case SETTING_COLOURS:
      return g_param_spec_string ("colors", "Colors",
                                  "Colours of boxes and labels: \"white\" for all, or \"person=#ff0000,car=lime\" for "
                                  "some classes, or both. Unset = a colour of its own for each class",
                                  NULL, flags);
    case SETTING_LABEL_TEXT:
      return g_param_spec_flags ("label-text", "Label text",
                                 "What labels say, of the class's name, the score in per cent, a tracker's number, and "
                                 "the classes that classifiers saw, with their scores",
                                 GST_TYPE_CBAM_LABEL_TEXT, GST_CBAM_LABEL_TEXT_ALL, flags);
    case SETTING_ATTENTION_VIEW:
      return g_param_spec_enum ("attention-view", "Attention view",
                                "Which attention the heat map shows: all levels together, or one of them, 0 = the "
                                "finest",
                                GST_TYPE_CBAM_ATTENTION_VIEW, GST_CBAM_ATTENTION_VIEW_MEAN, flags);
    case SETTING_HEAT_OPACITY:
      return g_param_spec_double ("heat-opacity", "Heat opacity",
                                  "How opaque a heat map is where it is hottest, 0..1. Cold places stay as they are", 0,
                                  1, DEFAULT_OPACITY, flags);
    default: g_return_val_if_reached (NULL);
  }
}

void
gst_cbam_overlay_settings_install (GObjectClass *klass, guint first_id, GstCbamOverlayParts overlay_default)
{
  for (guint i = 0; i < GST_CBAM_OVERLAY_N_SETTINGS; i++)
    g_object_class_install_property (klass, first_id + i, param_spec (i, overlay_default));
  gst_type_mark_as_plugin_api (GST_TYPE_CBAM_OVERLAY_PARTS, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_CBAM_LABEL_TEXT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_CBAM_ATTENTION_VIEW, 0);
}

void
gst_cbam_overlay_settings_init (GstCbamOverlaySettings *settings, GstCbamOverlayParts overlay)
{
  *settings = (GstCbamOverlaySettings){
    .overlay = overlay,
    .font = g_strdup (DEFAULT_FONT),
    .label_text = GST_CBAM_LABEL_TEXT_ALL,
    .heat_opacity = DEFAULT_OPACITY,
    .serial = 1,
  };
}

void
gst_cbam_overlay_settings_clear (GstCbamOverlaySettings *settings)
{
  g_clear_pointer (&settings->font, g_free);
  g_clear_pointer (&settings->colours, g_free);
}

void
gst_cbam_overlay_settings_copy (GstCbamOverlaySettings *to, const GstCbamOverlaySettings *from)
{
  gst_cbam_overlay_settings_clear (to);
  *to = *from;
  to->font = g_strdup (from->font);
  to->colours = g_strdup (from->colours);
}

gboolean
gst_cbam_overlay_settings_set (GstCbamOverlaySettings *settings, guint i, const GValue *value)
{
  switch (i) {
    case SETTING_OVERLAY: settings->overlay = g_value_get_flags (value); break;
    case SETTING_LINE_WIDTH: settings->line_width = g_value_get_uint (value); break;
    case SETTING_FONT:
      g_free (settings->font);
      settings->font = g_value_dup_string (value);
      break;
    case SETTING_COLOURS:
      g_free (settings->colours);
      settings->colours = g_value_dup_string (value);
      break;
    case SETTING_LABEL_TEXT: settings->label_text = g_value_get_flags (value); break;
    case SETTING_ATTENTION_VIEW: settings->attention_view = g_value_get_enum (value); break;
    case SETTING_HEAT_OPACITY: settings->heat_opacity = g_value_get_double (value); break;
    default: return FALSE;
  }
  settings->serial++;
  return TRUE;
}

gboolean
gst_cbam_overlay_settings_get (const GstCbamOverlaySettings *settings, guint i, GValue *value)
{
  switch (i) {
    case SETTING_OVERLAY: g_value_set_flags (value, settings->overlay); break;
    case SETTING_LINE_WIDTH: g_value_set_uint (value, settings->line_width); break;
    case SETTING_FONT: g_value_set_string (value, settings->font); break;
    case SETTING_COLOURS: g_value_set_string (value, settings->colours); break;
    case SETTING_LABEL_TEXT: g_value_set_flags (value, settings->label_text); break;
    case SETTING_ATTENTION_VIEW: g_value_set_enum (value, settings->attention_view); break;
    case SETTING_HEAT_OPACITY: g_value_set_double (value, settings->heat_opacity); break;
    default: return FALSE;
  }
  return TRUE;
}
