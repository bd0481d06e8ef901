/* The data flow of `cbamdetect`, after GstQueue's model: the streaming thread submits a frame for inference and puts it
 * in line, the task of the source pad takes it out, waits for the result and pushes it. Events and queries that belong
 * between two frames wait in the same line.
 *
 *     chain -- submit --> detector ------------ collect --+
 *       +------ push ---> FIFO (frames, events, queries) -+-> task: metas, drawing, message -> push
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstream.h"

#include "gstcbamcomposition.h"
#include "gstcbamframe.h"
#include "gstcbammeta.h"

#define GST_CAT_DEFAULT gst_cbam_debug

/* A collect that took this long, in microseconds, has really waited for the device. */
#define REAL_WAIT 500

/* Two ways to spell the composition feature are in use, and GStreamer tells them apart. */
#define COMPOSITION GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION
#define FIELDS                                                                                                         \
  ", format = " GST_CBAM_FORMATS ", width = [ 1, 65535 ], height = [ 1, 65535 ], framerate = " GST_VIDEO_FPS_RANGE
#define CAPS                                                                                                           \
  "video/x-raw" FIELDS "; video/x-raw(" COMPOSITION ")" FIELDS "; "                                                    \
  "video/x-raw(" GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ", " COMPOSITION ")" FIELDS

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

/* --- The streaming thread: in --- */

/* Starts inference on @buffer. FALSE: it cannot be; *error says why, or is unset where there was merely no room. */
static gboolean
submit_frame (GstCbamDetect *self, GstBuffer *buffer, GError **error)
{
  GstVideoFrame frame;
  CbamImage image;

  if (!gst_video_frame_map (&frame, &self->sink_info, buffer, GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                 "A buffer of %" G_GSIZE_FORMAT " bytes cannot be read as a "
                 "frame of its caps, which take %" G_GSIZE_FORMAT ".",
                 gst_buffer_get_size (buffer), GST_VIDEO_INFO_SIZE (&self->sink_info));
    return FALSE;
  }

  g_autoptr (GError) failure = NULL;
  gboolean submitted = FALSE;
  if (gst_cbam_frame_to_image (&frame, &image)) {
    CbamDetectParams params = gst_cbam_detect_get_params (self);
    submitted = cbam_detector_submit (self->detector, &image, &params, &failure);
  } else {
    g_set_error_literal (&failure, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "A frame has a negative stride.");
  }
  gst_video_frame_unmap (&frame);

  if (failure != NULL && !g_error_matches (failure, CBAM_ERROR, CBAM_ERROR_BUSY))
    g_propagate_error (error, g_steal_pointer (&failure));
  return submitted;
}

static GstFlowReturn
sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);
  g_autoptr (GstBuffer) owned = buffer;
  g_autoptr (GError) error = NULL;
  const gint64 arrived = g_get_monotonic_time ();
  gboolean slot;

  if (!self->sink_has_caps)
    return GST_FLOW_NOT_NEGOTIATED;

  /* Live, a frame that finds no slot passes on without inference; else it waits for one. */
  GstFlowReturn flow = gst_cbam_fifo_take_slot (self->fifo, !gst_cbam_latency_is_live (&self->latency), &slot);
  if (flow != GST_FLOW_OK)
    return flow;

  gboolean inferred = slot && submit_frame (self, buffer, &error);
  if (slot && !inferred)
    gst_cbam_fifo_return_slot (self->fifo);
  if (error != NULL) {
    gst_cbam_detect_post_error (self, error);
    return GST_FLOW_ERROR;
  }
  self->n_frames++;
  if (!inferred)
    self->n_passed++;
  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT "%s", buffer, inferred ? "" : " passes without inference");

  GstCbamItem item = { GST_MINI_OBJECT_CAST (g_steal_pointer (&owned)), arrived, inferred };
  return gst_cbam_fifo_push (self->fifo, item);
}

/* Throws away the results nobody waits for any more. The task is idle. */
static void
drop_results (GstCbamDetect *self)
{
  /* A lost device may fail every one of them, but there are no more than slots. */
  for (guint i = 0; i < self->slots; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamResult) result = cbam_detector_collect (self->detector, &error);
    if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_EMPTY))
      return;
  }
}

static void task_run (gpointer data);

/* Lets data flow, if the source pad is active. Both sides are idle. */
static void
start_flow (GstCbamDetect *self)
{
  self->flow = GST_FLOW_OK;
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
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
  drop_results (self);
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
    GST_ERROR_OBJECT (self, "cannot parse caps %" GST_PTR_FORMAT, caps);
    return FALSE;
  }
  self->sink_info = info;
  self->sink_has_caps = TRUE;
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
    default: break;
  }

  if (!GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_push_event (self->src_pad, event) ? GST_FLOW_OK : GST_FLOW_ERROR;

  GstCbamItem item = { GST_MINI_OBJECT_CAST (event), g_get_monotonic_time (), FALSE };
  return gst_cbam_fifo_push (self->fifo, item);
}

/* --- The task of the source pad: out --- */

/* Decides what the caps are and how drawings travel, when something that matters has changed. */
static void
negotiate (GstCbamDetect *self, GstCbamOverlay overlay)
{
  gboolean reconfigure = gst_pad_check_reconfigure (self->src_pad);

  if (self->negotiated && !reconfigure && !overlay == !self->overlay)
    return;
  self->attach = gst_cbam_composition_negotiate (self->src_pad, self->caps, overlay != GST_CBAM_OVERLAY_NONE);
  self->overlay = overlay;
  self->negotiated = TRUE;
  GST_DEBUG_OBJECT (self, "drawings are %s", self->attach ? "attached" : "blended");
}

static void
draw (GstCbamDetect *self, GstBuffer *buffer, const CbamResult *result, GstCbamOverlay overlay)
{
  if (self->painter == NULL)
    self->painter = gst_cbam_painter_new ();
  gst_cbam_painter_set_size (self->painter, GST_VIDEO_INFO_WIDTH (&self->src_info),
                             GST_VIDEO_INFO_HEIGHT (&self->src_info));

  g_autoptr (GstVideoOverlayComposition) composition = gst_cbam_painter_draw (self->painter, result, overlay);
  if (composition == NULL)
    return;
  if (self->attach) {
    gst_cbam_composition_attach (buffer, composition);
  } else if (!gst_cbam_composition_blend (buffer, &self->src_info, composition) && !self->warned) {
    self->warned = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT, ("Detections cannot be drawn on these frames."),
                         ("Their memory cannot be mapped for writing. Detections are still attached as metadata."));
  }
}

/* Tells about @result in every way asked for. Returns @buffer or a writable copy. */
static GstBuffer *
publish (GstCbamDetect *self, GstBuffer *buffer, const CbamResult *result, GstCbamOverlay overlay)
{
  gsize n;

  cbam_result_get_detections (result, &n);
  GST_LOG_OBJECT (self, "%" G_GSIZE_FORMAT " detections, best score %.3f", n, cbam_result_get_best_score (result));
  if (n > 0) {
    buffer = gst_buffer_make_writable (buffer);
    gst_cbam_meta_add (buffer, result, &self->src_info);
    if (overlay != GST_CBAM_OVERLAY_NONE)
      draw (self, buffer, result, overlay);
  }

  GST_OBJECT_LOCK (self);
  gboolean post = self->settings.post_messages;
  GST_OBJECT_UNLOCK (self);
  if (post)
    gst_element_post_message (GST_ELEMENT (self), gst_cbam_meta_to_message (GST_OBJECT (self), buffer, result,
                                                                            &self->src_info, &self->segment));
  return buffer;
}

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

/* Waits for the result of the oldest frame in flight. *@waited: whether that took time. */
static CbamResult *
collect (GstCbamDetect *self, gboolean *waited)
{
  g_autoptr (GError) error = NULL;
  const gint64 start = g_get_monotonic_time ();
  CbamResult *result = cbam_detector_collect (self->detector, &error);

  *waited = g_get_monotonic_time () - start > REAL_WAIT;
  gst_cbam_fifo_return_slot (self->fifo);
  if (result == NULL && self->flow == GST_FLOW_OK) {
    gst_cbam_detect_post_error (self, error);
    set_flow (self, GST_FLOW_ERROR);
  }
  return result;
}

static void
task_frame (GstCbamDetect *self, GstBuffer *buffer, gboolean inferred, gint64 arrived)
{
  g_autoptr (CbamResult) result = NULL;
  gboolean waited = FALSE;

  if (inferred)
    result = collect (self, &waited);
  if (self->flow != GST_FLOW_OK || self->caps == NULL) {
    gst_buffer_unref (buffer);
    return;
  }

  GST_OBJECT_LOCK (self);
  GstCbamOverlay overlay = self->settings.overlay;
  GST_OBJECT_UNLOCK (self);
  negotiate (self, overlay);
  if (result != NULL)
    buffer = publish (self, buffer, result, overlay);

  /* Only where the task has waited for the device is the delay ours: else downstream may have held up the task, and
   * counting that would raise the latency, which makes sinks hold it up longer, which would raise it again. */
  if (waited && gst_cbam_latency_observe (&self->latency, (g_get_monotonic_time () - arrived) * GST_USECOND)) {
    GST_INFO_OBJECT (self, "frames are held longer than announced, new latency");
    gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  }
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
      self->negotiated = FALSE;
      GST_OBJECT_LOCK (self);
      GstCbamOverlay overlay = self->settings.overlay;
      GST_OBJECT_UNLOCK (self);
      negotiate (self, overlay);
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

static void
task_query (GstCbamDetect *self, GstQuery *query)
{
  gboolean answer = self->flow == GST_FLOW_OK && gst_pad_peer_query (self->src_pad, query);

  if (answer && GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    add_held_buffers (self, query);
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
    task_frame (self, GST_BUFFER_CAST (item.object), item.inferred, item.arrived);
  else if (GST_IS_EVENT (item.object))
    task_event (self, GST_EVENT_CAST (item.object));
  else
    task_query (self, GST_QUERY_CAST (item.object));
}

/* --- Queries and activation --- */

/* What @pad can do, given what the elements on the other side can: frames without the feature may leave with it. */
static GstCaps *
query_caps (GstCbamDetect *self, GstPad *pad, GstCaps *filter)
{
  const gboolean is_sink = pad == self->sink_pad;
  g_autoptr (GstCaps) template_caps = gst_pad_get_pad_template_caps (pad);
  g_autoptr (GstCaps) other_filter = NULL;

  if (filter != NULL) {
    g_autoptr (GstCaps) filter_here = gst_caps_intersect_full (filter, template_caps, GST_CAPS_INTERSECT_FIRST);
    other_filter =
        is_sink ? gst_cbam_composition_caps_with (filter_here) : gst_cbam_composition_caps_without (filter_here);
    other_filter = gst_caps_merge (other_filter, g_steal_pointer (&filter_here));
  }

  g_autoptr (GstCaps) peer = gst_pad_peer_query_caps (is_sink ? self->src_pad : self->sink_pad, other_filter);
  g_autoptr (GstCaps) possible = gst_caps_intersect_full (peer, template_caps, GST_CAPS_INTERSECT_FIRST);
  GstCaps *caps = is_sink ? gst_cbam_composition_caps_without (possible) : gst_cbam_composition_caps_with (possible);
  /* Plain frames come first: nobody should start drawings for our sake. */
  caps =
      is_sink ? gst_caps_merge (caps, g_steal_pointer (&possible)) : gst_caps_merge (g_steal_pointer (&possible), caps);
  if (filter != NULL) {
    g_autoptr (GstCaps) unfiltered = caps;
    caps = gst_caps_intersect_full (filter, unfiltered, GST_CAPS_INTERSECT_FIRST);
  }
  return caps;
}

static void
answer_caps (GstCbamDetect *self, GstPad *pad, GstQuery *query)
{
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  g_autoptr (GstCaps) caps = query_caps (self, pad, filter);
  gst_query_set_caps_result (query, caps);
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamDetect *self = GST_CBAM_DETECT (parent);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    answer_caps (self, pad, query);
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
    case GST_QUERY_CAPS: answer_caps (self, pad, query); return TRUE;
    case GST_QUERY_LATENCY: return gst_cbam_latency_answer (&self->latency, self->sink_pad, query);
    default: return gst_pad_query_default (pad, parent, query);
  }
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
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);

  self->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->src_pad, GST_DEBUG_FUNCPTR (src_query));
  gst_pad_set_activatemode_function (self->src_pad, GST_DEBUG_FUNCPTR (src_activate_mode));
  gst_element_add_pad (GST_ELEMENT (self), self->src_pad);
}

void
gst_cbam_stream_reset (GstCbamDetect *self)
{
  if (self->n_frames > 0)
    GST_INFO_OBJECT (self, "%" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT " of them without inference",
                     self->n_frames, self->n_passed);
  gst_cbam_fifo_close (self->fifo);
  gst_cbam_fifo_empty (self->fifo);
  gst_caps_replace (&self->caps, NULL);
  g_clear_pointer (&self->painter, gst_cbam_painter_free);
  self->sink_has_caps = FALSE;
  self->negotiated = FALSE;
  self->attach = FALSE;
  self->warned = FALSE;
  self->n_frames = 0;
  self->n_passed = 0;
}
