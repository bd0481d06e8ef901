/* GstCbamClassifier: which regions of a frame go to the device, and what comes back. Live, a frame waits for nothing:
 * what the device says of its regions, later frames carry. Else frames wait for all of it, so that a file gives the
 * same every time; and so do frames that lie on a device, since they would have to be kept until it has read them, and
 * pools of images are small.
 *
 * All of it but the counters is the streaming thread's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "frame/gstcbamvulkan.h"
#include "gstcbamclassstats.h"
#include "gstcbamtracks.h"
#include "stream/gstcbamengine.h"

typedef struct
{
  GstCbamEngine *engine;
  GstPad *sink_pad; /* frames that wait stop waiting where it flushes */
  GstCbamClassStats *stats;
  GstCbamCollector *collector;
  GstCbamTracks tracks;
  GstCbamVulkan vulkan; /* where frames come from that are no system memory */
  guint until_next;     /* frames that go on without inference before the next one is due */
} GstCbamClassifier;

/* A frame that comes. */
typedef struct
{
  GstBuffer *buffer;
  const GstVideoInfo *info;
  CbamOrientation orientation;
  GstCbamWhen when;
  gboolean live;  /* it does not wait for other streams */
  gboolean waits; /* it waits for what is seen in it */
  guint interval, reclassify_interval;
  const CbamDetectParams *params; /* all but the region and the turn */
} GstCbamClassifierFrame;

/* The others outlive it. */
void gst_cbam_classifier_init (GstCbamClassifier *self, GstCbamEngine *engine, GstPad *sink_pad,
                               GstCbamClassStats *stats);
void gst_cbam_classifier_clear (GstCbamClassifier *self);

/* What comes has nothing to do with what was. */
void gst_cbam_classifier_restart (GstCbamClassifier *self);

/* Holds nothing any more. */
void gst_cbam_classifier_reset (GstCbamClassifier *self);

/* Takes what the device has said, and gives it what is due of @frame.
 * Returns (transfer full) (nullable): a GstCbamTrack for each of @looks, valid until the next call; NULL: there is
 * @error. */
GPtrArray *gst_cbam_classifier_look (GstCbamClassifier *self, const GstCbamClassifierFrame *frame, const GArray *looks,
                                     GError **error);
