/* The element `cbamclassify`: its pads, its properties, its states. Which regions are looked at, and what is made of
 * what was seen, is in classify/.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cbamclassify
 * @title: cbamclassify
 * @short_description: says what regions of video, or whole frames, show
 *
 * Runs a classification network on every region of interest that a detector has put on a frame, be it `cbamdetect` or
 * somebody else's (with GStreamer 1.24 or newer also on every #GstAnalyticsODMtd, for which it adds a region), and
 * tells what it saw:
 *
 * * as parameters `classification` of the region, one for each class, the best first: `label` (string), `label_id`
 *   (int), `confidence` (double), `model_name` and `layer_name` (string);
 * * with GStreamer 1.24 or newer as a #GstAnalyticsClsMtd, related to the region's #GstAnalyticsODMtd;
 * * as the #GstCustomMeta `CbamAttentionMeta`, with #GstCbamClassify:attention or #GstCbamClassify:grad-cam, one for
 *   each region;
 * * as an element message `cbam-classifications`, with #GstCbamClassify:post-messages.
 *
 * Regions are followed from frame to frame: by the number that a tracker has given to the object, as the region's
 * parameter `object_id` of DL Streamer's gvatrack or as #GstAnalyticsTrackingMtd, else by their place. So a region that
 * is not classified anew carries what was seen in it before; then the structure has two more fields, `age` (guint64:
 * nanoseconds from that frame's running time to this one's) and `frame-age` (guint: frames).
 *
 * A live stream never waits, but for frames that lie on a Vulkan device: its frames go on at once, and what the
 * classifier says, later frames carry. Where there are more regions than it can look at, each has its turn. Other
 * streams wait for the classifier, so that each frame has its own classes, unless downstream says that frames come too
 * late.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.avi ! decodebin ! videoconvert ! cbamdetect \
 *   ! cbamclassify model=lite0.safetensors classes=dog,cat padding=0.1 \
 *   ! cbamoverlay ! videoconvert ! autovideosink
 * ]| Says which dogs and cats they are.
 * |[
 * gst-launch-1.0 -m v4l2src ! videoconvert ! cbamclassify model=lite0.safetensors on=frame \
 *   top-k=5 post-messages=true ! fakesink
 * ]| Prints what the camera sees.
 */

#include "gstcbamclassify.h"

#include "classify/gstcbamclassifier.h"
#include "classify/gstcbamverdicts.h"
#include "draw/gstcbamcomposition.h"
#include "frame/gstcbamoffer.h"
#include "gstcbampreset.h"
#include "meta/gstcbamobjects.h"
#include "stream/gstcbamorientation.h"
#include "stream/gstcbamqos.h"

GST_DEBUG_CATEGORY_STATIC (gst_cbam_classify_debug);
#define GST_CAT_DEFAULT gst_cbam_classify_debug

struct _GstCbamClassify
{
  GstElement parent;

  GstPad *sink_pad, *src_pad;
  GstCbamEngine engine;
  GstCbamClassifySettings settings; /* under the object lock */
  GstCbamQos qos;
  GstCbamClassStats stats;

  /* The streaming thread's. */
  GstCbamClassifier classifier;
  GstCbamOrientation orientation;
  GstSegment segment;
  GstVideoInfo info;
  gboolean has_caps;
  gboolean warned_of_meta; /* that metadata is not followed */
  guint64 n_frames;        /* that have come */
  GstClockTime last_time;  /* running time of the last frame that had one; GST_CLOCK_TIME_NONE: none had */
  char *stream_id;
  gboolean introduced; /* the line in the log that says what runs on what */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS GST_CBAM_VULKAN_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS GST_CBAM_VULKAN_CAPS));

G_DEFINE_FINAL_TYPE_WITH_CODE (GstCbamClassify, gst_cbam_classify, GST_TYPE_ELEMENT,
                               G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, gst_cbam_preset_init))

static void
register_debug (void)
{
  GST_DEBUG_CATEGORY_INIT (gst_cbam_classify_debug, "cbamclassify", 0, "classification of regions");
}

GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cbamclassify, "cbamclassify", GST_RANK_NONE, GST_TYPE_CBAM_CLASSIFY,
                                       register_debug ())

/* ---- Frames ---- */

static GstCbamWhen
get_when (GstCbamClassify *self, GstBuffer *buffer)
{
  const GstSegment *segment = &self->segment;
  GstCbamWhen when = { .frame = ++self->n_frames, .time = GST_CLOCK_TIME_NONE };

  if (segment->format == GST_FORMAT_TIME)
    when.time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (GST_CLOCK_TIME_IS_VALID (when.time))
    self->last_time = when.time;
  else if (GST_CLOCK_TIME_IS_VALID (self->last_time))
    when.time = self->last_time;
  else
    when.time = g_get_monotonic_time () * GST_USECOND;
  return when;
}

/* The properties at the time of one frame. */
static GstCbamClassifierFrame
get_frame (GstCbamClassify *self, GstBuffer *buffer, CbamDetectParams *params)
{
  GstCbamClassifierFrame frame = { .buffer = buffer, .info = &self->info, .params = params };
  const char *why;

  frame.when = get_when (self, buffer);
  frame.live = gst_cbam_latency_is_live (&self->engine.latency);
  GST_OBJECT_LOCK (self);
  *params = gst_cbam_classify_settings_get_params (&self->settings);
  frame.interval = self->settings.interval;
  frame.reclassify_interval = self->settings.reclassify_interval;
  const gboolean qos = self->settings.qos;
  const GstVideoOrientationMethod direction = self->settings.video_direction;
  GST_OBJECT_UNLOCK (self);
  frame.waits = !frame.live && !(qos && gst_cbam_qos_is_late (&self->qos, frame.when.time));
  frame.waits |= gst_cbam_vulkan_is_image (buffer);
  frame.orientation = gst_cbam_orientation_get (&self->orientation, direction, self->sink_pad, &why);
  return frame;
}

static GstCbamVerdictWishes
get_wishes (GstCbamClassify *self)
{
  GST_OBJECT_LOCK (self);
  const GstCbamVerdictWishes wishes = {
    .names = (const char *const *) self->settings.names, /* nobody changes them while frames flow */
    .parts = (self->settings.attention ? GST_CBAM_ATTENTION_LEVELS : 0) |
             (self->settings.grad_cam ? GST_CBAM_ATTENTION_GRAD_CAM : 0),
    .messages = self->settings.post_messages,
  };
  GST_OBJECT_UNLOCK (self);
  return wishes;
}

/* Width by height of what the network looks at, in frames that must be turned so. */
static double
get_shape (GstCbamClassify *self, CbamOrientation orientation)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (&self->engine.sessions);
  const CbamModelInfo *info = cbam_model_get_info (session->model);
  const double shape = (double) info->input_width / info->input_height;

  switch (orientation) {
    case CBAM_ORIENTATION_90R:
    case CBAM_ORIENTATION_90L:
    case CBAM_ORIENTATION_UL_LR:
    case CBAM_ORIENTATION_UR_LL: return 1 / shape;
    default: return shape;
  }
}

/* With a region for every object that others have found, if that is what is looked at. Takes @buffer. */
static GstBuffer *
adopt_objects (GstCbamClassify *self, GstBuffer *buffer)
{
  GST_OBJECT_LOCK (self);
  const gboolean regions = self->settings.on == GST_CBAM_ON_REGIONS;
  GST_OBJECT_UNLOCK (self);
  if (!regions)
    return buffer;
  return gst_cbam_objects_to_regions (buffer, GST_VIDEO_INFO_WIDTH (&self->info), GST_VIDEO_INFO_HEIGHT (&self->info));
}

/* What of @buffer is to be looked at. */
static GstCbamLooks *
get_looks (GstCbamClassify *self, GstBuffer *buffer, CbamOrientation orientation)
{
  const double shape = get_shape (self, orientation);

  GST_OBJECT_LOCK (self);
  GstCbamLooks *looks = gst_cbam_looks_new (buffer, GST_VIDEO_INFO_WIDTH (&self->info),
                                            GST_VIDEO_INFO_HEIGHT (&self->info), shape, &self->settings);
  GST_OBJECT_UNLOCK (self);
  return looks;
}

/* Takes @buffer; returns it with what was seen, or NULL: there is an error. */
static GstBuffer *
classify (GstCbamClassify *self, GstBuffer *buffer, GError **error)
{
  g_autoptr (GstBuffer) owned = buffer;
  CbamDetectParams params;
  const GstCbamClassifierFrame frame = get_frame (self, buffer, &params);
  g_autoptr (GstCbamLooks) looks = get_looks (self, buffer, frame.orientation);
  const GstCbamVerdictWishes wishes = get_wishes (self);
  g_autoptr (GPtrArray) tracks = gst_cbam_classifier_look (&self->classifier, &frame, looks->looks, error);
  GstStructure *message = NULL;

  if (tracks == NULL)
    return NULL;
  const GstCbamVerdictFrame place = { &self->info, &self->segment, frame.when };
  GstCbamClassCounts counts;
  buffer =
      gst_cbam_verdicts_attach (g_steal_pointer (&owned), &place, looks->looks, tracks, &wishes, &counts, &message);
  gst_cbam_class_stats_add_frame (&self->stats, looks, counts);
  if (message != NULL)
    gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), message));
  GST_LOG_OBJECT (self, "%u regions: %u fresh, %u carried, %u skipped", looks->looks->len, counts.fresh, counts.carried,
                  counts.skipped);
  return buffer;
}

/* The one line that says what runs: at the first frame, because what frames are belongs to it. */
static void
introduce (GstCbamClassify *self)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (&self->engine.sessions);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (self->sink_pad);
  const CbamModelInfo *model = cbam_model_get_info (session->model);
  const CbamDeviceInfo *device = cbam_device_get_info (session->device);

  self->introduced = TRUE;
  GST_INFO_OBJECT (self,
                   "model %s (%s), input %ux%u, %u classes; device %u: %s (%s, %s), %.1f ms a region, %u in flight; "
                   "found %" GST_PTR_FORMAT ", %slive",
                   model->name, model->origin, model->input_width, model->input_height, model->n_classes, device->index,
                   device->name, device->type, device->driver, session->once / 1e6, session->slots, caps,
                   gst_cbam_latency_is_live (&self->engine.latency) ? "" : "not ");
}

static GstFlowReturn
sink_chain (G_GNUC_UNUSED GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (parent);
  g_autoptr (GError) error = NULL;

  if (!self->has_caps) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!self->introduced)
    introduce (self);
  buffer = gst_cbam_offer_fulfil (buffer, &self->info, GST_ELEMENT (self), &self->warned_of_meta);
  buffer = classify (self, adopt_objects (self, buffer), &error);
  if (buffer != NULL)
    return gst_pad_push (self->src_pad, buffer);
  gst_cbam_engine_post_error (&self->engine, error);
  return GST_FLOW_ERROR;
}

/* ---- Events and queries ---- */

/* What comes has nothing to do with what was. */
static void
begin (GstCbamClassify *self)
{
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  gst_cbam_classifier_restart (&self->classifier);
  self->last_time = GST_CLOCK_TIME_NONE;
  gst_cbam_qos_reset (&self->qos);
  gst_cbam_engine_forget_errors (&self->engine);
}

static gboolean
set_caps (GstCbamClassify *self, GstCaps *caps)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps)) {
    g_autofree char *text = gst_caps_to_string (caps);
    g_autoptr (GError) error =
        g_error_new (CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                     "Expected frames of video/x-raw with a format, a width and a height; found %s.", text);
    gst_cbam_engine_post_error (&self->engine, error);
    return FALSE;
  }
  gst_cbam_classifier_restart (&self->classifier); /* places in frames of another size say nothing */
  self->info = info;
  self->has_caps = TRUE;
  self->warned_of_meta = FALSE;
  gst_cbam_latency_ask (&self->engine.latency, self->sink_pad);
  return TRUE;
}

/* Another stream has other objects, whatever their numbers. */
static void
see_stream (GstCbamClassify *self, GstEvent *event)
{
  const char *stream_id;

  gst_event_parse_stream_start (event, &stream_id);
  if (g_strcmp0 (stream_id, self->stream_id) == 0)
    return;
  g_free (self->stream_id);
  self->stream_id = g_strdup (stream_id);
  gst_cbam_classifier_restart (&self->classifier);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (parent);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP: begin (self); break;
    case GST_EVENT_SEGMENT: gst_event_copy_segment (event, &self->segment); break;
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      if (!set_caps (self, caps)) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    case GST_EVENT_STREAM_START: see_stream (self, event); break;
    default: break;
  }
  gst_cbam_orientation_see (&self->orientation, event);
  return gst_pad_event_default (pad, parent, event);
}

/* What downstream says about lateness is ours to mend; see GstCbamQos. */
static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (parent);

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    GST_OBJECT_LOCK (self);
    const gboolean qos = self->settings.qos;
    GST_OBJECT_UNLOCK (self);
    /* Live, there is nothing to mend. */
    if (qos && !gst_cbam_latency_is_live (&self->engine.latency) && !gst_cbam_qos_update (&self->qos, event)) {
      gst_event_unref (event);
      return TRUE;
    }
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (parent);

  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY && pad == self->src_pad)
    return gst_cbam_latency_pass (&self->engine.latency, self->sink_pad, query);
  const gboolean answered = gst_pad_query_default (pad, parent, query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    gst_cbam_offer_filter (query);
  return answered;
}

/* ---- States ---- */

static void
stop (GstElement *element)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (element);
  g_autoptr (GstStructure) stats = gst_cbam_class_stats_to_structure (&self->stats);

  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, stats);
  gst_cbam_engine_stop (&self->engine);
  begin (self);
  gst_cbam_classifier_reset (&self->classifier);
  gst_cbam_orientation_reset (&self->orientation);
  self->has_caps = FALSE;
  self->introduced = FALSE;
  self->n_frames = 0;
  g_clear_pointer (&self->stream_id, g_free);
}

/* There is a detector that ships, but no classifier. */
static gboolean
check_model (GstCbamClassify *self, GError **error)
{
  GST_OBJECT_LOCK (self);
  const char *model = self->engine.settings.model;
  const gboolean named = (model != NULL && *model != '\0') || g_getenv ("CBAM_MODEL") != NULL;
  GST_OBJECT_UNLOCK (self);

  if (!named)
    g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND,
                         "model: expected the path of a model file that can classify, found none. docs/models.md says "
                         "where there are some.");
  return named;
}

/* Without the lock: files may take their time. */
static gboolean
read_names (GstCbamClassify *self, GError **error)
{
  g_autofree char *path = NULL;
  char **names;

  GST_OBJECT_LOCK (self);
  path = g_strdup (self->settings.labels);
  GST_OBJECT_UNLOCK (self);
  if (!gst_cbam_classify_read_names (path, &names, error))
    return FALSE;
  GST_OBJECT_LOCK (self);
  g_strfreev (self->settings.names);
  self->settings.names = names;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
start_engine (GstCbamClassify *self, GError **error)
{
  if (!read_names (self, error) || !check_model (self, error) || !gst_cbam_engine_start (&self->engine, error))
    return FALSE;
  gst_cbam_class_stats_reset (&self->stats);
  return TRUE;
}

static gboolean
start (GstElement *element)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (element);
  g_autoptr (GError) error = NULL;

  if (start_engine (self, &error))
    return TRUE;
  GST_OBJECT_LOCK (self);
  g_autofree char *details = g_strdup_printf ("model=%s labels=%s", self->engine.settings.model, self->settings.labels);
  GST_OBJECT_UNLOCK (self);
  gst_cbam_engine_post_start_error (&self->engine, error, details);
  return FALSE;
}

static GstStateChangeReturn
gst_cbam_classify_change_state (GstElement *element, GstStateChange transition)
{
  return gst_cbam_engine_change_state (&GST_CBAM_CLASSIFY (element)->engine,
                                       GST_ELEMENT_CLASS (gst_cbam_classify_parent_class), transition, start, stop);
}

/* The names must be as many as the model's classes. */
static gboolean
accept_session (gpointer data, GstCbamSession *session, GError **error)
{
  const GstCbamClassify *self = data;
  const CbamModelInfo *info = cbam_model_get_info (session->model);
  const guint n = self->settings.names != NULL ? g_strv_length (self->settings.names) : info->n_classes;

  if (n == info->n_classes)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               "labels: %s: expected %u names, as many as %s has classes, found %u", self->settings.labels,
               info->n_classes, info->origin, n);
  return FALSE;
}

/* ---- Properties ---- */

static void
gst_cbam_classify_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (object);

  if (id == GST_CBAM_CLASSIFY_PROP_VIDEO_DIRECTION && gst_cbam_orientation_is_custom (GST_ELEMENT (self), value))
    return;
  if (gst_cbam_engine_set_property (&self->engine, id, value))
    return;
  GST_OBJECT_LOCK (self);
  const gboolean known = gst_cbam_classify_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cbam_classify_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (object);

  if (id == GST_CBAM_CLASSIFY_PROP_STATS) {
    GstStructure *stats = gst_cbam_class_stats_to_structure (&self->stats);
    gst_cbam_engine_describe (&self->engine, stats);
    g_value_take_boxed (value, stats);
    return;
  }
  if (gst_cbam_engine_get_property (&self->engine, id, value))
    return;
  GST_OBJECT_LOCK (self);
  const gboolean known = gst_cbam_classify_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
install_stats (GObjectClass *klass)
{
  /**
   * GstCbamClassify:stats:
   *
   * What became of the regions since the element was started. The structure `cbamclassify-stats` has the fields:
   *
   * * `frames` (guint64): frames that came
   * * `regions` (guint64): regions on them; always `fresh` + `carried` + `skipped` + `left-out-class` +
   *   `left-out-small` + `left-out-many`. With #GstCbamClassify:on=frame each frame is one
   * * `fresh` (guint64): with classes that no frame before has had: of the frame itself, or in a live stream of one
   *   that came shortly before
   * * `carried` (guint64): with classes that the same region has had on an earlier frame, too
   * * `skipped` (guint64): without classes, because nothing was seen in it yet, or no class above
   *   #GstCbamClassify:threshold
   * * `left-out-class` (guint64): not looked at because of #GstCbamClassify:classes
   * * `left-out-small` (guint64): because of #GstCbamClassify:min-size, which regions outside of the frame are, too
   * * `left-out-many` (guint64): because there are 256 others on the frame
   * * `classified` (guint64): times that the network has looked at a region
   * * `best-score` (double): the highest score of any class the last time, above the threshold or not
   * * `inference-time`, `inference-time-last` (guint64): nanoseconds from the start of inference to its result, waiting
   *   for other regions on the device included, on average and the last time
   * * `device` (string): what computes, as it calls itself; empty while the element is stopped
   * * `kernels` (string): by what code, in words for people
   */
  g_object_class_install_property (
      klass, GST_CBAM_CLASSIFY_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "What became of regions since the start: counts of frames and regions, scores 0..1, times in "
                          "nanoseconds",
                          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_cbam_classify_finalize (GObject *object)
{
  GstCbamClassify *self = GST_CBAM_CLASSIFY (object);

  gst_cbam_classifier_clear (&self->classifier);
  gst_cbam_orientation_reset (&self->orientation);
  g_free (self->stream_id);
  gst_cbam_qos_clear (&self->qos);
  gst_cbam_class_stats_clear (&self->stats);
  gst_cbam_classify_settings_clear (&self->settings);
  gst_cbam_engine_clear (&self->engine);
  G_OBJECT_CLASS (gst_cbam_classify_parent_class)->finalize (object);
}

static void
gst_cbam_classify_class_init (GstCbamClassifyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cbam_classify_set_property;
  object_class->get_property = gst_cbam_classify_get_property;
  object_class->finalize = gst_cbam_classify_finalize;
  gst_cbam_classify_settings_install (object_class);
  install_stats (object_class);

  element_class->change_state = GST_DEBUG_FUNCPTR (gst_cbam_classify_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CBAM classifier", "Filter/Analyzer/Video",
                                         "Says what regions of video show, with classification networks on Vulkan",
                                         "the cbamdetect developers");
}

static void
gst_cbam_classify_init (GstCbamClassify *self)
{
  static const GstCbamEngineWords words = { .task = "classify", .noun = "Classification" };

  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_chain));
  gst_pad_set_event_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_event));
  gst_pad_set_query_function (self->sink_pad, GST_DEBUG_FUNCPTR (pad_query));
  GST_PAD_SET_PROXY_CAPS (self->sink_pad);
  GST_PAD_SET_PROXY_ALLOCATION (self->sink_pad);
  GST_PAD_SET_ACCEPT_INTERSECT (self->sink_pad); /* caps need not have all fields of the template */
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);

  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->src_pad, GST_DEBUG_FUNCPTR (src_event));
  gst_pad_set_query_function (self->src_pad, GST_DEBUG_FUNCPTR (pad_query));
  GST_PAD_SET_PROXY_CAPS (self->src_pad);
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);

  gst_cbam_engine_init (&self->engine, GST_ELEMENT (self), &words, &gst_cbam_classify_texts, accept_session, self);
  gst_cbam_classify_settings_init (&self->settings);
  gst_cbam_qos_init (&self->qos);
  gst_cbam_class_stats_init (&self->stats);
  gst_cbam_orientation_init (&self->orientation);
  gst_cbam_classifier_init (&self->classifier, &self->engine, self->sink_pad, &self->stats);
  begin (self);
}
