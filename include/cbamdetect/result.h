/* CbamResult: what was found in one frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

G_BEGIN_DECLS

/**
 * CbamDetection:
 * @label: the class's name; belongs to the model, which the result keeps
 * @class_id: its place in the model's list of classes
 * @score: confidence, 0..1
 * @x: left edge in pixels of the frame, clipped to it
 * @y: top edge
 * @width: in pixels, > 0
 * @height: in pixels, > 0
 */
typedef struct
{
  const char *label;
  guint class_id;
  float score;
  float x, y, width, height;
} CbamDetection;

/**
 * CbamOpTime:
 * @name: the layer, as the model file names it
 * @kind: the op, e.g. `conv`
 * @variant: the kernel that ran it
 * @shape: output as `WxHxC`
 * @seconds: on the device
 * @flop: twice its direct multiply-adds, whatever the kernel does; 0 for ops that have none
 * @kernel: spatial size of a convolution's kernel, 0 for other ops
 * @in_channels: channels read, @out_channels: channels written, @width, @height: of the output map
 *
 * One device operation of a profiled frame. Strings belong to the model.
 */
typedef struct
{
  const char *name;
  const char *kind;
  const char *variant;
  const char *shape;
  double seconds;
  double flop;
  guint kernel, in_channels, out_channels, width, height;
} CbamOpTime;

CBAM_API CbamResult *cbam_result_ref (CbamResult *result);
/** cbam_result_unref: @result may be %NULL. */
CBAM_API void cbam_result_unref (CbamResult *result);

/**
 * cbam_result_get_detections:
 * @result: a result
 * @n: (out): how many there are
 *
 * Returns: (array length=n) (transfer none): detections by falling score, as long as @result lives
 */
CBAM_API const CbamDetection *cbam_result_get_detections (const CbamResult *result, gsize *n);

/** cbam_result_get_best_score: the highest score of any class anywhere in the frame that passed the threshold, before
 * NMS; 0 when nothing passed. */
CBAM_API float cbam_result_get_best_score (const CbamResult *result);

/** cbam_result_get_seconds: wall time from submit to the sorted result. */
CBAM_API double cbam_result_get_seconds (const CbamResult *result);

/**
 * cbam_result_get_op_times:
 * @result: a result
 * @n: (out): how many there are
 *
 * Returns: (array length=n) (transfer none) (nullable): time per device operation in running order; %NULL unless the
 * detector was made with `profile`
 */
CBAM_API const CbamOpTime *cbam_result_get_op_times (const CbamResult *result, gsize *n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamResult, cbam_result_unref)

G_END_DECLS
