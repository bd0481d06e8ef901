/* libcbamdetect: object detection with SSD and StairNet as Vulkan compute, in four nouns.
 *
 *     g_autoptr (CbamDevice) device = cbam_device_open (NULL, &error);
 *     g_autoptr (CbamModel) model = cbam_model_load (device, "m.safetensors", NULL, &error);
 *     g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, &error);
 *     cbam_detector_submit (detector, &(CbamImage){ .format = CBAM_FORMAT_RGB, ... }, NULL, &error);
 *     g_autoptr (CbamResult) result = cbam_detector_collect (detector, &error);
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/describe.h>
#include <cbamdetect/detector.h>
#include <cbamdetect/device.h>
#include <cbamdetect/image.h>
#include <cbamdetect/info.h>
#include <cbamdetect/model.h>
#include <cbamdetect/result.h>
#include <cbamdetect/types.h>
#include <cbamdetect/version.h>
