/* Maps and weights of 16 bits: the numbers themselves, who takes them, what finds no room in them, and that a network
 * finds the same objects.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "compare.h"
#include "engine/half.h"
#include "engine/scale.h"
#include "model.h"
#include "ops/concat.h"
#include "ops/conv.h"
#include "ops/l2_norm.h"
#include "ops/max_pool.h"
#include "random-source.h"
#include "results.h"
#include "run.h"
#include "run/reference/reference.h"
#include "write-model.h"

#define WIDTH 90
#define HEIGHT 70
#define THRESHOLD 0.05f
#define SCORE 0.01 /* that a result may be off by */
#define BOX 1.0    /* pixels */
#define MANY 1e5f  /* times what a layer makes, of which 16 bits have no room for the most */

static CbamDevice *device;

/* ---- Numbers ---------------------------------------------------------------------------------------------------- */

static void
test_numbers (void)
{
  static const struct
  {
    float from;
    guint16 to;
  } cases[] = {
    { 1, 0x3c00 },
    { -2, 0xc000 },
    { 1 + 0x1p-11f, 0x3c00 },            /* half: to the even one, which is below, */
    { 1 + 0x1p-10f + 0x1p-11f, 0x3c02 }, /* ... or above */
    { 1 + 0x1.001p-11f, 0x3c01 },
    { 1.9999f, 0x4000 }, /* into the exponent */
    { 65503, 0x7bff },
    { 65520, 0x7bff }, /* nothing becomes infinite */
    { -1e30f, 0xfbff },
    { INFINITY, 0x7bff },
    { 0x1p-14f, 0x0400 },
    { 0x1p-24f, 0x0001 },
    { 0x1p-25f, 0x0000 },
    { -0x1.8p-24f, 0x8002 },
    { 1e-30f, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmphex (cbam_half_from_float (cases[i].from), ==, cases[i].to);
  g_assert_true (isnan (cbam_half_to_float (cbam_half_from_float (NAN))));
  for (guint half = 0; half < 0x10000; half++)
    if ((half & 0x7c00) != 0x7c00)
      g_assert_cmphex (cbam_half_from_float (cbam_half_to_float ((guint16) half)), ==, half);
}

/* ---- No room ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  CbamGraph *graph;
  CbamValue *input, *output;
} Net;

static CbamValue *
add_pool (CbamGraph *graph, const char *name, CbamValue *input)
{
  return cbam_graph_max_pool (graph, &(CbamPoolForm){ .name = name, .input = input, .kernel = 2, .stride = 2 });
}

/* As VGG is: convolutions with ReLU and without a norm, of which the second makes numbers that are @factor times too
 * large and the third takes that out again; pools, and a norm of what the third reads. */
static Net
make_net (float factor)
{
  RandomSource source;
  CbamValue *x, *y, *norm = NULL;
  Net net;

  random_source_init (&source, 5);
  net.graph = cbam_graph_new (&source.source);
  x = net.input = cbam_graph_input (net.graph, "input", 14, 12, 9);
  for (guint i = 0; i < 3; i++) {
    static const char *const names[] = { "first", "second", "third" };

    y = cbam_graph_conv (net.graph,
                         &(CbamConvForm){ .name = names[i], .input = x, .channels = 21, .kernel = 3, .pad = 1 });
    CbamConvParams *p = cbam_conv_params (cbam_graph_find_writer (net.graph, y));
    p->activation = cbam_activations[CBAM_ACTIVATION_RELU];
    for (gsize k = 0; k < p->weight->n; k++)
      p->weight->values[k] *= i == 0 ? 1 : i == 1 ? factor : 1 / factor;
    for (gsize k = 0; i == 1 && k < p->bias->n; k++)
      p->bias->values[k] *= factor;
    if (i == 1) {
      norm = cbam_graph_l2_norm (net.graph, "norm", y, 1e-10);
      y = add_pool (net.graph, "pool", y);
      norm = add_pool (net.graph, "norm_pool", norm);
    }
    x = y;
  }
  net.output = cbam_graph_concat (net.graph, "output", norm, y);
  net.output->host |= CBAM_HOST_READS;
  g_assert_no_error (net.graph->error);
  random_source_clear (&source);
  return net;
}

/* How far @net is from what the reference makes of it; takes the graph. @largest: as of a trial, or NULL. */
static double
run_net (Net net, const float *largest, CbamSlot **ret_slot)
{
  const CbamPlanConfig config = { .precision = CBAM_PRECISION_FP16, .canary = 256, .pixel_major = TRUE };
  Net truth = make_net (1);
  g_autoptr (CbamGraph) truth_graph = truth.graph;
  g_autoptr (CbamReference) reference = cbam_reference_new (truth.graph);
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (GError) error = NULL;
  g_autofree float *found = NULL;
  g_autofree gint *exponents = NULL;
  const gsize n = cbam_value_count (truth.input);
  float *values = cbam_reference_get (reference, truth.input);
  CbamProgram *program;

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -1, 1);
  cbam_reference_run (reference, NULL);
  if (largest != NULL)
    g_assert_true (cbam_graph_scale (net.graph, largest, &exponents));
  program = cbam_program_new (device, net.graph, &config, &error);
  g_assert_no_error (error);
  *ret_slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  cbam_value_write (net.input, cbam_slot_get (*ret_slot, net.input), values);
  test_run (*ret_slot, NULL, 0, FALSE);
  g_assert_true (cbam_slot_check_canaries (*ret_slot, &error));
  found = test_read (*ret_slot, net.output);
  return relative_error (cbam_reference_get (reference, truth.output), found, cbam_value_count (net.output));
}

static void
free_run (CbamSlot *slot)
{
  CbamProgram *program = slot->program;

  cbam_slot_free (slot);
  cbam_program_free (program);
}

/* What is clamped is told of, once for each step; what comes near is told of, too, and small numbers are not. */
static void
test_no_room (void)
{
  const CbamPlan *plan;
  const CbamStep *clamped;
  CbamSlot *slot;
  float largest;

  g_assert_cmpfloat (run_net (make_net (1), NULL, &slot), <, 2e-3);
  g_assert_null (cbam_slot_find_clamped (slot, &largest));
  for (guint s = 0; s < slot->program->plan->n_steps; s++)
    g_assert_cmpfloat (slot->largest[s], ==, 0);
  free_run (slot);

  g_assert_cmpfloat (run_net (make_net (8000), NULL, &slot), <, 2e-3);
  g_assert_null (cbam_slot_find_clamped (slot, &largest));
  plan = slot->program->plan;
  for (guint s = 0; s < plan->n_steps; s++)
    g_assert_true ((slot->largest[s] > 0) ==
                   (strstr (plan->steps[s].node->name, "second") || g_str_equal (plan->steps[s].node->name, "pool")));
  free_run (slot);

  g_assert_cmpfloat (run_net (make_net (MANY), NULL, &slot), >, 2e-2);
  clamped = cbam_slot_find_clamped (slot, &largest);
  g_assert_nonnull (clamped);
  g_assert_cmpstr (clamped->node->name, ==, "second");
  g_assert_cmpfloat (largest, >, MANY);
  test_run (slot, NULL, 0, FALSE);
  g_assert_true (cbam_slot_find_clamped (slot, &largest) == clamped); /* of each run anew */
  free_run (slot);
}

/* With what the trial says they are stored as fractions, and nothing is lost. */
static void
test_fractions (void)
{
  g_autofree float *largest = NULL;
  Net net = make_net (MANY);
  CbamSlot *slot;
  float unused;

  largest = g_new0 (float, net.graph->values->len);
  for (guint v = 0; v < net.graph->values->len; v++)
    if (strstr (((CbamValue *) g_ptr_array_index (net.graph->values, v))->name, "second"))
      largest[v] = 4 * MANY;
  g_assert_cmpfloat (run_net (net, largest, &slot), <, 2e-3);
  g_assert_null (cbam_slot_find_clamped (slot, &unused));
  for (guint s = 0; s < slot->program->plan->n_steps; s++)
    g_assert_cmpfloat (slot->largest[s], <=, 2 * CBAM_HALF_NEAR_MOST);
  free_run (slot);
}

/* ---- Models ----------------------------------------------------------------------------------------------------- */

static void
multiply (TestModel *model, const char *name, float factor)
{
  TestTensor *tensor = test_model_find (model, name);

  for (guint i = 0; i < tensor->values->len; i++)
    g_array_index (tensor->values, float, i) *= factor;
}

/* What makes the test model another one. */
typedef enum
{
  USUAL,
  LARGE_MAP,    /* a layer's numbers are MANY times larger, and the next one's weights smaller */
  LARGE_LOGITS, /* of level 1; nothing comes behind them that could make up for it */
  CLASSIFIER,
} Kind;

static CbamModel *
load (Kind kind, CbamPrecision precision, guint max_batch)
{
  const CbamModelConfig config = { .precision = precision, .max_batch = max_batch };
  g_autoptr (TestModel) source = test_model_new (3);
  g_autofree char *folder = g_dir_make_tmp ("cbam-fp16-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "m.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  CbamModel *model;

  test_model_set (source, "network.activation", "\"relu\"");
  if (kind == CLASSIFIER)
    test_model_classify (source, 12, 5);
  if (kind == LARGE_MAP) {
    multiply (source, "base_net.5.4.weight", MANY);
    multiply (source, "base_net.5.4.bias", MANY);
    multiply (source, "base_net.6.0.weight", 1 / MANY);
  }
  if (kind == LARGE_LOGITS)
    multiply (source, "conf.1.weight", MANY);
  g_assert_true (test_model_write (source, path, NULL));
  model = cbam_model_load (device, path, &config, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (folder);
  return model;
}

static CbamImage
make_image (void)
{
  static guint8 bytes[WIDTH * HEIGHT * 3];

  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    bytes[i] = (guint8) (128 + 100 * sin (i % (3 * WIDTH) * 0.05) * cos (i / (3 * WIDTH) * 0.09));
  return (CbamImage){ .format = CBAM_FORMAT_RGB, .width = WIDTH, .height = HEIGHT, .planes = { bytes } };
}

/* Results of as many regions as there are. */
static GPtrArray *
detect (CbamModel *model, const CbamRegion *regions, guint n)
{
  const CbamDetectParams params = { .threshold = THRESHOLD, .grad_cam = 1, .attention = TRUE };
  const CbamImage image = make_image ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, &error);
  GPtrArray *results = g_ptr_array_new_with_free_func ((GDestroyNotify) cbam_result_unref);

  g_assert_no_error (error);
  g_assert_true (cbam_detector_submit_regions (detector, &image, regions, n, &params, &error));
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (results, cbam_detector_collect (detector, &error));
  g_assert_no_error (error);
  return results;
}

static gboolean
is_among (const CbamDetection *one, const CbamDetection *others, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (others[i].class_id == one->class_id && fabs (others[i].score - one->score) < SCORE &&
        fabs (others[i].x - one->x) < BOX && fabs (others[i].y - one->y) < BOX &&
        fabs (others[i].width - one->width) < BOX && fabs (others[i].height - one->height) < BOX)
      return TRUE;
  return FALSE;
}

/* What is seen well enough to stay above the threshold is seen, whoever of two nearly the same is the stronger. */
static void
assert_found (CbamResult *expected, CbamResult *found)
{
  gsize n, m;
  const CbamDetection *a = test_get_detections (expected, &n), *b = test_get_detections (found, &m);
  guint n_lost = 0;

  g_assert_cmpuint (n, >, 3);
  for (gsize i = 0; i < n; i++)
    n_lost += a[i].score > THRESHOLD + SCORE && !is_among (&a[i], b, m);
  g_assert_cmpuint (n_lost, <=, n / 10);
}

static void
assert_close_maps (const CbamMap *expected, const CbamMap *found)
{
  assert_close ("map", expected->values, found->values, (gsize) expected->width * expected->height, 5e-2, 0.2);
}

static void
compare (Kind kind)
{
  static const CbamRegion regions[] = { { 0, 0, WIDTH, HEIGHT }, { 10, 5, 60, 60 }, { 30, 20, 40, 45 } };
  const guint n = kind == USUAL ? G_N_ELEMENTS (regions) : 1;
  g_autoptr (CbamModel) exact = load (kind, CBAM_PRECISION_FP32, n), half = load (kind, CBAM_PRECISION_FP16, n);
  g_autoptr (GPtrArray) expected = detect (exact, regions, n), found = detect (half, regions, n);

  g_assert_cmpint (cbam_model_get_info (half)->precision, ==, CBAM_PRECISION_FP16);
  g_assert_cmpstr (cbam_model_get_info (half)->kernels, ==, "plain in fp16");
  g_assert_null (cbam_model_get_info (half)->clamped);
  for (guint i = 0; i < n; i++) {
    CbamResult *a = g_ptr_array_index (expected, i), *b = g_ptr_array_index (found, i);

    g_assert_null (cbam_result_get_clamped (b));
    if (kind == CLASSIFIER) {
      g_assert_cmpuint (cbam_result_get_class (a, 0)->class_id, ==, cbam_result_get_class (b, 0)->class_id);
      g_assert_cmpfloat_with_epsilon (cbam_result_get_class (a, 0)->score, cbam_result_get_class (b, 0)->score, SCORE);
      assert_close_maps (cbam_result_get_grad_cam (a, 0), cbam_result_get_grad_cam (b, 0));
    } else {
      assert_found (a, b);
      assert_found (b, a);
    }
  }
}

static void
test_detector (void)
{
  compare (USUAL);
}

static void
test_classifier (void)
{
  compare (CLASSIFIER);
}

/* The trial at the load finds it, and there is no loss. */
static void
test_large_map (void)
{
  compare (LARGE_MAP);
}

/* Where fractions cannot help, auto is fp32, and fp16 says what it clamps. */
static void
test_large_logits (void)
{
  static const CbamRegion whole = { 0, 0, WIDTH, HEIGHT };
  const gboolean is_cpu = device->caps.is_cpu;
  g_autoptr (CbamModel) automatic = NULL, half = NULL, fine = NULL;
  g_autoptr (GPtrArray) exact = NULL, clamped = NULL;

  device->caps.is_cpu = FALSE;
  automatic = load (LARGE_LOGITS, CBAM_PRECISION_AUTO, 1);
  half = load (LARGE_LOGITS, CBAM_PRECISION_FP16, 1);
  fine = load (USUAL, CBAM_PRECISION_AUTO, 1);
  device->caps.is_cpu = is_cpu;
  g_assert_cmpint (cbam_model_get_info (automatic)->precision, ==, CBAM_PRECISION_FP32);
  g_assert_nonnull (strstr (cbam_model_get_info (automatic)->clamped, "conf.1"));
  g_assert_cmpint (cbam_model_get_info (half)->precision, ==, CBAM_PRECISION_FP16);
  g_assert_nonnull (strstr (cbam_model_get_info (half)->clamped, "conf.1"));
  g_assert_cmpint (cbam_model_get_info (fine)->precision, ==, CBAM_PRECISION_FP16);
  g_assert_null (cbam_model_get_info (fine)->clamped);
  exact = detect (automatic, &whole, 1);
  clamped = detect (half, &whole, 1);
  g_assert_null (cbam_result_get_clamped (g_ptr_array_index (exact, 0)));
  g_assert_nonnull (strstr (cbam_result_get_clamped (g_ptr_array_index (clamped, 0)), "conf.1"));
}

/* ---- Who has it ------------------------------------------------------------------------------------------------- */

static void
assert_refused (CbamDevice *on, CbamPrecision precision, const char *there, const char *name)
{
  const CbamModelConfig config = { .precision = precision };
  g_autofree char *start = g_strdup_printf ("precision: expected one of %s on ", there);
  g_autofree char *end = g_strdup_printf (", found %s", name);
  g_autoptr (GError) error = NULL;

  g_assert_null (cbam_model_load (on, g_getenv ("CBAM_TEST_MODEL"), &config, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  if (!g_str_has_prefix (error->message, start) || !g_str_has_suffix (error->message, end))
    g_error ("expected \"%s...%s\", found \"%s\"", start, end, error->message);
}

/* A device that lacks it says what it has; on one that has it Vulkan in software still takes fp32 by itself. */
static void
test_choice (void)
{
  g_autoptr (CbamDevice) least = test_device_open (CBAM_DEBUG_LEAST);
  g_autoptr (CbamDevice) reference = test_device_open (CBAM_DEBUG_REFERENCE);
  g_autoptr (CbamModel) model = load (USUAL, CBAM_PRECISION_AUTO, 1);

  assert_refused (device, CBAM_PRECISION_BF16, "auto, fp32, fp16", "bf16");
  assert_refused (least, CBAM_PRECISION_FP16, "auto, fp32", "fp16");
  assert_refused (reference, CBAM_PRECISION_FP16, "auto, fp32", "fp16");
  g_assert_cmpint (cbam_model_get_info (model)->precision, ==,
                   device->caps.is_cpu ? CBAM_PRECISION_FP32 : CBAM_PRECISION_FP16);
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  device = test_device_open (CBAM_DEBUG_POISON);
  g_test_add_func ("/fp16/numbers", test_numbers);
  if (cbam_device_has_precision (device, CBAM_PRECISION_FP16)) {
    g_test_add_func ("/fp16/no-room", test_no_room);
    g_test_add_func ("/fp16/fractions", test_fractions);
    g_test_add_func ("/fp16/detector", test_detector);
    g_test_add_func ("/fp16/classifier", test_classifier);
    g_test_add_func ("/fp16/large-map", test_large_map);
    g_test_add_func ("/fp16/large-logits", test_large_logits);
    g_test_add_func ("/fp16/choice", test_choice);
  }
  failed = g_test_run ();
  cbam_device_unref (device);
  return failed;
}
