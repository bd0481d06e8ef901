/* What the element itself costs, beside inference: on 1280x720 NV12 frames, without a clock, in one process.
 *
 * First frames that are not inferred, against GStreamer's `identity`, which does nothing, in turns: wall and processor
 * time of a frame, medians over blocks. The element passes where it takes at most 1.2 times as long and 0.2 ms.
 *
 * Then frames that are, with a network that is almost nothing: how long a frame takes alone through the element,
 * through the library without it, and what it spends that time on.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/profile.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdlib.h>
#include <time.h>

#define WIDTH 1280
#define HEIGHT 720
#define BLOCKS 25
#define BLOCK_FRAMES 200
#define SINGLE_FRAMES 40
#define FACTOR 1.2
#define EXTRA 0.2e-3
#define PATIENCE (20 * G_TIME_SPAN_SECOND) /* for frames to come out */

/* An element between two pads of ours. */
typedef struct
{
  GstElement *element;
  GstPad *src_pad, *sink_pad;
  GstBuffer *frame;
  guint64 pushed;

  GMutex lock;
  GCond arrived;
  guint64 out; /* under the lock */
} Stand;

/* Numbers of one kind, and their median. */
typedef struct
{
  double values[BLOCKS * SINGLE_FRAMES];
  guint n;
} Sample;

static double
seconds_of (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static int
compare (const void *a, const void *b)
{
  const double first = *(const double *) a, second = *(const double *) b;

  return first < second ? -1 : first > second;
}

static void
add (Sample *sample, double value)
{
  g_assert (sample->n < G_N_ELEMENTS (sample->values));
  sample->values[sample->n++] = value;
}

static double
median (Sample *sample)
{
  qsort (sample->values, sample->n, sizeof *sample->values, compare);
  return sample->n > 0 ? sample->values[sample->n / 2] : 0;
}

/* ---- A stand for an element ---- */

static GstFlowReturn
sink_chain (GstPad *pad, G_GNUC_UNUSED GstObject *parent, GstBuffer *buffer)
{
  Stand *stand = gst_pad_get_element_private (pad);

  gst_buffer_unref (buffer);
  g_mutex_lock (&stand->lock);
  stand->out++;
  g_cond_signal (&stand->arrived);
  g_mutex_unlock (&stand->lock);
  return GST_FLOW_OK;
}

static GstBuffer *
frame_new (void)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT * 3 / 2, NULL);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    g_error ("cannot map a new buffer");
  memset (map.data, 128, map.size);
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      map.data[y * WIDTH + x] = (guint8) (x / 80 + y / 80) % 2 ? 200 : (guint8) (40 + x / 16);
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

static void
push_frame (Stand *stand)
{
  GstBuffer *buffer = gst_buffer_copy (stand->frame);

  GST_BUFFER_PTS (buffer) = stand->pushed++ * GST_SECOND / 30;
  if (gst_pad_push (stand->src_pad, buffer) != GST_FLOW_OK)
    g_error ("%s does not take a frame", GST_OBJECT_NAME (stand->element));
}

static void
wait_for_all (Stand *stand)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&stand->lock);
  while (stand->out < stand->pushed)
    if (!g_cond_wait_until (&stand->arrived, &stand->lock, end))
      g_error ("%s gave back %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " frames", GST_OBJECT_NAME (stand->element),
               stand->out, stand->pushed);
  g_mutex_unlock (&stand->lock);
}

/* A pad without a template keeps to its first caps, and cbamdetect tries those with drawings beside the frame first. */
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static void
link_pads (Stand *stand)
{
  g_autoptr (GstPad) in = gst_element_get_static_pad (stand->element, "sink");
  g_autoptr (GstPad) out = gst_element_get_static_pad (stand->element, "src");

  stand->src_pad = gst_pad_new ("src", GST_PAD_SRC);
  stand->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_element_private (stand->sink_pad, stand);
  gst_pad_set_chain_function (stand->sink_pad, sink_chain);
  gst_pad_link (stand->src_pad, in);
  gst_pad_link (out, stand->sink_pad);
  gst_pad_set_active (stand->src_pad, TRUE);
  gst_pad_set_active (stand->sink_pad, TRUE);
}

/* Starts @factory with `name=value` pairs, and passes one frame, which cbamdetect infers whatever its interval. */
static Stand *
stand_new (const char *factory, const char *properties)
{
  Stand *stand = g_new0 (Stand, 1);
  g_auto (GStrv) pairs = g_strsplit (properties, " ", -1);
  g_autoptr (GstCaps) caps =
      gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "NV12", "width", G_TYPE_INT, WIDTH, "height",
                           G_TYPE_INT, HEIGHT, "framerate", GST_TYPE_FRACTION, 30, 1, NULL);
  GstSegment segment;

  g_mutex_init (&stand->lock);
  g_cond_init (&stand->arrived);
  stand->element = gst_element_factory_make (factory, NULL);
  if (stand->element == NULL)
    g_error ("no element %s", factory);
  for (guint i = 0; pairs[i] != NULL && *pairs[i]; i++) {
    g_auto (GStrv) pair = g_strsplit (pairs[i], "=", 2);
    gst_util_set_object_arg (G_OBJECT (stand->element), pair[0], pair[1]);
  }
  stand->frame = frame_new ();
  link_pads (stand);
  if (gst_element_set_state (stand->element, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    g_error ("%s %s does not start", factory, properties);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (stand->src_pad, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (stand->src_pad, gst_event_new_caps (caps));
  gst_pad_push_event (stand->src_pad, gst_event_new_segment (&segment));
  push_frame (stand);
  wait_for_all (stand);
  return stand;
}

static void
stand_free (Stand *stand)
{
  gst_pad_set_active (stand->sink_pad, FALSE);
  gst_element_set_state (stand->element, GST_STATE_NULL);
  gst_pad_set_active (stand->src_pad, FALSE);
  gst_object_unref (stand->element);
  gst_object_unref (stand->src_pad);
  gst_object_unref (stand->sink_pad);
  gst_buffer_unref (stand->frame);
  g_cond_clear (&stand->arrived);
  g_mutex_clear (&stand->lock);
  g_free (stand);
}

/* ---- Frames that are not inferred ---- */

#define NOT_INFERRED "interval=2147483647 "

static const struct
{
  const char *name, *factory, *properties;
  gboolean judged; /* against the first one */
} passing[] = {
  { "identity", "identity", "", FALSE },
  { "cbamdetect", "cbamdetect", NOT_INFERRED, TRUE },
  { "  carry=none", "cbamdetect", NOT_INFERRED "carry=none", TRUE },
  { "  carrying 5 detections", "cbamdetect", NOT_INFERRED "threshold=0 max-detections=5", TRUE },
  { "  and drawing them", "cbamdetect", NOT_INFERRED "threshold=0 max-detections=5 overlay=boxes+labels", FALSE },
};

static void
pass_block (Stand *stand, Sample *wall, Sample *processor)
{
  const double start = seconds_of (CLOCK_MONOTONIC), start_processor = seconds_of (CLOCK_PROCESS_CPUTIME_ID);

  for (guint i = 0; i < BLOCK_FRAMES; i++)
    push_frame (stand);
  wait_for_all (stand);
  add (wall, (seconds_of (CLOCK_MONOTONIC) - start) / BLOCK_FRAMES);
  add (processor, (seconds_of (CLOCK_PROCESS_CPUTIME_ID) - start_processor) / BLOCK_FRAMES);
}

static gboolean
bench_passing (void)
{
  static Sample wall[G_N_ELEMENTS (passing)], processor[G_N_ELEMENTS (passing)];
  Stand *stands[G_N_ELEMENTS (passing)];
  gboolean good = TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (passing); i++)
    stands[i] = stand_new (passing[i].factory, passing[i].properties);
  for (guint block = 0; block < BLOCKS; block++)
    for (guint i = 0; i < G_N_ELEMENTS (passing); i++)
      pass_block (stands[i], &wall[i], &processor[i]);

  g_print ("Frames that are not inferred, %u blocks of %u in turns, medians:\n", BLOCKS, BLOCK_FRAMES);
  g_print ("  %-26s %10s %14s\n", "", "wall ms", "processor ms");
  for (guint i = 0; i < G_N_ELEMENTS (passing); i++) {
    const double most = FACTOR * median (&wall[0]) + EXTRA, most_processor = FACTOR * median (&processor[0]) + EXTRA;
    const gboolean passes = median (&wall[i]) <= most && median (&processor[i]) <= most_processor;
    g_print ("  %-26s %10.4f %14.4f  %s\n", passing[i].name, 1e3 * median (&wall[i]), 1e3 * median (&processor[i]),
             !passing[i].judged ? ""
             : passes           ? "pass"
                                : "FAIL");
    good &= passes || !passing[i].judged;
    stand_free (stands[i]);
  }
  return good;
}

/* ---- Frames that are ---- */

typedef struct
{
  Sample element, submit, collect;
  Sample preprocess, network, detect; /* on the device, one operation after the other */
} Split;

static gpointer
need (gpointer thing, const GError *error)
{
  if (thing == NULL)
    g_error ("%s", error->message);
  return thing;
}

static void
submit_and_collect (CbamDetector *detector, const CbamImage *image, Split *split)
{
  g_autoptr (GError) error = NULL;
  const double start = seconds_of (CLOCK_MONOTONIC);

  if (!cbam_detector_submit (detector, image, NULL, &error))
    g_error ("%s", error->message);
  const double submitted = seconds_of (CLOCK_MONOTONIC);
  G_GNUC_UNUSED g_autoptr (CbamResult) result = need (cbam_detector_collect (detector, &error), error);
  add (&split->submit, submitted - start);
  add (&split->collect, seconds_of (CLOCK_MONOTONIC) - submitted);
}

static void
profile (CbamDetector *detector, const CbamImage *image, Split *split)
{
  g_autoptr (GError) error = NULL;
  double preprocess = 0, network = 0, detect = 0;

  if (!cbam_detector_submit (detector, image, NULL, &error))
    g_error ("%s", error->message);
  g_autoptr (CbamResult) result = need (cbam_detector_collect (detector, &error), error);
  for (gsize i = 0; i < cbam_result_get_n_op_times (result); i++) {
    const CbamOpTime *time = cbam_result_get_op_time (result, i);

    if (g_str_equal (time->kind, "preprocess"))
      preprocess += time->seconds;
    else if (g_str_equal (time->kind, "detect"))
      detect += time->seconds;
    else
      network += time->seconds;
  }
  add (&split->preprocess, preprocess);
  add (&split->network, network);
  add (&split->detect, detect);
}

static void
print_split (const char *name, Sample *sample)
{
  g_print ("  %-44s %8.4f\n", name, 1e3 * median (sample));
}

static void
bench_inferred (const char *path)
{
  static Split split;
  g_autofree char *properties = g_strdup_printf ("model=%s queue-depth=1", path);
  g_autoptr (GError) error = NULL;
  Stand *stand = stand_new ("cbamdetect", properties);
  g_autoptr (CbamDevice) device = need (cbam_device_open (NULL, &error), error);
  g_autoptr (CbamModel) model = need (cbam_model_load (device, path, NULL, &error), error);
  g_autoptr (CbamDetector) plain = need (cbam_detector_new (model, &(CbamDetectorConfig){ .slots = 1 }, &error), error);
  g_autoptr (CbamDetector) profiled =
      need (cbam_detector_new_profiled (model, &(CbamDetectorConfig){ .slots = 1 }, &error), error);
  GstMapInfo map;

  if (!gst_buffer_map (stand->frame, &map, GST_MAP_READ))
    g_error ("cannot map a frame");
  const CbamImage image = {
    .format = CBAM_FORMAT_NV12, .width = WIDTH, .height = HEIGHT, .planes = { map.data, map.data + WIDTH * HEIGHT }
  };
  for (guint block = 0; block < BLOCKS; block++)
    for (guint i = 0; i < SINGLE_FRAMES; i++) {
      const double start = seconds_of (CLOCK_MONOTONIC);
      push_frame (stand);
      wait_for_all (stand);
      add (&split.element, seconds_of (CLOCK_MONOTONIC) - start);
      submit_and_collect (plain, &image, &split);
      profile (profiled, &image, &split);
    }
  gst_buffer_unmap (stand->frame, &map);
  stand_free (stand);

  g_print ("Frames that are inferred, one at a time, with %s, medians of %u in ms:\n",
           cbam_model_get_info (model)->name, split.element.n);
  print_split ("through the element", &split.element);
  print_split ("library: submit (copies the pixels)", &split.submit);
  print_split ("library: collect (waits; sorts; NMS)", &split.collect);
  print_split ("  on the device: resize, colours", &split.preprocess);
  print_split ("  on the device: network", &split.network);
  print_split ("  on the device: scores and boxes", &split.detect);
  g_print ("  %-44s %8.4f\n", "the element's own: threads, metadata",
           1e3 * (median (&split.element) - median (&split.submit) - median (&split.collect)));
}

int
main (int argc, char **argv)
{
  const char *path = g_getenv ("CBAM_TEST_SHAPES");

  gst_init (&argc, &argv);
  const gboolean good = bench_passing ();
  if (path != NULL)
    bench_inferred (path);
  return good ? 0 : 1;
}
