/* GstCbamPlacement: where the places of a frame lie after an element has changed the frame, as far as GStreamer tells
 * metadata of it:
 *
 *     copy                   where they were                    gst_buffer_copy() and the like
 *     scale                  in proportion to the two sizes     videoscale, videoconvert before GStreamer 1.28
 *     matrix (1.28)          where the matrix says              videoscale, videoconvert, videocrop
 *
 * A scale does not say whether the picture was stretched or given borders to keep its shape. Where the two frames'
 * shapes differ, on the screen, borders are what GStreamer's scalers make unless they are told not to.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

typedef struct
{
  gboolean moved;          /* FALSE: a copy, and there is nothing else in this */
  gboolean cut;            /* places may lie outside of the new frame */
  double from[2], size[2]; /* width and height of the frame that was, and of the frame that is */
  double scale[2], shift[2];
} GstCbamPlacement;

/* From what a GstMeta's transform function is given. FALSE: the metadata cannot go along. */
gboolean gst_cbam_placement_read (GstCbamPlacement *placement, GQuark type, gconstpointer data);

/* Lays a scaled picture between the borders that keep its shape. */
void gst_cbam_placement_keep_shape (GstCbamPlacement *placement, GQuark type, gconstpointer data);

/* Makes metadata known to GStreamer that is about places, if nobody has in this process. It gets the tags of regions of
 * interest: who changes the size or the orientation of frames must know what he does, or drop it with them. */
void gst_cbam_placement_register (const char *name, GstCustomMetaTransformFunction transform);
