/* The API as a program sees it that has only the public headers and the shared library; compiled as C and as C++.
 *
 *     use MODEL
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/profile.h>

#include <string.h>

#define SIDE 40

static CbamDevice *device;
static const char *path;

static CbamModel *
load (const CbamModelConfig *config)
{
  GError *error = NULL;
  CbamModel *model = cbam_model_load (device, path, config, &error);

  g_assert_no_error (error);
  return model;
}

static void
test_version (void)
{
  g_assert_cmpstr (cbam_version (), ==, CBAM_VERSION);
  g_assert_true (CBAM_CHECK_VERSION (CBAM_MAJOR_VERSION, CBAM_MINOR_VERSION, CBAM_MICRO_VERSION));
  g_assert_true (CBAM_CHECK_VERSION (0, 0, 1000));
  g_assert_false (CBAM_CHECK_VERSION (CBAM_MAJOR_VERSION, CBAM_MINOR_VERSION, CBAM_MICRO_VERSION + 1));
  g_assert_false (CBAM_CHECK_VERSION (CBAM_MAJOR_VERSION + 1, 0, 0));
}

/* One that the device lacks is an error with the list of those it has. */
static void
test_precision (void)
{
  GError *error = NULL;
  CbamModelConfig config;
  CbamPrecision precision = CBAM_PRECISION_AUTO;
  CbamModel *usual = load (NULL), *same;

  memset (&config, 0, sizeof config);
  g_assert_true (cbam_precision_parse ("bf16", &precision, &error));
  g_assert_true (precision == CBAM_PRECISION_BF16);
  g_assert_false (cbam_precision_parse ("fp8", &precision, &error));
  g_assert_cmpstr (error->message, ==, "precision: expected one of auto, fp32, fp16, bf16, found fp8");
  g_clear_error (&error);

  config.precision = CBAM_PRECISION_FP32;
  same = load (&config);
  g_assert_true ((same == usual) == (cbam_model_get_info (usual)->precision == CBAM_PRECISION_FP32));
  g_assert_true (cbam_model_get_info (same)->precision == CBAM_PRECISION_FP32);
  g_assert_false (cbam_device_has_precision (device, CBAM_PRECISION_BF16));
  config.precision = CBAM_PRECISION_BF16;
  g_assert_null (cbam_model_load (device, path, &config, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_assert_true (g_str_has_prefix (error->message, "precision: expected one of auto, fp32"));
  g_assert_true (g_str_has_suffix (error->message, ", found bf16"));
  g_clear_error (&error);
  cbam_model_unref (same);
  cbam_model_unref (usual);
}

/* A caller that knows more members than the library may use them only where they say nothing. */
static void
test_sizes (void)
{
  struct
  {
    CbamModelConfig known;
    gsize more;
  } config;
  GError *error = NULL;
  CbamModel *model;

  memset (&config, 0, sizeof config);
  config.known.size = sizeof config;
  model = load (&config.known);
  cbam_model_unref (model);
  config.more = 1;
  g_assert_null (cbam_model_load (device, path, &config.known, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_clear_error (&error);
}

static void
assert_finds_the_same (CbamModel *a, CbamModel *b)
{
  static guint8 pixels[SIDE * SIDE];
  CbamModel *models[2];
  CbamResult *results[2];
  CbamDetectParams params;
  GBytes *bytes = g_bytes_new_static (pixels, sizeof pixels);
  CbamImage *image = cbam_image_new (CBAM_FORMAT_GRAY8, SIDE, SIDE, 0, bytes);

  models[0] = a;
  models[1] = b;
  memset (&params, 0, sizeof params);
  params.threshold = -1;
  params.max_detections = 5;
  for (guint i = 0; i < 2; i++) {
    GError *error = NULL;
    CbamDetector *detector = cbam_detector_new (models[i], NULL, &error);

    g_assert_no_error (error);
    results[i] = cbam_detector_detect (detector, image, &params, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (cbam_result_get_n_detections (results[i]), ==, 5);
    cbam_detector_unref (detector);
  }
  for (gsize i = 0; i < 5; i++) {
    const CbamDetection *d = cbam_result_get_detection (results[0], i);
    CbamDetection *copy = cbam_detection_copy (cbam_result_get_detection (results[1], i));

    g_assert_cmpstr (d->label, ==, copy->label);
    g_assert_true (d->score <= copy->score && d->score >= copy->score);
    cbam_detection_free (copy);
  }
  cbam_result_unref (results[0]);
  cbam_result_unref (results[1]);
  cbam_image_free (image);
  g_bytes_unref (bytes);
}

/* Bytes give the model that the file gives, are not needed afterwards, and are named in errors. */
static void
test_bytes (void)
{
  GError *error = NULL;
  char *content;
  gsize size;
  GBytes *bytes;
  CbamModel *file = load (NULL), *memory;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  bytes = g_bytes_new_take (content, size);
  memory = cbam_model_load_bytes (device, bytes, "memory", NULL, &error);
  g_assert_no_error (error);
  g_bytes_unref (bytes);
  g_assert_cmpstr (cbam_model_get_info (memory)->origin, ==, "memory");
  g_assert_cmpstr (cbam_model_get_info (file)->origin, ==, path);
  g_assert_cmpstr (cbam_model_get_info (memory)->name, ==, cbam_model_get_info (file)->name);
  assert_finds_the_same (file, memory);
  cbam_model_unref (memory);
  cbam_model_unref (file);

  bytes = g_bytes_new_static ("x", 1);
  g_assert_null (cbam_model_load_bytes (device, bytes, "one byte", NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
  g_assert_true (g_str_has_prefix (error->message, "one byte: "));
  g_clear_error (&error);
  g_bytes_unref (bytes);
}

/* What a model says of itself, it says without a device, too. */
static void
test_info (void)
{
  GError *error = NULL;
  CbamModel *model = load (NULL);
  CbamDescription *description = cbam_describe (path, &error);
  const CbamModelInfo *info = cbam_model_get_info (model), *described;

  g_assert_no_error (error);
  described = cbam_description_get_info (description);
  g_assert_cmpstr (info->task, ==, "detect");
  g_assert_cmpstr (described->document, ==, info->document);
  g_assert_cmpuint (described->parameters, ==, info->parameters);
  g_assert_cmpuint (described->macs, ==, info->macs);
  g_assert_cmpuint (described->spatial_levels, ==, info->spatial_levels);
  g_assert_null (described->kernels);
  g_assert_nonnull (info->kernels);
  g_assert_null (cbam_model_info_get_label (info, info->n_classes));
  g_assert_null (cbam_model_info_get_label (info, G_MAXUINT));
  cbam_description_unref (description);
  cbam_model_unref (model);
}

int
main (int argc, char **argv)
{
  GError *error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  path = argv[1];
  device = cbam_device_open (NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/api/version", test_version);
  g_test_add_func ("/api/precision", test_precision);
  g_test_add_func ("/api/sizes", test_sizes);
  g_test_add_func ("/api/bytes", test_bytes);
  g_test_add_func ("/api/info", test_info);
  status = g_test_run ();
  cbam_device_unref (device);
  return status;
}
