/* The detection tail against its reference: softmax and sigmoid, merged and separate heads, boxes as offsets and as
 * distributions, from nothing passing to everything passing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "compare.h"
#include "engine/half.h"
#include "nets/levels.h"
#include "ops/detect.h"
#include "random-source.h"
#include "run.h"
#include "run/reference/reference.h"
#include "run/vulkan/program.h"

typedef struct
{
  guint width, height, per_cell, n_classes;
  guint bins; /* 0 = offsets */
} Level;

static const Level levels[] = {
  { 19, 19, 3, 91 }, { 5, 3, 6, 21 },   { 1, 1, 4, 2 },     { 7, 2, 6, 33 },    { 3, 3, 1, 32 },
  { 2, 2, 2, 5 },    { 4, 1, 1, 1 },    { 9, 5, 1, 20, 8 }, { 3, 2, 6, 21, 2 }, { 6, 1, 1, 33, 16 },
  { 2, 3, 3, 5, 3 }, { 1, 2, 6, 1, 7 }, { 4, 4, 2, 7, 32 },
};

typedef struct
{
  CbamGraph *graph;
  CbamLevels *levels;
  CbamValue *loc, *conf;
} Case;

static GArray *
make_anchors (guint n)
{
  GArray *anchors = g_array_new (FALSE, FALSE, sizeof (CbamAnchor));
  GRand *rand = g_rand_new_with_seed (n);

  for (guint i = 0; i < n; i++) {
    CbamAnchor anchor = { .cx = (float) g_rand_double (rand), .cy = (float) g_rand_double (rand) };

    anchor.w = (float) g_rand_double_range (rand, 0.01, 1);
    anchor.h = (float) g_rand_double_range (rand, 0.01, 1);
    g_array_append_val (anchors, anchor);
  }
  g_rand_free (rand);
  return anchors;
}

/* Two priors of another level come first, so that the offset counts. */
static Case
build (const Level *level, gboolean sigmoid, gboolean merged)
{
  RandomSource source;
  const guint loc_channels = level->per_cell * cbam_detect_loc_rows (level->bins);
  const guint conf_channels = level->per_cell * level->n_classes;
  CbamDetectOpParams params = { .per_cell = level->per_cell,
                                .n_classes = level->n_classes,
                                .prior = 2,
                                .conf_channel = merged ? loc_channels : 0,
                                .sigmoid = sigmoid,
                                .bins = level->bins,
                                .variances = { 0.1f, 0.1f, 0.2f, 0.2f } };
  Case result;

  random_source_init (&source, 1);
  result.graph = cbam_graph_new (&source.source);
  result.levels = cbam_levels_new (result.graph, cbam_graph_add_bytes (result.graph, "block", 0));
  cbam_levels_set_anchors (result.levels, result.graph,
                           make_anchors (2 + level->width * level->height * level->per_cell), level->n_classes);
  cbam_levels_place (result.levels, &params);
  params.anchors = (const float *) result.levels->anchors->data;
  result.loc = cbam_graph_input (result.graph, "loc", level->width, level->height,
                                 merged ? loc_channels + conf_channels : loc_channels);
  result.conf =
      merged ? result.loc : cbam_graph_input (result.graph, "conf", level->width, level->height, conf_channels);
  cbam_graph_detect (result.graph, "detect", result.loc, result.conf, result.levels->block, &params);
  random_source_clear (&source);
  return result;
}

static gint
by_prior_class (gconstpointer a, gconstpointer b)
{
  const CbamHit *p = a, *q = b;

  return p->prior_class < q->prior_class ? -1 : p->prior_class > q->prior_class;
}

static GArray *
sorted_hits (const CbamLevels *of, const guint8 *block)
{
  guint32 n;
  const CbamHit *hits = cbam_levels_get_hits (of, block, 0, &n);
  GArray *sorted = g_array_new (FALSE, FALSE, sizeof (CbamHit));

  g_array_append_vals (sorted, hits, n);
  g_array_sort (sorted, by_prior_class);
  return sorted;
}

/* Every hit of one list is in the other, but for scores within 1e-5 of the threshold. */
static void
assert_same_hits (GArray *expected, GArray *found, float threshold)
{
  guint i = 0, j = 0;

  while (i < expected->len || j < found->len) {
    const CbamHit *e = i < expected->len ? &g_array_index (expected, CbamHit, i) : NULL;
    const CbamHit *f = j < found->len ? &g_array_index (found, CbamHit, j) : NULL;

    if (e != NULL && f != NULL && e->prior_class == f->prior_class) {
      g_assert_cmpfloat_with_epsilon (e->score, f->score, 2e-6);
      i++;
      j++;
      continue;
    }
    if (e != NULL && (f == NULL || e->prior_class < f->prior_class)) {
      g_assert_cmpfloat_with_epsilon (e->score, threshold, 1e-5);
      i++;
    } else {
      g_assert_cmpfloat_with_epsilon (f->score, threshold, 1e-5);
      j++;
    }
  }
}

static void
fill (CbamReference *reference, const CbamValue *tensor, double spread, guint32 seed)
{
  float *values = cbam_reference_get (reference, tensor);
  const gsize n = (gsize) tensor->width * tensor->height * tensor->channels;
  GRand *rand = g_rand_new_with_seed (seed);

  random_fill_nasty (rand, values, n);
  /* To numbers that 16 bits hold too, from which boxes and scores are as exact as from others. */
  for (gsize i = 0; i < n; i++)
    values[i] = cbam_half_to_float (cbam_half_from_float ((float) (values[i] * spread)));
  g_rand_free (rand);
}

/* The boxes of what was found; the host makes no others. */
static void
compare_boxes (const float (*expected)[4], const float (*found)[4], const GArray *hits, guint n_priors, guint n_classes)
{
  const gsize n = 4 * (gsize) n_priors;
  g_autofree float *a = g_new0 (float, n);
  g_autofree float *b = g_new0 (float, n);

  for (guint i = 0; i < hits->len; i++) {
    const guint prior = g_array_index (hits, CbamHit, i).prior_class / n_classes;

    memcpy (a + 4 * prior, expected[prior], sizeof expected[prior]);
    memcpy (b + 4 * prior, found[prior], sizeof found[prior]);
  }
  assert_close ("boxes", a, b, n, 1e-5, 1e9);
}

static void
run_level (CbamDevice *device, const Level *level, CbamPrecision precision, gboolean sigmoid, gboolean merged,
           float threshold)
{
  const CbamPlanConfig config = { .canary = 256, .precision = precision };
  Case truth = build (level, sigmoid, merged), fast = build (level, sigmoid, merged);
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (CbamGraph) truth_graph = truth.graph;
  g_autoptr (CbamReference) reference = cbam_reference_new (truth.graph);
  g_autoptr (CbamProgram) program = cbam_program_new (device, fast.graph, &config, &error);
  g_autoptr (CbamSlot) slot = program != NULL ? cbam_slot_new (program, FALSE, &error) : NULL;
  const guint n_priors = truth.levels->anchors->len;
  CbamFrameArgs frame = { .threshold = threshold, .n_classes = level->n_classes };
  g_autoptr (GArray) expected = NULL;

  g_assert_no_error (error);
  memset (frame.reported, 0xff, sizeof frame.reported);
  if (level->n_classes > 4)
    frame.reported[0] &= ~(1u | 1u << 3);
  fill (reference, truth.loc, 3, 3);
  fill (reference, truth.conf, 4, 4);
  guint8 *true_block = cbam_reference_get_bytes (reference, truth.levels->block);
  *cbam_levels_begin (truth.levels, true_block) = frame;
  cbam_reference_run (reference, NULL);
  expected = sorted_hits (truth.levels, true_block);
  for (guint run = 0; run < 2; run++) {
    g_autoptr (GArray) found = NULL;
    guint8 *block = cbam_slot_get (slot, fast.levels->block);

    cbam_value_write (fast.loc, cbam_slot_get (slot, fast.loc), cbam_reference_get (reference, truth.loc));
    cbam_value_write (fast.conf, cbam_slot_get (slot, fast.conf), cbam_reference_get (reference, truth.conf));
    *cbam_levels_begin (fast.levels, block) = frame;
    test_run (slot, NULL, 0, FALSE);
    found = sorted_hits (fast.levels, block);
    assert_same_hits (expected, found, threshold);
    g_assert_cmpfloat_with_epsilon (cbam_levels_get_best_score (fast.levels, block, 0),
                                    cbam_levels_get_best_score (truth.levels, true_block, 0), 2e-6);
    if (threshold < 0)
      g_assert_cmpuint (found->len, ==, (n_priors - 2) * (level->n_classes - (level->n_classes > 4 ? 2 : 0)));
    const float (*true_boxes)[4] = cbam_levels_get_boxes (truth.levels, true_block, 0);
    const float (*boxes)[4] = cbam_levels_get_boxes (fast.levels, block, 0);
    compare_boxes (true_boxes, boxes, found, n_priors, level->n_classes);
    if (!device->caps.is_host)
      assert_close ("all boxes", true_boxes[2], boxes[2], (n_priors - 2) * 4, 1e-5, 1e9);
    cbam_slot_check_canaries (slot, &error);
    g_assert_no_error (error);
  }
}

static void
test_detect (gconstpointer data)
{
  static const float thresholds[] = { -1, 0, 0.01f, 0.5f, 0.99f, 1 };
  const guint flags = GPOINTER_TO_UINT (data);
  const CbamPrecision precision = flags & TEST_FP16 ? CBAM_PRECISION_FP16 : CBAM_PRECISION_FP32;
  g_autoptr (CbamDevice) device = test_device_open (CBAM_DEBUG_POISON | (flags & ~TEST_FP16));

  for (guint l = 0; l < G_N_ELEMENTS (levels); l++)
    for (guint t = 0; t < G_N_ELEMENTS (thresholds); t++)
      for (gboolean sigmoid = FALSE; sigmoid <= TRUE; sigmoid++)
        run_level (device, &levels[l], precision, sigmoid, t % 2 == 0, thresholds[t]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/detect/texel", GUINT_TO_POINTER (0), test_detect);
  g_test_add_data_func ("/detect/plain", GUINT_TO_POINTER (CBAM_DEBUG_PLAIN), test_detect);
  g_test_add_data_func ("/detect/noncoherent", GUINT_TO_POINTER (CBAM_DEBUG_NONCOHERENT), test_detect);
  if (test_has_fp16 ())
    g_test_add_data_func ("/detect/half", GUINT_TO_POINTER (TEST_FP16), test_detect);
  return g_test_run ();
}
