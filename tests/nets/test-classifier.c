/* Classifiers through the public door: which classes come, in which order and how many, what part of a picture is
 * looked at, and what there is to see of it. That the numbers are right is tests/golden's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "compare.h"
#include "results.h"
#include "turned.h"
#include "write-model.h"

#define WIDTH 120
#define HEIGHT 80 /* so that the middle 64x64 pixels are what is seen, one for one */
#define N_CLASSES 12
#define SEED 5

static CbamDevice *device;

/* @flat: gives all classes the same score. */
static TestModel *
make_model (gboolean flat)
{
  TestModel *model = test_model_new (3);

  test_model_classify (model, N_CLASSES, flat ? 0 : SEED);
  return model;
}

static CbamDetector *
load (const TestModel *source)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cbam-classifier-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "m.safetensors", NULL);
  g_autoptr (CbamModel) model = NULL;
  CbamDetector *detector;

  g_assert_true (test_model_write (source, path, &error));
  model = cbam_model_load (device, path, NULL, &error);
  g_assert_no_error (error);
  detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = 1 }, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (folder);
  return detector;
}

static CbamDetector *
make_detector (gboolean flat)
{
  g_autoptr (TestModel) source = make_model (flat);

  return load (source);
}

static CbamResult *
classify (CbamDetector *detector, const CbamImage *image, const CbamDetectParams *params)
{
  g_autoptr (GError) error = NULL;
  CbamResult *result = cbam_detector_detect (detector, image, params, &error);

  g_assert_no_error (error);
  return result;
}

/* Smooth, so that it says something after halving. */
static CbamImage
make_image (guint8 *bytes)
{
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      for (guint c = 0; c < 3; c++)
        bytes[(y * WIDTH + x) * 3 + c] = (guint8) (128 + 100 * sin (x * 0.11 * (c + 1)) * cos (y * 0.07 * (3 - c)));
  return (CbamImage){ .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
}

static void
assert_same (const CbamResult *a, const CbamResult *b)
{
  g_assert_cmpuint (a->n_classes, ==, b->n_classes);
  for (gsize i = 0; i < a->n_classes; i++) {
    g_assert_cmpstr (a->classes[i].label, ==, b->classes[i].label);
    g_assert_cmpuint (a->classes[i].class_id, ==, b->classes[i].class_id);
    g_assert_cmpfloat (a->classes[i].score, ==, b->classes[i].score);
  }
}

/* ---- Which classes ----------------------------------------------------------------------------------------------- */

static void
test_ranking (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = make_image (bytes);
  g_autoptr (CbamDetector) detector = make_detector (FALSE);
  const CbamDetectParams everything = { .max_detections = CBAM_ALL };
  g_autoptr (CbamResult) usual = classify (detector, &image, NULL), all = classify (detector, &image, &everything);
  double sum = 0;

  g_assert_cmpuint (cbam_result_get_n_detections (usual), ==, 0);
  g_assert_cmpuint (cbam_result_get_n_classes (usual), ==, 5);
  g_assert_cmpuint (cbam_result_get_n_classes (all), ==, N_CLASSES - 1); /* one has no name */
  g_assert_cmpmem (usual->classes, 5 * sizeof (CbamClass), all->classes, 5 * sizeof (CbamClass));
  for (gsize i = 0; i < N_CLASSES - 1; i++) {
    const CbamClass *found = cbam_result_get_class (all, i);

    g_assert_true (found->label[0] == (char) ('a' + found->class_id) && found->label[1] == '\0');
    g_assert_true (i == 0 || found->score < cbam_result_get_class (all, i - 1)->score);
    sum += found->score;
  }
  g_assert_cmpfloat (sum, <=, 1 + 1e-6);
  g_assert_cmpfloat (sum, >, 0.5);
  g_assert_cmpfloat (cbam_result_get_best_score (all), ==, cbam_result_get_class (all, 0)->score);
}

static void
test_params (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = make_image (bytes);
  g_autoptr (CbamDetector) detector = make_detector (FALSE);
  g_autoptr (CbamResult) usual = classify (detector, &image, NULL);
  const CbamClass *third = cbam_result_get_class (usual, 2);
  const CbamDetectParams above = { .threshold = third->score };
  const CbamDetectParams only = { .classes = { 1u << third->class_id } };
  g_autoptr (CbamResult) two = classify (detector, &image, &above), one = classify (detector, &image, &only);

  g_assert_cmpmem (two->classes, two->n_classes * sizeof (CbamClass), usual->classes, 2 * sizeof (CbamClass));
  g_assert_cmpmem (one->classes, one->n_classes * sizeof (CbamClass), third, sizeof (CbamClass));
  g_assert_cmpuint (cbam_result_get_n_unwanted (one), ==, usual->n_classes - 1);
  g_assert_cmpfloat (cbam_result_get_best_score (one), ==, cbam_result_get_best_score (usual));
}

/* Of classes with the same score the lower number comes first. */
static void
test_ties (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = make_image (bytes);
  g_autoptr (CbamDetector) detector = make_detector (TRUE);
  g_autoptr (CbamResult) result = classify (detector, &image, NULL);

  g_assert_cmpuint (cbam_result_get_n_classes (result), ==, 5);
  for (guint i = 0; i < 5; i++) {
    g_assert_cmpuint (cbam_result_get_class (result, i)->class_id, ==, i);
    g_assert_cmpfloat_with_epsilon (cbam_result_get_class (result, i)->score, 1.0f / N_CLASSES, 1e-6f);
  }
}

/* Each class for itself. */
static void
test_sigmoid (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = make_image (bytes);
  g_autoptr (TestModel) source = make_model (TRUE);
  g_autoptr (CbamDetector) detector = NULL;
  g_autoptr (CbamResult) result = NULL;

  ((float *) test_model_find (source, "fc.bias")->values->data)[3] = 2;
  test_model_set (source, "output.score", "\"sigmoid\"");
  test_model_set (source, "output.threshold", "0.5");
  detector = load (source);
  result = classify (detector, &image, NULL);
  g_assert_cmpuint (cbam_result_get_n_classes (result), ==, 1); /* above, not at */
  g_assert_cmpuint (cbam_result_get_class (result, 0)->class_id, ==, 3);
  g_assert_cmpfloat_with_epsilon (cbam_result_get_class (result, 0)->score, 1 / (1 + exp (-2.0)), 1e-6);
}

/* ---- Which part of the picture ----------------------------------------------------------------------------------- */

/* The middle alone counts; and as a picture of its own that is not cut it is the same. */
static void
test_crop (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3], other[WIDTH * HEIGHT * 3];
  const guint left = (WIDTH - TEST_MODEL_SIZE) / 2, top = (HEIGHT - TEST_MODEL_SIZE) / 2;
  const CbamImage image = make_image (bytes);
  CbamImage changed = make_image (other);
  g_autoptr (TestModel) source = make_model (FALSE);
  g_autoptr (CbamDetector) detector = load (source), stretching = NULL;
  const CbamDetectParams middle = { .region = { left, top, TEST_MODEL_SIZE, TEST_MODEL_SIZE } };
  g_autoptr (CbamResult) expected = classify (detector, &image, NULL), cut = NULL, same = NULL, different = NULL;

  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      if (x < left || x >= left + TEST_MODEL_SIZE || y < top || y >= top + TEST_MODEL_SIZE)
        memset (other + (y * WIDTH + x) * 3, 77, 3);
  same = classify (detector, &changed, NULL);
  assert_same (expected, same);
  memset (other + (top * WIDTH + left) * 3, 77, TEST_MODEL_SIZE * 3);
  different = classify (detector, &changed, NULL);
  g_assert_cmpfloat (fabsf (different->classes[0].score - expected->classes[0].score), >, 1e-6f);

  test_model_set (source, "input.resize", "\"stretch\"");
  test_model_set (source, "input.crop", NULL);
  stretching = load (source);
  cut = classify (stretching, &image, &middle);
  assert_same (expected, cut);
}

static void
test_orientation (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3], turned[WIDTH * HEIGHT * 3];
  const CbamImage upright = make_image (bytes);
  g_autoptr (CbamDetector) detector = make_detector (FALSE);
  g_autoptr (CbamResult) expected = classify (detector, &upright, NULL);

  for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
    const gboolean swaps = turned_swaps ((CbamOrientation) o);
    const CbamImage stored = { .format = CBAM_FORMAT_RGB,
                               .width = swaps ? HEIGHT : WIDTH,
                               .height = swaps ? WIDTH : HEIGHT,
                               .planes = { turned },
                               .orientation = (CbamOrientation) o };
    g_autoptr (CbamResult) found = NULL;
    guint x, y;

    for (guint v = 0; v < HEIGHT; v++)
      for (guint u = 0; u < WIDTH; u++) {
        turned_find (stored.orientation, stored.width, stored.height, u, v, &x, &y);
        memcpy (turned + (y * stored.width + x) * 3, bytes + (v * WIDTH + u) * 3, 3);
      }
    found = classify (detector, &stored, NULL);
    assert_same (expected, found);
  }
}

/* A frame of one pixel is seen as a larger one of that colour, whatever part of it is cut out. */
static void
test_one_pixel (void)
{
  static const guint8 colour[3] = { 200, 90, 30 };
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage one = { .format = CBAM_FORMAT_RGB, .width = 1, .height = 1, .planes = { (guint8 *) colour } };
  const CbamImage many = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
  static const char *const crops[] = { "{ \"shorter\": 80 }", "{ \"fraction\": 0.875 }", "{ \"fraction\": 0.3 }" };

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = colour[i % 3];
  for (guint i = 0; i < G_N_ELEMENTS (crops); i++) {
    g_autoptr (TestModel) source = make_model (FALSE);
    g_autoptr (CbamDetector) detector = NULL;
    g_autoptr (CbamResult) small = NULL, large = NULL;

    test_model_set (source, "input.crop", crops[i]);
    detector = load (source);
    small = classify (detector, &one, NULL);
    large = classify (detector, &many, NULL);
    assert_same (small, large);
  }
}

/* Through a filter all of a frame is looked at, so that there is an end: of the side that a crop goes by. */
static void
test_filter (void)
{
  static const guint8 bytes[32 * HEIGHT * 32 * HEIGHT];
  CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 32 * HEIGHT, .height = HEIGHT, .planes = { bytes } };
  g_autoptr (TestModel) source = make_model (FALSE);
  g_autoptr (CbamDetector) detector = NULL;
  g_autoptr (CbamResult) result = NULL;
  g_autoptr (GError) error = NULL;

  test_model_set (source, "input.filter", "\"bicubic\"");
  detector = load (source);
  result = classify (detector, &image, NULL);
  g_assert_cmpuint (cbam_result_get_n_classes (result), ==, 5);
  image.height = image.width;
  g_assert_null (cbam_detector_detect (detector, &image, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "a frame of 2560x2560 pixels"));
}

/* ---- What there is to see ---------------------------------------------------------------------------------------- */

static void
assert_over_the_middle (const CbamMap *map)
{
  g_assert_cmpfloat_with_epsilon (map->x, (WIDTH - TEST_MODEL_SIZE) / 2, 1e-3f);
  g_assert_cmpfloat_with_epsilon (map->y, (HEIGHT - TEST_MODEL_SIZE) / 2, 1e-3f);
  g_assert_cmpfloat_with_epsilon (map->frame_width, TEST_MODEL_SIZE, 1e-3f);
  g_assert_cmpfloat_with_epsilon (map->frame_height, TEST_MODEL_SIZE, 1e-3f);
}

/* So many as asked for, over what was looked at; without attention in it a network shows none. */
static void
test_grad_cam (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = make_image (bytes);
  g_autoptr (CbamDetector) detector = make_detector (FALSE);
  const CbamDetectParams params = { .attention = TRUE, .grad_cam = 2 };
  g_autoptr (CbamResult) plain = classify (detector, &image, NULL), result = classify (detector, &image, &params);
  gsize n;

  assert_same (plain, result);
  g_assert_null (cbam_result_get_grad_cam (plain, 0));
  for (guint i = 0; i < 2; i++) {
    const CbamMap *map = cbam_result_get_grad_cam (result, i);

    g_assert_true (map->width == 2 && map->height == 2);
    assert_over_the_middle (map);
  }
  g_assert_null (cbam_result_get_grad_cam (result, 2));
  g_assert_null (test_get_attention (result, &n));
}

/* The last module on each size of map. */
static void
test_attention (void)
{
  static const guint sizes[] = { 112, 56, 28, 14, 7 };
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = make_image (bytes);
  const CbamDetectParams params = { .attention = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = cbam_model_load_preset (device, "mobilenet0.7-cbam", NULL, &error);
  g_autoptr (CbamDetector) detector = NULL;
  g_autoptr (CbamResult) result = NULL;
  const CbamModelInfo *info;
  const CbamAttention *attention;
  gsize n;

  g_assert_no_error (error);
  info = cbam_model_get_info (model);
  g_assert_cmpstr (info->task, ==, "classify");
  g_assert_null (info->detector);
  g_assert_cmpuint (info->n_levels, ==, G_N_ELEMENTS (sizes));
  g_assert_true (info->spatial_levels == 31 && info->channel_levels == 31 && info->has_grad_cam);
  detector = cbam_detector_new (model, NULL, &error);
  g_assert_no_error (error);
  result = classify (detector, &image, &params);
  attention = test_get_attention (result, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (sizes));
  for (gsize l = 0; l < n; l++) {
    g_assert_cmpuint (attention[l].level, ==, l);
    g_assert_true (attention[l].spatial->width == sizes[l] && attention[l].spatial->height == sizes[l]);
    g_assert_cmpfloat_with_epsilon (attention[l].spatial->frame_width, HEIGHT * 224.0 / 256, 1e-3);
  }
  g_assert_cmpuint (attention[n - 1].n_channels, ==, 716);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  device = test_device_open (CBAM_DEBUG_POISON);
  g_test_add_func ("/classifier/ranking", test_ranking);
  g_test_add_func ("/classifier/params", test_params);
  g_test_add_func ("/classifier/ties", test_ties);
  g_test_add_func ("/classifier/sigmoid", test_sigmoid);
  g_test_add_func ("/classifier/crop", test_crop);
  g_test_add_func ("/classifier/orientation", test_orientation);
  g_test_add_func ("/classifier/one-pixel", test_one_pixel);
  g_test_add_func ("/classifier/filter", test_filter);
  g_test_add_func ("/classifier/grad-cam", test_grad_cam);
  g_test_add_func ("/classifier/attention", test_attention);
  status = g_test_run ();
  cbam_device_unref (device);
  return status;
}
