/* What cbam-eval says at the end: tables for people, or one JSON object for programs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "eval-report.h"

#include "attention-auc.h"
#include "shared/json-text.h"

#include <math.h>
#include <string.h>

/* A share in per cent, or a dash, in a column of 9. */
static void
print_percent (FILE *out, double share)
{
  if (isnan (share))
    fprintf (out, "%9s", "-");
  else
    fprintf (out, "%9.1f", 100 * share);
}

static void
print_number (FILE *out, double value)
{
  if (isnan (value))
    fprintf (out, "%9s", "-");
  else
    fprintf (out, "%9.3f", value);
}

/* A folder's name need not be UTF-8. */
static int
columns_of (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  return (int) g_utf8_strlen (valid, -1);
}

/* The columns that the longest of @names (up to %NULL) needs, at least @least. */
static int
name_width_of (const char *const *names, int least)
{
  int width = least;
  for (guint i = 0; names[i] != NULL; i++)
    width = MAX (width, columns_of (names[i]));
  return width;
}

static void
print_name (FILE *out, const char *name, int width)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  fprintf (out, "%s%*s", valid, width - columns_of (name), "");
}

/* ---- Detectors -------------------------------------------------------------------------------------------------- */

static void
print_classes (FILE *out, const EvalReport *report)
{
  const Evaluation *evaluation = report->evaluation;
  const guint n_classes = evaluation_n_classes (evaluation);
  const int name_width = name_width_of (report->classes, 5);
  guint n_objects = 0;

  fprintf (out, "%-*s%9s%9s%9s%9s   at %.2f:%10s%9s\n", name_width, "class", "objects", "11-point", "area", "50:95",
           report->threshold, "precision", "recall");
  for (guint i = 0; i < n_classes; i++) {
    const OperatingPoint point = evaluation_at (evaluation, i, report->threshold);
    print_name (out, report->classes[i], name_width);
    fprintf (out, "%9u", evaluation_n_objects (evaluation, i));
    for (ApMeasure measure = AP_11_POINT; measure <= AP_50_95; measure++)
      print_percent (out, evaluation_average_precision (evaluation, i, measure));
    fprintf (out, "%12s", "");
    print_percent (out, point.precision);
    print_percent (out, point.recall);
    fputc ('\n', out);
    n_objects += evaluation_n_objects (evaluation, i);
  }
  fprintf (out, "%-*s%9u", name_width, "mean", n_objects);
  for (ApMeasure measure = AP_11_POINT; measure <= AP_50_95; measure++)
    print_percent (out, evaluation_mean_average_precision (evaluation, measure));
  fputc ('\n', out);
}

static void
print_attention (FILE *out, const GArray *attention)
{
  fprintf (out, "\nspatial attention: area under the ROC curve, cells on objects against cells beside them\n"
                "level      map      raw  less the   ring    within\n"
                "                           mean map\n");
  for (guint i = 0; i < attention->len; i++) {
    const AttentionScore *score = &g_array_index (attention, AttentionScore, i);
    g_autofree char *size = g_strdup_printf ("%ux%u", score->width, score->height);
    fprintf (out, "%5u%9s", score->level, size);
    print_number (out, score->auc);
    print_number (out, score->auc_less_mean);
    print_number (out, score->border);
    print_number (out, score->inner);
    fputc ('\n', out);
  }
}

void
eval_report_table (FILE *out, const EvalReport *report)
{
  const Evaluation *evaluation = report->evaluation;
  const OperatingPoint best = evaluation_best_f1 (evaluation);
  fprintf (out, "%s on %u pictures of split %s\n\n", report->model, evaluation_n_pictures (evaluation), report->split);
  print_classes (out, report);

  fprintf (out, "\nmean average precision, IoU 0.5, 11-point   %.1f %%",
           100 * evaluation_mean_average_precision (evaluation, AP_11_POINT));
  if (!isnan (report->low))
    fprintf (out, "   (95 %% interval %.1f to %.1f, pictures resampled)", 100 * report->low, 100 * report->high);
  fprintf (out,
           "\nmean average precision, IoU 0.5, area       %.1f %%\n"
           "mean average precision, IoU 0.50:0.95, area %.1f %%\n",
           100 * evaluation_mean_average_precision (evaluation, AP_AREA),
           100 * evaluation_mean_average_precision (evaluation, AP_50_95));
  if (!isnan (best.threshold))
    fprintf (out, "best F1 of all classes together %.3f at threshold %.3f: precision %.1f %%, recall %.1f %%\n",
             best.f1, best.threshold, 100 * best.precision, 100 * best.recall);
  if (!isnan (report->seconds))
    fprintf (out,
             "time per picture %.1f ms (median from the decoded picture to its sorted detections, one at a time)\n",
             1e3 * report->seconds);
  if (report->nms_across < 1)
    fprintf (out,
             "without boxes that overlap a stronger one of another class by more than %.2f; published figures have "
             "these\n",
             report->nms_across);
  if (report->attention != NULL)
    print_attention (out, report->attention);
}

static void
append_classes (GString *json, const EvalReport *report)
{
  json_open (json, "classes", '[');
  for (guint i = 0; i < evaluation_n_classes (report->evaluation); i++) {
    const OperatingPoint point = evaluation_at (report->evaluation, i, report->threshold);
    json_open (json, NULL, '{');
    json_add_string (json, "name", report->classes[i]);
    json_add_count (json, "objects", evaluation_n_objects (report->evaluation, i));
    json_add_double (json, "ap_11point", evaluation_average_precision (report->evaluation, i, AP_11_POINT));
    json_add_double (json, "ap_area", evaluation_average_precision (report->evaluation, i, AP_AREA));
    json_add_double (json, "ap_50_95", evaluation_average_precision (report->evaluation, i, AP_50_95));
    json_add_double (json, "precision", point.precision);
    json_add_double (json, "recall", point.recall);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
}

static void
append_attention (GString *json, const GArray *attention)
{
  json_open (json, "attention", '[');
  for (guint i = 0; i < attention->len; i++) {
    const AttentionScore *score = &g_array_index (attention, AttentionScore, i);
    json_open (json, NULL, '{');
    json_add_count (json, "level", score->level);
    json_add_count (json, "width", score->width);
    json_add_count (json, "height", score->height);
    json_add_count (json, "inside", score->inside);
    json_add_count (json, "outside", score->outside);
    json_add_double (json, "auc", score->auc);
    json_add_double (json, "auc_less_mean", score->auc_less_mean);
    json_add_double (json, "border", score->border);
    json_add_double (json, "inner", score->inner);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
}

void
eval_report_json (FILE *out, const EvalReport *report)
{
  const Evaluation *evaluation = report->evaluation;
  const OperatingPoint best = evaluation_best_f1 (evaluation);
  g_autoptr (GString) json = g_string_new ("{");
  json_add_string (json, "model", report->model);
  json_add_string (json, "split", report->split);
  json_add_count (json, "pictures", evaluation_n_pictures (evaluation));
  json_add_double (json, "map_11point", evaluation_mean_average_precision (evaluation, AP_11_POINT));
  json_add_double (json, "map_area", evaluation_mean_average_precision (evaluation, AP_AREA));
  json_add_double (json, "map_50_95", evaluation_mean_average_precision (evaluation, AP_50_95));
  json_open (json, "interval", '[');
  json_add_double (json, NULL, report->low);
  json_add_double (json, NULL, report->high);
  g_string_append_c (json, ']');
  json_add_double (json, "threshold", report->threshold);
  json_add_double (json, "nms_across", report->nms_across);
  json_open (json, "best_f1", '{');
  json_add_double (json, "f1", best.f1);
  json_add_double (json, "threshold", best.threshold);
  json_add_double (json, "precision", best.precision);
  json_add_double (json, "recall", best.recall);
  g_string_append_c (json, '}');
  json_add_double (json, "seconds_per_picture", report->seconds);
  append_classes (json, report);
  if (report->attention != NULL)
    append_attention (json, report->attention);
  fprintf (out, "%s}\n", json->str);
}

/* ---- Classifiers ------------------------------------------------------------------------------------------------ */

void
accuracy_report_table (FILE *out, const AccuracyReport *report)
{
  const Accuracy *accuracy = report->accuracy;
  const guint n_pictures = accuracy_n_pictures (accuracy, ACCURACY_ALL);
  const int name_width = name_width_of (report->classes, 15); /* "mean of classes" */
  double low, high;

  fprintf (out, "%s on %u pictures", report->model, n_pictures);
  if (report->split != NULL)
    fprintf (out, " of split %s", report->split);
  fprintf (out, "\n\n%-*s%9s%9s%9s   most often taken for\n", name_width, "class", "pictures", "top-1", "top-5");
  for (guint i = 0; i < accuracy_n_classes (accuracy); i++) {
    guint label, times;
    print_name (out, report->classes[i], name_width);
    fprintf (out, "%9u", accuracy_n_pictures (accuracy, i));
    print_percent (out, accuracy_top1 (accuracy, i));
    print_percent (out, accuracy_top5 (accuracy, i));
    if (accuracy_taken_for (accuracy, i, &label, &times))
      fprintf (out, "   %s (%u)", report->labels[label], times);
    fputc ('\n', out);
  }
  fprintf (out, "%-*s%9s", name_width, "mean of classes", "");
  print_percent (out, accuracy_mean_top1 (accuracy));

  const double top1 = accuracy_top1 (accuracy, ACCURACY_ALL), top5 = accuracy_top5 (accuracy, ACCURACY_ALL);
  accuracy_interval (top1, n_pictures, &low, &high);
  fprintf (out, "\n\ntop-1 accuracy %.1f %%   (95 %% interval %.1f to %.1f)\n", 100 * top1, 100 * low, 100 * high);
  if (!isnan (top5))
    fprintf (out, "top-5 accuracy %.1f %%\n", 100 * top5);
  fprintf (out, "time per picture %.1f ms (median from the decoded picture to its classes, one at a time)\n",
           1e3 * report->seconds);
}

static void
append_accuracies (GString *json, const AccuracyReport *report)
{
  json_open (json, "classes", '[');
  for (guint i = 0; i < accuracy_n_classes (report->accuracy); i++) {
    guint label, times;
    const gboolean is_any = accuracy_taken_for (report->accuracy, i, &label, &times);
    json_open (json, NULL, '{');
    json_add_string (json, "name", report->classes[i]);
    json_add_count (json, "pictures", accuracy_n_pictures (report->accuracy, i));
    json_add_double (json, "top1", accuracy_top1 (report->accuracy, i));
    json_add_double (json, "top5", accuracy_top5 (report->accuracy, i));
    json_add_string (json, "taken_for", is_any ? report->labels[label] : NULL);
    json_add_count (json, "taken_for_times", times);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
}

void
accuracy_report_json (FILE *out, const AccuracyReport *report)
{
  const Accuracy *accuracy = report->accuracy;
  const guint n_pictures = accuracy_n_pictures (accuracy, ACCURACY_ALL);
  const double top1 = accuracy_top1 (accuracy, ACCURACY_ALL);
  double low, high;
  g_autoptr (GString) json = g_string_new ("{");
  accuracy_interval (top1, n_pictures, &low, &high);
  json_add_string (json, "model", report->model);
  json_add_string (json, "split", report->split);
  json_add_count (json, "pictures", n_pictures);
  json_add_double (json, "top1", top1);
  json_open (json, "interval", '[');
  json_add_double (json, NULL, low);
  json_add_double (json, NULL, high);
  g_string_append_c (json, ']');
  json_add_double (json, "top5", accuracy_top5 (accuracy, ACCURACY_ALL));
  json_add_double (json, "mean_top1", accuracy_mean_top1 (accuracy));
  json_add_double (json, "seconds_per_picture", report->seconds);
  append_accuracies (json, report);
  fprintf (out, "%s}\n", json->str);
}
