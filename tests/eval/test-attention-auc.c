/* Tests of the measure of spatial attention: cases worked by hand, and random maps against all pairs of their cells.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "eval/attention-auc.h"

#define EXACT 1e-12
#define SIDE 40 /* of the pictures, in pixels */

/* A map of 4 x 4 over the whole picture: each cell is ten pixels, its centre at 5, 15, 25, 35. */
static CbamMap
whole_map (const float *values)
{
  return (CbamMap){ .width = 4, .height = 4, .values = values, .frame_width = SIDE, .frame_height = SIDE };
}

static void
add (AttentionStudy *study, guint level, const CbamMap *map, const VocObject *objects, gsize n_objects)
{
  attention_study_add (study, level, map, SIDE, SIDE, objects, n_objects);
}

/* The scores of a study that has that many levels. */
static GArray *
scores_of (const AttentionStudy *study, guint n_levels)
{
  GArray *scores = attention_study_scores (study);

  g_assert_cmpuint (scores->len, ==, n_levels);
  return scores;
}

/* The first row lies on an object. It has 3, 3, 1, 0; of the 12 cells beside it eleven have 1 and one has 2. The two 3
 * beat all twelve, the 1 ties with eleven, the 0 beats none: (12 + 12 + 5.5 + 0) / 48. */
static void
test_by_hand (void)
{
  static const float values[] = { 3, 3, 1, 0, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1 };
  const VocObject row = { .box = { 1, 1, 40, 10 } };
  const CbamMap map = whole_map (values);
  g_autoptr (AttentionStudy) study = attention_study_new ();
  g_autoptr (GArray) scores = NULL;
  const AttentionScore *score;

  add (study, 2, &map, &row, 1);
  scores = scores_of (study, 1);
  score = &g_array_index (scores, AttentionScore, 0);
  g_assert_cmpuint (score->level, ==, 2);
  g_assert_cmpuint (score->inside, ==, 4);
  g_assert_cmpuint (score->outside, ==, 12);
  g_assert_cmpfloat_with_epsilon (score->auc, 29.5 / 48, EXACT);
  /* One map is its own mean: nothing is left, everything ties. */
  g_assert_cmpfloat (score->auc_less_mean, ==, 0.5);
  g_assert_cmpfloat_with_epsilon (score->border, 15 / 12.0, EXACT);
  g_assert_cmpfloat_with_epsilon (score->inner, 5 / 4.0, EXACT);
}

/* A map that is brighter on the left whatever is there says something only for objects on the left; less the mean map,
 * what is left is one cell in the right place in each picture. */
static void
test_less_mean (void)
{
  static const float left[] = { 9, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0 };
  static const float right[] = { 8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 1 };
  const VocObject top_left = { .box = { 1, 1, 10, 10 } }, bottom_right = { .box = { 31, 31, 40, 40 } };
  const CbamMap first = whole_map (left), second = whole_map (right);
  g_autoptr (AttentionStudy) study = attention_study_new ();
  g_autoptr (GArray) scores = NULL;
  const AttentionScore *score;

  add (study, 0, &first, &top_left, 1);
  add (study, 0, &second, &bottom_right, 1);
  scores = scores_of (study, 1);
  score = &g_array_index (scores, AttentionScore, 0);
  /* The 9 beats all 30; the 1 beats 23 zeros and loses to seven 8. */
  g_assert_cmpfloat_with_epsilon (score->auc, (30 + 23) / 60.0, EXACT);
  g_assert_cmpfloat_with_epsilon (score->auc_less_mean, 1, EXACT);
}

/* A cell is on an object by its centre. One on a difficult object is not counted, unless it is on another one too. */
static void
test_cells (void)
{
  static const float values[16] = { 0 };
  const struct
  {
    VocObject objects[2];
    guint inside, outside;
  } cases[] = {
    { { { .box = { 1, 1, 5, 5 } } }, 0, 16 },     /* up to the first centre, which is not in it */
    { { { .box = { 1, 1, 5.5, 5.5 } } }, 1, 15 }, /* just past it */
    { { { .box = { 6, 6, 15, 15 } } }, 1, 15 },   /* from the first centre on, up to the second */
    { { { .box = { 7, 7, 15, 15 } } }, 0, 16 },   /* between centres */
    { { { .box = { 1, 1, 40, 40 } } }, 16, 0 },   /* everywhere */
    { { { { 1, 1, 40, 10 }, 0, TRUE } }, 0, 12 }, /* difficult */
    { { { { 1, 1, 40, 10 }, 0, TRUE }, { .box = { 1, 1, 10, 10 } } }, 1, 12 },
    { { { .box = { 1, 1, 10, 10 } }, { { 1, 1, 40, 10 }, 0, TRUE } }, 1, 12 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const CbamMap map = whole_map (values);
    g_autoptr (AttentionStudy) study = attention_study_new ();
    g_autoptr (GArray) scores = NULL;

    add (study, 0, &map, cases[i].objects, cases[i].objects[1].box.x1 > 0 ? 2 : 1);
    scores = scores_of (study, 1);
    g_assert_cmpuint (g_array_index (scores, AttentionScore, 0).inside, ==, cases[i].inside);
    g_assert_cmpuint (g_array_index (scores, AttentionScore, 0).outside, ==, cases[i].outside);
    g_assert_true (isnan (g_array_index (scores, AttentionScore, 0).auc) == (cases[i].inside * cases[i].outside == 0));
  }
}

/* A letterboxed map: the picture of 40 x 20 takes the two middle rows. */
static void
test_letterbox (void)
{
  static const float values[] = { 9, 9, 9, 9, 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9 };
  const VocObject object = { .box = { 1, 1, 10, 10 } };
  CbamMap map = whole_map (values);
  g_autoptr (AttentionStudy) study = attention_study_new ();
  g_autoptr (GArray) scores = NULL;

  map.y = -10;
  attention_study_add (study, 0, &map, 40, 20, &object, 1);
  scores = scores_of (study, 1);
  g_assert_cmpuint (g_array_index (scores, AttentionScore, 0).inside, ==, 1);
  g_assert_cmpuint (g_array_index (scores, AttentionScore, 0).outside, ==, 7);
  g_assert_cmpfloat (g_array_index (scores, AttentionScore, 0).auc, ==, 1);
}

/* Levels come out in order whatever the order they went in, and a single cell has no inside. */
static void
test_levels (void)
{
  static const float values[16] = { 0.25f };
  const CbamMap map = whole_map (values);
  CbamMap one = map;
  g_autoptr (AttentionStudy) study = attention_study_new ();
  g_autoptr (GArray) scores = NULL;

  one.width = one.height = 1;
  add (study, 3, &one, NULL, 0);
  add (study, 0, &map, NULL, 0);
  add (study, 3, &one, NULL, 0);
  scores = scores_of (study, 2);
  g_assert_cmpuint (g_array_index (scores, AttentionScore, 0).level, ==, 0);
  g_assert_cmpuint (g_array_index (scores, AttentionScore, 1).level, ==, 3);
  g_assert_cmpuint (g_array_index (scores, AttentionScore, 1).outside, ==, 2);
  g_assert_cmpfloat (g_array_index (scores, AttentionScore, 1).border, ==, 0.25);
  g_assert_true (isnan (g_array_index (scores, AttentionScore, 1).inner));
}

/* A single cell is on the object in one picture and beside it in the other: that tells pictures apart, not objects. */
static void
test_single_cell (void)
{
  static const float low = 0.25f, high = 0.75f;
  const VocObject object = { .box = { 1, 1, 40, 40 } };
  CbamMap map = whole_map (&high);
  g_autoptr (AttentionStudy) study = attention_study_new ();

  map.width = map.height = 1;
  add (study, 0, &map, &object, 1);
  map.values = (float *) &low;
  add (study, 0, &map, NULL, 0);
  g_autoptr (GArray) scores = scores_of (study, 1);
  const AttentionScore *score = &g_array_index (scores, AttentionScore, 0);
  g_assert_cmpuint (score->inside, ==, 1);
  g_assert_cmpuint (score->outside, ==, 1);
  g_assert_true (isnan (score->auc));
  g_assert_true (isnan (score->auc_less_mean));
}

/* Few different values, so that ties abound; the measure is the share of pairs, counted one by one. */
static void
test_all_pairs (void)
{
  const VocObject object = { .box = { 11, 11, 30, 40 } };

  for (guint round = 0; round < 20; round++) {
    float values[6][16];
    double won = 0, pairs = 0;
    g_autoptr (AttentionStudy) study = attention_study_new ();
    g_autoptr (GArray) scores = NULL;

    for (guint i = 0; i < 6; i++) {
      CbamMap map = whole_map (values[i]);

      for (guint j = 0; j < 16; j++)
        values[i][j] = (float) g_test_rand_int_range (0, 5) / 4;
      add (study, 0, &map, &object, 1);
    }
    for (guint i = 0; i < 6 * 16; i++)
      for (guint j = 0; j < 6 * 16; j++) {
        const float a = values[i / 16][i % 16], b = values[j / 16][j % 16];
        const guint x = i % 4, y = i % 16 / 4, other_x = j % 4, other_y = j % 16 / 4;

        if (!(x >= 1 && x <= 2 && y >= 1) || (other_x >= 1 && other_x <= 2 && other_y >= 1))
          continue;
        pairs++;
        won += a > b ? 1 : a == b ? 0.5 : 0;
      }
    scores = scores_of (study, 1);
    g_assert_cmpfloat_with_epsilon (g_array_index (scores, AttentionScore, 0).auc, won / pairs, EXACT);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/attention-auc/by-hand", test_by_hand);
  g_test_add_func ("/attention-auc/less-mean", test_less_mean);
  g_test_add_func ("/attention-auc/cells", test_cells);
  g_test_add_func ("/attention-auc/letterbox", test_letterbox);
  g_test_add_func ("/attention-auc/levels", test_levels);
  g_test_add_func ("/attention-auc/single-cell", test_single_cell);
  g_test_add_func ("/attention-auc/all-pairs", test_all_pairs);
  return g_test_run ();
}
