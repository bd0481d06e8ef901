/* cbam-bench: how fast networks run on a device, and what share of the device's own multiply-add peak that is.
 *
 * On a CPU device the driver's workers sometimes share one processor for a sample or for good, and all takes twice as
 * long. So each is given a processor of its own before anything is measured.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bench.h"
#include "host-peak.h"
#include "sampler.h"
#include "shared/clamped.h"
#include "shared/program.h"
#include "workers.h"

#include <math.h>
#include <stdio.h>

#define FRAME_WIDTH 1280
#define FRAME_HEIGHT 720
#define FRAME_PIXELS ((gsize) FRAME_WIDTH * FRAME_HEIGHT)
#define SEED 20171027

/* Measurements of the host's loop before the networks, and as many after. */
#define HOST_RUNS 2

static struct
{
  char *device;
  int cpu_threads;
  CbamModelConfig model_config;
  char **models;
  gboolean interleave, json, list_presets, no_peak, no_pin, step, version;
  int runs;
} options = { .runs = 30 };

static gboolean
take_precision (const char *option, const char *value, gpointer unused, GError **error)
{
  return cbam_precision_parse (value, &options.model_config.precision, error);
}

static const GOptionEntry entries[] = {
  { "device", 'd', 0, G_OPTION_ARG_STRING, &options.device,
    "Its index, part of its name, cpu (the processor itself) or gpu (default: the best there is)", "DEVICE" },
  { "cpu-threads", 0, 0, G_OPTION_ARG_INT, &options.cpu_threads,
    "Threads where the processor itself computes, 0 = as many processors as it may use (default: 0)", "N" },
  { "interleave", 0, 0, G_OPTION_ARG_NONE, &options.interleave, "Give frames to all the networks in turns", NULL },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "Print one JSON document instead of tables", NULL },
  { "list-presets", 0, 0, G_OPTION_ARG_NONE, &options.list_presets, "Print the presets' names and exit", NULL },
  { "no-peak", 0, 0, G_OPTION_ARG_NONE, &options.no_peak,
    "Do not measure the device's peak, which takes seconds: with --json, whose shares are null then", NULL },
  { "no-pin", 0, 0, G_OPTION_ARG_NONE, &options.no_pin, "Leave the workers of a CPU device's driver to the scheduler",
    NULL },
  { "precision", 0, 0, G_OPTION_ARG_CALLBACK, take_precision,
    "Numbers to compute with: auto, fp32, fp16 or bf16, as the device has them (default: auto)", "PRECISION" },
  { "runs", 'n', 0, G_OPTION_ARG_INT, &options.runs, "Samples per network and pass (default: 30)", "N" },
  { "step", 0, 0, G_OPTION_ARG_NONE, &options.step,
    "Take a sample of one network for each line on standard input, and print its milliseconds", NULL },
  { "version", 'V', 0, G_OPTION_ARG_NONE, &options.version, "Print the version and exit", NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.models, NULL, "MODEL|PRESET..." },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void
network_free (NetworkBench *network)
{
  cbam_model_unref (network->model);
  g_clear_pointer (&network->ops, g_array_unref);
  g_free (network);
}

/* An NV12 frame of coloured 16x16 blocks with noise on them: detail everywhere, the same in every run. */
static guint8 *
make_frame (void)
{
  guint8 *pixels = g_malloc (FRAME_PIXELS * 3 / 2), *row = pixels;
  guint8 blocks[3][FRAME_HEIGHT / 16][FRAME_WIDTH / 16];
  GRand *rand = g_rand_new_with_seed (SEED);
  for (gsize i = 0; i < sizeof blocks; i++)
    ((guint8 *) blocks)[i] = g_rand_int_range (rand, 24, 224);

  for (guint y = 0; y < FRAME_HEIGHT; y++, row += FRAME_WIDTH)
    for (guint x = 0; x < FRAME_WIDTH; x++)
      row[x] = blocks[0][y / 16][x / 16] + g_rand_int_range (rand, -8, 8);
  for (guint y = 0; y < FRAME_HEIGHT / 2; y++, row += FRAME_WIDTH)
    for (guint x = 0; x < FRAME_WIDTH; x++)
      row[x] = blocks[1 + x % 2][y / 8][x / 16];
  g_rand_free (rand);
  return pixels;
}

static CbamImage
view_frame (const guint8 *pixels)
{
  return (CbamImage){
    .format = CBAM_FORMAT_NV12,
    .width = FRAME_WIDTH,
    .height = FRAME_HEIGHT,
    .planes = { pixels, pixels + FRAME_PIXELS },
    .strides = { FRAME_WIDTH, FRAME_WIDTH },
    .matrix = CBAM_MATRIX_BT709,
  };
}

/* The first pass: whole frames, nothing measured on the device; of several networks, a frame of each in turn. */
static gboolean
measure_frames (NetworkBench **networks, guint n, const CbamImage *image, GError **error)
{
  g_autofree Sampler *samplers = g_new0 (Sampler, n);
  g_autoptr (GPtrArray) walls = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  guint started = 0;
  gboolean ok = TRUE;
  while (ok && started < n) {
    g_ptr_array_add (walls, g_array_new (FALSE, FALSE, sizeof (double)));
    ok = sampler_start (&samplers[started], networks[started]->model, image, FALSE, options.runs,
                        options.cpu_threads == 1, error);
    started++;
  }
  for (guint i = 0; ok && i < n * (guint) options.runs; i++) {
    Sample sample;
    ok = sampler_take (&samplers[i % n], &sample, error);
    if (!ok)
      break;
    g_array_append_val (g_ptr_array_index (walls, i % n), sample.wall);
    cbam_result_unref (sample.result);
  }
  for (guint i = 0; i < started; i++) {
    networks[i]->frames = sampler_end (&samplers[i]);
    if (ok)
      networks[i]->seconds = bench_spread (g_ptr_array_index (walls, i));
  }
  return ok;
}

/* Turns every operation's samples, which stand in columns of @times, into a spread. */
static void
summarise_ops (NetworkBench *network, const CbamResult *last, GPtrArray *times)
{
  for (guint i = 0; i < times->len; i++) {
    const OpBench bench = { .op = *cbam_result_get_op_time (last, i),
                            .seconds = bench_spread (g_ptr_array_index (times, i)) };
    g_array_append_val (network->ops, bench);
  }
}

/* The second pass: the device's own clock around every operation. */
static gboolean
measure_ops (NetworkBench *network, const CbamImage *image, GError **error)
{
  g_autoptr (GPtrArray) times = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  g_autoptr (CbamResult) last = NULL; /* owns the operations' list */
  Sampler sampler;
  gboolean ok = sampler_start (&sampler, network->model, image, TRUE, options.runs, options.cpu_threads == 1, error);
  for (int run = 0; ok && run < options.runs; run++) {
    Sample sample;
    ok = sampler_take (&sampler, &sample, error);
    if (!ok)
      break;
    g_clear_pointer (&last, cbam_result_unref);
    last = sample.result;
    for (gsize i = 0; i < cbam_result_get_n_op_times (last); i++) {
      if (times->len == i)
        g_ptr_array_add (times, g_array_new (FALSE, FALSE, sizeof (double)));
      g_array_append_val (g_ptr_array_index (times, i), cbam_result_get_op_time (last, i)->seconds);
    }
  }
  network->profiled = sampler_end (&sampler);
  if (ok)
    summarise_ops (network, last, times);
  return ok;
}

static CbamModel *
load_model (CbamDevice *device, const char *path, GError **error)
{
  return g_strv_contains (cbam_model_get_presets (), path)
             ? cbam_model_load_preset (device, path, &options.model_config, error)
             : cbam_model_load (device, path, &options.model_config, error);
}

static NetworkBench *
load_network (CbamDevice *device, const char *path, GError **error)
{
  CbamModel *model = load_model (device, path, error);
  if (model == NULL)
    return NULL;
  clamped_tell_of_model (cbam_model_get_info (model));
  NetworkBench *network = g_new0 (NetworkBench, 1);
  network->model = model;
  network->ops = g_array_new (FALSE, FALSE, sizeof (OpBench));
  return network;
}

/* Measures @paths, frames in turns, and adds them to @networks. FALSE: one could not be loaded, and the others were
 * measured, or one could not be run, and none of them is added; said on standard error. */
static gboolean
measure_networks (CbamDevice *device, char **paths, guint n, const CbamImage *image, GPtrArray *networks)
{
  g_autoptr (GPtrArray) group = g_ptr_array_new_with_free_func ((GDestroyNotify) network_free);
  gboolean all = TRUE;
  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    NetworkBench *network = load_network (device, paths[i], &error);
    if (network != NULL) {
      g_ptr_array_add (group, network);
      continue;
    }
    program_complain ("%s", error->message);
    all = FALSE;
  }

  g_autoptr (GError) error = NULL;
  gboolean ok = group->len == 0 || measure_frames ((NetworkBench **) group->pdata, group->len, image, &error);
  for (guint i = 0; ok && i < group->len; i++)
    ok = measure_ops (g_ptr_array_index (group, i), image, &error);
  if (!ok) {
    program_complain ("%s", error->message);
    return FALSE;
  }
  g_ptr_array_extend_and_steal (networks, g_steal_pointer (&group));
  return all;
}

/* Gives each worker of a CPU device a processor of its own. The workers belong to the device, so those that are busy
 * with its peak are those that will compute frames. */
static gboolean
pin_workers (CbamDevice *device, Bench *bench, GError **error)
{
  if (options.no_pin || !bench_is_software (bench))
    return TRUE;
  g_autoptr (GHashTable) times = workers_watch ();
  double warm_up;
  if (!cbam_device_measure_peak (device, CBAM_PRECISION_FP32, &warm_up, error))
    return FALSE;
  bench->pinned_workers = workers_pin (g_steal_pointer (&times));
  return TRUE;
}

/* What models are computed in, as the first of them says. */
static CbamPrecision
ask_precision (CbamDevice *device)
{
  g_autoptr (CbamModel) model = load_model (device, options.models[0], NULL);
  return model != NULL ? cbam_model_get_info (model)->precision : CBAM_PRECISION_FP32;
}

/* The device's peak, and where a driver computes on the processor what that can do, of which the best is kept: whatever
 * else the machine does only makes it less. */
static gboolean
measure_peaks (CbamDevice *device, Bench *bench, double *peak, GError **error)
{
  *peak = NAN;
  if (options.no_peak)
    return TRUE;
  if (!cbam_device_measure_peak (device, bench->precision, peak, error))
    return FALSE;
  for (int i = 0; i < HOST_RUNS && bench_is_software (bench); i++) {
    const double host = host_peak_measure (&bench->host_threads);
    bench->host = MAX (bench->host, host);
  }
  return TRUE;
}

/* The models to measure; the one that ships where none is named. */
static gboolean
choose_models (GError **error)
{
  if (options.models != NULL)
    return TRUE;
  char *model = cbam_model_find_default (error);
  if (model == NULL)
    return FALSE;
  options.models = g_new0 (char *, 2);
  options.models[0] = model;
  return TRUE;
}

/* A model that cannot run is one message; the others are still measured. */
static gboolean
bench_all (CbamDevice *device, Bench *bench, const CbamImage *image, GError **error)
{
  const guint n = g_strv_length (options.models), together = options.interleave ? n : 1;
  gboolean all = TRUE;
  bench->precision = ask_precision (device);
  if (!measure_peaks (device, bench, &bench->peak_before, error))
    return FALSE;
  for (guint i = 0; i < n; i += together)
    if (!measure_networks (device, &options.models[i], together, image, bench->networks))
      all = FALSE;
  if (!measure_peaks (device, bench, &bench->peak_after, error))
    return FALSE;

  if (options.json)
    bench_print_json (bench);
  else
    bench_print_device (bench);
  for (guint i = 0; !options.json && i < bench->networks->len; i++)
    bench_print_network (bench, g_ptr_array_index (bench->networks, i));
  return all;
}

/* One frame of one model for each line on standard input, and its milliseconds on standard output at once, so that
 * somebody else can give frames to several processes in turns (tools/compare.py). */
static gboolean
bench_steps (CbamDevice *device, const CbamImage *image, GError **error)
{
  NetworkBench *network = load_network (device, options.models[0], error);
  if (network == NULL)
    return FALSE;
  Sampler sampler;
  gboolean ok = sampler_start (&sampler, network->model, image, FALSE, options.runs, options.cpu_threads == 1, error);
  if (ok)
    printf ("ready %s\n", cbam_model_get_info (network->model)->name);
  char line[16];
  while (ok && fflush (stdout) == 0 && fgets (line, sizeof line, stdin) != NULL) {
    Sample sample;
    ok = sampler_take (&sampler, &sample, error);
    if (!ok)
      break;
    printf ("%.4f%s\n", 1e3 * sample.wall, sample.unfit ? " starved" : "");
    cbam_result_unref (sample.result);
  }
  sampler_end (&sampler);
  network_free (network);
  return ok;
}

/* Returns the exit status. */
static int
run_bench (void)
{
  g_autoptr (GError) error = NULL;
  const CbamDeviceConfig device_config = { .cpu_threads = (guint) MAX (options.cpu_threads, 0) };
  g_autoptr (CbamDevice) device = cbam_device_open_configured (options.device, &device_config, &error);
  g_autoptr (GPtrArray) networks = g_ptr_array_new_with_free_func ((GDestroyNotify) network_free);
  g_autofree guint8 *pixels = make_frame ();
  const CbamImage image = view_frame (pixels);
  Bench bench = { .networks = networks, .info = device != NULL ? cbam_device_get_info (device) : NULL };
  gboolean ok = device != NULL && pin_workers (device, &bench, &error) && choose_models (&error);
  if (ok)
    ok = options.step ? bench_steps (device, &image, &error) : bench_all (device, &bench, &image, &error);
  if (error != NULL)
    program_complain ("%s", error->message);
  return ok ? STATUS_OK : STATUS_FAILED;
}

static int
list_presets (void)
{
  for (const char *const *name = cbam_model_get_presets (); *name != NULL; name++)
    puts (*name);
  return 0;
}

static const char *
check_options (void)
{
  if (options.runs < 1)
    return "--runs is a number from 1";
  if (options.step && options.models != NULL && g_strv_length (options.models) > 1)
    return "--step takes one network";
  if (options.no_peak && !options.json)
    return "--no-peak goes with --json";
  if (options.step && (options.json || options.interleave))
    return "--step goes with neither --json nor --interleave";
  return NULL;
}

static const Program program = {
  .name = "cbam-bench",
  .summary = "Measures how fast networks run on a Vulkan device, batch 1, one frame in flight.",
  .description =
      "Without a name it measures the model that ships with cbamdetect.\n\n"
      "Frame times are wall time from submit to the sorted result, of a 1280x720 NV12 frame, resizing and\n"
      "non-maximum suppression included. A preset runs with weights made up from a fixed seed. Shares are of the\n"
      "device's own multiply-add peak, measured in the same run. Operation times come from a second pass with the\n"
      "device's clock.\n",
  .entries = entries,
  .check_options = check_options,
};

int
main (int argc, char **argv)
{
  int status = STATUS_USAGE;
  if (program_start (&program, &argc, &argv)) {
    if (options.version)
      status = program_print_version ();
    else if (options.list_presets)
      status = list_presets ();
    else
      status = run_bench ();
  }
  status = program_end (status);
  g_free (options.device);
  g_strfreev (options.models);
  return status;
}
