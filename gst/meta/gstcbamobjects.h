/* Objects in the words of GStreamer's analytics library (1.24 and newer), and the regions of interest that are the same
 * things. Built against an older GStreamer there are none.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>

/* The object that @region is: cbamdetect and DL Streamer give both the same number, but a region without one has 0, as
 * the first object of a frame has. FALSE: there is none of that number, type and place. @relations may be NULL. */
gboolean gst_cbam_objects_find (GstAnalyticsRelationMeta *relations, const GstVideoRegionOfInterestMeta *region,
                                GstAnalyticsODMtd *object);
#endif

/* Adds a region, with a `detection`, for each GstAnalyticsODMtd of @buffer, a frame of this size, that has none, as
 * GStreamer's own detectors leave it. Takes @buffer; returns it, or a writable copy. */
GstBuffer *gst_cbam_objects_to_regions (GstBuffer *buffer, int width, int height);
