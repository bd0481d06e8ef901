/* GstCbamCanvas: where an element draws: what it has negotiated for its drawings, and the painter that makes them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbampainter.h"

/* All zero is a good start. It belongs to the thread that pushes frames. */
typedef struct
{
  gboolean negotiated; /* cleared when caps have changed */
  gboolean wanted;     /* what the negotiation was for: a drawing */
  gboolean attach;     /* drawings are attached, not blended */
  gboolean warned;     /* that frames cannot be drawn on */
  GError *complaint;   /* this, until it has been reported */
  GstCbamPainter *painter;
} GstCbamCanvas;

/* Frees what it holds; all zero again. */
void gst_cbam_canvas_reset (GstCbamCanvas *canvas);

/* Decides what the caps are and how drawings travel, when something that matters has changed. TRUE: it has. */
gboolean gst_cbam_canvas_negotiate (GstCbamCanvas *canvas, GstPad *src_pad, GstCaps *in_caps, gboolean wanted);

/* Draws @what of @scene on @buffer, a frame of @info: returns @buffer, or a writable copy. @settings are guarded by the
 * object lock of @element, which posts as warnings what there is to complain of, of settings and frames, once each, and
 * logs them to @category. */
GstBuffer *gst_cbam_canvas_draw (GstCbamCanvas *canvas, GstElement *element, GstDebugCategory *category,
                                 const GstCbamOverlaySettings *settings, const GstVideoInfo *info, GstBuffer *buffer,
                                 const GstCbamScene *scene, GstCbamOverlayParts what);
