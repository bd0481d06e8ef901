/* GstCbamCanvas: where an element draws: what it has negotiated for its drawings, and the painter that makes them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbampainter.h"

G_BEGIN_DECLS

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

/* The painter for frames of @info; @settings are guarded by the object lock of @element. (transfer none) */
GstCbamPainter *gst_cbam_canvas_get_painter (GstCbamCanvas *canvas, GstElement *element,
                                             const GstCbamOverlaySettings *settings, const GstVideoInfo *info);

/* Puts a drawing on the writable @buffer. That it cannot is a complaint, once. */
void gst_cbam_canvas_put (GstCbamCanvas *canvas, GstBuffer *buffer, const GstVideoInfo *info,
                          GstVideoOverlayComposition *composition);

/* Posts what there is to complain of, of settings and frames, as warnings of @element, which logs to @category: once
 * each. To be called after drawing. */
void gst_cbam_canvas_report (GstCbamCanvas *canvas, GstElement *element, GstDebugCategory *category);

G_END_DECLS
