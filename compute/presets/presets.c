/* Networks known by name: the eight detectors of the CBAM paper's VOC table (Woo et al. 2018, arXiv 1807.06521) and
 * seven more, and the classifiers of its ImageNet tables.
 *
 * The detectors have six boxes a cell on the finest level too, which is what the table's parameter counts say: 26.5
 * and 5.81 million for plain SSD. Anchors are those of its lineage, ruinmessi/RFBNet. docs/networks.md has the reasons.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "presets/presets.h"

#define N_IMAGENET 1000

#define VOC_CLASSES                                                                                                    \
  "\"aeroplane\", \"bicycle\", \"bird\", \"boat\", \"bottle\", \"bus\", \"car\", \"cat\", \"chair\", \"cow\","         \
  " \"diningtable\", \"dog\", \"horse\", \"motorbike\", \"person\", \"pottedplant\", \"sheep\", \"sofa\", \"train\","  \
  " \"tvmonitor\"],"

#define VOC                                                                                                            \
  "\"output\": { \"classes\": [\"background\", " VOC_CLASSES                                                           \
  " \"score\": \"softmax\", \"variances\": [0.1, 0.1, 0.2, 0.2] },"                                                    \
  "\"nms\": { \"profile\": \"caffe\" }"

#define INPUT(size, mean)                                                                                              \
  "\"input\": { \"width\": " size ", \"height\": " size ", \"channels\": \"bgr\", \"mean\": " mean                     \
  ", \"scale\": [1, 1, 1] },"

#define NETWORK(name, detector, backbone, attention)                                                                   \
  "{ \"version\": 1, \"name\": \"" name "\", \"network\": { \"detector\": \"" detector "\", \"backbone\": \"" backbone \
  "\", \"attention\": { \"kind\": \"" attention "\" } },"

#define VGG16_300                                                                                                      \
  INPUT ("300", "[104, 117, 123]")                                                                                     \
  ANCHORS_300 ("[2,3]") VOC "}"

/* Caffe's of SSD300, but for the aspect ratios of the finest level. */
#define ANCHORS_300(finest)                                                                                            \
  "\"anchors\": { \"maps\": [[38,38], [19,19], [10,10], [5,5], [3,3], [1,1]],"                                         \
  " \"steps\": [8, 16, 32, 64, 100, 300],"                                                                             \
  " \"min_sizes\": [30, 60, 111, 162, 213, 264], \"max_sizes\": [60, 111, 162, 213, 264, 315],"                        \
  " \"aspect_ratios\": [" finest ", [2,3], [2,3], [2,3], [2], [2]], \"clip\": \"cxcywh\" },"

#define MOBILENET_300 INPUT ("300", "[103.94, 116.78, 123.68]") MOBILENET_ANCHORS VOC "}"

#define MOBILENET_ANCHORS                                                                                              \
  "\"anchors\": { \"maps\": [[19,19], [10,10], [5,5], [3,3], [2,2], [1,1]],"                                           \
  " \"steps\": [16, 32, 64, 100, 150, 300],"                                                                           \
  " \"min_sizes\": [45, 90, 135, 180, 225, 270], \"max_sizes\": [90, 135, 180, 225, 270, 315],"                        \
  " \"aspect_ratios\": [[2,3], [2,3], [2,3], [2,3], [2], [2]], \"clip\": \"cxcywh\" },"

/* Input and anchors are qfgaohao/pytorch-ssd's; the heads, which have depthwise convolutions there, are 1x1 here. */
#define MOBILENET_V2_300                                                                                               \
  "\"input\": { \"width\": 300, \"height\": 300, \"channels\": \"rgb\", \"mean\": [127, 127, 127],"                    \
  " \"scale\": [0.0078125, 0.0078125, 0.0078125] },"                                                                   \
  "\"anchors\": { \"maps\": [[19,19], [10,10], [5,5], [3,3], [2,2], [1,1]],"                                           \
  " \"steps\": [16, 32, 64, 100, 150, 300],"                                                                           \
  " \"min_sizes\": [60, 105, 150, 195, 240, 285], \"max_sizes\": [105, 150, 195, 240, 285, 330],"                      \
  " \"aspect_ratios\": [[2,3], [2,3], [2,3], [2,3], [2,3], [2,3]], \"clip\": \"cxcywh\" }," VOC "}"

/* Of NanoDet-Plus-m-1.5x, whose trunk has trained weights: channels in OpenCV's order, ImageNet's mean and deviation.
 */
#define SHUFFLENET_INPUT(size)                                                                                         \
  "\"input\": { \"width\": " size ", \"height\": " size ", \"channels\": \"bgr\","                                     \
  " \"mean\": [103.53, 116.28, 123.675], \"scale\": [0.0174291939, 0.0175070028, 0.0171247538] },"
#define SHUFFLENET "\"backbone\": \"shufflenet_v2\", \"width\": 1.5, \"activation\": \"leaky_relu\", \"slope\": 0.1,"

/* StairNet on VGG16 is its second author's; on MobileNet it is the smallest reconstruction that has the paper's
 * parameter counts: depthwise steps, 1x1 convolutions after the sum, and no batch norm before it. */
#define STAIRNET_VGG16 .head_kernel = 3, .neck_width = 256, .post_kernel = 3, .neck_norm = TRUE
#define STAIRNET_MOBILENET .head_kernel = 1, .neck_width = 128, .post_kernel = 1, .depthwise_steps = TRUE
/* On ShuffleNetV2 it is what can start as NanoDet-Plus: two separable 5x5 convolutions after the sum. */
#define STAIRNET_SHUFFLENET                                                                                            \
  .head_kernel = 1, .neck_width = 128, .laterals = 4, .post_kernel = 5, .separable_posts = TRUE,                       \
  .depthwise_steps = TRUE, .extra_kernel = 5, .folded = TRUE

/* The trunk of NVIDIA's SSD300, of ResNet-50 what is before layer4, with a stride of 8, and its extras; ImageNet's mean
 * and deviation. Anchors are SSD300's for VOC. */
#define RESNET_300(name, attention)                                                                                    \
  "{ \"version\": 1, \"name\": \"" name "\", \"network\": { \"detector\": \"ssd\", \"backbone\": \"resnet\","          \
  " \"depth\": 50, \"strides\": [1, 2, 1], \"sources\": [\"layer3\", \"extras.0.3\", \"extras.1.3\", \"extras.2.3\","  \
  " \"extras.3.3\", \"extras.4.3\"], \"extras\": { \"stride\": [2, 2, 2, 1, 1], \"pad\": [1, 1, 1, 0, 0] },"           \
  " \"attention\": { \"kind\": \"" attention "\", \"place\": \"blocks\" } },"                                          \
  "\"input\": { \"width\": 300, \"height\": 300, \"channels\": \"rgb\", \"mean\": [123.675, 116.28, 103.53],"          \
  " \"scale\": [0.0171247538, 0.0175070028, 0.0174291939] }," ANCHORS_300 ("[2]") VOC "}"

/* The classifiers: a row of table 4 or 5 each, plain, with SE and with CBAM in every block. Their batch norms follow
 * the convolutions, as in Jongchan/attention-module. */
#define RESNET(depth) "\"backbone\": \"resnet\", \"depth\": " depth
#define ATTENTION(members) ", \"attention\": { " members " }"
#define CLASSIFIERS(name, network)                                                                                     \
  { name, .classifier = network }, { name "-se", .classifier = network ATTENTION ("\"kind\": \"se\"") },               \
  {                                                                                                                    \
    name "-cbam", .classifier = network ATTENTION ("\"kind\": \"cbam\"")                                               \
  }
/* Rows of its tables 1 to 3: CBAM on ResNet-50, changed. */
#define ABLATION(name, members, ...)                                                                                   \
  {                                                                                                                    \
    "resnet50-" name, .classifier = RESNET ("50") ATTENTION ("\"kind\": \"cbam\", " members), __VA_ARGS__              \
  }

/* As their authors have them: TensorFlow's padding and epsilon, a part of size / (size + 32) of the picture. */
#define EFFICIENTNET_LITE(number, size, fraction)                                                                      \
  {                                                                                                                    \
    "efficientnet-lite" number,                                                                                        \
        .classifier = "\"backbone\": \"efficientnet_lite" number                                                       \
                      "\", \"activation\": \"relu6\", \"padding\": \"same\", \"bn_eps\": 0.001",                       \
        .input = "\"width\": " size ", \"height\": " size ", \"channels\": \"rgb\", \"mean\": [127, 127, 127],"        \
                 " \"scale\": [0.0078125, 0.0078125, 0.0078125], \"resize\": \"crop\", \"filter\": \"bicubic\", "      \
                 "\"crop\": { \"fraction\": " fraction " }"                                                            \
  }

/* clang-format off */
const CbamPreset cbam_presets[] = {
  { "ssd-vgg16", .head_kernel = 3, .document = NETWORK ("ssd-vgg16", "ssd", "vgg16", "none") VGG16_300 },
  { "stairnet-vgg16", STAIRNET_VGG16, .document = NETWORK ("stairnet-vgg16", "stairnet", "vgg16", "none") VGG16_300 },
  { "stairnet-se-vgg16", STAIRNET_VGG16,
    .document = NETWORK ("stairnet-se-vgg16", "stairnet", "vgg16", "se") VGG16_300 },
  { "stairnet-cbam-vgg16", STAIRNET_VGG16,
    .document = NETWORK ("stairnet-cbam-vgg16", "stairnet", "vgg16", "cbam") VGG16_300 },
  { "ssd-mobilenet", .head_kernel = 1,
    .document = NETWORK ("ssd-mobilenet", "ssd", "mobilenet_v1", "none") MOBILENET_300 },
  { "stairnet-mobilenet", STAIRNET_MOBILENET,
    .document = NETWORK ("stairnet-mobilenet", "stairnet", "mobilenet_v1", "none") MOBILENET_300 },
  { "stairnet-se-mobilenet", STAIRNET_MOBILENET,
    .document = NETWORK ("stairnet-se-mobilenet", "stairnet", "mobilenet_v1", "se") MOBILENET_300 },
  { "stairnet-cbam-mobilenet", STAIRNET_MOBILENET,
    .document = NETWORK ("stairnet-cbam-mobilenet", "stairnet", "mobilenet_v1", "cbam") MOBILENET_300 },
  { "stairnet-bam-mobilenet", STAIRNET_MOBILENET,
    .document = NETWORK ("stairnet-bam-mobilenet", "stairnet", "mobilenet_v1", "bam") MOBILENET_300 },
  { "ssd-mobilenet-v2", .head_kernel = 1,
    .document = "{ \"version\": 1, \"name\": \"ssd-mobilenet-v2\", \"network\": { \"detector\": \"ssd\","
    " \"backbone\": \"mobilenet_v2\", \"activation\": \"relu6\" }," MOBILENET_V2_300 },
  { "ssd512-vgg16", .head_kernel = 3, .ten_extras = TRUE,
    .document = "{ \"version\": 1, \"name\": \"ssd512-vgg16\","
    "\"network\": { \"detector\": \"ssd\", \"backbone\": \"vgg16\", \"levels\": 7 },"
    INPUT ("512", "[104, 117, 123]")
    "\"anchors\": { \"maps\": [[64,64], [32,32], [16,16], [8,8], [4,4], [2,2], [1,1]],"
    " \"steps\": [8, 16, 32, 64, 128, 256, 512],"
    " \"min_sizes\": [35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8],"
    " \"max_sizes\": [76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6],"
    " \"aspect_ratios\": [[2], [2,3], [2,3], [2,3], [2,3], [2], [2]], \"clip\": \"cxcywh\" },"
    VOC "}" },
  { "ssd-shufflenet", .head_kernel = 1, .extra_kernel = 5, .folded = TRUE,
    .document = "{ \"version\": 1, \"name\": \"ssd-shufflenet\", \"network\": { \"detector\": \"ssd\"," SHUFFLENET
    " \"sources\": [\"stage3.7\", \"stage4.3\", \"extras.0.4\", \"extras.1.4\", \"extras.2.4\", \"extras.3.4\"] },"
    SHUFFLENET_INPUT ("300") MOBILENET_ANCHORS VOC "}" },
  { "stairnet-cbam-shufflenet", STAIRNET_SHUFFLENET,
    .document = "{ \"version\": 1, \"name\": \"stairnet-cbam-shufflenet\", \"network\": { \"detector\": \"stairnet\","
    SHUFFLENET " \"levels\": 4, \"post_activation\": \"leaky_relu\", \"attention\": { \"kind\": \"cbam\" } },"
    SHUFFLENET_INPUT ("352")
    "\"anchors\": { \"maps\": [[44,44], [22,22], [11,11], [6,6]], \"steps\": [8, 16, 32, 64], \"offset\": 0,"
    " \"min_sizes\": [40, 80, 160, 320], \"aspect_ratios\": [[], [], [], []] },"
    "\"output\": { \"classes\": [" VOC_CLASSES " \"score\": \"sigmoid\", \"boxes\": \"distribution\", \"bins\": 8,"
    " \"variances\": [0.1, 0.1, 0.2, 0.2] }, \"nms\": { \"profile\": \"caffe\" } }" },
  { "ssd-resnet50", .head_kernel = 3, .extra_norm = TRUE, .document = RESNET_300 ("ssd-resnet50", "none") },
  { "ssd-cbam-resnet50", .head_kernel = 3, .extra_norm = TRUE, .document = RESNET_300 ("ssd-cbam-resnet50", "cbam") },
  CLASSIFIERS ("resnet18", RESNET ("18")),
  CLASSIFIERS ("resnet34", RESNET ("34")),
  CLASSIFIERS ("resnet50", RESNET ("50")),
  CLASSIFIERS ("resnet101", RESNET ("101")),
  CLASSIFIERS ("wrn18x1.5", RESNET ("18") ", \"width\": 1.5"),
  CLASSIFIERS ("wrn18x2", RESNET ("18") ", \"width\": 2"),
  CLASSIFIERS ("resnext50", RESNET ("50") ", \"width\": 2, \"groups\": 32"),
  CLASSIFIERS ("resnext101", RESNET ("101") ", \"width\": 2, \"groups\": 32"),
  CLASSIFIERS ("mobilenet0.7", "\"backbone\": \"mobilenet_v1\", \"width\": 0.7"),
  CLASSIFIERS ("mobilenet", "\"backbone\": \"mobilenet_v1\""),
  ABLATION ("cam", "\"spatial\": false"),
  ABLATION ("cam-avg", "\"spatial\": false, \"pool\": [\"avg\"]"),
  ABLATION ("cam-max", "\"spatial\": false, \"pool\": [\"max\"]"),
  ABLATION ("cbam-3", "\"spatial\": true", .spatial_kernel = 3),
  ABLATION ("cbam-conv", "\"spatial_input\": \"conv\""),
  ABLATION ("cbam-conv-3", "\"spatial_input\": \"conv\"", .spatial_kernel = 3),
  ABLATION ("cbam-spatial-first", "\"order\": \"spatial-channel\""),
  ABLATION ("cbam-parallel", "\"order\": \"parallel\""),
  { "resnet50-bam", .classifier = RESNET ("50") ATTENTION ("\"kind\": \"bam\", \"place\": \"stages\"") },
  EFFICIENTNET_LITE ("0", "224", "0.875"),
  EFFICIENTNET_LITE ("1", "240", "0.88235294117647056"),
  EFFICIENTNET_LITE ("2", "260", "0.89041095890410960"),
  EFFICIENTNET_LITE ("3", "280", "0.89743589743589747"),
  EFFICIENTNET_LITE ("4", "300", "0.90361445783132532"),
  { "mobilenet-v3", .classifier = "\"backbone\": \"mobilenet_v3\", \"bn_eps\": 0.001" },
  { "ghostnet", .classifier = "\"backbone\": \"ghostnet\"" },
  { "mobilenet-v2", .classifier = "\"backbone\": \"mobilenet_v2\", \"activation\": \"relu6\"" },
  { NULL },
};
/* clang-format on */

const CbamPreset *
cbam_preset_find (const char *name)
{
  for (guint i = 0; cbam_presets[i].name != NULL; i++)
    if (g_str_equal (cbam_presets[i].name, name))
      return &cbam_presets[i];
  return NULL;
}

/* Most classifiers see what Jongchan/attention-module's evaluation shows them, which is torchvision's; all say which of
 * ImageNet's thousand classes it is. */
static char *
make_classifier (const CbamPreset *preset)
{
  static const char usual[] = "\"width\": 224, \"height\": 224, \"channels\": \"rgb\","
                              " \"mean\": [123.675, 116.28, 103.53],"
                              " \"scale\": [0.0171247538, 0.0175070028, 0.0174291939],"
                              " \"resize\": \"crop\", \"crop\": { \"shorter\": 256 },"
                              " \"filter\": \"bilinear\", \"rounding\": \"u8\"";
  g_autoptr (GString) classes = g_string_new (NULL);

  for (guint k = 0; k < N_IMAGENET; k++)
    g_string_append_printf (classes, "%s\"class %u\"", k > 0 ? ", " : "", k);
  return g_strdup_printf ("{ \"version\": 1, \"task\": \"classify\", \"name\": \"%s\", \"network\": { %s },"
                          " \"input\": { %s },"
                          " \"output\": { \"classes\": [%s], \"score\": \"softmax\" } }",
                          preset->name, preset->classifier, preset->input != NULL ? preset->input : usual,
                          classes->str);
}

char *
cbam_preset_get_document (const CbamPreset *preset)
{
  return preset->classifier != NULL ? make_classifier (preset) : g_strdup (preset->document);
}
