/* Tests of sorting and non-maximum suppression: cases worked by hand, and random crowds against a slow and obvious
 * twin.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/nms.h"

static const CbamDetectParams plain = { .threshold = 0, .nms_iou = 0.45f, .nms_across = 1 };

static CbamCandidate
box (float score, guint prior, guint class_id, float x0, float y0, float x1, float y1)
{
  return (CbamCandidate){ score, prior, class_id, x0, y0, x1, y1 };
}

static gsize
run (CbamCandidate *candidates, gsize n, const CbamDetectParams *params)
{
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  return cbam_nms (candidates, n, params, CBAM_PROFILE_CAFFE, 300, 300, scratch);
}

/* Checks which priors are left, in order; @priors ends with -1. */
static void
assert_priors (const CbamCandidate *candidates, gsize n, const int *priors)
{
  gsize i;

  for (i = 0; priors[i] >= 0; i++) {
    g_assert_cmpuint (i, <, n);
    g_assert_cmpuint (candidates[i].prior, ==, (guint) priors[i]);
  }
  g_assert_cmpuint (i, ==, n);
}

static void
test_iou (void)
{
  CbamCandidate a = box (1, 0, 0, 0, 0, 2, 2), b = box (1, 0, 0, 1, 1, 3, 3), far = box (1, 0, 0, 5, 5, 6, 6);
  CbamCandidate touching = box (1, 0, 0, 2, 0, 4, 2), inside = box (1, 0, 0, 0, 0, 1, 1);
  CbamCandidate line = box (1, 0, 0, 0, 0, 0, 2), turned = box (1, 0, 0, 2, 2, 0, 0);
  CbamCandidate nan = box (1, 0, 0, NAN, 0, 1, 1), endless = box (1, 0, 0, -INFINITY, 0, INFINITY, 1);

  g_assert_cmpfloat_with_epsilon (cbam_iou (&a, &b), 1 / 7.0f, 1e-7f);
  g_assert_cmpfloat (cbam_iou (&a, &b), ==, cbam_iou (&b, &a));
  g_assert_cmpfloat (cbam_iou (&a, &a), ==, 1);
  g_assert_cmpfloat (cbam_iou (&a, &inside), ==, 0.25f);
  g_assert_cmpfloat (cbam_iou (&a, &far), ==, 0);
  g_assert_cmpfloat (cbam_iou (&a, &touching), ==, 0);
  g_assert_cmpfloat (cbam_iou (&a, &line), ==, 0);
  g_assert_cmpfloat (cbam_iou (&line, &line), ==, 0);
  g_assert_cmpfloat (cbam_iou (&turned, &turned), ==, 0);
  g_assert_cmpfloat (cbam_iou (&nan, &a), ==, 0);
  g_assert_cmpfloat (cbam_iou (&a, &nan), ==, 0);
  g_assert_cmpfloat (cbam_iou (&endless, &endless), ==, 0);
}

static void
test_empty (void)
{
  CbamCandidate one = box (0.5f, 3, 1, 0, 0, 1, 1);

  g_assert_cmpuint (run (NULL, 0, &plain), ==, 0);
  g_assert_cmpuint (run (&one, 1, &plain), ==, 1);
  g_assert_cmpuint (one.prior, ==, 3);
}

/* Two boxes on one object of each of two classes, and one box apart. */
static void
test_by_hand (void)
{
  CbamCandidate candidates[] = {
    box (0.6f, 0, 1, 0.1f, 0.1f, 0.5f, 0.5f), box (0.9f, 1, 1, 0.12f, 0.1f, 0.52f, 0.5f),
    box (0.7f, 2, 2, 0.1f, 0.1f, 0.5f, 0.5f), box (0.8f, 3, 2, 0.1f, 0.1f, 0.5f, 0.52f),
    box (0.5f, 4, 1, 0.6f, 0.6f, 0.9f, 0.9f),
  };
  gsize n = run (candidates, G_N_ELEMENTS (candidates), &plain);

  assert_priors (candidates, n, (const int[]){ 1, 3, 4, -1 });
  g_assert_cmpfloat (candidates[0].score, ==, 0.9f);
  g_assert_cmpfloat (candidates[1].y1, ==, 0.52f);
  g_assert_cmpuint (candidates[1].class_id, ==, 2);
}

/* A box is suppressed by survivors only: b falls to a, so that c, which overlaps b but not a, stays. */
static void
test_chain (void)
{
  CbamCandidate candidates[] = {
    box (0.9f, 0, 0, 0.0f, 0, 0.4f, 1),
    box (0.8f, 1, 0, 0.1f, 0, 0.5f, 1),
    box (0.7f, 2, 0, 0.2f, 0, 0.6f, 1),
  };

  assert_priors (candidates, run (candidates, 3, &plain), (const int[]){ 0, 2, -1 });
}

/* Caffe keeps what overlaps by exactly the limit: here 1/3, in numbers that floats hold exactly. */
static void
test_limit (void)
{
  CbamCandidate at[] = { box (0.9f, 0, 0, 0, 0, 2, 1), box (0.8f, 1, 0, 1, 0, 3, 1) };
  CbamCandidate above[] = { at[0], at[1] };
  CbamCandidate zero[] = { at[0], box (0.8f, 1, 0, 2, 0, 4, 1) };
  CbamCandidate one[] = { at[0], at[0] };
  CbamDetectParams params = { .nms_iou = 1 / 3.0f, .nms_across = 1 };

  g_assert_cmpuint (run (at, 2, &params), ==, 2);
  params.nms_iou = nextafterf (params.nms_iou, 0);
  g_assert_cmpuint (run (above, 2, &params), ==, 1);
  params.nms_iou = 0;
  g_assert_cmpuint (run (zero, 2, &params), ==, 2);
  params.nms_iou = 1;
  g_assert_cmpuint (run (one, 2, &params), ==, 2);
}

/* Equal scores go by prior, then by class, whatever the order they came in. */
static void
test_ties (void)
{
  CbamCandidate candidates[] = {
    box (0.5f, 7, 1, 0.0f, 0, 0.1f, 1),   box (0.5f, 3, 2, 0.2f, 0, 0.3f, 1),     box (0.5f, 3, 1, 0.4f, 0, 0.5f, 1),
    box (0.5f, 300, 0, 0.6f, 0, 0.7f, 1), box (0.6f, 70000, 9, 0.8f, 0, 0.9f, 1),
  };

  assert_priors (candidates, run (candidates, 5, &plain), (const int[]){ 70000, 3, 3, 7, 300, -1 });
  g_assert_cmpuint (candidates[1].class_id, ==, 1);
  g_assert_cmpuint (candidates[2].class_id, ==, 2);
}

static void
test_identical (void)
{
  CbamCandidate candidates[100];

  for (guint i = 0; i < 100; i++)
    candidates[i] = box (0.5f, 99 - i, i % 2, 0.1f, 0.1f, 0.2f, 0.2f);
  assert_priors (candidates, run (candidates, 100, &plain), (const int[]){ 0, 1, -1 });
}

static void
test_no_area (void)
{
  CbamCandidate candidates[] = {
    box (0.9f, 0, 0, 0.5f, 0.5f, 0.5f, 0.9f), box (0.8f, 1, 0, 0.5f, 0.5f, 0.5f, 0.9f),
    box (0.7f, 2, 0, 0.0f, 0.0f, 1.0f, 1.0f), box (0.6f, 3, 0, 0.9f, 0.9f, 0.1f, 0.1f),
    box (0.5f, 4, 0, NAN, NAN, NAN, NAN),     box (0.4f, 5, 0, 0.0f, 0.0f, 1.0f, 1.0f),
  };

  assert_priors (candidates, run (candidates, 6, &plain), (const int[]){ 0, 1, 2, 3, 4, -1 });
}

static void
test_caps (void)
{
  CbamCandidate candidates[40];
  CbamDetectParams params = { .nms_iou = 0.45f, .nms_across = 1, .max_detections = 7 };

  for (guint i = 0; i < 40; i++)
    candidates[i] = box (0.01f * (float) (i + 1), i, i % 4, (float) i, 0, (float) i + 0.5f, 1);
  assert_priors (candidates, run (candidates, 40, &params), (const int[]){ 39, 38, 37, 36, 35, 34, 33, -1 });

  for (guint i = 0; i < 40; i++)
    candidates[i] = box (0.01f * (float) (i + 1), i, i % 4, (float) i, 0, (float) i + 0.5f, 1);
  params.max_detections = 0;
  g_assert_cmpuint (run (candidates, 40, &params), ==, 40);
}

/* top_k counts what enters NMS, so that the suppressed use up its places too; each class has its own. */
static void
test_top_k (void)
{
  CbamCandidate candidates[] = {
    box (0.9f, 0, 0, 0.0f, 0, 0.1f, 1), box (0.8f, 1, 0, 0.0f, 0, 0.1f, 1), box (0.7f, 2, 0, 0.5f, 0, 0.6f, 1),
    box (0.3f, 3, 1, 0.0f, 0, 0.1f, 1), box (0.2f, 4, 1, 0.5f, 0, 0.6f, 1), box (0.1f, 5, 1, 0.8f, 0, 0.9f, 1),
  };
  CbamDetectParams params = { .nms_iou = 0.45f, .nms_across = 1, .top_k = 2 };

  assert_priors (candidates, run (candidates, 6, &params), (const int[]){ 0, 3, 4, -1 });
}

/* Class ids are names, not indices: any of them must do. */
static void
test_huge_class (void)
{
  CbamCandidate candidates[] = { box (0.9f, G_MAXUINT32, G_MAXUINT32, 0, 0, 1, 1), box (0.8f, 0, 0, 0, 0, 1, 1),
                                 box (0.7f, 1, G_MAXUINT32, 0, 0, 1, 1) };

  g_assert_cmpuint (run (candidates, 3, &plain), ==, 2);
  g_assert_cmpuint (candidates[0].class_id, ==, G_MAXUINT32);
  g_assert_cmpuint (candidates[1].class_id, ==, 0);
}

/* RFBNet counts pixels: boxes of 2x1 and 2x1 pixels, 1 apart, are 3x2 each there and share 2x2: 4 / 8, not 1 / 3. What
 * has no area has none there either. */
static void
test_pixel_convention (void)
{
  static const CbamCandidate pair[] = { { 0.9f, 0, 0, 0, 0, 0.2f, 0.05f }, { 0.8f, 1, 0, 0.1f, 0, 0.3f, 0.05f } };
  CbamCandidate plus_one[] = { pair[0], pair[1] }, without[] = { pair[0], pair[1] };
  CbamCandidate lines[] = { box (0.9f, 0, 0, 0.5f, 0, 0.5f, 1), box (0.8f, 1, 0, 0.5f, 0, 0.5f, 1) };
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  g_assert_cmpuint (cbam_nms (plus_one, 2, &plain, CBAM_PROFILE_RFBNET, 10, 20, scratch), ==, 1);
  g_assert_cmpuint (cbam_nms (lines, 2, &plain, CBAM_PROFILE_RFBNET, 10, 20, scratch), ==, 2);
  g_assert_cmpuint (cbam_nms (without, 2, &plain, CBAM_PROFILE_SSD_PYTORCH, 10, 20, scratch), ==, 2);
}

/* qfgaohao's code adds 1e-5 to the union: boxes of a fiftieth of the input that overlap by 0.455 do so by 0.447. */
static void
test_slack (void)
{
  static const CbamCandidate pair[] = { { 0.9f, 0, 0, 0, 0, 0.02f, 0.02f },
                                        { 0.8f, 1, 0, 0.00749f, 0, 0.02749f, 0.02f } };
  CbamCandidate with[] = { pair[0], pair[1] }, without[] = { pair[0], pair[1] };
  CbamDetectParams params = plain;
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  params.nms_iou = 0.45f;
  g_assert_cmpuint (cbam_nms (with, 2, &params, CBAM_PROFILE_QFGAOHAO, 300, 300, scratch), ==, 2);
  g_assert_cmpuint (cbam_nms (without, 2, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch), ==, 1);
}

/* torchvision clips to the input first: two boxes that share little share much of what lies inside. The boxes
 * themselves come back as they were. */
static void
test_torchvision_clips (void)
{
  static const CbamCandidate pair[] = { { 0.9f, 0, 0, 0.5f, 0, 3.0f, 0.5f }, { 0.8f, 1, 0, 0.6f, 0, 1.0f, 0.5f } };
  CbamCandidate clipped[] = { pair[0], pair[1] }, whole[] = { pair[0], pair[1] };
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  g_assert_cmpuint (cbam_nms (clipped, 2, &plain, CBAM_PROFILE_TORCHVISION, 300, 300, scratch), ==, 1);
  g_assert_cmpfloat (clipped[0].x1, ==, 3);
  g_assert_cmpuint (cbam_nms (whole, 2, &plain, CBAM_PROFILE_CAFFE, 300, 300, scratch), ==, 2);
}

/* ---- One object, one word ---------------------------------------------------------------------------------------- */

/* A horse that is a cow, too, and a little of a sheep; and a sheep apart. */
static void
test_across (void)
{
  static const CbamCandidate farm[] = {
    { 0.6f, 0, 1, 0.1f, 0.1f, 0.5f, 0.5f },
    { 0.9f, 1, 2, 0.12f, 0.1f, 0.52f, 0.5f },
    { 0.7f, 2, 3, 0.1f, 0.1f, 0.3f, 0.5f }, /* overlaps the horse by 0.43 */
    { 0.5f, 3, 3, 0.6f, 0.6f, 0.9f, 0.9f },
  };
  CbamCandidate off[] = { farm[0], farm[1], farm[2], farm[3] };
  CbamCandidate some[] = { farm[0], farm[1], farm[2], farm[3] };
  CbamCandidate all[] = { farm[0], farm[1], farm[2], farm[3] };
  CbamDetectParams params = plain;

  assert_priors (off, run (off, 4, &params), (const int[]){ 1, 2, 0, 3, -1 });
  params.nms_across = 0.5f;
  assert_priors (some, run (some, 4, &params), (const int[]){ 1, 2, 3, -1 });
  params.nms_across = 0;
  assert_priors (all, run (all, 4, &params), (const int[]){ 1, 3, -1 });
}

/* Each class is done with before others count: what goes across classes has taken those of its own class with it, and
 * has no say in other classes any more. Boxes of one class are never compared by the limit across. */
static void
test_across_comes_second (void)
{
  CbamCandidate own[] = { box (0.9f, 0, 1, 0, 0, 1, 1), box (0.8f, 1, 2, 0.1f, 0, 1.1f, 1),
                          box (0.7f, 2, 2, 0.35f, 0, 1.35f, 1) };
  CbamCandidate other[] = { box (0.9f, 0, 1, 0, 0, 1, 1), box (0.8f, 1, 2, 0.3f, 0, 1.3f, 1),
                            box (0.7f, 2, 3, 0.6f, 0, 1.6f, 1) };
  CbamCandidate same[] = { box (0.9f, 0, 1, 0, 0, 1, 1), box (0.8f, 1, 1, 0.5f, 0, 1.5f, 1) };
  CbamDetectParams params = { .nms_iou = 0.45f, .nms_across = 0.5f };

  assert_priors (own, run (own, 3, &params), (const int[]){ 0, -1 });
  assert_priors (other, run (other, 3, &params), (const int[]){ 0, 2, -1 });
  params.nms_across = 0;
  assert_priors (same, run (same, 2, &params), (const int[]){ 0, 1, -1 });
}

/* What overlaps by exactly the limit stays, as within a class; of equal scores the lower prior is the stronger, then
 * the lower class; the cap is for what stays. */
static void
test_across_limit (void)
{
  static const CbamCandidate third[] = { { 0.9f, 0, 0, 0, 0, 2, 1 }, { 0.8f, 1, 1, 1, 0, 3, 1 } };
  CbamCandidate at[] = { third[0], third[1] }, above[] = { third[0], third[1] };
  CbamCandidate tie[] = { box (0.5f, 4, 1, 0, 0, 1, 1), box (0.5f, 3, 2, 0, 0, 1, 1), box (0.5f, 3, 1, 0, 0, 1, 1) };
  CbamCandidate many[] = { box (0.9f, 0, 0, 0, 0, 1, 1), box (0.8f, 1, 1, 0, 0, 1, 1), box (0.7f, 2, 2, 0, 0, 1, 1),
                           box (0.6f, 3, 3, 2, 0, 3, 1), box (0.5f, 4, 4, 4, 0, 5, 1) };
  CbamDetectParams params = { .nms_iou = 0.45f, .nms_across = 1 / 3.0f, .max_detections = 2 };

  g_assert_cmpuint (run (at, 2, &params), ==, 2);
  params.nms_across = nextafterf (params.nms_across, 0);
  g_assert_cmpuint (run (above, 2, &params), ==, 1);
  assert_priors (tie, run (tie, 3, &params), (const int[]){ 3, -1 });
  g_assert_cmpuint (tie[0].class_id, ==, 1);
  assert_priors (many, run (many, 5, &params), (const int[]){ 0, 3, -1 });
}

/* What has no area, or no numbers, takes nothing with it and is taken by nothing; and profiles measure as ever. */
static void
test_across_measures (void)
{
  static const CbamCandidate pair[] = { { 0.9f, 0, 0, 0.5f, 0, 3.0f, 0.5f }, { 0.8f, 1, 1, 0.6f, 0, 1.0f, 0.5f } };
  CbamCandidate odd[] = {
    box (0.9f, 0, 0, 0.5f, 0.5f, 0.5f, 0.9f),
    box (0.8f, 1, 1, 0.5f, 0.5f, 0.5f, 0.9f),
    box (0.7f, 2, 2, NAN, 0, 1, 1),
    box (0.6f, 3, 3, NAN, 0, 1, 1),
    box (0.5f, 4, 4, 0, 0, INFINITY, 1),
    box (0.4f, 5, 5, 0, 0, INFINITY, 1),
    box (0.3f, 6, 6, 0, 0, 1, 1),
  };
  CbamCandidate clipped[] = { pair[0], pair[1] }, whole[] = { pair[0], pair[1] };
  CbamDetectParams params = { .nms_iou = 0.45f, .nms_across = 0 };
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  assert_priors (odd, run (odd, 7, &params), (const int[]){ 0, 1, 2, 3, 4, 5, 6, -1 });
  params.nms_across = 0.45f;
  g_assert_cmpuint (cbam_nms (clipped, 2, &params, CBAM_PROFILE_TORCHVISION, 300, 300, scratch), ==, 1);
  g_assert_cmpuint (cbam_nms (whole, 2, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch), ==, 2);
}

/* ---- the slow and obvious twin --------------------------------------------------------------------------------- */

static int
compare_candidates (const void *a, const void *b)
{
  const CbamCandidate *x = a, *y = b;

  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  if (x->prior != y->prior)
    return x->prior < y->prior ? -1 : 1;
  return x->class_id < y->class_id ? -1 : x->class_id > y->class_id;
}

static gsize
slow_nms (CbamCandidate *candidates, gsize n, const CbamDetectParams *params)
{
  gsize n_out = 0;

  qsort (candidates, n, sizeof *candidates, compare_candidates);
  for (gsize i = 0; i < n; i++) {
    CbamCandidate candidate = candidates[i];
    gboolean keep = TRUE;

    for (gsize k = 0; k < n_out; k++)
      if (candidates[k].class_id == candidate.class_id && cbam_iou (&candidates[k], &candidate) > params->nms_iou)
        keep = FALSE;
    if (keep)
      candidates[n_out++] = candidate;
  }
  return n_out;
}

/* Of what slow_nms() left, those whose place is not taken by one before them. */
static gsize
slow_across (CbamCandidate *candidates, gsize n, const CbamDetectParams *params)
{
  gsize n_out = 0;

  for (gsize i = 0; i < n; i++) {
    CbamCandidate candidate = candidates[i];
    guint stronger = 0;

    for (gsize k = 0; k < n_out; k++)
      if (cbam_iou (&candidates[k], &candidate) > params->nms_across && candidates[k].class_id != candidate.class_id)
        stronger++;
    if (stronger == 0)
      candidates[n_out++] = candidate;
  }
  return n_out;
}

/* The best top_k of each class, by counting. */
static gsize
slow_top_k (CbamCandidate *candidates, gsize n, guint top_k)
{
  g_autofree CbamCandidate *all = g_memdup2 (candidates, n * sizeof *candidates);
  gsize n_out = 0;

  for (gsize i = 0; i < n; i++) {
    guint better = 0;

    for (gsize k = 0; k < n; k++)
      better += all[k].class_id == all[i].class_id && compare_candidates (&all[k], &all[i]) < 0;
    if (better < top_k)
      candidates[n_out++] = all[i];
  }
  return n_out;
}

/* Sorts, suppresses, suppresses across classes, cuts: one after the other. */
static gsize
slow_all (CbamCandidate *candidates, gsize n, const CbamDetectParams *params)
{
  if (params->top_k != 0)
    n = slow_top_k (candidates, n, params->top_k);
  n = slow_nms (candidates, n, params);
  n = slow_across (candidates, n, params);
  return params->max_detections == 0 ? n : MIN (n, params->max_detections);
}

static void
fill_random (CbamCandidate *candidates, gsize n, guint n_classes)
{
  for (gsize i = 0; i < n; i++) {
    float x = (float) g_test_rand_double_range (-0.2, 1), y = (float) g_test_rand_double_range (-0.2, 1);
    float w = (float) g_test_rand_double_range (-0.02, 0.5), h = (float) g_test_rand_double_range (-0.02, 0.5);

    /* Few different scores, so that there are ties. */
    candidates[i] = box ((float) g_test_rand_int_range (0, 40) / 40, (guint) (i / n_classes), (guint) (i % n_classes),
                         x, y, x + w, y + h);
  }
}

static void
shuffle (CbamCandidate *candidates, gsize n)
{
  for (gsize i = n; i > 1; i--) {
    gsize other = (gsize) g_test_rand_int_range (0, (gint32) i);
    CbamCandidate swap = candidates[i - 1];

    candidates[i - 1] = candidates[other];
    candidates[other] = swap;
  }
}

static void
test_against_twin (void)
{
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  for (guint round = 0; round < 200; round++) {
    gsize n = (gsize) g_test_rand_int_range (1, 400);
    CbamDetectParams params = { .nms_iou = (float) g_test_rand_double_range (0, 1),
                                .nms_across = round % 5 == 0 ? 1 : (float) g_test_rand_double_range (0, 1),
                                .top_k = round % 3 == 0 ? 0 : (guint) g_test_rand_int_range (1, 60),
                                .max_detections = round % 2 == 0 ? 0 : (guint) g_test_rand_int_range (1, 60) };
    g_autofree CbamCandidate *fast = g_new (CbamCandidate, n);
    g_autofree CbamCandidate *slow = NULL;
    gsize n_fast, n_slow;

    fill_random (fast, n, 1 + round % 7);
    slow = g_memdup2 (fast, n * sizeof *fast);
    shuffle (fast, n);

    n_fast = cbam_nms (fast, n, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch);
    n_slow = slow_all (slow, n, &params);
    g_assert_cmpmem (fast, n_fast * sizeof *fast, slow, n_slow * sizeof *slow);
  }
}

/* Corners on a coarse grid and few scores: thousands of boxes of which many are the same one, with the same score,
 * touch, have no area, end nowhere or have no numbers. */
static void
fill_nasty (CbamCandidate *candidates, gsize n, guint n_classes)
{
  static const float wild[] = { NAN, INFINITY, -INFINITY, 1e30f, -0.0f };

  for (gsize i = 0; i < n; i++) {
    float corners[4];

    for (guint c = 0; c < 4; c++)
      corners[c] = g_test_rand_int_range (0, 40) == 0 ? wild[g_test_rand_int_range (0, G_N_ELEMENTS (wild))]
                                                      : (float) g_test_rand_int_range (0, 4) / 4 + (c < 2 ? 0 : 0.5f);
    candidates[i] = box (0.25f * (float) g_test_rand_int_range (1, 4), (guint) (i / n_classes), (guint) (i % n_classes),
                         corners[0], corners[1], corners[2], corners[3]);
  }
}

static void
test_nasty (void)
{
  const gsize n = 3000;
  static const float limits[] = { 0, 0.25f, 1 / 3.0f, 0.5f, 0.999f, 1 };
  g_autoptr (GByteArray) scratch = g_byte_array_new ();

  for (guint round = 0; round < 2 * G_N_ELEMENTS (limits); round++) {
    CbamDetectParams params = { .nms_iou = round % 2 == 0 ? 0.45f : 1, .nms_across = limits[round / 2] };
    g_autofree CbamCandidate *fast = g_new (CbamCandidate, n);
    g_autofree CbamCandidate *slow = NULL;
    gsize n_fast, n_slow;

    fill_nasty (fast, n, 20);
    slow = g_memdup2 (fast, n * sizeof *fast);
    shuffle (fast, n);
    n_fast = cbam_nms (fast, n, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch);
    n_slow = slow_all (slow, n, &params);
    g_assert_cmpmem (fast, n_fast * sizeof *fast, slow, n_slow * sizeof *slow);
  }
}

/* Same candidates in any order: same bytes. */
static void
test_shuffled (void)
{
  const gsize n = 5000;
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  g_autofree CbamCandidate *first = g_new (CbamCandidate, n);
  g_autofree CbamCandidate *all = NULL;
  gsize n_first;
  guint scratch_size;

  fill_random (first, n, 91);
  all = g_memdup2 (first, n * sizeof *first);
  n_first = cbam_nms (first, n, &plain, CBAM_PROFILE_CAFFE, 300, 300, scratch);
  scratch_size = scratch->len;

  for (guint round = 0; round < 20; round++) {
    g_autofree CbamCandidate *again = NULL;
    gsize n_again;

    shuffle (all, n);
    again = g_memdup2 (all, n * sizeof *all);
    n_again = cbam_nms (again, n, &plain, CBAM_PROFILE_CAFFE, 300, 300, scratch);
    g_assert_cmpmem (first, n_first * sizeof *first, again, n_again * sizeof *again);
  }
  g_assert_cmpuint (scratch->len, ==, scratch_size); /* grown once */
}

/* Everything above threshold 0: 1917 priors times 91 classes. The limit is far above what a slow machine under a
 * sanitizer takes, and far below what comparing all pairs would. */
static void
test_everything (void)
{
  const gsize n = 1917 * 91;
  CbamDetectParams params = { .nms_iou = 0.45f, .nms_across = 1, .top_k = 400, .max_detections = 0 };
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  g_autofree CbamCandidate *candidates = g_new (CbamCandidate, n);
  gsize n_all;
  gint64 start;

  fill_random (candidates, n, 91);
  start = g_get_monotonic_time ();
  n_all = cbam_nms (candidates, n, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch);
  g_test_message ("%zu candidates, %zu left: %.1f ms", n, n_all, (double) (g_get_monotonic_time () - start) / 1e3);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);

  fill_random (candidates, n, 91);
  params.max_detections = 200;
  start = g_get_monotonic_time ();
  g_assert_cmpuint (cbam_nms (candidates, n, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch), ==, 200);
  g_test_message ("capped at 200: %.1f ms", (double) (g_get_monotonic_time () - start) / 1e3);

  fill_random (candidates, n, 91);
  params.nms_across = 0.5f;
  start = g_get_monotonic_time ();
  g_assert_cmpuint (cbam_nms (candidates, n, &params, CBAM_PROFILE_CAFFE, 300, 300, scratch), ==, 200);
  g_test_message ("and across classes: %.1f ms", (double) (g_get_monotonic_time () - start) / 1e3);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nms/iou", test_iou);
  g_test_add_func ("/nms/empty", test_empty);
  g_test_add_func ("/nms/by-hand", test_by_hand);
  g_test_add_func ("/nms/chain", test_chain);
  g_test_add_func ("/nms/limit", test_limit);
  g_test_add_func ("/nms/ties", test_ties);
  g_test_add_func ("/nms/identical", test_identical);
  g_test_add_func ("/nms/no-area", test_no_area);
  g_test_add_func ("/nms/caps", test_caps);
  g_test_add_func ("/nms/top-k", test_top_k);
  g_test_add_func ("/nms/huge-class", test_huge_class);
  g_test_add_func ("/nms/pixel-convention", test_pixel_convention);
  g_test_add_func ("/nms/slack", test_slack);
  g_test_add_func ("/nms/torchvision-clips", test_torchvision_clips);
  g_test_add_func ("/nms/across", test_across);
  g_test_add_func ("/nms/across-comes-second", test_across_comes_second);
  g_test_add_func ("/nms/across-limit", test_across_limit);
  g_test_add_func ("/nms/across-measures", test_across_measures);
  g_test_add_func ("/nms/against-twin", test_against_twin);
  g_test_add_func ("/nms/nasty", test_nasty);
  g_test_add_func ("/nms/shuffled", test_shuffled);
  g_test_add_func ("/nms/everything", test_everything);
  return g_test_run ();
}
