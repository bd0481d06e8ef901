/* Live streams: the line stays short, lateness costs inference and not frames, and a device that hangs ends in one
 * error.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <cbamdetect/cbamdetect.h>

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

/* ---- A line of bounded length ---- */

typedef struct
{
  GstHarness *h;
  guint n;          /* frames to push */
  guint64 interval; /* between them, in microseconds */
  int pushed;       /* atomic */
} Pusher;

static gpointer
push_all (gpointer data)
{
  Pusher *pusher = data;

  for (guint i = 0; i < pusher->n; i++) {
    if (gst_harness_push (pusher->h, picture_new (CAPS, 0, i)) != GST_FLOW_OK)
      break;
    g_atomic_int_inc (&pusher->pushed);
    if (pusher->interval > 0)
      g_usleep (pusher->interval);
  }
  return NULL;
}

static GstPadProbeReturn
hold (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, G_GNUC_UNUSED gpointer data)
{
  return GST_PAD_PROBE_OK;
}

/* Pushes @pusher->n frames while downstream takes none. Returns how many the element took before it held up upstream;
 * then all of them come out. */
static guint
push_into_a_wall (Pusher *pusher)
{
  gulong probe =
      gst_pad_add_probe (pusher->h->sinkpad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);
  GThread *thread = g_thread_new ("push", push_all, pusher);
  int before = -1, pushed = 0;

  /* Until nothing has moved for a while. */
  while (pushed != before || pushed == 0) {
    before = pushed;
    g_usleep (300000);
    pushed = g_atomic_int_get (&pusher->pushed);
  }
  gst_pad_remove_probe (pusher->h->sinkpad, probe);
  for (guint i = 0; i < pusher->n; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (pusher->h);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * 40 * GST_MSECOND);
  }
  g_thread_join (thread);
  return pushed;
}

GST_START_TEST (live_line_is_bounded_by_frames)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), NULL);
  Pusher pusher = { .h = h, .n = 1000 };

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  const guint pushed = push_into_a_wall (&pusher);
  fail_unless (pushed > 50 && pushed <= 202, "%u frames", pushed);
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 1000);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (live_line_is_bounded_by_time)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), NULL);
  Pusher pusher = { .h = h, .n = 60, .interval = 50000 };

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  const guint pushed = push_into_a_wall (&pusher);
  fail_unless (pushed > 8 && pushed < 40, "%u frames", pushed);
  harness_free (h);
}
GST_END_TEST

/* Frames without inference need no slot, but the line is no bottomless pit for them. */
GST_START_TEST (offline_line_is_bounded)
{
  GstHarness *h = harness_new (detect_new ("interval=100000"), CAPS);
  Pusher pusher = { .h = h, .n = 200 };

  const guint pushed = push_into_a_wall (&pusher);
  fail_unless (pushed >= 2 && pushed <= 34, "%u frames", pushed);
  fail_unless_equals_uint64 (get_stat (h->element, "inferred"), 1);
  harness_free (h);
}
GST_END_TEST

/* ---- Quality of service ---- */

static guint
count_upstream (GstHarness *h, GstEventType type)
{
  guint n = 0;
  GstEvent *event;

  while ((event = gst_harness_try_pull_upstream_event (h))) {
    n += GST_EVENT_TYPE (event) == type;
    gst_event_unref (event);
  }
  return n;
}

static void
complain (GstHarness *h, GstClockTimeDiff diff, GstClockTime timestamp)
{
  gst_harness_push_upstream_event (h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, diff, timestamp));
}

static guint
n_found (GstHarness *h, guint index)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, index)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) found = found_in (out);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (out), index * 40 * GST_MSECOND);
  return found->len;
}

GST_START_TEST (lateness_costs_inference)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 carry=none"), CAPS);

  count_upstream (h, GST_EVENT_QOS);
  fail_unless (n_found (h, 0) > 0);
  fail_unless (n_found (h, 1) > 0);
  complain (h, 60 * GST_MSECOND, 40 * GST_MSECOND); /* so frames before 160 ms are late */
  fail_unless_equals_int (n_found (h, 2), 0);
  fail_unless_equals_int (n_found (h, 3), 0);
  fail_unless (n_found (h, 4) > 0);
  fail_unless_equals_uint64 (get_stat (h->element, "skipped-qos"), 2);
  fail_unless_equals_int (count_upstream (h, GST_EVENT_QOS), 0); /* which would drop frames */

  complain (h, -20 * GST_MSECOND, 160 * GST_MSECOND);
  fail_unless (n_found (h, 5) > 0);
  fail_unless_equals_int (count_upstream (h, GST_EVENT_QOS), 1);

  /* Late for good: one frame a second is inferred all the same, and upstream gets to know. */
  guint inferred = 0;
  for (guint i = 6; i < 106; i++) {
    complain (h, 500 * GST_MSECOND, i * 40 * GST_MSECOND);
    inferred += n_found (h, i) > 0;
  }
  fail_unless (inferred >= 3 && inferred <= 5, "%u inferred", inferred);
  const guint heard = count_upstream (h, GST_EVENT_QOS);
  fail_unless (heard >= 70 && heard <= 76, "upstream heard %u times", heard);
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 106);
  fail_unless_equals_uint64 (get_stat (h->element, "inferred") + get_stat (h->element, "skipped-qos"), 106);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (lateness_can_be_ignored)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 carry=none qos=false"), CAPS);

  count_upstream (h, GST_EVENT_QOS);
  fail_unless (n_found (h, 0) > 0);
  complain (h, 500 * GST_MSECOND, 0);
  fail_unless (n_found (h, 1) > 0);
  fail_unless_equals_int (count_upstream (h, GST_EVENT_QOS), 1);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (a_flush_forgives_lateness)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 carry=none"), CAPS);
  GstSegment segment;

  fail_unless (n_found (h, 0) > 0);
  complain (h, 10 * GST_SECOND, 0);
  fail_unless_equals_int (n_found (h, 1), 0);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  fail_unless (n_found (h, 1) > 0);
  fail_unless (n_found (h, 2) > 0);
  harness_free (h);
}
GST_END_TEST

/* ---- A device that others use ---- */

#define OTHERS 64

static const guint8 gray[16 * 16];
static const CbamImage small_image = { .format = CBAM_FORMAT_GRAY8, .width = 16, .height = 16, .planes = { gray } };

typedef struct
{
  CbamDetector *detector;
  guint64 round; /* how long OTHERS frames take, in microseconds */
  int filled;    /* atomic: so many are on the device at any time */
  int stop;      /* atomic */
} Neighbour;

static gpointer
keep_busy (gpointer data)
{
  Neighbour *neighbour = data;
  const gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < OTHERS; i++)
    fail_unless (cbam_detector_submit (neighbour->detector, &small_image, NULL, NULL));
  g_atomic_int_set (&neighbour->filled, TRUE);
  for (guint i = 0; i < OTHERS || !g_atomic_int_get (&neighbour->stop); i++) {
    G_GNUC_UNUSED g_autoptr (CbamResult) result = cbam_detector_collect (neighbour->detector, NULL);
    if (i == OTHERS - 1)
      neighbour->round = g_get_monotonic_time () - start;
    fail_unless (cbam_detector_submit (neighbour->detector, &small_image, NULL, NULL));
  }
  for (guint i = 0; i < OTHERS; i++)
    cbam_result_unref (cbam_detector_collect (neighbour->detector, NULL));
  return NULL;
}

static void
notice_model (G_GNUC_UNUSED GstDebugCategory *category, G_GNUC_UNUSED GstDebugLevel level,
              G_GNUC_UNUSED const char *file, G_GNUC_UNUSED const char *function, G_GNUC_UNUSED int line,
              G_GNUC_UNUSED GObject *object, GstDebugMessage *message, gpointer loaded)
{
  if (strstr (gst_debug_message_get (message), "from now on with model") != NULL)
    g_atomic_int_set ((int *) loaded, TRUE);
}

/* Another model is loaded while others keep the device busy: how long it took to try it there is no measure of
 * anything, and no latency is announced for it. */
GST_START_TEST (loading_a_model_announces_no_latency)
{
  GstHarness *h = harness_new (detect_new ("queue-depth=4"), NULL);
  g_autoptr (CbamDevice) device = cbam_device_open (NULL, NULL); /* the element's own: devices are shared */
  g_autoptr (CbamModel) model = cbam_model_load (device, model_path (), NULL, NULL);
  g_autoptr (CbamDetector) detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = OTHERS }, NULL);
  Neighbour neighbour = { .detector = detector };
  int loaded = FALSE;

  gst_debug_set_threshold_for_name ("cbamdetect", GST_LEVEL_INFO);
  gst_debug_add_log_function (notice_model, &loaded, NULL);
  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 5; i++)
    n_found (h, i);
  const guint64 before = get_stat (h->element, "latency");

  GThread *thread = g_thread_new ("neighbour", keep_busy, &neighbour);
  while (!g_atomic_int_get (&neighbour.filled))
    g_usleep (1000);
  g_object_set (h->element, "model", g_getenv ("CBAM_TEST_ATTENTION_MODEL"), NULL);
  while (!g_atomic_int_get (&loaded))
    g_usleep (1000);
  const guint64 after = get_stat (h->element, "latency");
  g_atomic_int_set (&neighbour.stop, TRUE);
  g_thread_join (thread);
  fail_unless_equals_uint64 (after, before);

  for (guint i = 5; i < 10; i++)
    n_found (h, i);
  const guint64 later = get_stat (h->element, "latency"), much = neighbour.round * GST_USECOND;
  fail_unless (later < before + much, "%" G_GUINT64_FORMAT " ns, and %" G_GUINT64_FORMAT " before", later, before);
  gst_debug_remove_log_function (notice_model);
  gst_debug_set_threshold_for_name ("cbamdetect", GST_LEVEL_NONE);
  harness_free (h);
}
GST_END_TEST

/* Somebody else keeps the device busy for longer than a frame may take. */
GST_START_TEST (a_hanging_device_is_one_error)
{
  GstHarness *h = harness_new (detect_new ("threshold=0"), CAPS);
  g_autoptr (GstElement) element = gst_object_ref (h->element);
  g_autoptr (CbamDevice) device = cbam_device_open (NULL, NULL); /* the element's own: devices are shared */
  g_autoptr (CbamModel) model = cbam_model_load (device, model_path (), NULL, NULL);
  g_autoptr (CbamDetector) other = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = OTHERS }, NULL);
  GstFlowReturn flow = GST_FLOW_OK;

  fail_unless (n_found (h, 0) > 0);
  for (guint i = 0; i < OTHERS; i++)
    fail_unless (cbam_detector_submit (other, &small_image, NULL, NULL));
  cbam_device_set_fence_timeout (device, 1);
  const gint64 start = g_get_monotonic_time ();
  for (guint i = 1; i < 100 && flow == GST_FLOW_OK; i++)
    flow = gst_harness_push (h, picture_new (CAPS, 0, i));
  fail_unless_equals_int (flow, GST_FLOW_ERROR);
  fail_unless (g_get_monotonic_time () - start < 20 * G_USEC_PER_SEC);

  g_autoptr (GstMessage) message = pop_message (element, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, "did not finish") != NULL, "%s", error->message);
  fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);

  /* It still stops, and by way of READY starts with a fresh device. */
  gst_element_set_state (element, GST_STATE_READY);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
  fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("live");
  tcase_add_test (tests, live_line_is_bounded_by_frames);
  tcase_add_test (tests, live_line_is_bounded_by_time);
  tcase_add_test (tests, offline_line_is_bounded);
  tcase_add_test (tests, lateness_costs_inference);
  tcase_add_test (tests, lateness_can_be_ignored);
  tcase_add_test (tests, a_flush_forgives_lateness);
  tcase_add_test (tests, loading_a_model_announces_no_latency);
  tcase_add_test (tests, a_hanging_device_is_one_error);
  return run_suite (tests);
}
