/* Whole pipelines: beside other elements, behind a tee, live, seeking, and with nothing leaked at the end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define RAW "video/x-raw,format=I420,width=160,height=120,framerate=25/1"

typedef struct
{
  GPtrArray *frames; /* of GArray of Found */
} Seen;

static void
note_frame (G_GNUC_UNUSED GstElement *sink, GstBuffer *buffer, G_GNUC_UNUSED GstPad *pad, gpointer data)
{
  Seen *seen = data;

  g_ptr_array_add (seen->frames, found_in (buffer));
}

static GstElement *
pipeline_new (const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;
  va_start (args, format);
  g_autofree char *line = g_strdup_vprintf (format, args);
  va_end (args);
  GstElement *pipeline = gst_parse_launch (line, &error);

  fail_unless (error == NULL, "%s: %s", line, error ? error->message : "");
  return pipeline;
}

static void
run_to_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
}

static void
watch_sink (GstElement *pipeline, const char *name, Seen *seen)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  seen->frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  g_signal_connect (sink, "handoff", G_CALLBACK (note_frame), seen);
}

/* Two elements on the same frames: one draws, and the other must not see it. */
GST_START_TEST (tee_into_two)
{
  Seen drawn, plain, alone;
  g_autoptr (GstElement) pipeline = pipeline_new (
      "videotestsrc num-buffers=20 pattern=ball ! " RAW " ! tee name=t "
      "t. ! queue ! cbamdetect model=%s threshold=0 overlay=boxes+labels ! fakesink name=drawn signal-handoffs=1 "
      "t. ! queue ! cbamdetect model=%s threshold=0 ! fakesink name=plain signal-handoffs=1",
      model_path (), model_path ());
  g_autoptr (GstElement) single =
      pipeline_new ("videotestsrc num-buffers=20 pattern=ball ! " RAW " ! cbamdetect model=%s threshold=0 "
                    "! fakesink name=alone signal-handoffs=1",
                    model_path ());

  watch_sink (pipeline, "drawn", &drawn);
  watch_sink (pipeline, "plain", &plain);
  watch_sink (single, "alone", &alone);
  run_to_eos (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  run_to_eos (single);
  gst_element_set_state (single, GST_STATE_NULL);
  fail_unless_equals_int (drawn.frames->len, 20);
  fail_unless_equals_int (plain.frames->len, 20);
  for (guint i = 0; i < 20; i++) {
    fail_unless (found_equal (drawn.frames->pdata[i], plain.frames->pdata[i]), "frame %u", i);
    fail_unless (found_equal (alone.frames->pdata[i], plain.frames->pdata[i]), "frame %u", i);
  }
  g_ptr_array_unref (drawn.frames);
  g_ptr_array_unref (plain.frames);
  g_ptr_array_unref (alone.frames);
}
GST_END_TEST

/* One on the frames that the other has drawn on: regions add up, and nothing gets stuck. */
GST_START_TEST (two_in_a_row)
{
  Seen seen;
  g_autoptr (GstElement) pipeline = pipeline_new (
      "videotestsrc num-buffers=5 ! " RAW " ! cbamdetect model=%s threshold=0 max-detections=2 overlay=boxes ! "
      "cbamdetect model=%s threshold=0 max-detections=3 overlay=labels queue-depth=1 ! "
      "fakesink name=end signal-handoffs=1",
      model_path (), model_path ());

  watch_sink (pipeline, "end", &seen);
  run_to_eos (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless_equals_int (seen.frames->len, 5);
  for (guint i = 0; i < 5; i++)
    fail_unless_equals_int (((GArray *) seen.frames->pdata[i])->len, 5);
  g_ptr_array_unref (seen.frames);
}
GST_END_TEST

GST_START_TEST (seeks_while_it_runs)
{
  Seen seen;
  g_autoptr (GstElement) pipeline =
      pipeline_new ("videotestsrc num-buffers=100000 ! " RAW " ! cbamdetect model=%s threshold=0 max-detections=1 "
                    "queue-depth=4 ! fakesink name=end signal-handoffs=1",
                    model_path ());
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  watch_sink (pipeline, "end", &seen);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 20; i++) {
    gst_element_get_state (pipeline, NULL, NULL, 30 * GST_SECOND);
    fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, i * GST_SECOND));
    g_usleep (i * 1000);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);
  for (guint i = 0; i < seen.frames->len; i++)
    fail_unless_equals_int (((GArray *) seen.frames->pdata[i])->len, 1);
  g_ptr_array_unref (seen.frames);
}
GST_END_TEST

/* A live source at a synchronising sink: every frame comes out, and none of them late. */
GST_START_TEST (live_source_keeps_its_pace)
{
  Seen seen;
  g_autoptr (GstElement) pipeline = pipeline_new (
      "videotestsrc is-live=true num-buffers=40 ! video/x-raw,format=I420,width=160,height=120,framerate=50/1 "
      "! cbamdetect model=%s threshold=0 ! fakesink name=end signal-handoffs=1 sync=true",
      model_path ());
  G_GNUC_UNUSED g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "end");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;

  watch_sink (pipeline, "end", &seen);
  gint64 start = g_get_monotonic_time ();
  run_to_eos (pipeline);
  gint64 took = g_get_monotonic_time () - start;
  fail_unless (gst_element_query (pipeline, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live && min > 0 && min <= max);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless_equals_int (seen.frames->len, 40);
  fail_unless (took < 10 * G_USEC_PER_SEC, "40 frames at 50 a second took %.1f s", took / 1e6);
  g_ptr_array_unref (seen.frames);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("pipeline");
  tcase_add_test (tests, tee_into_two);
  tcase_add_test (tests, two_in_a_row);
  tcase_add_test (tests, seeks_while_it_runs);
  tcase_add_test (tests, live_source_keeps_its_pace);
  return run_suite (tests);
}
