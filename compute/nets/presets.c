/* Networks known by name.
 *
 * The two SSD rows of the CBAM paper's VOC table (Woo et al. 2018, arXiv 1807.06521) have six boxes a cell on
 * the finest level too, which is what its parameter counts say: 26.5 and 5.81 million. Anchors are those of its
 * lineage, ruinmessi/RFBNet.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/presets.h"

#define VOC                                                                                                            \
  "\"output\": { \"classes\": [\"background\", \"aeroplane\", \"bicycle\", \"bird\", \"boat\", \"bottle\", \"bus\","   \
  " \"car\", \"cat\", \"chair\", \"cow\", \"diningtable\", \"dog\", \"horse\", \"motorbike\", \"person\","             \
  " \"pottedplant\", \"sheep\", \"sofa\", \"train\", \"tvmonitor\"],"                                                  \
  " \"score\": \"softmax\", \"variances\": [0.1, 0.1, 0.2, 0.2] },"                                                    \
  "\"nms\": { \"profile\": \"caffe\" }"

#define INPUT(size, mean)                                                                                              \
  "\"input\": { \"width\": " size ", \"height\": " size ", \"channels\": \"bgr\", \"mean\": " mean                     \
  ", \"scale\": [1, 1, 1] },"

/* clang-format off */
const CbamPreset cbam_presets[] = {
  { "ssd-vgg16", 3,
    "{ \"version\": 1, \"name\": \"ssd-vgg16\","
    "\"network\": { \"detector\": \"ssd\", \"backbone\": \"vgg16\" },"
    INPUT ("300", "[104, 117, 123]")
    "\"anchors\": { \"maps\": [[38,38], [19,19], [10,10], [5,5], [3,3], [1,1]],"
    " \"steps\": [8, 16, 32, 64, 100, 300],"
    " \"min_sizes\": [30, 60, 111, 162, 213, 264], \"max_sizes\": [60, 111, 162, 213, 264, 315],"
    " \"aspect_ratios\": [[2,3], [2,3], [2,3], [2,3], [2], [2]], \"clip\": \"cxcywh\" },"
    VOC "}" },
  { "ssd512-vgg16", 3,
    "{ \"version\": 1, \"name\": \"ssd512-vgg16\","
    "\"network\": { \"detector\": \"ssd\", \"backbone\": \"vgg16\", \"levels\": 7 },"
    INPUT ("512", "[104, 117, 123]")
    "\"anchors\": { \"maps\": [[64,64], [32,32], [16,16], [8,8], [4,4], [2,2], [1,1]],"
    " \"steps\": [8, 16, 32, 64, 128, 256, 512],"
    " \"min_sizes\": [35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8],"
    " \"max_sizes\": [76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6],"
    " \"aspect_ratios\": [[2], [2,3], [2,3], [2,3], [2,3], [2], [2]], \"clip\": \"cxcywh\" },"
    VOC "}" },
  { "ssd-mobilenet", 1,
    "{ \"version\": 1, \"name\": \"ssd-mobilenet\","
    "\"network\": { \"detector\": \"ssd\", \"backbone\": \"mobilenet_v1\" },"
    INPUT ("300", "[103.94, 116.78, 123.68]")
    "\"anchors\": { \"maps\": [[19,19], [10,10], [5,5], [3,3], [2,2], [1,1]],"
    " \"steps\": [16, 32, 64, 100, 150, 300],"
    " \"min_sizes\": [45, 90, 135, 180, 225, 270], \"max_sizes\": [90, 135, 180, 225, 270, 315],"
    " \"aspect_ratios\": [[2,3], [2,3], [2,3], [2,3], [2], [2]], \"clip\": \"cxcywh\" },"
    VOC "}" },
  { NULL, 0, NULL },
};
/* clang-format on */

const CbamPreset *
cbam_preset_find (const char *name)
{
  for (guint i = 0; cbam_presets[i].name; i++)
    if (g_str_equal (cbam_presets[i].name, name))
      return &cbam_presets[i];
  return NULL;
}
