/* Live video for a long time: does every frame come out, how long was it held, and does memory stay as it is?
 *
 *     soak [--seconds N] [--source appsrc|videotestsrc] [--size WxH] [--model FILE] [--switch FILE]
 *          [--properties "NAME=VALUE..."] [--accounts-only] [--frames N]
 *
 *     source, live, 30 NV12 frames a second -> cbamdetect -> fakesink, which does not wait
 *
 * How long a frame was held is the pipeline's running time when it comes out less the one it is stamped with. What must
 * hold: every frame comes out, none is held for longer than HELD, the process does not grow by more than GROWTH over
 * the last forty seconds, and the element's statistics add up. --accounts-only leaves out time and memory. --frames N,
 * for leak checkers, is N frames that are not live, as fast as they go. --switch goes to and fro between two models,
 * every hundred frames. Without --model it is the one that runs when nobody names one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <unistd.h>

#define RATE 30
#define HELD (300 * GST_MSECOND)
#define GROWTH (2 << 20)
#define WARM_UP 10 /* seconds before memory is looked at, */
#define PERIOD 5   /* seconds between two looks, */
#define WINDOW 40  /* and seconds over which growth counts */
#define PICTURES 8
#define SWITCH 100 /* frames */

typedef struct
{
  int seconds, frames;
  char *source, *size, *model, *other, *properties;
  gboolean accounts_only;
} Options;

typedef struct
{
  double second;
  double bytes;
} Memory;

typedef struct
{
  const Options *options;
  int width, height;
  GstElement *pipeline, *detect, *sink;
  GstElement *source; /* appsrc, or NULL */
  guint64 n_frames;   /* to be fed */

  GMutex lock; /* guards the rest */
  guint64 in, out;
  GArray *held;   /* gint64, nanoseconds, by frame */
  GArray *memory; /* Memory */
} Soak;

/* ---- Frames ---- */

/* A gradient with a bright disc that goes round, so that pictures differ. */
static GstBuffer *
picture_new (const GstVideoInfo *info, guint number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  const int width = GST_VIDEO_INFO_WIDTH (info), height = GST_VIDEO_INFO_HEIGHT (info);
  const int cx = width * (number + 1) / (PICTURES + 1), cy = height / 2, radius = height / 4;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    g_error ("cannot map a new buffer");
  memset (map.data, 128, map.size);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const gboolean inside = (x - cx) * (x - cx) + (y - cy) * (y - cy) < radius * radius;
      map.data[y * GST_VIDEO_INFO_PLANE_STRIDE (info, 0) + x] = inside ? 220 : (guint8) (30 + 150 * x / width);
    }
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

/* Waits until the pipeline's running time is @when; at once where frames are not live. */
static void
wait_until (Soak *soak, GstClockTime when)
{
  if (soak->options->frames > 0)
    return;
  g_autoptr (GstClock) clock = gst_element_get_clock (soak->pipeline);
  GstClockID id = gst_clock_new_single_shot_id (clock, gst_element_get_base_time (soak->pipeline) + when);

  gst_clock_id_wait (id, NULL);
  gst_clock_id_unref (id);
}

static gpointer
feed (gpointer data)
{
  Soak *soak = data;
  GstBuffer *pictures[PICTURES];
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_NV12, soak->width, soak->height);
  for (guint p = 0; p < PICTURES; p++)
    pictures[p] = picture_new (&info, p);
  for (guint64 i = 0; i < soak->n_frames; i++) {
    GstBuffer *buffer = gst_buffer_copy (pictures[i % PICTURES]);
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i, GST_SECOND, RATE);
    GST_BUFFER_DURATION (buffer) = GST_SECOND / RATE;
    wait_until (soak, GST_BUFFER_PTS (buffer));
    if (gst_app_src_push_buffer (GST_APP_SRC (soak->source), buffer) != GST_FLOW_OK)
      break;
  }
  gst_app_src_end_of_stream (GST_APP_SRC (soak->source));
  for (guint p = 0; p < PICTURES; p++)
    gst_buffer_unref (pictures[p]);
  return NULL;
}

/* ---- What goes in and comes out ---- */

static GstPadProbeReturn
note_in (G_GNUC_UNUSED GstPad *pad, G_GNUC_UNUSED GstPadProbeInfo *info, gpointer data)
{
  Soak *soak = data;
  const Options *options = soak->options;

  g_mutex_lock (&soak->lock);
  const guint64 n = ++soak->in;
  g_mutex_unlock (&soak->lock);
  if (options->other != NULL && n % SWITCH == 0)
    g_object_set (soak->detect, "model", n / SWITCH % 2 == 1 ? options->other : options->model, NULL);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
note_out (G_GNUC_UNUSED GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Soak *soak = data;
  g_autoptr (GstClock) clock = gst_element_get_clock (soak->pipeline);
  const GstClockTime pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  const gint64 held = clock != NULL ? gst_clock_get_time (clock) - gst_element_get_base_time (soak->pipeline) - pts : 0;

  g_mutex_lock (&soak->lock);
  soak->out++;
  g_array_append_val (soak->held, held);
  g_mutex_unlock (&soak->lock);
  return GST_PAD_PROBE_OK;
}

static void
add_probe (GstElement *element, GstPadProbeCallback probe, Soak *soak)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, probe, soak, NULL);
}

/* Resident, in bytes; 0 where the system does not tell. */
static double
get_memory (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    return 0;
  g_auto (GStrv) words = g_strsplit (text, " ", 3);
  return (double) g_ascii_strtoull (words[1], NULL, 10) * (double) sysconf (_SC_PAGESIZE);
}

/* ---- Running ---- */

static gboolean
set_properties (GstElement *detect, const Options *options)
{
  g_auto (GStrv) pairs = g_strsplit (options->properties != NULL ? options->properties : "", " ", -1);

  g_object_set (detect, "model", options->model, NULL);
  for (guint i = 0; pairs[i] != NULL; i++) {
    g_auto (GStrv) pair = g_strsplit (pairs[i], "=", 2);
    if (*pairs[i] == '\0')
      continue;
    if (g_strv_length (pair) != 2 || g_object_class_find_property (G_OBJECT_GET_CLASS (detect), pair[0]) == NULL) {
      g_printerr ("soak: expected NAME=VALUE of a property of cbamdetect, found \"%s\"\n", pairs[i]);
      return FALSE;
    }
    gst_util_set_object_arg (G_OBJECT (detect), pair[0], pair[1]);
  }
  return TRUE;
}

static gboolean
open_pipeline (Soak *soak)
{
  const Options *options = soak->options;
  const gboolean from_app = g_str_equal (options->source, "appsrc");
  g_autofree char *caps =
      g_strdup_printf ("video/x-raw,format=NV12,width=%d,height=%d,framerate=%d/1", soak->width, soak->height, RATE);
  g_autofree char *live = g_strdup_printf ("appsrc name=in format=time is-live=%d block=%d max-bytes=0 max-buffers=%d",
                                           options->frames == 0, options->frames > 0, options->frames > 0 ? 4 : 0);
  g_autofree char *test = g_strdup_printf ("videotestsrc is-live=%d pattern=ball num-buffers=%" G_GUINT64_FORMAT,
                                           options->frames == 0, soak->n_frames);
  g_autofree char *line =
      g_strdup_printf ("%s ! %s ! cbamdetect name=detect ! fakesink name=out sync=false", from_app ? live : test, caps);
  g_autoptr (GError) error = NULL;

  soak->pipeline = gst_parse_launch (line, &error);
  if (error != NULL) {
    g_printerr ("soak: %s: %s\n", line, error->message);
    return FALSE;
  }
  soak->detect = gst_bin_get_by_name (GST_BIN (soak->pipeline), "detect");
  soak->sink = gst_bin_get_by_name (GST_BIN (soak->pipeline), "out");
  soak->source = from_app ? gst_bin_get_by_name (GST_BIN (soak->pipeline), "in") : NULL;
  if (soak->source != NULL) {
    g_autoptr (GstCaps) parsed = gst_caps_from_string (caps);
    gst_app_src_set_caps (GST_APP_SRC (soak->source), parsed);
  }
  add_probe (soak->detect, note_in, soak);
  add_probe (soak->sink, note_out, soak);
  return set_properties (soak->detect, options);
}

/* Until end of stream, looking at memory now and then. FALSE: there was an error. */
static gboolean
watch (Soak *soak)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (soak->pipeline);
  const gint64 start = g_get_monotonic_time ();
  double next = WARM_UP;

  for (;;) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, 100 * GST_MSECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    const Memory now = { (g_get_monotonic_time () - start) * 1e-6, get_memory () };
    if (now.second >= next) {
      next += PERIOD;
      g_array_append_val (soak->memory, now);
      g_print ("%5.0f s  %8.1f MB resident\n", now.second, now.bytes * 1e-6);
    }
    if (message == NULL)
      continue;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      return TRUE;

    g_autoptr (GError) error = NULL;
    const gboolean fatal = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
    (fatal ? gst_message_parse_error : gst_message_parse_warning) (message, &error, NULL);
    g_printerr ("soak: %s: %s\n", fatal ? "error" : "warning", error->message);
    if (fatal)
      return FALSE;
  }
}

static gboolean
run (Soak *soak)
{
  if (!open_pipeline (soak))
    return FALSE;
  if (gst_element_set_state (soak->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return watch (soak); /* which tells why */
  GThread *feeder = soak->source != NULL ? g_thread_new ("feed", feed, soak) : NULL;
  const gboolean good = watch (soak);
  if (!good)
    gst_element_set_state (soak->pipeline, GST_STATE_NULL); /* which stops the feeder */
  if (feeder != NULL)
    g_thread_join (feeder);
  return good;
}

/* ---- Judging ---- */

static gboolean G_GNUC_PRINTF (2, 3) judge (gboolean good, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *words = g_strdup_vprintf (format, args);
  va_end (args);

  g_print ("%s  %s\n", good ? "pass" : "FAIL", words);
  return good;
}

static gboolean
judge_frames (const Soak *soak, const GstStructure *stats)
{
  static const char *const fates[] = { "inferred", "skipped-interval", "skipped-busy", "skipped-qos", "skipped-roi" };
  g_autoptr (GString) parts = g_string_new (NULL);
  guint64 frames = 0, sum = 0;

  gst_structure_get_uint64 (stats, "frames", &frames);
  for (guint i = 0; i < G_N_ELEMENTS (fates); i++) {
    guint64 n = 0;
    gst_structure_get_uint64 (stats, fates[i], &n);
    g_string_append_printf (parts, "%s%" G_GUINT64_FORMAT " %s", i > 0 ? " + " : "", n, fates[i]);
    sum += n;
  }
  gboolean good =
      judge (soak->in == soak->n_frames && soak->out == soak->in,
             "every frame comes out: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT ", expected %" G_GUINT64_FORMAT,
             soak->out, soak->in, soak->n_frames);
  good &=
      judge (frames == soak->in && sum == frames,
             "statistics add up: %" G_GUINT64_FORMAT " frames = %" G_GUINT64_FORMAT " = %s", frames, sum, parts->str);
  return good;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return first < second ? -1 : first > second;
}

static double
percentile (const GArray *sorted, double share)
{
  return g_array_index (sorted, gint64, (guint) (share * (sorted->len - 1))) * 1e-6;
}

static gboolean
judge_time (const Soak *soak)
{
  if (soak->held->len == 0)
    return FALSE;
  g_array_sort (soak->held, compare);
  return judge (g_array_index (soak->held, gint64, soak->held->len - 1) <= (gint64) HELD,
                "no frame is held for more than %.0f ms: median %.1f, 90 %% %.1f, 99 %% %.1f, longest %.1f",
                HELD * 1e-6, percentile (soak->held, 0.5), percentile (soak->held, 0.9), percentile (soak->held, 0.99),
                percentile (soak->held, 1));
}

/* Of a line through all looks, by least squares; in bytes a second. */
static double
slope (const GArray *memory)
{
  double t = 0, b = 0, tt = 0, tb = 0;

  for (guint i = 0; i < memory->len; i++) {
    t += g_array_index (memory, Memory, i).second / memory->len;
    b += g_array_index (memory, Memory, i).bytes / memory->len;
  }
  for (guint i = 0; i < memory->len; i++) {
    const Memory *look = &g_array_index (memory, Memory, i);
    tt += (look->second - t) * (look->second - t);
    tb += (look->second - t) * (look->bytes - b);
  }
  return tt > 0 ? tb / tt : 0;
}

static gboolean
judge_memory (const Soak *soak)
{
  const GArray *memory = soak->memory;

  if (memory->len < 2)
    return judge (FALSE, "memory: too short a time, expected at least %d seconds", WARM_UP + 2 * PERIOD);
  const Memory *last = &g_array_index (memory, Memory, memory->len - 1), *first = last;
  while (first > (const Memory *) memory->data && last->second - first->second < WINDOW - PERIOD / 2.0)
    first--;
  return judge (last->bytes - first->bytes < GROWTH,
                "memory stays: %.2f MB more over the last %.0f s, %.1f kB a second over all looks",
                (last->bytes - first->bytes) * 1e-6, last->second - first->second, slope (memory) * 1e-3);
}

static gboolean
judge_all (const Soak *soak, double seconds)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 inferred = 0, mean = 0;

  g_object_get (soak->detect, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "inferred", &inferred);
  gst_structure_get_uint64 (stats, "inference-time", &mean);
  g_print ("%.1f s, %.1f frames a second inferred, %.1f ms each from submit to result\n", seconds, inferred / seconds,
           mean * 1e-6);
  gboolean good = judge_frames (soak, stats);
  if (soak->options->accounts_only || soak->options->frames > 0)
    return good;
  good &= judge_time (soak);
  return judge_memory (soak) && good;
}

static void
soak_clear (Soak *soak)
{
  if (soak->pipeline != NULL)
    gst_element_set_state (soak->pipeline, GST_STATE_NULL);
  gst_clear_object (&soak->detect);
  gst_clear_object (&soak->sink);
  gst_clear_object (&soak->source);
  gst_clear_object (&soak->pipeline);
  g_array_unref (soak->held);
  g_array_unref (soak->memory);
  g_mutex_clear (&soak->lock);
}

static gboolean
parse_options (int *argc, char ***argv, Options *options)
{
  const GOptionEntry entries[] = {
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options->seconds, "How long (60)", "N" },
    { "frames", 0, 0, G_OPTION_ARG_INT, &options->frames, "So many frames, not live", "N" },
    { "source", 0, 0, G_OPTION_ARG_STRING, &options->source, "appsrc or videotestsrc", "NAME" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &options->size, "Of the frames (1280x720)", "WxH" },
    { "model", 0, 0, G_OPTION_ARG_FILENAME, &options->model, "Model file", "FILE" },
    { "switch", 0, 0, G_OPTION_ARG_FILENAME, &options->other, "Model file to go to and fro with", "FILE" },
    { "properties", 0, 0, G_OPTION_ARG_STRING, &options->properties, "Of cbamdetect", "NAME=VALUE..." },
    { "accounts-only", 0, 0, G_OPTION_ARG_NONE, &options->accounts_only, "Do not judge time and memory", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (g_option_context_parse (context, argc, argv, &error))
    return TRUE;
  g_printerr ("soak: %s\n", error->message);
  return FALSE;
}

int
main (int argc, char **argv)
{
  Options options = { .seconds = 60 };
  Soak soak = { .options = &options, .width = 1280, .height = 720 };

  if (!parse_options (&argc, &argv, &options))
    return 2;
  if (options.source == NULL)
    options.source = g_strdup ("appsrc");
  if (options.size != NULL &&
      (sscanf (options.size, "%dx%d", &soak.width, &soak.height) != 2 || soak.width < 1 || soak.height < 1)) {
    g_printerr ("soak: expected a size such as 1280x720, found \"%s\"\n", options.size);
    return 2;
  }
  soak.n_frames = options.frames > 0 ? (guint64) options.frames : (guint64) options.seconds * RATE;
  soak.held = g_array_new (FALSE, FALSE, sizeof (gint64));
  soak.memory = g_array_new (FALSE, FALSE, sizeof (Memory));
  g_mutex_init (&soak.lock);

  const gint64 start = g_get_monotonic_time ();
  const gboolean good = run (&soak) && judge_all (&soak, (g_get_monotonic_time () - start) * 1e-6);
  soak_clear (&soak);
  g_free (options.source);
  g_free (options.size);
  g_free (options.model);
  g_free (options.other);
  g_free (options.properties);
  gst_deinit ();
  return good ? 0 : 1;
}
