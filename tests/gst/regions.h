/* Frames that carry regions and attention made by hand, and what is drawn on them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "support.h"

/* Adds a region as `cbamdetect` and DL Streamer do. Edges are in pixels of the frame. */
GstVideoRegionOfInterestMeta *region_add (GstBuffer *buffer, const char *caps, const char *label, int label_id,
                                          double score, double left, double top, double right, double bottom);

/* Adds a CbamAttentionMeta, or a field to the one there is, with a map of @width x @height that lies over the whole
 * frame. @field: level-0 and so on, or grad-cam. */
void map_add (GstBuffer *buffer, const char *caps, const char *field, int width, int height, const float *values);

/* A frame of one gray, with padding after its rows. */
GstBuffer *gray_new (const char *caps);

/* (transfer full): how far each pixel of @b is from @a's, by the largest of its components: [height][width]. */
guint8 *frame_changes (GstBuffer *a, GstBuffer *b, const char *caps);

/* The pixel as 0xRRGGBB; of an RGB format. */
guint32 pixel_at (GstBuffer *buffer, const char *caps, int x, int y);
