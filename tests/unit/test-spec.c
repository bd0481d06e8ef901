/* Tests of the model file's document: a full one and the smallest one are read as written, and every wrong one is
 * refused with the path of the key, what was expected and what was found.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "document.h"
#include "nets/nets.h"

/* Every key, none at its default. */
static const char full[] =
    "{ \"version\": 1, \"name\": \"full\", \"description\": \"every key\","
    "  \"network\": { \"detector\": \"stairnet\", \"backbone\": \"resnet\", \"head\": \"ssd\", \"width\": 0.75,"
    "    \"depth\": 34, \"strides\": [2, 1, 1], \"stride_place\": \"1x1\", \"groups\": 4,"
    "    \"activation\": \"relu6\", \"slope\": 0.25, \"post_activation\": \"leaky_relu\", \"padding\": \"same\","
    "    \"levels\": 2,"
    "    \"sources\": [\"layer3\", \"extras.0.2\"],"
    "    \"extras\": { \"stride\": [2, 1], \"pad\": [1, 0] }, \"upsample\": \"bilinear\","
    "    \"attention\": { \"kind\": \"cbam\", \"pool\": [\"lse\", \"avg\"], \"order\": \"parallel\","
    "      \"spatial_input\": \"conv\", \"spatial\": true, \"channel\": false, \"combine\": \"add\", \"dilation\": 2,"
    "      \"spatial_relu\": true, \"place\": \"both\" },"
    "    \"sum_relu\": true, \"bn_eps\": 0.001, \"l2norm_eps\": 1e-12 },"
    "  \"input\": { \"width\": 320, \"height\": 240, \"channels\": \"bgr\", \"mean\": [104, 117, 123.5],"
    "    \"scale\": [0.5, 1, 2], \"resize\": \"letterbox\", \"filter\": \"bicubic\","
    "    \"rounding\": \"u8\" },"
    "  \"anchors\": { \"maps\": [[15, 20], [8, 10]], \"steps\": [16, [30, 32]], \"offset\": 0.25,"
    "    \"min_sizes\": [60, 105], \"max_sizes\": [null, 150], \"aspect_ratios\": [[2], [2, 3]],"
    "    \"clip\": \"corner\" },"
    "  \"output\": { \"classes\": [\"background\", \"cat\", \"???\", \"dog\"], \"score\": \"sigmoid\","
    "    \"boxes\": \"distribution\", \"bins\": 16, \"variances\": [0.2, 0.3, 0.4, 0.5] },"
    "  \"nms\": { \"threshold\": 0.25, \"iou\": 0.6, \"across\": 0.75, \"top_k\": 100, \"keep\": 50,"
    "    \"profile\": \"rfbnet\" },"
    "  \"provenance\": { \"data\": \"none\", \"recipe\": \"by hand\", \"metrics\": { \"mAP\": 0.1 },"
    "    \"license\": \"CC0\", \"source\": \"here\" },"
    "  \"from_the_future\": [1, { \"x\": null }] }";

static const char smallest[] =
    "{ \"version\": 1, \"network\": { \"detector\": \"ssd\", \"backbone\": \"vgg16\" },"
    "  \"input\": { \"width\": 300, \"height\": 300, \"channels\": \"rgb\" }, \"anchors\": { \"tensor\": \"anchors\" },"
    "  \"output\": { \"classes\": [\"cat\"], \"score\": \"softmax\" } }";

static void
test_full (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", full, &error);
  const CbamNetworkSpec *network;

  g_assert_no_error (error);
  g_assert_cmpstr (spec->name, ==, "full");

  network = &spec->network;
  g_assert_true (network->detector == &cbam_neck_stairnet);
  g_assert_true (network->backbone == &cbam_backbone_resnet);
  g_assert_true (network->head == &cbam_head_ssd);
  g_assert_cmpfloat (network->width, ==, 0.75);
  g_assert_cmpuint (network->depth, ==, 34);
  g_assert_cmpuint (network->n_strides, ==, 3);
  g_assert_true (network->strides[0] == 2 && network->strides[1] == 1 && network->strides[2] == 1);
  g_assert_cmpint (network->stride_place, ==, CBAM_STRIDE_PLACE_1X1);
  g_assert_cmpuint (network->groups, ==, 4);
  g_assert_cmpfloat (network->activation.hi, ==, 6);
  g_assert_cmpuint (network->post_activation.function, ==, CBAM_FUNCTION_LEAKY_RELU);
  g_assert_cmpfloat (network->post_activation.lo, ==, 0.25f);
  g_assert_cmpint (network->padding, ==, CBAM_PADDING_SAME);
  g_assert_cmpuint (network->levels, ==, 2);
  g_assert_cmpuint (g_strv_length (network->sources), ==, 2);
  g_assert_cmpstr (network->sources[1], ==, "extras.0.2");
  g_assert_cmpuint (network->n_extras, ==, 2);
  g_assert_cmpuint (network->extras_stride[0], ==, 2);
  g_assert_cmpuint (network->extras_stride[1], ==, 1);
  g_assert_cmpuint (network->extras_pad[0], ==, 1);
  g_assert_cmpuint (network->extras_pad[1], ==, 0);
  g_assert_cmpint (network->upsample, ==, CBAM_UPSAMPLE_BILINEAR);
  g_assert_true (network->attention.kind == &cbam_attention_cbam);
  g_assert_cmpuint (network->attention.pool, ==, CBAM_REDUCE_LOG_SUM | CBAM_REDUCE_MEAN);
  g_assert_cmpint (network->attention.order, ==, CBAM_ORDER_PARALLEL);
  g_assert_cmpint (network->attention.spatial_input, ==, CBAM_SPATIAL_INPUT_CONV);
  g_assert_true (network->attention.spatial);
  g_assert_false (network->attention.channel);
  g_assert_cmpint (network->attention.combine, ==, CBAM_COMBINE_ADD);
  g_assert_cmpuint (network->attention.dilation, ==, 2);
  g_assert_true (network->attention.spatial_relu);
  g_assert_cmpint (network->attention.place, ==, CBAM_PLACE_BOTH);
  g_assert_true (network->sum_relu);
  g_assert_cmpfloat (network->bn_eps, ==, 0.001);
  g_assert_cmpfloat (network->l2norm_eps, ==, 1e-12);
}

static void
test_full_pictures (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", full, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (spec->input.width, ==, 320);
  g_assert_cmpuint (spec->input.height, ==, 240);
  g_assert_cmpint (spec->input.channels, ==, CBAM_CHANNELS_BGR);
  g_assert_cmpfloat (spec->input.mean[0], ==, 104);
  g_assert_cmpfloat (spec->input.mean[2], ==, 123.5f);
  g_assert_cmpfloat (spec->input.scale[0], ==, 0.5f);
  g_assert_cmpfloat (spec->input.scale[2], ==, 2);
  g_assert_cmpint (spec->input.resize, ==, CBAM_RESIZE_LETTERBOX);
  g_assert_cmpint (spec->input.filter, ==, CBAM_FILTER_BICUBIC);
  g_assert_cmpint (spec->input.rounding, ==, CBAM_ROUNDING_U8);

  g_assert_null (spec->anchors.tensor);
  g_assert_cmpuint (spec->anchors.n_levels, ==, 2);
  g_assert_cmpuint (spec->anchors.map_height[0], ==, 15);
  g_assert_cmpuint (spec->anchors.map_width[0], ==, 20);
  g_assert_cmpfloat (spec->anchors.step_x[0], ==, 16);
  g_assert_cmpfloat (spec->anchors.step_y[0], ==, 16);
  g_assert_cmpfloat (spec->anchors.step_y[1], ==, 30);
  g_assert_cmpfloat (spec->anchors.step_x[1], ==, 32);
  g_assert_cmpfloat (spec->anchors.min_size[1], ==, 105);
  g_assert_cmpfloat (spec->anchors.max_size[0], ==, 0);
  g_assert_cmpfloat (spec->anchors.max_size[1], ==, 150);
  g_assert_cmpuint (spec->anchors.n_ratios[0], ==, 1);
  g_assert_cmpuint (spec->anchors.n_ratios[1], ==, 2);
  g_assert_cmpfloat (spec->anchors.ratios[1][1], ==, 3);
  g_assert_cmpint (spec->anchors.clip, ==, CBAM_CLIP_CORNER);
  g_assert_cmpfloat (spec->anchors.off_middle, ==, -0.25);

  g_assert_cmpuint (spec->output.n_classes, ==, 4);
  g_assert_cmpstr (spec->output.classes[3], ==, "dog");
  g_assert_null (spec->output.classes[4]);
  g_assert_cmpint (spec->output.score, ==, CBAM_SCORE_SIGMOID);
  g_assert_cmpuint (spec->output.bins, ==, 16);
  g_assert_cmpfloat (spec->output.variances[3], ==, 0.5f);
  g_assert_false (cbam_output_spec_reports (&spec->output, 0));
  g_assert_true (cbam_output_spec_reports (&spec->output, 1));
  g_assert_false (cbam_output_spec_reports (&spec->output, 2));
  g_assert_true (cbam_output_spec_reports (&spec->output, 3));

  g_assert_cmpint (spec->nms.profile, ==, CBAM_PROFILE_RFBNET);
  g_assert_cmpfloat (spec->nms.params.threshold, ==, 0.25f);
  g_assert_cmpfloat (spec->nms.params.nms_iou, ==, 0.6f);
  g_assert_cmpfloat (spec->nms.params.nms_across, ==, 0.75f);
  g_assert_cmpuint (spec->nms.params.top_k, ==, 100);
  g_assert_cmpuint (spec->nms.params.max_detections, ==, 50);
}

static void
test_defaults (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", smallest, &error);

  g_assert_no_error (error);
  g_assert_null (spec->name);
  g_assert_cmpfloat (spec->network.width, ==, 1);
  g_assert_cmpuint (spec->network.depth, ==, 50);
  g_assert_cmpuint (spec->network.n_strides, ==, 4);
  for (guint s = 0; s < 4; s++)
    g_assert_cmpuint (spec->network.strides[s], ==, s == 0 ? 1 : 2);
  g_assert_cmpint (spec->network.stride_place, ==, CBAM_STRIDE_PLACE_3X3);
  g_assert_cmpuint (spec->network.groups, ==, 1);
  g_assert_cmpuint (spec->network.activation.function, ==, CBAM_FUNCTION_CLAMP);
  g_assert_cmpfloat (spec->network.activation.lo, ==, 0);
  g_assert_cmpfloat (spec->network.activation.hi, ==, INFINITY);
  g_assert_cmpmem (&spec->network.post_activation, sizeof (CbamActivationParams), &spec->network.activation,
                   sizeof (CbamActivationParams));
  g_assert_cmpint (spec->network.padding, ==, CBAM_PADDING_SYMMETRIC);
  g_assert_cmpuint (spec->network.levels, ==, 6);
  g_assert_true (spec->network.head == &cbam_head_ssd);
  g_assert_null (spec->network.sources);
  g_assert_cmpuint (spec->network.n_extras, ==, 0);
  g_assert_cmpint (spec->network.upsample, ==, CBAM_UPSAMPLE_DECONV);
  g_assert_null (spec->network.attention.kind);
  g_assert_cmpuint (spec->network.attention.pool, ==, CBAM_REDUCE_MEAN | CBAM_REDUCE_MAX);
  g_assert_true (spec->network.attention.spatial && spec->network.attention.channel);
  g_assert_cmpuint (spec->network.attention.dilation, ==, 4);
  g_assert_false (spec->network.attention.spatial_relu || spec->network.sum_relu);
  g_assert_cmpfloat (spec->network.bn_eps, ==, 1e-5);
  g_assert_cmpfloat (spec->network.l2norm_eps, ==, 1e-10);
  for (guint c = 0; c < 3; c++)
    g_assert_true (spec->input.mean[c] == 0 && spec->input.scale[c] == 1);
  g_assert_cmpint (spec->input.resize, ==, CBAM_RESIZE_STRETCH);
  g_assert_cmpint (spec->input.filter, ==, CBAM_FILTER_NONE);
  g_assert_cmpint (spec->input.rounding, ==, CBAM_ROUNDING_NONE);
  g_assert_cmpstr (spec->anchors.tensor, ==, "anchors");
  g_assert_cmpuint (spec->output.bins, ==, 0); /* offsets */
  g_assert_cmpfloat (spec->output.variances[1], ==, 0.1f);
  g_assert_cmpfloat (spec->output.variances[2], ==, 0.2f);
  g_assert_true (cbam_output_spec_reports (&spec->output, 0)); /* class 0 is background only if so named */
  g_assert_cmpint (spec->nms.profile, ==, CBAM_PROFILE_CAFFE);
  g_assert_cmpfloat (spec->nms.params.threshold, ==, 0.5f);
  g_assert_cmpfloat (spec->nms.params.nms_iou, ==, 0.45f);
  g_assert_cmpfloat (spec->nms.params.nms_across, ==, 1);
  g_assert_cmpuint (spec->nms.params.top_k, ==, 400);
  g_assert_cmpuint (spec->nms.params.max_detections, ==, 200);
}

/* @json with the value at @path ("anchors.maps") replaced by @value, or taken out where that is %NULL. */
static char *
with (const char *json, const char *path, const char *value)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  g_auto (GStrv) keys = g_strsplit (path, ".", -1);
  JsonObject *object = json_node_get_object (root);
  guint last = g_strv_length (keys) - 1;

  for (guint i = 0; i < last; i++)
    object = json_object_get_object_member (object, keys[i]);
  if (value != NULL) {
    JsonNode *node = json_from_string (value, NULL);

    g_assert_nonnull (node);
    json_object_set_member (object, keys[last], node);
  } else {
    g_assert_true (json_object_has_member (object, keys[last]));
    json_object_remove_member (object, keys[last]);
  }
  return json_to_string (root, FALSE);
}

static void
assert_refused (const char *json, const char *begin, const char *expected, const char *found)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m.safetensors", json, &error);
  g_autofree char *prefix = g_strdup_printf ("m.safetensors: %s: expected ", begin);
  g_autofree char *suffix = g_strdup_printf (", found %s", found);

  g_test_message ("%s", error != NULL ? error->message : "accepted");
  g_assert_null (spec);
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
  g_assert_true (g_str_has_prefix (error->message, prefix));
  g_assert_nonnull (strstr (error->message, expected));
  g_assert_true (g_str_has_suffix (error->message, suffix));
  g_assert_null (cbam_spec_parse ("m.safetensors", json, NULL)); /* an error nobody wants */
}

/* One wrong value in the full document; %NULL takes the key out. @at where it differs from @path is where the message
 * must point. */
static const struct
{
  const char *path, *value, *at, *expected, *found;
} bad[] = {
  { "version", NULL, NULL, "1", "nothing" },
  { "version", "null", NULL, "1", "nothing" },
  { "version", "2", NULL, "1", "2" },
  { "version", "1.5", NULL, "1", "1.5" },
  { "version", "\"1\"", NULL, "1", "\"1\"" },
  { "task", "\"segment\"", NULL, "one of detect, classify", "\"segment\"" },
  { "name", "3", NULL, "a string", "3" },
  { "name", "\"\"", NULL, "a string", "\"\"" },
  { "description", "{}", NULL, "a string", "{}" },
  { "provenance", "\"me\"", NULL, "an object", "\"me\"" },

  { "network", NULL, NULL, "an object", "nothing" },
  { "network", "[]", NULL, "an object", "[]" },
  { "network.detector", NULL, NULL, "one of ssd, stairnet", "nothing" },
  { "network.detector", "\"yolo\"", NULL, "one of ssd, stairnet", "\"yolo\"" },
  { "network.backbone", NULL, NULL, "one of vgg16, mobilenet_v1", "nothing" },
  { "network.backbone", "\"alexnet\"", NULL, "one of vgg16, mobilenet_v1", "\"alexnet\"" },
  { "network.backbone", "16", NULL, "one of vgg16, mobilenet_v1", "16" },
  { "network.width", "0", NULL, "a number above 0", "0" },
  { "network.width", "-1", NULL, "a number above 0", "-1" },
  { "network.width", "1e9", NULL, "up to 16", "1000000000.0" },
  { "network.width", "\"1\"", NULL, "a number", "\"1\"" },
  { "network.depth", "0", NULL, "from 1 to 1000", "0" },
  { "network.depth", "50.5", NULL, "a whole number", "50.5" },
  { "network.strides", "[]", NULL, "a list of 1 to 4 strides", "[]" },
  { "network.strides", "[1, 2, 2, 2, 2]", NULL, "a list of 1 to 4 strides", "[1,2,2,2,2]" },
  { "network.strides", "[1, 3]", "network.strides[1]", "from 1 to 2", "3" },
  { "network.groups", "0", NULL, "from 1 to 1024", "0" },
  { "network.stride_place", "\"first\"", NULL, "one of 3x3, 1x1", "\"first\"" },
  { "network.activation", "\"RELU\"", NULL, "one of relu, relu6, leaky_relu", "\"RELU\"" },
  { "network.slope", "0", NULL, "a number above 0", "0" },
  { "network.slope", "1.5", NULL, "up to 1", "1.5" },
  { "network.post_activation", "\"hard_swish\"", NULL, "one of relu, relu6, leaky_relu", "\"hard_swish\"" },
  { "network.padding", "\"valid\"", NULL, "one of symmetric, same", "\"valid\"" },
  { "network.levels", "0", NULL, "from 1 to 8", "0" },
  { "network.levels", "9", NULL, "from 1 to 8", "9" },
  { "network.levels", "-1", NULL, "from 1 to 8", "-1" },
  { "network.levels", "2.5", NULL, "a whole number", "2.5" },
  { "network.levels", "1e300", NULL, "from 1 to 8", "1.0000000000000001e+300" },
  { "network.levels", "3", "network.sources", "a list of 3 to 8 names", "[\"layer3\",\"extras.0.2\"]" },
  { "network.levels", "1", "anchors.maps", "a list of 1 maps (one per network.levels)", "[[15,20],[8,10]]" },
  { "network.sources", "[]", NULL, "a list of 2 to 8 names", "[]" },
  { "network.sources", "\"extras.0\"", NULL, "a list", "\"extras.0\"" },
  { "network.sources", "[\"a\", 1]", "network.sources[1]", "a name", "1" },
  { "network.sources", "[\"a\", \"\"]", "network.sources[1]", "a name", "\"\"" },
  { "network.extras", "[2, 2]", NULL, "an object", "[2,2]" },
  { "network.extras.stride", NULL, NULL, "a list of 1 to 8 strides", "nothing" },
  { "network.extras.pad", NULL, NULL, "a list of 2 paddings (one per stride)", "nothing" },
  { "network.extras.pad", "[1]", NULL, "a list of 2 paddings (one per stride)", "[1]" },
  { "network.extras.stride", "[]", NULL, "a list of 1 to 8 strides", "[]" },
  { "network.extras.stride", "[1,1,1,1,1,1,1,1,1]", NULL, "a list of 1 to 8 strides", "[1,1,1,1,1,1,1,1,1]" },
  { "network.extras.stride", "[2, 0]", "network.extras.stride[1]", "from 1 to 8", "0" },
  { "network.extras.pad", "[-1, 0]", "network.extras.pad[0]", "from 0 to 8", "-1" },
  { "network.upsample", "true", NULL, "one of deconv, nearest, bilinear", "true" },
  { "network.attention", "\"cbam\"", NULL, "an object", "\"cbam\"" },
  { "network.head", "\"yolo\"", NULL, "one of ssd, classifier", "\"yolo\"" },
  { "network.head", "\"classifier\"", NULL, "one that can detect", "\"classifier\"" },
  { "network.attention.kind", "7", NULL, "one of none, se, cbam, bam, eca, self", "7" },
  { "network.attention.kind", "\"\"", NULL, "one of none, se, cbam, bam, eca, self", "\"\"" },
  { "network.attention.kind", "\"swin\"", NULL, "one of none, se, cbam, bam, eca, self", "\"swin\"" },
  { "network.attention.pool", "\"avg\"", NULL, "a list of 1 to 4 pool types", "\"avg\"" },
  { "network.attention.pool", "[]", NULL, "a list of 1 to 4 pool types", "[]" },
  { "network.attention.pool", "[\"min\"]", "network.attention.pool[0]", "one of avg, max, lp, lse", "\"min\"" },
  { "network.attention.pool", "[\"avg\", \"avg\"]", "network.attention.pool[1]", "once", "\"avg\"" },
  { "network.attention.order", "\"both\"", NULL, "one of channel-spatial, spatial-channel, parallel", "\"both\"" },
  { "network.attention.spatial_input", "\"max\"", NULL, "one of max-mean, mean-max, conv", "\"max\"" },
  { "network.attention.spatial", "false", NULL, "true where network.attention.channel is false", "false" },
  { "network.attention.channel", "0", NULL, "true or false", "0" },
  { "network.attention.combine", "\"sub\"", NULL, "one of mul, add", "\"sub\"" },
  { "network.attention.dilation", "0", NULL, "from 1 to 64", "0" },
  { "network.attention.spatial_relu", "\"no\"", NULL, "true or false", "\"no\"" },
  { "network.attention.place", "\"heads\"", NULL, "one of levels, blocks, both, stages", "\"heads\"" },
  { "network.sum_relu", "[]", NULL, "true or false", "[]" },
  { "network.bn_eps", "0", NULL, "a number above 0", "0" },
  { "network.bn_eps", "-1e-05", NULL, "a number above 0", "-1.0000000000000001e-05" },
  { "network.l2norm_eps", "2", NULL, "up to 1", "2" },

  { "input", NULL, NULL, "an object", "nothing" },
  { "input", "300", NULL, "an object", "300" },
  { "input.width", NULL, NULL, "from 1 to 8192", "nothing" },
  { "input.width", "0", NULL, "from 1 to 8192", "0" },
  { "input.height", NULL, NULL, "from 1 to 8192", "nothing" },
  { "input.height", "8193", NULL, "from 1 to 8192", "8193" },
  { "input.height", "-300", NULL, "from 1 to 8192", "-300" },
  { "input.height", "4294967596", NULL, "from 1 to 8192", "4294967596" },
  { "input.channels", NULL, NULL, "one of rgb, bgr", "nothing" },
  { "input.channels", "\"gbr\"", NULL, "one of rgb, bgr", "\"gbr\"" },
  { "input.mean", "[1, 2]", NULL, "a list of 3 numbers", "[1,2]" },
  { "input.mean", "127.5", NULL, "a list of 3 numbers", "127.5" },
  { "input.mean", "[1, 2, \"3\"]", "input.mean[2]", "a number", "\"3\"" },
  { "input.mean", "[1, null, 3]", "input.mean[1]", "a number", "null" },
  { "input.scale", "[1, 0, 1]", "input.scale[1]", "a number above 0", "0" },
  { "input.scale", "[1, 1, -1]", "input.scale[2]", "a number above 0", "-1" },
  { "input.scale", "[1, 1, 1, 1]", NULL, "a list of 3 numbers", "[1,1,1,1]" },
  { "input.resize", "\"cover\"", NULL, "one of stretch, letterbox, crop", "\"cover\"" },
  { "input.resize", "\"crop\"", "input.crop", "an object", "nothing" },
  { "input.crop", "{ \"shorter\": 256 }", NULL, "none where input.resize is not crop", "{\"shorter\":256}" },
  { "input.filter", "\"nearest\"", NULL, "one of none, bilinear, bicubic", "\"nearest\"" },
  { "input.rounding", "\"u16\"", NULL, "one of none, u8", "\"u16\"" },

  { "anchors", NULL, NULL, "an object", "nothing" },
  { "anchors", "[[0.5, 0.5, 0.1, 0.1]]", NULL, "an object", "[[0.5,0.5,0.10000000000000001,0.10000000000000001]]" },
  { "anchors", "{}", NULL, "\"tensor\" or \"maps\"", "{}" },
  { "anchors.tensor", "\"anchors\"", "anchors.maps", "no maps beside anchors.tensor", "[[15,20],[8,10]]" },
  { "anchors.tensor", "7", NULL, "a string", "7" },
  { "anchors.maps", "[[15, 20]]", NULL, "a list of 2 maps", "[[15,20]]" },
  { "anchors.maps", "[38, 19]", "anchors.maps[0]", "[height, width]", "38" },
  { "anchors.maps", "[[15, 20], [8, 10, 12]]", "anchors.maps[1]", "[height, width]", "[8,10,12]" },
  { "anchors.maps", "[[15, 20], [0, 10]]", "anchors.maps[1][0]", "from 1 to 240", "0" },
  { "anchors.maps", "[[15, 321], [8, 10]]", "anchors.maps[0][1]", "from 1 to 320", "321" },
  { "anchors.steps", "[16]", NULL, "a list of 2 steps", "[16]" },
  { "anchors.steps", "[16, 0]", "anchors.steps[1]", "a number above 0", "0" },
  { "anchors.steps", "[16, [32]]", "anchors.steps[1]", "a number or [height, width]", "[32]" },
  { "anchors.steps", "[16, [32, -1]]", "anchors.steps[1]", "a number above 0", "-1" },
  { "anchors.min_sizes", NULL, NULL, "a list of 2 numbers", "nothing" },
  { "anchors.min_sizes", "[60]", NULL, "a list of 2 numbers", "[60]" },
  { "anchors.min_sizes", "[60, null]", "anchors.min_sizes[1]", "a number above 0", "null" },
  { "anchors.min_sizes", "[0, 60]", "anchors.min_sizes[0]", "a number above 0", "0" },
  { "anchors.max_sizes", "[60, 80, 90]", NULL, "a list of 2 numbers or nulls", "[60,80,90]" },
  { "anchors.max_sizes", "[null, 105]", "anchors.max_sizes[1]", "a number above 105", "105" },
  { "anchors.max_sizes", "[null, 1e6]", "anchors.max_sizes[1]", "up to 16384", "1000000.0" },
  { "anchors.aspect_ratios", "[[2]]", NULL, "a list of 2 lists", "[[2]]" },
  { "anchors.aspect_ratios", "[[2], 3]", "anchors.aspect_ratios[1]", "a list of 0 to 8 numbers", "3" },
  { "anchors.aspect_ratios", "[[2], [1,2,3,4,5,6,7,8,9]]", "anchors.aspect_ratios[1]", "0 to 8",
    "[1,2,3,4,5,6,7,8,9]" },
  { "anchors.aspect_ratios", "[[2], [2, 0]]", "anchors.aspect_ratios[1][1]", "a number above 0", "0" },
  { "anchors.aspect_ratios", "[[-2], []]", "anchors.aspect_ratios[0][0]", "a number above 0", "-2" },
  { "anchors.clip", "true", NULL, "one of none, cxcywh, wh, corner", "true" },
  { "anchors.offset", "1.5", NULL, "a number from 0 and up to 1", "1.5" },

  { "output", NULL, NULL, "an object", "nothing" },
  { "output.classes", NULL, NULL, "a list of 1 to 8192 names", "nothing" },
  { "output.classes", "[]", NULL, "a list of 1 to 8192 names", "[]" },
  { "output.classes", "21", NULL, "a list of 1 to 8192 names", "21" },
  { "output.classes", "[\"background\", 1]", "output.classes[1]", "a name", "1" },
  { "output.classes", "[\"background\", \"\"]", "output.classes[1]", "a name", "\"\"" },
  { "output.classes", "[\"background\", \"???\"]", NULL, "a class besides background", "[\"background\",\"???\"]" },
  { "output.score", NULL, NULL, "one of softmax, sigmoid", "nothing" },
  { "output.score", "\"max\"", NULL, "one of softmax, sigmoid", "\"max\"" },
  { "output.boxes", "\"bins\"", NULL, "one of offsets, distribution", "\"bins\"" },
  { "output.boxes", "\"offsets\"", "output.bins", "none where output.boxes is not distribution", "16" },
  { "output.boxes", NULL, "output.bins", "none where output.boxes is not distribution", "16" },
  { "output.bins", "1", NULL, "a whole number from 2 to 32", "1" },
  { "output.bins", "33", NULL, "a whole number from 2 to 32", "33" },
  { "output.bins", "2.5", NULL, "a whole number", "2.5" },
  { "output.variances", "[0.1, 0.2]", NULL, "a list of 4 numbers", "[0.10000000000000001,0.20000000000000001]" },
  { "output.variances", "[1, 1, 0, 1]", "output.variances[2]", "a number above 0", "0" },

  { "nms", "0.5", NULL, "an object", "0.5" },
  { "nms.threshold", "1.5", NULL, "a number from 0 and up to 1", "1.5" },
  { "nms.threshold", "-0.5", NULL, "a number from 0 and up to 1", "-0.5" },
  { "nms.iou", "45", NULL, "a number from 0 and up to 1", "45" },
  { "nms.iou", "true", NULL, "a number", "true" },
  { "nms.across", "1.01", NULL, "a number from 0 and up to 1", "1.01" },
  { "nms.across", "-1", NULL, "a number from 0 and up to 1", "-1" },
  { "nms.top_k", "-1", NULL, "from 0 to 1000000", "-1" },
  { "nms.keep", "1.5", NULL, "a whole number", "1.5" },
  { "nms.profile", "\"yolo\"", NULL, "one of caffe, ssd.pytorch, torchvision, lufficc, rfbnet, qfgaohao", "\"yolo\"" },
};

/* The same of a classifier. */
static const char classifier[] =
    "{ \"version\": 1, \"task\": \"classify\","
    "  \"network\": { \"backbone\": \"resnet\", \"depth\": 18, \"attention\": { \"kind\": \"cbam\" } },"
    "  \"input\": { \"width\": 240, \"height\": 224, \"channels\": \"rgb\", \"resize\": \"crop\","
    "    \"crop\": { \"shorter\": 256 } },"
    "  \"output\": { \"classes\": [\"cat\", \"dog\"], \"score\": \"sigmoid\", \"threshold\": 0.25, \"top_k\": 3 } }";

static void
test_classifier (void)
{
  g_autofree char *plain = with (classifier, "output", "{ \"classes\": [\"cat\"], \"score\": \"softmax\" }");
  g_autofree char *part = with (classifier, "input.crop", "{ \"fraction\": 0.875 }");
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", classifier, &error);
  g_autoptr (CbamSpec) usual = NULL, cut = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (spec->task, ==, CBAM_TASK_CLASSIFY);
  g_assert_null (spec->network.detector);
  g_assert_true (spec->network.head == &cbam_head_classifier);
  g_assert_cmpint (spec->network.attention.place, ==, CBAM_PLACE_BLOCKS);
  g_assert_cmpint (spec->input.resize, ==, CBAM_RESIZE_CROP);
  g_assert_cmpuint (spec->input.shorter, ==, 256);
  g_assert_cmpfloat (spec->nms.params.threshold, ==, 0.25f);
  g_assert_cmpuint (spec->nms.params.max_detections, ==, 3);

  usual = cbam_spec_parse ("m", plain, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (usual->nms.params.threshold, ==, 0);
  g_assert_cmpuint (usual->nms.params.max_detections, ==, 5);

  cut = cbam_spec_parse ("m", part, &error);
  g_assert_no_error (error);
  g_assert_true (cut->input.fraction == 0.875 && cut->input.shorter == 0);
}

static const struct
{
  const char *path, *value, *expected, *found;
} bad_of_classifiers[] = {
  { "network.head", "\"ssd\"", "one that can classify", "\"ssd\"" },
  { "network.detector", "\"ssd\"", "nothing in a classifier", "\"ssd\"" },
  { "network.levels", "6", "nothing in a classifier", "6" },
  { "network.sources", "[\"layer4\"]", "nothing in a classifier", "[\"layer4\"]" },
  { "network.extras", "{}", "nothing in a classifier", "{}" },
  { "network.attention.place", "\"levels\"", "one of blocks, stages in a classifier, which has no levels",
    "\"levels\"" },
  { "network.attention.place", "\"both\"", "one of blocks, stages in a classifier, which has no levels", "\"both\"" },
  { "input.crop", "{}", "either \"shorter\" or \"fraction\"", "{}" },
  { "input.crop", "{ \"shorter\": 256, \"fraction\": 0.5 }", "either \"shorter\" or \"fraction\"",
    "{\"shorter\":256,\"fraction\":0.5}" },
  { "input.crop.shorter", "223", "a whole number from 224 to 8192", "223" },
  { "input.crop", "7", "an object", "7" },
  { "output.threshold", "2", "a number from 0 and up to 1", "2" },
  { "output.top_k", "-1", "from 0 to 1000000", "-1" },
};

static void
test_bad_classifier (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_of_classifiers); i++) {
    g_autofree char *json = with (classifier, bad_of_classifiers[i].path, bad_of_classifiers[i].value);

    assert_refused (json, bad_of_classifiers[i].path, bad_of_classifiers[i].expected, bad_of_classifiers[i].found);
  }
}

/* What says how a ResNet is built, where there is none. */
static void
test_bad_backbone (void)
{
  static const char *const keys[][2] = {
    { "network.depth", "50" },
    { "network.strides", "[1,2,2]" },
    { "network.stride_place", "\"3x3\"" },
    { "network.groups", "1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autofree char *json = with (smallest, keys[i][0], keys[i][1]);

    assert_refused (json, keys[i][0], "nothing with vgg16", keys[i][1]);
  }
}

static void
test_bad (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *json = with (full, bad[i].path, bad[i].value);

    assert_refused (json, bad[i].at != NULL ? bad[i].at : bad[i].path, bad[i].expected, bad[i].found);
  }
}

/* What is no document at all. */
static void
test_not_a_document (void)
{
  static const char *const texts[] = {
    "",
    " ",
    "[]",
    "\"version\"",
    "1",
    "null",
    "{",
    "{\"version\": 1",
    "{\"version\": }",
    "{\"version\": NaN}",
    "{\"version\": Infinity}",
    "{\"version\": -Infinity}",
    "{version: 1}",
    "{\"version\": 1,}",
    "{'version': 1}",
    "{\"version\": 1} {\"version\": 1}",
    "var x = {\"version\": 1}",
    "{\"version\": 1, \"version\": 1}",
    "{\"version\": \"\xc3\x28\"}",
    "{\"version\": 1 /* one */}",
    "{\"version\": 1]",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (cbam_spec_parse ("m.safetensors", texts[i], &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
    g_assert_true (g_str_has_prefix (error->message, "m.safetensors: metadata cbamdetect: expected "));
  }
}

/* Numbers that no double holds. */
static void
test_infinite (void)
{
  static const char *const numbers[] = { "1e999", "-1e999", "99999999999999999999999999" };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_autofree char *json = g_strdup_printf ("{\"version\": 1, \"network\": {\"detector\": \"ssd\", "
                                             "\"backbone\": \"vgg16\", \"width\": %s}}",
                                             numbers[i]);
    g_autoptr (GError) error = NULL;

    g_assert_null (cbam_spec_parse ("m", json, &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
    g_assert_nonnull (strstr (error->message, "m: network.width: expected a number above 0 and up to 16"));
  }
}

/* A few numbers must not be able to ask for gigabytes. */
static void
test_too_many_anchors (void)
{
  g_autofree char *big = with (full, "input", "{\"width\": 8192, \"height\": 8192, \"channels\": \"rgb\"}");
  g_autofree char *json = with (big, "anchors.maps", "[[8192,8192],[8,10]]");

  assert_refused (json, "anchors.maps", "at most 4000000 anchors (not 201327072)", "[[8192,8192],[8,10]]");
}

/* The first error is the one reported: errors further down come of it, or are for the next try. */
static void
test_first_error (void)
{
  g_autofree char *one = with (full, "nms.iou", "3");
  g_autofree char *two = with (one, "network.width", "\"wide\"");

  assert_refused (two, "network.width", "a number", "\"wide\"");
}

/* What looks odd and is right. */
static void
test_tolerated (void)
{
  static const struct
  {
    const char *path, *value;
  } good[] = {
    { "version", "1.0" },
    { "name", "null" },
    { "network.levels", "2.0" },
    { "network.sources", "[\"a\", \"b\", \"c\"]" }, /* StairNet's seed has no level of its own */
    { "network.sources", "null" },
    { "network.extras", NULL },
    { "network.attention", "{\"kind\": \"none\", \"spatial\": false, \"channel\": false}" },
    { "anchors.steps", NULL },
    { "anchors.max_sizes", NULL },
    { "anchors.aspect_ratios", NULL },
    { "anchors.aspect_ratios", "[[], []]" },
    { "anchors.tensor", "null" },
    { "output.bins", NULL },
    { "output.bins", "2" },
    { "output.bins", "32" },
    { "nms", NULL },
    { "nms.threshold", "0" },
    { "nms.iou", "1" },
    { "nms.across", "0" },
    { "nms.across", "null" },
    { "provenance", NULL },
    { "provenance", "{\"metrics\": [[[]]]}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autofree char *json = with (full, good[i].path, good[i].value);
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", json, &error);

    g_assert_no_error (error);
    g_assert_nonnull (spec);
  }
}

static void
test_profiles (void)
{
  static const struct
  {
    const char *name;
    CbamNmsProfile profile;
    guint top_k, keep;
  } profiles[] = {
    { "caffe", CBAM_PROFILE_CAFFE, 400, 200 },
    { "ssd.pytorch", CBAM_PROFILE_SSD_PYTORCH, 200, 0 },
    { "torchvision", CBAM_PROFILE_TORCHVISION, 400, 200 },
    { "lufficc", CBAM_PROFILE_LUFFICC, 0, 100 },
    { "rfbnet", CBAM_PROFILE_RFBNET, 0, 200 },
    { "qfgaohao", CBAM_PROFILE_QFGAOHAO, 200, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (profiles); i++) {
    g_autofree char *nms = g_strdup_printf ("{\"profile\": \"%s\"}", profiles[i].name);
    g_autofree char *json = with (full, "nms", nms);
    g_autofree char *given = with (json, "nms.top_k", "7");
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamSpec) spec = cbam_spec_parse ("m", json, &error);
    g_autoptr (CbamSpec) spec_given = cbam_spec_parse ("m", given, NULL);

    g_assert_no_error (error);
    g_assert_cmpint (spec->nms.profile, ==, profiles[i].profile);
    g_assert_cmpfloat (spec->nms.params.threshold, ==, 0.5f);
    g_assert_cmpfloat (spec->nms.params.nms_iou, ==, 0.45f);
    g_assert_cmpuint (spec->nms.params.top_k, ==, profiles[i].top_k);
    g_assert_cmpuint (spec->nms.params.max_detections, ==, profiles[i].keep);
    g_assert_cmpuint (spec_given->nms.params.top_k, ==, 7);
    g_assert_cmpuint (spec_given->nms.params.max_detections, ==, profiles[i].keep);
  }
}

static void
test_free (void)
{
  cbam_spec_free (NULL);
  cbam_spec_free (g_new0 (CbamSpec, 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/full", test_full);
  g_test_add_func ("/spec/full-pictures", test_full_pictures);
  g_test_add_func ("/spec/defaults", test_defaults);
  g_test_add_func ("/spec/bad", test_bad);
  g_test_add_func ("/spec/bad-backbone", test_bad_backbone);
  g_test_add_func ("/spec/bad-classifier", test_bad_classifier);
  g_test_add_func ("/spec/classifier", test_classifier);
  g_test_add_func ("/spec/not-a-document", test_not_a_document);
  g_test_add_func ("/spec/infinite", test_infinite);
  g_test_add_func ("/spec/too-many-anchors", test_too_many_anchors);
  g_test_add_func ("/spec/first-error", test_first_error);
  g_test_add_func ("/spec/tolerated", test_tolerated);
  g_test_add_func ("/spec/profiles", test_profiles);
  g_test_add_func ("/spec/free", test_free);
  return g_test_run ();
}
