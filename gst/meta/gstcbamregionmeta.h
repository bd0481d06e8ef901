/* What regions of interest carry beside their place: structures `detection` and `classification`, kept where GStreamer
 * loses them. The scale transform of GstVideoRegionOfInterestMeta drops a region's parameters (GStreamer 1.22,
 * videoscale for one), so that scores and classes would not survive it. A copy of them travels in a GstCustomMeta of
 * the buffer, `CbamRegionsMeta`, with the region's number and label, which do survive:
 *
 *     GstVideoRegionOfInterestMeta   id=7, type "dog", x, y, w, h   --(params)-->  detection
 *     CbamRegionsMeta                regions = { detection, id=7, label="dog"; ... }
 *                                    classes = { region, id=7, label="dog", class=[classification, ...]; ... }
 *
 * It has the tags of regions, so that whatever drops them drops it, too. Numbers are not given twice in a process, as
 * long as there are enough; where they are somebody else's (those of GStreamer's analytics library begin anew on each
 * frame) and two detections have the same number and label, a region's is the one that lies nearest.
 *
 * All of a kind are in one list: a field for each would have a name for each, and GLib never forgets the name of a
 * field.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

#define GST_CBAM_REGIONS_META_NAME "CbamRegionsMeta"

/* Makes the metadata known to GStreamer. Any number of times. */
void gst_cbam_regions_meta_register (void);

/* Numbers for new regions of one buffer. Zeroed: none was given yet. */
typedef struct
{
  GHashTable *taken; /* of those that the buffer had before */
} GstCbamRegionNumbers;

/* Returns the next number of the process, from 1 on, that no region of @buffer had at the first call. */
int gst_cbam_region_numbers_next (GstCbamRegionNumbers *numbers, GstBuffer *buffer);
/* Zeroed again. */
void gst_cbam_region_numbers_clear (GstCbamRegionNumbers *numbers);

/* Keeps the parameter `detection` of every region of the writable @buffer whose metadata is numbered @first and on, as
 * it now is. Once for each region: when nothing about it changes any more. */
void gst_cbam_regions_meta_keep (GstBuffer *buffer, guint64 first);

/* Returns (transfer full): @class, a structure `classification` of @region, with the region's number, label and edges
 * around it, as it is kept. The frame is of this size. */
GstStructure *gst_cbam_kept_class_new (const GstVideoRegionOfInterestMeta *region, const GstStructure *class, int width,
                                       int height);

/* Adds what @classes lists, a GstValueList of gst_cbam_kept_class_new(), to what is kept of the writable @buffer, and
 * empties it. */
void gst_cbam_regions_meta_keep_classes (GstBuffer *buffer, GValue *classes);

/* Appends the structures `classification` that are kept of @region to @found, in the order they were added in; of
 * several regions with the same number and label those of the nearest. They are @buffer's, a frame of this size, and
 * valid as long as that is not changed. */
void gst_cbam_regions_meta_find_classes (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width,
                                         int height, GPtrArray *found);

/* Returns (transfer none) (nullable): the structure `detection` of @region, be it its parameter or in
 * `CbamRegionsMeta`; valid as long as @buffer, a frame of this size, is not changed. */
const GstStructure *gst_cbam_region_get_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region,
                                                   int width, int height);
