/* Every kernel of every op that turns maps into maps, against the op's reference: odd shapes, nasty values, memory
 * poisoned with NaN, canaries behind every map, both layouts.
 *
 *     input (host) -> identity (arena) -> op under test (kept) -> depthwise 3x3 (wants a border)
 *                         further inputs (host) --'
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "compare.h"
#include "engine/half.h"
#include "host/processor.h"
#include "ops/activation.h"
#include "ops/conv-tile.h"
#include "ops/winograd.h"
#include "random-source.h"
#include "run.h"
#include "run/reference/reference.h"
#include "run/vulkan/program.h"

#define CANARY 256
#define WINOGRAD_LIMIT 3e-5 /* a tile's 16 sums share what one large number among its pixels costs */
#define NARROW_SHAPES 4
#define HALF_LIMIT                                                                                                     \
  1e-3 /* a number that is stored has 11 digits, of which a device that cuts may lose half of the last */
#define HALF_ROOM 16.0f /* products of three such numbers are stored, too */

typedef struct
{
  CbamGraph *graph;
  CbamValue *inputs[3], *output;
  guint n_inputs;
} Case;

static void
add_input (Case *test, const char *name, guint width, guint height, guint channels)
{
  test->inputs[test->n_inputs++] = cbam_graph_input (test->graph, name, width, height, channels);
}

/* What an op gets besides the first map. */
static void
add_company (Case *test, const CbamOpCase *shape)
{
  const guint outputs = shape->outputs ? shape->outputs : shape->channels;

  switch (shape->company) {
    case CBAM_CASE_ALONE: return;
    case CBAM_CASE_MAP: add_input (test, "map", shape->width, shape->height, outputs); return;
    case CBAM_CASE_MAPS:
      add_input (test, "map", shape->width, shape->height, outputs);
      add_input (test, "other", shape->width, shape->height, outputs);
      return;
    case CBAM_CASE_SINGLE: add_input (test, "single", shape->width, shape->height, 1); return;
    case CBAM_CASE_VECTOR: add_input (test, "vector", 1, 1, outputs); return;
    case CBAM_CASE_BOTH:
      add_input (test, "vector", 1, 1, outputs);
      add_input (test, "single", shape->width, shape->height, 1);
      return;
  }
}

/* Number @i of @op's shapes; the same weights, every time. */
static Case
build (const CbamOpClass *op, guint i)
{
  const CbamOpCase *shape = &op->cases[i];
  RandomSource source;
  Case result = { NULL };
  CbamValue *first[3];

  random_source_init (&source, i + 1);
  source.bias = !shape->no_bias;
  source.batch_norm = TRUE;
  result.graph = cbam_graph_new (&source.source);
  result.graph->batch = i % 8 == 3 ? 3 : 1;
  add_input (&result, "input", shape->width, shape->height, shape->channels);
  add_company (&result, shape);
  memcpy (first, result.inputs, sizeof first);
  /* The identity, so that the op reads from the arena. */
  first[0] = cbam_graph_activation (result.graph, first[0], CBAM_ACTIVATION_RELU);
  cbam_activation_params (cbam_graph_find_writer (result.graph, first[0]))->lo = -INFINITY;
  result.output = op->add_case (result.graph, shape, first);
  g_assert_no_error (result.graph->error);
  result.output->host |= CBAM_HOST_READS;
  cbam_graph_conv (result.graph, &(CbamConvForm){ .name = "reader",
                                                  .input = result.output,
                                                  .kernel = shape->big_reader ? 7 : 3,
                                                  .pad = shape->big_reader ? 3 : 1,
                                                  .depthwise = TRUE });
  g_assert_no_error (result.graph->error);
  random_source_clear (&source);
  return result;
}

/* What the reference says of a shape: computed for the first kernel, and kept for all others. */
typedef struct
{
  Case test;
  CbamReference *reference;
} Truth;

static GHashTable *truths[CBAM_PRECISION_BF16 + 1]; /* by precision: of CbamOpCase to Truth */

static void
truth_free (Truth *truth)
{
  cbam_reference_free (truth->reference);
  cbam_graph_free (truth->test.graph);
  g_free (truth);
}

/* Takes away what bfloat16 has no room for, so that products of such numbers are exact. */
static void
truncate (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    guint32 bits;

    memcpy (&bits, &values[i], sizeof bits);
    bits &= 0xffff0000;
    memcpy (&values[i], &bits, sizeof bits);
  }
}

/* To numbers that 16 bits hold, and whose products and sums they have room for. */
static void
round_to_half (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = cbam_half_to_float (cbam_half_from_float (CLAMP (values[i], -HALF_ROOM, HALF_ROOM)));
}

static void
round_values (CbamPrecision precision, float *values, gsize n)
{
  if (precision == CBAM_PRECISION_BF16)
    truncate (values, n);
  if (precision == CBAM_PRECISION_FP16)
    round_to_half (values, n);
}

/* In bfloat16 are factors alone. */
static void
round_weights (CbamGraph *graph, CbamPrecision precision)
{
  for (guint p = 0; p < graph->params->len; p++) {
    CbamParam *param = g_ptr_array_index (graph->params, p);

    if (param->n_dims > 1 || precision == CBAM_PRECISION_FP16)
      round_values (precision, param->values, param->n);
  }
}

/* Of inputs and weights that are numbers of @precision. */
static const Truth *
truth_of (const CbamOpClass *op, guint i, CbamPrecision precision)
{
  GHashTable *table = truths[precision];
  Truth *truth = g_hash_table_lookup (table, &op->cases[i]);
  GRand *rand;

  if (truth != NULL)
    return truth;
  truth = g_new (Truth, 1);
  truth->test = build (op, i);
  round_weights (truth->test.graph, precision);
  truth->reference = cbam_reference_new (truth->test.graph);
  rand = g_rand_new_with_seed (7);
  for (guint n = 0; n < truth->test.n_inputs; n++)
    random_fill_nasty (rand, cbam_reference_get_all (truth->reference, truth->test.inputs[n]),
                       cbam_value_count (truth->test.inputs[n]));
  g_rand_free (rand);
  for (guint n = 0; n < truth->test.n_inputs; n++)
    round_values (precision, cbam_reference_get_all (truth->reference, truth->test.inputs[n]),
                  cbam_value_count (truth->test.inputs[n]));
  cbam_reference_run (truth->reference, NULL);
  g_hash_table_insert (table, (gpointer) &op->cases[i], truth);
  return truth;
}

/* Runs a slot twice over a shape's inputs, and compares what it says. */
static void
compare (const char *what, const Truth *truth, const Case *fast, CbamSlot *slot, double limit)
{
  const float *expected = cbam_reference_get_all (truth->reference, truth->test.output);
  const gsize n_values = cbam_value_count (truth->test.output);
  g_autofree float *found = g_new (float, n_values);
  g_autoptr (GError) error = NULL;

  for (guint run = 0; run < 2; run++) {
    for (guint n = 0; n < fast->n_inputs; n++)
      cbam_value_write (fast->inputs[n], cbam_slot_get (slot, fast->inputs[n]),
                        cbam_reference_get_all (truth->reference, truth->test.inputs[n]));
    test_run (slot, NULL, 0, FALSE);
    cbam_value_read (fast->output, cbam_slot_get (slot, fast->output), found);
    assert_close (what, expected, found, n_values, limit, 1e9);
    if (!cbam_slot_check_canaries (slot, &error))
      g_error ("%s: %s", what, error->message);
  }
}

static gboolean
runs (CbamProgram *program, const CbamValue *output, const CbamOpVariant *variant)
{
  const CbamPlan *plan = program->plan;

  for (guint s = 0; s < plan->n_steps; s++)
    if (plan->steps[s].node->outputs[0] == output)
      return plan->steps[s].variant == variant;
  return FALSE;
}

/* What its shader declares is what is bound. */
static void
check_bindings (const CbamStep *step)
{
  const CbamShaderNeeds needs = cbam_shader_get_needs (step->variant->shader);
  CbamBinding bindings[CBAM_MAX_BINDINGS];
  const guint n = cbam_variant_get_bindings (step->variant, step->node, bindings);
  guint n_texels = 0;

  for (guint b = 0; b < n; b++)
    n_texels += bindings[b].texels;
  g_assert_cmpuint (needs.storage_texels, ==, n_texels);
  g_assert_cmpuint (needs.storage_buffers, ==, n - n_texels);
}

static void
run_variant (CbamDevice *device, const CbamOpClass *op, guint i, const CbamOpVariant *variant, gboolean pixel_major,
             gboolean *ran)
{
  const gboolean half = cbam_variant_get_type (variant) == CBAM_TYPE_F16;
  const CbamPlanConfig config = { .variant = variant->name,
                                  .canary = CANARY,
                                  .pixel_major = pixel_major,
                                  .precision = half ? CBAM_PRECISION_FP16 : CBAM_PRECISION_FP32 };
  Case fast = build (op, i);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamProgram) program = NULL;
  g_autofree char *what = g_strdup_printf ("%s %s, shape %u, layout %d", op->name, variant->name, i, pixel_major);
  g_autoptr (CbamSlot) slot = NULL;

  round_weights (fast.graph, config.precision);
  cbam_graph_fuse (fast.graph, op->case_fusions);
  program = cbam_program_new (device, fast.graph, &config, &error);
  g_assert_no_error (error);
  slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  if (!runs (program, fast.output, variant))
    return; /* it does not fit this shape */
  *ran = TRUE;
  for (guint s = 0; s < program->plan->n_steps; s++)
    check_bindings (&program->plan->steps[s]);
  const double limit = half ? HALF_LIMIT : op == &cbam_op_winograd_out ? WINOGRAD_LIMIT : 1e-5;

  compare (what, truth_of (op, i, config.precision), &fast, slot, limit);
}

/* The device with everything, or the plain one; with what it has compiled for the tests before. */
static CbamDevice *devices[2];

static CbamDevice *
get_device (gboolean plain)
{
  if (devices[plain] == NULL)
    devices[plain] = test_device_open (CBAM_DEBUG_POISON | (plain ? CBAM_DEBUG_PLAIN : 0));
  return devices[plain];
}

/* A kernel, and whose. */
typedef struct
{
  const CbamOpClass *op;
  const CbamOpVariant *variant;
} Kernel;

static void
test_variant (gconstpointer data)
{
  const Kernel *kernel = data;
  const CbamOpVariant *variant = kernel->variant;
  const gboolean wants_plain = (variant->needs & ~CBAM_NEED_HALF) == 0;
  CbamDevice *device = get_device (wants_plain);
  const gboolean int64 = device->caps.int64;
  gboolean ran = FALSE;
  guint n_narrow = 0;

  if ((variant->needs & CBAM_NEED_HALF) && !device->caps.has_fp16) {
    g_test_skip ("this device does not store 16-bit floats");
    return;
  }
  for (guint i = 0; i < kernel->op->n_cases; i++) {
    run_variant (device, kernel->op, i, variant, TRUE, &ran);
    if (!wants_plain) /* a plain device lays out by pixel only */
      run_variant (device, kernel->op, i, variant, FALSE, &ran);
    if (variant->narrow != NULL && n_narrow < NARROW_SHAPES) { /* which only stores in another way */
      gboolean ran_narrow = FALSE;

      device->caps.int64 = FALSE;
      run_variant (device, kernel->op, i, variant, FALSE, &ran_narrow);
      device->caps.int64 = int64;
      n_narrow += ran_narrow;
    }
  }
  /* A device without subgroups of 8 has no use for some kernels; lavapipe must run all of them. */
  if (!ran && device->caps.is_cpu && device->caps.subgroup_size == 8)
    g_error ("%s was never run", variant->name);
  if (!ran)
    g_test_skip ("this device cannot run it");
}

/* Weights are padded to whole tiles of the kernel that reads them, and no further. */
static void
test_packed_sizes (void)
{
  static const guint outputs[] = { 1, 8, 16, 17, 48, 126 };
  g_autoptr (CbamDevice) device = test_device_open (0);

  for (guint o = 0; o < G_N_ELEMENTS (outputs); o++)
    for (guint v = 0; v <= cbam_op_conv.n_variants; v++) {
      const char *name = v < cbam_op_conv.n_variants ? cbam_op_conv.variants[v].name : NULL; /* the planner's own */
      const CbamPlanConfig config = { .variant = name };
      g_autoptr (CbamProgram) program = NULL;
      g_autoptr (GError) error = NULL;
      RandomSource source;
      CbamGraph *graph;

      random_source_init (&source, 1);
      graph = cbam_graph_new (&source.source);
      cbam_graph_conv (graph, &(CbamConvForm){ .name = "c",
                                               .input = cbam_graph_input (graph, "x", 19, 19, 12),
                                               .channels = outputs[o],
                                               .kernel = v % 2 ? 1 : 3,
                                               .pad = v % 2 ? 0 : 1 });
      random_source_clear (&source);
      program = cbam_program_new (device, graph, &config, &error);
      g_assert_no_error (error);
      const CbamStep *step = &program->plan->steps[0];
      const guint tile = MAX (step->variant->tile[0], 8), padded = (outputs[o] + tile - 1) / tile * tile;
      const gboolean is_tile = step->variant->packing == &cbam_conv_tile_packing;
      const guint turn = is_tile ? step->variant->tile[2] * step->variant->tile[3] : 1;
      const guint depth = ((v % 2 ? 3 : 3 * 9) + turn - 1) / turn * turn;
      g_assert_cmpuint (step->weights_size, ==, padded * (depth * 4 + 1) * sizeof (float));
      if (name == NULL && outputs[o] == 16 && device->caps.is_cpu && device->caps.subgroup_size == 8)
        g_assert_cmpuint (padded, ==, 16); /* not 192, a multiple of every tile */
    }
}

/* A convolution in Winograd's three steps, of any shape that could be, in stripes of @rows rows of tiles. FALSE: it
 * could not. */
static gboolean
run_winograd (CbamDevice *device, guint i, guint rows, gboolean pixel_major)
{
  const CbamPlanConfig config = { .canary = CANARY, .pixel_major = pixel_major };
  Case fast = build (&cbam_op_conv, i);
  CbamNode *conv = cbam_graph_find_writer (fast.graph, fast.output);
  g_autofree char *what = g_strdup_printf ("shape %u in stripes of %u, layout %d", i, rows, pixel_major);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamProgram) program = NULL;
  g_autoptr (CbamSlot) slot = NULL;

  if (!cbam_winograd_fits (conv)) {
    cbam_graph_free (fast.graph);
    return FALSE;
  }
  cbam_winograd_split (fast.graph, conv, NULL, rows);
  cbam_graph_remove_node (fast.graph, conv);
  program = cbam_program_new (device, fast.graph, &config, &error);
  g_assert_no_error (error);
  slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  compare (what, truth_of (&cbam_op_conv, i, FALSE), &fast, slot, WINOGRAD_LIMIT);
  return TRUE;
}

static void
test_winograd (gconstpointer data)
{
  const gboolean plain = GPOINTER_TO_INT (data);
  guint n = 0;

  for (guint i = 0; i < cbam_op_conv.n_cases; i++)
    for (guint rows = 1; rows <= 3; rows++) {
      n += run_winograd (get_device (plain), i, rows, TRUE);
      n += !plain && run_winograd (get_device (plain), i, rows, FALSE);
    }
  g_assert_cmpuint (n, >, 10); /* else cases are of no use */
}

/* ---- The processor itself: every op, by the loops of each kind of vectors, and by its reference ------------------ */

typedef struct
{
  const CbamOpClass *op;
  const char *variant;
  CbamPrecision precision;
} HostKernel;

static gboolean
runs_kernel (CbamProgram *program, const CbamValue *output, const char *kernel)
{
  for (guint s = 0; s < program->plan->n_steps; s++)
    if (program->plan->steps[s].node->outputs[0] == output)
      return g_str_equal (cbam_program_get_kernel (program, s), kernel);
  return FALSE;
}

static void
run_on_host (CbamDevice *device, const HostKernel *kernel, guint i)
{
  const CbamPlanConfig config = { .variant = kernel->variant, .canary = CANARY, .precision = kernel->precision };
  const CbamOpClass *op = kernel->op;
  Case fast = build (op, i);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamProgram) program = NULL;
  g_autofree char *what = g_strdup_printf ("%s %s, shape %u", op->name, kernel->variant, i);
  g_autoptr (CbamSlot) slot = NULL;

  round_weights (fast.graph, kernel->precision);
  if (!g_str_equal (kernel->variant, "reference"))
    cbam_graph_fuse (fast.graph, op->case_fusions & cbam_run_get_fusions (device, kernel->precision));
  program = cbam_program_new (device, fast.graph, &config, &error);
  g_assert_no_error (error);
  slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  compare (what, truth_of (op, i, kernel->precision), &fast, slot,
           runs_kernel (program, fast.output, "winograd") ? WINOGRAD_LIMIT : 1e-5);
}

static void
test_host (gconstpointer data)
{
  const HostKernel *kernel = data;
  CbamDevice *device = get_device (FALSE);

  if (kernel->precision == CBAM_PRECISION_BF16 && !device->caps.has_bf16) {
    g_test_skip ("this processor does not compute in bfloat16");
    return;
  }
  for (guint i = 0; i < kernel->op->n_cases; i++)
    run_on_host (device, kernel, i);
}

static void
add_host_test (const HostKernel *kernel, const char *suffix)
{
  g_autofree char *path = g_strdup_printf ("/ops/%s/host/%s%s", kernel->op->name, kernel->variant, suffix);

  g_test_add_data_func_full (path, g_memdup2 (kernel, sizeof *kernel), test_host, g_free);
}

static void
add_host_tests (void)
{
  for (guint o = 0; cbam_ops[o] != NULL; o++)
    for (guint v = 0; cbam_ops[o]->add_case != NULL && v <= (guint) cbam_processor_get_vectors () + 1; v++) {
      const gboolean by_reference = v > (guint) cbam_processor_get_vectors ();
      HostKernel kernel = { cbam_ops[o], by_reference ? "reference" : cbam_vectors_names[v], CBAM_PRECISION_FP32 };

      add_host_test (&kernel, "");
      if (by_reference || kernel.op != &cbam_op_conv)
        continue;
      kernel.precision = CBAM_PRECISION_BF16;
      add_host_test (&kernel, "/bf16");
    }
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  for (guint p = 0; p < G_N_ELEMENTS (truths); p++)
    truths[p] = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) truth_free);
  if (test_is_host ())
    add_host_tests ();
  for (guint o = 0; !test_is_host () && cbam_ops[o] != NULL; o++)
    for (guint v = 0; cbam_ops[o]->add_case != NULL && v < cbam_ops[o]->n_variants;
         v++) { /* others have tests of their own */
      const Kernel kernel = { cbam_ops[o], &cbam_ops[o]->variants[v] };
      g_autofree char *path = g_strdup_printf ("/ops/%s/%s", kernel.op->name, kernel.variant->name);

      g_test_add_data_func_full (path, g_memdup2 (&kernel, sizeof kernel), test_variant, g_free);
    }
  if (!test_is_host ())
    g_test_add_func ("/ops/packed-sizes", test_packed_sizes);
  for (gint plain = 0; !test_is_host () && plain <= 1; plain++)
    g_test_add_data_func (plain ? "/ops/winograd/plain" : "/ops/winograd/all", GINT_TO_POINTER (plain), test_winograd);
  failed = g_test_run ();
  for (guint p = 0; p < G_N_ELEMENTS (truths); p++)
    g_hash_table_unref (truths[p]);
  for (guint d = 0; d < G_N_ELEMENTS (devices); d++)
    cbam_device_unref (devices[d]);
  return failed;
}
