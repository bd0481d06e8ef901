/* What the network looked at, through the public door: asked for and not, from frame to frame, and where it lies over
 * the frame. That the numbers are right is tests/golden's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <glib/gstdio.h>
#include <string.h>

#include "compare.h"
#include "results.h"
#include "turned.h"
#include "write-model.h"

#define WIDTH 160
#define HEIGHT 80

/* A preset costs a second, a file with the test model's weights nothing. */
static CbamModel *
load_preset (CbamDevice *device, const char *name)
{
  g_autoptr (GError) error = NULL;
  CbamModel *model = cbam_model_load_preset (device, name, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static CbamModel *
load_letterboxed (CbamDevice *device)
{
  g_autoptr (TestModel) source = test_model_new (3);
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cbam-explain-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "m.safetensors", NULL);
  CbamModel *model;

  test_model_set (source, "input.resize", "\"letterbox\"");
  g_assert_true (test_model_write (source, path, &error));
  model = cbam_model_load (device, path, NULL, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (folder);
  return model;
}

static CbamResult *
detect (CbamDetector *detector, const CbamDetectParams *params)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
  g_autoptr (GError) error = NULL;
  CbamResult *result;

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 37 + i / 480 * 11);
  g_assert_true (cbam_detector_submit (detector, &image, params, &error));
  result = cbam_detector_collect (detector, &error);
  g_assert_no_error (error);
  return result;
}

static CbamDetector *
make_detector (CbamModel *model)
{
  g_autoptr (GError) error = NULL;
  CbamDetector *detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = 1 }, &error);

  g_assert_no_error (error);
  return detector;
}

static CbamDetectParams
everything (void)
{
  return (CbamDetectParams){ .threshold = -1, .max_detections = 20 };
}

static void
assert_placed (const CbamMap *map, float x, float y, float width, float height)
{
  g_assert_cmpfloat_with_epsilon (map->x, x, 1e-3f);
  g_assert_cmpfloat_with_epsilon (map->y, y, 1e-3f);
  g_assert_cmpfloat_with_epsilon (map->frame_width, width, 1e-3f);
  g_assert_cmpfloat_with_epsilon (map->frame_height, height, 1e-3f);
}

static void
assert_unit (const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_assert_true (values[i] >= 0 && values[i] <= 1);
}

/* Nothing comes unasked, and all that is asked for comes, in any order. */
static void
test_attention (void)
{
  static const guint sizes[] = { 19, 10, 5, 3, 2, 1 };
  g_autoptr (CbamDevice) device = test_device_open (0);
  g_autoptr (CbamModel) model = load_preset (device, "stairnet-cbam-mobilenet");
  g_autoptr (CbamDetector) detector = make_detector (model);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) without = detect (detector, &params);
  g_autoptr (CbamResult) with = NULL;
  const CbamAttention *attention;
  gsize n;

  g_assert_null (test_get_attention (without, &n));
  g_assert_cmpuint (n, ==, 0);
  g_assert_null (cbam_result_get_grad_cam (without, 0));
  params.attention = TRUE;
  with = detect (detector, &params);
  attention = test_get_attention (with, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (sizes));
  for (gsize l = 0; l < n; l++) {
    g_assert_cmpuint (attention[l].level, ==, l);
    g_assert_cmpuint (attention[l].n_channels, ==, 128);
    g_assert_cmpuint (attention[l].spatial->width, ==, sizes[l]);
    g_assert_cmpuint (attention[l].spatial->height, ==, sizes[l]);
    assert_unit (attention[l].channel, 128);
    assert_unit (attention[l].spatial->values, sizes[l] * sizes[l]);
    assert_placed (attention[l].spatial, 0, 0, WIDTH, HEIGHT);
  }
}

/* Modules with half of it, and none. */
static void
test_parts (void)
{
  g_autoptr (CbamDevice) device = test_device_open (0);
  g_autoptr (CbamModel) se = load_preset (device, "stairnet-se-mobilenet"), none = load_letterboxed (device);
  g_autoptr (CbamDetector) of_se = make_detector (se), of_none = make_detector (none);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) found = NULL, nothing = NULL;
  const CbamAttention *attention;
  gsize n;

  params.attention = TRUE;
  found = detect (of_se, &params);
  attention = test_get_attention (found, &n);
  g_assert_cmpuint (n, ==, 6);
  g_assert_null (attention[0].spatial);
  g_assert_nonnull (attention[0].channel);
  nothing = detect (of_none, &params);
  g_assert_null (test_get_attention (nothing, &n));
  g_assert_cmpuint (n, ==, 0);
}

/* As many as asked for, never more than there are; twice the same; the detections stay what they are. */
static void
test_grad_cam (gconstpointer debug)
{
  g_autoptr (CbamDevice) device = test_device_open (GPOINTER_TO_UINT (debug) | CBAM_DEBUG_POISON);
  g_autoptr (CbamModel) model = load_letterboxed (device);
  g_autoptr (CbamDetector) detector = make_detector (model);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) plain = detect (detector, &params);
  g_autoptr (CbamResult) first = NULL, again = NULL, all = NULL, after = NULL;
  const CbamDetection *expected, *found;
  gsize n, m;

  params.grad_cam = 2;
  first = detect (detector, &params);
  again = detect (detector, &params);
  g_assert_nonnull (cbam_result_get_grad_cam (first, 1));
  g_assert_null (cbam_result_get_grad_cam (first, 2));
  params.grad_cam = 1000;
  all = detect (detector, &params);
  params.grad_cam = 0;
  after = detect (detector, &params);
  g_assert_null (cbam_result_get_grad_cam (after, 0));
  expected = test_get_detections (plain, &n);
  found = test_get_detections (all, &m);
  g_assert_cmpmem (expected, n * sizeof *expected, found, m * sizeof *found);
  g_assert_cmpuint (n, >, 3);
  for (gsize i = 0; i < n; i++) {
    const CbamMap *map = cbam_result_get_grad_cam (all, i);

    g_assert_nonnull (map);
    assert_unit (map->values, map->width * map->height);
    /* Wider than high, so the network's square reaches past the frame above and below. */
    assert_placed (map, 0, (HEIGHT - WIDTH) / 2.0f, WIDTH, WIDTH);
    if (i < 2)
      g_assert_cmpmem (map->values, map->width * map->height * sizeof (float),
                       cbam_result_get_grad_cam (again, i)->values, map->width * map->height * sizeof (float));
  }
  g_assert_null (cbam_result_get_grad_cam (all, n));
}

/* What @upright is over the upright picture, @stored is over the frame that must be turned by @orientation. */
static void
assert_map_turned (const CbamMap *upright, const CbamMap *stored, CbamOrientation orientation)
{
  const gboolean swaps = turned_swaps (orientation);
  const double over[4] = { upright->x, upright->y, upright->frame_width, upright->frame_height };
  double expected[4];
  guint x, y;

  turned_rectangle (orientation, swaps ? HEIGHT : WIDTH, swaps ? WIDTH : HEIGHT, over, expected);
  assert_placed (stored, (float) expected[0], (float) expected[1], (float) expected[2], (float) expected[3]);
  g_assert_cmpuint (stored->width, ==, swaps ? upright->height : upright->width);
  g_assert_cmpuint (stored->height, ==, swaps ? upright->width : upright->height);
  for (guint v = 0; v < upright->height; v++)
    for (guint u = 0; u < upright->width; u++) {
      turned_find (orientation, stored->width, stored->height, u, v, &x, &y);
      g_assert_cmpfloat (stored->values[y * stored->width + x], ==, upright->values[v * upright->width + u]);
    }
}

/* Noise that is the same for all orientations once it is upright; its right half, at half the sides, when @part. */
static CbamResult *
detect_turned (CbamDetector *detector, CbamDetectParams *params, CbamOrientation orientation, gboolean part)
{
  static guint8 bytes[WIDTH * HEIGHT];
  const gboolean swaps = turned_swaps (orientation);
  const double right[4] = { WIDTH / 2.0, 10, WIDTH / 2.0, HEIGHT / 2.0 };
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8,
                            .width = swaps ? HEIGHT : WIDTH,
                            .height = swaps ? WIDTH : HEIGHT,
                            .planes = { bytes },
                            .orientation = orientation };
  g_autoptr (GError) error = NULL;
  double region[4];
  CbamResult *result;
  guint x, y;

  for (guint v = 0; v < HEIGHT; v++)
    for (guint u = 0; u < WIDTH; u++) {
      turned_find (orientation, image.width, image.height, u, v, &x, &y);
      bytes[y * image.width + x] = (guint8) (u * 37 + v * v * 11);
    }
  turned_rectangle (orientation, image.width, image.height, right, region);
  params->region = (CbamRegion){ 0 };
  if (part)
    params->region = (CbamRegion){ (guint) region[0], (guint) region[1], (guint) region[2], (guint) region[3] };
  g_assert_true (cbam_detector_submit (detector, &image, params, &error));
  result = cbam_detector_collect (detector, &error);
  g_assert_no_error (error);
  return result;
}

/* Maps of turned frames are those of the upright picture turned back, also of a part of it. */
static void
test_turned_attention (void)
{
  g_autoptr (CbamDevice) device = test_device_open (0);
  g_autoptr (CbamModel) model = load_preset (device, "stairnet-cbam-mobilenet");
  g_autoptr (CbamDetector) detector = make_detector (model);
  CbamDetectParams params = everything ();
  g_autoptr (CbamResult) upright = NULL;
  const CbamAttention *a, *b;
  gsize n, m;

  params.attention = TRUE;
  upright = detect_turned (detector, &params, TURNED_FIRST, FALSE);
  a = test_get_attention (upright, &n);
  g_assert_cmpuint (n, ==, 6);
  for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
    g_autoptr (CbamResult) stored = detect_turned (detector, &params, (CbamOrientation) o, FALSE);

    b = test_get_attention (stored, &m);
    g_assert_cmpuint (m, ==, n);
    for (gsize l = 0; l < n; l++) {
      assert_map_turned (a[l].spatial, b[l].spatial, (CbamOrientation) o);
      g_assert_cmpmem (a[l].channel, a[l].n_channels * sizeof (float), b[l].channel, b[l].n_channels * sizeof (float));
    }
  }
}

static void
test_turned_grad_cam (void)
{
  g_autoptr (CbamDevice) device = test_device_open (0);
  g_autoptr (CbamModel) model = load_letterboxed (device);
  g_autoptr (CbamDetector) detector = make_detector (model);
  CbamDetectParams params = everything ();

  params.grad_cam = 3;
  for (guint part = 0; part < 2; part++) {
    g_autoptr (CbamResult) upright = detect_turned (detector, &params, TURNED_FIRST, part);

    for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
      g_autoptr (CbamResult) stored = detect_turned (detector, &params, (CbamOrientation) o, part);

      for (gsize i = 0; i < 3; i++)
        assert_map_turned (cbam_result_get_grad_cam (upright, i), cbam_result_get_grad_cam (stored, i),
                           (CbamOrientation) o);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/explain/attention", test_attention);
  g_test_add_func ("/explain/parts", test_parts);
  g_test_add_func ("/explain/turned-attention", test_turned_attention);
  g_test_add_func ("/explain/turned-grad-cam", test_turned_grad_cam);
  g_test_add_data_func ("/explain/grad-cam", GUINT_TO_POINTER (0), test_grad_cam);
  g_test_add_data_func ("/explain/grad-cam/plain-staging", GUINT_TO_POINTER (CBAM_DEBUG_PLAIN | CBAM_DEBUG_STAGING),
                        test_grad_cam);
  g_test_add_data_func ("/explain/grad-cam/noncoherent", GUINT_TO_POINTER (CBAM_DEBUG_NONCOHERENT), test_grad_cam);
  return g_test_run ();
}
