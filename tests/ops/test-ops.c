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
#include "run/reference/reference.h"
#include "run/vulkan/program.h"
#include "random-source.h"

#define CANARY 256
#define NARROW_SHAPES 4
#define GATE_FUSIONS (CBAM_FUSE_SIGMOID | CBAM_FUSE_CHANNEL_GATE | CBAM_FUSE_GATES | CBAM_FUSE_CBAM)

/* What the op gets besides the first map. */
typedef enum
{
  ALONE,
  WITH_MAP,    /* of its own size */
  WITH_VECTOR, /* one pixel */
  WITH_SINGLE, /* one channel */
  WITH_BOTH,   /* a vector and a single channel */
  OF_VECTOR_AND_SINGLE,
} Company;

typedef struct
{
  const CbamOpClass *op;
  guint width, height, channels, outputs, kernel, stride, dilation, pad;
  gboolean same, no_bias, big_reader;
  Company company;
} Shape;

static const Shape shapes[] = {
  /* 1x1 convolutions: tiles exactly full, one too many, one too few; one pixel; odd channels */
  { &cbam_op_conv, 1, 1, 3, 1, 1 },
  { &cbam_op_conv, 1, 1, 8, 21, 1, .no_bias = TRUE },
  { &cbam_op_conv, 5, 3, 4, 4, 1 },
  { &cbam_op_conv, 8, 13, 16, 16, 1 },
  { &cbam_op_conv, 13, 8, 12, 17, 1 },
  { &cbam_op_conv, 7, 7, 13, 84, 1 },
  { &cbam_op_conv, 19, 19, 24, 126, 1 },
  { &cbam_op_conv, 10, 10, 64, 49, 1, .no_bias = TRUE },
  { &cbam_op_conv, 3, 3, 21, 285, 1, .big_reader = TRUE },
  { &cbam_op_conv, 2, 2, 192, 48, 1 },
  { &cbam_op_conv, 11, 2, 40, 33, 1, 2 },
  { &cbam_op_conv, 64, 1, 8, 95, 1, .big_reader = TRUE },
  { &cbam_op_conv, 1, 67, 36, 32, 1 },
  /* larger kernels */
  { &cbam_op_conv, 17, 11, 3, 24, 3, 2, .same = TRUE },
  { &cbam_op_conv, 18, 12, 3, 23, 3, 2, .same = TRUE },
  { &cbam_op_conv, 17, 12, 3, 24, 3, 2, .same = TRUE }, /* left and top padding differ */
  { &cbam_op_conv, 9, 9, 5, 16, 3, 1, 1, 1 },
  { &cbam_op_conv, 1, 1, 4, 8, 3, 1, 1, 1 },
  { &cbam_op_conv, 2, 3, 9, 40, 3, 2, 1, 1, .no_bias = TRUE },
  { &cbam_op_conv, 13, 10, 6, 7, 3, 1, 6, 6 },
  { &cbam_op_conv, 5, 5, 8, 12, 3, 1, 1, 0 },
  { &cbam_op_conv, 4, 4, 7, 33, 4, 1, 1, 1 },
  { &cbam_op_conv, 9, 8, 3, 5, 7, 3, 1, 3, .big_reader = TRUE },
  { &cbam_op_conv, 6, 6, 65, 10, 3, 2, .same = TRUE },
  /* depthwise */
  { &cbam_op_depthwise, 1, 1, 3, 0, 3, 1, 1, 1 },
  { &cbam_op_depthwise, 2, 2, 8, 0, 3, 2, .same = TRUE },
  { &cbam_op_depthwise, 19, 19, 21, 0, 3, 1, 1, 1 },
  { &cbam_op_depthwise, 24, 20, 5, 0, 3, 1, .same = TRUE },
  { &cbam_op_depthwise, 25, 25, 4, 0, 3, 2, .same = TRUE, .big_reader = TRUE },
  { &cbam_op_depthwise, 26, 24, 7, 0, 3, 2, 1, 1, .no_bias = TRUE },
  { &cbam_op_depthwise, 7, 31, 84, 0, 3, 2, .same = TRUE },
  { &cbam_op_depthwise, 31, 5, 12, 0, 5, 1, 1, 2 },
  { &cbam_op_depthwise, 10, 11, 9, 0, 3, 1, 2, 2 },
  { &cbam_op_depthwise, 48, 16, 4, 0, 3, 1, 1, 1 }, /* tiles that fill the workgroups exactly */
  { &cbam_op_depthwise, 32, 16, 4, 0, 3, 2, 1, 1 },
  { &cbam_op_depthwise, 13, 12, 8, 0, 3, 2, .same = TRUE },
  /* texel by texel */
  { &cbam_op_activation, 1, 1, 1 },
  { &cbam_op_activation, 13, 7, 21, .big_reader = TRUE },
  { &cbam_op_batch_norm, 1, 1, 3 },
  { &cbam_op_batch_norm, 9, 14, 84 },
  { &cbam_op_l2_norm, 1, 1, 3 },
  { &cbam_op_l2_norm, 11, 6, 30, .big_reader = TRUE },
  /* pools: outputs is 1 for ceil */
  { &cbam_op_max_pool, 2, 2, 3, 0, 2, 2 },
  { &cbam_op_max_pool, 75, 7, 12, 1, 2, 2 },
  { &cbam_op_max_pool, 75, 7, 12, 0, 2, 2 },
  { &cbam_op_max_pool, 19, 13, 21, 0, 3, 1, .pad = 1, .big_reader = TRUE },
  { &cbam_op_max_pool, 1, 1, 5, 0, 3, 1, .pad = 1 },
  { &cbam_op_max_pool, 10, 11, 9, 1, 3, 2, .pad = 1 },
  /* 1x1 convolutions with a map added */
  { &cbam_op_conv, 5, 3, 4, 4, 1, .company = WITH_MAP },
  { &cbam_op_conv, 19, 19, 24, 126, 1, .company = WITH_MAP },
  { &cbam_op_conv, 10, 10, 64, 49, 1, .no_bias = TRUE, .company = WITH_MAP },
  { &cbam_op_conv, 2, 2, 192, 48, 1, .company = WITH_MAP },
  { &cbam_op_conv, 64, 1, 8, 95, 1, .big_reader = TRUE, .company = WITH_MAP },
  /* to one channel */
  { &cbam_op_conv, 1, 1, 2, 1, 7, 1, 1, 3 },
  { &cbam_op_conv, 19, 11, 2, 1, 7, 1, 1, 3, .no_bias = TRUE },
  { &cbam_op_conv, 12, 13, 2, 1, 3, 1, 1, 1, .big_reader = TRUE },
  { &cbam_op_conv, 17, 9, 21, 1, 1 },
  { &cbam_op_conv, 9, 9, 6, 1, 3, 2, 1, 1 },
  /* transposed: stride is output pixels per input pixel, dilation what the output has beyond the kernel's reach */
  { &cbam_op_deconv, 1, 1, 5, 7, 3, 1, 0, 0 },
  { &cbam_op_deconv, 5, 3, 12, 8, 3, 2, 0, 1 },
  { &cbam_op_deconv, 5, 3, 9, 13, 3, 2, 1, 1, .no_bias = TRUE },
  { &cbam_op_deconv, 4, 6, 8, 8, 4, 2, 0, 1, .big_reader = TRUE },
  { &cbam_op_deconv, 3, 4, 3, 4, 3, 3, 2, 0 },
  { &cbam_op_depthwise_deconv, 1, 1, 5, 0, 3, 2, 1, 1 },
  { &cbam_op_depthwise_deconv, 10, 7, 21, 0, 3, 2, 0, 1, .no_bias = TRUE },
  { &cbam_op_depthwise_deconv, 6, 5, 8, 0, 3, 1, 0, 0, .big_reader = TRUE },
  { &cbam_op_depthwise_deconv, 3, 9, 4, 0, 4, 3, 2, 1 },
  { &cbam_op_sigmoid, 1, 1, 1 },
  { &cbam_op_sigmoid, 13, 7, 21, .big_reader = TRUE },
  { &cbam_op_add, 1, 1, 3, .company = WITH_MAP },
  { &cbam_op_add, 11, 6, 21, .company = WITH_MAP, .big_reader = TRUE },
  { &cbam_op_add, 11, 6, 21, .company = WITH_VECTOR },
  { &cbam_op_add, 11, 6, 9, .company = OF_VECTOR_AND_SINGLE },
  { &cbam_op_multiply, 11, 6, 21, .company = WITH_MAP },
  { &cbam_op_multiply, 11, 6, 21, .company = WITH_VECTOR },
  { &cbam_op_multiply, 19, 13, 22, .company = WITH_SINGLE, .big_reader = TRUE },
  { &cbam_op_multiply, 11, 6, 9, .company = OF_VECTOR_AND_SINGLE },
  { &cbam_op_multiply, 1, 1, 9, .company = WITH_BOTH },
  { &cbam_op_multiply, 11, 6, 21, .company = WITH_BOTH },
  /* reductions: outputs is a CbamPoolSet, dilation whether the mean comes first */
  { &cbam_op_global_pool, 1, 1, 3, CBAM_POOL_AVG | CBAM_POOL_MAX },
  { &cbam_op_global_pool, 9, 14, 41, CBAM_POOL_AVG | CBAM_POOL_MAX | CBAM_POOL_LP | CBAM_POOL_LSE },
  { &cbam_op_global_pool, 2, 1, 84, CBAM_REDUCE_SUM, .big_reader = TRUE },
  { &cbam_op_channel_pool, 1, 1, 1 },
  { &cbam_op_channel_pool, 9, 14, 84, .big_reader = TRUE },
  { &cbam_op_channel_pool, 12, 5, 21, .dilation = 1 },
  { &cbam_op_channel_pool, 12, 5, 22, .company = WITH_VECTOR },
  { &cbam_op_channel_pool, 7, 7, 19, .dilation = 1, .company = WITH_VECTOR, .big_reader = TRUE },
  /* channel gates: kernel is the channels between the layers */
  { &cbam_op_channel_gate, 1, 1, 5, CBAM_POOL_AVG, 1 },
  { &cbam_op_channel_gate, 9, 14, 41, CBAM_POOL_AVG | CBAM_POOL_MAX, 7 },
  { &cbam_op_channel_gate, 5, 6, 130, CBAM_POOL_AVG | CBAM_POOL_MAX | CBAM_POOL_LP | CBAM_POOL_LSE, 70,
    .no_bias = TRUE },
  /* all of CBAM: stride is the spatial kernel, dilation whether the mean comes first */
  { &cbam_op_cbam, 1, 1, 5, CBAM_POOL_AVG | CBAM_POOL_MAX, 1, 7 },
  { &cbam_op_cbam, 9, 14, 41, CBAM_POOL_AVG | CBAM_POOL_MAX, 7, 7, .big_reader = TRUE },
  { &cbam_op_cbam, 11, 10, 128, CBAM_POOL_AVG | CBAM_POOL_MAX, 8, 7, .no_bias = TRUE },
  { &cbam_op_cbam, 5, 6, 130, CBAM_POOL_MAX | CBAM_POOL_LP | CBAM_POOL_LSE, 70, 3, 1 },
  /* resizing: outputs is 1 for bilinear, kernel x stride the size */
  { &cbam_op_resize, 3, 2, 5, 0, 5, 4 },
  { &cbam_op_resize, 10, 10, 21, 0, 19, 19, .big_reader = TRUE },
  { &cbam_op_resize, 1, 1, 8, 1, 3, 2 },
  { &cbam_op_resize, 10, 5, 21, 1, 19, 10, .big_reader = TRUE },
  { &cbam_op_resize, 7, 9, 4, 1, 5, 3 },
  { &cbam_op_turn, 1, 1, 21 },
  { &cbam_op_turn, 1, 1, 64, .big_reader = TRUE },
  { &cbam_op_turn, 30, 1, 1 },
  { &cbam_op_turn, 64, 1, 1, .big_reader = TRUE },
};

typedef struct
{
  CbamGraph *graph;
  CbamValue *inputs[3], *output;
  guint n_inputs;
} Case;

static CbamNode *
node_of (CbamGraph *graph, const CbamValue *output)
{
  return cbam_graph_find_writer (graph, output);
}

static CbamValue *
add_input (Case *test, const char *name, guint width, guint height, guint channels)
{
  CbamValue *input = cbam_graph_input (test->graph, name, width, height, channels);

  test->inputs[test->n_inputs++] = input;
  return input;
}

static CbamValue *
add_pools (CbamGraph *graph, const Shape *shape, CbamValue *x)
{
  CbamGlobalPoolParams params = { .n = 0 };

  for (guint kind = 1; kind <= CBAM_REDUCE_SUM; kind <<= 1)
    if (shape->outputs & kind)
      params.kinds[params.n++] = (CbamReduction) kind;
  return cbam_graph_global_pool (graph, "op", x, &params);
}

/* What make_channel_gate() in fuse.c looks for. */
static CbamValue *
add_channel_gate (CbamGraph *graph, const Shape *shape, CbamValue *x)
{
  const CbamGlobalPoolParams sum = { .n = 1, .kinds = { CBAM_REDUCE_SUM } };
  const guint channels = x->channels;

  x = add_pools (graph, shape, x);
  x = cbam_graph_conv (graph, &(CbamConvForm){ .name = "first", .input = x, .channels = shape->kernel });
  node_of (graph, x)->params.conv.lo = 0;
  x = cbam_graph_conv (graph, &(CbamConvForm){ .name = "second", .input = x, .channels = channels });
  return cbam_graph_sigmoid (graph, cbam_graph_global_pool (graph, "sum", x, &sum));
}

/* What make_cbam() in fuse.c looks for, once the other gates' rules have been at it. */
static CbamValue *
add_cbam (CbamGraph *graph, const Shape *shape, CbamValue *x)
{
  CbamValue *gate = add_channel_gate (graph, shape, x), *spatial;

  x = cbam_graph_multiply (graph, "scaled", x, gate);
  spatial = cbam_graph_channel_pool (graph, "pool", x, shape->dilation == 1);
  spatial = cbam_graph_conv (
      graph,
      &(CbamConvForm){
          .name = "spatial", .input = spatial, .channels = 1, .kernel = shape->stride, .pad = shape->stride / 2 });
  spatial = cbam_graph_sigmoid (graph, spatial);
  return cbam_graph_multiply (graph, "op", x, spatial);
}

static CbamValue *
add_deconv (CbamGraph *graph, const Shape *shape, CbamValue *x)
{
  const gint more = (gint) shape->kernel - 2 * (gint) shape->pad + (gint) shape->dilation;

  return cbam_graph_deconv (graph, &(CbamDeconvForm){ .name = "op",
                                                      .input = x,
                                                      .channels = shape->outputs,
                                                      .kernel = shape->kernel,
                                                      .up_x = shape->stride,
                                                      .up_y = shape->stride,
                                                      .pad_x = shape->pad,
                                                      .pad_y = shape->pad,
                                                      .width = (x->width - 1) * shape->stride + (guint) more,
                                                      .height = (x->height - 1) * shape->stride + (guint) more,
                                                      .depthwise = shape->op == &cbam_op_depthwise_deconv });
}

static CbamValue *
add_op (CbamGraph *graph, const Shape *shape, CbamValue *x)
{
  if (shape->op == &cbam_op_activation)
    return cbam_graph_activation (graph, x, CBAM_ACTIVATION_RELU6);
  if (shape->op == &cbam_op_sigmoid)
    return cbam_graph_sigmoid (graph, x);
  if (shape->op == &cbam_op_batch_norm)
    return cbam_graph_batch_norm (graph, "norm", x, 1e-5);
  if (shape->op == &cbam_op_l2_norm)
    return cbam_graph_l2_norm (graph, "norm", x, 1e-10);
  if (shape->op == &cbam_op_deconv || shape->op == &cbam_op_depthwise_deconv)
    return add_deconv (graph, shape, x);
  if (shape->op == &cbam_op_global_pool)
    return add_pools (graph, shape, x);
  if (shape->op == &cbam_op_channel_pool)
    return cbam_graph_channel_pool (graph, "op", x, shape->dilation == 1);
  if (shape->op == &cbam_op_channel_gate)
    return add_channel_gate (graph, shape, x);
  if (shape->op == &cbam_op_cbam)
    return add_cbam (graph, shape, x);
  if (shape->op == &cbam_op_resize)
    return cbam_graph_resize (graph, "op", x, shape->kernel, shape->stride, shape->outputs == 1);
  if (shape->op == &cbam_op_turn)
    return cbam_graph_turn (graph, "op", x);
  if (shape->op == &cbam_op_max_pool)
    return cbam_graph_max_pool (graph, &(CbamPoolForm){ .name = "op",
                                                        .input = x,
                                                        .kernel = shape->kernel,
                                                        .stride = shape->stride,
                                                        .pad = shape->pad,
                                                        .ceil = shape->outputs == 1 });
  return cbam_graph_conv (graph, &(CbamConvForm){ .name = "op",
                                                  .input = x,
                                                  .channels = shape->outputs,
                                                  .kernel = shape->kernel,
                                                  .stride = shape->stride,
                                                  .dilation = shape->dilation,
                                                  .pad = shape->pad,
                                                  .padding = shape->same ? CBAM_PADDING_SAME : CBAM_PADDING_SYMMETRIC,
                                                  .depthwise = shape->op == &cbam_op_depthwise });
}

static CbamValue *
add_combination (Case *test, const Shape *shape, CbamValue *x)
{
  CbamValue *(*const combine) (CbamGraph *, const char *, CbamValue *, CbamValue *) =
      shape->op == &cbam_op_add ? cbam_graph_add : cbam_graph_multiply;

  if (shape->company == WITH_MAP)
    return combine (test->graph, "op", add_input (test, "map", x->width, x->height, x->channels), x);
  if (shape->company == WITH_SINGLE)
    return combine (test->graph, "op", x, add_input (test, "single", x->width, x->height, 1));
  return combine (test->graph, "op", x, add_input (test, "vector", 1, 1, x->channels));
}

/* What only fusions make: an op that takes a further map. */
static void
add_company (Case *test, const Shape *shape)
{
  const CbamValue *out = test->output;
  CbamNode *node = node_of (test->graph, out);

  if (node->n_inputs == 2 && shape->company != WITH_BOTH)
    return;
  switch (shape->company) {
    case ALONE:
    case OF_VECTOR_AND_SINGLE:
    case WITH_SINGLE: return;
    case WITH_MAP: node->inputs[1] = add_input (test, "map", out->width, out->height, out->channels); break;
    case WITH_VECTOR: node->inputs[1] = add_input (test, "vector", 1, 1, shape->channels); break;
    case WITH_BOTH: node->inputs[2] = add_input (test, "single", out->width, out->height, 1); break;
  }
  node->n_inputs++;
}

/* The identity, so that the op reads from the arena. */
static CbamValue *
add_front (Case *test, const Shape *shape)
{
  const guint channels = shape->company == OF_VECTOR_AND_SINGLE ? 1 : shape->channels;
  CbamValue *x = add_input (test, "input", shape->width, shape->height, channels);

  x = cbam_graph_activation (test->graph, x, CBAM_ACTIVATION_RELU);
  node_of (test->graph, x)->params.activation.lo = -INFINITY;
  return x;
}

/* The same weights for the same @shape, every time. */
static Case
build (const Shape *shape)
{
  const gboolean combines = shape->op == &cbam_op_add || shape->op == &cbam_op_multiply;
  RandomSource source;
  Case result = { NULL };
  CbamValue *x;

  random_source_init (&source, (guint32) (shape - shapes) + 1);
  source.bias = !shape->no_bias;
  source.batch_norm = TRUE;
  result.graph = cbam_graph_new (&source.source);
  x = add_front (&result, shape);
  if (shape->company == OF_VECTOR_AND_SINGLE)
    result.output = (shape->op == &cbam_op_add ? cbam_graph_add : cbam_graph_multiply) (
        result.graph, "op", add_input (&result, "vector", 1, 1, shape->channels), x);
  else
    result.output = combines ? add_combination (&result, shape, x) : add_op (result.graph, shape, x);
  g_assert_no_error (result.graph->error);
  add_company (&result, shape);
  result.output->keep = TRUE;
  if (shape->op == &cbam_op_conv && shape->outputs % 2 == 0) {
    node_of (result.graph, result.output)->params.conv.lo = 0;
    node_of (result.graph, result.output)->params.conv.hi = 6;
  }
  cbam_graph_conv (result.graph, &(CbamConvForm){ .name = "reader",
                                                  .input = result.output,
                                                  .kernel = shape->big_reader ? 7 : 3,
                                                  .pad = shape->big_reader ? 3 : 1,
                                                  .depthwise = TRUE });
  g_assert_no_error (result.graph->error);
  random_source_clear (&source);
  return result;
}

static gsize
count (const CbamValue *tensor)
{
  return (gsize) tensor->width * tensor->height * tensor->channels;
}

static gboolean
runs (CbamProgram *program, const CbamValue *output, const CbamOpVariant *variant)
{
  const CbamPlan *plan = cbam_program_get_plan (program);

  for (guint s = 0; s < plan->n_steps; s++)
    if (plan->steps[s].node->output == output)
      return plan->steps[s].variant == variant;
  return FALSE;
}

static void
run_variant (CbamDevice *device, const Shape *shape, const CbamOpVariant *variant, gboolean pixel_major, gboolean *ran)
{
  const CbamPlanConfig config = { .variant = variant->name, .canary = CANARY, .pixel_major = pixel_major };
  Case truth = build (shape), fast = build (shape);
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (CbamGraph) truth_graph = truth.graph;
  g_autoptr (CbamReference) reference = cbam_reference_new (truth.graph);
  g_autoptr (CbamProgram) program = NULL;
  g_autofree float *found = g_new (float, count (truth.output));
  g_autofree char *what = g_strdup_printf ("%s %s, shape %u, layout %d", shape->op->name, variant->name,
                                           (guint) (shape - shapes), pixel_major);
  g_autoptr (CbamSlot) slot = NULL;
  GRand *rand = g_rand_new_with_seed (7);

  cbam_graph_fuse (fast.graph, shape->op == &cbam_op_channel_gate ? CBAM_FUSE_CHANNEL_GATE
                               : shape->op == &cbam_op_cbam       ? GATE_FUSIONS
                                                                  : 0);
  program = cbam_program_new (device, fast.graph, &config, &error);
  g_assert_no_error (error);
  slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  if (!runs (program, fast.output, variant)) {
    g_rand_free (rand);
    return; /* it does not fit this shape */
  }
  *ran = TRUE;
  for (guint i = 0; i < truth.n_inputs; i++)
    random_fill_nasty (rand, cbam_reference_get (reference, truth.inputs[i]), count (truth.inputs[i]));
  g_rand_free (rand);
  cbam_reference_run (reference, NULL, NULL);
  for (guint run = 0; run < 2; run++) {
    for (guint i = 0; i < fast.n_inputs; i++)
      cbam_value_write (fast.inputs[i], cbam_slot_get_map (slot, fast.inputs[i]),
                         cbam_reference_get (reference, truth.inputs[i]));
    g_assert_true (cbam_slot_submit (slot, &error));
    g_assert_true (cbam_slot_wait (slot, &error));
    cbam_value_read (fast.output, cbam_slot_get_map (slot, fast.output), found);
    assert_close (what, cbam_reference_get (reference, truth.output), found, count (truth.output), 1e-5, 1e9);
    if (!cbam_program_check_canaries (program, slot, &error))
      g_error ("%s: %s", what, error->message);
  }
}

static void
test_variant (gconstpointer data)
{
  const CbamOpVariant *variant = data;
  const gboolean wants_plain = variant->needs == 0;
  g_autoptr (CbamDevice) device = test_device_open (CBAM_DEBUG_POISON | (wants_plain ? CBAM_DEBUG_PLAIN : 0));
  const gboolean int64 = device->caps.int64;
  gboolean ran = FALSE;
  guint n_narrow = 0;

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++) {
    if (variant < shapes[s].op->variants || variant >= shapes[s].op->variants + shapes[s].op->n_variants)
      continue;
    run_variant (device, &shapes[s], variant, TRUE, &ran);
    if (!wants_plain) /* a plain device lays out by pixel only */
      run_variant (device, &shapes[s], variant, FALSE, &ran);
    if (variant->narrow && n_narrow < NARROW_SHAPES) { /* which only stores in another way */
      gboolean ran_narrow = FALSE;

      device->caps.int64 = FALSE;
      run_variant (device, &shapes[s], variant, FALSE, &ran_narrow);
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
      const CbamStep *step = &cbam_program_get_plan (program)->steps[0];
      const guint tile = MAX (step->variant->tile[0], 8), depth = v % 2 ? 3 : 3 * 9;
      const guint padded = (outputs[o] + tile - 1) / tile * tile;
      g_assert_cmpuint (step->weights_size, ==, padded * (depth * 4 + 1) * sizeof (float));
      if (!name && outputs[o] == 16 && device->caps.is_cpu && device->caps.subgroup_size == 8)
        g_assert_cmpuint (padded, ==, 16); /* not 192, a multiple of every tile */
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint o = 0; cbam_ops[o]; o++) {
    const CbamOpClass *op = cbam_ops[o];

    if (op == &cbam_op_preprocess || op == &cbam_op_detect)
      continue; /* tests of their own */
    for (guint v = 0; v < op->n_variants; v++) {
      g_autofree char *path = g_strdup_printf ("/ops/%s/%s", op->name, op->variants[v].name);

      g_test_add_data_func (path, &op->variants[v], test_variant);
    }
  }
  g_test_add_func ("/ops/packed-sizes", test_packed_sizes);
  return g_test_run ();
}
