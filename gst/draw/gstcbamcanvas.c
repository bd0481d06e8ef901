/* From drawings to frames that carry them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamcanvas.h"

#include "gstcbamcomposition.h"

void
gst_cbam_canvas_reset (GstCbamCanvas *canvas)
{
  gst_cbam_painter_free (canvas->painter);
  g_clear_error (&canvas->complaint);
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

/* The painter for frames of @info. (transfer none) */
static GstCbamPainter *
get_painter (GstCbamCanvas *canvas, GstElement *element, const GstCbamOverlaySettings *settings,
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

/* Puts a drawing on the writable @buffer. That it cannot is a complaint, once. */
static void
put (GstCbamCanvas *canvas, GstBuffer *buffer, const GstVideoInfo *info, GstVideoOverlayComposition *composition)
{
  if (canvas->attach) {
    gst_cbam_composition_attach (buffer, composition);
  } else if (!gst_cbam_composition_blend (buffer, info, composition) && !canvas->warned) {
    canvas->warned = TRUE;
    canvas->complaint = g_error_new_literal (GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                                             "Detections cannot be drawn on these frames, whose memory cannot be "
                                             "mapped for writing; they are still attached as metadata.");
  }
}

static GError *
take_complaint (GstCbamCanvas *canvas)
{
  return canvas->complaint != NULL ? g_steal_pointer (&canvas->complaint)
                                   : gst_cbam_painter_take_complaint (canvas->painter);
}

GstBuffer *
gst_cbam_canvas_draw (GstCbamCanvas *canvas, GstElement *element, GstDebugCategory *category,
                      const GstCbamOverlaySettings *settings, const GstVideoInfo *info, GstBuffer *buffer,
                      const GstCbamScene *scene, GstCbamOverlayParts what)
{
  GstCbamPainter *painter = get_painter (canvas, element, settings, info);
  g_autoptr (GstVideoOverlayComposition) composition = gst_cbam_painter_draw (painter, scene, what);

  if (composition != NULL) {
    buffer = gst_buffer_make_writable (buffer);
    put (canvas, buffer, info, composition);
  }
  for (GError *complaint; (complaint = take_complaint (canvas)) != NULL; g_error_free (complaint)) {
    GST_CAT_WARNING_OBJECT (category, element, "%s", complaint->message);
    gst_element_message_full (element, GST_MESSAGE_WARNING, complaint->domain, complaint->code,
                              g_strdup (complaint->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  }
  return buffer;
}
