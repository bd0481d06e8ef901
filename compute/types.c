/* GTypes of the API, for bindings: counted things are boxed by reference, structs by copy.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>

G_DEFINE_BOXED_TYPE (CbamDevice, cbam_device, cbam_device_ref, cbam_device_unref)
G_DEFINE_BOXED_TYPE (CbamModel, cbam_model, cbam_model_ref, cbam_model_unref)
G_DEFINE_BOXED_TYPE (CbamDetector, cbam_detector, cbam_detector_ref, cbam_detector_unref)
G_DEFINE_BOXED_TYPE (CbamResult, cbam_result, cbam_result_ref, cbam_result_unref)
G_DEFINE_BOXED_TYPE (CbamDescription, cbam_description, cbam_description_ref, cbam_description_unref)
G_DEFINE_BOXED_TYPE (CbamDeviceList, cbam_device_list, cbam_device_list_ref, cbam_device_list_unref)
G_DEFINE_BOXED_TYPE (CbamImage, cbam_image, cbam_image_copy, cbam_image_free)
G_DEFINE_BOXED_TYPE (CbamClass, cbam_class, cbam_class_copy, cbam_class_free)
G_DEFINE_BOXED_TYPE (CbamDetection, cbam_detection, cbam_detection_copy, cbam_detection_free)
G_DEFINE_BOXED_TYPE (CbamModelInfo, cbam_model_info, cbam_model_info_ref, cbam_model_info_unref)
