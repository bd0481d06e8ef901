/* CbamResult: what was found in one frame. It never changes, so any number of threads may read it, and it stays whole
 * when detector, model and device are gone.
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
 * @x: left edge in pixels of the frame as it is stored (#CbamImage.orientation changes nothing here), clipped to it
 * @y: top edge
 * @width: in pixels, > 0
 * @height: in pixels, > 0
 *
 * One object that was found. Later versions may add members at the end.
 */
typedef struct
{
  const char *label;
  guint class_id;
  float score;
  float x, y, width, height;
} CbamDetection;

/**
 * CbamClass:
 * @label: the class's name; belongs to the model, which the result keeps
 * @class_id: its place in the model's list of classes
 * @score: how likely, 0..1
 *
 * One class that a classifier saw. Later versions may add members at the end.
 */
typedef struct
{
  const char *label;
  guint class_id;
  float score;
} CbamClass;

/**
 * CbamMap:
 * @width: cells across
 * @height: cells down
 * @values: (array): `[height][width]`, belongs to the result
 * @x: left edge of the part of the frame that the map lies over, in pixels
 * @y: top edge
 * @frame_width: its width in pixels
 * @frame_height: its height
 *
 * A map of numbers over the frame as it is stored: with another #CbamImage.orientation than upright, the cells are
 * turned back from what the network looked at. Where the network letterboxes, the map reaches past the frame's edges.
 */
typedef struct
{
  guint width, height;
  const float *values;
  float x, y, frame_width, frame_height;
} CbamMap;

/**
 * CbamAttention:
 * @level: the level, 0 = the finest
 * @spatial: (nullable): weights 0..1 by place; %NULL for modules without a spatial part (SE, ECA)
 * @channel: (array length=n_channels) (nullable): weights 0..1 by channel; %NULL for modules without a channel part
 * @n_channels: how many
 *
 * What the attention module of one level let through; of a classifier the last module on maps of that size (CBAM: Woo
 * et al. 2018, arXiv 1807.06521, M_s and M_c of section 3; BAM: the sigmoids of its two branches). Later versions may
 * add members at the end.
 */
typedef struct
{
  guint level;
  const CbamMap *spatial;
  const float *channel;
  guint n_channels;
} CbamAttention;

#define CBAM_TYPE_DETECTION (cbam_detection_get_type ())
CBAM_API GType cbam_detection_get_type (void) G_GNUC_CONST;

/**
 * cbam_detection_copy:
 * @detection: a detection
 *
 * Returns: (transfer full): one that needs no result to live, to be freed with cbam_detection_free()
 */
CBAM_API CbamDetection *cbam_detection_copy (const CbamDetection *detection);
/**
 * cbam_detection_free:
 * @detection: (nullable): a detection
 *
 * Frees what cbam_detection_copy() gave.
 */
CBAM_API void cbam_detection_free (CbamDetection *detection);

#define CBAM_TYPE_CLASS (cbam_class_get_type ())
CBAM_API GType cbam_class_get_type (void) G_GNUC_CONST;

/**
 * cbam_class_copy:
 * @found: a class
 *
 * Returns: (transfer full): one that needs no result to live, to be freed with cbam_class_free()
 */
CBAM_API CbamClass *cbam_class_copy (const CbamClass *found);
/**
 * cbam_class_free:
 * @found: (nullable): a class
 *
 * Frees what cbam_class_copy() gave.
 */
CBAM_API void cbam_class_free (CbamClass *found);

#define CBAM_TYPE_RESULT (cbam_result_get_type ())
CBAM_API GType cbam_result_get_type (void) G_GNUC_CONST;
/**
 * cbam_result_ref:
 * @result: what is to be kept
 *
 * Returns: (transfer full): the same, with one reference more
 */
CBAM_API CbamResult *cbam_result_ref (CbamResult *result);
/**
 * cbam_result_unref:
 * @result: (nullable): a result
 *
 * Gives a reference back.
 */
CBAM_API void cbam_result_unref (CbamResult *result);

/**
 * cbam_result_get_n_detections:
 * @result: a result
 *
 * Returns: how many objects were found; a classifier finds none
 */
CBAM_API gsize cbam_result_get_n_detections (const CbamResult *result);

/**
 * cbam_result_get_detection:
 * @result: a result
 * @i: place by falling score, below cbam_result_get_n_detections()
 *
 * Returns: (transfer none): detection @i, as long as @result lives
 */
CBAM_API const CbamDetection *cbam_result_get_detection (const CbamResult *result, gsize i);

/**
 * cbam_result_get_n_classes:
 * @result: a result
 *
 * Returns: how many classes a classifier reports, at most #CbamDetectParams.max_detections; a detector reports none
 */
CBAM_API gsize cbam_result_get_n_classes (const CbamResult *result);

/**
 * cbam_result_get_class:
 * @result: a result
 * @i: place by falling score, and of the same score by rising number, below cbam_result_get_n_classes()
 *
 * Returns: (transfer none): class @i, as long as @result lives
 */
CBAM_API const CbamClass *cbam_result_get_class (const CbamResult *result, gsize i);

/**
 * cbam_result_get_n_attention:
 * @result: a result
 *
 * Returns: of how many levels there is attention to see; 0 unless #CbamDetectParams.attention was set and the network
 * has attention before its heads, or as a classifier in its backbone (#CbamModelInfo.spatial_levels,
 * #CbamModelInfo.channel_levels); self-attention has no weights of places or channels to see
 */
CBAM_API gsize cbam_result_get_n_attention (const CbamResult *result);

/**
 * cbam_result_get_attention:
 * @result: a result
 * @i: place among the levels that have attention, finest first, below cbam_result_get_n_attention()
 *
 * Returns: (transfer none): the attention of one level, as long as @result lives
 */
CBAM_API const CbamAttention *cbam_result_get_attention (const CbamResult *result, gsize i);

/**
 * cbam_result_get_grad_cam:
 * @result: a result
 * @i: place by falling score, as in cbam_result_get_detection() or, of a classifier, cbam_result_get_class()
 *
 * Where the evidence for a detection lies: Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) of its class's score, on
 * the features that the head of its level sees. Divided by its maximum, so 0..1; all 0 where nothing speaks for it. Of
 * a class it is the same on what the mean is taken of: CAM (Zhou et al. 2016, arXiv 1512.04150), and where the scores
 * are a softmax's less the mean of all classes' by their probabilities.
 *
 * Returns: (transfer none) (nullable): the map, as long as @result lives; %NULL for what is past the first
 * #CbamDetectParams.grad_cam
 */
CBAM_API const CbamMap *cbam_result_get_grad_cam (const CbamResult *result, gsize i);

/**
 * cbam_result_get_best_score:
 * @result: a result
 *
 * Returns: the highest score of any class anywhere in the frame, whether it passed the threshold or not, and whether
 * the class was asked for or not. It tells why nothing was found.
 */
CBAM_API float cbam_result_get_best_score (const CbamResult *result);

/**
 * cbam_result_get_clamped:
 * @result: a result
 *
 * Returns: (transfer none) (nullable): with #CBAM_PRECISION_FP16 a layer that had numbers for this frame, or for
 * another part of it in the same batch, which 16 bits have no room for, and which were clamped: the result may be
 * wrong, and with #CBAM_PRECISION_FP32 it would not be. %NULL = there was none
 */
CBAM_API const char *cbam_result_get_clamped (const CbamResult *result);

/**
 * cbam_result_get_n_unwanted:
 * @result: a result
 *
 * Returns: how many detections are not reported because #CbamDetectParams.classes leaves out their class; of a
 * classifier how many of its best #CbamDetectParams.max_detections classes are not
 */
CBAM_API gsize cbam_result_get_n_unwanted (const CbamResult *result);

/**
 * cbam_result_get_seconds:
 * @result: a result
 *
 * Returns: wall time from submit to the sorted result.
 */
CBAM_API double cbam_result_get_seconds (const CbamResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamResult, cbam_result_unref)

G_END_DECLS
