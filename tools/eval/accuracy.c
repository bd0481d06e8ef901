/* Counts how often a classifier names the class of a picture.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "accuracy.h"

#include <math.h>

#define Z95 1.959963984540054 /* standard deviations from the mean to the ends of 95 % of a normal distribution */

typedef struct
{
  guint pictures, top1, top5;
} Counts;

struct _Accuracy
{
  guint n_classes, n_labels, n_answers;
  const int *meanings;
  Counts *counts; /* of each class, then of all */
  guint *wrong;   /* n_classes x n_labels: how often the first label was this, and wrong */
};

Accuracy *
accuracy_new (guint n_classes, guint n_labels, guint n_answers, const int *meanings)
{
  Accuracy *accuracy = g_new (Accuracy, 1);
  *accuracy = (Accuracy){
    .n_classes = n_classes,
    .n_labels = n_labels,
    .n_answers = n_answers,
    .meanings = meanings,
    .counts = g_new0 (Counts, n_classes + 1),
    .wrong = g_new0 (guint, (gsize) n_classes * n_labels),
  };
  return accuracy;
}

void
accuracy_free (Accuracy *accuracy)
{
  if (accuracy == NULL)
    return;
  g_free (accuracy->counts);
  g_free (accuracy->wrong);
  g_free (accuracy);
}

void
accuracy_add (Accuracy *accuracy, guint class_id, const guint *labels, guint n)
{
  gboolean is_first = FALSE, is_among = FALSE;
  for (guint i = 0; i < MIN (n, ACCURACY_TOP); i++) {
    const gboolean is_right = accuracy->meanings[labels[i]] == (int) class_id;
    is_first |= is_right && i == 0;
    is_among |= is_right;
  }
  if (n > 0 && !is_first)
    accuracy->wrong[(gsize) class_id * accuracy->n_labels + labels[0]]++;

  Counts *both[] = { &accuracy->counts[class_id], &accuracy->counts[accuracy->n_classes] };
  for (guint i = 0; i < G_N_ELEMENTS (both); i++) {
    both[i]->pictures++;
    both[i]->top1 += (guint) is_first;
    both[i]->top5 += (guint) is_among;
  }
}

static const Counts *
counts_of (const Accuracy *accuracy, guint class_id)
{
  return &accuracy->counts[class_id == ACCURACY_ALL ? accuracy->n_classes : class_id];
}

guint
accuracy_n_classes (const Accuracy *accuracy)
{
  return accuracy->n_classes;
}

guint
accuracy_n_pictures (const Accuracy *accuracy, guint class_id)
{
  return counts_of (accuracy, class_id)->pictures;
}

double
accuracy_top1 (const Accuracy *accuracy, guint class_id)
{
  const Counts *counts = counts_of (accuracy, class_id);
  return (double) counts->top1 / counts->pictures;
}

double
accuracy_top5 (const Accuracy *accuracy, guint class_id)
{
  const Counts *counts = counts_of (accuracy, class_id);
  return accuracy->n_answers > ACCURACY_TOP ? (double) counts->top5 / counts->pictures : NAN;
}

double
accuracy_mean_top1 (const Accuracy *accuracy)
{
  double sum = 0;
  for (guint i = 0; i < accuracy->n_classes; i++)
    sum += accuracy_top1 (accuracy, i);
  return sum / accuracy->n_classes;
}

void
accuracy_interval (double share, guint n, double *low, double *high)
{
  const double z2 = Z95 * Z95, spread = Z95 * sqrt (share * (1 - share) / n + z2 / (4.0 * n * n));
  *low = (share + z2 / (2.0 * n) - spread) / (1 + z2 / n);
  *high = (share + z2 / (2.0 * n) + spread) / (1 + z2 / n);
}

gboolean
accuracy_taken_for (const Accuracy *accuracy, guint class_id, guint *label, guint *times)
{
  const guint *wrong = &accuracy->wrong[(gsize) class_id * accuracy->n_labels];
  *label = 0;
  for (guint i = 1; i < accuracy->n_labels; i++)
    if (wrong[i] > wrong[*label])
      *label = i;
  *times = wrong[*label];
  return *times > 0;
}
