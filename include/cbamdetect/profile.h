/* Profiling: what each operation of a network takes of the device, and the device's peak to compare that with. Apart
 * from <cbamdetect/cbamdetect.h>, since detection needs none of it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/detector.h>

G_BEGIN_DECLS

/**
 * CbamOpTime:
 * @name: the layer, as the model file names it
 * @kind: the op, e.g. `conv`
 * @variant: the kernel that ran it
 * @shape: output as `WxHxC`
 * @seconds: on the device
 * @flop: twice its direct multiply-adds, whatever the kernel does; 0 for ops that have none
 * @kernel: spatial size of a convolution's kernel, 0 for other ops
 * @in_channels: channels read
 * @out_channels: channels written
 * @width: of the output map
 * @height: of the output map
 * @bytes: of the maps and weights that it reads and writes, zero borders included
 * @waits: whether it waits for all that ran before it
 *
 * One device operation of a frame. Strings belong to the model. Later versions may add members at the end.
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
  guint64 bytes;
  gboolean waits;
} CbamOpTime;

/**
 * cbam_model_get_n_ops:
 * @model: a loaded model
 *
 * Returns: how many operations a frame takes on the model's device: dispatches on a Vulkan device, steps on the
 * processor itself
 */
CBAM_API gsize cbam_model_get_n_ops (const CbamModel *model);

/**
 * cbam_model_get_op:
 * @model: a loaded model
 * @i: place in running order, below cbam_model_get_n_ops()
 *
 * Returns: (transfer none): what operation @i is, fused as it runs, as long as @model lives; its seconds are 0
 */
CBAM_API const CbamOpTime *cbam_model_get_op (const CbamModel *model, gsize i);

/**
 * cbam_detector_new_profiled: (constructor)
 * @model: a loaded model; the detector keeps it
 * @config: (nullable): %NULL = all defaults
 * @error: return location for an error
 *
 * As cbam_detector_new(), but the device's clock is read around every operation, and results have
 * cbam_result_get_op_time().
 *
 * Returns: (transfer full): the detector, or %NULL with @error set
 */
CBAM_API CbamDetector *cbam_detector_new_profiled (CbamModel *model, const CbamDetectorConfig *config, GError **error);

/**
 * cbam_result_get_n_op_times:
 * @result: a result
 *
 * Returns: how many device operations were measured; 0 unless the detector was made by cbam_detector_new_profiled(),
 * and on devices without a clock of their own
 */
CBAM_API gsize cbam_result_get_n_op_times (const CbamResult *result);

/**
 * cbam_result_get_op_time:
 * @result: a result
 * @i: place in running order, below cbam_result_get_n_op_times()
 *
 * Returns: (transfer none): what operation @i took, as long as @result lives
 */
CBAM_API const CbamOpTime *cbam_result_get_op_time (const CbamResult *result, gsize i);

/**
 * cbam_device_measure_peak:
 * @device: a device nothing else is using
 * @precision: of the numbers; what the device lacks, and #CBAM_PRECISION_AUTO, is measured as #CBAM_PRECISION_FP32
 * @gflops: (out): the best rate of multiplies and adds seen, in 1e9 operations a second
 * @error: return location for an error
 *
 * Measures the multiply-add peak that this driver's own code reaches: several register-only kernels (8 and 12
 * accumulators a lane, 4 to 32 steps unrolled), the best of them. On the processor itself it is a loop of fused
 * multiply-adds on what is in registers; in bfloat16 oneDNN's product of two matrices that the cache holds. Takes a
 * second or two. It is the yardstick of cbam-bench's shares.
 *
 * Returns: %TRUE, or %FALSE with #CBAM_ERROR_TIMEOUT, #CBAM_ERROR_DEVICE_LOST, or what else the device says
 */
CBAM_API gboolean cbam_device_measure_peak (CbamDevice *device, CbamPrecision precision, double *gflops,
                                            GError **error);

G_END_DECLS
