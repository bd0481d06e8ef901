/* GstCbamOverlaySettings: the properties that say what to draw and how, the same on every element that draws.
 * An element has one in its instance, under its object lock, and gives it the property ids from some number on.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

/**
 * GstCbamOverlayParts:
 * @GST_CBAM_OVERLAY_BOXES: a rectangle around every detection, one colour per class
 * @GST_CBAM_OVERLAY_LABELS: the class's name and the score at every detection
 * @GST_CBAM_OVERLAY_ATTENTION: what the network's attention let through, as a heat map
 * @GST_CBAM_OVERLAY_GRAD_CAM: where the evidence for the strongest detection lies, as a heat map
 *
 * What to draw on the frames. The type is registered under the name GstCbamOverlay.
 */
typedef enum
{
  GST_CBAM_OVERLAY_NONE = 0,
  GST_CBAM_OVERLAY_BOXES = 1 << 0,
  GST_CBAM_OVERLAY_LABELS = 1 << 1,
  GST_CBAM_OVERLAY_ATTENTION = 1 << 2,
  GST_CBAM_OVERLAY_GRAD_CAM = 1 << 3,
} GstCbamOverlayParts;

#define GST_TYPE_CBAM_OVERLAY_PARTS (gst_cbam_overlay_parts_get_type ())
GType gst_cbam_overlay_parts_get_type (void);

/**
 * GstCbamLabelText:
 * @GST_CBAM_LABEL_TEXT_NAME: the class's name
 * @GST_CBAM_LABEL_TEXT_SCORE: the score in per cent
 * @GST_CBAM_LABEL_TEXT_ID: the number that a tracker has given to the object
 * @GST_CBAM_LABEL_TEXT_CLASSES: what classifiers saw in it, three classes at most
 *
 * What labels say.
 */
typedef enum
{
  GST_CBAM_LABEL_TEXT_NAME = 1 << 0,
  GST_CBAM_LABEL_TEXT_SCORE = 1 << 1,
  GST_CBAM_LABEL_TEXT_ID = 1 << 2,
  GST_CBAM_LABEL_TEXT_CLASSES = 1 << 3,
} GstCbamLabelText;

#define GST_CBAM_LABEL_TEXT_ALL                                                                                        \
  (GST_CBAM_LABEL_TEXT_NAME | GST_CBAM_LABEL_TEXT_SCORE | GST_CBAM_LABEL_TEXT_ID | GST_CBAM_LABEL_TEXT_CLASSES)
#define GST_TYPE_CBAM_LABEL_TEXT (gst_cbam_label_text_get_type ())
GType gst_cbam_label_text_get_type (void);

/**
 * GstCbamAttentionView:
 * @GST_CBAM_ATTENTION_VIEW_MEAN: the mean of all levels
 * @GST_CBAM_ATTENTION_VIEW_MAX: the largest of all levels
 * @GST_CBAM_ATTENTION_VIEW_LEVEL_0: the finest level; the next ones count on from it
 *
 * Which attention the heat map shows.
 */
typedef enum
{
  GST_CBAM_ATTENTION_VIEW_MEAN,
  GST_CBAM_ATTENTION_VIEW_MAX,
  GST_CBAM_ATTENTION_VIEW_LEVEL_0,
} GstCbamAttentionView;

#define GST_TYPE_CBAM_ATTENTION_VIEW (gst_cbam_attention_view_get_type ())
GType gst_cbam_attention_view_get_type (void);

typedef struct
{
  GstCbamOverlayParts overlay;
  guint line_width; /* in pixels, 0 = by the frame's size */
  char *font;       /* a Pango description; without a size, that is by the frame's */
  char *colours;    /* as the property says; NULL = one for each class */
  GstCbamLabelText label_text;
  GstCbamAttentionView attention_view;
  double heat_opacity; /* of the hottest place */
  guint serial;        /* private: counts changes */
} GstCbamOverlaySettings;

/* How many property ids gst_cbam_overlay_settings_install() takes. */
#define GST_CBAM_OVERLAY_N_SETTINGS 7

/* Installs the properties with ids from @first_id on. */
void gst_cbam_overlay_settings_install (GObjectClass *klass, guint first_id, GstCbamOverlayParts overlay_default);

void gst_cbam_overlay_settings_init (GstCbamOverlaySettings *settings, GstCbamOverlayParts overlay);
void gst_cbam_overlay_settings_clear (GstCbamOverlaySettings *settings);
void gst_cbam_overlay_settings_copy (GstCbamOverlaySettings *to, const GstCbamOverlaySettings *from);

/* @i: the property's id less the first one. FALSE: it is none of these. */
gboolean gst_cbam_overlay_settings_set (GstCbamOverlaySettings *settings, guint i, const GValue *value);
gboolean gst_cbam_overlay_settings_get (const GstCbamOverlaySettings *settings, guint i, GValue *value);
