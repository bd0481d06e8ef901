/* The properties of `cbamdetect`: what they are called, what they may be, and what they are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamsettings.h"

#define DEFAULT_VIDEO_DIRECTION GST_VIDEO_ORIENTATION_AUTO
#define DEFAULT_CARRY GST_CBAM_CARRY_LAST

const GstCbamEngineTexts gst_cbam_settings_texts = {
  .model = "Path of the model file (.safetensors). Unset = the one that the environment variable CBAM_MODEL names, or "
           "else the one that ships, which finds the twenty classes of Pascal VOC",
  .queue_depth = "Frames in inference at the same time, 1..64. A further frame waits, or in a live stream goes on "
                 "without inference",
  .slots = 2,
};

GType
gst_cbam_carry_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_CBAM_CARRY_NONE, "Nothing", "none" },
    { GST_CBAM_CARRY_LAST, "What was found in the last inferred frame, with its age", "last" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstCbamCarry", values));
  return type;
}

void
gst_cbam_settings_init (GstCbamSettings *settings)
{
  *settings = (GstCbamSettings){
    .threshold = -1,
    .nms_iou = -1,
    .nms_across = -1,
    .max_detections = -1,
    .video_direction = DEFAULT_VIDEO_DIRECTION,
    .carry = DEFAULT_CARRY,
    .qos = TRUE,
  };
  gst_cbam_overlay_settings_init (&settings->drawing, GST_CBAM_OVERLAY_NONE);
}

void
gst_cbam_settings_clear (GstCbamSettings *settings)
{
  g_clear_pointer (&settings->classes, g_free);
  g_clear_pointer (&settings->roi, g_free);
  gst_cbam_overlay_settings_clear (&settings->drawing);
}

gboolean
gst_cbam_settings_set (GstCbamSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case GST_CBAM_PROP_THRESHOLD: settings->threshold = g_value_get_double (value); break;
    case GST_CBAM_PROP_THRESHOLD_SHIFT: settings->threshold_shift = g_value_get_double (value); break;
    case GST_CBAM_PROP_NMS_IOU: settings->nms_iou = g_value_get_double (value); break;
    case GST_CBAM_PROP_NMS_ACROSS: settings->nms_across = g_value_get_double (value); break;
    case GST_CBAM_PROP_MAX_DETECTIONS: settings->max_detections = g_value_get_int (value); break;
    case GST_CBAM_PROP_CLASSES: gst_cbam_settings_take_string (&settings->classes, value); break;
    case GST_CBAM_PROP_ROI: gst_cbam_settings_take_string (&settings->roi, value); break;
    case GST_CBAM_PROP_VIDEO_DIRECTION: settings->video_direction = g_value_get_enum (value); break;
    case GST_CBAM_PROP_INTERVAL: settings->interval = g_value_get_uint (value); break;
    case GST_CBAM_PROP_CARRY: settings->carry = g_value_get_enum (value); break;
    case GST_CBAM_PROP_ATTENTION: settings->attention = g_value_get_boolean (value); break;
    case GST_CBAM_PROP_GRAD_CAM: settings->grad_cam = g_value_get_boolean (value); break;
    case GST_CBAM_PROP_QOS: settings->qos = g_value_get_boolean (value); break;
    case GST_CBAM_PROP_POST_MESSAGES: settings->post_messages = g_value_get_boolean (value); break;
    default:
      return id >= GST_CBAM_PROP_OVERLAY &&
             gst_cbam_overlay_settings_set (&settings->drawing, id - GST_CBAM_PROP_OVERLAY, value);
  }
  return TRUE;
}

gboolean
gst_cbam_settings_get (const GstCbamSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case GST_CBAM_PROP_THRESHOLD: g_value_set_double (value, settings->threshold); break;
    case GST_CBAM_PROP_THRESHOLD_SHIFT: g_value_set_double (value, settings->threshold_shift); break;
    case GST_CBAM_PROP_NMS_IOU: g_value_set_double (value, settings->nms_iou); break;
    case GST_CBAM_PROP_NMS_ACROSS: g_value_set_double (value, settings->nms_across); break;
    case GST_CBAM_PROP_MAX_DETECTIONS: g_value_set_int (value, settings->max_detections); break;
    case GST_CBAM_PROP_CLASSES: g_value_set_string (value, settings->classes); break;
    case GST_CBAM_PROP_ROI: g_value_set_string (value, settings->roi); break;
    case GST_CBAM_PROP_VIDEO_DIRECTION: g_value_set_enum (value, settings->video_direction); break;
    case GST_CBAM_PROP_INTERVAL: g_value_set_uint (value, settings->interval); break;
    case GST_CBAM_PROP_CARRY: g_value_set_enum (value, settings->carry); break;
    case GST_CBAM_PROP_ATTENTION: g_value_set_boolean (value, settings->attention); break;
    case GST_CBAM_PROP_GRAD_CAM: g_value_set_boolean (value, settings->grad_cam); break;
    case GST_CBAM_PROP_QOS: g_value_set_boolean (value, settings->qos); break;
    case GST_CBAM_PROP_POST_MESSAGES: g_value_set_boolean (value, settings->post_messages); break;
    default:
      return id >= GST_CBAM_PROP_OVERLAY &&
             gst_cbam_overlay_settings_get (&settings->drawing, id - GST_CBAM_PROP_OVERLAY, value);
  }
  return TRUE;
}

double
gst_cbam_settings_get_threshold (const GstCbamSettings *settings, double own)
{
  const double shift = settings->threshold_shift;

  if (settings->threshold >= 0)
    return settings->threshold;
  return shift < 0 ? own + own * shift : own + (1 - own) * shift;
}

CbamDetectParams
gst_cbam_settings_get_params (const GstCbamSettings *settings, const CbamModel *model)
{
  const double threshold = gst_cbam_settings_get_threshold (settings, cbam_model_get_info (model)->threshold);
  CbamDetectParams params = { .threshold = threshold > 0 ? (float) threshold : -1 };

  if (settings->nms_iou >= 0)
    params.nms_iou = settings->nms_iou > 0 ? (float) settings->nms_iou : -1;
  if (settings->nms_across >= 0)
    params.nms_across = settings->nms_across > 0 ? (float) settings->nms_across : -1;
  if (settings->max_detections >= 0)
    params.max_detections = settings->max_detections > 0 ? (guint) settings->max_detections : CBAM_ALL;
  params.attention = settings->attention || (settings->drawing.overlay & GST_CBAM_OVERLAY_ATTENTION);
  params.grad_cam = settings->grad_cam || (settings->drawing.overlay & GST_CBAM_OVERLAY_GRAD_CAM) ? 1 : 0;
  return params;
}

/* ---- What is reported ---- */

static void
install_detections (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, GST_CBAM_PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
                           "Report detections with a score above this, 0..1; lower reports more. -1 = as the model "
                           "file says",
                           -1, 1, -1, GST_CBAM_PLAYING | GST_PARAM_CONTROLLABLE));
  /**
   * GstCbamDetect:threshold-shift:
   *
   * More or fewer detections than the model file provides for, whatever the threshold is that it names: that is moved
   * by this share of the way to 0, if negative, or to 1. A model whose own threshold is 0.6 reports scores above 0.45
   * at -0.25, and above 0.7 at 0.25. Nothing happens where #GstCbamDetect:threshold is set.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_THRESHOLD_SHIFT,
      g_param_spec_double ("threshold-shift", "Threshold shift",
                           "Where threshold is -1: move the model's own by this share of the way to 0, which reports "
                           "more, or to 1, which reports less; -1..1. 0 = leave it where it is",
                           -1, 1, 0, GST_CBAM_PLAYING | GST_PARAM_CONTROLLABLE));
  g_object_class_install_property (
      klass, GST_CBAM_PROP_NMS_IOU,
      g_param_spec_double ("nms-iou", "NMS IoU",
                           "Of two boxes of one class that overlap by more than this (intersection over union, 0..1), "
                           "the weaker goes. -1 = as the model file says",
                           -1, 1, -1, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:nms-across:
   *
   * One object, one word: of what #GstCbamDetect:nms-iou leaves, a box that overlaps a stronger one of another class by
   * more than this goes. It does so before #GstCbamDetect:classes chooses, so that a dog that looks more like a horse
   * is not reported where only dogs are asked for, either.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_NMS_ACROSS,
      g_param_spec_double ("nms-across", "NMS across classes",
                           "Of two boxes of different classes that overlap by more than this (intersection over union, "
                           "0..1), the weaker goes, too. 1 = none goes, -1 = as the model file says",
                           -1, 1, -1, GST_CBAM_PLAYING));
  g_object_class_install_property (
      klass, GST_CBAM_PROP_MAX_DETECTIONS,
      g_param_spec_int ("max-detections", "Maximum detections",
                        "Report at most so many detections a frame, the best ones. 0 = all. -1 = as the model file "
                        "says",
                        -1, G_MAXINT, -1, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:classes:
   *
   * Report only these classes: labels of the model, in upper or lower case, or their numbers, separated by commas, for
   * example "person,car". A name that the model does not know is an error at the start, which lists those it knows;
   * while frames flow it is a warning, and the list stays as it was.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_CLASSES,
      g_param_spec_string ("classes", "Classes",
                           "Report only these classes: labels in any case or numbers, separated by commas, such as "
                           "\"person,car\". Unset = every class",
                           NULL, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:roi:
   *
   * Detect only in this rectangle, "x,y,width,height" in pixels of the frame; detections are in pixels of the whole
   * frame all the same. The rectangle alone is resized to the network's input, so that a smaller one shows smaller
   * things. What of it lies outside of the frame is left out; if nothing is left, a warning says so and frames go on
   * without inference. Where chroma is subsampled, odd edges move outwards by a pixel.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_ROI,
      g_param_spec_string ("roi", "Region of interest",
                           "Detect only in this part of the frame: \"x,y,width,height\" in pixels, such as "
                           "\"320,0,640,480\". Unset = everywhere",
                           NULL, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:video-direction:
   *
   * How the frames must be turned or mirrored to be upright, as the network must see them; values are those of
   * videoflip's property of this name. `auto` does what the tag `image-orientation` says, which videos of phones and
   * photos with EXIF have: the stream's own before the global one, unless an element upstream, such as videoflip, has
   * turned the frames already. Frames go on as they came, and #GstCbamDetect:roi, detections, maps and drawings are in
   * their pixels. `custom` means nothing here: it is a warning, and the property stays as it was.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_VIDEO_DIRECTION,
      g_param_spec_enum (
          "video-direction", "Video direction",
          "How frames must be turned to be upright for the network. They go on as they came, and results "
          "are in their own pixels. auto = as the tag image-orientation says, identity = not at all; "
          "custom means nothing here",
          GST_TYPE_VIDEO_ORIENTATION_METHOD, DEFAULT_VIDEO_DIRECTION, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:attention:
   *
   * Attach what the network's attention modules let through, as the #GstCustomMeta "CbamAttentionMeta". Networks
   * without attention attach nothing.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_ATTENTION,
      g_param_spec_boolean ("attention", "Attention",
                            "Attach the network's attention maps to every inferred frame, as levels of its "
                            "CbamAttentionMeta. Networks without attention have none",
                            FALSE, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:grad-cam:
   *
   * Attach where the evidence for the strongest detection lies (Grad-CAM, Selvaraju et al. 2017), as the field
   * `grad-cam` of the #GstCustomMeta "CbamAttentionMeta". Any network has that; a frame without detections has none.
   * Nothing is drawn: `cbamoverlay overlay=grad-cam` does that, wherever it stands in the pipeline.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_GRAD_CAM,
      g_param_spec_boolean ("grad-cam", "Grad-CAM",
                            "Attach where the evidence for the strongest detection lies, as grad-cam of the frame's "
                            "CbamAttentionMeta",
                            FALSE, GST_CBAM_PLAYING));
  g_object_class_install_property (
      klass, GST_CBAM_PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message \"cbam-detections\" on the bus for every inferred frame", FALSE,
                            GST_CBAM_PLAYING));
}

/* ---- Which frames are inferred, and what the others get ---- */

static void
install_pace (GObjectClass *klass)
{
  /**
   * GstCbamDetect:interval:
   *
   * How many frames go on without inference between two that are inferred: 0 = every frame, 2 = every third (as the
   * property of this name in DeepStream; DL Streamer's inference-interval=3 is interval=2).
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
                         "Frames that go on without inference between two that are inferred. 0 = infer every frame, 2 "
                         "= every third",
                         0, G_MAXINT, 0, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:carry:
   *
   * What a frame carries that was not inferred, whatever the reason. Detections of an earlier frame are marked: the
   * structure `detection` of the region has two more fields, `age` (guint64: nanoseconds from that frame's timestamp to
   * this one's, GST_CLOCK_TIME_NONE when either has none) and `frame-age` (guint: frames). So does the
   * CbamAttentionMeta. Detections without these fields are of the frame itself.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_CARRY,
      g_param_spec_enum ("carry", "Carry",
                         "What frames without inference carry. Detections of an earlier frame tell their age, in "
                         "fields \"age\" (nanoseconds) and \"frame-age\" (frames)",
                         GST_TYPE_CBAM_CARRY, DEFAULT_CARRY, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:qos:
   *
   * Whether frames that downstream says come too late go on without inference, until it has caught up; still, one a
   * second is inferred, or as many as take a tenth of the time. Frames are never dropped, and upstream hears of the
   * delay only when it lasts for more than a second all the same.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_QOS,
      g_param_spec_boolean ("qos", "QoS",
                            "Pass frames on without inference while downstream says that they come too late. Still, "
                            "about one a second is inferred",
                            TRUE, GST_CBAM_PLAYING));
}

void
gst_cbam_settings_install (GObjectClass *klass)
{
  gst_cbam_engine_settings_install (klass, &gst_cbam_settings_texts);
  install_detections (klass);
  install_pace (klass);
  gst_cbam_overlay_settings_install (klass, GST_CBAM_PROP_OVERLAY, GST_CBAM_OVERLAY_NONE);
}
