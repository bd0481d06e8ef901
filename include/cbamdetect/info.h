/* CbamModelInfo: what there is to know of a network, without looking at a single frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

G_BEGIN_DECLS

/**
 * CbamModelInfo:
 * @name: the `name` of the file's metadata, else the file's own name
 * @origin: the file's path, the preset's name, or what cbam_model_load_bytes() was told
 * @task: what the network does: `detect` (its results are detections) or `classify` (classes of the whole picture)
 * @format: version of the file's document
 * @detector: (nullable): `stairnet` or `ssd`; %NULL = a classifier
 * @backbone: `mobilenet_v1`, `mobilenet_v2`, `mobilenet_v3`, `resnet`, `shufflenet_v2`, `efficientnet_lite0` to 4,
 *   `ghostnet` or `vgg16`
 * @width: multiplier of the backbone's channels
 * @input_width: in pixels; frames of any size are resized to it on the device, or through a filter (the document's
 *   `input.filter`) those with less than 32 pixels a side to one of the input
 * @input_height: in pixels
 * @n_levels: maps that have heads, or of a classifier those with attention to see; level 0 is the finest
 * @attention: (nullable): kind of the attention modules: `cbam`, `bam`, `se`, `eca` or `self`; %NULL = there are none
 * @spatial_levels: bit l is set where level l has weights by place to report (#CbamAttention.spatial)
 * @channel_levels: bit l is set where level l has weights by channel to report (#CbamAttention.channel)
 * @has_grad_cam: whether detections, or a classifier's classes, can be explained (#CbamDetectParams.grad_cam)
 * @n_classes: length of @classes, background included
 * @classes: (array zero-terminated=1): the classes' names
 * @reported: class k is ever reported if bit k % 32 of element k / 32 is set; a background and gaps in the list are not
 * @threshold: the file's own #CbamDetectParams.threshold, 0..1
 * @nms_iou: the file's own #CbamDetectParams.nms_iou, 0..1
 * @nms_across: the file's own #CbamDetectParams.nms_across, 0..1; 1 = none goes
 * @top_k: the file's own #CbamDetectParams.top_k; 0 = all, as of a classifier
 * @max_detections: the file's own #CbamDetectParams.max_detections; 0 = all
 * @parameters: trainable numbers
 * @macs: direct multiply-adds of one frame
 * @precision: what is computed with on the device; #CBAM_PRECISION_AUTO in a #CbamDescription, which has none
 * @kernels: (nullable): which family of kernels computes the model's frames: "texel", which read maps as texel buffers
 *   and are made for processors; "plain", which read them as storage buffers and run on every device; "plain in
 *   fp16", the same for maps of 16 bits; "texel and plain" where the device takes only some of the first, as GPUs do,
 * whose convolutions are plain. ", without 64-bit integers" follows where the device has none, which makes stores
 * slower. %NULL in a #CbamDescription
 * @licence: (nullable): of the weights, as far as the file says
 * @data: (nullable): what the network was trained on
 * @recipe: (nullable): how
 * @source: (nullable): by which command, or where the weights were published
 * @measured_on: (nullable): on which pictures the figures that follow were measured
 * @measured_pictures: how many pictures that were; 0 = the file does not say
 * @map_11point: mean average precision there by VOC 2007's rule, 0..1; NAN = not measured
 * @map_area: by the area under the curve
 * @map_50_95: over overlaps of 0.50 to 0.95
 * @document: the whole JSON document of the file's metadata, for what is not listed here
 * @max_batch: regions of a frame that may be submitted together (#CbamModelConfig.max_batch); 0 in a #CbamDescription
 * @clamped: (nullable): a layer that makes numbers which 16 bits have no room for, in a trial when the model was
 * loaded: with #CBAM_PRECISION_AUTO the reason why @precision is fp32, else they are clamped. %NULL = there is none
 *
 * Belongs to the model or description and lives as long, or as its references. Never changes. Later versions may add
 * members at the end.
 */
typedef struct
{
  const char *name;
  const char *origin;
  const char *task;
  guint format;

  const char *detector;
  const char *backbone;
  double width;
  guint input_width, input_height;
  guint n_levels;
  const char *attention;
  guint32 spatial_levels, channel_levels;
  gboolean has_grad_cam;

  guint n_classes;
  const char *const *classes;
  guint32 reported[32];
  float threshold;
  float nms_iou;
  float nms_across;
  guint top_k;
  guint max_detections;

  guint64 parameters;
  guint64 macs;
  CbamPrecision precision;
  const char *kernels;

  const char *licence;
  const char *data;
  const char *recipe;
  const char *source;
  const char *measured_on;
  guint measured_pictures;
  double map_11point, map_area, map_50_95;
  const char *document;
  guint max_batch;
  const char *clamped;
} CbamModelInfo;

#define CBAM_TYPE_MODEL_INFO (cbam_model_info_get_type ())
CBAM_API GType cbam_model_info_get_type (void) G_GNUC_CONST;

/**
 * cbam_model_info_ref:
 * @info: what is known of a model
 *
 * Returns: (transfer full): the same, which now stays when the model goes; to be given back with
 * cbam_model_info_unref()
 */
CBAM_API CbamModelInfo *cbam_model_info_ref (const CbamModelInfo *info);
/**
 * cbam_model_info_unref:
 * @info: (nullable): what cbam_model_info_ref() gave
 */
CBAM_API void cbam_model_info_unref (CbamModelInfo *info);

/**
 * cbam_model_info_get_label:
 * @info: what is known of a model
 * @class_id: place in the list of classes; any number
 *
 * Returns: (transfer none) (nullable): the name of a class that may be reported; %NULL for the background, for gaps in
 * the list, and out of range
 */
CBAM_API const char *cbam_model_info_get_label (const CbamModelInfo *info, guint class_id);

G_END_DECLS
