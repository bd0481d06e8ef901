/* The public door: slots, order, threads, parameters, errors; with the small random model of CBAM_TEST_MODEL.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/profile.h>
#include <glib/gstdio.h>
#include <string.h>

#include "compare.h"
#include "results.h"
#include "turned.h"
#include "write-model.h"

#define WIDTH 90
#define HEIGHT 70

static CbamDevice *device;
static CbamModel *model;

/* Frame number @seed: noise of its own. */
static CbamImage
make_image (guint8 *bytes, guint seed)
{
  GRand *rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < WIDTH * HEIGHT * 3; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  g_rand_free (rand);
  return (CbamImage){ .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
}

static CbamDetectParams
everything (void)
{
  return (CbamDetectParams){ .threshold = -1, .top_k = CBAM_ALL, .max_detections = CBAM_ALL };
}

static void
submit (CbamDetector *detector, guint seed, const CbamDetectParams *params)
{
  g_autofree guint8 *bytes = g_malloc (WIDTH * HEIGHT * 3);
  g_autoptr (GError) error = NULL;
  const CbamImage image = make_image (bytes, seed);

  g_assert_true (cbam_detector_submit (detector, &image, params, &error));
  g_assert_no_error (error);
}

static CbamResult *
collect (CbamDetector *detector)
{
  g_autoptr (GError) error = NULL;
  CbamResult *result = cbam_detector_collect (detector, &error);

  g_assert_no_error (error);
  return result;
}

static CbamDetector *
detector_new (guint slots, gboolean profile)
{
  g_autoptr (GError) error = NULL;
  const CbamDetectorConfig config = { .slots = slots };
  CbamDetector *detector =
      profile ? cbam_detector_new_profiled (model, &config, &error) : cbam_detector_new (model, &config, &error);

  g_assert_no_error (error);
  return detector;
}

static void
assert_same (CbamResult *a, CbamResult *b)
{
  gsize n_a, n_b;
  const CbamDetection *p = test_get_detections (a, &n_a), *q = test_get_detections (b, &n_b);

  g_assert_cmpuint (n_a, ==, n_b);
  g_assert_cmpmem (p, n_a * sizeof *p, q, n_b * sizeof *q);
}

static void
assert_sane (CbamResult *result, float threshold)
{
  gsize n;
  const CbamDetection *d = test_get_detections (result, &n);

  for (gsize i = 0; i < n; i++) {
    g_assert_cmpfloat (d[i].score, >, threshold);
    g_assert_cmpfloat (d[i].score, <=, i > 0 ? d[i - 1].score : cbam_result_get_best_score (result));
    g_assert_cmpfloat (d[i].x, >=, 0);
    g_assert_cmpfloat (d[i].y, >=, 0);
    g_assert_cmpfloat (d[i].width, >, 0);
    g_assert_cmpfloat (d[i].height, >, 0);
    g_assert_cmpfloat (d[i].x + d[i].width, <=, WIDTH + 1e-3);
    g_assert_cmpfloat (d[i].y + d[i].height, <=, HEIGHT + 1e-3);
    g_assert_cmpstr (d[i].label, ==, cbam_model_get_info (model)->classes[d[i].class_id]);
    g_assert_cmpuint (d[i].class_id, >, 0); /* never background */
  }
}

static void
test_slots (void)
{
  g_autoptr (CbamDetector) detector = detector_new (3, FALSE), alone = detector_new (1, FALSE);
  const CbamDetectParams params = everything ();
  g_autofree guint8 *bytes = g_malloc (WIDTH * HEIGHT * 3);
  const CbamImage image = make_image (bytes, 99);
  g_autoptr (GError) error = NULL;

  g_assert_null (cbam_detector_collect (detector, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_EMPTY);
  g_clear_error (&error);
  for (guint round = 0; round < 3; round++) {
    for (guint i = 0; i < 3; i++) {
      g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 3 - i);
      submit (detector, round * 3 + i, &params);
    }
    g_assert_false (cbam_detector_submit (detector, &image, NULL, &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BUSY);
    g_clear_error (&error);
    for (guint i = 0; i < 3; i++) {
      g_autoptr (CbamResult) result = collect (detector), expected = NULL;
      gsize n;

      submit (alone, round * 3 + i, &params);
      expected = collect (alone);
      assert_same (result, expected);
      assert_sane (result, 0);
      test_get_detections (result, &n);
      g_assert_cmpuint (n, >, 0);
    }
  }
  g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 3);
}

static void
test_params (void)
{
  g_autoptr (CbamDetector) detector = detector_new (0, FALSE);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) all = NULL, again = NULL, few = NULL, strong = NULL, none = NULL, loose = NULL;
  gsize n, n_all, n_loose;
  const CbamDetection *d;
  float middle;

  submit (detector, 1, &params);
  submit (detector, 1, &params);
  all = collect (detector);
  again = collect (detector);
  assert_same (all, again);
  d = test_get_detections (all, &n_all);
  g_assert_cmpuint (n_all, >, 10);
  middle = d[n_all / 2].score;

  params.max_detections = 5;
  submit (detector, 1, &params);
  few = collect (detector);
  d = test_get_detections (few, &n);
  g_assert_cmpuint (n, <=, 5);
  g_assert_cmpmem (d, n * sizeof *d, test_get_detections (all, &n_all), n * sizeof *d);

  params = everything ();
  params.threshold = middle;
  submit (detector, 1, &params);
  strong = collect (detector);
  assert_sane (strong, middle);
  test_get_detections (strong, &n);
  g_assert_cmpuint (n, <, n_all);

  params.threshold = 1;
  submit (detector, 1, &params);
  none = collect (detector);
  test_get_detections (none, &n);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpfloat (cbam_result_get_best_score (none), ==, d[0].score);

  params = everything ();
  params.nms_iou = 1;
  submit (detector, 1, &params);
  loose = collect (detector);
  test_get_detections (loose, &n_loose);
  g_assert_cmpuint (n_loose, >, n_all);
}

/* Of all classes, those that are asked for, as they are among all; the limit is for them alone. */
static void
test_classes (void)
{
  g_autoptr (CbamDetector) detector = detector_new (0, FALSE);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) all = NULL, some = NULL, few = NULL;
  gsize n_all, n_some, n_few, i = 0;
  const CbamDetection *a, *s;

  submit (detector, 1, &params);
  params.classes[0] = 1u << 2 | 1u << 4;
  submit (detector, 1, &params);
  all = collect (detector);
  some = collect (detector);
  a = test_get_detections (all, &n_all);
  s = test_get_detections (some, &n_some);
  g_assert_cmpuint (cbam_result_get_n_unwanted (all), ==, 0);
  g_assert_cmpuint (cbam_result_get_n_unwanted (some), ==, n_all - n_some);
  g_assert_cmpfloat (cbam_result_get_best_score (some), ==, cbam_result_get_best_score (all));
  for (gsize k = 0; k < n_all; k++) {
    if (a[k].class_id != 2 && a[k].class_id != 4)
      continue;
    g_assert_cmpuint (i, <, n_some);
    g_assert_cmpuint (s[i].class_id, ==, a[k].class_id);
    g_assert_cmpfloat (s[i].score, ==, a[k].score);
    g_assert_cmpfloat (s[i].x, ==, a[k].x);
    i++;
  }
  g_assert_cmpuint (i, ==, n_some);
  g_assert_cmpuint (i, >, 3);

  params.max_detections = 3;
  submit (detector, 1, &params);
  few = collect (detector);
  test_get_detections (few, &n_few);
  g_assert_cmpuint (n_few, ==, 3);
}

/* A region is as if there were nothing else, but for where it lies. */
static void
test_region (void)
{
  g_autofree guint8 *bytes = g_malloc (WIDTH * HEIGHT * 3);
  const CbamImage whole = make_image (bytes, 5);
  const CbamImage part = { .format = CBAM_FORMAT_RGB,
                           .width = 41,
                           .height = 33,
                           .planes = { bytes + (7 * WIDTH + 11) * 3 },
                           .strides = { WIDTH * 3 } };
  g_autoptr (CbamDetector) detector = detector_new (2, FALSE);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) alone = NULL, inside = NULL;
  g_autoptr (GError) error = NULL;
  const CbamDetection *a, *b;
  gsize n, n_inside;

  g_assert_true (cbam_detector_submit (detector, &part, &params, &error));
  params.region = (CbamRegion){ 11, 7, 41, 33 };
  g_assert_true (cbam_detector_submit (detector, &whole, &params, &error));
  alone = collect (detector);
  inside = collect (detector);
  a = test_get_detections (alone, &n);
  b = test_get_detections (inside, &n_inside);
  g_assert_cmpuint (n, >, 3);
  g_assert_cmpuint (n_inside, ==, n);
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpuint (b[i].class_id, ==, a[i].class_id);
    g_assert_cmpfloat (b[i].score, ==, a[i].score);
    g_assert_cmpfloat_with_epsilon (b[i].x, a[i].x + 11, 1e-4);
    g_assert_cmpfloat_with_epsilon (b[i].y, a[i].y + 7, 1e-4);
    g_assert_cmpfloat (b[i].width, ==, a[i].width);
    g_assert_cmpfloat (b[i].height, ==, a[i].height);
  }

  params.region = (CbamRegion){ WIDTH, 0, 10, 10 };
  g_assert_false (cbam_detector_submit (detector, &whole, &params, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 2);
}

/* The frame that is frame number @seed once it is turned upright. */
static CbamImage
make_stored (guint8 *bytes, guint seed, CbamOrientation orientation)
{
  g_autofree guint8 *upright = g_malloc (WIDTH * HEIGHT * 3);
  CbamImage image = make_image (upright, seed);
  guint x, y;

  image.width = turned_swaps (orientation) ? HEIGHT : WIDTH;
  image.height = turned_swaps (orientation) ? WIDTH : HEIGHT;
  image.planes[0] = bytes;
  image.orientation = orientation;
  for (guint v = 0; v < HEIGHT; v++)
    for (guint u = 0; u < WIDTH; u++) {
      turned_find (orientation, image.width, image.height, u, v, &x, &y);
      memcpy (bytes + (y * image.width + x) * 3, upright + (v * WIDTH + u) * 3, 3);
    }
  return image;
}

/* @stored says the same as @upright, in the pixels of a frame that must be turned by @orientation. */
static void
assert_same_turned (CbamResult *upright, CbamResult *stored, CbamOrientation orientation)
{
  const gboolean swaps = turned_swaps (orientation);
  gsize n, m;
  const CbamDetection *a = test_get_detections (upright, &n), *b = test_get_detections (stored, &m);

  g_assert_cmpuint (n, ==, m);
  g_assert_cmpuint (n, >, 3);
  for (gsize i = 0; i < n; i++) {
    const double box[4] = { a[i].x, a[i].y, a[i].width, a[i].height };
    double expected[4];

    turned_rectangle (orientation, swaps ? HEIGHT : WIDTH, swaps ? WIDTH : HEIGHT, box, expected);
    g_assert_cmpuint (b[i].class_id, ==, a[i].class_id);
    g_assert_cmpfloat (b[i].score, ==, a[i].score);
    g_assert_cmpfloat_with_epsilon (b[i].x, expected[0], 1e-3);
    g_assert_cmpfloat_with_epsilon (b[i].y, expected[1], 1e-3);
    g_assert_cmpfloat_with_epsilon (b[i].width, expected[2], 1e-3);
    g_assert_cmpfloat_with_epsilon (b[i].height, expected[3], 1e-3);
  }
}

/* Turned frames, as a whole and in part, give what the upright picture gives, in their own pixels. */
static void
test_orientation (void)
{
  static const double part[4] = { 11, 7, 41, 33 };
  g_autofree guint8 *bytes = g_malloc (WIDTH * HEIGHT * 3), *turned = g_malloc (WIDTH * HEIGHT * 3);
  const CbamImage upright = make_image (bytes, 5);
  g_autoptr (CbamDetector) detector = detector_new (2, FALSE);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) whole = NULL, inside = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (cbam_detector_submit (detector, &upright, &params, &error));
  params.region = (CbamRegion){ 11, 7, 41, 33 };
  g_assert_true (cbam_detector_submit (detector, &upright, &params, &error));
  whole = collect (detector);
  inside = collect (detector);
  for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
    const CbamImage stored = make_stored (turned, 5, (CbamOrientation) o);
    g_autoptr (CbamResult) of_whole = NULL, of_part = NULL;
    double region[4];

    params = everything ();
    g_assert_true (cbam_detector_submit (detector, &stored, &params, &error));
    turned_rectangle (stored.orientation, stored.width, stored.height, part, region);
    params.region = (CbamRegion){ (guint) region[0], (guint) region[1], (guint) region[2], (guint) region[3] };
    g_assert_true (cbam_detector_submit (detector, &stored, &params, &error));
    of_whole = collect (detector);
    of_part = collect (detector);
    assert_same_turned (whole, of_whole, stored.orientation);
    assert_same_turned (inside, of_part, stored.orientation);
  }
}

/* What of frame 1 a model reports whose document has @value at @key. */
static CbamResult *
detect_with (const char *key, const char *value, const CbamDetectParams *params)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cbam-detector-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "other.safetensors", NULL);
  g_autoptr (TestModel) file = test_model_new (1);
  g_autoptr (CbamModel) one = NULL;
  g_autoptr (CbamDetector) detector = NULL;

  test_model_set (file, key, value);
  g_assert_true (test_model_write (file, path, &error));
  one = cbam_model_load (device, path, NULL, &error);
  g_assert_no_error (error);
  detector = cbam_detector_new (one, NULL, &error);
  submit (detector, 1, params);
  g_unlink (path);
  g_rmdir (folder);
  return collect (detector);
}

static CbamResult *
detect_with_profile (const char *profile, CbamOverlap overlap)
{
  CbamDetectParams params = everything ();

  params.overlap = overlap;
  return detect_with ("nms.profile", profile, &params);
}

static CbamResult *
detect_across (const char *own, float given)
{
  CbamDetectParams params = everything ();

  params.nms_across = given;
  return detect_with ("nms.across", own, &params);
}

/* Of two models, whose labels are at different places. */
static void
assert_same_numbers (const CbamResult *a, const CbamResult *b)
{
  gsize n_a, n_b;
  const CbamDetection *of_a = test_get_detections (a, &n_a), *of_b = test_get_detections (b, &n_b);

  g_assert_cmpuint (n_a, ==, n_b);
  for (gsize i = 0; i < n_a; i++) {
    g_assert_cmpuint (of_a[i].class_id, ==, of_b[i].class_id);
    g_assert_cmpfloat (of_a[i].score, ==, of_b[i].score);
    g_assert_cmpfloat (of_a[i].x, ==, of_b[i].x);
    g_assert_cmpfloat (of_a[i].width, ==, of_b[i].width);
  }
}

/* Of the model file's limit and the caller's the caller's counts; below 0 it is 0, where no two classes touch. */
static void
test_across (void)
{
  g_autoptr (CbamResult) off = detect_across ("null", 0), half = detect_across ("0.5", 0);
  g_autoptr (CbamResult) asked = detect_across ("null", 0.5f), asked_off = detect_across ("0.5", 1);
  g_autoptr (CbamResult) none = detect_across ("0.5", -1), own_none = detect_across ("0", 0);
  const CbamDetection *all, *apart;
  gsize n, n_half, n_none;

  all = test_get_detections (off, &n);
  test_get_detections (half, &n_half);
  apart = test_get_detections (none, &n_none);
  g_assert_cmpuint (n, >, n_half);
  g_assert_cmpuint (n_half, >, n_none);
  g_assert_cmpfloat (apart[0].score, ==, all[0].score); /* the strongest always stays */
  assert_same_numbers (asked, half);
  assert_same_numbers (asked_off, off);
  assert_same_numbers (own_none, none);
  for (gsize i = 0; i < n_none; i++)
    for (gsize k = 0; k < i; k++)
      g_assert_true (apart[i].class_id == apart[k].class_id || apart[i].x >= apart[k].x + apart[k].width ||
                     apart[k].x >= apart[i].x + apart[i].width || apart[i].y >= apart[k].y + apart[k].height ||
                     apart[k].y >= apart[i].y + apart[i].height);
}

/* RFBNet's wider boxes overlap more, so fewer are left, unless the caller asks for Caffe's rule. */
static void
test_overlap (void)
{
  g_autoptr (CbamResult) caffe = detect_with_profile ("\"caffe\"", CBAM_OVERLAP_MODEL);
  g_autoptr (CbamResult) rfbnet = detect_with_profile ("\"rfbnet\"", CBAM_OVERLAP_MODEL);
  g_autoptr (CbamResult) asked = detect_with_profile ("\"rfbnet\"", CBAM_OVERLAP_FRACTIONS);
  gsize n_caffe, n_rfbnet;

  test_get_detections (caffe, &n_caffe);
  test_get_detections (rfbnet, &n_rfbnet);
  g_assert_cmpuint (n_rfbnet, <, n_caffe);
  assert_same_numbers (asked, caffe);
}

/* Detections of one colour everywhere in @width x @height, nothing suppressed: they depend on the colour only. */
static CbamResult *
detect_colour (CbamModel *one, guint width, guint height)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *bytes = g_malloc (width * height);
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = width, .height = height, .planes = { bytes } };
  g_autoptr (CbamDetector) detector = cbam_detector_new (one, NULL, &error);
  CbamDetectParams params = everything ();

  g_assert_no_error (error);
  params.nms_iou = 1;
  memset (bytes, 90, width * height);
  g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
  return collect (detector);
}

/* Boxes are those of a square frame, wider and lower by the frame's own sides. */
static void
test_box_placement (void)
{
  g_autoptr (CbamResult) square = detect_colour (model, 100, 100), wide = detect_colour (model, 300, 50);
  gsize n, n_wide;
  const CbamDetection *s = test_get_detections (square, &n);
  const CbamDetection *w = test_get_detections (wide, &n_wide);

  g_assert_cmpuint (n, ==, n_wide);
  g_assert_cmpuint (n, >, 20);
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpuint (s[i].class_id, ==, w[i].class_id);
    g_assert_cmpfloat_with_epsilon (s[i].x * 3, w[i].x, 0.01);
    g_assert_cmpfloat_with_epsilon (s[i].width * 3, w[i].width, 0.01);
    g_assert_cmpfloat_with_epsilon (s[i].y / 2, w[i].y, 0.01);
    g_assert_cmpfloat_with_epsilon (s[i].height / 2, w[i].height, 0.01);
  }
}

/* One frame of 128x64 letterboxed by the model, and one of 64x64 letterboxed by hand into a band of 64x32 between rows
 * of the mean, are the same input of 64x64: the boxes are twice as large, 32 higher, and clipped to the frame. */
static void
test_letterbox_placement (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cbam-detector-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "letterbox.safetensors", NULL);
  g_autoptr (TestModel) file = test_model_new (1);
  g_autoptr (CbamModel) stretch = NULL, letterbox = NULL;
  g_autoptr (CbamResult) wide = NULL, by_hand = NULL;
  g_autoptr (CbamDetector) detector = NULL;
  CbamDetectParams params = everything ();
  guint8 band[TEST_MODEL_SIZE * TEST_MODEL_SIZE];
  const CbamImage image = {
    .format = CBAM_FORMAT_GRAY8, .width = TEST_MODEL_SIZE, .height = TEST_MODEL_SIZE, .planes = { band }
  };
  const CbamDetection *w, *h;
  gsize n_wide, n, i = 0;

  test_model_set (file, "input.mean", "[120, 120, 120]");
  g_assert_true (test_model_write (file, path, &error));
  stretch = cbam_model_load (device, path, NULL, &error);
  g_assert_no_error (error);
  test_model_set (file, "input.resize", "\"letterbox\"");
  g_assert_true (test_model_write (file, path, &error));
  letterbox = cbam_model_load (device, path, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (letterbox != stretch);

  memset (band, 120, sizeof band);
  memset (band + 16 * TEST_MODEL_SIZE, 90, 32 * TEST_MODEL_SIZE);
  detector = cbam_detector_new (stretch, NULL, &error);
  params.nms_iou = 1;
  g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
  by_hand = collect (detector);
  wide = detect_colour (letterbox, 128, 64);
  h = test_get_detections (by_hand, &n);
  w = test_get_detections (wide, &n_wide);
  for (gsize k = 0; k < n; k++) {
    const float top = CLAMP (h[k].y * 2 - 32, 0, 64), bottom = CLAMP ((h[k].y + h[k].height) * 2 - 32, 0, 64);

    if (bottom <= top)
      continue; /* all of it in the padding */
    g_assert_cmpuint (i, <, n_wide);
    g_assert_cmpfloat (w[i].score, ==, h[k].score);
    g_assert_cmpfloat_with_epsilon (w[i].x, h[k].x * 2, 0.01);
    g_assert_cmpfloat_with_epsilon (w[i].width, h[k].width * 2, 0.01);
    g_assert_cmpfloat_with_epsilon (w[i].y, top, 0.01);
    g_assert_cmpfloat_with_epsilon (w[i].height, bottom - top, 0.01);
    i++;
  }
  g_assert_cmpuint (i, ==, n_wide);
  g_assert_cmpuint (i, >, 20);
  g_unlink (path);
  g_rmdir (folder);
}

/* Frames that grow, shrink and change format from one to the next; a bad one in between costs nothing. */
static void
test_changing_frames (void)
{
  static const guint sizes[][2] = { { 4, 4 }, { 640, 480 }, { 1, 1 }, { 1280, 720 }, { 33, 500 }, { 640, 480 } };
  g_autofree guint8 *bytes = g_malloc0 (1280 * 720 * 4);
  g_autoptr (CbamDetector) detector = detector_new (2, FALSE);
  const CbamDetectParams params = everything ();

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const CbamImage image = { .format = i % 2 ? CBAM_FORMAT_RGBA : CBAM_FORMAT_GRAY8,
                              .width = sizes[i][0],
                              .height = sizes[i][1],
                              .planes = { bytes } };
    const CbamImage bad = { .format = CBAM_FORMAT_RGB, .width = 10, .height = 10 };
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamResult) result = NULL;

    g_assert_false (cbam_detector_submit (detector, &bad, NULL, &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
    g_clear_error (&error);
    g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
    result = collect (detector);
    g_assert_nonnull (result);
  }
}

#define THREAD_FRAMES 60

static gpointer
collect_all (gpointer data)
{
  CbamDetector *detector = data;
  GPtrArray *results = g_ptr_array_new_with_free_func ((GDestroyNotify) cbam_result_unref);

  while (results->len < THREAD_FRAMES) {
    g_autoptr (GError) error = NULL;
    CbamResult *result = cbam_detector_collect (detector, &error);

    if (result != NULL)
      g_ptr_array_add (results, result);
    else
      g_assert_error (error, CBAM_ERROR, CBAM_ERROR_EMPTY);
    if (result == NULL)
      g_thread_yield ();
  }
  return results;
}

static gpointer
submit_all (gpointer data)
{
  CbamDetector *detector = data;
  const CbamDetectParams params = everything ();

  for (guint i = 0; i < THREAD_FRAMES; i++) {
    while (cbam_detector_get_free_slots (detector) == 0)
      g_thread_yield ();
    submit (detector, i % 7, &params);
  }
  return NULL;
}

/* A frame larger than what the device binds: the same answers from what is sampled of it, copied or lasting, of all of
 * it or a region, between others that are small; and where even that is too much, one error with both numbers. */
static void
test_larger_than_a_binding (void)
{
  static const CbamFormat formats[] = { CBAM_FORMAT_NV12, CBAM_FORMAT_I420, CBAM_FORMAT_YUY2, CBAM_FORMAT_RGB };
  static const CbamRegion regions[] = { { 0 }, { 13, 7, 780, 590 } };
  const guint width = 801, height = 605;
  const gsize usual = device->caps.max_storage_range, size = (gsize) (width + 1) * (height + 1) * 3;
  guint8 *bytes = g_aligned_alloc (1, size, MAX (4096, device->caps.import_alignment));
  g_autoptr (CbamDetector) detector = detector_new (2, FALSE);
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (GError) error = NULL;
  CbamDetectParams params = everything ();

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint r = 0; r < G_N_ELEMENTS (regions); r++) {
      const gsize stride = formats[f] == CBAM_FORMAT_RGB ? 3 * width : formats[f] == CBAM_FORMAT_YUY2 ? 4 * 401 : 802;
      CbamImage image = { .format = formats[f], .width = width, .height = height, .planes = { bytes } };
      g_autoptr (CbamResult) whole = NULL, thinned = NULL, lasting = NULL, again = NULL;

      image.orientation = (CbamOrientation) ((2 * f + r + 1) % (TURNED_LAST + 1));
      image.strides[0] = image.strides[1] = image.strides[2] = stride;
      image.planes[1] = bytes + stride * height;
      image.planes[2] = image.planes[1] + stride * ((height + 1) / 2);
      if (formats[f] == CBAM_FORMAT_I420)
        image.strides[1] = image.strides[2] = 401;
      params.region = regions[r];
      g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
      whole = collect (detector);
      device->caps.max_storage_range = 120000;
      g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
      image.lasting = TRUE;
      g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
      thinned = collect (detector);
      lasting = collect (detector);
      device->caps.max_storage_range = usual;
      g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
      again = collect (detector);
      assert_same (whole, thinned);
      assert_same (whole, lasting);
      assert_same (whole, again);

      device->caps.max_storage_range = 1000;
      g_assert_false (cbam_detector_submit (detector, &image, &params, &error));
      g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "64x64 of them sampled, 110592 bytes are needed; "));
      g_assert_nonnull (strstr (error->message, "binds at most 1000"));
      g_clear_error (&error);
      g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 2);
      device->caps.max_storage_range = usual;
    }
  g_aligned_free (bytes);
}

/* Two streams on one model, each with a thread that submits and one that collects, get what one alone gets. */
static void
test_threads (void)
{
  const CbamDetectParams params = everything ();
  g_autoptr (CbamDetector) alone = detector_new (1, FALSE);
  CbamDetector *streams[2] = { detector_new (2, FALSE), detector_new (3, FALSE) };
  GThread *in[2], *out[2];
  CbamResult *expected[7];

  for (guint i = 0; i < 7; i++) {
    submit (alone, i, &params);
    expected[i] = collect (alone);
  }
  for (guint s = 0; s < 2; s++) {
    in[s] = g_thread_new ("in", submit_all, streams[s]);
    out[s] = g_thread_new ("out", collect_all, streams[s]);
  }
  for (guint s = 0; s < 2; s++) {
    g_autoptr (GPtrArray) results = g_thread_join (out[s]);

    g_thread_join (in[s]);
    for (guint i = 0; i < THREAD_FRAMES; i++)
      assert_same (g_ptr_array_index (results, i), expected[i % 7]);
    cbam_detector_unref (streams[s]);
  }
  for (guint i = 0; i < 7; i++)
    cbam_result_unref (expected[i]);
}

static void
test_profile (void)
{
  g_autoptr (CbamDetector) detector = detector_new (1, TRUE), plain = detector_new (1, FALSE);
  g_autoptr (CbamResult) result = NULL, without = NULL;
  double flop = 0, seconds = 0;
  gsize n;

  submit (plain, 1, NULL);
  without = collect (plain);
  g_assert_cmpuint (cbam_result_get_n_op_times (without), ==, 0);
  submit (detector, 1, NULL);
  result = collect (detector);
  n = cbam_result_get_n_op_times (result);
  g_assert_cmpuint (n, >, 20);
  g_assert_cmpstr (cbam_result_get_op_time (result, 0)->kind, ==, "preprocess");
  for (gsize i = 0; i < n; i++) {
    flop += cbam_result_get_op_time (result, i)->flop;
    seconds += cbam_result_get_op_time (result, i)->seconds;
  }
  g_assert_cmpfloat_with_epsilon (flop, 2.0 * (double) cbam_model_get_info (model)->macs, 1);
  g_assert_cmpfloat (seconds, >, 0);
  g_assert_cmpfloat (seconds, <, cbam_result_get_seconds (result));
}

/* In flight when the detector goes: waited for, thrown away. */
static void
test_free_in_flight (void)
{
  CbamDetector *detector = detector_new (4, FALSE);

  for (guint i = 0; i < 4; i++)
    submit (detector, i, NULL);
  cbam_detector_unref (detector);
  cbam_detector_unref (NULL);
  cbam_model_unref (NULL);
  cbam_device_unref (NULL);
  cbam_result_unref (NULL);
}

/* A result outlives everything it came from. */
static void
test_result_lives (void)
{
  g_autoptr (GError) error = NULL;
  CbamDevice *own_device = test_device_open (0);
  CbamModel *own_model = cbam_model_load (own_device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  CbamDetector *detector = cbam_detector_new (own_model, NULL, &error);
  const CbamDetectParams params = everything ();
  g_autoptr (CbamResult) result = NULL;
  const CbamDetection *d;
  gsize n;

  g_assert_no_error (error);
  g_assert_true (own_model != model); /* another device, another model */
  submit (detector, 1, &params);
  result = collect (detector);
  cbam_detector_unref (detector);
  cbam_model_unref (own_model);
  cbam_device_unref (own_device);
  d = test_get_detections (result, &n);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (strlen (d[0].label), >, 0);
}

static gpointer
keep_busy (gpointer data)
{
  g_autoptr (GError) error = NULL;
  double gflops;

  g_assert_false (cbam_device_measure_peak (data, CBAM_PRECISION_FP32, &gflops, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT);
  return NULL;
}

/* Whether another frame comes back, on a device that from then on may take no longer than a millisecond. */
static gboolean
is_in_time (CbamDetector *detector, CbamDevice *slow, GError **error)
{
  const CbamDetectParams params = everything ();
  g_autofree guint8 *bytes = g_malloc (WIDTH * HEIGHT * 3);
  const CbamImage image = make_image (bytes, 1);

  if (!cbam_detector_submit (detector, &image, &params, error))
    return FALSE;
  cbam_device_set_fence_timeout (slow, 1);
  g_autoptr (CbamResult) result = cbam_detector_collect (detector, error);
  return result != NULL;
}

/* A device that is busy with something long does not answer in time: one error, the device is parked, and another one
 * can be opened. On a busy machine a frame may be there before anybody looks; so there are frames until one is late. */
static void
test_timeout (void)
{
  g_autoptr (GError) error = NULL;
  CbamDevice *slow = test_device_open (0);
  CbamModel *slow_model = cbam_model_load (slow, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  CbamDetector *detector = cbam_detector_new (slow_model, NULL, &error);
  GThread *busy;

  g_assert_no_error (error);
  busy = g_thread_new ("busy", keep_busy, slow);
  g_usleep (20000); /* its first kernel is on the device, or being compiled there */
  while (is_in_time (detector, slow, &error))
    ;
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT);
  g_clear_error (&error);
  g_thread_join (busy);
  g_assert_null (cbam_model_load (slow, g_getenv ("CBAM_TEST_MODEL"), NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT);
  cbam_detector_unref (detector);
  cbam_model_unref (slow_model);
  cbam_device_unref (slow);
  test_result_lives ();
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  device = test_device_open (0);
  model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/detector/slots", test_slots);
  g_test_add_func ("/detector/params", test_params);
  g_test_add_func ("/detector/classes", test_classes);
  g_test_add_func ("/detector/region", test_region);
  g_test_add_func ("/detector/orientation", test_orientation);
  g_test_add_func ("/detector/overlap", test_overlap);
  g_test_add_func ("/detector/across", test_across);
  g_test_add_func ("/detector/box-placement", test_box_placement);
  g_test_add_func ("/detector/letterbox-placement", test_letterbox_placement);
  g_test_add_func ("/detector/changing-frames", test_changing_frames);
  g_test_add_func ("/detector/larger-than-a-binding", test_larger_than_a_binding);
  g_test_add_func ("/detector/threads", test_threads);
  g_test_add_func ("/detector/profile", test_profile);
  g_test_add_func ("/detector/free-in-flight", test_free_in_flight);
  g_test_add_func ("/detector/result-lives", test_result_lives);
  if (!test_is_host ()) /* whose frames always end */
    g_test_add_func ("/detector/timeout", test_timeout);
  status = g_test_run ();
  cbam_model_unref (model);
  cbam_device_unref (device);
  return status;
}
