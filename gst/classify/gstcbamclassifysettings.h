/* GstCbamClassifySettings: the properties of `cbamclassify`: those of its engine, which are kept there, and all others
 * but `stats`, which is no setting.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

#include "stream/gstcbamenginesettings.h"

/**
 * GstCbamOn:
 * @GST_CBAM_ON_REGIONS: every region of interest that is on the frame
 * @GST_CBAM_ON_FRAME: the whole frame
 *
 * What a classifier looks at. The type is registered under the name GstCbamClassifyOn.
 */
typedef enum
{
  GST_CBAM_ON_REGIONS,
  GST_CBAM_ON_FRAME,
} GstCbamOn;

#define GST_TYPE_CBAM_ON (gst_cbam_on_get_type ())
GType gst_cbam_on_get_type (void);

enum
{
  GST_CBAM_CLASSIFY_PROP_ON = GST_CBAM_PROP_OWN,
  GST_CBAM_CLASSIFY_PROP_THRESHOLD,
  GST_CBAM_CLASSIFY_PROP_TOP_K,
  GST_CBAM_CLASSIFY_PROP_LABELS,
  GST_CBAM_CLASSIFY_PROP_CLASSES,
  GST_CBAM_CLASSIFY_PROP_PADDING,
  GST_CBAM_CLASSIFY_PROP_MIN_SIZE,
  GST_CBAM_CLASSIFY_PROP_VIDEO_DIRECTION,
  GST_CBAM_CLASSIFY_PROP_INTERVAL,
  GST_CBAM_CLASSIFY_PROP_RECLASSIFY_INTERVAL,
  GST_CBAM_CLASSIFY_PROP_QOS,
  GST_CBAM_CLASSIFY_PROP_ATTENTION,
  GST_CBAM_CLASSIFY_PROP_GRAD_CAM,
  GST_CBAM_CLASSIFY_PROP_POST_MESSAGES,
  GST_CBAM_CLASSIFY_PROP_STATS,
};

typedef struct
{
  GstCbamOn on;
  double threshold; /* < 0: the model's own */
  guint top_k;
  char *labels;
  char **names; /* what the file @labels says, once the element runs; NULL: the model's own */
  char *classes;
  char **wanted; /* what @classes says, case folded; NULL: all */
  double padding;
  guint min_size;
  GstVideoOrientationMethod video_direction; /* never custom */
  guint interval, reclassify_interval;
  gboolean qos;
  gboolean attention, grad_cam;
  gboolean post_messages;
} GstCbamClassifySettings;

void gst_cbam_classify_settings_init (GstCbamClassifySettings *settings);
void gst_cbam_classify_settings_clear (GstCbamClassifySettings *settings);

/* What the engine's properties are for here. */
extern const GstCbamEngineTexts gst_cbam_classify_texts;

/* Installs all properties above, and those of the engine. */
void gst_cbam_classify_settings_install (GObjectClass *klass);

/* FALSE: it is none of these. */
gboolean gst_cbam_classify_settings_set (GstCbamClassifySettings *settings, guint id, const GValue *value);
gboolean gst_cbam_classify_settings_get (const GstCbamClassifySettings *settings, guint id, GValue *value);

/* Reads the file of names at @path, which the property says. *@names: (transfer full) (nullable): NULL where it says
 * none. FALSE with GST_RESOURCE_ERROR_SETTINGS: it cannot be read. */
gboolean gst_cbam_classify_read_names (const char *path, char ***names, GError **error);

/* What to ask of a classifier. */
CbamDetectParams gst_cbam_classify_settings_get_params (const GstCbamClassifySettings *settings);
