/* cbam-eval: how well a model finds what people marked in pictures, measured as Pascal VOC does. Start reading at
 * evaluate().
 *
 * Every model is run with the settings that published figures are measured with, Caffe's, whatever its file says.
 * Pictures go through the device one at a time, so that the time of each is its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attention-auc.h"
#include "curves.h"
#include "devkit.h"
#include "eval-report.h"
#include "label-map.h"
#include "progress.h"
#include "shared/numbers.h"
#include "shared/picture.h"
#include "shared/program.h"

#include <cbamdetect/cbamdetect.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_SPLIT "test"

#define RESAMPLES 1000
#define SEED 20071001

static const CbamDetectParams evaluation_params = {
  .threshold = 0.01f,
  .nms_iou = 0.45f,
  .top_k = 400,
  .max_detections = 200,
  .overlap = CBAM_OVERLAP_FRACTIONS,
};

static struct
{
  int cpu_threads;
  char *model, *device, *split, *map, *detections, *plots;
  char **devkits;
  gboolean json, attention, version;
  double nms_across;
} options = { .nms_across = 1 }; /* none goes */

static const GOptionEntry entries[] = {
  { "model", 'm', 0, G_OPTION_ARG_FILENAME, &options.model,
    "The model file (.safetensors; default: the one that ships with cbamdetect)", "FILE" },
  { "device", 'd', 0, G_OPTION_ARG_STRING, &options.device,
    "Its index, part of its name, cpu (the processor itself) or gpu (default: the best there is)", "DEVICE" },
  { "cpu-threads", 0, 0, G_OPTION_ARG_INT, &options.cpu_threads,
    "Threads where the processor itself computes, 0 = as many processors as it may use (default: 0)", "N" },
  { "split", 's', 0, G_OPTION_ARG_STRING, &options.split,
    "Which pictures: those of ImageSets/Main/SPLIT.txt (default: " DEFAULT_SPLIT ")", "SPLIT" },
  { "map", 0, 0, G_OPTION_ARG_FILENAME, &options.map,
    "What the set calls the model's labels, in lines 'model label = set label'", "NAMES" },
  { "nms-across", 0, 0, G_OPTION_ARG_DOUBLE, &options.nms_across,
    "Leave out boxes that overlap a stronger one of another class by more than this, 0 to 1, which no published figure "
    "does (default: 1, none)",
    "IOU" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "Print one JSON object instead of tables", NULL },
  { "attention", 'a', 0, G_OPTION_ARG_NONE, &options.attention,
    "Measure how well spatial attention tells objects from background", NULL },
  { "plots", 'p', 0, G_OPTION_ARG_FILENAME, &options.plots, "Draw precision-recall curves as SVG files in a folder",
    "DIR" },
  { "detections", 0, 0, G_OPTION_ARG_FILENAME, &options.detections, "Write every detection that was counted to a file",
    "FILE" },
  { "version", 'V', 0, G_OPTION_ARG_NONE, &options.version, "Print the version and exit", NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.devkits, NULL, "DEVKIT..." },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

typedef struct
{
  Devkit *devkit;
  CbamModel *model;
  CbamDetector *detector;
  CbamDetectParams params;
  int *meanings; /* the set's class of each of the model's */
  Evaluation *evaluation;
  AttentionStudy *attention; /* NULL without --attention */
  FILE *detections;          /* NULL without --detections */
  GArray *seconds;           /* double per picture */
} Run;

static const char *const *
class_names (const Run *run)
{
  return (const char *const *) run->devkit->classes->pdata;
}

/* ---- One picture ------------------------------------------------------------------------------------------------ */

/* The engine counts in edges of pixels from 0: a box that covers the third to the fifth pixel starts at 2 and is 3
 * wide. VOC names the first and the last pixel covered, counted from 1: 3 and 5. */
static VocBox
voc_box (const CbamDetection *detection)
{
  return (VocBox){
    .x0 = (double) detection->x + 1,
    .y0 = (double) detection->y + 1,
    .x1 = (double) detection->x + detection->width,
    .y1 = (double) detection->y + detection->height,
  };
}

static void
write_detection (const Run *run, const DevkitPicture *picture, const VocDetection *detection)
{
  const VocBox *box = &detection->box;
  fprintf (run->detections, "%s\t%s\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\n", picture->name,
           class_names (run)[detection->class_id], detection->score, box->x0, box->y0, box->x1, box->y1);
}

static void
count_result (Run *run, const DevkitPicture *picture, const CbamImage *image, const CbamResult *result)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (VocDetection));
  for (gsize i = 0; i < cbam_result_get_n_detections (result); i++) {
    const CbamDetection *d = cbam_result_get_detection (result, i);
    const int meaning = run->meanings[d->class_id];
    if (meaning == LABEL_MEANS_NOTHING)
      continue;
    const VocDetection detection = { voc_box (d), (guint) meaning, d->score };
    g_array_append_val (found, detection);
    if (run->detections != NULL)
      write_detection (run, picture, &detection);
  }
  const VocObject *objects = (const VocObject *) (void *) picture->objects->data;
  const gsize n_objects = picture->objects->len;
  evaluation_add_picture (run->evaluation, objects, n_objects, (const VocDetection *) (void *) found->data, found->len);

  for (gsize i = 0; run->attention != NULL && i < cbam_result_get_n_attention (result); i++) {
    const CbamAttention *attention = cbam_result_get_attention (result, i);
    if (attention->spatial != NULL)
      attention_study_add (run->attention, attention->level, attention->spatial, image->width, image->height, objects,
                           n_objects);
  }
}

static gboolean
look_at (Run *run, DevkitPicture *picture, GError **error)
{
  g_autoptr (GdkPixbuf) pixbuf = picture_load (picture->path, error);
  if (pixbuf == NULL)
    return FALSE;
  const CbamImage image = picture_view (pixbuf);
  if (!devkit_picture_fit (picture, class_names (run), image.width, image.height, error))
    return FALSE;
  g_autoptr (CbamResult) result = NULL;
  if (cbam_detector_submit (run->detector, &image, &run->params, error))
    result = cbam_detector_collect (run->detector, error);
  if (result == NULL) {
    g_prefix_error (error, "%s: ", picture->path);
    return FALSE;
  }
  const double seconds = cbam_result_get_seconds (result);
  g_array_append_val (run->seconds, seconds);
  count_result (run, picture, &image, result);
  return TRUE;
}

static gboolean
look_at_all (Run *run, GError **error)
{
  const GPtrArray *pictures = run->devkit->pictures;
  Progress progress = progress_start ("cbam-eval", pictures->len);
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < pictures->len; i++) {
    ok = look_at (run, g_ptr_array_index (pictures, i), error);
    if (ok)
      progress_step (&progress);
    else
      progress_clear (&progress);
  }
  return ok;
}

/* ---- Before and after ------------------------------------------------------------------------------------------- */

static gboolean
load_model (Run *run, GError **error)
{
  const CbamDeviceConfig device_config = { .cpu_threads = (guint) MAX (options.cpu_threads, 0) };
  g_autoptr (CbamDevice) device = cbam_device_open_configured (options.device, &device_config, error);
  if (device == NULL)
    return FALSE;
  run->model = cbam_model_load (device, options.model, NULL, error);
  if (run->model == NULL)
    return FALSE;
  const CbamModelInfo *info = cbam_model_get_info (run->model);
  if (strcmp (info->task, "detect") != 0) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%s: expected a model that can detect, found one that can %s", info->origin, info->task);
    return FALSE;
  }
  const CbamDetectorConfig config = { .slots = 1 };
  run->detector = cbam_detector_new (run->model, &config, error);
  return run->detector != NULL;
}

/* Says for which classes the model has no label: nothing else in the tables tells why they have not been found. */
static void
report_missing (const Run *run, guint n_labels)
{
  g_autoptr (GString) missing = g_string_new (NULL);
  for (guint i = 0; i < run->devkit->n_classes; i++) {
    gboolean is_meant = FALSE;
    for (guint j = 0; j < n_labels; j++)
      is_meant |= run->meanings[j] == (int) i;
    if (!is_meant)
      g_string_append_printf (missing, "%s'%s'", missing->len > 0 ? ", " : "", class_names (run)[i]);
  }
  if (missing->len > 0)
    program_complain ("no label of the model means the set's %s, so none is found", missing->str);
}

/* It may be that files were renamed, or that annotations lie beside pictures that are not theirs. */
static void
report_renamed (const Devkit *devkit)
{
  if (devkit->n_renamed > 0)
    program_complain ("%u of %u annotations name another picture, the first is %s", devkit->n_renamed,
                      devkit->pictures->len, devkit->renamed);
}

static gboolean
map_labels (Run *run, GError **error)
{
  const guint n_labels = cbam_model_get_info (run->model)->n_classes;
  const char *const *labels = cbam_model_get_info (run->model)->classes;
  run->meanings = label_map_read (options.map, labels, n_labels, class_names (run), error);
  if (run->meanings == NULL)
    return FALSE;
  report_missing (run, n_labels);
  return TRUE;
}

static gboolean
check_attention (const CbamModelInfo *info, GError **error)
{
  if (info->spatial_levels != 0)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
               "--attention: expected a network with spatial attention before its heads, found none in %s", info->name);
  return FALSE;
}

static gboolean
open_detections (Run *run, GError **error)
{
  if (options.detections == NULL)
    return TRUE;
  run->detections = g_fopen (options.detections, "w");
  if (run->detections != NULL)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write '%s': %s", options.detections,
               g_strerror (errno));
  return FALSE;
}

static gboolean
close_detections (Run *run, GError **error)
{
  if (run->detections == NULL)
    return TRUE;
  const gboolean is_whole = !ferror (run->detections);
  if (fclose (g_steal_pointer (&run->detections)) == 0 && is_whole)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, "cannot write '%s' to its end", options.detections);
  return FALSE;
}

static gboolean
prepare (Run *run, GError **error)
{
  run->devkit = devkit_read (options.devkits, options.split, error);
  if (run->devkit == NULL || !load_model (run, error) || !map_labels (run, error))
    return FALSE;
  report_renamed (run->devkit);
  run->evaluation = evaluation_new (run->devkit->n_classes);
  run->seconds = g_array_new (FALSE, FALSE, sizeof (double));
  run->params = evaluation_params;
  run->params.attention = options.attention;
  run->params.nms_across = options.nms_across > 0 ? (float) options.nms_across : -1;
  if (options.attention) {
    run->attention = attention_study_new ();
    if (!check_attention (cbam_model_get_info (run->model), error))
      return FALSE;
  }
  return open_detections (run, error);
}

static gboolean
report (Run *run, GError **error)
{
  const float threshold = cbam_model_get_info (run->model)->threshold;
  g_autoptr (GArray) attention = run->attention != NULL ? attention_study_scores (run->attention) : NULL;
  EvalReport text = {
    .model = cbam_model_get_info (run->model)->name,
    .split = options.split,
    .classes = class_names (run),
    .evaluation = run->evaluation,
    .threshold = threshold,
    .nms_across = options.nms_across,
    .low = NAN,
    .high = NAN,
    .attention = attention,
  };
  evaluation_finish (run->evaluation);
  evaluation_interval (run->evaluation, RESAMPLES, SEED, &text.low, &text.high);
  g_array_sort (run->seconds, by_rising_value);
  text.seconds = g_array_index (run->seconds, double, run->seconds->len / 2);

  if (!close_detections (run, error))
    return FALSE;
  if (options.plots != NULL && !curves_write (options.plots, run->evaluation, text.classes, threshold, error))
    return FALSE;
  if (options.json)
    eval_report_json (stdout, &text);
  else
    eval_report_table (stdout, &text);
  return TRUE;
}

static int
evaluate (void)
{
  g_autoptr (GError) error = NULL;
  Run run = { 0 };
  const gboolean ok = prepare (&run, &error) && look_at_all (&run, &error) && report (&run, &error);
  if (!ok)
    program_complain ("%s", error->message);

  if (run.detections != NULL)
    fclose (run.detections);
  g_clear_pointer (&run.seconds, g_array_unref);
  attention_study_free (run.attention);
  evaluation_free (run.evaluation);
  g_free (run.meanings);
  cbam_detector_unref (run.detector);
  cbam_model_unref (run.model);
  devkit_free (run.devkit);
  return ok ? STATUS_OK : STATUS_FAILED;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static const char description[] =
    "DEVKIT is a folder laid out as VOC2007 of Pascal VOC's devkit is, with JPEGImages/, Annotations/ and\n"
    "ImageSets/Main/, or a folder of such folders; several are evaluated together.\n\n"
    "Examples:\n"
    "  cbam-eval --model m.safetensors VOCdevkit/VOC2007\n"
    "  cbam-eval -m m.safetensors --split val --plots curves/ VOCdevkit\n"
    "  cbam-eval -m coco.safetensors --map coco-to-voc.txt --json VOCdevkit/VOC2007 > result.json\n\n"
    "The classes are those of the split's annotations. A detection is right if it overlaps an object of its class by\n"
    "an intersection over union of 0.5 or more, and is the first to do so; one that overlaps a difficult object most\n"
    "is neither right nor wrong. All models run with the settings of published figures: scores above 0.01, the best\n"
    "400 of each class, non-maximum suppression at 0.45, 200 detections a picture; --nms-across leaves out more.\n"
    "Where scores are equal, the earlier picture counts first. Classes without objects that are not difficult have no\n"
    "average precision, shown as '-', and are not in the mean. The interval tells how much the mean would vary over\n"
    "other pictures of the same kind (1000 resamples). Precision and recall are those at the threshold of the model\n"
    "file.\n\n"
    "A line of --map is 'model label = set label'; '#' begins a comment. Labels without a line mean the class of "
    "their\n"
    "own name; 'label =' means none, and its detections are left out, as are those of labels that the set lacks.\n\n"
    "--json prints {\"model\", \"split\", \"pictures\", \"map_11point\", \"map_area\", \"map_50_95\",\n"
    "\"interval\": [low, high], \"threshold\", \"nms_across\", \"best_f1\": {\"f1\", \"threshold\", \"precision\",\n"
    "\"recall\"}, \"seconds_per_picture\", \"classes\": [{\"name\", \"objects\", \"ap_11point\", \"ap_area\",\n"
    "\"ap_50_95\", \"precision\", \"recall\"}]}, all shares\n"
    "as fractions, and what has no value as null. With --attention it also has \"attention\": [{\"level\", \"width\",\n"
    "\"height\", \"inside\", \"outside\", \"auc\", \"auc_less_mean\", \"border\", \"inner\"}]: the number of cells on "
    "objects\n"
    "and beside them, the chance that one on an object weighs more than one beside, the same after the mean map of "
    "all\n"
    "pictures was subtracted, and the mean map's mean on its outermost cells and within. A map of one cell tells only\n"
    "pictures apart: its two chances are null.\n"
    "--detections writes lines of 'picture class score xmin ymin xmax ymax' with tabs between, in VOC's pixels, which\n"
    "count from 1. With several folders a picture is named FOLDER/PICTURE.\n\n"
    "Exit status: 0, 1 when something could not be read or run, 2 for wrong options.\n";

static const char *
check_options (void)
{
  if (options.split == NULL)
    options.split = g_strdup (DEFAULT_SPLIT);
  if (options.version)
    return NULL;
  if (options.devkits == NULL)
    return "say where the pictures are: DEVKIT";
  if (!(options.nms_across >= 0 && options.nms_across <= 1))
    return "--nms-across is a share from 0 to 1";
  if (*options.split == '\0' || strchr (options.split, G_DIR_SEPARATOR) != NULL)
    return "--split is the name of a list in ImageSets/Main, without .txt";
  return NULL;
}

static const Program program = {
  .name = "cbam-eval",
  .summary = "Measures how well a model finds objects that people marked, as Pascal VOC does.",
  .description = description,
  .entries = entries,
  .check_options = check_options,
};

int
main (int argc, char **argv)
{
  int status = STATUS_USAGE;
  if (program_start (&program, &argc, &argv))
    status = options.version ? program_print_version () : evaluate ();
  status = program_end (status);
  g_free (options.model);
  g_free (options.device);
  g_free (options.split);
  g_free (options.map);
  g_free (options.detections);
  g_free (options.plots);
  g_strfreev (options.devkits);
  return status;
}
