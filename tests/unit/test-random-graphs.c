/* Fusion and plan over random graphs, without a device: what must hold for every network that anybody writes.
 *
 *     fusion   the graph with some of the rules applied computes what it computed before, by the slow reference
 *     plan     maps that live at the same time never share memory; between two steps that touch the same bytes, one of
 *              them writing, there is a barrier; everything lies within what it is placed in, aligned
 *
 * A graph is made of its seed alone, so a failure can be looked at: its message names the seed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "compare.h"
#include "engine/plan.h"
#include "nets/nets.h"
#include "random-source.h"
#include "run/reference/reference.h"
#include "vk/device.h"

#define GRAPHS 1500
#define MOST_NODES 14
#define MOST_SIDE 12

/* Few, so that maps often go together; beside whole texels and less than one. */
static const guint widths[] = { 1, 3, 8, 8, 8, 13, 20 };

/* ---- Random graphs ---------------------------------------------------------------------------------------------- */

/* A graph that grows: each new node reads maps that are there. */
typedef struct
{
  CbamGraph *graph;
  GRand *rand;
  GPtrArray *maps; /* CbamValue that may be read */
  guint n;         /* nodes asked for so far, for names */
} Growth;

static guint
pick (Growth *growth, guint end)
{
  return (guint) g_rand_int_range (growth->rand, 0, (gint32) end);
}

static CbamValue *
any_map (Growth *growth)
{
  /* Recent ones more often: chains are what fusion is about. */
  const guint back = MIN (pick (growth, growth->maps->len), pick (growth, growth->maps->len));

  return g_ptr_array_index (growth->maps, growth->maps->len - 1 - back);
}

/* A map that can be added to @map or multiplied with it. */
static CbamValue *
partner_of (Growth *growth, const CbamValue *map)
{
  for (guint i = 0; i < 2 * growth->maps->len; i++) {
    CbamValue *other = any_map (growth);
    const gboolean same_size = other->width == map->width && other->height == map->height;
    const gboolean vector = other->width == 1 && other->height == 1 && other->channels == map->channels;

    if ((same_size && (other->channels == map->channels || other->channels == 1)) || vector)
      return other;
  }
  return NULL;
}

/* With what usually follows one. */
static CbamValue *
grow_conv (Growth *growth, const char *name, CbamValue *in)
{
  static const CbamConvForm kinds[] = {
    { .kernel = 1 },
    { .kernel = 1 },
    { .kernel = 3, .pad = 1 },
    { .kernel = 3, .stride = 2, .padding = CBAM_PADDING_SAME },
    { .kernel = 3, .pad = 1, .depthwise = TRUE },
    { .kernel = 3, .pad = 2, .dilation = 2 },
  };
  CbamConvForm form = kinds[pick (growth, G_N_ELEMENTS (kinds))];
  g_autofree char *norm = g_strconcat (name, ".norm", NULL);
  CbamValue *out;

  form.name = name;
  form.input = in;
  form.channels = widths[pick (growth, G_N_ELEMENTS (widths))];
  out = cbam_graph_conv (growth->graph, &form);
  if (pick (growth, 2) == 0)
    out = cbam_graph_batch_norm (growth->graph, norm, out, 1e-5);
  return pick (growth, 2) == 0 ? cbam_graph_activation (growth->graph, out, CBAM_ACTIVATION_RELU6) : out;
}

static CbamValue *
grow_deconv (Growth *growth, const char *name, CbamValue *in)
{
  if (in->width > MOST_SIDE || in->height > MOST_SIDE)
    return in;
  return cbam_graph_deconv (growth->graph, &(CbamDeconvForm){ .name = name,
                                                              .input = in,
                                                              .channels = widths[pick (growth, G_N_ELEMENTS (widths))],
                                                              .up_x = 2,
                                                              .up_y = 2,
                                                              .pad_x = 1,
                                                              .pad_y = 1,
                                                              .width = 2 * in->width - pick (growth, 2),
                                                              .height = 2 * in->height - pick (growth, 2),
                                                              .depthwise = pick (growth, 2) == 0 });
}

/* What there is of @in and another map; a batch norm where none goes with it. */
static CbamValue *
grow_combination (Growth *growth, const char *name, CbamValue *in)
{
  CbamValue *other = partner_of (growth, in);

  if (other == NULL)
    return cbam_graph_batch_norm (growth->graph, name, in, 1e-5);
  return pick (growth, 2) == 0 ? cbam_graph_add (growth->graph, name, in, other)
                               : cbam_graph_multiply (growth->graph, name, in, other);
}

/* The sum of a 1x1 convolution and something else of the same map, made before it or after. */
static CbamValue *
grow_branches (Growth *growth, const char *name, CbamValue *in)
{
  g_autofree char *point = g_strconcat (name, ".point", NULL), *wide = g_strconcat (name, ".wide", NULL);
  const guint channels = widths[pick (growth, G_N_ELEMENTS (widths))], first = pick (growth, 2);
  const CbamConvForm forms[2] = {
    { .name = point, .input = in, .channels = channels },
    { .name = wide, .input = in, .channels = channels, .kernel = 3, .pad = 1 },
  };
  CbamValue *branches[2];

  branches[first] = cbam_graph_conv (growth->graph, &forms[first]);
  branches[1 - first] = cbam_graph_conv (growth->graph, &forms[1 - first]);
  return cbam_graph_add (growth->graph, name, branches[0], branches[1]);
}

/* A unit of ShuffleNetV2, more or less: some channels of the map, made anew, by turns with others. */
static CbamValue *
grow_shuffle (Growth *growth, const char *name, CbamValue *in)
{
  static const guint kernels[] = { 0, 1, 1, 1, 3 };
  const guint first = pick (growth, in->channels), channels = 1 + pick (growth, in->channels - first);
  const guint kernel = kernels[pick (growth, G_N_ELEMENTS (kernels))];
  g_autofree char *slice = g_strconcat (name, ".slice", NULL), *point = g_strconcat (name, ".point", NULL);
  CbamValue *other = partner_of (growth, in), *out;

  out = cbam_graph_slice (growth->graph, slice, in, first, channels);
  if (kernel > 0)
    out = cbam_graph_conv (
        growth->graph,
        &(CbamConvForm){ .name = point, .input = out, .channels = channels, .kernel = kernel, .pad = kernel / 2 });
  if (pick (growth, 2) == 0)
    out = cbam_graph_activation (growth->graph, out, CBAM_ACTIVATION_LEAKY_RELU);
  if (other != NULL && other->width == in->width && other->height == in->height && other->channels >= channels)
    in = other;
  if (pick (growth, 3) == 0) /* made after the channels that it takes turns with */
    in = cbam_graph_activation (growth->graph, in, CBAM_ACTIVATION_RELU);
  return cbam_graph_shuffle (growth->graph, name, in, out);
}

static CbamValue *
grow_attention (Growth *growth, const char *name, CbamValue *in)
{
  CbamSpec spec = { .network = { .bn_eps = 1e-5, .attention = { .channel = TRUE, .spatial = TRUE, .dilation = 4 } } };
  CbamNet net = { .graph = growth->graph, .spec = &spec };
  CbamGates gates = { 0 };
  guint n = 0;

  while (cbam_attentions[n] != NULL)
    n++;
  spec.network.attention.pool = 1 + pick (growth, 15);
  spec.network.attention.order = (CbamOrder) pick (growth, 3);
  spec.network.attention.spatial_input = (CbamSpatialInput) pick (growth, 3);
  return cbam_attentions[pick (growth, n)]->build (&net, name, in, &gates);
}

static void
grow (Growth *growth)
{
  g_autofree char *name = g_strdup_printf ("node%u", growth->n++);
  CbamValue *in = any_map (growth), *out;

  switch (pick (growth, 17)) {
    case 0:
    case 1:
    case 2:
    case 3: out = grow_conv (growth, name, in); break;
    case 4:
    case 5: out = cbam_graph_batch_norm (growth->graph, name, in, 1e-5); break;
    case 6:
    case 7: out = cbam_graph_activation (growth->graph, in, CBAM_ACTIVATION_RELU); break;
    case 8: out = cbam_graph_sigmoid (growth->graph, in); break;
    case 9:
    case 10: out = grow_combination (growth, name, in); break;
    case 11: out = grow_deconv (growth, name, in); break;
    case 12:
      out = cbam_graph_max_pool (growth->graph, &(CbamPoolForm){ .name = name, .input = in, .ceil = TRUE });
      break;
    case 13: out = grow_branches (growth, name, in); break;
    case 14:
    case 15: out = grow_shuffle (growth, name, in); break;
    default: out = grow_attention (growth, name, in); break;
  }
  if (out != in)
    g_ptr_array_add (growth->maps, out);
}

/* A detection tail, with boxes of either form. */
static void
grow_heads (Growth *growth)
{
  CbamValue *in = any_map (growth), *block = cbam_graph_add_bytes (growth->graph, "block", 0);
  CbamLevels *levels = cbam_levels_new (growth->graph, block);
  CbamDetectOpParams params = { .per_cell = 1 + pick (growth, 6),
                                .n_classes = 1 + pick (growth, 40),
                                .sigmoid = pick (growth, 2) == 0,
                                .bins = pick (growth, 2) * (2 + pick (growth, 15)),
                                .variances = { 0.1f, 0.1f, 0.2f, 0.3f } };
  const guint channels[2] = { params.per_cell * cbam_detect_loc_rows (params.bins),
                              params.per_cell * params.n_classes };
  GArray *anchors = g_array_new (FALSE, FALSE, sizeof (CbamAnchor));
  CbamValue *heads[2];

  for (guint i = 0; i < in->width * in->height * params.per_cell; i++) {
    const CbamAnchor anchor = { 0.5f, 0.4f, 0.1f + 0.01f * (float) (i % 7), 0.3f };

    g_array_append_val (anchors, anchor);
  }
  cbam_levels_set_anchors (levels, growth->graph, anchors, params.n_classes);
  cbam_levels_place (levels, &params);
  params.anchors = (const float *) anchors->data;
  for (guint i = 0; i < 2; i++) {
    heads[i] = cbam_graph_conv (growth->graph, &(CbamConvForm){ .name = i == 0 ? "loc" : "conf",
                                                                .input = in,
                                                                .channels = channels[i],
                                                                .needs_bias = pick (growth, 2) == 0 });
    g_ptr_array_add (growth->maps, heads[i]);
  }
  cbam_graph_detect (growth->graph, "detect", heads[0], heads[1], block, &params);
}

/* Each map that nobody reads is a result; so is one in eight of the others. */
static void
keep_results (Growth *growth)
{
  for (guint i = 0; i < growth->maps->len; i++) {
    CbamValue *map = g_ptr_array_index (growth->maps, i);

    if (!map->host && (pick (growth, 8) == 0 || cbam_graph_count_readers (growth->graph, map) == 0))
      map->host = CBAM_HOST_READS;
  }
}

/* The graph of @seed; the same however often it is made. */
static CbamGraph *
make_graph (guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) maps = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  RandomSource source;
  Growth growth = { .rand = rand, .maps = maps };

  random_source_init (&source, seed);
  source.batch_norm = TRUE;
  source.bias = seed % 3 != 0;
  source.spread = seed % 5 == 0 ? 8 : 1; /* beyond a ReLU6's end, too */
  growth.graph = cbam_graph_new (&source.source);
  for (guint i = 0; i < 1 + seed % 2; i++) {
    g_autofree char *name = g_strdup_printf ("input%u", i);

    g_ptr_array_add (maps,
                     cbam_graph_input (growth.graph, name, 1 + pick (&growth, MOST_SIDE), 1 + pick (&growth, MOST_SIDE),
                                       widths[pick (&growth, G_N_ELEMENTS (widths))]));
  }
  for (guint n = 2 + pick (&growth, MOST_NODES - 1); n > 0; n--)
    grow (&growth);
  if (pick (&growth, 4) == 0)
    grow_heads (&growth);
  keep_results (&growth);
  if (!cbam_graph_finish (growth.graph, &error))
    g_error ("seed %u: %s", seed, error->message);
  random_source_clear (&source);
  return growth.graph;
}

/* ---- Fusion ------------------------------------------------------------------------------------------------------ */

static CbamReference *
run (const CbamGraph *graph, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  CbamReference *reference = cbam_reference_new (graph);
  const CbamLevels *levels = cbam_levels_of (graph);

  for (guint t = 0; t < graph->values->len; t++) {
    const CbamValue *tensor = g_ptr_array_index (graph->values, t);
    float *values = cbam_reference_get (reference, tensor);

    for (gsize i = 0;
         (tensor->host & CBAM_HOST_WRITES) && i < (gsize) tensor->width * tensor->height * tensor->channels; i++)
      values[i] = (float) g_rand_double_range (rand, -1, 1);
  }
  if (levels != NULL) {
    CbamFrameArgs *frame = cbam_levels_begin (levels, cbam_reference_get_bytes (reference, levels->block));

    *frame = (CbamFrameArgs){ .threshold = -1, .n_classes = levels->n_classes }; /* everything passes */
    memset (frame->reported, 0xff, sizeof frame->reported);
  }
  cbam_reference_run (reference, NULL);
  return reference;
}

static void
compare_detections (const CbamLevels *levels, CbamReference *expected, CbamReference *found, guint32 seed)
{
  const guint8 *true_block = cbam_reference_get_bytes (expected, levels->block);
  const guint8 *block = cbam_reference_get_bytes (found, levels->block);
  guint32 n_true, n;
  const CbamHit *true_hits = cbam_levels_get_hits (levels, true_block, 0, &n_true);
  const CbamHit *hits = cbam_levels_get_hits (levels, block, 0, &n);
  const double error = relative_error (*cbam_levels_get_boxes (levels, true_block, 0),
                                       *cbam_levels_get_boxes (levels, block, 0), levels->anchors->len * 4);

  if (!(error < 1e-4))
    g_error ("seed %u: boxes differ by %g", seed, error);
  g_assert_cmpuint (n, ==, n_true);
  g_assert_cmpuint (n, ==, levels->max_hits);
  for (guint i = 0; i < n; i++)
    if (hits[i].prior_class != true_hits[i].prior_class || !(ABS (hits[i].score - true_hits[i].score) < 1e-4f))
      g_error ("seed %u: score %u is %g, not %g", seed, i, hits[i].score, true_hits[i].score);
}

static void
compare_results (const CbamGraph *plain, CbamReference *expected, CbamReference *found, guint32 seed,
                 CbamFusions fusions)
{
  for (guint t = 0; t < plain->values->len; t++) {
    const CbamValue *tensor = g_ptr_array_index (plain->values, t);
    const gsize n = (gsize) tensor->width * tensor->height * tensor->channels;

    if (!(tensor->host & CBAM_HOST_READS) || tensor->kind == CBAM_VALUE_BYTES)
      continue;
    const double error = relative_error (cbam_reference_get (expected, tensor), cbam_reference_get (found, tensor), n);
    if (!(error < 1e-4))
      g_error ("seed %u, fusions %#x: map %u (%s, %ux%ux%u) differs by %g", seed, (guint) fusions, tensor->id,
               tensor->name, tensor->width, tensor->height, tensor->channels, error);
  }
}

/* Those whose nodes the reference can run; a channel gate and a CBAM in one piece exist on devices only, where
 * ops/test-ops.c compares them. */
#define WITH_REFERENCE (CBAM_FUSE_ALL & ~(CBAM_FUSE_CHANNEL_GATE | CBAM_FUSE_GATES | CBAM_FUSE_CBAM))

static void
test_fusion (void)
{
  guint before = 0, after = 0;

  for (guint32 seed = 1; seed <= GRAPHS; seed++) {
    /* All rules on even seeds, else any of them. */
    const guint some = seed % 2 == 0 ? (guint) CBAM_FUSE_ALL : seed * 2654435761u >> 16;
    const CbamFusions fusions = some & WITH_REFERENCE;
    g_autoptr (CbamGraph) plain = make_graph (seed), fused = make_graph (seed);
    g_autoptr (CbamReference) expected = NULL, found = NULL;

    before += fused->nodes->len;
    cbam_graph_fuse (fused, fusions);
    after += fused->nodes->len;
    expected = run (plain, seed);
    found = run (fused, seed);
    compare_results (plain, expected, found, seed, fusions);
    if (cbam_levels_of (plain))
      compare_detections (cbam_levels_of (plain), expected, found, seed);
  }
  g_test_message ("%u nodes became %u", before, after);
  g_assert_cmpuint (after, <, before * 9 / 10); /* or nothing was tried */
}

/* ---- Plan -------------------------------------------------------------------------------------------------------- */

/* Devices of three kinds, by what differs from the least that there may be. */
static CbamDeviceCaps
make_caps (const char *kind)
{
  CbamDeviceCaps caps = cbam_least_caps;

  if (g_str_equal (kind, "least"))
    return caps;
  caps.max_texels = 1u << 27;
  caps.max_invocations = 1024;
  caps.max_shared = 32768;
  caps.max_storage_buffers = caps.max_storage_texels = 16;
  caps.int64 = TRUE;
  caps.is_cpu = caps.unified = g_str_equal (kind, "cpu");
  caps.subgroup_size = caps.is_cpu ? 8 : 32;
  caps.range_alignment = caps.is_cpu ? 64 : 16;
  caps.atom_size = 64;
  return caps;
}

/* A range of bytes in the slot or in the arena, and whether it is written. */
typedef struct
{
  const CbamValue *value;
  gboolean in_slot, written;
  gsize start, end;
} Touch;

static Touch
touch_of (const CbamValue *tensor, gboolean written)
{
  return (Touch){ tensor, cbam_value_get_home (tensor) == CBAM_HOME_SLOT, written, tensor->offset,
                  tensor->offset + tensor->size };
}

static gboolean
overlap (const Touch *a, const Touch *b)
{
  return a->in_slot == b->in_slot && a->start < b->end && b->start < a->end;
}

static guint
touches_of (const CbamNode *node, Touch touches[CBAM_MAX_INPUTS + CBAM_MAX_OUTPUTS])
{
  guint n = 0;

  for (guint i = 0; i < node->n_inputs; i++)
    touches[n++] = touch_of (node->inputs[i], FALSE);
  for (guint i = 0; i < node->n_outputs; i++)
    touches[n++] = touch_of (node->outputs[i], TRUE);
  return n;
}

/* From the steps themselves, not from what the planner made of them: from the first that writes the map to the last
 * that touches it. The host's maps live from the start, kept ones to the end; @ret_first is G_MAXUINT for one that is
 * not there, because fusion left nothing of it. */
static void
find_life (const CbamPlan *plan, const CbamValue *tensor, guint *ret_first, guint *ret_last)
{
  *ret_first = G_MAXUINT;
  *ret_last = 0;
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamNode *node = plan->steps[s].node;
    gboolean touched = FALSE;

    for (guint i = 0; i < node->n_inputs; i++)
      touched |= node->inputs[i] == tensor;
    for (guint i = 0; i < node->n_outputs; i++)
      touched |= node->outputs[i] == tensor;
    if (!touched)
      continue;
    *ret_first = MIN (*ret_first, s);
    *ret_last = s;
  }
  if ((tensor->host & CBAM_HOST_WRITES) && *ret_first != G_MAXUINT)
    *ret_first = 0;
  if (tensor->host & CBAM_HOST_READS)
    *ret_last = plan->n_steps;
}

static void
check_places (const CbamPlan *plan, const CbamDeviceCaps *caps, guint32 seed)
{
  const GPtrArray *tensors = plan->graph->values;

  for (guint a = 0; a < tensors->len; a++) {
    const CbamValue *one = g_ptr_array_index (tensors, a);
    const Touch place = touch_of (one, FALSE);
    guint first, last;

    find_life (plan, one, &first, &last);
    if (first == G_MAXUINT)
      continue;
    g_assert_cmpuint (place.end, <=, place.in_slot ? plan->slot_size : plan->arena_size);
    g_assert_cmpuint (place.start % caps->range_alignment, ==, 0);
    for (guint b = a + 1; b < tensors->len; b++) {
      const CbamValue *other = g_ptr_array_index (tensors, b);
      const Touch its = touch_of (other, FALSE);
      guint its_first, its_last;

      find_life (plan, other, &its_first, &its_last);
      if (its_first != G_MAXUINT && first <= its_last && its_first <= last && overlap (&place, &its))
        g_error ("seed %u: maps %u and %u live at the same time in the same place", seed, one->id, other->id);
    }
  }
}

/* Steps that each fill their own part of a map need not. */
static gboolean
must_wait (const Touch *then, const Touch *now)
{
  if (now->written && then->written && now->value == then->value)
    return !now->value->accumulates;
  return (now->written || then->written) && overlap (now, then);
}

/* Every pair of steps, however far apart: the definition, not the planner's way to it. */
static void
check_barriers (const CbamPlan *plan, guint32 seed)
{
  for (guint later = 0; later < plan->n_steps; later++) {
    Touch now[CBAM_MAX_INPUTS + CBAM_MAX_OUTPUTS], then[G_N_ELEMENTS (now)];
    const guint n_now = touches_of (plan->steps[later].node, now);
    gboolean between = plan->steps[later].barrier;

    for (guint earlier = later; !between && earlier-- > 0;) {
      const guint n_then = touches_of (plan->steps[earlier].node, then);

      for (guint i = 0; i < n_now; i++)
        for (guint j = 0; j < n_then; j++)
          if (must_wait (&then[j], &now[i]))
            g_error ("seed %u: no barrier between steps %u (%s) and %u (%s)", seed, earlier,
                     plan->steps[earlier].node->name, later, plan->steps[later].node->name);
      between = plan->steps[earlier].barrier;
    }
  }
}

static void
test_plan (gconstpointer data)
{
  const CbamDeviceCaps caps = make_caps (data);
  guint steps = 0, barriers = 0;
  gsize apart = 0, arena = 0;

  for (guint32 seed = 1; seed <= GRAPHS; seed++) {
    const CbamPlanConfig config = { .caps = &caps, .canary = seed % 7 == 0 ? 256 : 0, .pixel_major = seed % 5 == 0 };
    CbamGraph *graph = make_graph (seed);
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamPlan) plan = NULL;

    if (seed % 4 != 0)
      cbam_graph_fuse (graph, cbam_plan_get_fusions (&caps, CBAM_PRECISION_FP32));
    plan = cbam_plan_new (graph, &config, &error);
    g_assert_no_error (error);
    check_places (plan, &caps, seed);
    check_barriers (plan, seed);
    steps += plan->n_steps;
    arena += plan->arena_size;
    for (guint s = 0; s < plan->n_steps; s++)
      barriers += plan->steps[s].barrier;
    for (guint t = 0; t < graph->values->len; t++) {
      const CbamValue *tensor = g_ptr_array_index (graph->values, t);
      apart += tensor->last >= 0 && cbam_value_get_home (tensor) == CBAM_HOME_ARENA ? tensor->size : 0;
    }
  }
  g_test_message ("%u steps, %u barriers; maps of %" G_GSIZE_FORMAT " bytes in %" G_GSIZE_FORMAT, steps, barriers,
                  apart, arena);
  g_assert_cmpuint (barriers, <, steps); /* or a plan would be right by stopping everywhere */
  g_assert_cmpuint (arena, <, apart);    /* or by never using memory again */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/random-graphs/fusion", test_fusion);
  g_test_add_data_func ("/random-graphs/plan/cpu", "cpu", test_plan);
  g_test_add_data_func ("/random-graphs/plan/gpu", "gpu", test_plan);
  g_test_add_data_func ("/random-graphs/plan/least", "least", test_plan);
  return g_test_run ();
}
