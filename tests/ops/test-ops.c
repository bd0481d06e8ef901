/* Every kernel of every op that turns maps into maps, against the op's reference: odd shapes, nasty values, memory
 * poisoned with NaN, canaries behind every map, both layouts.
 *
 *     input (host) -> identity (arena) -> op under test (kept) -> depthwise 3x3 (wants a border)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "compare.h"
#include "graph/run_reference.h"
#include "graph/run_vulkan.h"
#include "random-source.h"

#define CANARY 256

typedef struct
{
  const CbamOpClass *op;
  guint width, height, channels, outputs, kernel, stride, dilation, pad;
  gboolean same, no_bias, big_reader;
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
};

typedef struct
{
  CbamGraph *graph;
  CbamTensor *input, *output;
} Case;

static CbamTensor *
add_op (CbamGraph *graph, const Shape *shape, CbamTensor *x)
{
  if (shape->op == &cbam_op_activation)
    return cbam_graph_activation (graph, x, CBAM_ACTIVATION_RELU6);
  if (shape->op == &cbam_op_batch_norm)
    return cbam_graph_batch_norm (graph, "norm", x, 1e-5);
  if (shape->op == &cbam_op_l2_norm)
    return cbam_graph_l2_norm (graph, "norm", x, 1e-10);
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

static CbamNode *
node_of (CbamGraph *graph, const CbamTensor *output)
{
  return cbam_graph_find_writer (graph, output);
}

/* The same weights for the same @shape, every time. */
static Case
build (const Shape *shape)
{
  RandomSource source;
  Case result;
  CbamTensor *x;

  random_source_init (&source, (guint32) (shape - shapes) + 1);
  source.bias = !shape->no_bias;
  source.batch_norm = TRUE;
  result.graph = cbam_graph_new (&source.source);
  result.input = cbam_graph_input (result.graph, "input", shape->width, shape->height, shape->channels);
  x = cbam_graph_activation (result.graph, result.input, CBAM_ACTIVATION_RELU);
  node_of (result.graph, x)->params.activation.lo = -INFINITY;
  result.output = add_op (result.graph, shape, x);
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
count (const CbamTensor *tensor)
{
  return (gsize) tensor->width * tensor->height * tensor->channels;
}

static void
run_variant (CbamDevice *device, const Shape *shape, const CbamOpVariant *variant, gboolean pixel_major, gboolean *ran)
{
  const CbamPlanConfig config = { .variant = variant->name, .canary = CANARY, .pixel_major = pixel_major };
  Case truth = build (shape), fast = build (shape);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamGraph) truth_graph = truth.graph;
  g_autoptr (CbamReference) reference = cbam_reference_new (truth.graph);
  g_autoptr (CbamProgram) program = cbam_program_new (device, fast.graph, &config, &error);
  g_autofree float *found = g_new (float, count (truth.output));
  g_autofree char *what = g_strdup_printf ("%s %s, shape %u, layout %d", shape->op->name, variant->name,
                                           (guint) (shape - shapes), pixel_major);
  g_autoptr (CbamSlot) slot = NULL;
  GRand *rand = g_rand_new_with_seed (7);

  g_assert_no_error (error);
  slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  if (cbam_program_get_plan (program)->steps[1].variant != variant) {
    g_rand_free (rand);
    return; /* it does not fit this shape */
  }
  *ran = TRUE;
  random_fill_nasty (rand, cbam_reference_get (reference, truth.input), count (truth.input));
  g_rand_free (rand);
  cbam_reference_run (reference, NULL, NULL);
  for (guint run = 0; run < 2; run++) {
    cbam_tensor_write (fast.input, cbam_slot_get_map (slot, fast.input), cbam_reference_get (reference, truth.input));
    g_assert_true (cbam_slot_submit (slot, &error));
    g_assert_true (cbam_slot_wait (slot, &error));
    cbam_tensor_read (fast.output, cbam_slot_get_map (slot, fast.output), found);
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
  gboolean ran = FALSE;

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++) {
    if (variant < shapes[s].op->variants || variant >= shapes[s].op->variants + shapes[s].op->n_variants)
      continue;
    run_variant (device, &shapes[s], variant, TRUE, &ran);
    if (!wants_plain) /* a plain device lays out by pixel only */
      run_variant (device, &shapes[s], variant, FALSE, &ran);
  }
  /* A device without subgroups of 8 has no use for some kernels; lavapipe must run all of them. */
  if (!ran && device->caps.is_cpu && device->caps.subgroup_size == 8)
    g_error ("%s was never run", variant->name);
  if (!ran)
    g_test_skip ("this device cannot run it");
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
  return g_test_run ();
}
