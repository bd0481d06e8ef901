/* Batches: regions of a frame that are submitted together have the results that each has alone, in their order,
 * whatever their sizes are and however many there are; and what cannot be is an error that leaves everything as it was.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <glib/gstdio.h>
#include <math.h>

#include "compare.h"
#include "results.h"
#include "write-model.h"

#define WIDTH 320
#define HEIGHT 240
#define MOST 4
#define SLOTS 2

static CbamDevice *device;
static guint8 bytes[WIDTH * HEIGHT * 3 / 2];

static const CbamRegion regions[] = {
  { 0, 0, WIDTH, HEIGHT }, { 17, 33, 71, 95 }, { 250, 180, 400, 400 }, { 100, 20, 64, 64 }, { 3, 200, 150, 9 },
};

/* @classifies: of a classifier; else of a detector. */
static CbamModel *
load (gboolean classifies, guint max_batch, GError **error)
{
  const CbamModelConfig config = { .max_batch = max_batch };
  g_autoptr (TestModel) source = test_model_new (3);
  g_autofree char *folder = g_dir_make_tmp ("cbam-batch-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "m.safetensors", NULL);
  CbamModel *model;

  if (classifies)
    test_model_classify (source, 12, 5);
  g_assert_true (test_model_write (source, path, NULL));
  model = cbam_model_load (device, path, &config, error);
  g_unlink (path);
  g_rmdir (folder);
  return model;
}

static CbamDetector *
make_detector (gboolean classifies, guint max_batch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = load (classifies, max_batch, &error);
  CbamDetector *detector;

  g_assert_no_error (error);
  g_assert_cmpuint (cbam_model_get_info (model)->max_batch, ==, MAX (max_batch, 1));
  detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = SLOTS }, &error);
  g_assert_no_error (error);
  return detector;
}

/* Planes with fewer chroma samples, and something to see everywhere. */
static CbamImage
make_image (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    bytes[i] = (guint8) (128 + 100 * sin (i % WIDTH * 0.05) * cos (i / WIDTH * 0.09));
  return (CbamImage){ .format = CBAM_FORMAT_I420,
                      .width = WIDTH,
                      .height = HEIGHT,
                      .planes = { bytes, bytes + WIDTH * HEIGHT, bytes + WIDTH * HEIGHT * 5 / 4 } };
}

static CbamDetectParams
make_params (void)
{
  return (CbamDetectParams){ .threshold = 0.05f, .grad_cam = 1 };
}

static CbamResult *
collect (CbamDetector *detector)
{
  g_autoptr (GError) error = NULL;
  CbamResult *result = cbam_detector_collect (detector, &error);

  g_assert_no_error (error);
  return result;
}

static void
assert_same_detections (const CbamResult *a, const CbamResult *b)
{
  g_assert_cmpuint (cbam_result_get_n_detections (a), ==, cbam_result_get_n_detections (b));
  for (gsize i = 0; i < cbam_result_get_n_detections (a); i++) {
    const CbamDetection *x = cbam_result_get_detection (a, i), *y = cbam_result_get_detection (b, i);

    g_assert_cmpuint (x->class_id, ==, y->class_id);
    g_assert_cmpfloat_with_epsilon (x->score, y->score, 1e-5);
    g_assert_cmpfloat_with_epsilon (x->x, y->x, 1e-2);
    g_assert_cmpfloat_with_epsilon (x->height, y->height, 1e-2);
  }
}

static void
assert_same (const CbamResult *a, const CbamResult *b)
{
  const CbamMap *map_a = cbam_result_get_grad_cam (a, 0), *map_b = cbam_result_get_grad_cam (b, 0);

  assert_same_detections (a, b);
  g_assert_cmpuint (cbam_result_get_n_classes (a), ==, cbam_result_get_n_classes (b));
  for (gsize i = 0; i < cbam_result_get_n_classes (a); i++) {
    g_assert_cmpuint (cbam_result_get_class (a, i)->class_id, ==, cbam_result_get_class (b, i)->class_id);
    g_assert_cmpfloat_with_epsilon (cbam_result_get_class (a, i)->score, cbam_result_get_class (b, i)->score, 1e-5);
  }
  g_assert_cmpfloat_with_epsilon (cbam_result_get_best_score (a), cbam_result_get_best_score (b), 1e-5);
  g_assert_true ((map_a == NULL) == (map_b == NULL));
  if (map_a == NULL)
    return;
  g_assert_cmpfloat (map_a->x, ==, map_b->x);
  g_assert_cmpfloat (map_a->frame_height, ==, map_b->frame_height);
  for (gsize i = 0; i < (gsize) map_a->width * map_a->height; i++)
    g_assert_cmpfloat_with_epsilon (map_a->values[i], map_b->values[i], 1e-3);
}

/* Batches of one to MOST, each beginning with another region. */
static void
test_as_alone (gconstpointer classifies)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDetector) alone = make_detector (classifies != NULL, 0);
  g_autoptr (CbamDetector) together = make_detector (classifies != NULL, MOST);
  const CbamImage image = make_image ();
  gsize n_found = 0;

  for (guint n = 1; n <= MOST; n++) {
    CbamDetectParams params = make_params ();
    CbamRegion wanted[MOST];

    for (guint i = 0; i < n; i++)
      wanted[i] = regions[(i + n) % G_N_ELEMENTS (regions)];
    g_assert_true (cbam_detector_submit_regions (together, &image, wanted, n, &params, &error));
    for (guint i = 0; i < n; i++) {
      g_autoptr (CbamResult) found = NULL, expected = NULL;

      g_assert_cmpuint (cbam_detector_get_free_slots (together), ==, SLOTS - 1);
      found = collect (together);
      params.region = wanted[i];
      expected = cbam_detector_detect (alone, &image, &params, &error);
      g_assert_no_error (error);
      assert_same (expected, found);
      n_found += cbam_result_get_n_detections (found) + cbam_result_get_n_classes (found);
    }
    g_assert_cmpuint (cbam_detector_get_free_slots (together), ==, SLOTS);
  }
  g_assert_cmpuint (n_found, >, 10);
}

/* Frames and batches in one queue: results come in the order of what was submitted. */
static void
test_order (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDetector) detector = make_detector (TRUE, MOST);
  const CbamImage image = make_image ();
  const CbamDetectParams params = make_params (), second = { .threshold = 0.05f, .grad_cam = 1, .region = regions[1] };
  g_autoptr (CbamResult) expected = NULL, found = NULL;

  expected = cbam_detector_detect (detector, &image, &second, &error);
  g_assert_no_error (error);
  g_assert_true (cbam_detector_submit_regions (detector, &image, regions, 3, &params, &error));
  g_assert_true (cbam_detector_submit (detector, &image, &second, &error));
  g_assert_false (cbam_detector_submit (detector, &image, &second, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BUSY);
  for (guint i = 0; i < 3; i++)
    cbam_result_unref (collect (detector));
  found = collect (detector);
  assert_same (expected, found);
}

/* What cannot be submitted takes no slot, and the next one can. */
static void
test_errors (void)
{
  static const CbamRegion outside[] = { { 0, 0, 10, 10 }, { WIDTH, 0, 10, 10 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) none = NULL;
  g_autoptr (CbamDetector) detector = make_detector (TRUE, MOST);
  const CbamImage image = make_image ();

  g_assert_false (cbam_detector_submit_regions (detector, &image, regions, MOST + 1, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_false (cbam_detector_submit_regions (detector, &image, outside, 2, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  g_clear_error (&error);
  g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, SLOTS);
  g_assert_true (cbam_detector_submit_regions (detector, &image, regions, MOST, NULL, &error));
  for (guint i = 0; i < MOST; i++)
    cbam_result_unref (collect (detector));
  g_assert_null (cbam_detector_collect (detector, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_EMPTY);
  g_clear_error (&error);

  none = load (TRUE, 65, &error);
  g_assert_null (none);
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
}

/* Who wants as many images at once shares the model; others have one of their own. */
static void
test_sharing (void)
{
  g_autoptr (GError) error = NULL;
  const char *path = g_getenv ("CBAM_TEST_MODEL");
  const guint wanted[] = { 0, MOST, 1, MOST };
  CbamModel *models[G_N_ELEMENTS (wanted)];

  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    models[i] = cbam_model_load (device, path, &(CbamModelConfig){ .max_batch = wanted[i] }, &error);
    g_assert_no_error (error);
  }
  g_assert_true (models[0] == models[2] && models[1] == models[3] && models[0] != models[1]);
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    cbam_model_unref (models[i]);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  device = test_device_open (CBAM_DEBUG_POISON);
  g_test_add_data_func ("/batch/as-alone/detector", NULL, test_as_alone);
  g_test_add_data_func ("/batch/as-alone/classifier", "", test_as_alone);
  g_test_add_func ("/batch/order", test_order);
  g_test_add_func ("/batch/errors", test_errors);
  g_test_add_func ("/batch/sharing", test_sharing);
  status = g_test_run ();
  cbam_device_unref (device);
  return status;
}
