/* What classifiers say of regions of interest, as metadata: a structure `classification` for each class, the best
 * first, among the parameters of the region, with the fields that readers of DL Streamer's gvaclassify look for:
 *
 *     GstVideoRegionOfInterestMeta   type "dog"
 *       detection
 *       classification               label="malamute", label_id=249, confidence=0.34, model_name, layer_name
 *       classification               label="husky", ...
 *
 * A class that was seen in an earlier frame has an `age` and a `frame-age`, as a `detection` has. `CbamRegionsMeta`
 * keeps them, too. Built against GStreamer 1.24 or newer, there is also a GstAnalyticsClsMtd with all of the classes,
 * related to the GstAnalyticsODMtd that has the region's number.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/video/video.h>

/* The type of the region that stands for the whole frame. */
#define GST_CBAM_WHOLE_FRAME "frame"

/* What was seen in a region. */
typedef struct
{
  const CbamResult *result;
  const char *const *names; /* of all classes; NULL: the result's own */
  const char *model;        /* its name */
  GstClockTime age;         /* of the result, if it is of an earlier frame: then @frames > 0 */
  guint frames;
} GstCbamVerdict;

/* What the class at place @i of a verdict is called. */
const char *gst_cbam_verdict_get_label (const GstCbamVerdict *verdict, gsize i);

/* Adds what @verdict says to @region of the writable @buffer, a frame of this size, and a copy of it to @kept, a
 * GstValueList for gst_cbam_regions_meta_keep_classes(). */
void gst_cbam_class_meta_add (GstBuffer *buffer, GstVideoRegionOfInterestMeta *region, const GstCbamVerdict *verdict,
                              int width, int height, GValue *kept);

/* Adds the region that stands for the whole of a frame of this size to the writable @buffer. */
GstVideoRegionOfInterestMeta *gst_cbam_class_meta_add_frame (GstBuffer *buffer, int width, int height);

/* Returns (transfer full): the structures `classification` of @region, best first for each classifier, be they its
 * parameters or in `CbamRegionsMeta`. They are @buffer's, a frame of this size, and valid as long as that is not
 * changed. */
GPtrArray *gst_cbam_region_get_classes (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width,
                                        int height);

/* The number that a tracker has given to the object in @region: the parameter `object_id` of DL Streamer's gvatrack, or
 * from GStreamer 1.24 on a GstAnalyticsTrackingMtd related to the region's GstAnalyticsODMtd. < 0: none. */
gint64 gst_cbam_region_get_object_id (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region);
