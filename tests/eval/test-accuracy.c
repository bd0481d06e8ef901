/* Top-1, top-5 and their interval, by hand.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "eval/accuracy.h"
#include "eval/label-map.h"

#include <math.h>

#define NOTHING LABEL_MEANS_NOTHING

static void
assert_near (double ours, double theirs)
{
  if (!(fabs (ours - theirs) < 1e-6))
    g_error ("%.9g instead of %.9g", ours, theirs);
}

/* Seven labels, of which two mean the first class and one means nothing; three classes. */
static const int meanings[] = { 0, 1, 2, 0, NOTHING, 1, 2 };

static void
test_counts (void)
{
  static const struct
  {
    guint class_id, n, labels[6];
  } pictures[] = {
    { 0, 5, { 0, 1, 2, 4, 5 } },    /* first */
    { 0, 5, { 3, 1, 2, 4, 5 } },    /* first, by another label */
    { 0, 5, { 1, 2, 4, 5, 3 } },    /* fifth */
    { 0, 6, { 1, 2, 4, 5, 6, 3 } }, /* sixth, which is too late */
    { 1, 5, { 4, 1, 0, 2, 3 } },    /* second, after what means nothing */
    { 1, 5, { 4, 0, 2, 3, 6 } },    /* not at all */
    { 1, 5, { 2, 0, 4, 3, 6 } },
    { 2, 1, { 6 } },
    { 2, 0, { 0 } }, /* a model that has no answer */
    { 2, 1, { 2 } },
  };
  g_autoptr (Accuracy) accuracy = accuracy_new (3, G_N_ELEMENTS (meanings), 6, meanings);
  guint label, times;

  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    accuracy_add (accuracy, pictures[i].class_id, pictures[i].labels, pictures[i].n);
  g_assert_cmpuint (accuracy_n_classes (accuracy), ==, 3);
  g_assert_cmpuint (accuracy_n_pictures (accuracy, ACCURACY_ALL), ==, 10);
  g_assert_cmpuint (accuracy_n_pictures (accuracy, 1), ==, 3);
  assert_near (accuracy_top1 (accuracy, 0), 2.0 / 4);
  assert_near (accuracy_top5 (accuracy, 0), 3.0 / 4);
  assert_near (accuracy_top1 (accuracy, 1), 0);
  assert_near (accuracy_top5 (accuracy, 1), 1.0 / 3);
  assert_near (accuracy_top1 (accuracy, 2), 2.0 / 3);
  assert_near (accuracy_top1 (accuracy, ACCURACY_ALL), 4.0 / 10);
  assert_near (accuracy_top5 (accuracy, ACCURACY_ALL), 6.0 / 10);
  assert_near (accuracy_mean_top1 (accuracy), (0.5 + 0 + 2.0 / 3) / 3);

  g_assert_true (accuracy_taken_for (accuracy, 0, &label, &times));
  g_assert_cmpuint (label, ==, 1);
  g_assert_cmpuint (times, ==, 2);
  g_assert_true (accuracy_taken_for (accuracy, 1, &label, &times));
  g_assert_cmpuint (label, ==, 4);
  g_assert_cmpuint (times, ==, 2);
  g_assert_false (accuracy_taken_for (accuracy, 2, &label, &times));
  g_assert_cmpuint (times, ==, 0);
}

static void
test_few_labels (void)
{
  static const guint labels[] = { 1, 0, 2 };
  g_autoptr (Accuracy) accuracy = accuracy_new (3, G_N_ELEMENTS (meanings), 5, meanings);

  accuracy_add (accuracy, 0, labels, G_N_ELEMENTS (labels));
  g_assert_true (isnan (accuracy_top5 (accuracy, 0)));
  accuracy_free (NULL);
}

/* Against the formula's values as textbooks have them. */
static void
test_interval (void)
{
  static const struct
  {
    double share;
    guint n;
    double low, high;
  } cases[] = {
    { 0.5, 10, 0.236593, 0.763407 },
    { 0, 20, 0, 0.161125 },
    { 1, 20, 0.838875, 1 },
    { 0.9, 1000, 0.879848, 0.917091 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    double low, high;
    accuracy_interval (cases[i].share, cases[i].n, &low, &high);
    assert_near (low, cases[i].low);
    assert_near (high, cases[i].high);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/eval/accuracy/counts", test_counts);
  g_test_add_func ("/eval/accuracy/few-labels", test_few_labels);
  g_test_add_func ("/eval/accuracy/interval", test_interval);
  return g_test_run ();
}
