/* GstCbamScene: what there is to draw on a frame, whether it comes from the detector or from a buffer's metadata.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/video/video.h>

#include "meta/gstcbamattentionmeta.h"

typedef struct
{
  const char *label;
  guint class_id;
  double score;                   /* < 0: not known */
  gint64 id;                      /* a tracker's; < 0: none */
  int x, y;                       /* of the region's corner, in whole pixels; 0 without a region */
  float left, top, right, bottom; /* edges in pixels of the frame */
  GPtrArray *classes;             /* const GstStructure: what classifiers saw in it; NULL: not asked */
  gboolean whole;                 /* it is the whole frame, and was not detected in it */
} GstCbamBox;

typedef struct
{
  GArray *boxes;              /* GstCbamBox, by falling score */
  GPtrArray *levels;          /* const CbamAttention */
  GPtrArray *grad_cam;        /* const CbamMap: of the strongest detection, or of each classified region */
  GstCbamAttentionMaps *maps; /* private */
} GstCbamScene;

/* Views of @result, which must outlive it. */
GstCbamScene *gst_cbam_scene_new_from_result (const CbamResult *result);

/* What the regions of interest and the CbamAttentionMeta of @buffer say about a frame of this size. */
GstCbamScene *gst_cbam_scene_new_from_buffer (GstBuffer *buffer, int width, int height);

void gst_cbam_scene_free (GstCbamScene *scene);

/* The parts of a region of interest of @buffer that `cbamdetect` and DL Streamer agree on, but for its classes. */
GstCbamBox gst_cbam_box_from_region (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width,
                                     int height);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCbamScene, gst_cbam_scene_free)
