/* Whole networks: fused on the device against unfused by the reference, every fusion off in turn, every way a device
 * can be, and the same bytes twice.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "compare.h"
#include "detect/image.h"
#include "document.h"
#include "nets/nets.h"
#include "presets/source.h"
#include "random-source.h"
#include "run.h"
#include "run/reference/reference.h"
#include "run/vulkan/program.h"

#define FRAME_WIDTH 75
#define FRAME_HEIGHT 53

/* A StairNet on a narrow MobileNet that is not square. @boxes: what "output" has of them, with a comma behind. */
#define SMALL(attention, boxes)                                                                                        \
  "{ \"version\": 1, \"network\": { \"detector\": \"stairnet\", \"backbone\": \"mobilenet_v1\", \"width\": 0.25,"      \
  " \"levels\": 4, \"attention\": { \"kind\": \"" attention "\" } },"                                                  \
  " \"input\": { \"width\": 100, \"height\": 68, \"channels\": \"rgb\", \"mean\": [128, 127, 126],"                    \
  " \"scale\": [0.01, 0.01, 0.01], \"resize\": \"letterbox\" },"                                                       \
  " \"anchors\": { \"maps\": [[5,7], [3,4], [2,2], [1,1]], \"min_sizes\": [10, 20, 30, 40],"                           \
  " \"aspect_ratios\": [[2], [2], [2], [2]] }, \"output\": { \"classes\": [\"background\", \"a\", \"b\", \"???\","     \
  " \"d\", \"e\", \"f\"], " boxes "\"score\": \"softmax\" } }"

/* Halves of 58, 116 and 232 channels: the first is no multiple of four. What goes in is small, since made-up weights
 * let it grow on its way through the units. */
#define SHUFFLED                                                                                                       \
  "{ \"version\": 1, \"network\": { \"detector\": \"stairnet\", \"backbone\": \"shufflenet_v2\", \"levels\": 4,"       \
  " \"activation\": \"leaky_relu\", \"slope\": 0.25, \"post_activation\": \"leaky_relu\","                             \
  " \"attention\": { \"kind\": \"cbam\" } }, \"input\": { \"width\": 100, \"height\": 68, \"channels\": \"bgr\","      \
  " \"mean\": [128, 127, 126], \"scale\": [0.001, 0.001, 0.001] },"                                                    \
  " \"anchors\": { \"maps\": [[9,13], [5,7], [3,4], [2,2]], \"min_sizes\": [10, 20, 30, 40],"                          \
  " \"aspect_ratios\": [[2], [2], [2], [2]] }, \"output\": { \"classes\": [\"background\", \"a\", \"b\", \"???\","     \
  " \"d\", \"e\", \"f\"], \"score\": \"sigmoid\" } }"

/* Basic blocks with attention in them, or bottlenecks without, whose sums their last convolutions take along. */
#define RESIDUAL(more)                                                                                                 \
  "{ \"version\": 1, \"network\": { \"detector\": \"ssd\", \"backbone\": \"resnet\", \"levels\": 2, " more " },"       \
  " \"input\": { \"width\": 100, \"height\": 68, \"channels\": \"rgb\", \"mean\": [128, 127, 126],"                    \
  " \"scale\": [0.002, 0.002, 0.002] }, \"anchors\": { \"maps\": [[9,13], [5,7]], \"min_sizes\": [10, 20],"            \
  " \"aspect_ratios\": [[2], [2]] }, \"output\": { \"classes\": [\"background\", \"a\", \"b\", \"???\", \"d\", \"e\"," \
  " \"f\"], \"score\": \"softmax\" } }"
#define BASIC RESIDUAL ("\"depth\": 18, \"width\": 0.25, \"attention\": { \"kind\": \"cbam\", \"place\": \"blocks\" }")
#define BOTTLENECKS                                                                                                    \
  RESIDUAL ("\"depth\": 50, \"width\": 0.125, \"strides\": [1, 2], \"sources\": [\"layer2\", \"extras.0.3\"]")

/* What only networks of that kind have use for. */
#define UNSHUFFLED (CBAM_FUSE_SHUFFLE | CBAM_FUSE_SLICE)
#define SMALL_MAPS CBAM_FUSE_WINOGRAD /* or few channels */

/* Networks small enough for the reference. Weights come without shapes, so anchors are generated. */
static const struct
{
  const char *name;
  gboolean batch_norm, same, relu6, softmax, bgr;
  guint width, height, levels;
  const CbamBackbone *backbone;
  guint maps[4][2];   /* VGG16's; MobileNet's are halved each time */
  CbamPreset preset;  /* where it has a document, all the rest comes from there */
  CbamFusions unused; /* rules that find nothing to do in it */
} nets[] = {
  { "same, relu6, sigmoid", FALSE, TRUE, TRUE, FALSE, FALSE, 96, 96, 6, &cbam_backbone_mobilenet_v1 },
  { "symmetric, relu, softmax, batch norm", TRUE, FALSE, FALSE, TRUE, TRUE, 100, 68, 6, &cbam_backbone_mobilenet_v1 },
  { "three levels, not square", TRUE, TRUE, TRUE, TRUE, FALSE, 64, 128, 3, &cbam_backbone_mobilenet_v1 },
  { "vgg16",
    FALSE,
    FALSE,
    FALSE,
    TRUE,
    FALSE,
    120,
    88,
    4,
    &cbam_backbone_vgg16,
    { { 15, 11 }, { 7, 5 }, { 4, 3 }, { 2, 2 } } },
  { .name = "stairnet, cbam",
    .preset = { "stairnet-cbam", 1, 32, 1, .depthwise_steps = TRUE, .document = SMALL ("cbam", "") },
    .unused = CBAM_FUSE_PARITY | UNSHUFFLED | SMALL_MAPS },
  { .name = "stairnet, full steps, se, distributions",
    .preset = { "stairnet-se", 3, 32, 3, .neck_norm = TRUE,
                .document = SMALL ("se", "\"boxes\": \"distribution\", \"bins\": 6, ") },
    .unused = CBAM_FUSE_SIGMOID | CBAM_FUSE_GATES | CBAM_FUSE_CBAM | UNSHUFFLED | SMALL_MAPS },
  { .name = "stairnet, bam",
    .preset = { "stairnet-bam", 3, 48, 1, .neck_norm = TRUE, .document = SMALL ("bam", "") },
    .unused = CBAM_FUSE_SIGMOID | CBAM_FUSE_GATES | CBAM_FUSE_CHANNEL_GATE | CBAM_FUSE_CBAM | UNSHUFFLED | SMALL_MAPS },
  { .name = "stairnet on shufflenet, cbam",
    .preset = { "stairnet-shufflenet", 1, 32, 5, .depthwise_steps = TRUE, .extra_kernel = 5, .laterals = 4,
                .separable_posts = TRUE, .folded = TRUE, .document = SHUFFLED },
    .unused = CBAM_FUSE_BATCH_NORM | CBAM_FUSE_PARITY | SMALL_MAPS },
  { .name = "ssd on resnet, cbam in basic blocks",
    .preset = { "ssd-cbam-resnet", 1, .extra_norm = TRUE, .document = BASIC },
    .unused = CBAM_FUSE_SUM | CBAM_FUSE_PARITY | CBAM_FUSE_SEPARABLE | UNSHUFFLED | SMALL_MAPS },
  { .name = "ssd on resnet, bottlenecks",
    .preset = { "ssd-resnet", 3, .extra_norm = TRUE, .document = BOTTLENECKS },
    .unused = CBAM_FUSE_SIGMOID | CBAM_FUSE_GATES | CBAM_FUSE_CHANNEL_GATE | CBAM_FUSE_CBAM | CBAM_FUSE_PARITY |
              CBAM_FUSE_SEPARABLE | UNSHUFFLED | SMALL_MAPS },
};

static char *class_names[] = { "background", "a", "b", "???", "d", "e", "f", NULL };

static guint
halved (guint extent, guint times)
{
  for (; times > 0; times--)
    extent = (extent + 1) / 2;
  return extent;
}

/* Of the networks with a document; freed at the end. */
static CbamSpec *parsed[G_N_ELEMENTS (nets)];

static CbamSpec
make_spec (guint i)
{
  g_autoptr (GError) error = NULL;
  CbamSpec spec = { 0 };

  if (nets[i].preset.document != NULL && parsed[i] == NULL)
    parsed[i] = cbam_spec_parse (nets[i].name, nets[i].preset.document, &error);
  g_assert_no_error (error);
  if (parsed[i] != NULL)
    return *parsed[i];

  spec.network = (CbamNetworkSpec){
    .detector = &cbam_neck_ssd,
    .backbone = nets[i].backbone,
    .head = &cbam_head_ssd,
    .width = 0.25,
    .activation = cbam_activations[nets[i].relu6 ? CBAM_ACTIVATION_RELU6 : CBAM_ACTIVATION_RELU],
    .padding = nets[i].same ? CBAM_PADDING_SAME : CBAM_PADDING_SYMMETRIC,
    .levels = nets[i].levels,
    .bn_eps = 1e-3,
    .l2norm_eps = 1e-10,
  };
  spec.input = (CbamInputSpec){
    .width = nets[i].width,
    .height = nets[i].height,
    .channels = nets[i].bgr ? CBAM_CHANNELS_BGR : CBAM_CHANNELS_RGB,
    .mean = { 128, 127, 126 },
    .scale = { 1 / 128.0f, 1 / 100.0f, 1 / 90.0f },
  };
  spec.anchors.n_levels = nets[i].levels;
  for (guint l = 0; l < nets[i].levels; l++) {
    const gboolean is_vgg = nets[i].backbone == &cbam_backbone_vgg16;

    spec.anchors.map_width[l] = is_vgg ? nets[i].maps[l][0] : halved (nets[i].width, 4 + l);
    spec.anchors.map_height[l] = is_vgg ? nets[i].maps[l][1] : halved (nets[i].height, 4 + l);
    spec.anchors.min_size[l] = 10 + 8 * l;
    spec.anchors.max_size[l] = l == 0 ? 0 : 20 + 8 * l;
    spec.anchors.n_ratios[l] = 1 + l % 2;
    spec.anchors.ratios[l][0] = 2;
    spec.anchors.ratios[l][1] = 3;
  }
  spec.output = (CbamOutputSpec){ .n_classes = G_N_ELEMENTS (class_names) - 1,
                                  .classes = class_names,
                                  .score = nets[i].softmax ? CBAM_SCORE_SOFTMAX : CBAM_SCORE_SIGMOID,
                                  .variances = { 0.1f, 0.1f, 0.2f, 0.2f } };
  return spec;
}

static CbamGraph *
build (const CbamSpec *spec, guint i, CbamFusions fusions)
{
  g_autoptr (GError) error = NULL;
  CbamPresetSource preset = cbam_preset_source (&nets[i].preset, 3);
  RandomSource source;
  CbamGraph *graph;

  random_source_init (&source, i + 100);
  source.batch_norm = nets[i].batch_norm;
  graph = cbam_net_build (spec, nets[i].preset.document != NULL ? &preset.source : &source.source, 1);
  random_source_clear (&source);
  cbam_graph_finish (graph, &error);
  g_assert_no_error (error);
  cbam_graph_fuse (graph, fusions);
  return graph;
}

static guint
count_nodes (guint i, CbamFusions fusions)
{
  const CbamSpec spec = make_spec (i);
  g_autoptr (CbamGraph) graph = build (&spec, i, fusions);

  return graph->nodes->len;
}

static void
make_frame (const CbamSpec *spec, guint8 *packed, CbamFrameArgs *frame)
{
  g_autofree guint8 *bytes = g_malloc (FRAME_WIDTH * FRAME_HEIGHT * 3);
  const CbamImage image = {
    .format = CBAM_FORMAT_RGB, .width = FRAME_WIDTH, .height = FRAME_HEIGHT, .planes = { bytes }
  };
  const CbamPlacement placement = cbam_image_get_packed (&image);
  const CbamDetectParams params = { .threshold = 0 };
  GRand *rand = g_rand_new_with_seed (5);

  for (guint i = 0; i < FRAME_WIDTH * FRAME_HEIGHT * 3; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  g_rand_free (rand);
  cbam_image_pack (&image, packed);
  cbam_frame_fill (frame, &image, &placement, &spec->input, &spec->output, &params);
}

/* Scores by prior and class; the threshold is 0, so that all are there. */
static float *
scores_of (const CbamHit *hits, guint n, guint n_priors, guint n_classes)
{
  float *scores = g_new0 (float, n_priors *n_classes);

  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (hits[i].prior_class, <, n_priors * n_classes);
    g_assert_cmpfloat (scores[hits[i].prior_class], ==, 0); /* nothing twice */
    scores[hits[i].prior_class] = hits[i].score;
  }
  return scores;
}

typedef struct
{
  float *scores; /* [priors][classes] */
  float *boxes;  /* [priors][4] */
  guint n_hits, n_priors;
} Answer;

static void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->scores, g_free);
  g_clear_pointer (&answer->boxes, g_free);
}

static Answer
read_answer (const CbamLevels *levels, const guint8 *block)
{
  Answer answer = { .n_priors = levels->anchors->len };
  const CbamHit *hits = cbam_levels_get_hits (levels, block, 0, &answer.n_hits);

  answer.scores = scores_of (hits, answer.n_hits, answer.n_priors, levels->n_classes);
  answer.boxes = g_memdup2 (cbam_levels_get_boxes (levels, block, 0), answer.n_priors * 4 * sizeof (float));
  return answer;
}

static Answer
run_reference (guint i)
{
  const CbamSpec spec = make_spec (i);
  g_autoptr (CbamGraph) graph = build (&spec, i, 0);
  g_autoptr (CbamReference) reference = cbam_reference_new (graph);
  g_autofree guint8 *packed = g_malloc ((FRAME_WIDTH * 3 + 4) * FRAME_HEIGHT);
  const CbamLevels *levels = cbam_levels_of (graph);
  guint8 *block = cbam_reference_get_bytes (reference, levels->block);

  make_frame (&spec, packed, cbam_levels_begin (levels, block));
  cbam_reference_run (reference, packed);
  return read_answer (levels, block);
}

/* With @profile there is a barrier before every step; without, only the plan's own, which the validation layer checks.
 */
static Answer
run_device (CbamDevice *device, guint i, CbamFusions fusions, const CbamPlanConfig *config, gboolean profile)
{
  const CbamSpec spec = make_spec (i);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamProgram) program = cbam_program_new (device, build (&spec, i, fusions), config, &error);
  g_autoptr (CbamSlot) slot = program != NULL ? cbam_slot_new (program, profile, &error) : NULL;
  g_autofree guint8 *packed = g_malloc ((FRAME_WIDTH * 3 + 4) * FRAME_HEIGHT);
  Answer answer = { 0 };

  g_assert_no_error (error);
  const CbamLevels *levels = cbam_levels_of (program->plan->graph);
  guint8 *block = cbam_slot_get (slot, levels->block);
  for (guint run = 0; run < 2; run++) {
    Answer again = answer;

    make_frame (&spec, packed, cbam_levels_begin (levels, block));
    test_run (slot, packed, (FRAME_WIDTH * 3 + 4) * FRAME_HEIGHT, FALSE);
    answer = read_answer (levels, block);
    if (run == 0)
      continue;
    g_assert_cmpmem (answer.scores, answer.n_priors * spec.output.n_classes * sizeof (float), again.scores,
                     answer.n_priors * spec.output.n_classes * sizeof (float));
    g_assert_cmpmem (answer.boxes, answer.n_priors * 4 * sizeof (float), again.boxes,
                     answer.n_priors * 4 * sizeof (float));
    answer_clear (&again);
  }
  for (guint s = 0; profile && s < program->plan->n_steps; s++)
    g_assert_cmpfloat (slot->seconds[s], >, 0);
  if (config != NULL && config->canary) {
    cbam_slot_check_canaries (slot, &error);
    g_assert_no_error (error);
  }
  return answer;
}

/* Scores that no rounding makes 0. */
static guint
count_sure (const Answer *answer)
{
  guint n = 0;

  for (gsize i = 0; i < (gsize) answer->n_priors * (G_N_ELEMENTS (class_names) - 1); i++)
    n += answer->scores[i] > 1e-30f;
  return n;
}

static void
assert_same_answer (const char *what, const Answer *expected, const Answer *found)
{
  const guint n_classes = G_N_ELEMENTS (class_names) - 1;

  g_assert_cmpuint (expected->n_priors, ==, found->n_priors);
  g_assert_cmpuint (found->n_hits, >=, count_sure (expected));
  g_assert_cmpuint (found->n_hits, <=, found->n_priors * (n_classes - 2)); /* all but background and ??? */
  assert_close (what, expected->scores, found->scores, (gsize) expected->n_priors * n_classes, 1e-5, 1e-4);
  assert_close (what, expected->boxes, found->boxes, (gsize) expected->n_priors * 4, 1e-5, 1e-4);
}

static void
test_fusions (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  const CbamFusions all = CBAM_FUSE_ALL, usual = CBAM_FUSE_ALL & ~(CBAM_FUSE_SEPARABLE | CBAM_FUSE_WINOGRAD);
  const struct
  {
    const char *name;
    CbamFusions fusions, more; /* which leave fewer nodes */
  } sets[] = {
    { "all", all, all },
    { "none", 0, all },
    { "no separable", all & ~CBAM_FUSE_SEPARABLE, all }, /* which is made of what others leave */
    { "no winograd", all & ~CBAM_FUSE_WINOGRAD, all },
    { "no batch norm", usual & ~CBAM_FUSE_BATCH_NORM, usual },
    { "no activation", usual & ~CBAM_FUSE_ACTIVATION, usual },
    { "no heads", usual & ~CBAM_FUSE_HEADS, usual },
    { "no sum", usual & ~CBAM_FUSE_SUM, usual },
    { "no sigmoid", usual & ~CBAM_FUSE_SIGMOID, usual },
    { "no parity", usual & ~CBAM_FUSE_PARITY, usual },
    { "no channel gate", usual & ~CBAM_FUSE_CHANNEL_GATE, usual },
    { "no gates", usual & ~CBAM_FUSE_GATES, usual },
    { "no cbam", usual & ~CBAM_FUSE_CBAM, usual },
    { "no shuffle", usual & ~CBAM_FUSE_SHUFFLE, usual },
    { "no slice", usual & ~CBAM_FUSE_SLICE, usual },
  };
  const CbamFusions neck = CBAM_FUSE_SUM | CBAM_FUSE_SIGMOID | CBAM_FUSE_PARITY | CBAM_FUSE_CHANNEL_GATE |
                           CBAM_FUSE_GATES | CBAM_FUSE_CBAM | UNSHUFFLED | SMALL_MAPS;
  const CbamFusions unused = nets[i].preset.document != NULL ? nets[i].unused
                             : nets[i].backbone == &cbam_backbone_vgg16
                                 ? (neck & ~SMALL_MAPS) | CBAM_FUSE_BATCH_NORM | CBAM_FUSE_SEPARABLE
                             : nets[i].batch_norm ? neck
                                                  : neck | CBAM_FUSE_BATCH_NORM;
  g_autoptr (CbamDevice) device = test_device_open (CBAM_DEBUG_POISON);
  Answer expected = run_reference (i);

  for (guint f = 0; f < G_N_ELEMENTS (sets); f++) {
    const guint n_nodes = count_nodes (i, sets[f].fusions), least = count_nodes (i, sets[f].more);
    const CbamFusions off = sets[f].more & ~sets[f].fusions;
    Answer found;

    if (f > 1 && (off & unused) == off) {
      g_assert_cmpuint (n_nodes, ==, least);
      continue;
    }
    if (f > 0) /* each rule does something */
      g_assert_cmpuint (n_nodes, !=, least);
    found = run_device (device, i, sets[f].fusions & cbam_run_get_fusions (device, CBAM_PRECISION_FP32), NULL, FALSE);

    assert_same_answer (sets[f].name, &expected, &found);
    answer_clear (&found);
  }
  answer_clear (&expected);
}

/* The first network and those with a neck, on every kind of device that can be had from one. */
static void
test_devices (gconstpointer data)
{
  const CbamDebugFlags debug = GPOINTER_TO_UINT (data);
  const CbamPlanConfig canaries = { .canary = 256 };
  g_autoptr (CbamDevice) device = test_device_open (debug | CBAM_DEBUG_POISON);

  for (guint i = 0; i < G_N_ELEMENTS (nets); i++) {
    Answer expected, found, guarded;

    if (i > 0 && nets[i].preset.document == NULL)
      continue;
    expected = run_reference (i);
    found = run_device (device, i, cbam_run_get_fusions (device, CBAM_PRECISION_FP32), NULL, TRUE);
    guarded = run_device (device, i, cbam_run_get_fusions (device, CBAM_PRECISION_FP32), &canaries, FALSE);
    assert_same_answer ("device", &expected, &found);
    assert_same_answer ("canaries", &expected, &guarded);
    answer_clear (&expected);
    answer_clear (&found);
    answer_clear (&guarded);
  }
}

/* Maps that live at the same time never share memory; the arena is smaller than the sum of its maps. */
static void
test_arena (void)
{
  const CbamSpec spec = make_spec (0);
  g_autoptr (CbamDevice) device = test_device_open (0);
  const CbamPlanConfig config = { .caps = &device->caps };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamPlan) plan =
      cbam_plan_new (build (&spec, 0, cbam_plan_get_fusions (config.caps, config.precision)), &config, &error);
  GPtrArray *tensors = plan->graph->values;
  gsize sum = 0;

  g_assert_no_error (error);
  for (guint t = 0; t < tensors->len; t++) {
    const CbamValue *a = g_ptr_array_index (tensors, t);

    if (a->last < 0 || cbam_value_get_home (a) != CBAM_HOME_ARENA)
      continue;
    sum += a->size;
    g_assert_cmpuint (a->offset % device->caps.range_alignment, ==, 0);
    g_assert_cmpuint (a->offset + a->size, <=, plan->arena_size);
    for (guint u = 0; u < t; u++) {
      const CbamValue *b = g_ptr_array_index (tensors, u);

      if (b->last >= 0 && cbam_value_get_home (b) == CBAM_HOME_ARENA && a->first <= b->last && b->first <= a->last)
        g_assert_true (a->offset + a->size <= b->offset || b->offset + b->size <= a->offset);
    }
  }
  g_assert_cmpuint (plan->arena_size, <, sum / 2);
}

/* A map lives from the first step that writes to it, which may be one of several, to the last that has to do with it;
 * and each of those that write to it finds room for whole tiles. */
static void
test_lifetimes (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  const CbamSpec spec = make_spec (i);
  g_autoptr (CbamDevice) device = test_device_open (0);
  const CbamPlanConfig config = { .caps = &device->caps };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamPlan) plan =
      cbam_plan_new (build (&spec, i, cbam_plan_get_fusions (config.caps, config.precision)), &config, &error);

  g_assert_no_error (error);
  for (gint s = 0; s < (gint) plan->n_steps; s++) {
    const CbamNode *node = plan->steps[s].node;

    for (guint n = 0; n < node->n_outputs; n++) {
      const CbamOpVariant *variant = plan->steps[s].variant;
      const guint whole = variant != NULL ? MAX (variant->whole_blocks, 1) : 1;

      g_assert_true (node->outputs[n]->first <= s && s <= node->outputs[n]->last);
      g_assert_true (node->outputs[n]->kind != CBAM_VALUE_MAP || variant == NULL ||
                     node->outputs[n]->blocks >= (cbam_value_blocks (node->outputs[n]) + whole - 1) / whole * whole);
    }
    for (guint n = 0; n < node->n_inputs; n++)
      g_assert_true (cbam_value_get_home (node->inputs[n]) != CBAM_HOME_ARENA ||
                     (node->inputs[n]->first < s && s <= node->inputs[n]->last));
  }
}

/* A device limit that is exceeded is named with both numbers. */
static void
test_limits (void)
{
  const CbamSpec spec = make_spec (0);
  g_autoptr (CbamDevice) device = test_device_open (0);
  CbamDeviceCaps caps = device->caps;
  const CbamPlanConfig config = { .caps = &caps };
  g_autoptr (GError) error = NULL;

  caps.max_storage_range = 20000;
  g_assert_null (
      cbam_plan_new (build (&spec, 0, cbam_plan_get_fusions (config.caps, config.precision)), &config, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "20000"));
  g_clear_error (&error);
  caps = device->caps;
  caps.max_groups[0] = 3;
  g_assert_null (
      cbam_plan_new (build (&spec, 0, cbam_plan_get_fusions (config.caps, config.precision)), &config, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
}

/* A convolution that something else reads too stays as it is. */
static void
test_shared_conv (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) device = test_device_open (CBAM_DEBUG_POISON);
  CbamGraph *graphs[2];
  CbamValue *inputs[2], *convs[2];

  for (guint g = 0; g < 2; g++) {
    RandomSource source;
    CbamValue *x;

    random_source_init (&source, 3);
    source.batch_norm = TRUE;
    graphs[g] = cbam_graph_new (&source.source);
    inputs[g] = cbam_graph_input (graphs[g], "input", 7, 5, 6);
    x = convs[g] =
        cbam_graph_conv (graphs[g], &(CbamConvForm){ .name = "c", .input = inputs[g], .channels = 9, .kernel = 3 });
    convs[g]->host |= CBAM_HOST_READS;
    x = cbam_graph_batch_norm (graphs[g], "n", x, 1e-5);
    cbam_graph_activation (graphs[g], x, CBAM_ACTIVATION_RELU)->host |= CBAM_HOST_READS;
    cbam_graph_activation (graphs[g], convs[g], CBAM_ACTIVATION_RELU)->host |= CBAM_HOST_READS;
    random_source_clear (&source);
  }
  cbam_graph_fuse (graphs[1], cbam_run_get_fusions (device, CBAM_PRECISION_FP32));

  g_autoptr (CbamGraph) truth = graphs[0];
  g_autoptr (CbamReference) reference = cbam_reference_new (truth);
  g_autoptr (CbamProgram) program = cbam_program_new (device, graphs[1], NULL, &error);
  g_autoptr (CbamSlot) slot = program != NULL ? cbam_slot_new (program, FALSE, &error) : NULL;
  GRand *rand = g_rand_new_with_seed (4);

  g_assert_no_error (error);
  random_fill_nasty (rand, cbam_reference_get (reference, inputs[0]), 7 * 5 * 6);
  g_rand_free (rand);
  cbam_reference_run (reference, NULL);
  cbam_value_write (inputs[1], cbam_slot_get (slot, inputs[1]), cbam_reference_get (reference, inputs[0]));
  test_run (slot, NULL, 0, FALSE);
  for (guint t = 0; t < truth->values->len; t++) {
    const CbamValue *expected = g_ptr_array_index (truth->values, t);
    const CbamValue *tensor = g_ptr_array_index (graphs[1]->values, t);
    float found[5 * 3 * 9];

    if (!(expected->host & CBAM_HOST_READS))
      continue;
    cbam_value_read (tensor, cbam_slot_get (slot, tensor), found);
    assert_close (expected->name, cbam_reference_get (reference, expected), found, G_N_ELEMENTS (found), 1e-5, 1e-2);
  }
}

/* Where texel buffers are too small for a map, the next kernel takes it. */
static void
test_small_texel_buffers (void)
{
  const CbamSpec spec = make_spec (0);
  g_autoptr (CbamDevice) device = test_device_open (0);
  CbamDeviceCaps caps = device->caps;
  const CbamPlanConfig config = { .caps = &caps };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamPlan) plan = NULL;

  caps.max_texels = 65536; /* the least Vulkan allows */
  plan = cbam_plan_new (build (&spec, 0, cbam_plan_get_fusions (config.caps, config.precision)), &config, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (plan->steps[0].variant->name, ==, "plain");
  g_assert_true (g_str_has_prefix (plan->steps[1].variant->name, "tile-"));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    CbamDebugFlags debug;
  } devices[] = {
    { "plain", CBAM_DEBUG_PLAIN },
    { "noncoherent", CBAM_DEBUG_NONCOHERENT },
    { "staging", CBAM_DEBUG_STAGING },
    { "staging-noncoherent-plain", CBAM_DEBUG_STAGING | CBAM_DEBUG_NONCOHERENT | CBAM_DEBUG_PLAIN },
  };
  int status;

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (nets); i++) {
    g_autofree char *path = g_strdup_printf ("/nets/fusions/%s", nets[i].name);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_fusions);
  }
  for (guint i = 0; i < G_N_ELEMENTS (nets); i++) {
    g_autofree char *path = g_strdup_printf ("/nets/lifetimes/%s", nets[i].name);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_lifetimes);
  }
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++) {
    g_autofree char *path = g_strdup_printf ("/nets/devices/%s", devices[i].name);

    g_test_add_data_func (path, GUINT_TO_POINTER (devices[i].debug), test_devices);
  }
  g_test_add_func ("/nets/arena", test_arena);
  g_test_add_func ("/nets/shared-conv", test_shared_conv);
  if (!test_is_host ()) { /* which has no limits */
    g_test_add_func ("/nets/limits", test_limits);
    g_test_add_func ("/nets/small-texel-buffers", test_small_texel_buffers);
  }
  status = g_test_run ();
  for (guint i = 0; i < G_N_ELEMENTS (nets); i++)
    cbam_spec_free (parsed[i]);
  return status;
}
