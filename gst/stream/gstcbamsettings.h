/* GstCbamSettings: the properties of `cbamdetect`: those of its engine, which are kept there, and all others but
 * `stats`, which is no setting.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/video/video.h>

#include "draw/gstcbamoverlaysettings.h"
#include "gstcbamenginesettings.h"

/**
 * GstCbamCarry:
 * @GST_CBAM_CARRY_NONE: nothing
 * @GST_CBAM_CARRY_LAST: what was found in the last inferred frame, with its age
 *
 * What frames without inference carry.
 */
typedef enum
{
  GST_CBAM_CARRY_NONE,
  GST_CBAM_CARRY_LAST,
} GstCbamCarry;

#define GST_TYPE_CBAM_CARRY (gst_cbam_carry_get_type ())
GType gst_cbam_carry_get_type (void);

enum
{
  GST_CBAM_PROP_THRESHOLD = GST_CBAM_PROP_OWN,
  GST_CBAM_PROP_THRESHOLD_SHIFT,
  GST_CBAM_PROP_NMS_IOU,
  GST_CBAM_PROP_NMS_ACROSS,
  GST_CBAM_PROP_MAX_DETECTIONS,
  GST_CBAM_PROP_CLASSES,
  GST_CBAM_PROP_ROI,
  GST_CBAM_PROP_VIDEO_DIRECTION,
  GST_CBAM_PROP_INTERVAL,
  GST_CBAM_PROP_CARRY,
  GST_CBAM_PROP_ATTENTION,
  GST_CBAM_PROP_GRAD_CAM,
  GST_CBAM_PROP_QOS,
  GST_CBAM_PROP_POST_MESSAGES,
  GST_CBAM_PROP_STATS,
  GST_CBAM_PROP_OVERLAY, /* and what else GstCbamOverlaySettings has */
};

typedef struct
{
  double threshold;       /* < 0: the model's own, shifted */
  double threshold_shift; /* < 0: by this share of the way to 0; > 0: to 1 */
  double nms_iou;         /* < 0: the model's own */
  double nms_across;      /* < 0: the model's own */
  int max_detections;     /* < 0: the model's own; 0: all */
  char *classes;
  char *roi;
  CbamRegion region;                         /* what @roi says, once the element runs */
  GstVideoOrientationMethod video_direction; /* never custom */
  guint interval;
  GstCbamCarry carry;
  gboolean attention, grad_cam;
  gboolean qos;
  gboolean post_messages;
  GstCbamOverlaySettings drawing;
} GstCbamSettings;

void gst_cbam_settings_init (GstCbamSettings *settings);
void gst_cbam_settings_clear (GstCbamSettings *settings);

/* What the engine's properties are for here. */
extern const GstCbamEngineTexts gst_cbam_settings_texts;

/* Installs all properties above, and those of the engine. */
void gst_cbam_settings_install (GObjectClass *klass);

/* FALSE: it is none of these. */
gboolean gst_cbam_settings_set (GstCbamSettings *settings, guint id, const GValue *value);
gboolean gst_cbam_settings_get (const GstCbamSettings *settings, guint id, GValue *value);

/* What a score must exceed to be reported by a model whose own threshold is @own. */
double gst_cbam_settings_get_threshold (const GstCbamSettings *settings, double own);

/* What to ask of @model now: its own numbers, overridden by properties. Every class, and the whole frame. */
CbamDetectParams gst_cbam_settings_get_params (const GstCbamSettings *settings, const CbamModel *model);
