/* The metadata `CbamAttentionMeta`: what the network's attention let through on a frame, and where the evidence for its
 * strongest detection lies. A #GstCustomMeta, so that every language that has GStreamer can read it.
 *
 *     CbamAttentionMeta
 *       frame-width, frame-height: int     the frame that places are in pixels of
 *       level-0, level-1, ...: structure   one for each level that has attention, 0 = the finest
 *         level: int
 *         width, height: int               cells of the map; these and the next six only where there is a map
 *         over-x, over-y, over-width, over-height: double
 *                                          the part of the frame that the map lies over, in pixels; it may reach past
 *                                          the frame's edges, where the network letterboxes
 *         min, max: double                 of the map
 *         spatial: GstBuffer               float32 [height][width], native-endian, 0..1
 *         channels: int, channel: GstBuffer
 *                                          float32 [channels], 0..1; only where there are weights of channels
 *       grad-cam: structure                Grad-CAM of the strongest detection; fields as a level's map has them
 *       region: int                        the number of the region of interest that a classifier looked at; there is
 *                                          such metadata for each. A detector's has none
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/gst.h>

#define GST_CBAM_ATTENTION_META_NAME "CbamAttentionMeta"
#define GST_CBAM_ATTENTION_REGION "region"

/* Makes the metadata known to GStreamer. Any number of times. */
void gst_cbam_attention_meta_register (void);

typedef enum
{
  GST_CBAM_ATTENTION_LEVELS = 1 << 0,   /* level-0, level-1, ...: CbamDetectParams.attention */
  GST_CBAM_ATTENTION_GRAD_CAM = 1 << 1, /* grad-cam: CbamDetectParams.grad_cam */
} GstCbamAttentionParts;

/* Adds those parts of @result, of a frame of this size, to the writable @buffer. Returns (nullable): the metadata's own
 * structure; NULL: the result has none of them, and nothing was added. */
GstStructure *gst_cbam_attention_meta_attach (GstBuffer *buffer, const CbamResult *result, GstCbamAttentionParts parts,
                                              int width, int height);

/* What a buffer's metadata says, in the library's words. Values live as long as this does. */
typedef struct
{
  GArray *levels;      /* CbamAttention */
  GPtrArray *grad_cam; /* const CbamMap */
  GPtrArray *memory;
} GstCbamAttentionMaps;

/* Returns (transfer full) (nullable): what the last such metadata of @buffer says, and if that is of a region, all that
 * are; NULL where it has none, or that of a frame of another size. Maps whose sizes contradict each other are left out.
 */
GstCbamAttentionMaps *gst_cbam_attention_maps_new (GstBuffer *buffer, int width, int height);
void gst_cbam_attention_maps_free (GstCbamAttentionMaps *maps);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCbamAttentionMaps, gst_cbam_attention_maps_free)
