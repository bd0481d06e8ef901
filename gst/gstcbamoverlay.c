/* GstCbamOverlayElement: the element `cbamoverlay`, which draws what the metadata of frames says. It draws as
 * `cbamdetect` does, with the same properties, but elsewhere: after a queue, a tracker, or a scaler.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cbamoverlay
 * @title: cbamoverlay
 * @short_description: draws detections and attention that frames carry as metadata
 *
 * Draws every #GstVideoRegionOfInterestMeta of a frame, by whichever element it was attached, and the heat maps of
 * `CbamAttentionMeta`. The score and the class's colour come from the region's parameter `detection`, the number of a
 * tracked object from its parameter `object_id`, as DL Streamer writes both. The drawing is attached as
 * #GstVideoOverlayComposition where downstream takes that, else blended into the pixels.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.avi ! decodebin ! videoconvert ! cbamdetect ! queue \
 *   ! videoscale ! video/x-raw,width=640,height=360 ! cbamoverlay ! videoconvert ! autovideosink
 * ]| Detects in large frames and draws on small ones, in threads of their own.
 * |[
 * gst-launch-1.0 filesrc location=street.avi ! decodebin ! videoconvert ! cbamdetect grad-cam=true ! queue \
 *   ! cbamoverlay overlay=boxes+labels+grad-cam ! videoconvert ! autovideosink
 * ]| Draws where the evidence for the strongest detection lies.
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! jpegdec ! cbamdetect attention=true \
 *   ! cbamoverlay overlay=attention+boxes attention-view=max colors=white ! videoconvert ! pngenc \
 *   ! filesink location=looked-at.png
 * ]| Draws what the network's attention let through, and white boxes.
 */

#include "gstcbamoverlay.h"

#include "draw/gstcbamcanvas.h"
#include "draw/gstcbamcomposition.h"
#include "frame/gstcbamoffer.h"
#include "gstcbampreset.h"

GST_DEBUG_CATEGORY_STATIC (gst_cbam_overlay_debug);
#define GST_CAT_DEFAULT gst_cbam_overlay_debug

#define DEFAULT_OVERLAY (GST_CBAM_OVERLAY_BOXES | GST_CBAM_OVERLAY_LABELS)

enum
{
  PROP_0,
  PROP_FIRST_SETTING,
};

struct _GstCbamOverlayElement
{
  GstElement parent;

  GstPad *sink_pad, *src_pad;
  GstCbamOverlaySettings settings; /* under the object lock */

  /* The streaming thread's. */
  GstCaps *caps; /* of the frames that come */
  GstVideoInfo info;
  gboolean warned_of_meta; /* that metadata is not followed */
  GstCbamCanvas canvas;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS));

G_DEFINE_FINAL_TYPE_WITH_CODE (GstCbamOverlayElement, gst_cbam_overlay_element, GST_TYPE_ELEMENT,
                               G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, gst_cbam_preset_init))

static void
register_debug (void)
{
  GST_DEBUG_CATEGORY_INIT (gst_cbam_overlay_debug, "cbamoverlay", 0, "drawing of detections");
}

GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cbamoverlay, "cbamoverlay", GST_RANK_NONE, GST_TYPE_CBAM_OVERLAY_ELEMENT,
                                       register_debug ())

/* ---- Data flow ---- */

static GstCbamOverlayParts
get_overlay (GstCbamOverlayElement *self)
{
  GST_OBJECT_LOCK (self);
  const GstCbamOverlayParts overlay = self->settings.overlay;
  GST_OBJECT_UNLOCK (self);
  return overlay;
}

static void
negotiate (GstCbamOverlayElement *self, gboolean wanted)
{
  if (gst_cbam_canvas_negotiate (&self->canvas, self->src_pad, self->caps, wanted))
    GST_DEBUG_OBJECT (self, "drawings are %s", self->canvas.attach ? "attached" : "blended");
}

static GstBuffer *
draw (GstCbamOverlayElement *self, GstBuffer *buffer, GstCbamOverlayParts overlay)
{
  const GstVideoInfo *info = &self->info;
  g_autoptr (GstCbamScene) scene =
      gst_cbam_scene_new_from_buffer (buffer, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));

  GST_LOG_OBJECT (self, "%u regions, attention of %u levels", scene->boxes->len, scene->levels->len);
  return gst_cbam_canvas_draw (&self->canvas, GST_ELEMENT (self), GST_CAT_DEFAULT, &self->settings, info, buffer, scene,
                               overlay);
}

static GstFlowReturn
sink_chain (G_GNUC_UNUSED GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (parent);

  if (self->caps == NULL) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }

  buffer = gst_cbam_offer_fulfil (buffer, &self->info, GST_ELEMENT (self), &self->warned_of_meta);
  const GstCbamOverlayParts overlay = get_overlay (self);
  negotiate (self, overlay != GST_CBAM_OVERLAY_NONE);
  if (overlay != GST_CBAM_OVERLAY_NONE)
    buffer = draw (self, buffer, overlay);
  return gst_pad_push (self->src_pad, buffer);
}

static gboolean
set_caps (GstCbamOverlayElement *self, GstCaps *caps)
{
  if (!gst_video_info_from_caps (&self->info, caps)) {
    g_autofree char *text = gst_caps_to_string (caps);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
                       ("Expected frames of video/x-raw with a format, a width and a height; found %s.", text), (NULL));
    return FALSE;
  }
  gst_caps_replace (&self->caps, caps);
  self->warned_of_meta = FALSE;
  self->canvas.negotiated = FALSE;
  negotiate (self, get_overlay (self) != GST_CBAM_OVERLAY_NONE);
  return TRUE;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (parent);

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return gst_pad_event_default (pad, parent, event);

  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  const gboolean taken = set_caps (self, caps);
  gst_event_unref (event);
  return taken;
}

static gboolean
pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (parent);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    gst_cbam_composition_answer_caps (pad, pad == self->sink_pad ? self->src_pad : self->sink_pad, query);
    return TRUE;
  }
  const gboolean answered = gst_pad_query_default (pad, parent, query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    gst_cbam_offer_filter (query);
  return answered;
}

static GstStateChangeReturn
gst_cbam_overlay_element_change_state (GstElement *element, GstStateChange transition)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (element);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_cbam_overlay_element_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_caps_replace (&self->caps, NULL);
    gst_cbam_canvas_reset (&self->canvas);
  }
  return result;
}

/* ---- Properties ---- */

static void
gst_cbam_overlay_element_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (object);

  GST_OBJECT_LOCK (self);
  const gboolean known = gst_cbam_overlay_settings_set (&self->settings, id - PROP_FIRST_SETTING, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cbam_overlay_element_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (object);

  GST_OBJECT_LOCK (self);
  const gboolean known = gst_cbam_overlay_settings_get (&self->settings, id - PROP_FIRST_SETTING, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cbam_overlay_element_finalize (GObject *object)
{
  GstCbamOverlayElement *self = GST_CBAM_OVERLAY_ELEMENT (object);

  gst_cbam_overlay_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_cbam_overlay_element_parent_class)->finalize (object);
}

static void
gst_cbam_overlay_element_class_init (GstCbamOverlayElementClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cbam_overlay_element_set_property;
  object_class->get_property = gst_cbam_overlay_element_get_property;
  object_class->finalize = gst_cbam_overlay_element_finalize;
  gst_cbam_overlay_settings_install (object_class, PROP_FIRST_SETTING, DEFAULT_OVERLAY);

  element_class->change_state = GST_DEBUG_FUNCPTR (gst_cbam_overlay_element_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CBAM detection overlay", "Visualization/Video",
                                         "Draws detections and attention that frames carry as metadata",
                                         "the cbamdetect developers");
}

static void
gst_cbam_overlay_element_init (GstCbamOverlayElement *self)
{
  gst_cbam_overlay_settings_init (&self->settings, DEFAULT_OVERLAY);

  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_chain));
  gst_pad_set_event_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_event));
  gst_pad_set_query_function (self->sink_pad, GST_DEBUG_FUNCPTR (pad_query));
  GST_PAD_SET_PROXY_ALLOCATION (self->sink_pad);
  GST_PAD_SET_ACCEPT_INTERSECT (self->sink_pad); /* caps need not have all fields of the template */
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);

  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->src_pad, GST_DEBUG_FUNCPTR (pad_query));
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}
