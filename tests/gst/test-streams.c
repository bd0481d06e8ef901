/* Many streams in one process: one device, one model, one queue that serves them in turn.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <cbamdetect/cbamdetect.h>
#include <malloc.h>

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"
#define N_STREAMS 4
#define N_FRAMES 100
#define SLOT_BYTES (6 << 20) /* at most: room for every prior of every class, the pixels, the descriptors */

GST_START_TEST (device_and_model_are_shared)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), CAPS);
  g_autoptr (CbamDevice) device = cbam_device_open (NULL, NULL), again = NULL;
  g_autofree char *index = g_strdup_printf ("%u", cbam_device_get_info (device)->index);
  g_autoptr (CbamModel) model = cbam_model_load (device, model_path (), NULL, NULL);

  /* However it is named. */
  again = cbam_device_open (index, NULL);
  fail_unless (again == device);
  g_autoptr (CbamModel) same = cbam_model_load (again, model_path (), NULL, NULL);
  fail_unless (same == model);

  /* The element has no other, or its frames could not be in the way of ours. */
  g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, NULL);
  fail_unless (detector != NULL);
  harness_free (h);
}
GST_END_TEST

typedef struct
{
  GstHarness *h;
  const GArray *expected;
  int done;     /* atomic: frames */
  int *running; /* atomic: streams that have not finished */
  guint at_end; /* how many frames were done when the first stream had finished */
} Stream;

static gpointer
run_stream (gpointer data)
{
  Stream *stream = data;

  for (guint i = 0; i < N_FRAMES; i++) {
    /* Keeps its slots full. */
    if (gst_harness_push (stream->h, picture_new (CAPS, 0, i)) != GST_FLOW_OK)
      return "cannot push";
    GstBuffer *out;
    while ((out = gst_harness_try_pull (stream->h))) {
      g_autoptr (GArray) found = found_in (out);
      gst_buffer_unref (out);
      g_atomic_int_inc (&stream->done);
      if (!found_equal (found, stream->expected))
        return "found something else than alone";
    }
  }
  g_atomic_int_set (stream->running, FALSE);
  return NULL;
}

GST_START_TEST (streams_are_served_in_turn)
{
  g_autoptr (GArray) expected = found_by (CAPS, 0, "threshold=0");
  Stream streams[N_STREAMS] = { 0 };
  GThread *threads[N_STREAMS];
  int running = TRUE;

  for (guint s = 0; s < N_STREAMS; s++)
    streams[s] =
        (Stream){ .h = harness_new (detect_new ("threshold=0"), CAPS), .expected = expected, .running = &running };
  for (guint s = 0; s < N_STREAMS; s++)
    threads[s] = g_thread_new ("stream", run_stream, &streams[s]);
  while (g_atomic_int_get (&running))
    g_usleep (1000);
  for (guint s = 0; s < N_STREAMS; s++)
    streams[s].at_end = g_atomic_int_get (&streams[s].done);
  for (guint s = 0; s < N_STREAMS; s++) {
    const char *problem = g_thread_join (threads[s]);
    fail_unless (problem == NULL, "stream %u %s", s, problem);
    fail_unless (streams[s].at_end > N_FRAMES / 2, "stream %u had only %u frames when the first one was ready", s,
                 streams[s].at_end);
    fail_unless_equals_uint64 (get_stat (streams[s].h->element, "inferred"), N_FRAMES);
    harness_free (streams[s].h);
  }
}
GST_END_TEST

/* Live ones, too: each gets inferences, and none loses a frame. */
GST_START_TEST (live_streams_all_get_something)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint s = 0; s < N_STREAMS; s++)
    g_string_append_printf (line,
                            "videotestsrc is-live=true num-buffers=50 "
                            "! video/x-raw,format=I420,width=160,height=120,framerate=50/1 "
                            "! cbamdetect name=d%u model=%s ! fakesink name=s%u ",
                            s, model_path (), s);
  g_autoptr (GstElement) pipeline = gst_parse_launch (line->str, &error);
  fail_unless (error == NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  for (guint s = 0; s < N_STREAMS; s++) {
    g_autofree char *name = g_strdup_printf ("d%u", s);
    g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), name);
    fail_unless_equals_uint64 (get_stat (element, "frames"), 50);
    fail_unless (get_stat (element, "inferred") >= 5, "%s: %" G_GUINT64_FORMAT, name, get_stat (element, "inferred"));
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
GST_END_TEST

/* ---- What takes its turn: live streams ----
 * Both tests measure, on a machine that may be busy with other things: they try again before they fail, and compare
 * with what the machine itself does to a stream. */

#define ATTEMPTS 3

static GstElement *
launch (const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  g_autofree char *line = g_strdup_vprintf (format, args);
  va_end (args);
  GstElement *pipeline = gst_parse_launch (line, &error);
  fail_unless (error == NULL, "%s", error ? error->message : "");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

static void
stop (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static guint64
get_stat_of (GstElement *pipeline, const char *field)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "detect");

  return get_stat (element, field);
}

/* Least by most. */
static double
get_evenness (const guint64 *counts, guint n)
{
  guint64 least = G_MAXUINT64, most = 1;

  for (guint i = 0; i < n; i++) {
    least = MIN (least, counts[i]);
    most = MAX (most, counts[i]);
  }
  return (double) least / most;
}

/* Four streams for a while, of which the last one's sink holds each frame for longer than the others'. */
static void
count_inferences (guint64 inferred[N_STREAMS], guint64 frames[N_STREAMS])
{
  GstElement *pipelines[N_STREAMS];

  for (guint s = 0; s < N_STREAMS; s++)
    pipelines[s] = launch ("videotestsrc is-live=true pattern=ball "
                           "! video/x-raw,format=NV12,width=640,height=360,framerate=100/1 "
                           "! cbamdetect name=detect model=%s ! fakesink sync=true ts-offset=%u",
                           model_path (), s == N_STREAMS - 1 ? 400000000 : 0);
  g_usleep (1500000);
  for (guint s = 0; s < N_STREAMS; s++) {
    inferred[s] = get_stat_of (pipelines[s], "inferred");
    frames[s] = get_stat_of (pipelines[s], "frames");
  }
  g_usleep (5 * G_USEC_PER_SEC);
  for (guint s = 0; s < N_STREAMS; s++) {
    inferred[s] = get_stat_of (pipelines[s], "inferred") - inferred[s];
    frames[s] = get_stat_of (pipelines[s], "frames") - frames[s];
  }
  for (guint s = 0; s < N_STREAMS; s++)
    stop (pipelines[s]);
}

/* Streams alike get the same number of inferences, within 15 %, however long their sinks hold a frame. A stream whose
 * source does not get to run has fewer frames to begin with; that much is not ours. */
GST_START_TEST (live_streams_get_the_same)
{
  guint64 inferred[N_STREAMS], frames[N_STREAMS];
  double evenness = 0, possible = 1;

  for (guint i = 0; i < ATTEMPTS && evenness < 0.85 * possible; i++) {
    count_inferences (inferred, frames);
    evenness = get_evenness (inferred, N_STREAMS);
    possible = get_evenness (frames, N_STREAMS);
    GST_INFO ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
              " inferred: %.2f, of frames %.2f",
              inferred[0], inferred[1], inferred[2], inferred[3], evenness, possible);
  }
#ifndef __SANITIZE_THREAD__
  fail_unless (evenness >= 0.85 * possible,
               "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, inferred[0],
               inferred[1], inferred[2], inferred[3]);
#endif
}
GST_END_TEST

/* How long nothing came, in microseconds. */
typedef struct
{
  gint64 last, longest;
  int measuring; /* atomic */
} Gaps;

static GstPadProbeReturn
note_frame (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, gpointer data)
{
  Gaps *gaps = data;
  const gint64 now = g_get_monotonic_time ();

  if (g_atomic_int_get (&gaps->measuring) && gaps->last > 0)
    gaps->longest = MAX (gaps->longest, now - gaps->last);
  gaps->last = now;
  return GST_PAD_PROBE_OK;
}

static GstElement *
launch_measured (Gaps *gaps, const char *element)
{
  GstElement *pipeline = launch ("videotestsrc is-live=true pattern=black "
                                 "! video/x-raw,format=NV12,width=1280,height=720,framerate=30/1 "
                                 "! %s ! fakesink name=sink",
                                 element);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_frame, gaps, NULL);
  return pipeline;
}

/* What an element does with the file of such a model: reads or makes up, packs and uploads a hundred megabytes, has the
 * kernels compiled, and runs a frame, which takes most of a second. */
static gpointer
load_large_model (G_GNUC_UNUSED gpointer data)
{
  static const guint8 gray[16 * 16];
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 16, .height = 16, .planes = { gray } };
  g_autoptr (CbamDevice) device = cbam_device_open (NULL, NULL);
  g_autoptr (CbamModel) model = cbam_model_load_preset (device, "ssd-vgg16", NULL, NULL);
  g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, NULL);

  fail_unless (cbam_detector_submit (detector, &image, NULL, NULL));
  g_autoptr (CbamResult) result = cbam_detector_collect (detector, NULL);
  fail_unless (result != NULL);
  return NULL;
}

/* Returns by how much more than 100 ms the stream with a detector stood still. Where the machine lets a stream without
 * one stand still, it gets three times that on top: its frames go through the hands of several threads. */
static gint64
measure_excess (void)
{
  Gaps with = { 0 }, without = { 0 };
  g_autofree char *detect = g_strdup_printf ("cbamdetect model=%s", model_path ());
  GstElement *watched = launch_measured (&with, detect), *control = launch_measured (&without, "identity");

  g_usleep (G_USEC_PER_SEC);
  g_atomic_int_set (&with.measuring, TRUE);
  g_atomic_int_set (&without.measuring, TRUE);
  g_thread_join (g_thread_new ("load", load_large_model, NULL));
  g_atomic_int_set (&with.measuring, FALSE);
  g_atomic_int_set (&without.measuring, FALSE);
  stop (watched);
  stop (control);
  GST_INFO ("gaps of %d ms, %d without a detector", (int) (with.longest / 1000), (int) (without.longest / 1000));
  fail_unless (with.longest > 0 && without.longest > 0);
  return with.longest - 100000 - 3 * MAX (without.longest - 34000, 0);
}

/* A live stream goes on, without a gap, while somebody else in the process loads a large model. */
GST_START_TEST (loading_holds_up_nobody)
{
  gint64 excess = 1;

  for (guint i = 0; i < ATTEMPTS && excess > 0; i++)
    excess = measure_excess ();
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  fail_unless (excess <= 0, "%d ms too long", (int) (excess / 1000));
#endif
}
GST_END_TEST

/* In bytes. */
static gsize
get_memory (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  fail_unless (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  words = g_strsplit (text, " ", 3);
  return g_ascii_strtoull (words[1], NULL, 10) * 4096;
}

static GstHarness *
start_one (const char *model, const char *caps)
{
  GstHarness *h = harness_new (detect_new ("%s", ""), NULL);

  gst_element_set_state (h->element, GST_STATE_READY);
  g_object_set (h->element, "model", model, NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, caps);
  for (guint i = 0; i < 3; i++)
    fail_unless_equals_int (gst_harness_push (h, picture_new (caps, 0, i)), GST_FLOW_OK);
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (gst_harness_pull (h));
  return h;
}

/* The second to fourth stream cost slots: frames and results, no weights and no network. */
GST_START_TEST (memory_grows_by_slots)
{
  const char *caps = "video/x-raw,format=I420,width=320,height=240,framerate=25/1";
  g_autofree char *model = cbam_model_find_default (NULL);
  GstHarness *streams[N_STREAMS];

#ifdef __SANITIZE_ADDRESS__ /* which needs much more memory, and keeps what was freed */
  g_clear_pointer (&model, g_free);
#endif
  if (model == NULL)
    return;
  const gsize before = get_memory ();
  streams[0] = start_one (model, caps);
  const gsize one = get_memory () - before;
  for (guint s = 1; s < N_STREAMS; s++)
    streams[s] = start_one (model, caps);
  const gsize all = get_memory () - before;
  GST_INFO ("one stream takes %" G_GSIZE_FORMAT " KiB, %u take %" G_GSIZE_FORMAT " KiB", one / 1024, N_STREAMS,
            all / 1024);
  fail_unless (all < one + one * 15 / 100 + (N_STREAMS - 1) * 2 * SLOT_BYTES,
               "one stream takes %" G_GSIZE_FORMAT " bytes, %u take %" G_GSIZE_FORMAT, one, N_STREAMS, all);
  for (guint s = 0; s < N_STREAMS; s++)
    harness_free (streams[s]);
}
GST_END_TEST

/* With everything switched on. */
static void
push_frames (GstHarness *h, const char *caps, guint n)
{
  for (guint i = 0; i < n; i++) {
    fail_unless_equals_int (gst_harness_push (h, picture_new (caps, i % 9, i)), GST_FLOW_OK);
    gst_buffer_unref (gst_harness_pull (h));
    GstEvent *event;
    while ((event = gst_harness_try_pull_upstream_event (h)))
      gst_event_unref (event);
    bus_clear (h->element);
  }
}

/* In bytes: what is in use, without what malloc keeps for later, which takes thousands of frames to settle. */
static gsize
get_heap (void)
{
  const struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

#define LONG_RUN 1000

/* Days are many frames: whatever one of them leaves behind shows after a thousand. */
GST_START_TEST (memory_does_not_grow_with_time)
{
  const char *caps = "video/x-raw,format=NV12,width=64,height=48,framerate=25/1";
  GstElement *element = detect_new ("threshold=0 interval=1 attention=true grad-cam=true post-messages=true "
                                    "overlay=boxes+labels+attention+grad-cam");

  g_object_set (element, "model", g_getenv ("CBAM_TEST_ATTENTION_MODEL"), NULL);
  GstHarness *h = harness_new (element, caps);
  push_frames (h, caps, LONG_RUN / 4);
  const gsize before = get_heap ();
  push_frames (h, caps, LONG_RUN);
  const gsize after = get_heap ();
  GST_INFO ("%" G_GSIZE_FORMAT " bytes before, %" G_GSIZE_FORMAT " after", before, after);
  /* A label or two, by chance; the address sanitiser has a malloc of its own, and tells of leaks anyway. */
  fail_unless (after < before + LONG_RUN * 16, "from %" G_GSIZE_FORMAT " bytes to %" G_GSIZE_FORMAT, before, after);
  fail_unless_equals_uint64 (get_stat (h->element, "inferred"), LONG_RUN * 5 / 8);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("streams");
  tcase_add_test (tests, device_and_model_are_shared);
  tcase_add_test (tests, streams_are_served_in_turn);
  tcase_add_test (tests, live_streams_all_get_something);
  tcase_add_test (tests, live_streams_get_the_same);
  tcase_add_test (tests, loading_holds_up_nobody);
  tcase_add_test (tests, memory_grows_by_slots);
  tcase_add_test (tests, memory_does_not_grow_with_time);
  return run_suite (tests);
}
