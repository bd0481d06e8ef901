/* The element `cbamdetect`: its properties, its states, and its words to the user. What flows through it is in stream/.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cbamdetect
 * @title: cbamdetect
 * @short_description: finds objects in video with a neural network on Vulkan
 *
 * Runs a detection network on every frame, on any Vulkan device, and tells what it found:
 *
 * * as a #GstVideoRegionOfInterestMeta per detection: the label is the region's type, and its parameter `detection` has
 *   `confidence` (double), `label_id` (int), and `x_min`, `y_min`, `x_max`, `y_max` (double, 0..1 of the frame);
 * * as the #GstCustomMeta `CbamAttentionMeta`, with #GstCbamDetect:attention: what the network looked at, and with
 *   #GstCbamDetect:grad-cam: where the evidence for the strongest detection lies;
 * * as an element message `cbam-detections` per inferred frame, with #GstCbamDetect:post-messages;
 * * as boxes and labels on the frame, with #GstCbamDetect:overlay, attached as #GstVideoOverlayComposition where
 *   downstream takes that, else blended into the pixels.
 *
 * Frames keep their size, format and times, and their pixels unless something is drawn on them. The network sees them
 * upright, as #GstCbamDetect:video-direction or the stream's tags say; all results are in the frame's own pixels.
 * Inference runs beside the streaming thread. A live stream is never held up: a frame that comes while
 * #GstCbamDetect:queue-depth others are inferred, or that downstream would get too late, goes on without inference, in
 * its place; #GstCbamDetect:carry says what it carries, and #GstCbamDetect:stats counts. Elements of one process that
 * name the same model and device share both.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m filesrc location=street.avi ! decodebin ! videoconvert \
 *   ! cbamdetect post-messages=true ! fakesink
 * ]| Prints what is in a video.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! cbamdetect overlay=boxes+labels \
 *   ! videoconvert ! autovideosink
 * ]| Shows the camera's picture with boxes and labels. With `@preset="Live camera"` among the properties, with the
 * least delay: the element has named settings, which #GstPreset lists and loads.
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! jpegparse ! jpegdec ! cbamdetect model=m.safetensors \
 *   threshold=0.3 overlay=boxes+labels ! videoconvert ! pngenc ! filesink location=boxes.png
 * ]| Draws on a photo. It is jpegparse that reads how the photo was held.
 */

#include "gstcbamdetect.h"

#include "draw/gstcbamcomposition.h"
#include "frame/gstcbamvulkan.h"
#include "gstcbampreset.h"
#include "stream/gstcbaminlet.h"
#include "stream/gstcbamorientation.h"
#include "stream/gstcbamselection.h"

#define GST_CAT_DEFAULT gst_cbam_debug

struct _GstCbamDetect
{
  GstElement parent;

  GstCbamStream stream;
  GstCbamInlet *inlet;   /* of the streaming thread */
  GstCbamOutlet *outlet; /* of the source pad's task */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS GST_CBAM_VULKAN_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS GST_CBAM_VULKAN_CAPS));

G_DEFINE_FINAL_TYPE_WITH_CODE (GstCbamDetect, gst_cbam_detect, GST_TYPE_ELEMENT,
                               G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, gst_cbam_preset_init))

static void
register_debug (void)
{
  GST_DEBUG_CATEGORY_INIT (gst_cbam_debug, "cbamdetect", 0, "object detection");
}

GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cbamdetect, "cbamdetect", GST_RANK_NONE, GST_TYPE_CBAM_DETECT, register_debug ())

/* ---- States ---- */

static void
log_stats (GstCbamDetect *self)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (self, "stats", &stats, NULL);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, stats);
}

static void
stop (GstElement *element)
{
  GstCbamDetect *self = GST_CBAM_DETECT (element);

  log_stats (self); /* which say what computed */
  gst_cbam_engine_stop (&self->stream.engine);
  gst_cbam_outlet_reset (self->outlet);
  gst_cbam_inlet_reset (self->inlet);
}

static gboolean
start_engine (GstCbamDetect *self, GError **error)
{
  GST_OBJECT_LOCK (self);
  gboolean good = gst_cbam_region_parse (self->stream.settings.roi, &self->stream.settings.region, error);
  GST_OBJECT_UNLOCK (self);
  if (!good || !gst_cbam_engine_start (&self->stream.engine, error))
    return FALSE;
  gst_cbam_stats_reset (&self->stream.stats);
  return TRUE;
}

static gboolean
start (GstElement *element)
{
  GstCbamDetect *self = GST_CBAM_DETECT (element);
  g_autoptr (GError) error = NULL;

  if (start_engine (self, &error))
    return TRUE;
  GST_OBJECT_LOCK (self);
  g_autofree char *details = g_strdup_printf ("model=%s classes=%s roi=%s", self->stream.engine.settings.model,
                                              self->stream.settings.classes, self->stream.settings.roi);
  GST_OBJECT_UNLOCK (self);
  gst_cbam_engine_post_start_error (&self->stream.engine, error, details);
  return FALSE;
}

static GstStateChangeReturn
gst_cbam_detect_change_state (GstElement *element, GstStateChange transition)
{
  return gst_cbam_engine_change_state (&GST_CBAM_DETECT (element)->stream.engine,
                                       GST_ELEMENT_CLASS (gst_cbam_detect_parent_class), transition, start, stop);
}

/* ---- Properties ---- */

/* Takes new text of a property that must be understood. What is not understood below PAUSED is an error at the start;
 * above, a warning, and what was stays. */
static void
set_text (GstCbamDetect *self, guint id, const GValue *value)
{
  g_autoptr (GError) error = NULL;
  const char *text = g_value_get_string (value);
  gboolean good = TRUE;

  GST_OBJECT_LOCK (self);
  GstCbamSession *session = self->stream.engine.sessions.session;
  if (session != NULL && id == GST_CBAM_PROP_CLASSES)
    good = gst_cbam_classes_parse (text, session->model, session->classes, &error);
  else if (session != NULL)
    good = gst_cbam_region_parse (text, &self->stream.settings.region, &error);
  if (good)
    gst_cbam_settings_set (&self->stream.settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!good)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS, ("%s", error->message), ("The property stays as it was."));
}

static void
gst_cbam_detect_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCbamDetect *self = GST_CBAM_DETECT (object);

  if (gst_cbam_engine_set_property (&self->stream.engine, id, value))
    return;
  if (id == GST_CBAM_PROP_CLASSES || id == GST_CBAM_PROP_ROI) {
    set_text (self, id, value);
    return;
  }
  if (id == GST_CBAM_PROP_VIDEO_DIRECTION && gst_cbam_orientation_is_custom (GST_ELEMENT (self), value))
    return;
  GST_OBJECT_LOCK (self);
  gboolean known = gst_cbam_settings_set (&self->stream.settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cbam_detect_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCbamDetect *self = GST_CBAM_DETECT (object);

  if (id == GST_CBAM_PROP_STATS) {
    const GstClockTime latency = gst_cbam_latency_get_ceiling (&self->stream.engine.latency);
    GstStructure *stats = gst_cbam_stats_to_structure (&self->stream.stats, latency);
    gst_cbam_engine_describe (&self->stream.engine, stats);
    g_value_take_boxed (value, stats);
    return;
  }
  if (gst_cbam_engine_get_property (&self->stream.engine, id, value))
    return;
  GST_OBJECT_LOCK (self);
  gboolean known = gst_cbam_settings_get (&self->stream.settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
install_stats (GObjectClass *klass)
{
  /**
   * GstCbamDetect:stats:
   *
   * What became of the frames since the element was started, and why there may be no detections. The structure
   * `cbamdetect-stats` has the fields:
   *
   * * `frames` (guint64): frames that came; always `inferred` + `skipped-interval` + `skipped-busy` + `skipped-qos` +
   *   `skipped-roi`
   * * `inferred` (guint64): frames that went to the device
   * * `skipped-interval` (guint64): without inference because of #GstCbamDetect:interval
   * * `skipped-busy` (guint64): because #GstCbamDetect:queue-depth others were in inference, live only
   * * `skipped-qos` (guint64): because downstream would get them too late
   * * `skipped-roi` (guint64): because #GstCbamDetect:roi lies outside of them
   * * `carried` (guint64): frames of the last four kinds that carry what was found in an earlier one
   * * `detections` (guint64): reported in all inferred frames together
   * * `empty` (guint64): inferred frames without a reported detection
   * * `class-filtered` (guint64): not reported because of #GstCbamDetect:classes
   * * `best-score` (double): the highest score of any class in the last inferred frame, above the threshold or not
   * * `threshold` (double): what a score had to exceed there, -1 before the first frame
   * * `explanation` (string): what was found there, and if nothing was, why, in words for people
   * * `orientation` (string): how the last frame that came must be turned to be upright, as
   * #GstCbamDetect:video-direction calls it; `identity` for upright frames and before the first one
   * * `inference-time`, `inference-time-last` (guint64): nanoseconds from the start of inference to its result, waiting
   *   for other frames on the device included, on average and of the last frame
   * * `latency` (guint64): nanoseconds for which frames are held at most, as announced to the pipeline
   * * `device` (string): what computes, as it calls itself; empty while the element is stopped
   * * `kernels` (string): by what code, in words for people: "oneDNN in bfloat16 and loops", "texel"
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "What became of frames since the start, and why there may be no detections: counts of "
                          "frames and detections, scores 0..1, times in nanoseconds",
                          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_cbam_detect_finalize (GObject *object)
{
  GstCbamDetect *self = GST_CBAM_DETECT (object);

  gst_cbam_inlet_free (self->inlet);
  gst_cbam_outlet_free (self->outlet);
  gst_cbam_stream_clear (&self->stream);
  G_OBJECT_CLASS (gst_cbam_detect_parent_class)->finalize (object);
}

static void
gst_cbam_detect_class_init (GstCbamDetectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cbam_detect_set_property;
  object_class->get_property = gst_cbam_detect_get_property;
  object_class->finalize = gst_cbam_detect_finalize;
  gst_cbam_settings_install (object_class);
  install_stats (object_class);

  element_class->change_state = GST_DEBUG_FUNCPTR (gst_cbam_detect_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CBAM object detector", "Filter/Analyzer/Video",
                                         "Finds objects in video with SSD and StairNet networks on Vulkan",
                                         "the cbamdetect developers");
  gst_type_mark_as_plugin_api (GST_TYPE_CBAM_CARRY, 0);
}

static void
gst_cbam_detect_init (GstCbamDetect *self)
{
  GstElement *element = GST_ELEMENT (self);
  GstPad *sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  GstPad *src_pad = gst_pad_new_from_static_template (&src_template, "src");

  gst_cbam_stream_init (&self->stream, element, sink_pad, src_pad);
  self->outlet = gst_cbam_outlet_new (&self->stream);
  self->inlet = gst_cbam_inlet_new (&self->stream, self->outlet);
  gst_element_add_pad (element, sink_pad);
  gst_element_add_pad (element, src_pad);
}
