/* Ranks the classes of a classifier's frame: scores -> softmax or sigmoid -> the best of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "classes.h"

#include <math.h>

#include "explain.h"
#include "result.h"

/* In place. What comes of numbers that are none is none. */
static void
softmax (float *scores, guint n)
{
  float largest = scores[0];
  double sum = 0;

  for (guint k = 1; k < n; k++)
    largest = MAX (largest, scores[k]);
  for (guint k = 0; k < n; k++)
    sum += exp ((double) scores[k] - largest);
  for (guint k = 0; k < n; k++)
    scores[k] = (float) (exp ((double) scores[k] - largest) / sum);
}

static void
sigmoid (float *scores, guint n)
{
  for (guint k = 0; k < n; k++)
    scores[k] = (float) (1 / (1 + exp (-(double) scores[k])));
}

static float *
read_scores (const CbamModel *model, const CbamFlight *flight)
{
  const CbamValue *value = cbam_levels_of (model->program->plan->graph)->scores;
  float *scores = g_new (float, value->channels);

  cbam_value_read_image (value, cbam_slot_get (flight->slot, value), flight->image, scores);
  if (model->spec->output.score == CBAM_SCORE_SOFTMAX)
    softmax (scores, value->channels);
  else
    sigmoid (scores, value->channels);
  return scores;
}

/* By falling score, and of the same score by rising number. */
static int
compare (gconstpointer a, gconstpointer b)
{
  const CbamClass *x = a, *y = b;

  if (x->score != y->score)
    return x->score < y->score ? 1 : -1;
  return x->class_id < y->class_id ? -1 : 1;
}

/* Those above the threshold that are ever reported, and asked for, best first. Unwanted are those that would have been
 * among as many. */
static void
rank (CbamResult *result, const CbamSpec *spec, const CbamFlight *flight, const float *scores)
{
  const CbamDetectParams *params = &flight->params;
  const CbamOutputSpec *output = &spec->output;
  const guint most = params->max_detections > 0 ? params->max_detections : G_MAXUINT;
  const gboolean selects = cbam_flight_selects (flight);
  guint n = 0;

  result->classes = g_new0 (CbamClass, output->n_classes);
  for (guint k = 0; k < output->n_classes; k++) {
    if (!cbam_output_spec_reports (output, k))
      continue;
    if (scores[k] > result->best_score) /* what is no number is passed over */
      result->best_score = scores[k];
    if (scores[k] > params->threshold)
      result->classes[n++] = (CbamClass){ .label = output->classes[k], .class_id = k, .score = scores[k] };
  }
  qsort (result->classes, n, sizeof (CbamClass), compare);
  for (guint i = 0; i < n && result->n_classes < most; i++)
    if (!selects || cbam_flight_wants (flight, result->classes[i].class_id))
      result->classes[result->n_classes++] = result->classes[i];
    else
      result->n_unwanted += i < most ? 1 : 0;
  result->classes = g_renew (CbamClass, result->classes, MAX (result->n_classes, 1)); /* results may be kept for long */
}

CbamResult *
cbam_classes_read (CbamModel *model, CbamFlight *flight, GError **error)
{
  g_autofree float *scores = read_scores (model, flight);
  g_autoptr (CbamResult) result = cbam_result_new (model, 0);

  rank (result, model->spec, flight, scores);
  result->seconds = (double) (g_get_monotonic_time () - flight->submitted) * 1e-6;
  if (flight->params.attention)
    cbam_explain_attention (model, flight, result);
  if (!cbam_explain_classes (model, flight, result, error))
    return NULL;
  return g_steal_pointer (&result);
}
