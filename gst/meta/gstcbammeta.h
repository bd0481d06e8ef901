/* Detections as metadata of a buffer and as an element message.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* One GstVideoRegionOfInterestMeta per detection on the writable @buffer: the label is the region's type, and a
 * structure `detection` (confidence, label_id, x_min, y_min, x_max, y_max as fractions of the frame) its parameter. Ids
 * are numbers that no other region of the buffer has.
 * Built against GStreamer 1.24 or newer, also a GstAnalyticsODMtd and, related to it, a GstAnalyticsClsMtd. */
void gst_cbam_meta_add (GstBuffer *buffer, const CbamResult *result, const GstVideoInfo *info);

/* The message `cbam-detections` about one inferred frame. @buffer's times are read in @segment. */
GstMessage *gst_cbam_meta_to_message (GstObject *source, GstBuffer *buffer, const CbamResult *result,
                                      const GstVideoInfo *info, const GstSegment *segment);

G_END_DECLS
