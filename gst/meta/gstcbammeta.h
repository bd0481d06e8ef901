/* Detections as metadata of a buffer and as an element message.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/video/video.h>

/* One GstVideoRegionOfInterestMeta per detection on the writable @buffer: the label is the region's type, and a
 * structure `detection` (confidence, label_id, x_min, y_min, x_max, y_max as fractions of the frame) its parameter. Ids
 * are numbers that no other region of the buffer has.
 * Built against GStreamer 1.24 or newer, also a GstAnalyticsODMtd and, related to it, a GstAnalyticsClsMtd. */
void gst_cbam_meta_add (GstBuffer *buffer, const CbamResult *result, const GstVideoInfo *info);

/* A number that no metadata of @buffer has reached: what is added from now on has this one or higher ones. */
guint64 gst_cbam_meta_next (GstBuffer *buffer);

/* Says of detections and of the CbamAttentionMeta, as far as they are numbered @first and on, that they are an earlier
 * frame's: fields `age` and `frame-age`. Before gst_cbam_regions_meta_keep(), which makes a copy of them. */
void gst_cbam_meta_mark_age (GstBuffer *buffer, guint64 first, GstClockTime age, guint frames);

/* Returns (transfer full): a structure of that name with the times of @buffer, read in @segment, and its size, as
 * messages about a frame begin. */
GstStructure *gst_cbam_meta_describe_frame (const char *name, GstBuffer *buffer, const GstVideoInfo *info,
                                            const GstSegment *segment);

/* The message `cbam-detections` about one inferred frame. @buffer's times are read in @segment. */
GstMessage *gst_cbam_meta_to_message (GstObject *source, GstBuffer *buffer, const CbamResult *result,
                                      const GstVideoInfo *info, const GstSegment *segment);
