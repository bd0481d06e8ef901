/* Tests of average precision: cases worked by hand.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "eval/average-precision.h"

#define EXACT 1e-12

/* Ten pixels by ten, from column @x on. */
#define AT(x)                                                                                                          \
  {                                                                                                                    \
    (x), 1, (x) + 9, 10                                                                                                \
  }

static VocObject
object (VocBox box, guint class_id, gboolean is_difficult)
{
  return (VocObject){ box, class_id, is_difficult };
}

static VocDetection
found (float score, VocBox box)
{
  return (VocDetection){ box, 0, score };
}

/* One picture of class 0 only. */
static Evaluation *
evaluate_one (const VocObject *objects, gsize n_objects, const VocDetection *detections, gsize n_detections)
{
  Evaluation *evaluation = evaluation_new (1);

  evaluation_add_picture (evaluation, objects, n_objects, detections, n_detections);
  evaluation_finish (evaluation);
  return evaluation;
}

static void
assert_ap (const Evaluation *evaluation, double eleven_point, double area)
{
  g_assert_cmpfloat_with_epsilon (evaluation_average_precision (evaluation, 0, AP_11_POINT), eleven_point, EXACT);
  g_assert_cmpfloat_with_epsilon (evaluation_average_precision (evaluation, 0, AP_AREA), area, EXACT);
}

static void
test_all_found (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (101), 0, FALSE) };
  const VocDetection detections[] = { found (0.9f, objects[1].box), found (0.8f, objects[0].box) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 2, detections, 2);

  assert_ap (evaluation, 1, 1);
  g_assert_cmpfloat_with_epsilon (evaluation_average_precision (evaluation, 0, AP_50_95), 1, EXACT);
  g_assert_cmpuint (evaluation_n_objects (evaluation, 0), ==, 2);
  g_assert_cmpuint (evaluation_n_pictures (evaluation), ==, 1);
}

/* Right, wrong, right of four objects: precision 1 up to recall 1/4, then 2/3 up to 1/2. Recalls 0, 0.1, 0.2 have the
 * 1, recalls 0.3, 0.4, 0.5 the 2/3. */
static void
test_by_hand (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (101), 0, FALSE),
                                object ((VocBox) AT (201), 0, FALSE), object ((VocBox) AT (301), 0, FALSE) };
  const VocDetection detections[] = { found (0.9f, objects[0].box), found (0.8f, (VocBox) AT (901)),
                                      found (0.7f, objects[3].box) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 4, detections, 3);
  g_autoptr (GArray) curve = evaluation_curve (evaluation, 0);
  const double recalls[] = { 0.25, 0.25, 0.5 }, precisions[] = { 1, 0.5, 2 / 3.0 };

  assert_ap (evaluation, (3 * 1 + 3 * 2 / 3.0) / 11, (1 + 2 / 3.0) / 4);
  g_assert_cmpuint (curve->len, ==, 3);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpfloat_with_epsilon (g_array_index (curve, CurvePoint, i).recall, recalls[i], EXACT);
    g_assert_cmpfloat_with_epsilon (g_array_index (curve, CurvePoint, i).precision, precisions[i], EXACT);
    g_assert_cmpfloat (g_array_index (curve, CurvePoint, i).score, ==, detections[i].score);
  }
}

/* Three of ten is a recall of 0.3, whatever 3 * 0.1 is in doubles. */
static void
test_recall_is_exact (void)
{
  VocObject objects[10];
  VocDetection detections[3];
  g_autoptr (Evaluation) evaluation = NULL;

  for (guint i = 0; i < 10; i++)
    objects[i] = object ((VocBox) AT (1 + 100 * i), 0, FALSE);
  for (guint i = 0; i < 3; i++)
    detections[i] = found (0.9f, objects[i].box);
  evaluation = evaluate_one (objects, 10, detections, 3);
  assert_ap (evaluation, 4 / 11.0, 0.3);
}

/* The second detection of an object is wrong, the stronger one first whatever the order given. */
static void
test_duplicate (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (101), 0, FALSE) };
  const VocDetection detections[] = { found (0.5f, objects[0].box), found (0.9f, objects[0].box),
                                      found (0.3f, objects[1].box) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 2, detections, 3);

  assert_ap (evaluation, (6 * 1 + 5 * 2 / 3.0) / 11, (1 + 2 / 3.0) / 2);
}

/* A detection goes to the object it overlaps most and, that one being taken, does not try the next. */
static void
test_best_object_only (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (3), 0, FALSE) };
  const VocDetection detections[] = { found (0.9f, objects[0].box), found (0.8f, objects[0].box) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 2, detections, 2);

  assert_ap (evaluation, 6 / 11.0, 0.5);
}

/* Difficult objects: finding them counts for nothing, twice too, and they are not missed. */
static void
test_difficult (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, TRUE), object ((VocBox) AT (101), 0, FALSE) };
  const VocDetection detections[] = { found (0.9f, objects[0].box), found (0.8f, objects[0].box),
                                      found (0.7f, objects[1].box) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 2, detections, 3);
  g_autoptr (GArray) curve = evaluation_curve (evaluation, 0);

  assert_ap (evaluation, 1, 1);
  g_assert_cmpuint (evaluation_n_objects (evaluation, 0), ==, 1);
  g_assert_cmpuint (curve->len, ==, 1);
}

/* The best object is difficult: the detection counts for nothing though it overlaps another one by enough, which is
 * then missed. */
static void
test_difficult_takes_part (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, TRUE), object ((VocBox) AT (3), 0, FALSE) };
  const VocDetection detections[] = { found (0.9f, objects[0].box) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 2, detections, 1);
  const OperatingPoint point = evaluation_at (evaluation, 0, 0);

  assert_ap (evaluation, 0, 0);
  g_assert_true (isnan (point.precision));
  g_assert_cmpfloat (point.recall, ==, 0);
}

/* Two boxes in one place, one of them difficult: the first is the one that is found. */
static void
test_equal_overlaps (void)
{
  const VocObject easy = object ((VocBox) AT (1), 0, FALSE), difficult = object ((VocBox) AT (1), 0, TRUE);
  const VocObject easy_first[] = { easy, difficult }, difficult_first[] = { difficult, easy };
  const VocDetection detection = found (0.9f, easy.box);
  g_autoptr (Evaluation) a = evaluate_one (easy_first, 2, &detection, 1);
  g_autoptr (Evaluation) b = evaluate_one (difficult_first, 2, &detection, 1);

  assert_ap (a, 1, 1);
  assert_ap (b, 0, 0);
}

/* Five pixels of ten are one half exactly, which is enough. */
static void
test_one_half_is_enough (void)
{
  const VocObject whole = object ((VocBox){ 1, 1, 10, 1 }, 0, FALSE);
  const VocDetection half = found (0.9f, (VocBox){ 1, 1, 5, 1 }), less = found (0.9f, (VocBox){ 1, 1, 4.9, 1 });
  g_autoptr (Evaluation) enough = evaluate_one (&whole, 1, &half, 1);
  g_autoptr (Evaluation) too_little = evaluate_one (&whole, 1, &less, 1);

  assert_ap (enough, 1, 1);
  assert_ap (too_little, 0, 0);
  /* At 0.55 and above it is not. */
  g_assert_cmpfloat_with_epsilon (evaluation_average_precision (enough, 0, AP_50_95), 0.1, EXACT);
}

/* An overlap of 0.75 passes at 0.5, 0.55, 0.6, 0.65, 0.7 and 0.75: six of ten. */
static void
test_strict_overlaps (void)
{
  const VocObject whole = object ((VocBox){ 1, 1, 4, 1 }, 0, FALSE);
  const VocDetection most = found (0.9f, (VocBox){ 1, 1, 3, 1 });
  g_autoptr (Evaluation) evaluation = evaluate_one (&whole, 1, &most, 1);

  g_assert_cmpfloat_with_epsilon (evaluation_average_precision (evaluation, 0, AP_50_95), 0.6, EXACT);
}

/* Of equal scores the one that came first counts first: in one picture, and from picture to picture. */
static void
test_equal_scores (void)
{
  const VocObject there = object ((VocBox) AT (1), 0, FALSE);
  const VocDetection right = found (0.5f, there.box), wrong = found (0.5f, (VocBox) AT (101));
  const VocDetection right_first[] = { right, wrong }, wrong_first[] = { wrong, right };
  g_autoptr (Evaluation) a = evaluate_one (&there, 1, right_first, 2), b = evaluate_one (&there, 1, wrong_first, 2);
  g_autoptr (Evaluation) c = evaluation_new (1), d = evaluation_new (1);

  assert_ap (a, 1, 1);
  assert_ap (b, 0.5, 0.5);
  evaluation_add_picture (c, &there, 1, &right, 1);
  evaluation_add_picture (c, NULL, 0, &wrong, 1);
  evaluation_finish (c);
  assert_ap (c, 1, 1);
  evaluation_add_picture (d, NULL, 0, &wrong, 1);
  evaluation_add_picture (d, &there, 1, &right, 1);
  evaluation_finish (d);
  assert_ap (d, 0.5, 0.5);
}

static void
test_nothing_found (void)
{
  const VocObject there = object ((VocBox) AT (1), 0, FALSE);
  g_autoptr (Evaluation) evaluation = evaluate_one (&there, 1, NULL, 0);
  g_autoptr (GArray) curve = evaluation_curve (evaluation, 0);
  double low, high;

  assert_ap (evaluation, 0, 0);
  g_assert_cmpuint (curve->len, ==, 0);
  g_assert_cmpfloat (evaluation_best_f1 (evaluation).f1, ==, 0);
  g_assert_true (evaluation_interval (evaluation, 100, 1, &low, &high));
  g_assert_cmpfloat (low, ==, 0);
  g_assert_cmpfloat (high, ==, 0);
}

/* A class without objects has no average precision and is not in the mean, though things were found; neither is one
 * with difficult objects only. */
static void
test_empty_classes (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (1), 1, TRUE) };
  const VocDetection detections[] = { { AT (1), 0, 0.9f }, { AT (1), 1, 0.9f }, { AT (1), 2, 0.9f } };
  g_autoptr (Evaluation) evaluation = evaluation_new (3), nothing = evaluation_new (2);
  double low, high;

  evaluation_add_picture (evaluation, objects, 2, detections, 3);
  evaluation_finish (evaluation);
  assert_ap (evaluation, 1, 1);
  for (guint i = 1; i < 3; i++) {
    g_autoptr (GArray) curve = evaluation_curve (evaluation, i);

    g_assert_true (isnan (evaluation_average_precision (evaluation, i, AP_11_POINT)));
    g_assert_true (isnan (evaluation_at (evaluation, i, 0.5).recall));
    g_assert_cmpuint (curve->len, ==, 0);
  }
  g_assert_cmpfloat_with_epsilon (evaluation_mean_average_precision (evaluation, AP_AREA), 1, EXACT);

  evaluation_add_picture (nothing, NULL, 0, NULL, 0);
  evaluation_finish (nothing);
  g_assert_true (isnan (evaluation_mean_average_precision (nothing, AP_AREA)));
  g_assert_false (evaluation_interval (nothing, 100, 1, &low, &high));
}

/* A picture without objects only adds what is wrong. */
static void
test_empty_picture (void)
{
  const VocObject there = object ((VocBox) AT (1), 0, FALSE);
  const VocDetection right = found (0.5f, there.box), wrong = found (0.9f, there.box);
  g_autoptr (Evaluation) evaluation = evaluation_new (1);

  evaluation_add_picture (evaluation, &there, 1, &right, 1);
  evaluation_add_picture (evaluation, NULL, 0, &wrong, 1);
  evaluation_finish (evaluation);
  assert_ap (evaluation, 0.5, 0.5);
}

/* Classes do not see each other's objects. */
static void
test_classes_apart (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (101), 1, FALSE) };
  const VocDetection detections[] = { { AT (101), 0, 0.9f }, { AT (1), 1, 0.9f } };
  g_autoptr (Evaluation) evaluation = evaluation_new (2);

  evaluation_add_picture (evaluation, objects, 2, detections, 2);
  evaluation_finish (evaluation);
  g_assert_cmpfloat (evaluation_mean_average_precision (evaluation, AP_11_POINT), ==, 0);
}

/* Right at 0.9 and 0.6, wrong at 0.8 and 0.3, of two objects. F1 after each: 2/3, 1/2, 4/5, 2/3. */
static void
test_thresholds (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (101), 0, FALSE) };
  const VocDetection detections[] = { found (0.9f, objects[0].box), found (0.8f, (VocBox) AT (301)),
                                      found (0.6f, objects[1].box), found (0.3f, (VocBox) AT (301)) };
  g_autoptr (Evaluation) evaluation = evaluate_one (objects, 2, detections, 4);
  const OperatingPoint best = evaluation_best_f1 (evaluation), above = evaluation_at (evaluation, 0, 0.6f);

  g_assert_cmpfloat_with_epsilon (best.f1, 0.8, EXACT);
  g_assert_cmpfloat_with_epsilon (best.threshold, 0.45, 1e-6);
  g_assert_cmpfloat_with_epsilon (best.precision, 2 / 3.0, EXACT);
  g_assert_cmpfloat (best.recall, ==, 1);
  /* A score equal to the threshold is not above it. */
  g_assert_cmpfloat (above.precision, ==, 0.5);
  g_assert_cmpfloat (above.recall, ==, 0.5);
}

/* Pictures that are all alike: every resample is the same. */
static void
test_interval_of_equal_pictures (void)
{
  const VocObject objects[] = { object ((VocBox) AT (1), 0, FALSE), object ((VocBox) AT (101), 0, FALSE) };
  const VocDetection detection = found (0.9f, objects[0].box);
  g_autoptr (Evaluation) evaluation = evaluation_new (1);
  double low, high;

  for (guint i = 0; i < 20; i++)
    evaluation_add_picture (evaluation, objects, 2, &detection, 1);
  evaluation_finish (evaluation);
  assert_ap (evaluation, 6 / 11.0, 0.5);
  g_assert_true (evaluation_interval (evaluation, 200, 1, &low, &high));
  g_assert_cmpfloat_with_epsilon (low, 6 / 11.0, EXACT);
  g_assert_cmpfloat_with_epsilon (high, 6 / 11.0, EXACT);
}

/* Half of 400 pictures have their one object found, nothing is wrong: a resample's recall is binomial, 0.5 with a
 * standard deviation of 0.025, and its 11-point measure is (floor (10 recall) + 1) / 11 with that recall. So 95 % lie
 * from floor (4.5) = 4 to floor (5.5) = 5: 5/11 and 6/11. */
static void
test_interval_of_halves (void)
{
  const VocObject there = object ((VocBox) AT (1), 0, FALSE);
  const VocDetection right = found (0.9f, there.box);
  g_autoptr (Evaluation) evaluation = evaluation_new (1);
  double low, high, low_again, high_again;

  for (guint i = 0; i < 400; i++)
    evaluation_add_picture (evaluation, &there, 1, &right, i % 2);
  evaluation_finish (evaluation);
  g_assert_true (evaluation_interval (evaluation, 1000, 1, &low, &high));
  g_assert_cmpfloat_with_epsilon (low, 5 / 11.0, EXACT);
  g_assert_cmpfloat_with_epsilon (high, 6 / 11.0, EXACT);
  g_assert_true (evaluation_interval (evaluation, 1000, 1, &low_again, &high_again));
  g_assert_cmpfloat (low, ==, low_again);
  g_assert_cmpfloat (high, ==, high_again);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/average-precision/all-found", test_all_found);
  g_test_add_func ("/average-precision/by-hand", test_by_hand);
  g_test_add_func ("/average-precision/recall-is-exact", test_recall_is_exact);
  g_test_add_func ("/average-precision/duplicate", test_duplicate);
  g_test_add_func ("/average-precision/best-object-only", test_best_object_only);
  g_test_add_func ("/average-precision/difficult", test_difficult);
  g_test_add_func ("/average-precision/difficult-takes-part", test_difficult_takes_part);
  g_test_add_func ("/average-precision/equal-overlaps", test_equal_overlaps);
  g_test_add_func ("/average-precision/one-half-is-enough", test_one_half_is_enough);
  g_test_add_func ("/average-precision/strict-overlaps", test_strict_overlaps);
  g_test_add_func ("/average-precision/equal-scores", test_equal_scores);
  g_test_add_func ("/average-precision/nothing-found", test_nothing_found);
  g_test_add_func ("/average-precision/empty-classes", test_empty_classes);
  g_test_add_func ("/average-precision/empty-picture", test_empty_picture);
  g_test_add_func ("/average-precision/classes-apart", test_classes_apart);
  g_test_add_func ("/average-precision/thresholds", test_thresholds);
  g_test_add_func ("/average-precision/interval-of-equal-pictures", test_interval_of_equal_pictures);
  g_test_add_func ("/average-precision/interval-of-halves", test_interval_of_halves);
  return g_test_run ();
}
