/* The inside of a CbamResult: detector.c and what it calls fill it, and from then on nobody changes it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>

#include "model.h"

struct _CbamResult
{
  gatomicrefcount refs;
  CbamModel *model; /* owns the strings */
  CbamDetection *detections;
  gsize n_detections;
  CbamClass *classes; /* a classifier's */
  gsize n_classes;
  gsize n_unwanted;         /* of classes that were not asked for */
  CbamAttention *attention; /* its numbers are the result's own */
  CbamMap *spatial;         /* of each of them, whether it has any or not */
  gsize n_attention;
  CbamMap *grad_cam; /* of the first detections or classes; its numbers are the result's own */
  gsize n_grad_cam;
  CbamOpTime *op_times;
  gsize n_op_times;
  float best_score;
  const char *clamped; /* the model's; NULL = nothing was */
  double seconds;
};

/* A result with one reference and room for @n detections. */
CbamResult *cbam_result_new (CbamModel *model, gsize n);
