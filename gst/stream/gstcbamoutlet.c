/* From the line to the source pad, after GstQueue's model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamoutlet.h"

#include "draw/gstcbamcomposition.h"
#include "frame/gstcbamoffer.h"
#include "gstcbampublisher.h"

#define GST_CAT_DEFAULT gst_cbam_debug

struct _GstCbamOutlet
{
  GstCbamStream *stream;

  GMutex activation; /* orders starting and stopping of the task */
  gboolean active;   /* under it: the source pad pushes */

  /* The task's. */
  GstFlowReturn flow; /* what downstream returned last; frames are dropped unless GST_FLOW_OK */
  GstCbamPublisher publisher;
};

/* ---- The task ---- */

/* Remembers what downstream said and passes it on upstream. */
static void
set_flow (GstCbamOutlet *self, GstFlowReturn flow)
{
  if (flow == GST_FLOW_OK)
    return;
  GST_DEBUG_OBJECT (self->stream->element, "downstream returned %s", gst_flow_get_name (flow));
  self->flow = flow;
  gst_cbam_fifo_set_flow (self->stream->fifo, flow);
}

/* Waits for the result of @buffer, the frame that is first in line. */
static CbamResult *
take_result (GstCbamOutlet *self, GstCbamFlight *flight, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  gint64 took;
  CbamResult *result = gst_cbam_flight_take (flight, buffer, &took, &error);
  const GstClockTime now = g_get_monotonic_time () * GST_USECOND;

  if (result == NULL && self->flow == GST_FLOW_OK) {
    gst_cbam_engine_post_error (&self->stream->engine, error);
    set_flow (self, GST_FLOW_ERROR);
  }
  /* The time that the device took, and not the task, which downstream may have held up: counting that would raise the
   * latency, which makes sinks hold it up longer, which would raise it again. */
  if (result != NULL && gst_cbam_latency_observe (&self->stream->engine.latency, took * GST_USECOND, now)) {
    GST_INFO_OBJECT (self->stream->element, "frames are now held for up to %" GST_TIME_FORMAT,
                     GST_TIME_ARGS (gst_cbam_latency_get_ceiling (&self->stream->engine.latency)));
    gst_element_post_message (self->stream->element, gst_message_new_latency (GST_OBJECT (self->stream->element)));
  }
  return result;
}

static void
task_frame (GstCbamOutlet *self, const GstCbamItem *item)
{
  GstBuffer *buffer = GST_BUFFER_CAST (item->object);
  g_autoptr (CbamResult) result = NULL;

  if (item->flight != NULL)
    result = take_result (self, item->flight, buffer);
  if (self->flow != GST_FLOW_OK || self->publisher.caps == NULL) {
    gst_buffer_unref (buffer);
    return;
  }
  buffer = gst_cbam_publisher_tell (&self->publisher, buffer, result);
  set_flow (self, gst_pad_push (self->stream->src_pad, buffer));
}

static void
task_event (GstCbamOutlet *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps (event, &caps);
      gst_cbam_publisher_set_caps (&self->publisher, caps);
      gst_event_unref (event);
      return;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->publisher.segment);
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
      gst_cbam_fifo_get_flow (self->stream->fifo, &reported);
      if ((self->flow == GST_FLOW_NOT_LINKED || self->flow < GST_FLOW_EOS) && !reported &&
          gst_cbam_engine_is_first_error (&self->stream->engine))
        GST_ELEMENT_FLOW_ERROR (self->stream->element, self->flow);
      break;
    }
    default: break;
  }
  gst_pad_push_event (self->stream->src_pad, event);
}

/* Frames wait here while they are inferred, so upstream needs that many more of them. */
static void
add_held_buffers (GstCbamOutlet *self, GstQuery *query)
{
  for (guint i = 0; i < gst_query_get_n_allocation_pools (query); i++) {
    GstBufferPool *pool;
    guint size, min, max;
    gst_query_parse_nth_allocation_pool (query, i, &pool, &size, &min, &max);
    if (max == 0 || min + self->stream->engine.slots <= max)
      gst_query_set_nth_allocation_pool (query, i, pool, size, min + self->stream->engine.slots, max);
    gst_clear_object (&pool);
  }
}

/* Frames that begin where the device can read them in place need not be copied. Returns whether it wishes so. */
static gboolean
align_buffers (GstCbamOutlet *self, GstQuery *query)
{
  const gsize alignment = cbam_device_get_host_alignment (self->stream->engine.device);
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
task_query (GstCbamOutlet *self, GstQuery *query)
{
  gboolean answer = self->flow == GST_FLOW_OK && gst_pad_peer_query (self->stream->src_pad, query);

  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION) {
    gst_cbam_offer_filter (query);
    if (answer)
      add_held_buffers (self, query);
    answer |= self->flow == GST_FLOW_OK && align_buffers (self, query);
  }
  gst_cbam_fifo_answer (self->stream->fifo, answer);
}

static void
task_run (gpointer data)
{
  GstCbamOutlet *self = data;
  GstCbamItem item;

  if (!gst_cbam_fifo_pop (self->stream->fifo, &item)) {
    gst_pad_pause_task (self->stream->src_pad);
    return;
  }
  if (GST_IS_BUFFER (item.object))
    task_frame (self, &item);
  else if (GST_IS_EVENT (item.object))
    task_event (self, GST_EVENT_CAST (item.object));
  else
    task_query (self, GST_QUERY_CAST (item.object));
}

/* ---- Starting and stopping ---- */

/* Lets data flow. Both sides are idle. */
static void
start (GstCbamOutlet *self)
{
  GstCbamStream *stream = self->stream;

  self->flow = GST_FLOW_OK;
  gst_cbam_publisher_restart (&self->publisher);
  gst_cbam_qos_reset (&stream->qos);
  gst_cbam_engine_forget_errors (&stream->engine);
  gst_cbam_fifo_open (stream->fifo, stream->engine.slots);
  gst_pad_start_task (stream->src_pad, task_run, self, NULL);
}

void
gst_cbam_outlet_halt (GstCbamOutlet *self)
{
  gst_cbam_fifo_close (self->stream->fifo);
  gst_pad_pause_task (self->stream->src_pad);
}

gboolean
gst_cbam_outlet_restart (GstCbamOutlet *self)
{
  gst_cbam_outlet_halt (self);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->activation);
  if (!self->active)
    return FALSE;
  start (self);
  return TRUE;
}

static gboolean
src_activate_mode (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstPadMode mode, gboolean active)
{
  GstCbamOutlet *self = gst_pad_get_element_private (pad);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;

  g_mutex_lock (&self->activation);
  self->active = active;
  if (active)
    start (self);
  else
    gst_cbam_fifo_close (self->stream->fifo);
  g_mutex_unlock (&self->activation);
  return active || gst_pad_stop_task (pad);
}

/* ---- Queries and events from downstream ---- */

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCbamOutlet *self = gst_pad_get_element_private (pad);
  GstCbamStream *stream = self->stream;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CAPS: gst_cbam_composition_answer_caps (pad, stream->sink_pad, query); return TRUE;
    case GST_QUERY_LATENCY: return gst_cbam_latency_answer (&stream->engine.latency, stream->sink_pad, query);
    default: return gst_pad_query_default (pad, parent, query);
  }
}

/* What downstream says about lateness is ours to mend; see GstCbamQos. */
static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCbamOutlet *self = gst_pad_get_element_private (pad);

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    GST_OBJECT_LOCK (parent);
    gboolean qos = self->stream->settings.qos;
    GST_OBJECT_UNLOCK (parent);
    if (qos && !gst_cbam_qos_update (&self->stream->qos, event)) {
      gst_event_unref (event);
      return TRUE;
    }
  }
  return gst_pad_event_default (pad, parent, event);
}

/* ---- Life ---- */

GstCbamOutlet *
gst_cbam_outlet_new (GstCbamStream *stream)
{
  GstCbamOutlet *self = g_new0 (GstCbamOutlet, 1);

  self->stream = stream;
  self->publisher.stream = stream;
  g_mutex_init (&self->activation);

  gst_pad_set_element_private (stream->src_pad, self);
  gst_pad_set_event_function (stream->src_pad, GST_DEBUG_FUNCPTR (src_event));
  gst_pad_set_query_function (stream->src_pad, GST_DEBUG_FUNCPTR (src_query));
  gst_pad_set_activatemode_function (stream->src_pad, GST_DEBUG_FUNCPTR (src_activate_mode));
  return self;
}

void
gst_cbam_outlet_free (GstCbamOutlet *self)
{
  if (self == NULL)
    return;
  g_mutex_clear (&self->activation);
  g_free (self);
}

void
gst_cbam_outlet_reset (GstCbamOutlet *self)
{
  gst_cbam_fifo_close (self->stream->fifo);
  gst_cbam_fifo_empty (self->stream->fifo);
  gst_cbam_publisher_reset (&self->publisher);
}
