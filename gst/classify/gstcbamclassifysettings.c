/* The properties of `cbamclassify`: what they are called, what they may be, and what they are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamclassifysettings.h"

#include <text-file.h>

#define DEFAULT_TOP_K 1
#define DEFAULT_MIN_SIZE 16
#define MOST_PADDING 1.0

const GstCbamEngineTexts gst_cbam_classify_texts = {
  .model = "Path of the model file (.safetensors) of a classifier. Unset = the one that the environment variable "
           "CBAM_MODEL names",
  .queue_depth = "Submissions of up to max-batch regions in inference at the same time, 1..64. In a live stream "
                 "further regions wait for a later frame",
  .slots = 2,
  .max_batch = 8,
};

GType
gst_cbam_on_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_CBAM_ON_REGIONS, "Every region of interest that is on the frame", "regions" },
    { GST_CBAM_ON_FRAME, "The whole frame", "frame" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstCbamClassifyOn", values));
  return type;
}

void
gst_cbam_classify_settings_init (GstCbamClassifySettings *settings)
{
  *settings = (GstCbamClassifySettings){
    .threshold = -1,
    .top_k = DEFAULT_TOP_K,
    .min_size = DEFAULT_MIN_SIZE,
    .video_direction = GST_VIDEO_ORIENTATION_AUTO,
    .qos = TRUE,
  };
}

void
gst_cbam_classify_settings_clear (GstCbamClassifySettings *settings)
{
  g_clear_pointer (&settings->labels, g_free);
  g_clear_pointer (&settings->names, g_strfreev);
  g_clear_pointer (&settings->classes, g_free);
  g_clear_pointer (&settings->wanted, g_strfreev);
}

/* ---- Texts ---- */

/* "Dog, cat" -> "dog", "cat". NULL: nothing is named. */
static char **
split_classes (const char *classes)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (classes != NULL ? classes : "", ",", -1);
  guint n = 0;

  for (guint i = 0; parts[i] != NULL; i++) {
    g_autofree char *valid = g_utf8_make_valid (g_strstrip (parts[i]), -1), *folded = g_utf8_casefold (valid, -1);
    if (*folded == '\0')
      continue;
    g_strv_builder_add (words, folded);
    n++;
  }
  return n > 0 ? g_strv_builder_end (words) : NULL;
}

static void
take_classes (GstCbamClassifySettings *settings, const GValue *value)
{
  gst_cbam_settings_take_string (&settings->classes, value);
  g_strfreev (settings->wanted);
  settings->wanted = split_classes (settings->classes);
}

gboolean
gst_cbam_classify_read_names (const char *path, char ***names, GError **error)
{
  g_autoptr (GError) cause = NULL;

  *names = NULL;
  if (path == NULL || *path == '\0')
    return TRUE;
  *names = text_file_read_lines (path, &cause);
  if (*names == NULL) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                 "labels: expected a file with the name of a class a line: %s", cause->message);
    return FALSE;
  }
  const guint n = g_strv_length (*names);
  if (n > 0 && *(*names)[n - 1] == '\0') /* behind the last line's end */
    g_clear_pointer (&(*names)[n - 1], g_free);
  return TRUE;
}

/* ---- Values ---- */

gboolean
gst_cbam_classify_settings_set (GstCbamClassifySettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case GST_CBAM_CLASSIFY_PROP_ON: settings->on = g_value_get_enum (value); break;
    case GST_CBAM_CLASSIFY_PROP_THRESHOLD: settings->threshold = g_value_get_double (value); break;
    case GST_CBAM_CLASSIFY_PROP_TOP_K: settings->top_k = g_value_get_uint (value); break;
    case GST_CBAM_CLASSIFY_PROP_LABELS: gst_cbam_settings_take_string (&settings->labels, value); break;
    case GST_CBAM_CLASSIFY_PROP_CLASSES: take_classes (settings, value); break;
    case GST_CBAM_CLASSIFY_PROP_PADDING: settings->padding = g_value_get_double (value); break;
    case GST_CBAM_CLASSIFY_PROP_MIN_SIZE: settings->min_size = g_value_get_uint (value); break;
    case GST_CBAM_CLASSIFY_PROP_VIDEO_DIRECTION: settings->video_direction = g_value_get_enum (value); break;
    case GST_CBAM_CLASSIFY_PROP_INTERVAL: settings->interval = g_value_get_uint (value); break;
    case GST_CBAM_CLASSIFY_PROP_RECLASSIFY_INTERVAL: settings->reclassify_interval = g_value_get_uint (value); break;
    case GST_CBAM_CLASSIFY_PROP_QOS: settings->qos = g_value_get_boolean (value); break;
    case GST_CBAM_CLASSIFY_PROP_ATTENTION: settings->attention = g_value_get_boolean (value); break;
    case GST_CBAM_CLASSIFY_PROP_GRAD_CAM: settings->grad_cam = g_value_get_boolean (value); break;
    case GST_CBAM_CLASSIFY_PROP_POST_MESSAGES: settings->post_messages = g_value_get_boolean (value); break;
    default: return FALSE;
  }
  return TRUE;
}

gboolean
gst_cbam_classify_settings_get (const GstCbamClassifySettings *settings, guint id, GValue *value)
{
  switch (id) {
    case GST_CBAM_CLASSIFY_PROP_ON: g_value_set_enum (value, settings->on); break;
    case GST_CBAM_CLASSIFY_PROP_THRESHOLD: g_value_set_double (value, settings->threshold); break;
    case GST_CBAM_CLASSIFY_PROP_TOP_K: g_value_set_uint (value, settings->top_k); break;
    case GST_CBAM_CLASSIFY_PROP_LABELS: g_value_set_string (value, settings->labels); break;
    case GST_CBAM_CLASSIFY_PROP_CLASSES: g_value_set_string (value, settings->classes); break;
    case GST_CBAM_CLASSIFY_PROP_PADDING: g_value_set_double (value, settings->padding); break;
    case GST_CBAM_CLASSIFY_PROP_MIN_SIZE: g_value_set_uint (value, settings->min_size); break;
    case GST_CBAM_CLASSIFY_PROP_VIDEO_DIRECTION: g_value_set_enum (value, settings->video_direction); break;
    case GST_CBAM_CLASSIFY_PROP_INTERVAL: g_value_set_uint (value, settings->interval); break;
    case GST_CBAM_CLASSIFY_PROP_RECLASSIFY_INTERVAL: g_value_set_uint (value, settings->reclassify_interval); break;
    case GST_CBAM_CLASSIFY_PROP_QOS: g_value_set_boolean (value, settings->qos); break;
    case GST_CBAM_CLASSIFY_PROP_ATTENTION: g_value_set_boolean (value, settings->attention); break;
    case GST_CBAM_CLASSIFY_PROP_GRAD_CAM: g_value_set_boolean (value, settings->grad_cam); break;
    case GST_CBAM_CLASSIFY_PROP_POST_MESSAGES: g_value_set_boolean (value, settings->post_messages); break;
    default: return FALSE;
  }
  return TRUE;
}

CbamDetectParams
gst_cbam_classify_settings_get_params (const GstCbamClassifySettings *settings)
{
  return (CbamDetectParams){
    .threshold = settings->threshold < 0   ? 0
                 : settings->threshold > 0 ? (float) settings->threshold
                                           : -1,
    .max_detections = settings->top_k,
    .attention = settings->attention,
    .grad_cam = settings->grad_cam ? 1 : 0,
  };
}

/* ---- What is looked at ---- */

static void
install_looks (GObjectClass *klass)
{
  /**
   * GstCbamClassify:on:
   *
   * What is classified: the regions that a detector found, or the frame. A frame without regions is not looked at with
   * `regions`. With `frame`, what is seen is attached as a region of the frame's size and of the type `frame`.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_ON,
      g_param_spec_enum ("on", "On", "What to classify: the regions of interest that are on the frame, or all of it",
                         GST_TYPE_CBAM_ON, GST_CBAM_ON_REGIONS, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:classes:
   *
   * Classify only regions of these types, which is what detectors call the classes of objects, for example "dog,cat".
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_CLASSES,
      g_param_spec_string ("classes", "Classes",
                           "Classify only regions with these labels, in any case, separated by commas, such as "
                           "\"person,car\". Unset = every region",
                           NULL, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:padding:
   *
   * How much more than the region is looked at, on each side, as a part of the region's width or height. Classifiers
   * are mostly trained on pictures with some room around the object, and many look at the middle only.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_PADDING,
      g_param_spec_double ("padding", "Padding",
                           "Look at so much more on each side of a region, as a part of its width or height, 0..1", 0,
                           MOST_PADDING, 0, GST_CBAM_PLAYING));
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_MIN_SIZE,
      g_param_spec_uint (
          "min-size", "Minimum size",
          "Leave out regions of which less than so many pixels are on the frame, in width or height, 1..65535", 1,
          65535, DEFAULT_MIN_SIZE, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:video-direction:
   *
   * How the frames must be turned or mirrored to be upright; as #GstCbamDetect:video-direction.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_VIDEO_DIRECTION,
      g_param_spec_enum ("video-direction", "Video direction",
                         "How frames must be turned to be upright for the network. They go on as they came. auto = as "
                         "the tag image-orientation says, identity = not at all; custom means nothing here",
                         GST_TYPE_VIDEO_ORIENTATION_METHOD, GST_VIDEO_ORIENTATION_AUTO, GST_CBAM_PLAYING));
}

/* ---- What is reported ---- */

static void
install_classes (GObjectClass *klass)
{
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
                           "Report classes with a score above this, 0..1. -1 = as the model file says", -1, 1, -1,
                           GST_CBAM_PLAYING));
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_TOP_K,
      g_param_spec_uint ("top-k", "Top k", "Report at most so many classes of each region, the best ones, 1..1000", 1,
                         1000, DEFAULT_TOP_K, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:labels:
   *
   * Path of a text file with other names for the model's classes: a name a line, as many as the model has classes. A
   * file that cannot be read or has another number of lines is an error at the start.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_LABELS,
      g_param_spec_string ("labels", "Labels",
                           "Path of a text file with names of the model's classes, one a line. Unset = the model's own",
                           NULL, GST_CBAM_READY));
  /**
   * GstCbamClassify:attention:
   *
   * Attach what the network's attention modules let through, as a #GstCustomMeta "CbamAttentionMeta" for each region
   * that was classified. Networks without attention attach nothing.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_ATTENTION,
      g_param_spec_boolean ("attention", "Attention",
                            "Attach the network's attention maps of every classified region, as levels of a "
                            "CbamAttentionMeta. Networks without attention have none",
                            FALSE, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:grad-cam:
   *
   * Attach where the evidence for the best class of each region lies (Grad-CAM), as the field `grad-cam` of a
   * #GstCustomMeta "CbamAttentionMeta" for each region.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_GRAD_CAM,
      g_param_spec_boolean ("grad-cam", "Grad-CAM",
                            "Attach where the evidence for the best class of every region lies, as grad-cam of a "
                            "CbamAttentionMeta",
                            FALSE, GST_CBAM_PLAYING));
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message \"cbam-classifications\" on the bus for every frame with new "
                            "results",
                            FALSE, GST_CBAM_PLAYING));
}

/* ---- Which frames, and how often a region ---- */

static void
install_pace (GObjectClass *klass)
{
  /**
   * GstCbamClassify:interval:
   *
   * How many frames go on without inference between two whose regions are classified; as #GstCbamDetect:interval. Their
   * regions carry what was seen in them before. A region whose classes are two seconds old is classified all the same.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
                         "Frames that go on without inference between two whose regions are classified. 0 = none, 2 = "
                         "classify in every third",
                         0, G_MAXINT, 0, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:reclassify-interval:
   *
   * How many frames a region keeps its classes for before it is classified anew. After two seconds it is, whatever this
   * says.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_RECLASSIFY_INTERVAL,
      g_param_spec_uint ("reclassify-interval", "Reclassify interval",
                         "Frames for which a region keeps its classes before it is classified anew, which it is after "
                         "two seconds at the latest. 0 = classify it in every frame",
                         0, G_MAXINT, 0, GST_CBAM_PLAYING));
  /**
   * GstCbamClassify:qos:
   *
   * Whether frames that downstream says come too late go on without waiting for the classifier, as those of a live
   * stream always do.
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_QOS,
      g_param_spec_boolean ("qos", "QoS",
                            "Pass frames on without waiting for the classifier while downstream says that they come "
                            "too late",
                            TRUE, GST_CBAM_PLAYING));
}

void
gst_cbam_classify_settings_install (GObjectClass *klass)
{
  gst_cbam_engine_settings_install (klass, &gst_cbam_classify_texts);
  install_looks (klass);
  install_classes (klass);
  install_pace (klass);
  gst_type_mark_as_plugin_api (GST_TYPE_CBAM_ON, 0);
}
