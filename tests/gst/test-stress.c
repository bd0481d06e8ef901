/* Everything at once: several elements on one device and model, and for each of them a thread that pushes frames, while
 * others turn every property that may be turned, read statistics, change the model, flush, and stop and start. Every
 * frame is accounted for at the end.
 *
 *     feeder (one a stream) -> cbamdetect -> sink_chain      tuner: properties, model     reader: stats, properties
 *                                                            main: flushes, states
 *
 * Frames are numbered within a generation, which ends with a flush or a stop. Of each generation a beginning without
 * gaps must come out, in order; of the last one, which nobody disturbs, all of it.
 *
 * It runs for three seconds, or as many as the environment variable CBAM_STRESS_SECONDS says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define N_STREAMS 3
#define LAST_FRAMES 20
#define PATIENCE (60 * G_USEC_PER_SEC) /* for the last frames: a sanitiser takes its time */

static const struct
{
  const char *caps[2]; /* of odd and even generations */
  const char *properties;
  gboolean live;
  gboolean restarts; /* it is stopped and started, so it is given only what it can start with */
} kinds[N_STREAMS] = {
  { { "video/x-raw,format=RGB,width=160,height=120,framerate=25/1",
      "video/x-raw,format=RGB,width=120,height=90,framerate=25/1" },
    "threshold=0",
    FALSE,
    FALSE },
  { { "video/x-raw,format=I420,width=161,height=121,framerate=25/1",
      "video/x-raw,format=NV12,width=320,height=180,framerate=25/1" },
    "threshold=0 queue-depth=4",
    TRUE,
    TRUE },
  { { "video/x-raw,format=BGRx,width=96,height=96,framerate=25/1",
      "video/x-raw,format=GRAY8,width=96,height=200,framerate=25/1" },
    "threshold=0 queue-depth=1",
    FALSE,
    TRUE },
};

/* With a template, a pad takes other caps than it has. */
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

typedef struct
{
  GstElement *element;
  GstPad *src_pad, *sink_pad; /* the test's own, on either side of the element */
  GstBuffer *pictures[2];
  gboolean live, restarts;
  const char *const *caps;
  GThread *feeder;

  int disturbing; /* atomic: the feeder is to keep out */
  int stop;       /* atomic: no more frames */
  int created;    /* atomic: frames made, and frames that nobody holds any more */
  int gone;
  int problem_seen;
  char *problem; /* the first one; set by whoever has turned @problem_seen */

  GMutex feeding; /* held while a frame is pushed, and while a new generation is made */
  guint generation;
  gboolean begin;   /* events go before the next frame */
  guint64 accepted; /* frames of this generation that the element has taken */

  GMutex arrival; /* what has come out */
  GCond arrived;
  guint out_generation;
  guint64 out_next;
  gboolean eos;
} Stream;

/* Tests fail in the main thread alone: here the words are kept for it. */
static void G_GNUC_PRINTF (2, 3) complain (Stream *stream, const char *format, ...)
{
  va_list args;

  if (!g_atomic_int_compare_and_exchange (&stream->problem_seen, FALSE, TRUE))
    return;
  va_start (args, format);
  stream->problem = g_strdup_vprintf (format, args);
  va_end (args);
}

/* ---- What comes out ---- */

static GstFlowReturn
sink_chain (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstBuffer *buffer)
{
  Stream *stream = gst_pad_get_element_private (pad);
  G_GNUC_UNUSED g_autoptr (GstBuffer) owned = buffer;
  const guint generation = (guint) GST_BUFFER_OFFSET_END (buffer);
  const guint64 index = GST_BUFFER_OFFSET (buffer);

  g_mutex_lock (&stream->arrival);
  if (generation < stream->out_generation)
    complain (stream, "frame %" G_GUINT64_FORMAT " of generation %u came in generation %u", index, generation,
              stream->out_generation);
  if (generation > stream->out_generation) {
    stream->out_generation = generation;
    stream->out_next = 0;
  }
  if (index != stream->out_next)
    complain (stream, "frame %" G_GUINT64_FORMAT " of generation %u came instead of %" G_GUINT64_FORMAT, index,
              generation, stream->out_next);
  stream->out_next = index + 1;
  g_mutex_unlock (&stream->arrival);

  if (stream->live && index % 50 == 49) /* some lateness, so that frames are passed over for it */
    gst_pad_push_event (pad,
                        gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, 20 * GST_MSECOND, GST_BUFFER_PTS (buffer)));
  return GST_FLOW_OK;
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Stream *stream = gst_pad_get_element_private (pad);

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    g_mutex_lock (&stream->arrival);
    stream->eos = TRUE;
    g_cond_signal (&stream->arrived);
    g_mutex_unlock (&stream->arrival);
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Stream *stream = gst_pad_get_element_private (pad);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, stream->live, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* ---- What goes in ---- */

static void
note_gone (gpointer data, G_GNUC_UNUSED GstMiniObject *buffer)
{
  g_atomic_int_inc (&((Stream *) data)->gone);
}

/* The events that a generation begins with. While the element flushes they wait on the pad, and go before a frame. */
static void
begin_generation (Stream *stream)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (stream->caps[stream->generation % 2]);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  stream->accepted = 0;
  stream->begin = FALSE;
  gst_pad_push_event (stream->src_pad, gst_event_new_stream_start ("stress"));
  gst_pad_push_event (stream->src_pad, gst_event_new_caps (caps));
  gst_pad_push_event (stream->src_pad, gst_event_new_segment (&segment));
}

/* Under the lock @feeding. */
static void
push_frame (Stream *stream)
{
  GstBuffer *buffer = gst_buffer_copy (stream->pictures[stream->generation % 2]);

  GST_BUFFER_PTS (buffer) = stream->accepted * 40 * GST_MSECOND;
  GST_BUFFER_OFFSET (buffer) = stream->accepted;
  GST_BUFFER_OFFSET_END (buffer) = stream->generation;
  gst_mini_object_weak_ref (GST_MINI_OBJECT_CAST (buffer), note_gone, stream);
  g_atomic_int_inc (&stream->created);

  const GstFlowReturn flow = gst_pad_push (stream->src_pad, buffer);
  if (flow == GST_FLOW_OK)
    stream->accepted++;
  else if (flow != GST_FLOW_FLUSHING)
    complain (stream, "the element returned %s", gst_flow_get_name (flow));
}

static gpointer
feed (gpointer data)
{
  Stream *stream = data;

  while (!g_atomic_int_get (&stream->stop)) {
    if (g_atomic_int_get (&stream->disturbing)) {
      g_usleep (200);
      continue;
    }
    g_mutex_lock (&stream->feeding);
    if (stream->begin)
      begin_generation (stream);
    push_frame (stream);
    g_mutex_unlock (&stream->feeding);
    g_usleep (stream->live ? 2000 : 100);
  }
  return NULL;
}

/* ---- Who disturbs ---- */

/* Under the lock @feeding. */
static void
next_generation (Stream *stream)
{
  stream->generation++;
  stream->begin = TRUE;
}

/* As a seek does it: the flush starts while frames are pushed, and stops when nobody pushes. */
static void
flush (Stream *stream)
{
  g_atomic_int_set (&stream->disturbing, TRUE);
  gst_pad_push_event (stream->src_pad, gst_event_new_flush_start ());
  g_mutex_lock (&stream->feeding);
  gst_pad_push_event (stream->src_pad, gst_event_new_flush_stop (TRUE));
  next_generation (stream);
  g_mutex_unlock (&stream->feeding);
  g_atomic_int_set (&stream->disturbing, FALSE);
}

static void
restart (Stream *stream, GstState low)
{
  g_atomic_int_set (&stream->disturbing, TRUE);
  if (gst_element_set_state (stream->element, low) != GST_STATE_CHANGE_SUCCESS)
    complain (stream, "cannot stop");
  g_mutex_lock (&stream->feeding);
  if (gst_element_set_state (stream->element, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    complain (stream, "cannot start");
  next_generation (stream);
  g_mutex_unlock (&stream->feeding);
  g_atomic_int_set (&stream->disturbing, FALSE);
}

static void
disturb (Stream *streams, guint seconds)
{
  const gint64 end = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  GRand *rand = g_rand_new_with_seed (1);

  while (g_get_monotonic_time () < end) {
    Stream *stream = &streams[g_rand_int_range (rand, 0, N_STREAMS)];
    const int what = g_rand_int_range (rand, 0, 6);
    g_usleep (g_rand_int_range (rand, 0, 80000));
    if (stream->restarts && what < 2)
      restart (stream, what == 0 ? GST_STATE_READY : GST_STATE_NULL);
    else
      flush (stream);
  }
  g_rand_free (rand);
}

/* ---- Who turns properties ---- */

static const struct
{
  const char *property, *value;
} settings[] = {
  { "threshold", "0" },
  { "threshold", "0.5" },
  { "threshold", "-1" },
  { "threshold-shift", "-0.5" },
  { "threshold-shift", "0" },
  { "nms-iou", "1" },
  { "nms-iou", "0.45" },
  { "nms-across", "0" },
  { "nms-across", "-1" },
  { "max-detections", "3" },
  { "max-detections", "0" },
  { "classes", "dog,1" },
  { "classes", "" },
  { "roi", "10,11,60,50" },
  { "roi", "500,500,10,10" },
  { "roi", "" },
  { "interval", "0" },
  { "interval", "3" },
  { "carry", "none" },
  { "carry", "last" },
  { "attention", "true" },
  { "attention", "false" },
  { "qos", "false" },
  { "qos", "true" },
  { "post-messages", "true" },
  { "post-messages", "false" },
  { "overlay", "boxes+labels" },
  { "overlay", "attention" },
  { "overlay", "boxes+grad-cam" },
  { "overlay", "none" },
  { "label-text", "name" },
  { "label-text", "name+score" },
  { "colors", "white,dog=red" },
  { "colors", "" },
  { "font-desc", "Serif 12" },
  { "font-desc", "Sans Bold" },
  { "attention-view", "max" },
  { "line-width", "5" },
  { "heat-opacity", "0.3" },
};

/* What a running element refuses, with a warning; a stopped one would not start with it. */
static const struct
{
  const char *property, *value;
} refused[] = {
  { "classes", "zebra" },
  { "roi", "1,2,3" },
  { "model", "/nonexistent" },
};

typedef struct
{
  Stream *streams;
  int stop; /* atomic */
} Meddler;

static gpointer
tune (gpointer data)
{
  Meddler *meddler = data;
  GRand *rand = g_rand_new_with_seed (2);

  for (guint i = 0; !g_atomic_int_get (&meddler->stop); i++) {
    Stream *stream = &meddler->streams[g_rand_int_range (rand, 0, N_STREAMS)];
    GObject *element = G_OBJECT (stream->element);
    const guint n = g_rand_int_range (rand, 0, G_N_ELEMENTS (settings));
    gst_util_set_object_arg (element, settings[n].property, settings[n].value);
    if (i % 100 == 50)
      g_object_set (element, "model", i % 200 == 50 ? g_getenv ("CBAM_TEST_ATTENTION_MODEL") : model_path (), NULL);
    if (i % 40 == 20 && !stream->restarts) {
      const guint r = g_rand_int_range (rand, 0, G_N_ELEMENTS (refused));
      gst_util_set_object_arg (element, refused[r].property, refused[r].value);
    }
    if (i % 10 == 5)
      gst_pad_push_event (stream->sink_pad, gst_event_new_reconfigure ());
    g_usleep (1000);
  }
  g_rand_free (rand);
  return NULL;
}

/* ---- Who reads ---- */

static void
check_stats (Stream *stream)
{
  static const char *const fates[] = { "inferred", "skipped-interval", "skipped-busy", "skipped-qos", "skipped-roi" };
  g_autoptr (GstStructure) stats = NULL;
  guint64 frames = 0, sum = 0;

  g_object_get (stream->element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "frames", &frames);
  for (guint i = 0; i < G_N_ELEMENTS (fates); i++) {
    guint64 n = 0;
    gst_structure_get_uint64 (stats, fates[i], &n);
    sum += n;
  }
  if (sum != frames)
    complain (stream, "statistics of %" G_GUINT64_FORMAT " frames add up to %" G_GUINT64_FORMAT, frames, sum);
}

static gpointer
watch (gpointer data)
{
  Meddler *meddler = data;

  for (guint i = 0; !g_atomic_int_get (&meddler->stop); i++) {
    Stream *stream = &meddler->streams[i % N_STREAMS];
    g_autofree char *model = NULL, *classes = NULL, *roi = NULL, *font = NULL, *colours = NULL;
    g_autoptr (GstQuery) latency = gst_query_new_latency ();
    double threshold;
    check_stats (stream);
    g_object_get (stream->element, "model", &model, "classes", &classes, "roi", &roi, "font-desc", &font, "colors",
                  &colours, "threshold", &threshold, NULL);
    gst_pad_peer_query (stream->sink_pad, latency);
    g_usleep (500);
  }
  return NULL;
}

/* ---- The test ---- */

static GstBusSyncReply
note_message (G_GNUC_UNUSED GstBus *bus, GstMessage *message, gpointer data)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    g_autofree char *details = NULL;
    gst_message_parse_error (message, &error, &details);
    complain (data, "error: %s (%s)", error->message, details);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
stream_open (Stream *stream, guint s)
{
  *stream = (Stream){ .live = kinds[s].live, .restarts = kinds[s].restarts, .caps = kinds[s].caps, .begin = TRUE };
  g_mutex_init (&stream->feeding);
  g_mutex_init (&stream->arrival);
  g_cond_init (&stream->arrived);
  stream->element = detect_new ("%s", kinds[s].properties);
  for (guint i = 0; i < 2; i++)
    stream->pictures[i] = picture_new (kinds[s].caps[i], s, 0);

  g_autoptr (GstBus) bus = gst_element_get_bus (stream->element);
  gst_bus_set_sync_handler (bus, note_message, stream, NULL);
  stream->src_pad = gst_pad_new_from_static_template (&src_template, "src");
  stream->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_element_private (stream->src_pad, stream);
  gst_pad_set_element_private (stream->sink_pad, stream);
  gst_pad_set_query_function (stream->src_pad, src_query);
  gst_pad_set_chain_function (stream->sink_pad, sink_chain);
  gst_pad_set_event_function (stream->sink_pad, sink_event);
  g_autoptr (GstPad) in = gst_element_get_static_pad (stream->element, "sink");
  g_autoptr (GstPad) out = gst_element_get_static_pad (stream->element, "src");
  fail_unless_equals_int (gst_pad_link (stream->src_pad, in), GST_PAD_LINK_OK);
  fail_unless_equals_int (gst_pad_link (out, stream->sink_pad), GST_PAD_LINK_OK);
  fail_unless (gst_pad_set_active (stream->src_pad, TRUE) && gst_pad_set_active (stream->sink_pad, TRUE));
  fail_unless (gst_element_set_state (stream->element, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
  stream->feeder = g_thread_new ("feed", feed, stream);
}

/* A generation that nobody disturbs: every frame of it comes out. */
static void
stream_finish (Stream *stream)
{
  g_atomic_int_set (&stream->stop, TRUE);
  g_thread_join (stream->feeder);
  flush (stream);
  g_mutex_lock (&stream->feeding);
  begin_generation (stream);
  for (guint i = 0; i < LAST_FRAMES; i++)
    push_frame (stream);
  g_mutex_unlock (&stream->feeding);
  gst_pad_push_event (stream->src_pad, gst_event_new_eos ());

  const gint64 end = g_get_monotonic_time () + PATIENCE;
  g_mutex_lock (&stream->arrival);
  while (!stream->eos && g_cond_wait_until (&stream->arrived, &stream->arrival, end))
    ;
  if (!stream->eos)
    complain (stream, "end of stream has not come");
  if (stream->out_generation != stream->generation || stream->out_next != LAST_FRAMES)
    complain (stream, "%" G_GUINT64_FORMAT " frames of generation %u came instead of %d of %u", stream->out_next,
              stream->out_generation, LAST_FRAMES, stream->generation);
  g_mutex_unlock (&stream->arrival);
  check_stats (stream);
}

static void
stream_close (Stream *stream)
{
  gst_pad_set_active (stream->sink_pad, FALSE);
  gst_element_set_state (stream->element, GST_STATE_NULL);
  gst_pad_set_active (stream->src_pad, FALSE);
  GST_INFO ("%d frames in %u generations", stream->created, stream->generation + 1);
  if (g_atomic_int_get (&stream->gone) != g_atomic_int_get (&stream->created))
    complain (stream, "of %d frames %d are gone", stream->created, stream->gone);
  gst_object_unref (stream->src_pad);
  gst_object_unref (stream->sink_pad);
  gst_object_unref (stream->element);
  for (guint i = 0; i < 2; i++)
    gst_buffer_unref (stream->pictures[i]);
  g_cond_clear (&stream->arrived);
  g_mutex_clear (&stream->arrival);
  g_mutex_clear (&stream->feeding);
}

GST_START_TEST (everything_at_once)
{
  const char *text = g_getenv ("CBAM_STRESS_SECONDS");
  const guint seconds = text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : 3;
  Stream streams[N_STREAMS];
  Meddler meddler = { .streams = streams };

  for (guint s = 0; s < N_STREAMS; s++)
    stream_open (&streams[s], s);
  GThread *tuner = g_thread_new ("tune", tune, &meddler);
  GThread *watcher = g_thread_new ("watch", watch, &meddler);
  disturb (streams, seconds);
  g_atomic_int_set (&meddler.stop, TRUE);
  g_thread_join (tuner);
  g_thread_join (watcher);
  for (guint s = 0; s < N_STREAMS; s++)
    stream_finish (&streams[s]);
  for (guint s = 0; s < N_STREAMS; s++)
    stream_close (&streams[s]);
  for (guint s = 0; s < N_STREAMS; s++) {
    fail_unless (streams[s].problem == NULL, "stream %u: %s", s, streams[s].problem);
    fail_unless (streams[s].created > LAST_FRAMES, "stream %u: nothing but the last frames", s);
  }
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("stress");
  tcase_add_test (tests, everything_at_once);
  return run_suite (tests);
}
