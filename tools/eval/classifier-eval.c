/* How often a classifier names what pictures show. Start reading at eval_classifier().
 *
 * Every picture is cut and resized as the model file says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "classifier-eval.h"

#include "accuracy.h"
#include "class-folders.h"
#include "eval-report.h"
#include "found-file.h"
#include "label-map.h"
#include "progress.h"
#include "shared/clamped.h"
#include "shared/numbers.h"
#include "shared/picture.h"
#include "shared/program.h"

static const CbamDetectParams best_five = {
  .threshold = -1, /* however unsure it is */
  .max_detections = ACCURACY_TOP,
};

typedef struct
{
  const EvalOptions *options;
  CbamModel *model;
  CbamDetector *classifier;
  ClassFolders *set;
  int *meanings; /* the set's class of each of the model's labels */
  Accuracy *accuracy;
  FILE *found;     /* NULL without --detections */
  GArray *seconds; /* double per picture */
} Run;

static const char *const *
class_names (const Run *run)
{
  return (const char *const *) run->set->classes->pdata;
}

static void
count_result (Run *run, const ClassPicture *picture, const CbamResult *result)
{
  guint labels[ACCURACY_TOP];
  const guint n = (guint) cbam_result_get_n_classes (result);
  for (guint i = 0; i < n; i++) {
    const CbamClass *found = cbam_result_get_class (result, i);
    labels[i] = found->class_id;
    if (run->found != NULL)
      fprintf (run->found, "%s\t%s\t%.9g\n", picture->name, found->label, found->score);
  }
  accuracy_add (run->accuracy, picture->class_id, labels, n);
}

static gboolean
look_at (gpointer data, gpointer item, GError **error)
{
  Run *run = data;
  const ClassPicture *picture = item;
  g_autoptr (GdkPixbuf) pixbuf = picture_load (picture->path, error);
  if (pixbuf == NULL)
    return FALSE;
  const CbamImage image = picture_view (pixbuf);
  g_autoptr (CbamResult) result = cbam_detector_detect (run->classifier, &image, &best_five, error);
  if (result == NULL) {
    g_prefix_error (error, "%s: ", picture->path);
    return FALSE;
  }
  clamped_tell_of_result (cbam_model_get_info (run->model), result);
  const double seconds = cbam_result_get_seconds (result);
  g_array_append_val (run->seconds, seconds);
  count_result (run, picture, result);
  return TRUE;
}

/* ---- Before and after ------------------------------------------------------------------------------------------- */

static gboolean
check_options (const EvalOptions *options, const CbamModelInfo *info, GError **error)
{
  const char *wrong = options->attention        ? "--attention"
                      : options->plots != NULL  ? "--plots"
                      : options->nms_across < 1 ? "--nms-across"
                                                : NULL;
  if (wrong == NULL)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
               "%s: expected a model that can detect, found in %s one that "
               "can %s",
               wrong, info->origin, info->task);
  return FALSE;
}

/* A background and gaps in the list are never answered. Returns how many labels are. */
static guint
leave_out_unreported (Run *run, const CbamModelInfo *info)
{
  guint n = 0;
  for (guint i = 0; i < info->n_classes; i++)
    if ((info->reported[i / 32] >> (i % 32) & 1) != 0)
      n++;
    else
      run->meanings[i] = LABEL_MEANS_NOTHING;
  return n;
}

static gboolean
prepare (Run *run, GError **error)
{
  const CbamModelInfo *info = cbam_model_get_info (run->model);
  if (!check_options (run->options, info, error))
    return FALSE;
  run->set = class_folders_read (run->options->folders, run->options->split, error);
  if (run->set == NULL)
    return FALSE;
  run->meanings = label_map_read (run->options->map, info->classes, info->n_classes, class_names (run), error);
  if (run->meanings == NULL)
    return FALSE;
  const guint n_answers = leave_out_unreported (run, info);
  const CbamDetectorConfig config = { .slots = 1 };
  run->classifier = cbam_detector_new (run->model, &config, error);
  if (run->classifier == NULL)
    return FALSE;
  g_autofree char *missing = label_map_missing (run->meanings, info->n_classes, class_names (run));
  if (missing != NULL)
    program_complain ("no label of the model means the set's %s, so none of them is right", missing);
  run->accuracy = accuracy_new (run->set->n_classes, info->n_classes, n_answers, run->meanings);
  run->seconds = g_array_new (FALSE, FALSE, sizeof (double));
  if (run->options->detections != NULL)
    run->found = found_file_open (run->options->detections, error);
  return run->options->detections == NULL || run->found != NULL;
}

static gboolean
report (Run *run, GError **error)
{
  const CbamModelInfo *info = cbam_model_get_info (run->model);
  g_array_sort (run->seconds, by_rising_value);
  const AccuracyReport text = {
    .model = info->name,
    .split = run->options->split,
    .classes = class_names (run),
    .labels = info->classes,
    .accuracy = run->accuracy,
    .seconds = g_array_index (run->seconds, double, run->seconds->len / 2),
  };
  if (run->found != NULL && !found_file_close (g_steal_pointer (&run->found), run->options->detections, error))
    return FALSE;
  if (run->options->json)
    accuracy_report_json (stdout, &text);
  else
    accuracy_report_table (stdout, &text);
  return TRUE;
}

gboolean
eval_classifier (CbamModel *model, const EvalOptions *options, GError **error)
{
  Run run = { .options = options, .model = model };
  const gboolean ok = prepare (&run, error) && progress_walk ("cbam-eval", run.set->pictures, look_at, &run, error) &&
                      report (&run, error);

  if (run.found != NULL)
    fclose (run.found);
  g_clear_pointer (&run.seconds, g_array_unref);
  accuracy_free (run.accuracy);
  g_free (run.meanings);
  cbam_detector_unref (run.classifier);
  class_folders_free (run.set);
  return ok;
}
