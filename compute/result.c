/* CbamResult: what one frame gave. It owns all its numbers, and holds the model because the labels are the model's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "result.h"

CbamResult *
cbam_result_new (CbamModel *model, gsize n)
{
  CbamResult *result = g_new0 (CbamResult, 1);

  g_atomic_ref_count_init (&result->refs);
  result->model = cbam_model_ref (model);
  result->detections = g_new0 (CbamDetection, n);
  return result;
}

CbamResult *
cbam_result_ref (CbamResult *result)
{
  g_return_val_if_fail (result != NULL, NULL);
  g_atomic_ref_count_inc (&result->refs);
  return result;
}

void
cbam_result_unref (CbamResult *result)
{
  if (result == NULL || !g_atomic_ref_count_dec (&result->refs))
    return;
  cbam_model_unref (result->model);
  for (gsize i = 0; i < result->n_attention; i++) {
    g_free ((float *) result->spatial[i].values);
    g_free ((float *) result->attention[i].channel);
  }
  for (gsize i = 0; i < result->n_grad_cam; i++)
    g_free ((float *) result->grad_cam[i].values);
  g_free (result->attention);
  g_free (result->spatial);
  g_free (result->grad_cam);
  g_free (result->detections);
  g_free (result->classes);
  g_free (result->op_times);
  g_free (result);
}

CbamDetection *
cbam_detection_copy (const CbamDetection *detection)
{
  CbamDetection *copy = g_memdup2 (detection, sizeof *detection);

  copy->label = g_strdup (detection->label);
  return copy;
}

void
cbam_detection_free (CbamDetection *detection)
{
  if (detection == NULL)
    return;
  g_free ((char *) detection->label);
  g_free (detection);
}

gsize
cbam_result_get_n_detections (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->n_detections;
}

const CbamDetection *
cbam_result_get_detection (const CbamResult *result, gsize i)
{
  g_return_val_if_fail (result != NULL && i < result->n_detections, NULL);
  return &result->detections[i];
}

CbamClass *
cbam_class_copy (const CbamClass *found)
{
  CbamClass *copy = g_memdup2 (found, sizeof *found);

  copy->label = g_strdup (found->label);
  return copy;
}

void
cbam_class_free (CbamClass *found)
{
  if (found == NULL)
    return;
  g_free ((char *) found->label);
  g_free (found);
}

gsize
cbam_result_get_n_classes (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->n_classes;
}

const CbamClass *
cbam_result_get_class (const CbamResult *result, gsize i)
{
  g_return_val_if_fail (result != NULL && i < result->n_classes, NULL);
  return &result->classes[i];
}

gsize
cbam_result_get_n_attention (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->n_attention;
}

const CbamAttention *
cbam_result_get_attention (const CbamResult *result, gsize i)
{
  g_return_val_if_fail (result != NULL && i < result->n_attention, NULL);
  return &result->attention[i];
}

const CbamMap *
cbam_result_get_grad_cam (const CbamResult *result, gsize i)
{
  g_return_val_if_fail (result != NULL, NULL);
  return i < result->n_grad_cam ? &result->grad_cam[i] : NULL;
}

float
cbam_result_get_best_score (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->best_score;
}

const char *
cbam_result_get_clamped (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, NULL);
  return result->clamped;
}

gsize
cbam_result_get_n_unwanted (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->n_unwanted;
}

double
cbam_result_get_seconds (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->seconds;
}

gsize
cbam_result_get_n_op_times (const CbamResult *result)
{
  g_return_val_if_fail (result != NULL, 0);
  return result->n_op_times;
}

const CbamOpTime *
cbam_result_get_op_time (const CbamResult *result, gsize i)
{
  g_return_val_if_fail (result != NULL && i < result->n_op_times, NULL);
  return &result->op_times[i];
}
