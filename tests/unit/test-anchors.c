/* Tests of the anchor generator against the published configurations: counts, level offsets and single boxes that were
 * computed elsewhere, and each way to clip.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "nets/anchors.h"

/* Anchors are float32 of numbers up to 1. */
#define TOLERANCE 1e-6f

/* A published configuration: square maps and steps, and the lists [2] (1 ratio) or [2, 3] (2 ratios). */
typedef struct
{
  const char *name;
  guint size, n_levels;
  guint maps[CBAM_MAX_LEVELS];
  double steps[CBAM_MAX_LEVELS]; /* all 0 = absent */
  double min_sizes[CBAM_MAX_LEVELS], max_sizes[CBAM_MAX_LEVELS];
  guint n_ratios[CBAM_MAX_LEVELS];
  CbamClip clip;
  guint per_cell[CBAM_MAX_LEVELS];
  guint offsets[CBAM_MAX_LEVELS + 1]; /* first anchor of each level, then the total */
} Config;

#define SSD300_MAPS .size = 300, .n_levels = 6, .maps = { 38, 19, 10, 5, 3, 1 }, .steps = { 8, 16, 32, 64, 100, 300 }
#define SSD300_RATIOS                                                                                                  \
  .n_ratios = { 1, 2, 2, 2, 1, 1 }, .per_cell = { 4, 6, 6, 6, 4, 4 },                                                  \
  .offsets = { 0, 5776, 7942, 8542, 8692, 8728, 8732 }
#define SSD300_VOC .min_sizes = { 30, 60, 111, 162, 213, 264 }, .max_sizes = { 60, 111, 162, 213, 264, 315 }
#define SSD300_COCO .min_sizes = { 21, 45, 99, 153, 207, 261 }, .max_sizes = { 45, 99, 153, 207, 261, 315 }
#define SSD512_MAPS                                                                                                    \
  .size = 512, .n_levels = 7, .maps = { 64, 32, 16, 8, 4, 2, 1 }, .steps = { 8, 16, 32, 64, 128, 256, 512 },           \
  .n_ratios = { 1, 2, 2, 2, 2, 1, 1 }, .per_cell = { 4, 6, 6, 6, 6, 4, 4 },                                            \
  .offsets = { 0, 16384, 22528, 24064, 24448, 24544, 24560, 24564 }

static const Config configs[] = {
  { .name = "ssd300-voc-caffe", SSD300_MAPS, SSD300_VOC, SSD300_RATIOS, .clip = CBAM_CLIP_NONE },
  { .name = "ssd300-voc-pytorch", SSD300_MAPS, SSD300_VOC, SSD300_RATIOS, .clip = CBAM_CLIP_CXCYWH },
  { .name = "ssd300-coco-caffe", SSD300_MAPS, SSD300_COCO, SSD300_RATIOS, .clip = CBAM_CLIP_NONE },
  { .name = "ssd300-coco-pytorch", SSD300_MAPS, SSD300_COCO, SSD300_RATIOS, .clip = CBAM_CLIP_CXCYWH },
  { .name = "ssd300-cbam-paper",
    SSD300_MAPS,
    SSD300_VOC,
    .n_ratios = { 2, 2, 2, 2, 1, 1 },
    .per_cell = { 6, 6, 6, 6, 4, 4 },
    .offsets = { 0, 8664, 10830, 11430, 11580, 11616, 11620 },
    .clip = CBAM_CLIP_CXCYWH },
  { .name = "ssd512-voc-caffe",
    SSD512_MAPS,
    .min_sizes = { 35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8 },
    .max_sizes = { 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6 },
    .clip = CBAM_CLIP_NONE },
  { .name = "ssd512-voc-pytorch",
    SSD512_MAPS,
    .min_sizes = { 35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8 },
    .max_sizes = { 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6 },
    .clip = CBAM_CLIP_CXCYWH },
  { .name = "ssd512-coco-caffe",
    SSD512_MAPS,
    .min_sizes = { 20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8 },
    .max_sizes = { 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72 },
    .clip = CBAM_CLIP_NONE },
  { .name = "ssd512-coco-pytorch",
    SSD512_MAPS,
    .min_sizes = { 20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8 },
    .max_sizes = { 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72 },
    .clip = CBAM_CLIP_CXCYWH },
  { .name = "mobilenet-chuanqi",
    .size = 300,
    .n_levels = 6,
    .maps = { 19, 10, 5, 3, 2, 1 },
    .min_sizes = { 60, 105, 150, 195, 240, 285 },
    .max_sizes = { 0, 150, 195, 240, 285, 300 },
    .n_ratios = { 1, 2, 2, 2, 2, 2 },
    .per_cell = { 3, 6, 6, 6, 6, 6 },
    .offsets = { 0, 1083, 1683, 1833, 1887, 1911, 1917 } },
  { .name = "mobilenet-rfbnet",
    .size = 300,
    .n_levels = 6,
    .maps = { 19, 10, 5, 3, 2, 1 },
    .steps = { 16, 32, 64, 100, 150, 300 },
    .min_sizes = { 45, 90, 135, 180, 225, 270 },
    .max_sizes = { 90, 135, 180, 225, 270, 315 },
    .n_ratios = { 2, 2, 2, 2, 1, 1 },
    .clip = CBAM_CLIP_CXCYWH,
    .per_cell = { 6, 6, 6, 6, 4, 4 },
    .offsets = { 0, 2166, 2766, 2916, 2970, 2986, 2990 } },
};

static CbamAnchorSpec
spec_of (const Config *config)
{
  CbamAnchorSpec spec = { .n_levels = config->n_levels, .clip = config->clip };

  for (guint l = 0; l < config->n_levels; l++) {
    spec.map_width[l] = spec.map_height[l] = config->maps[l];
    spec.step_x[l] = spec.step_y[l] = config->steps[l];
    spec.min_size[l] = config->min_sizes[l];
    spec.max_size[l] = config->max_sizes[l];
    spec.n_ratios[l] = config->n_ratios[l];
    spec.ratios[l][0] = 2;
    spec.ratios[l][1] = 3;
  }
  return spec;
}

static GArray *
generate (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++)
    if (g_str_equal (configs[i].name, name)) {
      CbamAnchorSpec spec = spec_of (&configs[i]);

      return cbam_anchors_generate (&spec, configs[i].size, configs[i].size);
    }
  g_assert_not_reached ();
}

static void
assert_anchor (GArray *anchors, guint i, double cx, double cy, double w, double h)
{
  const CbamAnchor *anchor = &g_array_index (anchors, CbamAnchor, i);

  g_assert_cmpuint (i, <, anchors->len);
  g_assert_cmpfloat_with_epsilon (anchor->cx, (float) cx, TOLERANCE);
  g_assert_cmpfloat_with_epsilon (anchor->cy, (float) cy, TOLERANCE);
  g_assert_cmpfloat_with_epsilon (anchor->w, (float) w, TOLERANCE);
  g_assert_cmpfloat_with_epsilon (anchor->h, (float) h, TOLERANCE);
}

/* Every configuration: anchors per cell, the place of every level, and each level's first square where it belongs. */
static void
test_configs (void)
{
  for (gsize c = 0; c < G_N_ELEMENTS (configs); c++) {
    const Config *config = &configs[c];
    CbamAnchorSpec spec = spec_of (config);
    g_autoptr (GArray) anchors = cbam_anchors_generate (&spec, config->size, config->size);

    g_test_message ("%s", config->name);
    g_assert_cmpuint (anchors->len, ==, config->offsets[config->n_levels]);
    for (guint l = 0; l < config->n_levels; l++) {
      double step = config->steps[l] > 0 ? config->steps[l] : (double) config->size / config->maps[l];
      double centre = step / 2 / config->size;
      double size = config->min_sizes[l] / config->size;

      g_assert_cmpuint (cbam_anchors_per_cell (&spec, l), ==, config->per_cell[l]);
      assert_anchor (anchors, config->offsets[l], centre, centre, size, size);
      g_assert_cmpuint (config->offsets[l] + config->maps[l] * config->maps[l] * config->per_cell[l], ==,
                        config->offsets[l + 1]);
    }
  }
}

/* The vectors of the published SSD300 VOC table, given there to six digits. */
static void
test_ssd300_vectors (void)
{
  g_autoptr (GArray) anchors = generate ("ssd300-voc-caffe");

  assert_anchor (anchors, 0, 4 / 300.0, 4 / 300.0, .1, .1);
  assert_anchor (anchors, 1, 4 / 300.0, 4 / 300.0, .14142136, .14142136);
  assert_anchor (anchors, 2, 4 / 300.0, 4 / 300.0, .14142136, .07071068);
  assert_anchor (anchors, 3, 4 / 300.0, 4 / 300.0, .07071068, .14142136);
  assert_anchor (anchors, 4, 12 / 300.0, 4 / 300.0, .1, .1);      /* the next column */
  assert_anchor (anchors, 38 * 4, 4 / 300.0, 12 / 300.0, .1, .1); /* the next row */
  assert_anchor (anchors, 5775, 1, 1, .07071068, .14142136);
  assert_anchor (anchors, 5776, 8 / 300.0, 8 / 300.0, .2, .2);
  assert_anchor (anchors, 5777, 8 / 300.0, 8 / 300.0, .27202941, .27202941);
  assert_anchor (anchors, 5780, 8 / 300.0, 8 / 300.0, .34641016, .11547005);
  assert_anchor (anchors, 5781, 8 / 300.0, 8 / 300.0, .11547005, .34641016);
  assert_anchor (anchors, 7942, 16 / 300.0, 16 / 300.0, .37, .37);
  assert_anchor (anchors, 8542, 32 / 300.0, 32 / 300.0, .54, .54);
  assert_anchor (anchors, 8692, 50 / 300.0, 50 / 300.0, .71, .71);
  assert_anchor (anchors, 8728, .5, .5, .88, .88);
  assert_anchor (anchors, 8731, .5, .5, .62225397, 1.24450793);
}

/* ssd.pytorch's clip touches only sides above 1: the wide and tall boxes of the two coarsest levels. */
static void
test_ssd300_clipped (void)
{
  g_autoptr (GArray) plain = generate ("ssd300-voc-caffe");
  g_autoptr (GArray) clipped = generate ("ssd300-voc-pytorch");

  for (guint i = 0; i < plain->len; i++) {
    const CbamAnchor *a = &g_array_index (plain, CbamAnchor, i);

    if (i < 8692)
      g_assert_true (a->w <= 1 && a->h <= 1);
    assert_anchor (clipped, i, MIN (a->cx, 1), MIN (a->cy, 1), MIN (a->w, 1), MIN (a->h, 1));
  }
  assert_anchor (plain, 8694, 50 / 300.0, 50 / 300.0, 1.00409163, .50204581);
  assert_anchor (clipped, 8694, 50 / 300.0, 50 / 300.0, 1, .50204581);
  assert_anchor (clipped, 8731, .5, .5, .62225397, 1);
}

/* Without a max size there is no second square; without steps they follow from the maps. */
static void
test_chuanqi (void)
{
  g_autoptr (GArray) anchors = generate ("mobilenet-chuanqi");
  double root = sqrt (2);

  assert_anchor (anchors, 0, .5 / 19, .5 / 19, .2, .2);
  assert_anchor (anchors, 1, .5 / 19, .5 / 19, .2 * root, .2 / root);
  assert_anchor (anchors, 2, .5 / 19, .5 / 19, .2 / root, .2 * root);
  assert_anchor (anchors, 3, 1.5 / 19, .5 / 19, .2, .2);
  assert_anchor (anchors, 1083, .05, .05, .35, .35);
  assert_anchor (anchors, 1084, .05, .05, sqrt (105 * 150) / 300, sqrt (105 * 150) / 300);
  assert_anchor (anchors, 1911, .5, .5, .95, .95);
}

/* Sizes are pixels: on an input that is not square, a square box has two fractions; steps differ by axis too. */
static void
test_not_square (void)
{
  CbamAnchorSpec spec = {
    .n_levels = 1, .map_width = { 4 }, .map_height = { 3 }, .min_size = { 40 }, .n_ratios = { 1 }, .ratios = { { 4 } }
  };
  g_autoptr (GArray) implied = cbam_anchors_generate (&spec, 400, 200);
  g_autoptr (GArray) given = NULL;

  g_assert_cmpuint (implied->len, ==, 3 * 4 * 3);
  assert_anchor (implied, 0, .125, 1 / 6.0, .1, .2);
  assert_anchor (implied, 1, .125, 1 / 6.0, .2, .1);
  assert_anchor (implied, 2, .125, 1 / 6.0, .05, .4);
  assert_anchor (implied, 3, .375, 1 / 6.0, .1, .2);
  assert_anchor (implied, 35, .875, 5 / 6.0, .05, .4);

  spec.step_x[0] = 96;
  spec.step_y[0] = 64;
  given = cbam_anchors_generate (&spec, 400, 200);
  assert_anchor (given, 0, .12, .16, .1, .2);
  assert_anchor (given, 35, 3.5 * 96 / 400, 2.5 * 64 / 200, .05, .4);

  spec.off_middle = -.5; /* in the corners of the cells */
  g_array_unref (g_steal_pointer (&given));
  given = cbam_anchors_generate (&spec, 400, 200);
  assert_anchor (given, 0, 0, 0, .1, .2);
  assert_anchor (given, 35, 3.0 * 96 / 400, 2.0 * 64 / 200, .05, .4);
}

/* One cell in the corner of the input, whose wide box hangs out: centre (.1, .2), 1.2 x .3. */
static void
test_clip_modes (void)
{
  static const struct
  {
    CbamClip clip;
    double cx, cy, w, h;
  } modes[] = {
    { CBAM_CLIP_NONE, .1, .2, 1.2, .3 },
    { CBAM_CLIP_CXCYWH, .1, .2, 1, .3 },
    { CBAM_CLIP_WH, .1, .2, 1, .3 },
    { CBAM_CLIP_CORNER, .35, .2, .7, .3 }, /* -.5 .. .7 becomes 0 .. .7; .05 .. .35 stays */
  };
  CbamAnchorSpec spec = { .n_levels = 1,
                          .map_width = { 1 },
                          .map_height = { 1 },
                          .step_x = { 20 },
                          .step_y = { 40 },
                          .min_size = { 60 },
                          .n_ratios = { 1 },
                          .ratios = { { 4 } } };

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (GArray) anchors = NULL;

    spec.clip = modes[i].clip;
    anchors = cbam_anchors_generate (&spec, 100, 100);
    assert_anchor (anchors, 1, modes[i].cx, modes[i].cy, modes[i].w, modes[i].h);
    if (modes[i].clip == CBAM_CLIP_CORNER) /* the tall box: -.05 .. .25 by -.4 .. .8 */
      assert_anchor (anchors, 2, .125, .4, .25, .8);
  }
}

/* A step so large that centres leave the input: cxcywh moves the centre, wh leaves it, corner empties the box. */
static void
test_clip_centres (void)
{
  CbamAnchorSpec spec = { .n_levels = 1,
                          .map_width = { 1 },
                          .map_height = { 1 },
                          .step_x = { 300 },
                          .step_y = { 100 },
                          .min_size = { 20 },
                          .clip = CBAM_CLIP_CXCYWH };
  g_autoptr (GArray) moved = cbam_anchors_generate (&spec, 100, 100);
  g_autoptr (GArray) left = NULL;
  g_autoptr (GArray) emptied = NULL;

  spec.clip = CBAM_CLIP_WH;
  left = cbam_anchors_generate (&spec, 100, 100);
  spec.clip = CBAM_CLIP_CORNER;
  emptied = cbam_anchors_generate (&spec, 100, 100);
  assert_anchor (moved, 0, 1, .5, .2, .2);
  assert_anchor (left, 0, 1.5, .5, .2, .2);
  assert_anchor (emptied, 0, 1, .5, 0, .2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/anchors/configs", test_configs);
  g_test_add_func ("/anchors/ssd300-vectors", test_ssd300_vectors);
  g_test_add_func ("/anchors/ssd300-clipped", test_ssd300_clipped);
  g_test_add_func ("/anchors/chuanqi", test_chuanqi);
  g_test_add_func ("/anchors/not-square", test_not_square);
  g_test_add_func ("/anchors/clip-modes", test_clip_modes);
  g_test_add_func ("/anchors/clip-centres", test_clip_centres);
  return g_test_run ();
}
