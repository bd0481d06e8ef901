/* The data flow of `cbamdetect`, after GstQueue's model: the streaming thread submits a frame for inference and puts it
 * in line, the task of the source pad takes it out, waits for the result and pushes it. Events and queries that belong
 * between two frames wait in the same line.
 *
 *     chain -- submit --> detector -- collector ---- take +
 *       +------ push ---> FIFO (frames, events, queries) -+-> task: metas, drawing, message -> push
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstream.h"

#include "draw/gstcbamcomposition.h"
#include "frame/gstcbamframe.h"
#include "frame/gstcbamoffer.h"
#include "gstcbampublish.h"

#define GST_CAT_DEFAULT gst_cbam_debug

/* How long a file waits, in microseconds, before it asks again whether it is its turn. */
#define TURN_PAUSE 5000

/* How long the line may be when downstream takes no frames. Live, as GstQueue's: frames, and microseconds, but not less
 * than inference itself may hold frames. Else just what lies between the frames in inference. */
#define LIVE_FRAMES 200
#define LIVE_AGE G_USEC_PER_SEC
#define OFFLINE_FRAMES 32

/* Downstream may be late for good: then one frame in this time is inferred, or as many as take a tenth of it. */
#define LATE_PERIOD GST_SECOND

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS GST_CBAM_VULKAN_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_CBAM_COMPOSITION_CAPS GST_CBAM_VULKAN_CAPS));

/* --- The streaming thread: in --- */

/* The properties at the time of one frame, and its own running time or GST_CLOCK_TIME_NONE. */
typedef struct
{
  GstClockTime running_time;
  CbamRegion region;
  CbamOrientation orientation;
  const char *why_orientation;
  guint interval;
  gboolean qos;
  gboolean live;
} FrameSettings;

static FrameSettings
get_frame_settings (GstCbamDetect *self, GstBuffer *buffer)
{
  const GstSegment *segment = &self->sink_segment;
  const gboolean timed = segment->format == GST_FORMAT_TIME;
  const guint64 pts = GST_BUFFER_PTS (buffer);
  const guint64 stream_time = timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE;
  FrameSettings settings = { .running_time = GST_CLOCK_TIME_NONE };

  if (GST_CLOCK_TIME_IS_VALID (stream_time))
    gst_object_sync_values (GST_OBJECT (self), stream_time);
  if (timed)
    settings.running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts);
  settings.live = gst_cbam_latency_is_live (&self->latency);
  GST_OBJECT_LOCK (self);
  settings.region = self->settings.region;
  settings.interval = self->settings.interval;
  settings.qos = self->settings.qos;
  const GstVideoOrientationMethod direction = self->settings.video_direction;
  GST_OBJECT_UNLOCK (self);
  settings.orientation =
      gst_cbam_orientation_get (&self->orientation, direction, self->sink_pad, &settings.why_orientation);
  return settings;
}

/* Starts inference on @buffer. */
static gboolean
submit (GstCbamDetect *self, GstCbamSession *session, GstBuffer *buffer, const FrameSettings *settings, GError **error)
{
  GST_OBJECT_LOCK (self);
  CbamDetectParams params = gst_cbam_settings_get_params (&self->settings, session->model);
  memcpy (params.classes, session->classes, sizeof params.classes);
  GST_OBJECT_UNLOCK (self);

  params.region = settings->region;
  params.turn = settings->live ? CBAM_TURN_LIVE : CBAM_TURN_FAIR;
  return gst_cbam_session_submit (session, buffer, &self->sink_info, settings->orientation, &params, error);
}

/* Whether the region lies outside of the frames, which is worth a warning. */
static gboolean
is_outside (GstCbamDetect *self, const CbamRegion *region)
{
  const guint width = GST_VIDEO_INFO_WIDTH (&self->sink_info), height = GST_VIDEO_INFO_HEIGHT (&self->sink_info);
  const gboolean outside = region->width > 0 && (region->x >= width || region->y >= height);

  if (outside && !self->warned_of_region)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
                         ("roi: %u,%u,%u,%u lies outside of the frames of %ux%u pixels; nothing is detected.",
                          region->x, region->y, region->width, region->height, width, height),
                         (NULL));
  self->warned_of_region = outside;
  return outside;
}

/* Whether downstream would get a frame too late, and an earlier one was inferred not long ago. */
static gboolean
is_late (GstCbamDetect *self, const FrameSettings *settings)
{
  const GstClockTime period = MAX (LATE_PERIOD, 10 * gst_cbam_latency_get_ceiling (&self->latency));
  const GstClockTime now = settings->running_time, last = self->last_submit;

  return settings->qos && gst_cbam_qos_is_late (&self->qos, now) && GST_CLOCK_TIME_IS_VALID (last) && now >= last &&
         now - last < period;
}

/* What is to become of a frame, if there is a slot for it. */
static GstCbamFate
choose_fate (GstCbamDetect *self, const FrameSettings *settings)
{
  self->until_next = MIN (self->until_next, settings->interval);
  if (is_outside (self, &settings->region))
    return GST_CBAM_FATE_OUTSIDE;
  if (self->until_next > 0) {
    self->until_next--;
    return GST_CBAM_FATE_INTERVAL;
  }
  return is_late (self, settings) ? GST_CBAM_FATE_LATE : GST_CBAM_FATE_INFERRED;
}

/* Waits while the line is too long, which only downstream can make it. */
static GstFlowReturn
wait_room (GstCbamDetect *self, const FrameSettings *settings)
{
  const gint64 held = 2 * gst_cbam_latency_get_ceiling (&self->latency) / GST_USECOND;
  const guint64 between = self->slots * ((guint64) settings->interval + 1);

  if (settings->live)
    return gst_cbam_fifo_wait_room (self->fifo, LIVE_FRAMES, MAX (LIVE_AGE, held));
  return gst_cbam_fifo_wait_room (self->fifo, MAX (self->slots, MIN (between, OFFLINE_FRAMES)), G_MAXINT64);
}

/* What @buffer is submitted to: frames that are on a device are inferred there. */
static GstCbamSession *
get_session (GstCbamDetect *self, GstBuffer *buffer, GError **error)
{
  if (!gst_cbam_vulkan_is_image (buffer))
    return gst_cbam_switch_get (self->sessions);
  CbamDevice *device = gst_cbam_vulkan_get_device (&self->vulkan, GST_ELEMENT (self), buffer, error);
  return device != NULL ? gst_cbam_switch_get_on (self->sessions, device, error) : NULL;
}

static GstFlowReturn
fail (GstCbamDetect *self, const GError *error)
{
  gst_cbam_detect_post_error (self, error);
  return GST_FLOW_ERROR;
}

/* Submits @buffer, live when it is its turn now, else as soon as it is. *@flight: its inference, or NULL: it was not
 * its turn, or frames do not flow. */
static GstFlowReturn
take_turn (GstCbamDetect *self, GstBuffer *buffer, const FrameSettings *settings, GstCbamFlight **flight)
{
  g_autoptr (GError) error = NULL;
  const gint64 begun = g_get_monotonic_time ();

  g_autoptr (GstCbamSession) session = get_session (self, buffer, &error);
  if (session == NULL)
    return fail (self, error);
  while (!submit (self, session, buffer, settings, &error)) {
    if (!g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BUSY))
      return fail (self, error);
    if (settings->live)
      return GST_FLOW_OK;
    g_clear_error (&error);
    GstFlowReturn flow = gst_cbam_fifo_pause (self->fifo, TURN_PAUSE);
    if (flow != GST_FLOW_OK)
      return flow;
  }
  *flight = gst_cbam_collector_add (self->collector, session, begun);
  return GST_FLOW_OK;
}

/* A live frame without a slot waits for its turn as well, as far as others are concerned. */
static void
miss_turn (GstCbamDetect *self)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (self->sessions);

  cbam_detector_miss (session->detector);
}

/* Gives @buffer to the device, if that is its fate and there is room: *@flight is its inference, or NULL. */
static GstFlowReturn
infer (GstCbamDetect *self, GstBuffer *buffer, const FrameSettings *settings, GstCbamFate *fate, GstCbamFlight **flight)
{
  gboolean slot;

  *flight = NULL;
  if (*fate != GST_CBAM_FATE_INFERRED)
    return GST_FLOW_OK;
  /* Live, a frame that finds no slot passes on without inference; else it waits for one. */
  GstFlowReturn flow = gst_cbam_fifo_take_slot (self->fifo, !settings->live, &slot);
  if (flow != GST_FLOW_OK)
    return flow;
  *fate = GST_CBAM_FATE_BUSY;
  if (!slot) {
    miss_turn (self);
    return GST_FLOW_OK;
  }

  flow = take_turn (self, buffer, settings, flight);
  if (*flight == NULL) {
    gst_cbam_fifo_return_slot (self->fifo);
    return flow;
  }
  *fate = GST_CBAM_FATE_INFERRED;
  self->until_next = settings->interval;
  self->last_submit = settings->running_time;
  return GST_FLOW_OK;
}

/* The one line that says what runs: at the first frame, because what frames are belongs to it, and tags come late. */
static void
introduce (GstCbamDetect *self, const FrameSettings *settings)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (self->sessions);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (self->sink_pad);
  const CbamDeviceInfo *device = cbam_device_get_info (self->device);

  self->introduced = TRUE;
  GST_INFO_OBJECT (
      self,
      "model %s (%s), input %ux%u, %u classes; device %u: %s (%s, %s), %s kernels, %.1f ms a frame, %u in flight; "
      "expected video/x-raw of " GST_CBAM_FORMATS ", found %" GST_PTR_FORMAT ", %slive; orientation %s: %s",
      cbam_model_get_info (session->model)->name, cbam_model_get_info (session->model)->origin,
      cbam_model_get_info (session->model)->input_width, cbam_model_get_info (session->model)->input_height,
      cbam_model_get_info (session->model)->n_classes, device->index, device->name, device->type, device->driver,
      cbam_model_get_info (session->model)->kernels, session->once / 1e6, self->slots, caps,
      settings->live ? "" : "not ", gst_cbam_orientation_to_string (settings->orientation), settings->why_orientation);
}

/* Tells log and statistics how the frame must be turned. */
static void
account_orientation (GstCbamDetect *self, const FrameSettings *settings)
{
  const gboolean changed = gst_cbam_stats_set_orientation (&self->stats, settings->orientation);

  if (!self->introduced)
    introduce (self, settings);
  else if (changed)
    GST_INFO_OBJECT (self, "orientation of frames is now %s: %s",
                     gst_cbam_orientation_to_string (settings->orientation), settings->why_orientation);
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);
  g_autoptr (GstBuffer) owned = buffer;
  const gint64 arrived = g_get_monotonic_time ();
  GstCbamFlight *flight;

  if (!self->sink_has_caps)
    return GST_FLOW_NOT_NEGOTIATED;
  owned = buffer = gst_cbam_offer_fulfil (buffer, &self->sink_info, GST_ELEMENT (self), &self->warned_of_meta);
  const FrameSettings settings = get_frame_settings (self, buffer);
  account_orientation (self, &settings);
  GstFlowReturn flow = wait_room (self, &settings);
  if (flow != GST_FLOW_OK)
    return flow;

  gst_cbam_vulkan_settle (&self->vulkan, buffer);
  GstCbamFate fate = choose_fate (self, &settings);
  flow = infer (self, buffer, &settings, &fate, &flight);
  if (flow != GST_FLOW_OK)
    return flow;
  gst_cbam_stats_count (&self->stats, fate);
  if (flight == NULL)
    GST_DEBUG_OBJECT (self, "%" GST_TIME_FORMAT ": without inference: %s", GST_TIME_ARGS (GST_BUFFER_PTS (buffer)),
                      gst_cbam_fate_to_string (fate));
  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT, buffer);

  GstCbamItem item = { GST_MINI_OBJECT_CAST (g_steal_pointer (&owned)), arrived, flight };
  return gst_cbam_fifo_push (self->fifo, item);
}

static void task_run (gpointer data);

/* Lets data flow, if the source pad is active. Both sides are idle. */
static void
start_flow (GstCbamDetect *self)
{
  self->flow = GST_FLOW_OK;
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  gst_segment_init (&self->sink_segment, GST_FORMAT_UNDEFINED);
  self->until_next = 0;
  self->last_submit = GST_CLOCK_TIME_NONE;
  gst_cbam_qos_reset (&self->qos);
  gst_cbam_publish_reset (self);
  g_atomic_int_set (&self->error_posted, FALSE);
  gst_cbam_fifo_open (self->fifo, self->slots);
  gst_pad_start_task (self->src_pad, task_run, self, NULL);
}

static GstFlowReturn
sink_flush_stop (GstCbamDetect *self, GstEvent *event)
{
  gboolean pushed = gst_pad_push_event (self->src_pad, event);

  gst_cbam_fifo_close (self->fifo);
  gst_pad_pause_task (self->src_pad);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->activation);
  if (!self->active)
    return GST_FLOW_FLUSHING;
  gst_cbam_fifo_empty (self->fifo);
  start_flow (self);
  return pushed ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static gboolean
sink_set_caps (GstCbamDetect *self, GstEvent *event)
{
  GstCaps *caps;
  GstVideoInfo info;

  gst_event_parse_caps (event, &caps);
  if (!gst_video_info_from_caps (&info, caps)) {
    g_autofree char *text = gst_caps_to_string (caps);
    g_autoptr (GError) error =
        g_error_new (CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                     "Expected frames of video/x-raw with a format, a width and a height; found %s.", text);
    gst_cbam_detect_post_error (self, error);
    return FALSE;
  }
  self->sink_info = info;
  self->sink_has_caps = TRUE;
  self->warned_of_region = FALSE;
  self->warned_of_meta = FALSE;
  gst_cbam_latency_ask (&self->latency, self->sink_pad);
  GST_DEBUG_OBJECT (self, "%slive, %" GST_PTR_FORMAT, gst_cbam_latency_is_live (&self->latency) ? "" : "not ", caps);
  return TRUE;
}

static GstFlowReturn
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START: {
      gboolean pushed = gst_pad_push_event (self->src_pad, event);
      gst_cbam_fifo_close (self->fifo);
      gst_pad_pause_task (self->src_pad);
      return pushed ? GST_FLOW_OK : GST_FLOW_ERROR;
    }
    case GST_EVENT_FLUSH_STOP: return sink_flush_stop (self, event);
    case GST_EVENT_CAPS:
      if (!sink_set_caps (self, event)) {
        gst_event_unref (event);
        return GST_FLOW_NOT_NEGOTIATED;
      }
      break;
    case GST_EVENT_SEGMENT: gst_event_copy_segment (event, &self->sink_segment); break;
    default: gst_cbam_orientation_see (&self->orientation, event); break;
  }

  if (!GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_push_event (self->src_pad, event) ? GST_FLOW_OK : GST_FLOW_ERROR;

  GstCbamItem item = { GST_MINI_OBJECT_CAST (event), g_get_monotonic_time (), NULL };
  return gst_cbam_fifo_push (self->fifo, item);
}

/* --- The task of the source pad: out --- */

/* Remembers what downstream said and passes it on upstream. */
static void
set_flow (GstCbamDetect *self, GstFlowReturn flow)
{
  if (flow == GST_FLOW_OK)
    return;
  GST_DEBUG_OBJECT (self, "downstream returned %s", gst_flow_get_name (flow));
  self->flow = flow;
  gst_cbam_fifo_set_flow (self->fifo, flow);
}

/* Waits for the result of @buffer, the frame that is first in line. */
static CbamResult *
take_result (GstCbamDetect *self, GstCbamFlight *flight, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  gint64 took;
  CbamResult *result = gst_cbam_flight_take (flight, buffer, &took, &error);
  const GstClockTime now = g_get_monotonic_time () * GST_USECOND;

  if (result == NULL && self->flow == GST_FLOW_OK) {
    gst_cbam_detect_post_error (self, error);
    set_flow (self, GST_FLOW_ERROR);
  }
  /* The time that the device took, and not the task, which downstream may have held up: counting that would raise the
   * latency, which makes sinks hold it up longer, which would raise it again. */
  if (result != NULL && gst_cbam_latency_observe (&self->latency, took * GST_USECOND, now)) {
    GST_INFO_OBJECT (self, "frames are now held for up to %" GST_TIME_FORMAT,
                     GST_TIME_ARGS (gst_cbam_latency_get_ceiling (&self->latency)));
    gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  }
  return result;
}

static void
task_frame (GstCbamDetect *self, const GstCbamItem *item)
{
  GstBuffer *buffer = GST_BUFFER_CAST (item->object);
  g_autoptr (CbamResult) result = NULL;

  if (item->flight != NULL)
    result = take_result (self, item->flight, buffer);
  if (self->flow != GST_FLOW_OK || self->caps == NULL) {
    gst_buffer_unref (buffer);
    return;
  }
  buffer = gst_cbam_publish_frame (self, buffer, result);
  set_flow (self, gst_pad_push (self->src_pad, buffer));
}

static void
task_event (GstCbamDetect *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&self->caps, caps);
      gst_video_info_from_caps (&self->src_info, caps);
      self->canvas.negotiated = FALSE;
      gst_cbam_publish_reset (self);
      gst_cbam_publish_negotiate (self);
      gst_event_unref (event);
      return;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      if (self->flow == GST_FLOW_EOS)
        self->flow = GST_FLOW_OK;
      break;
    case GST_EVENT_STREAM_START:
      if (self->flow == GST_FLOW_EOS)
        self->flow = GST_FLOW_OK;
      break;
    case GST_EVENT_EOS: {
      /* After EOS upstream never learns of a failure: say it here. */
      gboolean reported;
      gst_cbam_fifo_get_flow (self->fifo, &reported);
      if ((self->flow == GST_FLOW_NOT_LINKED || self->flow < GST_FLOW_EOS) && !reported &&
          g_atomic_int_compare_and_exchange (&self->error_posted, FALSE, TRUE))
        GST_ELEMENT_FLOW_ERROR (self, self->flow);
      break;
    }
    default: break;
  }
  gst_pad_push_event (self->src_pad, event);
}

/* Frames wait here while they are inferred, so upstream needs that many more of them. */
static void
add_held_buffers (GstCbamDetect *self, GstQuery *query)
{
  for (guint i = 0; i < gst_query_get_n_allocation_pools (query); i++) {
    GstBufferPool *pool;
    guint size, min, max;
    gst_query_parse_nth_allocation_pool (query, i, &pool, &size, &min, &max);
    if (max == 0 || min + self->slots <= max)
      gst_query_set_nth_allocation_pool (query, i, pool, size, min + self->slots, max);
    gst_clear_object (&pool);
  }
}

/* Frames that begin where the device can read them in place need not be copied. Returns whether it wishes so. */
static gboolean
align_buffers (GstCbamDetect *self, GstQuery *query)
{
  const gsize alignment = cbam_device_get_host_alignment (self->device);
  GstAllocator *allocator = NULL;
  GstAllocationParams params;

  if (alignment == 0)
    return FALSE;
  gst_allocation_params_init (&params);
  if (gst_query_get_n_allocation_params (query) == 0) {
    params.align = alignment - 1;
    gst_query_add_allocation_param (query, NULL, &params);
    return TRUE;
  }
  gst_query_parse_nth_allocation_param (query, 0, &allocator, &params);
  if (allocator == NULL || g_strcmp0 (allocator->mem_type, GST_ALLOCATOR_SYSMEM) == 0) {
    params.align |= alignment - 1;
    gst_query_set_nth_allocation_param (query, 0, allocator, &params);
  }
  gst_clear_object (&allocator);
  return TRUE;
}

static void
task_query (GstCbamDetect *self, GstQuery *query)
{
  gboolean answer = self->flow == GST_FLOW_OK && gst_pad_peer_query (self->src_pad, query);

  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION) {
    gst_cbam_offer_filter (query);
    if (answer)
      add_held_buffers (self, query);
    answer |= self->flow == GST_FLOW_OK && align_buffers (self, query);
  }
  gst_cbam_fifo_answer (self->fifo, answer);
}

static void
task_run (gpointer data)
{
  GstCbamDetect *self = data;
  GstCbamItem item;

  if (!gst_cbam_fifo_pop (self->fifo, &item)) {
    gst_pad_pause_task (self->src_pad);
    return;
  }
  if (GST_IS_BUFFER (item.object))
    task_frame (self, &item);
  else if (GST_IS_EVENT (item.object))
    task_event (self, GST_EVENT_CAST (item.object));
  else
    task_query (self, GST_QUERY_CAST (item.object));
}

/* --- Queries and activation --- */

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    gst_cbam_composition_answer_caps (pad, self->src_pad, query);
    return TRUE;
  }
  if (GST_QUERY_IS_SERIALIZED (query))
    return gst_cbam_fifo_push_query (self->fifo, query);
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CAPS: gst_cbam_composition_answer_caps (pad, self->sink_pad, query); return TRUE;
    case GST_QUERY_LATENCY: return gst_cbam_latency_answer (&self->latency, self->sink_pad, query);
    default: return gst_pad_query_default (pad, parent, query);
  }
}

/* What downstream says about lateness is ours to mend; see GstCbamQos. */
static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    GST_OBJECT_LOCK (self);
    gboolean qos = self->settings.qos;
    GST_OBJECT_UNLOCK (self);
    if (qos && !gst_cbam_qos_update (&self->qos, event)) {
      gst_event_unref (event);
      return TRUE;
    }
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
sink_activate_mode (G_GNUC_UNUSED GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (!active)
    gst_cbam_fifo_close (self->fifo); /* whoever waits inside chain must leave it */
  return TRUE;
}

static gboolean
src_activate_mode (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;

  g_mutex_lock (&self->activation);
  self->active = active;
  if (active)
    start_flow (self);
  else
    gst_cbam_fifo_close (self->fifo);
  g_mutex_unlock (&self->activation);
  return active || gst_pad_stop_task (pad);
}

void
gst_cbam_stream_class_init (GstElementClass *klass)
{
  gst_element_class_add_static_pad_template (klass, &sink_template);
  gst_element_class_add_static_pad_template (klass, &src_template);
}

void
gst_cbam_stream_init (GstCbamDetect *self)
{
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_chain));
  gst_pad_set_event_full_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_event));
  gst_pad_set_query_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_query));
  gst_pad_set_activatemode_function (self->sink_pad, GST_DEBUG_FUNCPTR (sink_activate_mode));
  GST_PAD_SET_ACCEPT_INTERSECT (self->sink_pad); /* caps need not have all fields of the template */
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);

  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->src_pad, GST_DEBUG_FUNCPTR (src_event));
  gst_pad_set_query_function (self->src_pad, GST_DEBUG_FUNCPTR (src_query));
  gst_pad_set_activatemode_function (self->src_pad, GST_DEBUG_FUNCPTR (src_activate_mode));
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}

void
gst_cbam_stream_reset (GstCbamDetect *self)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (self, "stats", &stats, NULL);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, stats);
  gst_cbam_fifo_close (self->fifo);
  gst_cbam_fifo_empty (self->fifo);
  gst_caps_replace (&self->caps, NULL);
  gst_cbam_canvas_reset (&self->canvas);
  gst_cbam_publish_reset (self);
  gst_cbam_vulkan_reset (&self->vulkan);
  gst_cbam_orientation_reset (&self->orientation);
  self->sink_has_caps = FALSE;
  self->introduced = FALSE;
}
