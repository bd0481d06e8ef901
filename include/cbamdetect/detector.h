/* CbamDetector: one stream's view of a model: its slots in flight and its parameters from frame to frame.
 *
 *     submit (detector, image, params)  ->  collect (detector)  ->  result
 *
 * One thread submits and one collects; results come back in the order of submission.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>
#include <cbamdetect/model.h>
#include <cbamdetect/result.h>

G_BEGIN_DECLS

/**
 * CbamDetectorConfig:
 * @size: `sizeof (CbamDetectorConfig)`; 0 = the members of version 0.1, which are these
 * @slots: frames in flight at most, 1..64; 0 = 2
 */
typedef struct
{
  gsize size;
  guint slots;
} CbamDetectorConfig;

/**
 * cbam_detector_new: (constructor)
 * @model: a loaded model; the detector keeps it
 * @config: (nullable): %NULL = all defaults
 * @error: return location for an error
 *
 * Makes the slots and, for the first detector of a model, runs one frame of nothing, so that drivers that compile at
 * the first dispatch have done so.
 *
 * Returns: (transfer full): the detector, or %NULL with @error set
 */
CBAM_API CbamDetector *cbam_detector_new (CbamModel *model, const CbamDetectorConfig *config, GError **error);

#define CBAM_TYPE_DETECTOR (cbam_detector_get_type ())
CBAM_API GType cbam_detector_get_type (void) G_GNUC_CONST;
/**
 * cbam_detector_ref:
 * @detector: what is to be kept
 *
 * Returns: (transfer full): the same, with one reference more
 */
CBAM_API CbamDetector *cbam_detector_ref (CbamDetector *detector);
/**
 * cbam_detector_unref:
 * @detector: (nullable): a detector
 *
 * The last one waits for what is in flight and throws its results away.
 */
CBAM_API void cbam_detector_unref (CbamDetector *detector);

/**
 * cbam_detector_submit:
 * @detector: a detector
 * @image: the frame. It is copied before this returns, unless its field lasting says that it stays
 * @params: (nullable): %NULL = the model's own
 * @error: return location for an error
 *
 * Starts detection and returns at once; it never waits while a slot is free.
 *
 * Returns: %TRUE, or %FALSE with #CBAM_ERROR_BUSY (no free slot, or not its turn), #CBAM_ERROR_BAD_IMAGE (which a
 * region outside of the frame is, too), #CBAM_ERROR_UNSUPPORTED (more bytes than the device binds, or more pixels than
 * a filter looks at), or what the device says
 */
CBAM_API gboolean cbam_detector_submit (CbamDetector *detector, const CbamImage *image, const CbamDetectParams *params,
                                        GError **error);

/**
 * cbam_detector_submit_regions:
 * @detector: a detector
 * @image: the frame
 * @regions: (array length=n_regions): what to look at, each for itself; #CbamDetectParams.region counts for nothing
 * @n_regions: how many, up to #CbamModelConfig.max_batch
 * @params: (nullable): %NULL = the model's own
 * @error: return location for an error
 *
 * As cbam_detector_submit(), for several parts of a frame together: they take one slot, and the device computes them
 * side by side. cbam_detector_collect() gives their results one after the other, in their order; where it fails, it
 * does so for each of them.
 *
 * Returns: %TRUE, or %FALSE with the errors of cbam_detector_submit(); #CBAM_ERROR_UNSUPPORTED is also more regions
 * than the model was loaded for, or more than the device binds together
 */
CBAM_API gboolean cbam_detector_submit_regions (CbamDetector *detector, const CbamImage *image,
                                                const CbamRegion *regions, guint n_regions,
                                                const CbamDetectParams *params, GError **error);

/**
 * cbam_detector_miss:
 * @detector: a detector
 *
 * Says that there was a frame to submit which asked for its turn (#CbamTurn), but no slot: the stream counts as one
 * that waits, as it does when cbam_detector_submit() refuses it.
 */
CBAM_API void cbam_detector_miss (CbamDetector *detector);

/**
 * cbam_detector_get_free_slots:
 * @detector: a detector
 *
 * Returns: how many frames could be submitted now. Callable from any thread.
 */
CBAM_API guint cbam_detector_get_free_slots (CbamDetector *detector);

/**
 * cbam_detector_collect:
 * @detector: a detector
 * @error: return location for an error
 *
 * Waits for the oldest frame in flight and gives its slot back, also on failure.
 *
 * Returns: (transfer full): its result, or %NULL with #CBAM_ERROR_EMPTY (nothing is in flight), #CBAM_ERROR_TIMEOUT,
 * #CBAM_ERROR_DEVICE_LOST, or what else the device says
 */
CBAM_API CbamResult *cbam_detector_collect (CbamDetector *detector, GError **error);

/**
 * cbam_detector_detect:
 * @detector: a detector that nothing is in flight of
 * @image: the frame
 * @params: (nullable): %NULL = the model's own
 * @error: return location for an error
 *
 * cbam_detector_submit() and cbam_detector_collect() in one, for those who have only one picture at a time.
 *
 * Returns: (transfer full): what was found, or %NULL with the errors of both
 */
CBAM_API CbamResult *cbam_detector_detect (CbamDetector *detector, const CbamImage *image,
                                           const CbamDetectParams *params, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamDetector, cbam_detector_unref)

G_END_DECLS
