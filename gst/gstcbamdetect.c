/* The element `cbamdetect`: its properties, its states, and its words to the user.
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
 * * as an element message `cbam-detections` per frame, with #GstCbamDetect:post-messages;
 * * as boxes and labels on the frame, with #GstCbamDetect:overlay, attached as #GstVideoOverlayComposition where
 *   downstream takes that, else blended into the pixels.
 *
 * Frames keep their size, format and times, and their pixels unless something is drawn on them. Inference runs beside
 * the streaming thread. A live stream is never held up: a frame that comes while #GstCbamDetect:queue-depth others are
 * inferred goes on without inference, in its place.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m filesrc location=street.avi ! decodebin ! videoconvert \
 *   ! cbamdetect post-messages=true ! fakesink
 * ]| Prints what is in a video.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! cbamdetect overlay=boxes+labels \
 *   ! videoconvert ! autovideosink
 * ]| Shows the camera's picture with boxes and labels.
 * |[
 * gst-launch-1.0 filesrc location=photo.jpg ! jpegdec ! cbamdetect model=m.safetensors \
 *   threshold=0.3 overlay=boxes+labels ! videoconvert ! pngenc ! filesink location=boxes.png
 * ]| Draws on a photo.
 */

#include "gstcbamdetect.h"

#include "gstcbamstream.h"

GST_DEBUG_CATEGORY (gst_cbam_debug);
#define GST_CAT_DEFAULT gst_cbam_debug

enum
{
  PROP_0,
  PROP_MODEL,
  PROP_DEVICE,
  PROP_THRESHOLD,
  PROP_NMS_IOU,
  PROP_MAX_DETECTIONS,
  PROP_QUEUE_DEPTH,
  PROP_OVERLAY,
  PROP_POST_MESSAGES,
};

#define DEFAULT_QUEUE_DEPTH 2

G_DEFINE_FINAL_TYPE (GstCbamDetect, gst_cbam_detect, GST_TYPE_ELEMENT)

static void
register_debug (void)
{
  GST_DEBUG_CATEGORY_INIT (gst_cbam_debug, "cbamdetect", 0, "object detection on Vulkan");
}

GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cbamdetect, "cbamdetect", GST_RANK_NONE, GST_TYPE_CBAM_DETECT, register_debug ())

CbamDetectParams
gst_cbam_detect_get_params (GstCbamDetect *self)
{
  CbamDetectParams params = cbam_model_get_detect_params (self->model);

  GST_OBJECT_LOCK (self);
  const GstCbamSettings *settings = &self->settings;
  if (settings->threshold >= 0)
    params.threshold = settings->threshold;
  if (settings->nms_iou >= 0)
    params.nms_iou = settings->nms_iou;
  if (settings->max_detections >= 0)
    params.max_detections = settings->max_detections;
  GST_OBJECT_UNLOCK (self);
  return params;
}

void
gst_cbam_detect_post_error (GstCbamDetect *self, const GError *error)
{
  if (!g_atomic_int_compare_and_exchange (&self->error_posted, FALSE, TRUE))
    return;
  if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE))
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("Detection has stopped: %s", error->message),
                       ("A device that was lost or hangs is opened anew when the element goes through NULL."));
}

/* --- States --- */

static gboolean
open_device (GstCbamDetect *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree char *name = g_strdup (self->settings.device);
  GST_OBJECT_UNLOCK (self);

  self->device = cbam_device_open (name, &error);
  if (self->device != NULL)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND, ("No Vulkan device to detect with: %s", error->message),
                     ("Wanted: \"%s\". A machine without a GPU needs the CPU driver lavapipe, in Debian's package "
                      "mesa-vulkan-drivers; the variables VK_DRIVER_FILES and VK_ICD_FILENAMES choose other drivers.",
                      name ? name : "any"));
  return FALSE;
}

/* Runs a small gray frame. Returns how long one takes on this device, or 0 with @error set. */
static GstClockTime
time_one_frame (CbamDetector *detector, GError **error)
{
  static const guint8 gray[16 * 16];
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 16, .height = 16, .planes = { gray } };

  if (!cbam_detector_submit (detector, &image, NULL, error))
    return 0;
  g_autoptr (CbamResult) result = cbam_detector_collect (detector, error);
  if (result == NULL)
    return 0;
  return MAX (1, cbam_result_get_seconds (result) * GST_SECOND);
}

static gboolean
make_detector (GstCbamDetect *self, const char *path, GError **error)
{
  self->model = cbam_model_load (self->device, path, error);
  if (self->model == NULL)
    return FALSE;
  self->detector = cbam_detector_new (self->model, &(CbamDetectorConfig){ .slots = self->slots }, error);
  if (self->detector == NULL)
    return FALSE;
  const GstClockTime once = time_one_frame (self->detector, error);
  if (once == 0)
    return FALSE;
  gst_cbam_latency_reset (&self->latency, once * self->slots);

  const CbamDeviceInfo *device = cbam_device_get_info (self->device);
  GST_INFO_OBJECT (self,
                   "model %s (%s), input %ux%u, %u classes; device %u: %s (%s, %s), %" GST_TIME_FORMAT
                   " a frame, %u in flight",
                   cbam_model_get_name (self->model), path, cbam_model_get_input_width (self->model),
                   cbam_model_get_input_height (self->model), cbam_model_get_n_classes (self->model), device->index,
                   device->name, device->type, device->driver, GST_TIME_ARGS (once), self->slots);
  return TRUE;
}

static void
stop (GstCbamDetect *self)
{
  gst_cbam_stream_reset (self);
  g_clear_pointer (&self->detector, cbam_detector_free);
  g_clear_pointer (&self->model, cbam_model_unref);
}

static gboolean
start (GstCbamDetect *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree char *path = g_strdup (self->settings.model);
  self->slots = self->settings.queue_depth;
  GST_OBJECT_UNLOCK (self);

  if (path == NULL || *path == '\0') {
    g_free (path);
    path = cbam_model_find_default (&error);
  }
  if (path != NULL && make_detector (self, path, &error))
    return TRUE;

  stop (self);
  if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND, ("%s", error->message), ("model=%s", path));
  else if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL) ||
           g_error_matches (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED))
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message), ("model=%s", path));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("%s", error->message), ("model=%s", path));
  return FALSE;
}

static GstStateChangeReturn
gst_cbam_detect_change_state (GstElement *element, GstStateChange transition)
{
  GstCbamDetect *self = GST_CBAM_DETECT (element);

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_device (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;

  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_cbam_detect_parent_class)->change_state (element, transition);

  const gboolean failed = result == GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && failed))
    stop (self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL || (transition == GST_STATE_CHANGE_NULL_TO_READY && failed))
    g_clear_pointer (&self->device, cbam_device_unref);
  return result;
}

/* --- Properties --- */

static void
gst_cbam_detect_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCbamDetect *self = GST_CBAM_DETECT (object);
  GstCbamSettings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_MODEL:
      g_free (settings->model);
      settings->model = g_value_dup_string (value);
      break;
    case PROP_DEVICE:
      g_free (settings->device);
      settings->device = g_value_dup_string (value);
      break;
    case PROP_THRESHOLD: settings->threshold = g_value_get_double (value); break;
    case PROP_NMS_IOU: settings->nms_iou = g_value_get_double (value); break;
    case PROP_MAX_DETECTIONS: settings->max_detections = g_value_get_int (value); break;
    case PROP_QUEUE_DEPTH: settings->queue_depth = g_value_get_uint (value); break;
    case PROP_OVERLAY: settings->overlay = g_value_get_flags (value); break;
    case PROP_POST_MESSAGES: settings->post_messages = g_value_get_boolean (value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cbam_detect_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCbamDetect *self = GST_CBAM_DETECT (object);
  const GstCbamSettings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_MODEL: g_value_set_string (value, settings->model); break;
    case PROP_DEVICE: g_value_set_string (value, settings->device); break;
    case PROP_THRESHOLD: g_value_set_double (value, settings->threshold); break;
    case PROP_NMS_IOU: g_value_set_double (value, settings->nms_iou); break;
    case PROP_MAX_DETECTIONS: g_value_set_int (value, settings->max_detections); break;
    case PROP_QUEUE_DEPTH: g_value_set_uint (value, settings->queue_depth); break;
    case PROP_OVERLAY: g_value_set_flags (value, settings->overlay); break;
    case PROP_POST_MESSAGES: g_value_set_boolean (value, settings->post_messages); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (
      klass, PROP_MODEL,
      g_param_spec_string ("model", "Model",
                           "Path of the model file (.safetensors). Unset = the one that ships with cbamdetect, which "
                           "finds the twenty classes of Pascal VOC",
                           NULL, ready));
  g_object_class_install_property (
      klass, PROP_DEVICE,
      g_param_spec_string (
          "device", "Device",
          "Vulkan device: a number, \"cpu\", \"gpu\", or a part of its name. Unset = the best there is: "
          "discrete GPU, integrated GPU, virtual GPU, CPU",
          NULL, ready));
  g_object_class_install_property (
      klass, PROP_THRESHOLD,
      g_param_spec_double (
          "threshold", "Threshold",
          "Report detections with a score above this, 0..1; lower reports more. -1 = as the model file "
          "says",
          -1, 1, -1, playing));
  g_object_class_install_property (
      klass, PROP_NMS_IOU,
      g_param_spec_double ("nms-iou", "NMS IoU",
                           "Of two boxes of one class that overlap by more than this (intersection over union, 0..1), "
                           "the weaker goes. -1 = as the model file says",
                           -1, 1, -1, playing));
  g_object_class_install_property (
      klass, PROP_MAX_DETECTIONS,
      g_param_spec_int (
          "max-detections", "Maximum detections",
          "Report at most so many detections a frame, the best ones. 0 = all, -1 = as the model file says", -1,
          G_MAXINT, -1, playing));
  g_object_class_install_property (
      klass, PROP_QUEUE_DEPTH,
      g_param_spec_uint ("queue-depth", "Queue depth",
                         "Frames in inference at the same time. A further frame waits, or in a live stream goes on "
                         "without inference",
                         1, 64, DEFAULT_QUEUE_DEPTH, ready));
  g_object_class_install_property (
      klass, PROP_OVERLAY,
      g_param_spec_flags (
          "overlay", "Overlay",
          "What to draw on the frames: attached as GstVideoOverlayComposition where downstream takes it, "
          "else blended into the pixels",
          GST_TYPE_CBAM_OVERLAY, GST_CBAM_OVERLAY_NONE, playing));
  g_object_class_install_property (
      klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message \"cbam-detections\" for every inferred frame", FALSE, playing));
}

static void
gst_cbam_detect_finalize (GObject *object)
{
  GstCbamDetect *self = GST_CBAM_DETECT (object);

  gst_cbam_fifo_free (self->fifo);
  g_mutex_clear (&self->activation);
  g_mutex_clear (&self->latency.lock);
  g_free (self->settings.model);
  g_free (self->settings.device);
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
  install_properties (object_class);

  element_class->change_state = GST_DEBUG_FUNCPTR (gst_cbam_detect_change_state);
  gst_cbam_stream_class_init (element_class);
  gst_element_class_set_static_metadata (element_class, "CBAM object detector", "Filter/Analyzer/Video",
                                         "Finds objects in video with SSD and StairNet networks on Vulkan",
                                         "the cbamdetect developers");
  gst_type_mark_as_plugin_api (GST_TYPE_CBAM_OVERLAY, 0);
}

static void
gst_cbam_detect_init (GstCbamDetect *self)
{
  self->settings = (GstCbamSettings){
    .threshold = -1,
    .nms_iou = -1,
    .max_detections = -1,
    .queue_depth = DEFAULT_QUEUE_DEPTH,
  };
  g_mutex_init (&self->activation);
  g_mutex_init (&self->latency.lock);
  self->fifo = gst_cbam_fifo_new ();
  gst_cbam_stream_init (self);
}
