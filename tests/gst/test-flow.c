/* The FIFO and the task behind it: order, flush, EOS, queries, flow returns, states, live streams and latency.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include "../../gst/stream/gstcbamlatency.h"

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

/* ---- Order ---- */

GST_START_TEST (frames_keep_what_they_carry)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 queue-depth=4"), CAPS);
  static const char *const tags[] = { NULL };
  gst_meta_register_custom ("CbamTestMeta", (const char **) tags, NULL, NULL, NULL);

  for (guint i = 0; i < 10; i++) {
    GstBuffer *in = picture_new (CAPS, i % 3, i);
    GST_BUFFER_DTS (in) = i;
    GST_BUFFER_OFFSET (in) = 100 + i;
    GST_BUFFER_OFFSET_END (in) = 101 + i;
    if (i % 2)
      GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_MARKER | GST_VIDEO_BUFFER_FLAG_INTERLACED);
    GstCustomMeta *meta = gst_buffer_add_custom_meta (in, "CbamTestMeta");
    gst_structure_set (gst_custom_meta_get_structure (meta), "i", G_TYPE_UINT, i, NULL);
    gst_buffer_add_video_region_of_interest_meta (in, "other", 1, 2, 3, 4);
    fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  }
  for (guint i = 0; i < 10; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autoptr (GstBuffer) same = picture_new (CAPS, i % 3, i);
    guint carried = 99;
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * 40 * GST_MSECOND);
    fail_unless_equals_uint64 (GST_BUFFER_DTS (out), i);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), 40 * GST_MSECOND);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (out), 100 + i);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (out), 101 + i);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER), i % 2);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out, GST_VIDEO_BUFFER_FLAG_INTERLACED), i % 2);
    GstCustomMeta *meta = gst_buffer_get_custom_meta (out, "CbamTestMeta");
    fail_unless (gst_structure_get_uint (gst_custom_meta_get_structure (meta), "i", &carried) && carried == i);
    GstVideoRegionOfInterestMeta *roi = gst_buffer_get_video_region_of_interest_meta_id (out, 0);
    fail_unless (roi != NULL && roi->roi_type == g_quark_from_string ("other") && roi->h == 4);
    GstMapInfo map;
    gst_buffer_map (same, &map, GST_MAP_READ);
    fail_unless_equals_int (gst_buffer_memcmp (out, 0, map.data, map.size), 0);
    gst_buffer_unmap (same, &map);
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (results_belong_to_their_frames)
{
  g_autoptr (GArray) of_0 = found_by (CAPS, 0, "threshold=0");
  g_autoptr (GArray) of_1 = found_by (CAPS, 1, "threshold=0");
  g_autoptr (GArray) of_9 = found_by (CAPS, 9, "threshold=0");
  const GArray *expected[] = { of_0, of_1, of_9 };
  GstHarness *h = harness_new (detect_new ("threshold=0 queue-depth=3"), CAPS);
  const guint pictures[] = { 0, 1, 9 };

  for (guint i = 0; i < 30; i++)
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, pictures[i % 3], i)), GST_FLOW_OK);
  for (guint i = 0; i < 30; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autoptr (GArray) found = found_in (out);
    fail_unless (found_equal (found, expected[i % 3]), "frame %u", i);
  }
  harness_free (h);
}
GST_END_TEST

typedef struct
{
  guint frames;
  GString *order;
} Order;

static GMutex order_lock; /* guards what is noted while frames flow */

static GstPadProbeReturn
note_order (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&order_lock);
  GString *order = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    g_string_append_c (order, 'f');
  else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_SEGMENT)
    g_string_append_c (order, 's');
  else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_TAG)
    g_string_append_c (order, 't');
  else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    g_string_append_c (order, 'e');
  return GST_PAD_PROBE_OK;
}

static gboolean
ends_with (const GString *order, char last)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&order_lock);

  return order->len > 0 && order->str[order->len - 1] == last;
}

GST_START_TEST (events_keep_their_place)
{
  g_autoptr (GString) order = g_string_new (NULL);
  GstHarness *h = harness_new (detect_new ("queue-depth=8"), NULL);

  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, note_order, order,
                     NULL);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 4; i++) {
    gst_harness_push (h, picture_new (CAPS, 0, i));
    gst_harness_push_event (h, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "x", NULL)));
  }
  gst_harness_push (h, picture_new (CAPS, 0, 4));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  for (guint i = 0; i < 5; i++)
    gst_buffer_unref (gst_harness_pull (h));
  /* EOS comes right after the last frame, from the task. */
  for (guint i = 0; i < 1000 && !ends_with (order, 'e'); i++)
    g_usleep (1000);
  fail_unless_equals_string (order->str, "sftftftftfe");
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, 5)), GST_FLOW_EOS);
  harness_free (h);
}
GST_END_TEST

/* ---- Queries ---- */

static GstPadProbeReturn
count_frames_before_query (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Order *o = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    o->frames++;
  else if (GST_QUERY_IS_SERIALIZED (GST_PAD_PROBE_INFO_QUERY (info)) && (info->type & GST_PAD_PROBE_TYPE_PUSH))
    g_string_append_printf (o->order, "%s after %u;", GST_QUERY_TYPE_NAME (GST_PAD_PROBE_INFO_QUERY (info)), o->frames);
  return GST_PAD_PROBE_OK;
}

GST_START_TEST (queries_keep_their_place)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Order order = { 0, text };
  GstHarness *h = harness_new (detect_new ("queue-depth=8"), CAPS);

  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_META_API_TYPE, NULL);
  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
                     count_frames_before_query, &order, NULL);
  for (guint i = 0; i < 5; i++)
    gst_harness_push (h, picture_new (CAPS, 0, i));
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  g_autoptr (GstQuery) allocation = gst_query_new_allocation (caps, TRUE);
  fail_unless (gst_pad_peer_query (h->srcpad, allocation));
  fail_unless (gst_query_find_allocation_meta (allocation, GST_VIDEO_META_API_TYPE, NULL));
  for (guint i = 5; i < 7; i++)
    gst_harness_push (h, picture_new (CAPS, 0, i));
  g_autoptr (GstQuery) drain = gst_query_new_drain ();
  gst_pad_peer_query (h->srcpad, drain);
  fail_unless_equals_string (text->str, "allocation after 5;drain after 7;");
  fail_unless_equals_int (gst_harness_buffers_received (h), 7);
  harness_free (h);
}
GST_END_TEST

/* ---- Downstream says no ---- */

static GstFlowReturn next_flow;

static GstFlowReturn
chain_returning (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return next_flow;
}

static GstFlowReturn
push_until_not_ok (GstHarness *h)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < 100 && flow == GST_FLOW_OK; i++)
    flow = gst_harness_push (h, picture_new (CAPS, 0, i));
  return flow;
}

GST_START_TEST (flow_returns_come_back)
{
  const GstFlowReturn flows[] = { GST_FLOW_ERROR, GST_FLOW_NOT_LINKED, GST_FLOW_NOT_NEGOTIATED, GST_FLOW_EOS };

  for (guint i = 0; i < G_N_ELEMENTS (flows); i++) {
    GstHarness *h = harness_new (detect_new ("%s", ""), CAPS);
    gst_pad_set_chain_function (h->sinkpad, chain_returning);
    next_flow = flows[i];
    fail_unless_equals_int (push_until_not_ok (h), flows[i]);
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, 0)), flows[i]);
    fail_unless (pop_message (h->element, GST_MESSAGE_ERROR) == NULL); /* upstream posts it */
    harness_free (h);
  }
}
GST_END_TEST

GST_START_TEST (a_new_segment_ends_eos_from_downstream)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), CAPS);
  GstSegment segment;

  gst_pad_set_chain_function (h->sinkpad, chain_returning);
  next_flow = GST_FLOW_EOS;
  fail_unless_equals_int (push_until_not_ok (h), GST_FLOW_EOS);
  next_flow = GST_FLOW_OK;
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, 0)), GST_FLOW_EOS);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  for (guint i = 0; i < 5; i++)
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, i)), GST_FLOW_OK);
  harness_free (h);
}
GST_END_TEST

/* Upstream is done when downstream fails: somebody must say so, once. */
GST_START_TEST (failure_after_the_last_frame_is_posted)
{
  GstHarness *h = harness_new (detect_new ("queue-depth=8"), CAPS);

  gst_pad_set_chain_function (h->sinkpad, chain_returning);
  next_flow = GST_FLOW_ERROR;
  gst_harness_push (h, picture_new (CAPS, 0, 0));
  gst_harness_push_event (h, gst_event_new_eos ());
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  g_autoptr (GstMessage) error = gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless (error != NULL);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  harness_free (h);
}
GST_END_TEST

/* ---- Flushing and states with both sides stuck ---- */

static GstPadProbeReturn
block (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_set ((int *) data, TRUE);
  return GST_PAD_PROBE_OK;
}

static gpointer
push_forever (gpointer data)
{
  GstHarness *h = data;
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; flow == GST_FLOW_OK && i < 1000; i++)
    flow = gst_harness_push (h, picture_new (CAPS, 0, i));
  return GINT_TO_POINTER (flow);
}

static gpointer
push_then_query (gpointer data)
{
  GstHarness *h = data;
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, TRUE);

  gst_harness_push (h, picture_new (CAPS, 0, 0));
  gst_harness_push (h, picture_new (CAPS, 0, 1));
  return GINT_TO_POINTER (gst_pad_peer_query (h->srcpad, query));
}

/* Downstream takes nothing and the thread of @push is stuck in the element. */
static GThread *
get_stuck (GstHarness *h, GThreadFunc push, gulong *probe)
{
  int blocked = FALSE;

  *probe = gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, block, &blocked, NULL);
  GThread *thread = g_thread_new ("push", push, h);
  while (!g_atomic_int_get (&blocked))
    g_usleep (1000);
  g_usleep (50000);
  return thread;
}

GST_START_TEST (flush_frees_both_sides)
{
  g_autoptr (GArray) expected = found_by (CAPS, 9, "threshold=0");
  GstHarness *h = harness_new (detect_new ("threshold=0 queue-depth=3"), CAPS);
  GstSegment segment;
  gulong probe;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint round = 0; round < 3; round++) {
    GThread *thread = get_stuck (h, round == 1 ? push_then_query : push_forever, &probe);
    fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
    fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)), round == 1 ? FALSE : GST_FLOW_FLUSHING);
    gst_pad_remove_probe (h->sinkpad, probe);
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, 0)), GST_FLOW_FLUSHING);
    fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
    GstBuffer *stale;
    while ((stale = gst_harness_try_pull (h)))
      gst_buffer_unref (stale);

    /* What comes after carries its own results, not those of the slots that were in flight. */
    gst_harness_push_event (h, gst_event_new_segment (&segment));
    for (guint i = 0; i < 5; i++)
      fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 9, i)), GST_FLOW_OK);
    for (guint i = 0; i < 5; i++) {
      g_autoptr (GstBuffer) out = gst_harness_pull (h);
      g_autoptr (GArray) found = found_in (out);
      fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * 40 * GST_MSECOND);
      fail_unless (found_equal (found, expected));
    }
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (ready_frees_both_sides)
{
  for (guint round = 0; round < 2; round++) {
    GstHarness *h = harness_new (detect_new ("threshold=0 queue-depth=3"), CAPS);
    gulong probe;
    GThread *thread = get_stuck (h, round ? push_then_query : push_forever, &probe);
    gst_pad_set_active (h->sinkpad, FALSE);
    fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)), round ? FALSE : GST_FLOW_FLUSHING);
    harness_free (h);
  }
}
GST_END_TEST

/* Stopped in the middle of things again and again, by way of every lower state. */
GST_START_TEST (states_cycle)
{
  g_autofree char *line = g_strdup_printf ("videotestsrc ! " CAPS " ! cbamdetect model=%s threshold=0 queue-depth=3 "
                                           "post-messages=true ! fakesink",
                                           model_path ());
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  const GstState lows[] = { GST_STATE_READY, GST_STATE_NULL, GST_STATE_PAUSED };

  for (guint round = 0; round < 9; round++) {
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    for (guint i = 0; i <= round % 4; i++) {
      g_autoptr (GstMessage) message =
          gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
      fail_unless (message != NULL && gst_message_has_name (message, "cbam-detections"));
    }
    gst_element_set_state (pipeline, lows[round % 3]);
    bus_clear (pipeline);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
GST_END_TEST

GST_START_TEST (pull_mode_is_refused)
{
  GstElement *element = detect_new ("%s", "");
  GstPad *pad = gst_element_get_static_pad (element, "src");

  fail_if (gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, TRUE));
  gst_object_unref (pad);
  gst_object_unref (element);
}
GST_END_TEST

/* ---- Live ---- */

/* Frames that come faster than inference: all of them go out in order, some of them without detections. */
GST_START_TEST (live_frames_pass)
{
  GstElement *element = detect_new ("threshold=0 queue-depth=1 carry=none");
  GstHarness *h = harness_new (element, NULL);
  GstBuffer *frames[50];
  guint inferred = 0;

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 50; i++)
    frames[i] = picture_new (CAPS, 0, i);
  for (guint i = 0; i < 50; i++)
    fail_unless_equals_int (gst_harness_push (h, frames[i]), GST_FLOW_OK);
  for (guint i = 0; i < 50; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autoptr (GArray) found = found_in (out);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * 40 * GST_MSECOND);
    inferred += found->len > 0;
  }
  fail_unless (inferred >= 1 && inferred < 50, "%u frames inferred", inferred);
  harness_free (h);
}
GST_END_TEST

/* Live or not may change with the caps, or with any LATENCY query that passes. */
GST_START_TEST (not_live_infers_every_frame)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 queue-depth=1"), NULL);

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  gst_harness_set_live (h, FALSE);
  gst_harness_query_latency (h);
  for (guint i = 0; i < 30; i++)
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, i)), GST_FLOW_OK);
  for (guint i = 0; i < 30; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autoptr (GArray) found = found_in (out);
    fail_unless (found->len > 0, "frame %u", i);
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (latency_is_answered)
{
  GstHarness *h = harness_new (detect_new ("queue-depth=2"), CAPS);

  fail_unless_equals_uint64 (gst_harness_query_latency (h), 0);
  gst_harness_set_live (h, TRUE);
  gst_harness_set_upstream_latency (h, 33 * GST_MSECOND);
  fail_unless (gst_harness_query_latency (h) > 33 * GST_MSECOND);
  harness_free (h);
}
GST_END_TEST

/* What we may hold is more room for those before us too. */
static GstPadProbeReturn
answer_latency (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, G_GNUC_UNUSED gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return GST_PAD_PROBE_OK;
  gst_query_set_latency (query, TRUE, 10 * GST_MSECOND, 50 * GST_MSECOND);
  return GST_PAD_PROBE_HANDLED;
}

GST_START_TEST (latency_keeps_upstreams_room)
{
  GstHarness *h = harness_new (detect_new ("queue-depth=2"), CAPS);
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live;
  GstClockTime min, max;

  gst_pad_add_probe (h->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, answer_latency, NULL, NULL);
  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live && min > 10 * GST_MSECOND);
  fail_unless_equals_uint64 (max - min, 40 * GST_MSECOND);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (latency_rises_once)
{
  GstCbamLatency latency = { 0 };

  g_mutex_init (&latency.lock);
  gst_cbam_latency_reset (&latency, 100 * GST_MSECOND);
  fail_if (gst_cbam_latency_is_live (&latency));
  latency.live = TRUE;
  fail_if (gst_cbam_latency_observe (&latency, 100 * GST_MSECOND, 0));
  fail_unless (gst_cbam_latency_observe (&latency, 120 * GST_MSECOND, 1));
  fail_unless_equals_uint64 (latency.ceiling, 150 * GST_MSECOND);
  fail_if (gst_cbam_latency_observe (&latency, 149 * GST_MSECOND, 2));
  latency.live = FALSE;
  fail_if (gst_cbam_latency_observe (&latency, 900 * GST_MSECOND, 3)); /* nobody needs to know */
  g_mutex_clear (&latency.lock);
}
GST_END_TEST

GST_START_TEST (latency_sinks_slowly)
{
  GstCbamLatency latency = { 0 };

  g_mutex_init (&latency.lock);
  gst_cbam_latency_reset (&latency, 100 * GST_MSECOND);
  latency.live = TRUE;
  for (guint second = 0; second < 10; second++)
    fail_if (gst_cbam_latency_observe (&latency, 40 * GST_MSECOND, second * GST_SECOND));
  fail_unless (gst_cbam_latency_observe (&latency, 20 * GST_MSECOND, 10 * GST_SECOND));
  fail_unless_equals_uint64 (latency.ceiling, 50 * GST_MSECOND);
  /* Not for a little, which would change it again and again. */
  for (guint second = 11; second < 40; second++)
    fail_if (gst_cbam_latency_observe (&latency, 30 * GST_MSECOND, second * GST_SECOND));
  g_mutex_clear (&latency.lock);
}
GST_END_TEST

/* Frames that were in the element while a model was loaded say nothing of those to come; one that came later does. */
GST_START_TEST (latency_bears_disturbances)
{
  GstCbamLatency latency = { 0 };
  const GstClockTime ms = GST_MSECOND;

  g_mutex_init (&latency.lock);
  gst_cbam_latency_reset (&latency, 100 * ms);
  latency.live = TRUE;
  fail_if (gst_cbam_latency_observe (&latency, 90 * ms, 1000 * ms));
  gst_cbam_latency_begin_disturbance (&latency);
  fail_if (gst_cbam_latency_observe (&latency, 500 * ms, 1500 * ms));
  gst_cbam_latency_begin_disturbance (&latency);
  gst_cbam_latency_end_disturbance (&latency, 1600 * ms);
  fail_if (gst_cbam_latency_observe (&latency, 600 * ms, 1700 * ms));
  gst_cbam_latency_end_disturbance (&latency, 2000 * ms);
  fail_if (gst_cbam_latency_observe (&latency, 300 * ms, 2299 * ms)); /* it came just before the end */
  fail_unless_equals_uint64 (gst_cbam_latency_get_ceiling (&latency), 100 * ms);
  fail_unless (gst_cbam_latency_observe (&latency, 120 * ms, 2300 * ms));
  fail_unless_equals_uint64 (gst_cbam_latency_get_ceiling (&latency), 150 * ms);
  g_mutex_clear (&latency.lock);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("flow");
  tcase_add_test (tests, frames_keep_what_they_carry);
  tcase_add_test (tests, results_belong_to_their_frames);
  tcase_add_test (tests, events_keep_their_place);
  tcase_add_test (tests, queries_keep_their_place);
  tcase_add_test (tests, flow_returns_come_back);
  tcase_add_test (tests, a_new_segment_ends_eos_from_downstream);
  tcase_add_test (tests, failure_after_the_last_frame_is_posted);
  tcase_add_test (tests, flush_frees_both_sides);
  tcase_add_test (tests, ready_frees_both_sides);
  tcase_add_test (tests, states_cycle);
  tcase_add_test (tests, pull_mode_is_refused);
  tcase_add_test (tests, live_frames_pass);
  tcase_add_test (tests, not_live_infers_every_frame);
  tcase_add_test (tests, latency_is_answered);
  tcase_add_test (tests, latency_keeps_upstreams_room);
  tcase_add_test (tests, latency_rises_once);
  tcase_add_test (tests, latency_sinks_slowly);
  tcase_add_test (tests, latency_bears_disturbances);
  return run_suite (tests);
}
