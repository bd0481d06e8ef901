/* GstCbamEngineSettings: the properties that say what runs and on what, the same on every element that infers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/gst.h>

/* Numbers of properties: these first, and then each element's own. */
enum
{
  GST_CBAM_PROP_0,
  GST_CBAM_PROP_MODEL,
  GST_CBAM_PROP_DEVICE,
  GST_CBAM_PROP_CPU_THREADS,
  GST_CBAM_PROP_PRECISION,
  GST_CBAM_PROP_QUEUE_DEPTH,
  GST_CBAM_PROP_TIMEOUT,
  GST_CBAM_PROP_MAX_BATCH, /* only where regions are submitted together */
  GST_CBAM_PROP_OWN,
};

/* May be changed at any time, or below PAUSED only. */
#define GST_CBAM_PLAYING (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define GST_CBAM_READY (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

typedef struct
{
  char *model; /* NULL: the default one */
  char *device;
  guint cpu_threads; /* 0: as many as there are processors */
  CbamPrecision precision;
  guint queue_depth, max_batch;
  int timeout; /* milliseconds; < 0: the device's own; 0: none */
} GstCbamEngineSettings;

/* What the texts of properties say of an element. */
typedef struct
{
  const char *model;       /* what a model is, and which one is used where none is named */
  const char *queue_depth; /* what becomes of a frame, or a part of one, that finds no place */
  guint slots;             /* the default of queue-depth */
  guint max_batch;         /* that of max-batch; 0 = there is no such property, and one frame is one submission */
} GstCbamEngineTexts;

void gst_cbam_engine_settings_init (GstCbamEngineSettings *settings, const GstCbamEngineTexts *texts);
void gst_cbam_engine_settings_clear (GstCbamEngineSettings *settings);

/* Installs the properties above. */
void gst_cbam_engine_settings_install (GObjectClass *klass, const GstCbamEngineTexts *texts);

/* FALSE: it is none of these. */
gboolean gst_cbam_engine_settings_set (GstCbamEngineSettings *settings, guint id, const GValue *value);
gboolean gst_cbam_engine_settings_get (const GstCbamEngineSettings *settings, guint id, GValue *value);

/* Gives @device the timeout that the property wants. What is not set leaves it as others who share it want it. */
void gst_cbam_engine_settings_limit_device (const GstCbamEngineSettings *settings, CbamDevice *device);

/* Puts the string of @value in the place of *@setting. */
void gst_cbam_settings_take_string (char **setting, const GValue *value);
