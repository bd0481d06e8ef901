/* Tests of loading model files through the public door: good ones of every dtype give the same detections and are
 * shared, and each bad one is refused with one sentence that names the file, and the tensor or key. Also the errors of
 * opening devices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <utime.h>

#include "results.h"
#include "write-model.h"

#define SEED 1
#define PICTURE 96

static CbamDevice *device;
static char *folder; /* every file of this test is in it */

/* ---- Helpers ---------------------------------------------------------------------------------------------------- */

static char *
write_model (const TestModel *model)
{
  static guint count;
  g_autofree char *name = g_strdup_printf ("%u.safetensors", count++);
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, name, NULL);

  test_model_write (model, path, &error);
  g_assert_no_error (error);
  return path;
}

static CbamModel *
load (const char *path)
{
  g_autoptr (GError) error = NULL;
  CbamModel *model = cbam_model_load (device, path, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);
  return model;
}

/* @path must be refused with @code and a sentence that names it and holds @words; twice, as a failure must not be what
 * is shared. */
static void
assert_path_refused (const char *path, CbamError code, const char *const *words)
{
  g_autoptr (GError) error = NULL;
  const char *first;

  g_assert_null (cbam_model_load (device, path, NULL, NULL)); /* an error nobody wants */
  g_assert_null (cbam_model_load (device, path, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, CBAM_ERROR, (int) code);
  first = strstr (error->message, path);
  g_assert_nonnull (first);
  g_assert_null (strstr (first + 1, path)); /* named once */
  g_assert_null (strchr (error->message, '\n'));
  for (guint i = 0; words[i] != NULL; i++)
    if (strstr (error->message, words[i]) == NULL)
      g_error ("\"%s\" does not say \"%s\"", error->message, words[i]);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
assert_refused (const TestModel *model, CbamError code, const char *const *words)
{
  g_autofree char *path = write_model (model);

  assert_path_refused (path, code, words);
}

static void
assert_loads (const TestModel *model)
{
  g_autofree char *path = write_model (model);

  cbam_model_unref (load (path));
}

/* ---- Tensors ---------------------------------------------------------------------------------------------------- */

static void
test_missing_tensors (void)
{
  static const char *const names[] = {
    "base_net.0.0.weight",       "base_net.0.1.weight",  "base_net.0.1.bias", "base_net.0.1.running_var",
    "base_net.7.0.weight",       "base_net.13.3.weight", "extras.0.0.weight", "extras.0.2.weight",
    "base_net.5.4.running_var",  "loc.0.weight",         "conf.1.weight",     "loc.2.weight",
    "base_net.0.1.running_mean", "loc.0.bias",           "conf.0.bias",       "extras.0.0.bias",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (TestModel) model = test_model_new (SEED);

    test_model_drop (model, names[i]);
    assert_refused (model, CBAM_ERROR_BAD_MODEL, WORDS (names[i], "missing"));
  }
}

/* A file is a file, whatever it is called. */
static void
test_file_named_like_a_preset (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TestModel) file = test_model_new (SEED);
  g_autoptr (CbamModel) model = NULL;
  g_autofree char *before = g_get_current_dir ();
  const char *name = cbam_model_get_presets ()[0];

  g_assert_cmpint (g_chdir (folder), ==, 0);
  g_assert_true (test_model_write (file, name, &error));
  model = cbam_model_load (device, name, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cbam_model_get_info (model)->n_classes, ==, TEST_MODEL_CLASSES);
  g_unlink (name);
  g_assert_cmpint (g_chdir (before), ==, 0);
}

/* Without its batch norm, a convolution needs a bias. */
static void
test_missing_batch_norm (void)
{
  static const char *const parts[] = { "weight", "bias", "running_mean", "running_var" };
  g_autoptr (TestModel) model = test_model_new (SEED);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autofree char *name = g_strconcat ("base_net.3.4.", parts[i], NULL);

    test_model_drop (model, name);
  }
  assert_refused (model, CBAM_ERROR_BAD_MODEL, WORDS ("base_net.3.3.bias", "missing"));
}

static void
test_wrong_shapes (void)
{
  static const struct
  {
    const char *name;
    guint n_dims;
    gsize dims[4];
    const char *expected, *found;
  } shapes[] = {
    { "base_net.0.0.weight", 4, { 8, 4, 3, 3 }, "expected shape [8, 3, 3, 3]", "found [8, 4, 3, 3]" },
    { "base_net.0.0.weight", 4, { 8, 3, 3, 1 }, "expected shape [8, 3, 3, 3]", "found [8, 3, 3, 1]" },
    { "base_net.0.0.weight", 3, { 8, 3, 9 }, "expected shape [8, 3, 3, 3]", "found [8, 3, 9]" },
    { "base_net.0.0.weight", 0, { 0 }, "expected shape [8, 3, 3, 3]", "found []" },
    { "base_net.1.0.weight", 4, { 1, 8, 3, 3 }, "expected shape [8, 1, 3, 3]", "found [1, 8, 3, 3]" },
    { "base_net.4.4.bias", 1, { 65 }, "expected shape [64]", "found [65]" },
    { "base_net.4.4.running_var", 1, { 0 }, "expected shape [64]", "found [0]" },
    { "extras.0.2.bias", 2, { 128, 1 }, "expected shape [128]", "found [128, 1]" },
    { "loc.0.weight", 4, { 18, 128, 3, 3 }, "4 rows per anchor", "found 18" },
    { "loc.0.weight", 4, { 20, 128, 3, 3 }, "4 boxes per cell", "for 5" },
    { "loc.1.bias", 1, { 15 }, "expected shape [16]", "found [15]" },
    { "conf.0.weight", 4, { 20, 127, 3, 3 }, "expected shape [20, 128, 3, 3]", "found [20, 127, 3, 3]" },
    { "conf.2.weight", 4, { 16, 128, 1, 1 }, "expected shape [20, 128, 1, 1]", "found [16, 128, 1, 1]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    g_autoptr (TestModel) model = test_model_new (SEED);

    test_model_reshape (model, shapes[i].name, shapes[i].n_dims, shapes[i].dims);
    assert_refused (model, CBAM_ERROR_BAD_MODEL, WORDS (shapes[i].name, shapes[i].expected, shapes[i].found));
  }
}

static void
test_not_finite (void)
{
  static const struct
  {
    const char *name;
    float value;
  } poisons[] = {
    { "base_net.0.0.weight", NAN },
    { "base_net.6.1.running_var", INFINITY },
    { "conf.1.bias", -INFINITY },
    { "loc.2.weight", NAN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (poisons); i++) {
    g_autoptr (TestModel) model = test_model_new (SEED);
    GArray *values = test_model_find (model, poisons[i].name)->values;

    g_array_index (values, float, values->len - 1) = poisons[i].value;
    assert_refused (model, CBAM_ERROR_BAD_MODEL, WORDS (poisons[i].name, "finite"));
  }
}

static void
test_integers (void)
{
  g_autoptr (TestModel) used = test_model_new (SEED);
  g_autoptr (TestModel) unused = test_model_new (SEED);

  test_model_find (used, "base_net.3.3.weight")->dtype = TEST_DTYPE_I64;
  assert_refused (used, CBAM_ERROR_BAD_MODEL, WORDS ("base_net.3.3.weight", "expected F32, F16 or BF16", "found I64"));

  /* What PyTorch leaves beside a batch norm. */
  test_model_add (unused, "base_net.0.1.num_batches_tracked", 0, NULL)->dtype = TEST_DTYPE_I64;
  assert_loads (unused);
}

/* ---- The document ----------------------------------------------------------------------------------------------- */

static void
test_no_document (void)
{
  g_autoptr (TestModel) model = test_model_new (SEED);

  g_clear_pointer (&model->document, json_node_unref);
  assert_refused (model, CBAM_ERROR_BAD_MODEL, WORDS ("metadata \"cbamdetect\" is missing"));
}

/* One key changed, and what the message must say. */
static void
test_documents (void)
{
  static const struct
  {
    const char *path, *json;
    CbamError code;
    const char *words[3];
  } changes[] = {
    { "version", "2", CBAM_ERROR_BAD_MODEL, { "version", "expected 1", "found 2" } },
    { "version", NULL, CBAM_ERROR_BAD_MODEL, { "version", "expected 1", "found nothing" } },
    { "network", NULL, CBAM_ERROR_BAD_MODEL, { "network", "found nothing", "" } },
    { "network.detector",
      "\"stairnet\"",
      CBAM_ERROR_BAD_MODEL,
      { "topdown.proj_layers.0.conv.weight", "missing", "" } },
    { "network.backbone", "\"vgg16\"", CBAM_ERROR_BAD_MODEL, { "vgg.0.weight", "missing", "" } },
    { "network.attention",
      "{ \"kind\": \"swin\" }",
      CBAM_ERROR_BAD_MODEL,
      { "network.attention.kind", "none, se, cbam, bam, eca, self", "\"swin\"" } },
    { "network.attention",
      "{ \"kind\": \"self\" }",
      CBAM_ERROR_BAD_MODEL,
      { "att.0.query_conv.weight", "missing", "" } },
    { "network.attention",
      "{ \"kind\": \"cbam\" }",
      CBAM_ERROR_BAD_MODEL,
      { "att.0.ChannelGate.mlp.1.weight", "missing", "" } },
    { "network.attention",
      "{ \"kind\": \"eca\", \"place\": \"blocks\" }",
      CBAM_ERROR_BAD_MODEL,
      { "base_net.0.att.0.conv.weight", "missing", "[1, 1, 3]" } },
    { "network",
      "{ \"detector\": \"ssd\", \"backbone\": \"vgg16\", \"levels\": 3,"
      " \"attention\": { \"kind\": \"se\", \"place\": \"both\" } }",
      CBAM_ERROR_UNSUPPORTED,
      { "network.attention.place", "\"levels\"", "vgg16" } },
    { "network.backbone", "\"resnext\"", CBAM_ERROR_BAD_MODEL, { "network.backbone", "mobilenet_v1", "\"resnext\"" } },
    { "network.width", "0.5", CBAM_ERROR_BAD_MODEL, { "base_net.0.0.weight", "[16, 3, 3, 3]", "[8, 3, 3, 3]" } },
    { "network.sources",
      "[\"base_net.11.3\", \"base_net.13.3\", \"nowhere\"]",
      CBAM_ERROR_BAD_MODEL,
      { "network.sources", "a convolution of mobilenet_v1", "\"nowhere\"" } },
    { "network.sources",
      "[\"base_net.11.3\", \"base_net.13.3\", \"extras.0.2\", \"extras.0.0\"]",
      CBAM_ERROR_BAD_MODEL,
      { "network.sources", "expected 3", "found 4" } },
    { "network.levels", "2", CBAM_ERROR_BAD_MODEL, { "anchors.maps", "2 maps", "" } },
    { "input.channels", NULL, CBAM_ERROR_BAD_MODEL, { "input.channels", "rgb, bgr", "found nothing" } },
    { "input.width", "96", CBAM_ERROR_BAD_MODEL, { "anchors.maps", "[4,4]", "[4,6]" } },
    { "anchors.maps", "[[4, 4], [2, 2], [2, 1]]", CBAM_ERROR_BAD_MODEL, { "anchors.maps", "[2,1]", "[1,1]" } },
    { "anchors.maps", "[[4, 4], [2, 2]]", CBAM_ERROR_BAD_MODEL, { "anchors.maps", "3 maps", "" } },
    { "anchors.aspect_ratios",
      "[[2], [2, 3], [2]]",
      CBAM_ERROR_BAD_MODEL,
      { "level 1", "6 boxes per cell", "loc.1.weight" } },
    { "anchors", "{ \"tensor\": \"anchors\" }", CBAM_ERROR_BAD_MODEL, { "\"anchors\"", "missing", "[84, 4]" } },
    { "output.classes",
      "[\"background\", \"cat\", \"dog\", \"bird\"]",
      CBAM_ERROR_BAD_MODEL,
      { "conf.0.weight", "[16, 128, 3, 3]", "[20, 128, 3, 3]" } },
    { "output.boxes",
      "\"distribution\"",
      CBAM_ERROR_BAD_MODEL,
      { "loc.0.weight", "expected 32 rows per anchor", "found 16 rows" } },
    { "output.score", "\"argmax\"", CBAM_ERROR_BAD_MODEL, { "output.score", "softmax, sigmoid", "\"argmax\"" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    g_autoptr (TestModel) model = test_model_new (SEED);

    test_model_set (model, changes[i].path, changes[i].json);
    assert_refused (model, changes[i].code, WORDS (changes[i].words[0], changes[i].words[1], changes[i].words[2]));
  }
}

static void
test_anchor_tensors (void)
{
  static const struct
  {
    gsize n, columns;
    const char *words[2];
  } wrong[] = {
    { TEST_MODEL_ANCHORS - 1, 4, { "expected shape [84, 4]", "found [83, 4]" } },
    { TEST_MODEL_ANCHORS + 1, 4, { "expected shape [84, 4]", "found [85, 4]" } },
    { TEST_MODEL_ANCHORS, 5, { "expected shape [84, 4]", "found [84, 5]" } },
    { 0, 4, { "\"anchors\"", "found [0, 4]" } },
  };
  g_autoptr (TestModel) good = test_model_new (SEED);

  test_model_set (good, "anchors", "{ \"tensor\": \"anchors\" }");
  test_model_add (good, "anchors", 2, (const gsize[]){ TEST_MODEL_ANCHORS, 4 });
  assert_loads (good);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    test_model_reshape (good, "anchors", 2, (const gsize[]){ wrong[i].n, wrong[i].columns });
    assert_refused (good, CBAM_ERROR_BAD_MODEL, WORDS ("anchors", wrong[i].words[0], wrong[i].words[1]));
  }
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static void
test_no_files (void)
{
  g_autofree char *missing = g_build_filename (folder, "missing.safetensors", NULL);
  g_autofree char *empty = g_build_filename (folder, "empty.safetensors", NULL);
  g_autofree char *below = g_build_filename (empty, "m.safetensors", NULL);

  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  assert_path_refused (missing, CBAM_ERROR_NOT_FOUND, WORDS ("No such file"));
  assert_path_refused (below, CBAM_ERROR_NOT_FOUND, WORDS (""));
  assert_path_refused (empty, CBAM_ERROR_BAD_MODEL, WORDS ("empty file"));
  assert_path_refused (folder, CBAM_ERROR_BAD_MODEL, WORDS ("directory"));
}

static void
test_sharing (void)
{
  g_autoptr (TestModel) model = test_model_new (SEED);
  g_autofree char *path = write_model (model);
  CbamModel *first = load (path), *again = load (path), *replaced, *touched;

  g_assert_true (first == again);
  cbam_model_unref (again);

  /* Another file in its place is another model, also while the old one lives. */
  test_model_set (model, "name", "\"another\"");
  g_assert_true (test_model_write (model, path, NULL));
  replaced = load (path);
  g_assert_true (replaced != first);
  g_assert_cmpstr (cbam_model_get_info (first)->name, ==, "test-model");
  g_assert_cmpstr (cbam_model_get_info (replaced)->name, ==, "another");

  /* So is the same file once it was written to. */
  g_assert_cmpint (g_utime (path, &(struct utimbuf){ 1, 1 }), ==, 0);
  touched = load (path);
  g_assert_true (touched != replaced);
  again = load (path);
  g_assert_true (touched == again);
  cbam_model_unref (again);
  cbam_model_unref (touched);
  cbam_model_unref (replaced);
  cbam_model_unref (first);

  /* Nothing is kept of a file that nobody uses. */
  test_model_set (model, "name", "\"a third\"");
  g_assert_true (test_model_write (model, path, NULL));
  first = load (path);
  g_assert_cmpstr (cbam_model_get_info (first)->name, ==, "a third");
  cbam_model_unref (first);
}

/* After good and bad files alike no descriptor and no mapping is left of them. */
static void
test_nothing_is_held (void)
{
  g_autoptr (TestModel) good = test_model_new (SEED);
  g_autoptr (TestModel) bad = test_model_new (SEED);
  g_autofree char *path = write_model (good), *maps = NULL;
  g_autoptr (GDir) descriptors = g_dir_open ("/proc/self/fd", 0, NULL);
  G_GNUC_UNUSED g_autoptr (CbamModel) model = load (path);
  const char *name;

  test_model_drop (bad, "loc.0.bias");
  test_model_drop (bad, "loc.0.weight");
  assert_refused (bad, CBAM_ERROR_BAD_MODEL, WORDS ("loc.0.weight"));
  if (descriptors == NULL || !g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL)) {
    g_test_skip ("no /proc");
    return;
  }
  g_assert_null (strstr (maps, folder));
  while ((name = g_dir_read_name (descriptors)) != NULL) {
    g_autofree char *link = g_build_filename ("/proc/self/fd", name, NULL);
    g_autofree char *target = g_file_read_link (link, NULL);

    g_assert_false (target != NULL && g_str_has_prefix (target, folder));
  }
}

/* ---- Numbers ---------------------------------------------------------------------------------------------------- */

/* Every class of every anchor whose box touches the picture, by falling score. */
static CbamResult *
detect (TestModel *test_model, TestDtype dtype)
{
  const CbamDetectParams all = { .threshold = -1, .nms_iou = 1, .top_k = CBAM_ALL, .max_detections = CBAM_ALL };
  guint8 pixels[PICTURE][PICTURE][3];
  const CbamImage image = {
    .format = CBAM_FORMAT_RGB, .width = PICTURE, .height = PICTURE, .planes = { &pixels[0][0][0] }
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  for (guint y = 0; y < PICTURE; y++)
    for (guint x = 0; x < PICTURE; x++) {
      pixels[y][x][0] = (guint8) (x * 255 / PICTURE);
      pixels[y][x][1] = (guint8) (y * 255 / PICTURE);
      pixels[y][x][2] = (x / 16 + y / 16) % 2 ? 255 : 0;
    }
  test_model_set_dtype (test_model, dtype);
  path = write_model (test_model);

  g_autoptr (CbamModel) model = load (path);
  g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, &error);
  g_assert_no_error (error);
  cbam_detector_submit (detector, &image, &all, &error);
  g_assert_no_error (error);
  CbamResult *result = cbam_detector_collect (detector, &error);
  g_assert_no_error (error);
  return result;
}

/* How far the closest detection of the same class is: in its score, or in an edge as a part of the picture. */
static double
distance (const CbamDetection *wanted, const CbamDetection *detections, gsize n)
{
  double best = INFINITY;

  for (gsize i = 0; i < n; i++) {
    const CbamDetection *d = &detections[i];
    const double edges = fmax (fmax (fabs (d->x - wanted->x), fabs (d->y - wanted->y)),
                               fmax (fabs (d->width - wanted->width), fabs (d->height - wanted->height)));

    if (d->class_id == wanted->class_id)
      best = fmin (best, fmax (fabs (d->score - wanted->score), edges / PICTURE));
  }
  return best;
}

static void
assert_detections_close (CbamResult *single, CbamResult *half, double tolerance)
{
  gsize n, n_half;
  const CbamDetection *detections = test_get_detections (single, &n);
  const CbamDetection *others = test_get_detections (half, &n_half);
  double worst = 0;

  g_assert_cmpuint (n, ==, n_half);
  for (gsize i = 0; i < n; i++)
    worst = fmax (worst, distance (&detections[i], others, n_half));
  g_test_message ("%" G_GSIZE_FORMAT " detections, at most %.5f apart", n, worst);
  g_assert_cmpfloat (worst, <=, tolerance);
  g_assert_cmpfloat (worst, >, 0); /* or the same weights were read */
}

static void
test_dtypes (void)
{
  g_autoptr (TestModel) model = test_model_new (SEED);
  g_autoptr (CbamResult) single = detect (model, TEST_DTYPE_F32);
  g_autoptr (CbamResult) half = detect (model, TEST_DTYPE_F16);
  g_autoptr (CbamResult) brain = detect (model, TEST_DTYPE_BF16);
  gsize n, middle = 0;
  const CbamDetection *detections = test_get_detections (single, &n);

  /* Scores spread, or closeness would mean nothing. */
  g_assert_cmpuint (n, ==, TEST_MODEL_ANCHORS * (TEST_MODEL_CLASSES - 1));
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpfloat (detections[i].score, >, 0);
    g_assert_cmpfloat (detections[i].score, <, 1);
    middle += detections[i].score > 0.1 && detections[i].score < 0.9;
  }
  g_test_message ("scores %.3f to %.3f, %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " between 0.1 and 0.9",
                  detections[n - 1].score, detections[0].score, middle, n);
  g_assert_cmpuint (middle, >, n / 2);

  /* Weights are off by up to 2^-11 and 2^-8 of themselves; some 30 layers on, 0.001 and 0.008 were seen. */
  assert_detections_close (single, half, 0.002);
  assert_detections_close (single, brain, 0.02);
}

/* ---- Devices ---------------------------------------------------------------------------------------------------- */

/* The message names what was asked for, and every device there is. */
static void
test_unknown_devices (void)
{
  static const char *const names[] = { "no such device", "99", "-1", "4294967296" };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDeviceList) list = cbam_device_list_new (&error);

  g_assert_no_error (error);
  g_assert_cmpuint (cbam_device_list_size (list), >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) failure = NULL;

    g_assert_null (cbam_device_open (names[i], NULL));
    g_assert_null (cbam_device_open (names[i], &failure));
    g_test_message ("%s", failure->message);
    g_assert_error (failure, CBAM_ERROR, CBAM_ERROR_NO_DEVICE);
    g_assert_nonnull (strstr (failure->message, names[i]));
    for (guint d = 0; d < cbam_device_list_size (list); d++)
      g_assert_nonnull (strstr (failure->message, cbam_device_list_get (list, d)->name));
  }
}

/* An index, a type and a part of the name, in any case, open the device that is listed so. */
static void
test_known_devices (void)
{
  const CbamDeviceInfo *info = cbam_device_get_info (device);
  g_autofree char *index = g_strdup_printf ("%u", info->index);
  g_autofree char *upper = g_utf8_strup (info->name, 5), *lower = g_utf8_strdown (info->name, 5);
  const char *const names[] = { index, upper, lower, "" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamDevice) opened = cbam_device_open (names[i], &error);

    g_assert_no_error (error);
    g_assert_cmpstr (cbam_device_get_info (opened)->name, ==, info->name);
    /* Devices are shared: another name for one that is open gives the same. */
    g_assert_true ((opened == device) == (cbam_device_get_info (opened)->index == info->index));
  }
}

static void
remove_folder (void)
{
  g_autoptr (GDir) files = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_unlink (path);
  }
  g_rmdir (folder);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  device = cbam_device_open (NULL, &error);
  if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE)) {
    g_print ("1..0 # SKIP %s\n", error->message);
    return 0;
  }
  g_assert_no_error (error);
  folder = g_dir_make_tmp ("cbam-model-XXXXXX", &error);
  g_assert_no_error (error);

  g_test_add_func ("/model-file/missing-tensors", test_missing_tensors);
  g_test_add_func ("/model-file/named-like-a-preset", test_file_named_like_a_preset);
  g_test_add_func ("/model-file/missing-batch-norm", test_missing_batch_norm);
  g_test_add_func ("/model-file/wrong-shapes", test_wrong_shapes);
  g_test_add_func ("/model-file/not-finite", test_not_finite);
  g_test_add_func ("/model-file/integers", test_integers);
  g_test_add_func ("/model-file/no-document", test_no_document);
  g_test_add_func ("/model-file/documents", test_documents);
  g_test_add_func ("/model-file/anchor-tensors", test_anchor_tensors);
  g_test_add_func ("/model-file/no-files", test_no_files);
  g_test_add_func ("/model-file/sharing", test_sharing);
  g_test_add_func ("/model-file/nothing-is-held", test_nothing_is_held);
  g_test_add_func ("/model-file/dtypes", test_dtypes);
  g_test_add_func ("/model-file/unknown-devices", test_unknown_devices);
  g_test_add_func ("/model-file/known-devices", test_known_devices);
  status = g_test_run ();
  remove_folder ();
  cbam_device_unref (device);
  return status;
}
