/* How well a detector finds what people marked, measured as Pascal VOC does. Start reading at eval_detector().
 *
 * Every model is run with the settings that published figures are measured with, Caffe's, whatever its file says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detector-eval.h"

#include "attention-auc.h"
#include "curves.h"
#include "devkit.h"
#include "eval-report.h"
#include "found-file.h"
#include "label-map.h"
#include "progress.h"
#include "shared/clamped.h"
#include "shared/numbers.h"
#include "shared/picture.h"
#include "shared/program.h"

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

typedef struct
{
  const EvalOptions *options;
  const char *split;
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
look_at (gpointer data, gpointer item, GError **error)
{
  Run *run = data;
  DevkitPicture *picture = item;
  g_autoptr (GdkPixbuf) pixbuf = picture_load (picture->path, error);
  if (pixbuf == NULL)
    return FALSE;
  const CbamImage image = picture_view (pixbuf);
  if (!devkit_picture_fit (picture, class_names (run), image.width, image.height, error))
    return FALSE;
  g_autoptr (CbamResult) result = cbam_detector_detect (run->detector, &image, &run->params, error);
  if (result == NULL) {
    g_prefix_error (error, "%s: ", picture->path);
    return FALSE;
  }
  clamped_tell_of_result (cbam_model_get_info (run->model), result);
  const double seconds = cbam_result_get_seconds (result);
  g_array_append_val (run->seconds, seconds);
  count_result (run, picture, &image, result);
  return TRUE;
}

/* ---- Before and after ------------------------------------------------------------------------------------------- */

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
  run->meanings = label_map_read (run->options->map, labels, n_labels, class_names (run), error);
  if (run->meanings == NULL)
    return FALSE;
  g_autofree char *missing = label_map_missing (run->meanings, n_labels, class_names (run));
  if (missing != NULL)
    program_complain ("no label of the model means the set's %s, so none is found", missing);
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
prepare (Run *run, GError **error)
{
  run->devkit = devkit_read (run->options->folders, run->split, error);
  if (run->devkit == NULL || !map_labels (run, error))
    return FALSE;
  const CbamDetectorConfig config = { .slots = 1 };
  run->detector = cbam_detector_new (run->model, &config, error);
  if (run->detector == NULL)
    return FALSE;
  report_renamed (run->devkit);
  run->evaluation = evaluation_new (run->devkit->n_classes);
  run->seconds = g_array_new (FALSE, FALSE, sizeof (double));
  run->params = evaluation_params;
  run->params.attention = run->options->attention;
  run->params.nms_across = run->options->nms_across > 0 ? (float) run->options->nms_across : -1;
  if (run->options->attention) {
    run->attention = attention_study_new ();
    if (!check_attention (cbam_model_get_info (run->model), error))
      return FALSE;
  }
  if (run->options->detections != NULL)
    run->detections = found_file_open (run->options->detections, error);
  return run->options->detections == NULL || run->detections != NULL;
}

static gboolean
report (Run *run, GError **error)
{
  const float threshold = cbam_model_get_info (run->model)->threshold;
  g_autoptr (GArray) attention = run->attention != NULL ? attention_study_scores (run->attention) : NULL;
  EvalReport text = {
    .model = cbam_model_get_info (run->model)->name,
    .split = run->split,
    .classes = class_names (run),
    .evaluation = run->evaluation,
    .threshold = threshold,
    .nms_across = run->options->nms_across,
    .low = NAN,
    .high = NAN,
    .attention = attention,
  };
  evaluation_finish (run->evaluation);
  evaluation_interval (run->evaluation, RESAMPLES, SEED, &text.low, &text.high);
  g_array_sort (run->seconds, by_rising_value);
  text.seconds = g_array_index (run->seconds, double, run->seconds->len / 2);

  if (run->detections != NULL &&
      !found_file_close (g_steal_pointer (&run->detections), run->options->detections, error))
    return FALSE;
  if (run->options->plots != NULL &&
      !curves_write (run->options->plots, run->evaluation, text.classes, threshold, error))
    return FALSE;
  if (run->options->json)
    eval_report_json (stdout, &text);
  else
    eval_report_table (stdout, &text);
  return TRUE;
}

gboolean
eval_detector (CbamModel *model, const EvalOptions *options, GError **error)
{
  Run run = {
    .options = options,
    .split = options->split != NULL ? options->split : DEFAULT_SPLIT,
    .model = model,
  };
  const gboolean ok = prepare (&run, error) &&
                      progress_walk ("cbam-eval", run.devkit->pictures, look_at, &run, error) && report (&run, error);

  if (run.detections != NULL)
    fclose (run.detections);
  g_clear_pointer (&run.seconds, g_array_unref);
  attention_study_free (run.attention);
  evaluation_free (run.evaluation);
  g_free (run.meanings);
  cbam_detector_unref (run.detector);
  devkit_free (run.devkit);
  return ok;
}
