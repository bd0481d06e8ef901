/* From drawings to frames that carry them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamcanvas.h"

#include "gstcbamcomposition.h"

void
gst_cbam_canvas_reset (GstCbamCanvas *canvas)
{
  gst_cbam_painter_free (canvas->painter);
  *canvas = (GstCbamCanvas){ 0 };
}

gboolean
gst_cbam_canvas_negotiate (GstCbamCanvas *canvas, GstPad *src_pad, GstCaps *in_caps, gboolean wanted)
{
  const gboolean reconfigure = gst_pad_check_reconfigure (src_pad);

  if (canvas->negotiated && !reconfigure && canvas->wanted == wanted)
    return FALSE;
  canvas->attach = gst_cbam_composition_negotiate (src_pad, in_caps, wanted);
  canvas->wanted = wanted;
  canvas->negotiated = TRUE;
  return TRUE;
}

GstCbamPainter *
gst_cbam_canvas_get_painter (GstCbamCanvas *canvas, GstElement *element, const GstCbamOverlaySettings *settings,
                             const GstVideoInfo *info)
{
  if (canvas->painter == NULL)
    canvas->painter = gst_cbam_painter_new ();
  GST_OBJECT_LOCK (element);
  gst_cbam_painter_set_settings (canvas->painter, settings);
  GST_OBJECT_UNLOCK (element);
  gst_cbam_painter_set_size (canvas->painter, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));
  return canvas->painter;
}

void
gst_cbam_canvas_put (GstCbamCanvas *canvas, GstElement *element, GstBuffer *buffer, const GstVideoInfo *info,
                     GstVideoOverlayComposition *composition)
{
  if (canvas->attach) {
    gst_cbam_composition_attach (buffer, composition);
  } else if (!gst_cbam_composition_blend (buffer, info, composition) && !canvas->warned) {
    canvas->warned = TRUE;
    GST_ELEMENT_WARNING (element, STREAM, FORMAT, ("Detections cannot be drawn on these frames."),
                         ("Their memory cannot be mapped for writing. Detections are still attached as metadata."));
  }
}
