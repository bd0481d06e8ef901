/* From the sink pad to the detector and the line.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbaminlet.h"

#include "draw/gstcbamcomposition.h"
#include "frame/gstcbamoffer.h"
#include "frame/gstcbamvulkan.h"
#include "gstcbamcollector.h"
#include "gstcbamorientation.h"

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

struct _GstCbamInlet
{
  GstCbamStream *stream;
  GstCbamOutlet *outlet;
  GstCbamCollector *collector;

  GstVideoInfo info;
  gboolean has_caps;
  gboolean introduced; /* the line in the log that says what runs on what */
  GstSegment segment;
  GstCbamOrientation orientation;
  guint until_next;          /* frames that go on without inference before the next one is due */
  GstClockTime last_submit;  /* running time of the frame inferred last, or GST_CLOCK_TIME_NONE */
  gboolean warned_of_region; /* that it lies outside of the frames */
  gboolean warned_of_meta;   /* that metadata is not followed */
  GstCbamVulkan vulkan;      /* where frames come from that are no system memory */
};

/* ---- What becomes of a frame ---- */

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
get_frame_settings (GstCbamInlet *self, GstBuffer *buffer)
{
  const GstSegment *segment = &self->segment;
  const gboolean timed = segment->format == GST_FORMAT_TIME;
  const guint64 pts = GST_BUFFER_PTS (buffer);
  const guint64 stream_time = timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE;
  FrameSettings settings = { .running_time = GST_CLOCK_TIME_NONE };

  if (GST_CLOCK_TIME_IS_VALID (stream_time))
    gst_object_sync_values (GST_OBJECT (self->stream->element), stream_time);
  if (timed)
    settings.running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts);
  settings.live = gst_cbam_latency_is_live (&self->stream->engine.latency);
  GST_OBJECT_LOCK (self->stream->element);
  settings.region = self->stream->settings.region;
  settings.interval = self->stream->settings.interval;
  settings.qos = self->stream->settings.qos;
  const GstVideoOrientationMethod direction = self->stream->settings.video_direction;
  GST_OBJECT_UNLOCK (self->stream->element);
  settings.orientation =
      gst_cbam_orientation_get (&self->orientation, direction, self->stream->sink_pad, &settings.why_orientation);
  return settings;
}

/* Starts inference on @buffer. */
static gboolean
submit (GstCbamInlet *self, GstCbamSession *session, GstBuffer *buffer, const FrameSettings *settings, GError **error)
{
  GST_OBJECT_LOCK (self->stream->element);
  CbamDetectParams params = gst_cbam_settings_get_params (&self->stream->settings, session->model);
  memcpy (params.classes, session->classes, sizeof params.classes);
  GST_OBJECT_UNLOCK (self->stream->element);

  params.region = settings->region;
  params.turn = settings->live ? CBAM_TURN_LIVE : CBAM_TURN_FAIR;
  return gst_cbam_session_submit (session, buffer, &self->info, settings->orientation, &params, TRUE, error);
}

/* Whether the region lies outside of the frames, which is worth a warning. */
static gboolean
is_outside (GstCbamInlet *self, const CbamRegion *region)
{
  const guint width = GST_VIDEO_INFO_WIDTH (&self->info), height = GST_VIDEO_INFO_HEIGHT (&self->info);
  const gboolean outside = region->width > 0 && (region->x >= width || region->y >= height);

  if (outside && !self->warned_of_region)
    GST_ELEMENT_WARNING (self->stream->element, STREAM, FORMAT,
                         ("roi: %u,%u,%u,%u lies outside of the frames of %ux%u pixels; nothing is detected.",
                          region->x, region->y, region->width, region->height, width, height),
                         (NULL));
  self->warned_of_region = outside;
  return outside;
}

/* Whether downstream would get a frame too late, and an earlier one was inferred not long ago. */
static gboolean
is_late (GstCbamInlet *self, const FrameSettings *settings)
{
  const GstClockTime period = MAX (LATE_PERIOD, 10 * gst_cbam_latency_get_ceiling (&self->stream->engine.latency));
  const GstClockTime now = settings->running_time, last = self->last_submit;

  return settings->qos && gst_cbam_qos_is_late (&self->stream->qos, now) && GST_CLOCK_TIME_IS_VALID (last) &&
         now >= last && now - last < period;
}

/* What is to become of a frame, if there is a slot for it. */
static GstCbamFate
choose_fate (GstCbamInlet *self, const FrameSettings *settings)
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
wait_room (GstCbamInlet *self, const FrameSettings *settings)
{
  const gint64 held = 2 * gst_cbam_latency_get_ceiling (&self->stream->engine.latency) / GST_USECOND;
  const guint64 between = self->stream->engine.slots * ((guint64) settings->interval + 1);

  if (settings->live)
    return gst_cbam_fifo_wait_room (self->stream->fifo, LIVE_FRAMES, MAX (LIVE_AGE, held));
  return gst_cbam_fifo_wait_room (self->stream->fifo, MAX (self->stream->engine.slots, MIN (between, OFFLINE_FRAMES)),
                                  G_MAXINT64);
}

static GstFlowReturn
fail (GstCbamInlet *self, const GError *error)
{
  gst_cbam_engine_post_error (&self->stream->engine, error);
  return GST_FLOW_ERROR;
}

/* Submits @buffer, live when it is its turn now, else as soon as it is. *@flight: its inference, or NULL: it was not
 * its turn, or frames do not flow. */
static GstFlowReturn
take_turn (GstCbamInlet *self, GstBuffer *buffer, const FrameSettings *settings, GstCbamFlight **flight)
{
  g_autoptr (GError) error = NULL;
  const gint64 begun = g_get_monotonic_time ();

  g_autoptr (GstCbamSession) session =
      gst_cbam_engine_get_session (&self->stream->engine, &self->vulkan, buffer, &error);
  if (session == NULL)
    return fail (self, error);
  while (!submit (self, session, buffer, settings, &error)) {
    if (!g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BUSY))
      return fail (self, error);
    if (settings->live)
      return GST_FLOW_OK;
    g_clear_error (&error);
    GstFlowReturn flow = gst_cbam_fifo_pause (self->stream->fifo, TURN_PAUSE);
    if (flow != GST_FLOW_OK)
      return flow;
  }
  *flight = gst_cbam_collector_add (self->collector, session, begun);
  return GST_FLOW_OK;
}

/* A live frame without a slot waits for its turn as well, as far as others are concerned. */
static void
miss_turn (GstCbamInlet *self)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (&self->stream->engine.sessions);

  cbam_detector_miss (session->detector);
}

/* Gives @buffer to the device, if that is its fate and there is room: *@flight is its inference, or NULL. */
static GstFlowReturn
infer (GstCbamInlet *self, GstBuffer *buffer, const FrameSettings *settings, GstCbamFate *fate, GstCbamFlight **flight)
{
  gboolean slot;

  *flight = NULL;
  if (*fate != GST_CBAM_FATE_INFERRED)
    return GST_FLOW_OK;
  /* Live, a frame that finds no slot passes on without inference; else it waits for one. */
  GstFlowReturn flow = gst_cbam_fifo_take_slot (self->stream->fifo, !settings->live, &slot);
  if (flow != GST_FLOW_OK)
    return flow;
  *fate = GST_CBAM_FATE_BUSY;
  if (!slot) {
    miss_turn (self);
    return GST_FLOW_OK;
  }

  flow = take_turn (self, buffer, settings, flight);
  if (*flight == NULL) {
    gst_cbam_fifo_return_slot (self->stream->fifo);
    return flow;
  }
  *fate = GST_CBAM_FATE_INFERRED;
  self->until_next = settings->interval;
  self->last_submit = settings->running_time;
  return GST_FLOW_OK;
}

/* The one line that says what runs: at the first frame, because what frames are belongs to it, and tags come late. */
static void
introduce (GstCbamInlet *self, const FrameSettings *settings)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (&self->stream->engine.sessions);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (self->stream->sink_pad);
  const CbamModelInfo *model = cbam_model_get_info (session->model);
  const CbamDeviceInfo *device = cbam_device_get_info (session->device);

  self->introduced = TRUE;
  GST_INFO_OBJECT (
      self->stream->element,
      "model %s (%s), input %ux%u, %u classes; device %u: %s (%s, %s), %s kernels, %.1f ms a frame, %u in flight; "
      "expected video/x-raw of " GST_CBAM_FORMATS ", found %" GST_PTR_FORMAT ", %slive; orientation %s: %s",
      model->name, model->origin, model->input_width, model->input_height, model->n_classes, device->index,
      device->name, device->type, device->driver, model->kernels, session->once / 1e6, self->stream->engine.slots, caps,
      settings->live ? "" : "not ", gst_cbam_orientation_to_string (settings->orientation), settings->why_orientation);
}

/* Tells log and statistics how the frame must be turned. */
static void
account_orientation (GstCbamInlet *self, const FrameSettings *settings)
{
  const gboolean changed = gst_cbam_stats_set_orientation (&self->stream->stats, settings->orientation);

  if (!self->introduced)
    introduce (self, settings);
  else if (changed)
    GST_INFO_OBJECT (self->stream->element, "orientation of frames is now %s: %s",
                     gst_cbam_orientation_to_string (settings->orientation), settings->why_orientation);
}

static GstFlowReturn
sink_chain (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstBuffer *buffer)
{
  GstCbamInlet *self = gst_pad_get_element_private (pad);
  g_autoptr (GstBuffer) owned = buffer;
  const gint64 arrived = g_get_monotonic_time ();
  GstCbamFlight *flight;

  if (!self->has_caps)
    return GST_FLOW_NOT_NEGOTIATED;
  owned = buffer = gst_cbam_offer_fulfil (buffer, &self->info, self->stream->element, &self->warned_of_meta);
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
  gst_cbam_stats_count (&self->stream->stats, fate);
  if (flight == NULL)
    GST_DEBUG_OBJECT (self->stream->element, "%" GST_TIME_FORMAT ": without inference: %s",
                      GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), gst_cbam_fate_to_string (fate));
  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT, buffer);

  GstCbamItem item = { GST_MINI_OBJECT_CAST (g_steal_pointer (&owned)), arrived, flight };
  return gst_cbam_fifo_push (self->stream->fifo, item);
}

/* ---- Events and queries ---- */

/* What comes has nothing to do with what was. */
static void
begin (GstCbamInlet *self)
{
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  self->until_next = 0;
  self->last_submit = GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
flush_stop (GstCbamInlet *self, GstEvent *event)
{
  gboolean pushed = gst_pad_push_event (self->stream->src_pad, event);

  if (!gst_cbam_outlet_restart (self->outlet))
    return GST_FLOW_FLUSHING;
  begin (self);
  return pushed ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static gboolean
set_caps (GstCbamInlet *self, GstEvent *event)
{
  GstCaps *caps;
  GstVideoInfo info;

  gst_event_parse_caps (event, &caps);
  if (!gst_video_info_from_caps (&info, caps)) {
    g_autofree char *text = gst_caps_to_string (caps);
    g_autoptr (GError) error =
        g_error_new (CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                     "Expected frames of video/x-raw with a format, a width and a height; found %s.", text);
    gst_cbam_engine_post_error (&self->stream->engine, error);
    return FALSE;
  }
  self->info = info;
  self->has_caps = TRUE;
  self->warned_of_region = FALSE;
  self->warned_of_meta = FALSE;
  gst_cbam_latency_ask (&self->stream->engine.latency, self->stream->sink_pad);
  GST_DEBUG_OBJECT (self->stream->element, "%slive, %" GST_PTR_FORMAT,
                    gst_cbam_latency_is_live (&self->stream->engine.latency) ? "" : "not ", caps);
  return TRUE;
}

static GstFlowReturn
sink_event (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstEvent *event)
{
  GstCbamInlet *self = gst_pad_get_element_private (pad);
  GstCbamStream *stream = self->stream;

  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START: {
      gboolean pushed = gst_pad_push_event (stream->src_pad, event);
      gst_cbam_outlet_halt (self->outlet);
      return pushed ? GST_FLOW_OK : GST_FLOW_ERROR;
    }
    case GST_EVENT_FLUSH_STOP: return flush_stop (self, event);
    case GST_EVENT_CAPS:
      if (!set_caps (self, event)) {
        gst_event_unref (event);
        return GST_FLOW_NOT_NEGOTIATED;
      }
      break;
    case GST_EVENT_SEGMENT: gst_event_copy_segment (event, &self->segment); break;
    default: gst_cbam_orientation_see (&self->orientation, event); break;
  }

  if (!GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_push_event (stream->src_pad, event) ? GST_FLOW_OK : GST_FLOW_ERROR;

  GstCbamItem item = { GST_MINI_OBJECT_CAST (event), g_get_monotonic_time (), NULL };
  return gst_cbam_fifo_push (stream->fifo, item);
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamInlet *self = gst_pad_get_element_private (pad);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    gst_cbam_composition_answer_caps (pad, self->stream->src_pad, query);
    return TRUE;
  }
  if (GST_QUERY_IS_SERIALIZED (query))
    return gst_cbam_fifo_push_query (self->stream->fifo, query);
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
sink_activate_mode (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstPadMode mode, gboolean active)
{
  GstCbamInlet *self = gst_pad_get_element_private (pad);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (!active)
    gst_cbam_fifo_close (self->stream->fifo); /* whoever waits inside chain must leave it */
  return TRUE;
}

/* ---- Life ---- */

static void
return_slot (gpointer fifo)
{
  gst_cbam_fifo_return_slot (fifo);
}

GstCbamInlet *
gst_cbam_inlet_new (GstCbamStream *stream, GstCbamOutlet *outlet)
{
  GstCbamInlet *self = g_new0 (GstCbamInlet, 1);
  GstPad *pad = stream->sink_pad;

  self->stream = stream;
  self->outlet = outlet;
  self->collector = gst_cbam_collector_new (return_slot, stream->fifo);
  gst_cbam_orientation_init (&self->orientation);
  begin (self);

  gst_pad_set_element_private (pad, self);
  gst_pad_set_chain_function (pad, GST_DEBUG_FUNCPTR (sink_chain));
  gst_pad_set_event_full_function (pad, GST_DEBUG_FUNCPTR (sink_event));
  gst_pad_set_query_function (pad, GST_DEBUG_FUNCPTR (sink_query));
  gst_pad_set_activatemode_function (pad, GST_DEBUG_FUNCPTR (sink_activate_mode));
  GST_PAD_SET_ACCEPT_INTERSECT (pad); /* caps need not have all fields of the template */
  return self;
}

void
gst_cbam_inlet_free (GstCbamInlet *self)
{
  if (self == NULL)
    return;
  gst_cbam_collector_free (self->collector);
  gst_cbam_orientation_reset (&self->orientation);
  g_free (self);
}

void
gst_cbam_inlet_reset (GstCbamInlet *self)
{
  gst_cbam_vulkan_reset (&self->vulkan);
  gst_cbam_orientation_reset (&self->orientation);
  self->has_caps = FALSE;
  self->introduced = FALSE;
  begin (self);
}
