/* GstCbamPainter: boxes and labels as a GstVideoOverlayComposition.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/**
 * GstCbamOverlay:
 * @GST_CBAM_OVERLAY_BOXES: a rectangle around every detection, one colour per class
 * @GST_CBAM_OVERLAY_LABELS: the class's name and the score at every detection
 *
 * What to draw on the frames.
 */
typedef enum
{
  GST_CBAM_OVERLAY_NONE = 0,
  GST_CBAM_OVERLAY_BOXES = 1 << 0,
  GST_CBAM_OVERLAY_LABELS = 1 << 1,
} GstCbamOverlay;

#define GST_TYPE_CBAM_OVERLAY (gst_cbam_overlay_get_type ())
GType gst_cbam_overlay_get_type (void);

typedef struct _GstCbamPainter GstCbamPainter;

GstCbamPainter *gst_cbam_painter_new (void);
void gst_cbam_painter_free (GstCbamPainter *painter);

/* Chooses line width and font size for frames of this size, and has the fonts loaded. */
void gst_cbam_painter_set_size (GstCbamPainter *painter, int width, int height);

/* Returns (transfer full) (nullable): the drawing; NULL when there is nothing to draw. */
GstVideoOverlayComposition *gst_cbam_painter_draw (GstCbamPainter *painter, const CbamResult *result,
                                                   GstCbamOverlay what);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCbamPainter, gst_cbam_painter_free)

G_END_DECLS
