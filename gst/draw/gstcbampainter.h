/* GstCbamPainter: boxes, labels and heat maps as a GstVideoOverlayComposition.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

#include "gstcbamoverlaysettings.h"
#include "gstcbamscene.h"

typedef struct _GstCbamPainter GstCbamPainter;

GstCbamPainter *gst_cbam_painter_new (void);
void gst_cbam_painter_free (GstCbamPainter *painter);

/* Takes a copy of @settings if they have changed. Cheap: call it for every frame, with the lock held that guards them,
 * before gst_cbam_painter_set_size(). */
void gst_cbam_painter_set_settings (GstCbamPainter *painter, const GstCbamOverlaySettings *settings);

/* Chooses line width and font size for frames of this size, and has the fonts loaded. */
void gst_cbam_painter_set_size (GstCbamPainter *painter, int width, int height);

/* What of the settings could not be understood and is left out: what was expected and what was found, each once.
 * (transfer full) (nullable): none, or none any more */
GError *gst_cbam_painter_take_complaint (GstCbamPainter *painter);

/* Returns (transfer full) (nullable): the drawing; NULL when there is nothing to draw. */
GstVideoOverlayComposition *gst_cbam_painter_draw (GstCbamPainter *painter, const GstCbamScene *scene,
                                                   GstCbamOverlayParts what);
