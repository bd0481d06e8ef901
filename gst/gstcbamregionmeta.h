/* What regions of interest carry beside their place: the structure `detection`, kept where GStreamer loses it. The
 * scale transform of GstVideoRegionOfInterestMeta drops a region's parameters (GStreamer 1.22, videoscale for one), so
 * that scores and classes would not survive it. A copy of them travels in a GstCustomMeta of the buffer,
 * `CbamRegionsMeta`, under the region's number, which does survive:
 *
 *     GstVideoRegionOfInterestMeta   id=7, type "dog", x, y, w, h   --(params)-->  detection
 *     CbamRegionsMeta                region-7 = detection, and "dog" as its label
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

#define GST_CBAM_REGIONS_META_NAME "CbamRegionsMeta"

/* Makes the metadata known to GStreamer. Any number of times. */
void gst_cbam_regions_meta_register (void);

/* Makes @detection a parameter of @region, whose id must be its own on the writable @buffer. Takes @detection. */
void gst_cbam_region_take_detection (GstBuffer *buffer, GstVideoRegionOfInterestMeta *region, GstStructure *detection);

/* Keeps the parameter `detection` of @region as it now is, after it was changed. @buffer is writable. */
void gst_cbam_region_update_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region);

/* Returns (transfer none) (nullable): the structure `detection` of @region, be it its parameter or in
 * `CbamRegionsMeta`; valid as long as @buffer is not changed. */
const GstStructure *gst_cbam_region_get_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region);

G_END_DECLS
