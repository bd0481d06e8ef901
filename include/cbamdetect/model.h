/* CbamModel: a model file loaded on a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/device.h>

G_BEGIN_DECLS

/**
 * CbamOverlap:
 * @CBAM_OVERLAP_MODEL: as the model file's `nms.profile` says
 * @CBAM_OVERLAP_FRACTIONS: of boxes as they are, in fractions of the input: the `caffe` profile's rule, with which
 *   published figures are measured
 *
 * How non-maximum suppression measures the overlap of two boxes.
 */
typedef enum
{
  CBAM_OVERLAP_MODEL,
  CBAM_OVERLAP_FRACTIONS,
} CbamOverlap;

/**
 * CbamRegion:
 * @x: left edge in pixels
 * @y: top edge
 * @width: in pixels; 0 = the whole frame
 * @height: in pixels; 0 = the whole frame
 *
 * A rectangle of a frame. What of it lies outside is left out; where chroma is subsampled, odd edges move outwards by
 * a pixel.
 */
typedef struct
{
  guint x, y, width, height;
} CbamRegion;

/**
 * CbamDetectParams:
 * @threshold: report scores above this, 0..1
 * @nms_iou: boxes of one class that overlap a stronger one by more than this (intersection over union, 0..1) go
 * @top_k: candidates per class that enter NMS, 0 = all
 * @max_detections: report at most this many, 0 = all
 * @attention: report what attention modules looked at (cbam_result_get_attention())
 * @grad_cam: explain so many of the strongest detections (cbam_result_get_grad_cam()), 0 = none
 * @overlap: what @nms_iou is compared with, 0 = the model's own
 * @region: look only here; results are in pixels of the frame all the same
 * @classes: report class k only if bit k % 32 of element k / 32 is set; all 0 = every class
 *
 * What may change from frame to frame. Start from cbam_model_get_detect_params().
 */
typedef struct
{
  float threshold;
  float nms_iou;
  guint top_k;
  guint max_detections;
  gboolean attention;
  guint grad_cam;
  CbamOverlap overlap;
  CbamRegion region;
  guint32 classes[32];
} CbamDetectParams;

/**
 * cbam_model_find_default:
 * @error: return location for an error
 *
 * The model that runs when nobody names one: the file in the environment variable `CBAM_MODEL` if that is set, else the
 * StairNet+CBAM detector of the twenty Pascal VOC classes that ships with cbamdetect, installed or in a build tree.
 *
 * Returns: (transfer full) (type filename): its path, to be freed with g_free(), or %NULL with #CBAM_ERROR_NOT_FOUND
 */
CBAM_API char *cbam_model_find_default (GError **error);

/**
 * cbam_model_load:
 * @device: the device to run on
 * @path: (nullable): a `.safetensors` file in the format of models/README.md; %NULL = cbam_model_find_default()
 * @error: return location for an error
 *
 * Maps the file, checks it, packs its weights for @device and compiles the network. Models are shared: the same file
 * (device, inode, size and time of change) on the same device gives the same object. Thread-safe.
 *
 * Returns: (transfer full): the model, or %NULL with #CBAM_ERROR_NOT_FOUND, #CBAM_ERROR_BAD_MODEL (the message names
 * the key or tensor, what was expected and what was found), #CBAM_ERROR_UNSUPPORTED or #CBAM_ERROR_OUT_OF_MEMORY
 */
CBAM_API CbamModel *cbam_model_load (CbamDevice *device, const char *path, GError **error);

/**
 * cbam_model_load_preset:
 * @device: the device to run on
 * @name: one of cbam_model_get_presets()
 * @error: return location for an error
 *
 * A network known by name, with weights made up from a fixed seed: for measuring and for tests. It finds nothing.
 *
 * Returns: (transfer full): the model, or %NULL with #CBAM_ERROR_NOT_FOUND or as cbam_model_load()
 */
CBAM_API CbamModel *cbam_model_load_preset (CbamDevice *device, const char *name, GError **error);

/** cbam_model_get_presets: (transfer none) (array zero-terminated=1): the names of all presets. */
CBAM_API const char *const *cbam_model_get_presets (void);

CBAM_API CbamModel *cbam_model_ref (CbamModel *model);
/** cbam_model_unref: @model may be %NULL. */
CBAM_API void cbam_model_unref (CbamModel *model);

CBAM_API CbamDevice *cbam_model_get_device (const CbamModel *model);
/** cbam_model_get_name: the `name` of the file's metadata, else the file's own name. */
CBAM_API const char *cbam_model_get_name (const CbamModel *model);
CBAM_API const char *cbam_model_get_path (const CbamModel *model);
/** cbam_model_get_input_width: in pixels; frames of any size are resized to it on the device. */
CBAM_API guint cbam_model_get_input_width (const CbamModel *model);
CBAM_API guint cbam_model_get_input_height (const CbamModel *model);
/** cbam_model_get_n_classes: the length of the file's list of classes, background included. */
CBAM_API guint cbam_model_get_n_classes (const CbamModel *model);
/** cbam_model_get_class_name: %NULL when @class_id is out of range. */
CBAM_API const char *cbam_model_get_class_name (const CbamModel *model, guint class_id);
/** cbam_model_class_is_reported: %FALSE for the background, for gaps in the list, and out of range. */
CBAM_API gboolean cbam_model_class_is_reported (const CbamModel *model, guint class_id);
/** cbam_model_get_detect_params: the defaults of the model file. */
CBAM_API CbamDetectParams cbam_model_get_detect_params (const CbamModel *model);
/**
 * cbam_model_get_kernels:
 * @model: a model
 *
 * Which family of kernels computes the model's frames: "texel", which read maps as texel buffers and are made for
 * processors; "plain", which read them as storage buffers and run on every device; "texel and plain" where the device
 * takes only some of the first, as GPUs do, whose convolutions are plain. ", without 64-bit integers" follows where the
 * device has none, which makes stores slower.
 *
 * Returns: (transfer none): in few words
 */
CBAM_API const char *cbam_model_get_kernels (const CbamModel *model);
/** cbam_model_get_flop: twice the direct multiply-adds of one frame. */
CBAM_API double cbam_model_get_flop (const CbamModel *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamModel, cbam_model_unref)

G_END_DECLS
