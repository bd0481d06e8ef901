/* Whatever the tables of nets/ have a name for can be asked for and built with whatever else there is; a name that is
 * in none of them is answered with those that are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include <cbamdetect/describe.h>

#include "document.h"
#include "nets/nets.h"
#include "presets/presets.h"

#define DOCUMENT                                                                                                       \
  "{ \"version\": 1, \"network\": { \"detector\": \"%s\", \"backbone\": \"%s\", \"head\": \"%s\", \"width\": 0.5,"     \
  " \"levels\": 3, \"attention\": { \"kind\": \"%s\", \"place\": \"%s\" } },"                                          \
  " \"input\": { \"width\": 96, \"height\": 64, \"channels\": \"rgb\" }, \"anchors\": { \"tensor\": \"anchors\" },"    \
  " \"output\": { \"classes\": [\"a\", \"b\", \"c\"], \"score\": \"softmax\" } }"

#define CLASSIFIER                                                                                                     \
  "{ \"version\": 1, \"task\": \"classify\", \"network\": { \"backbone\": \"%s\", \"width\": 0.5,"                     \
  " \"attention\": { \"kind\": \"%s\" } }, \"input\": { \"width\": 96, \"height\": 64, \"channels\": \"rgb\" },"       \
  " \"output\": { \"classes\": [\"a\", \"b\", \"c\"], \"score\": \"softmax\" } }"

/* ---- Weights ----------------------------------------------------------------------------------------------------- */

/* All are zero; there are biases, no batch norms, and four boxes a cell. */
static gboolean
read_zeros (CbamParamSource *source, CbamParam *param, GError **error)
{
  param->values = g_new0 (float, param->n);
  return TRUE;
}

static gboolean
has_bias (CbamParamSource *source, const char *name)
{
  return g_str_has_suffix (name, ".bias");
}

static gsize
boxes_of_loc (CbamParamSource *source, const char *name, guint i)
{
  return g_str_has_prefix (name, "loc.") && i == 0 ? 4 * 4 : 0;
}

static CbamParamSource zeros = { read_zeros, has_bias, boxes_of_loc };

/* ---- Every name -------------------------------------------------------------------------------------------------- */

/* Attention in blocks or between stages needs a backbone that has places for it. */
static void
build (const CbamBackbone *backbone, const CbamNeck *neck, const CbamHead *head, const CbamAttentionModule *attention,
       const char *place)
{
  const gboolean has_place = g_str_equal (place, "stages") ? backbone->has_stages : backbone->attends;
  const gboolean possible = has_place || attention == NULL || g_str_equal (place, "levels");
  const gboolean on_levels = g_str_equal (place, "levels") || g_str_equal (place, "both");
  const gboolean has_gates = attention != NULL && attention != &cbam_attention_self;
  g_autofree char *json = g_strdup_printf (DOCUMENT, neck->name, backbone->name, head->name,
                                           attention != NULL ? attention->name : "none", place);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", json, &error);
  g_autoptr (CbamGraph) graph = NULL;

  g_assert_no_error (error);
  g_assert_true (spec->network.backbone == backbone && spec->network.detector == neck);
  g_assert_true (spec->network.head == head && spec->network.attention.kind == attention);
  graph = cbam_net_build (spec, &zeros, 1);
  g_test_message ("%s %s %s %s %s", neck->name, backbone->name, head->name, attention != NULL ? attention->name : "-",
                  place);
  g_assert_true (cbam_graph_finish (graph, &error) == possible);
  if (!possible) {
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
    g_assert_nonnull (strstr (error->message, "network.attention.place: expected \"levels\" with"));
    return;
  }
  g_assert_no_error (error);
  for (guint l = 0; l < 3; l++) {
    const CbamLevel *level = &cbam_levels_of (graph)->levels[l];
    const gboolean gated = level->channel.map != NULL || level->spatial.map != NULL;

    g_assert_nonnull (level->features);
    g_assert_true (gated == (has_gates && on_levels));
  }
}

/* The same as a classifier, with attention as its place is by default. */
static void
build_classifier (const CbamBackbone *backbone, const CbamAttentionModule *attention)
{
  g_autofree char *json = g_strdup_printf (CLASSIFIER, backbone->name, attention != NULL ? attention->name : "none");
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", json, &error);
  g_autoptr (CbamGraph) graph = NULL;
  const CbamLevels *levels;

  g_assert_no_error (error);
  graph = cbam_net_build (spec, &zeros, 1);
  if (backbone->end == NULL || (attention != NULL && !backbone->attends)) {
    g_assert_false (cbam_graph_finish (graph, &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
    g_assert_nonnull (strstr (
        error->message, backbone->end == NULL ? "network.backbone: expected one that classifies"
                                              : "network.attention.place: expected no attention in a classifier on"));
    return;
  }
  g_assert_true (cbam_graph_finish (graph, &error));
  levels = cbam_levels_of (graph);
  g_assert_cmpuint (levels->scores->channels, ==, 3);
  g_assert_true (levels->scores->width == 1 && levels->scores->height == 1);
  g_assert_true (levels->evidence->width == 3 && levels->evidence->height == 2);
  g_assert_true ((levels->n_levels > 0) == (attention != NULL && attention != &cbam_attention_self));
  for (guint l = 0; l < levels->n_levels; l++) {
    g_assert_nonnull (levels->levels[l].channel.map);
    g_assert_true (l == 0 || levels->levels[l].features->width < levels->levels[l - 1].features->width);
  }
}

static void
test_every_classifier (void)
{
  for (guint b = 0; cbam_backbones[b] != NULL; b++) {
    build_classifier (cbam_backbones[b], NULL);
    for (guint a = 0; cbam_attentions[a] != NULL; a++)
      build_classifier (cbam_backbones[b], cbam_attentions[a]);
  }
}

static void
test_every_name (void)
{
  static const char *const places[] = { "levels", "blocks", "both", "stages" };

  for (guint b = 0; cbam_backbones[b] != NULL; b++)
    for (guint n = 0; cbam_necks[n] != NULL; n++)
      for (guint h = 0; cbam_heads[h] != NULL && cbam_heads[h]->task == CBAM_TASK_DETECT; h++)
        for (guint p = 0; p < G_N_ELEMENTS (places); p++) {
          build (cbam_backbones[b], cbam_necks[n], cbam_heads[h], NULL, places[p]);
          for (guint a = 0; cbam_attentions[a] != NULL; a++)
            build (cbam_backbones[b], cbam_necks[n], cbam_heads[h], cbam_attentions[a], places[p]);
        }
}

/* ---- No name ----------------------------------------------------------------------------------------------------- */

static void
add_name (GString *names, const char *name)
{
  g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
}

/* @json has a nobody at @key. */
static void
assert_unknown (const char *key, const char *json, const GString *names)
{
  g_autofree char *expected = g_strdup_printf ("m: %s: expected one of %s, found \"nobody\"", key, names->str);
  g_autoptr (GError) error = NULL;

  g_assert_null (cbam_spec_parse ("m", json, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
test_no_name (void)
{
  g_autoptr (GString) necks = g_string_new (NULL), backbones = g_string_new (NULL), heads = g_string_new (NULL);
  g_autoptr (GString) attentions = g_string_new ("none");
  g_autofree char *neck = g_strdup_printf (DOCUMENT, "nobody", "vgg16", "ssd", "none", "levels");
  g_autofree char *backbone = g_strdup_printf (DOCUMENT, "ssd", "nobody", "ssd", "none", "levels");
  g_autofree char *head = g_strdup_printf (DOCUMENT, "ssd", "vgg16", "nobody", "none", "levels");
  g_autofree char *attention = g_strdup_printf (DOCUMENT, "ssd", "vgg16", "ssd", "nobody", "levels");

  for (guint i = 0; cbam_necks[i] != NULL; i++)
    add_name (necks, cbam_necks[i]->name);
  for (guint i = 0; cbam_backbones[i] != NULL; i++)
    add_name (backbones, cbam_backbones[i]->name);
  for (guint i = 0; cbam_heads[i] != NULL; i++)
    add_name (heads, cbam_heads[i]->name);
  for (guint i = 0; cbam_attentions[i] != NULL; i++)
    add_name (attentions, cbam_attentions[i]->name);
  assert_unknown ("network.detector", neck, necks);
  assert_unknown ("network.backbone", backbone, backbones);
  assert_unknown ("network.head", head, heads);
  assert_unknown ("network.attention.kind", attention, attentions);
}

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

/* Who wants to see a block's gates gets them; where no attention is wanted, a block stays as it is. */
static void
test_block (void)
{
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (CbamGraph) graph = cbam_graph_new (&zeros);
  CbamSpec spec = { .network = { .bn_eps = 1e-5,
                                 .attention = { .kind = &cbam_attention_cbam,
                                                .pool = CBAM_REDUCE_MEAN,
                                                .channel = TRUE,
                                                .spatial = TRUE } } };
  CbamNet net = { .graph = graph, .spec = &spec, .layers = layers };
  CbamValue *x = cbam_graph_input (graph, "input", 8, 8, 32), *y;
  CbamGates gates;

  g_assert_true (cbam_net_attend_in_block (&net, "block.att", "block", x, &gates) == x); /* on levels */
  g_assert_true (!gates.channel.map && !gates.spatial.map);
  g_assert_cmpuint (g_hash_table_size (layers), ==, 0);

  spec.network.attention.place = CBAM_PLACE_BLOCKS;
  y = cbam_net_attend_in_block (&net, "block.att", "block", x, &gates);
  g_assert_true (y != x && y->channels == 32 && y->width == 8);
  g_assert_true (g_hash_table_lookup (layers, "block") == y);
  g_assert_cmpuint (gates.channel.map->channels, ==, 32);
  g_assert_cmpuint (gates.spatial.map->width, ==, 8);
  g_assert_true (cbam_net_attend_in_block (&net, "more.att", "more", y, NULL) != y); /* nobody wants to see them */
}

/* ---- What a backbone cannot be ----------------------------------------------------------------------------------- */

/* @before in the document of one on @backbone is @after: refused with @expected. */
static void
assert_no_network (const char *backbone, const char *before, const char *after, const char *expected)
{
  g_autofree char *json = g_strdup_printf (DOCUMENT, "ssd", backbone, "ssd", "none", "levels");
  g_autoptr (GString) wrong = g_string_new (json);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = NULL;
  g_autoptr (CbamGraph) graph = NULL;

  g_assert_cmpuint (g_string_replace (wrong, before, after, 0), ==, 1);
  spec = cbam_spec_parse ("m", wrong->str, &error);
  g_assert_no_error (error);
  graph = cbam_net_build (spec, &zeros, 1);
  g_assert_false (cbam_graph_finish (graph, &error));
  g_assert_cmpstr (error->message, ==, expected);
}

/* The paper has four sizes of it, and its pools are padded on all sides. */
static void
test_shufflenet (void)
{
  assert_no_network ("shufflenet_v2", "\"width\": 0.5", "\"width\": 0.75",
                     "network.width: expected one of 0.5, 1, 1.5, 2 with shufflenet_v2, found 0.75");
  assert_no_network ("shufflenet_v2", "\"levels\": 3", "\"levels\": 3, \"padding\": \"same\"",
                     "network.padding: expected \"symmetric\" with shufflenet_v2, found \"same\"");
  assert_no_network ("shufflenet_v2", "\"levels\": 3",
                     "\"levels\": 3, \"sources\": [\"stage2.3\", \"stage3.8\", \"stage4.3\"]",
                     "network.sources: expected the name of a convolution of shufflenet_v2, found \"stage3.8\"");
}

/* Of both kinds of networks: what is known of classes has bits for so many. */
static void
test_too_many_classes (void)
{
  static const char *const documents[] = {
    "{ \"version\": 1, \"task\": \"classify\", \"network\": { \"backbone\": \"resnet\" },"
    " \"input\": { \"width\": 32, \"height\": 32, \"channels\": \"rgb\" },"
    " \"output\": { \"classes\": [%s], \"score\": \"softmax\" } }",
    "{ \"version\": 1, \"network\": { \"detector\": \"ssd\", \"backbone\": \"resnet\", \"levels\": 3 },"
    " \"input\": { \"width\": 32, \"height\": 32, \"channels\": \"rgb\" }, \"anchors\": { \"tensor\": \"anchors\" },"
    " \"output\": { \"classes\": [%s], \"score\": \"softmax\" } }",
  };
  g_autoptr (GString) names = g_string_new ("\"a\"");

  for (guint k = 1; k < CBAM_MAX_CLASSES + 1; k++)
    g_string_append_printf (names, ", \"%u\"", k);
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++) {
    g_auto (GStrv) parts = g_strsplit (documents[i], "%s", 2);
    g_autofree char *json = g_strjoinv (names->str, parts);
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", json, &error);
    g_autoptr (CbamGraph) graph = NULL;

    g_assert_no_error (error);
    graph = cbam_net_build (spec, &zeros, 1);
    g_assert_false (cbam_graph_finish (graph, &error));
    g_assert_cmpstr (error->message, ==, "output.classes: expected at most 1024, found 1025");
  }
}

static void
test_short_classifier (void)
{
  g_autofree char *whole = g_strdup_printf (CLASSIFIER, "resnet", "none");
  g_autoptr (GString) json = g_string_new (whole);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = NULL;
  g_autoptr (CbamGraph) graph = NULL;

  g_string_replace (json, "\"width\": 0.5", "\"strides\": [1, 2, 2]", 1);
  spec = cbam_spec_parse ("m", json->str, &error);
  g_assert_no_error (error);
  graph = cbam_net_build (spec, &zeros, 1);
  g_assert_false (cbam_graph_finish (graph, &error));
  g_assert_cmpstr (
      error->message, ==,
      "network.backbone: expected a resnet that reaches layer4, which a classifier looks at, found one that "
      "ends before");
}

static void
test_resnet (void)
{
  assert_no_network ("resnet", "\"levels\": 3", "\"levels\": 3, \"depth\": 42",
                     "network.depth: expected one of 18, 34, 50, 101, found 42");
  assert_no_network ("resnet", "\"levels\": 3", "\"levels\": 3, \"depth\": 18, \"groups\": 2",
                     "network.groups: expected 1 with basic blocks, found 2");
  assert_no_network ("resnet", "\"levels\": 3", "\"levels\": 3, \"groups\": 7",
                     "layer1.0.conv2: expected multiples of 7 groups of channels, found 32 and 32");
  assert_no_network ("resnet", "\"levels\": 3", "\"levels\": 3, \"padding\": \"same\"",
                     "network.padding: expected \"symmetric\" with resnet, found \"same\"");
  assert_no_network ("resnet", "\"levels\": 3", "\"levels\": 3, \"strides\": [1, 2, 2]",
                     "network.sources: expected the name of a convolution of resnet, found \"layer4\"");
}

/* ---- How large networks are -------------------------------------------------------------------------------------- */

/* Only shapes count. */
static gboolean
read_nothing (CbamParamSource *source, CbamParam *param, GError **error)
{
  return TRUE;
}

/* All convolutions have batch norms, all layers of attention biases, as with the modules' authors. */
static gboolean
has_norms (CbamParamSource *source, const char *name)
{
  const gboolean is_norm =
      (strstr (name, "bn") && !strstr (name, "bn_out")) || strstr (name, "downsample.1.") ||
      g_regex_match_simple ("^features\\.(\\d+\\.1|\\d+\\.conv\\.(\\d\\.1|3)|1\\.conv\\.2)\\.", name, 0, 0);

  if (g_str_has_suffix (name, ".bias"))
    return is_norm || strstr (name, ".mlp.") || strstr (name, ".fc.") || strstr (name, "gate_") ||
           strstr (name, "_conv.");
  return is_norm;
}

static gsize
has_usual_shape (CbamParamSource *source, const char *name, guint i)
{
  return 0;
}

static CbamParamSource normed = { read_nothing, has_norms, has_usual_shape };

/* With a classifier of 1000 classes, of pictures of 224x224 pixels. The CBAM paper's and BAM's rows, which have the
 * stride in the 1x1; parameters are those that torchvision and osmr/imgclsmob list. */
static const struct
{
  guint depth;
  double width;
  const CbamAttentionModule *kind;
  gboolean early; /* the stride in the 1x1 */
  guint64 parameters;
  double billions; /* of multiply-adds, to four digits */
  guint groups;
} resnets[] = {
  { 18, 1, NULL, TRUE, 11689512, 1.8141 },
  { 18, 1, &cbam_attention_se, TRUE, 11778592, 1.8142 },
  { 18, 1, &cbam_attention_cbam, TRUE, 11779392, 1.8151 },
  { 18, 1, &cbam_attention_bam, TRUE, 11712503, 1.8192 },
  { 18, 1, &cbam_attention_self, TRUE, 11797595, 2.6699 },
  { 34, 1, NULL, TRUE, 21797672, 3.6638 },
  { 34, 1, &cbam_attention_se, TRUE, 21958868, 3.6639 },
  { 34, 1, &cbam_attention_cbam, TRUE, 21960468, 3.6654 },
  { 34, 1, &cbam_attention_bam, TRUE, 21820663, 3.6689 },
  { 50, 1, NULL, TRUE, 25557032, 3.8580 },
  { 50, 1, NULL, FALSE, 25557032, 4.0892 },
  { 50, 1, &cbam_attention_se, TRUE, 28088024, 3.8605 },
  { 50, 1, &cbam_attention_cbam, TRUE, 28089624, 3.8644 },
  { 50, 1, &cbam_attention_cbam, FALSE, 28089624, 4.0956 },
  { 50, 1, &cbam_attention_bam, TRUE, 25915099, 3.9401 },
  { 50, 1, &cbam_attention_bam, FALSE, 25915099, 4.1713 },
  { 101, 1, NULL, TRUE, 44549160, 7.5702 },
  { 101, 1, &cbam_attention_se, TRUE, 49326872, 7.5749 },
  { 101, 1, &cbam_attention_cbam, TRUE, 49330172, 7.5814 },
  { 101, 1, &cbam_attention_cbam, FALSE, 49330172, 7.8126 },
  { 101, 1, &cbam_attention_bam, TRUE, 44907227, 7.6523 },
  { 18, 1.5, NULL, TRUE, 25875816, 3.8663 },
  { 18, 1.5, &cbam_attention_se, TRUE, 26074716, 3.8665 },
  { 18, 1.5, &cbam_attention_cbam, TRUE, 26075516, 3.8675 },
  { 18, 1.5, &cbam_attention_bam, TRUE, 25926933, 3.8779 },
  { 18, 2, NULL, TRUE, 45618216, 6.6957 },
  { 18, 2, &cbam_attention_se, TRUE, 45970456, 6.6961 },
  { 18, 2, &cbam_attention_cbam, TRUE, 45971256, 6.6972 },
  { 18, 2, &cbam_attention_bam, TRUE, 45708547, 6.7163 },
  { 50, 2, NULL, TRUE, 25028904, 3.7681, 32 },
  { 50, 2, NULL, FALSE, 25028904, 4.2305, 32 },
  { 50, 2, &cbam_attention_se, TRUE, 27559896, 3.7706, 32 },
  { 50, 2, &cbam_attention_cbam, TRUE, 27561496, 3.7744, 32 },
  { 50, 2, &cbam_attention_cbam, FALSE, 27561496, 4.2369, 32 },
  { 50, 2, &cbam_attention_bam, TRUE, 25386971, 3.8502, 32 },
  { 101, 2, NULL, TRUE, 44177704, 7.5076, 32 },
  { 101, 2, &cbam_attention_se, TRUE, 48955416, 7.5123, 32 },
  { 101, 2, &cbam_attention_cbam, TRUE, 48958716, 7.5187, 32 },
  { 101, 2, &cbam_attention_cbam, FALSE, 48958716, 7.9812, 32 },
};

/* The classifier on @network, whose last map is @layer and 7x7. */
static void
assert_size (const CbamNetworkSpec *network, const char *layer, guint64 expected_parameters, double billions)
{
  g_autoptr (GHashTable) layers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (CbamGraph) graph = cbam_graph_new (&normed);
  const CbamSpec spec = { .network = *network };
  CbamNet net = { .graph = graph, .spec = &spec, .layers = layers, .n_sources = 2 };
  const CbamValue *last;
  guint64 parameters = 0, macs = 0;

  network->backbone->build (&net, cbam_graph_input (graph, "input", 224, 224, 3));
  g_assert_no_error (graph->error);
  for (guint n = 0; n < graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (graph->nodes, n);

    parameters += node->op->parameters != NULL ? node->op->parameters (node) : 0;
    macs += node->op->macs != NULL ? node->op->macs (node) : 0;
  }
  last = g_hash_table_lookup (layers, layer);
  g_assert_true (last->width == 7 && last->height == 7);
  g_assert_cmpuint (parameters + 1000 * (last->channels + 1), ==, expected_parameters);
  g_assert_cmpfloat_with_epsilon ((double) (macs + 1000 * last->channels) / 1e9, billions, 5.1e-5);
}

/* Rows of the CBAM paper's ImageNet tables: parameters and multiply-adds (with the stride in the 3x3) as counted from
 * its authors' code; docs/networks.md has the paper's own figures. */
static const struct
{
  const char *preset;
  guint64 parameters;
  double billions;
} classifiers[] = {
  { "resnet18", 11689512, 1.8141 },
  { "resnet18-se", 11778592, 1.8142 },
  { "resnet18-cbam", 11779392, 1.8151 },
  { "resnet34", 21797672, 3.6638 },
  { "resnet34-se", 21958868, 3.6639 },
  { "resnet34-cbam", 21960468, 3.6654 },
  { "resnet50", 25557032, 4.0892 },
  { "resnet50-se", 28088024, 4.0917 },
  { "resnet50-cbam", 28089624, 4.0956 },
  { "resnet101", 44549160, 7.8014 },
  { "resnet101-se", 49326872, 7.8061 },
  { "resnet101-cbam", 49330172, 7.8126 },
  { "wrn18x1.5", 25875816, 3.8663 },
  { "wrn18x1.5-se", 26074716, 3.8665 },
  { "wrn18x1.5-cbam", 26075516, 3.8675 },
  { "wrn18x2", 45618216, 6.6957 },
  { "wrn18x2-se", 45970456, 6.6961 },
  { "wrn18x2-cbam", 45971256, 6.6972 },
  { "resnext50", 25028904, 4.2305 },
  { "resnext50-se", 27559896, 4.2330 },
  { "resnext50-cbam", 27561496, 4.2369 },
  { "resnext101", 44177704, 7.9700 },
  { "resnext101-se", 48955416, 7.9747 },
  { "resnext101-cbam", 48958716, 7.9812 },
  { "mobilenet0.7", 2298747, 0.2830 },
  { "mobilenet0.7-se", 2704661, 0.2834 },
  { "mobilenet0.7-cbam", 2707361, 0.2892 },
  { "mobilenet", 4231976, 0.5687 },
  { "mobilenet-se", 5072276, 0.5696 },
  { "mobilenet-cbam", 5074976, 0.5759 },
  { "resnet50-cam", 28088024, 4.0942 }, /* of the ablations with 0.2312 more than in the 1x1 */
  { "resnet50-cam-avg", 28088024, 4.0917 },
  { "resnet50-cam-max", 28088024, 4.0917 },
  { "resnet50-cbam-3", 28088344, 4.0945 },
  { "resnet50-cbam-conv", 28103944, 4.1004 },
  { "resnet50-cbam-conv-3", 28103304, 4.0999 },
  { "resnet50-cbam-spatial-first", 28089624, 4.0956 },
  { "resnet50-cbam-parallel", 28089624, 4.0956 },
  { "resnet50-bam", 25915099, 4.1713 },
  { "mobilenet-v2", 3504872, 0.3008 },
  { "mobilenet-v3", 5483032, 0.2166 },
  { "ghostnet", 5182508, 0.1412 },
  { "efficientnet-lite0", 4652008, 0.3852 },
  { "efficientnet-lite1", 5416680, 0.6002 },
  { "efficientnet-lite2", 6092072, 0.8597 },
  { "efficientnet-lite3", 8197096, 1.3833 },
  { "efficientnet-lite4", 13006568, 2.5530 },
};

static void
test_classifier_counts (void)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (classifiers); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamDescription) description = cbam_describe (classifiers[i].preset, &error);
    const CbamModelInfo *info;

    g_assert_no_error (error);
    info = cbam_description_get_info (description);
    g_assert_cmpstr (info->task, ==, "classify");
    g_assert_cmpuint (info->n_classes, ==, 1000);
    g_assert_cmpuint (info->parameters, ==, classifiers[i].parameters);
    g_assert_cmpfloat_with_epsilon ((double) info->macs / 1e9, classifiers[i].billions, 5.1e-5);
  }
  for (guint i = 0; cbam_presets[i].name != NULL; i++)
    n += cbam_presets[i].classifier != NULL ? 1 : 0;
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (classifiers));
}

static void
test_resnet_counts (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (resnets); i++) {
    const CbamNetworkSpec network = {
      .backbone = &cbam_backbone_resnet,
      .depth = resnets[i].depth,
      .width = resnets[i].width,
      .activation = cbam_activations[CBAM_ACTIVATION_RELU],
      .bn_eps = 1e-5,
      .n_strides = 4,
      .strides = { 1, 2, 2, 2 },
      .stride_place = resnets[i].early ? CBAM_STRIDE_PLACE_1X1 : CBAM_STRIDE_PLACE_3X3,
      .groups = resnets[i].groups,
      .attention = { .kind = resnets[i].kind,
                     .pool = CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX,
                     .channel = TRUE,
                     .spatial = TRUE,
                     .dilation = 4,
                     .place = resnets[i].kind == &cbam_attention_bam || resnets[i].kind == &cbam_attention_self
                                  ? CBAM_PLACE_STAGES
                                  : CBAM_PLACE_BLOCKS },
    };

    g_test_message ("ResNet-%u, %g, %u groups, %s", resnets[i].depth, resnets[i].width, MAX (resnets[i].groups, 1),
                    resnets[i].kind != NULL ? resnets[i].kind->name : "plain");
    assert_size (&network, "layer4", resnets[i].parameters, resnets[i].billions);
  }
}

/* Parameters that torchvision's mobilenet_v2 has, at 224x224 pixels; multiply-adds of the whole one are in its docs. */
static void
test_mobilenet_v2_counts (void)
{
  static const struct
  {
    double width;
    guint64 parameters;
    double billions;
  } sizes[] = { { 1, 3504872, 0.3008 }, { 0.5, 1968680, 0.0971 }, { 1.4, 6108776, 0.5822 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const CbamNetworkSpec network = { .backbone = &cbam_backbone_mobilenet_v2,
                                      .width = sizes[i].width,
                                      .activation = cbam_activations[CBAM_ACTIVATION_RELU6],
                                      .bn_eps = 1e-5 };

    g_test_message ("MobileNetV2, %g", sizes[i].width);
    assert_size (&network, "features.18.0", sizes[i].parameters, sizes[i].billions);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/networks/every-name", test_every_name);
  g_test_add_func ("/networks/every-classifier", test_every_classifier);
  g_test_add_func ("/networks/classifier-counts", test_classifier_counts);
  g_test_add_func ("/networks/no-name", test_no_name);
  g_test_add_func ("/networks/block", test_block);
  g_test_add_func ("/networks/shufflenet", test_shufflenet);
  g_test_add_func ("/networks/resnet", test_resnet);
  g_test_add_func ("/networks/too-many-classes", test_too_many_classes);
  g_test_add_func ("/networks/short-classifier", test_short_classifier);
  g_test_add_func ("/networks/resnet-counts", test_resnet_counts);
  g_test_add_func ("/networks/mobilenet_v2-counts", test_mobilenet_v2_counts);
  return g_test_run ();
}
