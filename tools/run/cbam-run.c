/* cbam-run: the detector on pictures, without GStreamer. Start reading at detect_all(): it keeps two pictures in
 * flight, so that one is decoded while the device works on the other.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "check/check.h"
#include "describe.h"
#include "draw.h"
#include "explanation.h"
#include "panels.h"
#include "report.h"
#include "shared/clamped.h"
#include "shared/picture.h"
#include "shared/program.h"

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/profile.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_FLIGHT 2
#define NOT_GIVEN G_MININT /* no number that an option takes */

static struct
{
  char *model, *device, *output;
  CbamModelConfig model_config;
  int cpu_threads;
  char **pictures;
  char *describe;
  gboolean check, fused, json, list_devices, profile, version;
  double threshold, nms_iou, nms_across;
  int max_detections, grad_cam;
  Explanation attention;
} options = { .threshold = NOT_GIVEN,
              .nms_iou = NOT_GIVEN,
              .nms_across = NOT_GIVEN,
              .max_detections = NOT_GIVEN,
              .grad_cam = NOT_GIVEN };

static gboolean
take_attention (const char *option, const char *value, gpointer unused, GError **error)
{
  if (explanation_parse_attention (value, &options.attention))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "--attention: expected mean, max, levels or the number of a level, found '%s'", value);
  return FALSE;
}

static gboolean
take_precision (const char *option, const char *value, gpointer unused, GError **error)
{
  return cbam_precision_parse (value, &options.model_config.precision, error);
}

static const GOptionEntry entries[] = {
  { "model", 'm', 0, G_OPTION_ARG_FILENAME, &options.model,
    "The model file (.safetensors; default: the one that ships with cbamdetect)", "FILE" },
  { "device", 'd', 0, G_OPTION_ARG_STRING, &options.device,
    "Its index, part of its name, cpu (the processor itself) or gpu (default: the best there is)", "DEVICE" },
  { "cpu-threads", 0, 0, G_OPTION_ARG_INT, &options.cpu_threads,
    "Threads where the processor itself computes, 0 = as many processors as it may use (default: 0)", "N" },
  { "precision", 0, 0, G_OPTION_ARG_CALLBACK, take_precision,
    "Numbers to compute with: auto, fp32, fp16 or bf16, as the device has them (default: auto)", "PRECISION" },
  { "describe", 0, 0, G_OPTION_ARG_FILENAME, &options.describe,
    "Print every layer of a model file or preset, and exit; no device is needed", "FILE|PRESET" },
  { "fused", 0, 0, G_OPTION_ARG_NONE, &options.fused,
    "With --describe, print what the device runs instead: each dispatch with its kernel, bytes and whether it waits",
    NULL },
  { "check", 0, 0, G_OPTION_ARG_NONE, &options.check,
    "Say whether driver, GStreamer plugin, model file and computation are right, and what to do where not, and exit",
    NULL },
  { "list-devices", 0, 0, G_OPTION_ARG_NONE, &options.list_devices, "List the devices, best first, and exit", NULL },
  { "threshold", 't', 0, G_OPTION_ARG_DOUBLE, &options.threshold,
    "Report scores above this, 0 to 1 (default: the model's)", "SCORE" },
  { "nms-iou", 0, 0, G_OPTION_ARG_DOUBLE, &options.nms_iou,
    "Drop a box that overlaps a stronger one of its class by more than this, 0 to 1 (default: the model's)", "IOU" },
  { "nms-across", 0, 0, G_OPTION_ARG_DOUBLE, &options.nms_across,
    "Drop a box that overlaps a stronger one of another class by more than this, 0 to 1; 1 drops none (default: the "
    "model's)",
    "IOU" },
  { "max-detections", 'n', 0, G_OPTION_ARG_INT, &options.max_detections,
    "Report at most N objects, or classes, per picture, 0 = all (default: the model's)", "N" },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
    "Draw what was found: a PNG for one picture, a folder for several", "PATH" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json,
    "Print one line of JSON per picture instead of a table; one object with --check and --describe", NULL },
  { "attention", 'a', 0, G_OPTION_ARG_CALLBACK, take_attention,
    "Show what spatial attention lets through: mean or max of all levels, one level (0 = the finest), or all levels "
    "beside each other",
    "mean|max|LEVEL|levels" },
  { "grad-cam", 'g', 0, G_OPTION_ARG_INT, &options.grad_cam,
    "Show where the evidence for the N strongest detections or classes lies, and draw only these detections", "N" },
  { "profile", 'p', 0, G_OPTION_ARG_NONE, &options.profile, "Print the device's time per operation on standard error",
    NULL },
  { "version", 'V', 0, G_OPTION_ARG_NONE, &options.version, "Print the version and exit", NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.pictures, NULL, "PICTURE..." },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* A picture whose detection is under way. */
typedef struct
{
  const char *path;
  guint width, height;
  GdkPixbuf *pixbuf; /* kept only to draw on */
} Job;

typedef struct
{
  CbamModel *model;
  CbamDetector *detector;
  CbamDetectParams params;
  Explanation explanation; /* what --output shows beside the detections */
  GQueue jobs;             /* Job, in the order of submission */
  GHashTable *outputs;     /* paths drawn to; NULL when --output is one file */
  Profile *profile;        /* NULL without --profile */
  guint total, done, failed;
  gboolean show_progress, progress_is_live;
} Run;

static void
job_free (Job *job)
{
  g_clear_object (&job->pixbuf);
  g_free (job);
}

/* Wipes the live progress line before something else is written to the terminal. */
static void
clear_progress (const Run *run)
{
  if (run->show_progress && run->progress_is_live)
    fputs ("\r\033[K", stderr);
}

/* A line that overwrites itself on a terminal; elsewhere a line for every tenth of the work. */
static void
picture_done (Run *run)
{
  run->done++;
  if (!run->show_progress)
    return;
  if (run->progress_is_live) {
    clear_progress (run);
    if (run->done < run->total)
      fprintf (stderr, "%u of %u pictures (%u%%)", run->done, run->total, 100 * run->done / run->total);
    fflush (stderr);
  } else if (10 * run->done / run->total != 10 * (run->done - 1) / run->total)
    program_complain ("%u of %u pictures", run->done, run->total);
}

static void
picture_failed (Run *run, const char *message)
{
  clear_progress (run);
  program_complain ("%s", message);
  run->failed++;
  picture_done (run);
}

static gboolean
draw_job (Run *run, const Job *job, const CbamResult *result, GError **error)
{
  gsize n = cbam_result_get_n_detections (result);
  g_autofree CbamDetection *detections = g_new (CbamDetection, MAX (n, 1));
  for (gsize i = 0; i < n; i++)
    detections[i] = *cbam_result_get_detection (result, i);
  const gsize n_classes = cbam_result_get_n_classes (result);
  g_autofree CbamClass *classes = g_new (CbamClass, MAX (n_classes, 1));
  for (gsize i = 0; i < n_classes; i++)
    classes[i] = *cbam_result_get_class (result, i);
  g_autofree char *path =
      run->outputs != NULL ? picture_output_path (options.output, job->path, run->outputs) : g_strdup (options.output);
  if (run->explanation.kind == EXPLAIN_GRAD_CAM)
    n = MIN (n, run->explanation.number);
  g_autoptr (GPtrArray) heat_maps = explanation_heat_maps (&run->explanation, result);
  if (heat_maps->len > 1)
    return panels_png (job->pixbuf, heat_maps, detections, n, path, error);

  const Drawing drawing = {
    .pixbuf = job->pixbuf,
    .heat = heat_maps->len == 1 ? g_ptr_array_index (heat_maps, 0) : NULL,
    .has_legend = TRUE,
    .detections = detections,
    .n_detections = n,
    .classes = classes,
    .n_classes = n_classes,
  };
  return draw_png (&drawing, path, error);
}

static gboolean
classifies (const Run *run)
{
  return strcmp (cbam_model_get_info (run->model)->task, "classify") == 0;
}

/* What scores had to exceed. */
static float
get_threshold (const Run *run)
{
  return options.threshold != NOT_GIVEN ? (float) options.threshold : cbam_model_get_info (run->model)->threshold;
}

/* Waits for the oldest picture in flight and reports it. Returns %FALSE when the device is of no more use. */
static gboolean
finish_one (Run *run)
{
  g_autoptr (GError) error = NULL;
  Job *job = g_queue_pop_head (&run->jobs);
  g_autoptr (CbamResult) result = cbam_detector_collect (run->detector, &error);
  if (result == NULL) {
    g_autofree char *message = g_strdup_printf ("%s: %s", job->path, error->message);
    picture_failed (run, message);
    job_free (job);
    return !g_error_matches (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT) &&
           !g_error_matches (error, CBAM_ERROR, CBAM_ERROR_DEVICE_LOST);
  }

  clear_progress (run);
  clamped_tell_of_result (cbam_model_get_info (run->model), result);
  if (options.json)
    report_json (stdout, job->path, job->width, job->height, result, classifies (run));
  else
    report_table (stdout, job->path, job->width, job->height, result, get_threshold (run));
  fflush (stdout);
  if (run->profile != NULL)
    profile_add (run->profile, result);

  if (job->pixbuf != NULL && !draw_job (run, job, result, &error))
    picture_failed (run, error->message);
  else
    picture_done (run);
  job_free (job);
  return TRUE;
}

/* Reads a picture and puts it in flight. Returns %FALSE when the device is of no more use. */
static gboolean
start_one (Run *run, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkPixbuf) pixbuf = picture_load (path, &error);
  if (pixbuf == NULL) {
    picture_failed (run, error->message);
    return TRUE;
  }

  if (g_queue_get_length (&run->jobs) == IN_FLIGHT && !finish_one (run))
    return FALSE;

  const CbamImage image = picture_view (pixbuf);
  if (!cbam_detector_submit (run->detector, &image, &run->params, &error)) {
    g_autofree char *message = g_strdup_printf ("%s: %s", path, error->message);
    picture_failed (run, message);
    return g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  }

  Job *job = g_new0 (Job, 1);
  *job = (Job){ .path = path, .width = image.width, .height = image.height };
  if (options.output != NULL)
    job->pixbuf = g_steal_pointer (&pixbuf);
  g_queue_push_tail (&run->jobs, job);
  return TRUE;
}

static void
run_pictures (Run *run)
{
  gboolean usable = TRUE;
  for (guint i = 0; usable && i < run->total; i++)
    usable = start_one (run, options.pictures[i]);
  while (usable && !g_queue_is_empty (&run->jobs))
    usable = finish_one (run);

  clear_progress (run);
  if (!usable && run->done < run->total)
    program_complain ("stopped, %u of %u pictures were not looked at", run->total - run->done, run->total);
  run->failed += run->total - run->done;
}

/* A folder when there are several pictures or when it is one already. */
static gboolean
prepare_output (Run *run, GError **error)
{
  const gboolean is_folder = options.output != NULL && g_file_test (options.output, G_FILE_TEST_IS_DIR);
  if (options.output == NULL || (run->total == 1 && !is_folder))
    return TRUE;

  run->outputs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (g_mkdir_with_parents (options.output, 0777) == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot make the folder '%s': %s", options.output,
               g_strerror (errno));
  return FALSE;
}

/* Options that mean nothing to this model. */
static gboolean
check_task (const CbamModelInfo *info, GError **error)
{
  const char *of_detectors = options.nms_iou != NOT_GIVEN      ? "--nms-iou"
                             : options.nms_across != NOT_GIVEN ? "--nms-across"
                                                               : NULL;

  if (options.grad_cam != NOT_GIVEN && !info->has_grad_cam)
    g_set_error (
        error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
        "--grad-cam: expected a network whose scores are linear in its last map, found '%s', which has a layer "
        "between, or too many channels",
        info->name);
  else if (of_detectors != NULL && strcmp (info->task, "detect") != 0)
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%s: expected a model that can detect, found in '%s' one that can %s", of_detectors, info->name,
                 info->task);
  else
    return TRUE;
  return FALSE;
}

static gboolean
prepare (Run *run, GError **error)
{
  if (!prepare_output (run, error))
    return FALSE;
  const CbamDeviceConfig device_config = { .cpu_threads = (guint) options.cpu_threads };
  g_autoptr (CbamDevice) device = cbam_device_open_configured (options.device, &device_config, error);
  if (device == NULL)
    return FALSE;
  run->model = cbam_model_load (device, options.model, &options.model_config, error);
  if (run->model == NULL)
    return FALSE;
  clamped_tell_of_model (cbam_model_get_info (run->model));
  const CbamDetectorConfig config = { .slots = IN_FLIGHT };
  run->detector = options.profile ? cbam_detector_new_profiled (run->model, &config, error)
                                  : cbam_detector_new (run->model, &config, error);
  if (run->detector == NULL)
    return FALSE;

  if (!check_task (cbam_model_get_info (run->model), error))
    return FALSE;
  if (options.threshold != NOT_GIVEN)
    run->params.threshold = options.threshold > 0 ? (float) options.threshold : -1;
  if (options.nms_iou != NOT_GIVEN)
    run->params.nms_iou = options.nms_iou > 0 ? (float) options.nms_iou : -1;
  if (options.nms_across != NOT_GIVEN)
    run->params.nms_across = options.nms_across > 0 ? (float) options.nms_across : -1;
  if (options.max_detections != NOT_GIVEN)
    run->params.max_detections = options.max_detections > 0 ? (guint) options.max_detections : CBAM_ALL;

  const gboolean wants_attention = options.attention.kind != EXPLAIN_NOTHING;
  run->explanation = options.attention;
  run->params.attention = wants_attention;
  if (options.grad_cam != NOT_GIVEN) {
    run->params.grad_cam = (guint) options.grad_cam;
    if (!wants_attention)
      run->explanation = (Explanation){ .kind = EXPLAIN_GRAD_CAM, .number = (guint) options.grad_cam };
  }
  return !wants_attention || explanation_check_attention (&run->explanation, cbam_model_get_info (run->model),
                                                          options.output != NULL, error);
}

static int
detect_all (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Profile) profile = options.profile ? profile_new () : NULL;
  Run run = { .jobs = G_QUEUE_INIT, .profile = profile, .total = g_strv_length (options.pictures) };
  run.progress_is_live = isatty (STDERR_FILENO);
  run.show_progress = run.total > 10 || (run.total > 1 && run.progress_is_live);

  const gboolean ready = prepare (&run, &error);
  if (ready)
    run_pictures (&run);
  else
    program_complain ("%s", error->message);
  if (ready && profile != NULL)
    profile_print (profile, stderr);

  g_queue_clear_full (&run.jobs, (GDestroyNotify) job_free);
  cbam_detector_unref (run.detector);
  cbam_model_unref (run.model);
  g_clear_pointer (&run.outputs, g_hash_table_unref);
  return ready && run.failed == 0 ? STATUS_OK : STATUS_FAILED;
}

static int
list_devices (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDeviceList) list = cbam_device_list_new (&error);
  if (list == NULL) {
    program_complain ("%s", error->message);
    return STATUS_FAILED;
  }
  for (guint i = 0; i < cbam_device_list_size (list); i++) {
    const CbamDeviceInfo *info = cbam_device_list_get (list, i);
    printf ("%u  %-10s  %s  (%s)\n", info->index, info->type, info->name, info->driver);
  }
  return STATUS_OK;
}

/* A preset by its name, or a file. */
static CbamModel *
load_described (GError **error)
{
  const CbamDeviceConfig device_config = { .cpu_threads = (guint) options.cpu_threads };
  g_autoptr (CbamDevice) device = cbam_device_open_configured (options.device, &device_config, error);

  if (device == NULL)
    return NULL;
  return g_strv_contains (cbam_model_get_presets (), options.describe)
             ? cbam_model_load_preset (device, options.describe, &options.model_config, error)
             : cbam_model_load (device, options.describe, &options.model_config, error);
}

static int
describe_fused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = load_described (&error);

  if (model == NULL) {
    program_complain ("%s", error->message);
    return STATUS_FAILED;
  }
  if (options.json)
    describe_fused_json (stdout, model);
  else
    describe_fused_table (stdout, model);
  return STATUS_OK;
}

static int
describe (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDescription) description = cbam_describe (options.describe, &error);
  if (description == NULL) {
    program_complain ("%s", error->message);
    return STATUS_FAILED;
  }
  if (options.json)
    describe_json (stdout, description);
  else
    describe_table (stdout, description);
  return STATUS_OK;
}

/* Whether an option is given that says how to look at pictures, or pictures are. */
static gboolean
has_detection_options (void)
{
  return options.pictures != NULL || options.output != NULL || options.profile ||
         options.model_config.precision != CBAM_PRECISION_AUTO || options.threshold != NOT_GIVEN ||
         options.nms_iou != NOT_GIVEN || options.nms_across != NOT_GIVEN || options.max_detections != NOT_GIVEN ||
         options.grad_cam != NOT_GIVEN || options.attention.kind != EXPLAIN_NOTHING;
}

/* What is wrong with the options, or %NULL. */
static const char *
check_options (void)
{
  if (options.threshold != NOT_GIVEN && !(options.threshold >= 0 && options.threshold <= 1))
    return "--threshold is a score from 0 to 1";
  if (options.nms_iou != NOT_GIVEN && !(options.nms_iou >= 0 && options.nms_iou <= 1))
    return "--nms-iou is a share from 0 to 1";
  if (options.nms_across != NOT_GIVEN && !(options.nms_across >= 0 && options.nms_across <= 1))
    return "--nms-across is a share from 0 to 1";
  if (options.max_detections != NOT_GIVEN && options.max_detections < 0)
    return "--max-detections is a number from 0 (all)";
  if (options.cpu_threads < 0)
    return "--cpu-threads is a number from 0 (as many as there are processors)";
  if (options.grad_cam != NOT_GIVEN && options.grad_cam < 1)
    return "--grad-cam is a number of detections from 1";
  if (options.check && (has_detection_options () || options.list_devices || options.describe != NULL))
    return "--check goes with --model, --device and --json alone";
  if (options.fused && options.describe == NULL)
    return "--fused goes with --describe";
  if (options.version || options.check || options.list_devices || options.describe != NULL)
    return NULL;
  if (options.pictures == NULL)
    return "say which pictures to look at";

  const gboolean attention = options.attention.kind != EXPLAIN_NOTHING, grad_cam = options.grad_cam != NOT_GIVEN;
  if (attention && options.output == NULL && !options.json)
    return "--attention shows nothing without --output or --json";
  if (grad_cam && options.output == NULL && !options.json)
    return "--grad-cam shows nothing without --output or --json";
  if (attention && grad_cam && options.output != NULL)
    return "--attention and --grad-cam do not go over one picture: leave one out, or --output";
  return NULL;
}

static const char description[] =
    "Examples:\n"
    "  cbam-run --model m.safetensors photo.jpg\n"
    "  cbam-run -m m.safetensors --json *.jpg > found.jsonl\n"
    "  cbam-run -m m.safetensors -o drawn/ a.jpg b.jpg\n"
    "  cbam-run -m m.safetensors --attention mean -o looked-at.png a.jpg\n"
    "  cbam-run -m m.safetensors --grad-cam 1 -o why.png a.jpg\n"
    "  cbam-run --check\n\n"
    "A line of --json is {\"file\", \"width\", \"height\", \"detections\": [{\"label\", \"score\", \"x\", \"y\",\n"
    "\"width\", \"height\"}]} in pixels of the upright picture; null is in the place of what is no finite number.\n"
    "A classifier has \"classes\": [{\"label\", \"class_id\", \"score\"}] instead, best first.\n\n"
    "With --attention it also has \"attention\": [{\"level\", \"width\", \"height\", \"over\", \"min\", \"max\",\n"
    "\"spatial\", \"channel\"}], always of all levels: \"spatial\" is a list of rows of weights from 0 to 1, which\n"
    "lie over the part [x, y, width, height] of the picture, and \"channel\" a list. What a network's attention\n"
    "lacks is left out.\n"
    "With --grad-cam N the first N detections or classes have \"grad_cam\": {\"width\", \"height\", \"over\", "
    "\"values\"}; the\n"
    "values are divided by their largest.\n\n"
    "Exit status: 0, 1 when a picture could not be read, nothing could run or --check found something wrong, 2 for\n"
    "wrong options.\n";

static const Program program = {
  .name = "cbam-run",
  .summary = "Finds objects in pictures with an SSD network, or says what a picture shows with a classifier.",
  .description = description,
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
    else if (options.check)
      status = check_everything (options.model, options.device, options.json, stdout) ? STATUS_OK : STATUS_FAILED;
    else if (options.describe != NULL)
      status = options.fused ? describe_fused () : describe ();
    else
      status = options.list_devices ? list_devices () : detect_all ();
  }
  status = program_end (status);
  g_free (options.model);
  g_free (options.describe);
  g_free (options.device);
  g_free (options.output);
  g_strfreev (options.pictures);
  return status;
}
