/* CbamModel: a model file loaded on a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/device.h>
#include <cbamdetect/info.h>

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
 * CbamTurn:
 * @CBAM_TURN_NOW: at once, whatever others do
 * @CBAM_TURN_FAIR: unless another stream on the device, which was refused lately, has had less of it
 * @CBAM_TURN_LIVE: nor while the device's queue holds more than the stream's own slots would take: a live stream has
 *   better use for a later frame than for waiting behind others
 *
 * When a frame may be submitted. Where it may not, cbam_detector_submit() gives #CBAM_ERROR_BUSY, and the stream is
 * remembered as one that waits for its turn. Streams that all ask for theirs get the same share of the device each,
 * by the number of their slots.
 */
typedef enum
{
  CBAM_TURN_NOW,
  CBAM_TURN_FAIR,
  CBAM_TURN_LIVE,
} CbamTurn;

/**
 * CBAM_ALL:
 *
 * No limit, where 0 means the model's own: for #CbamDetectParams.top_k and #CbamDetectParams.max_detections.
 */
#define CBAM_ALL G_MAXUINT

/**
 * CbamDetectParams:
 * @size: `sizeof (CbamDetectParams)`; 0 = the members of version 0.1, which are these
 * @threshold: report scores above this, up to 1; 0 = the model's own, less than 0 = all that score more than 0
 * @nms_iou: boxes of one class that overlap a stronger one by more than this (intersection over union, up to 1) go; 0 =
 *   the model's own, less than 0 = all that overlap at all
 * @nms_across: of what is left, boxes that overlap a stronger one of another class by more than this go too, so that an
 *   object has one name; 1 = none goes, 0 = the model's own, less than 0 = all that overlap at all
 * @top_k: candidates per class that enter NMS; 0 = the model's own, %CBAM_ALL = all
 * @max_detections: report at most this many; 0 = the model's own, %CBAM_ALL = all
 * @attention: report what attention modules looked at (cbam_result_get_attention())
 * @grad_cam: explain so many of the strongest detections (cbam_result_get_grad_cam()), 0 = none
 * @overlap: what @nms_iou and @nms_across are compared with; 0 = the model's own
 * @region: look only here; all 0 = everywhere; results are in pixels of the frame all the same
 * @turn: when the frame may be submitted
 * @classes: of what suppression leaves, report class k only if bit k % 32 of element k / 32 is set; all 0 = every class
 *
 * What may change from frame to frame. All zero means what the model file says (#CbamModelInfo), everywhere, without
 * explanations.
 */
typedef struct
{
  gsize size;
  float threshold;
  float nms_iou;
  float nms_across;
  guint top_k;
  guint max_detections;
  gboolean attention;
  guint grad_cam;
  CbamOverlap overlap;
  CbamRegion region;
  CbamTurn turn;
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
 * CbamModelConfig:
 * @size: `sizeof (CbamModelConfig)`; 0 = the members of version 0.1, which are these
 * @precision: the numbers to compute with; 0 = #CBAM_PRECISION_AUTO
 * @max_batch: regions of a frame that may be submitted together (cbam_detector_submit_regions()), 1..64; 0 = 1. Maps
 * take as much more memory
 *
 * How a model is loaded. All zero means all defaults.
 */
typedef struct
{
  gsize size;
  CbamPrecision precision;
  guint max_batch;
} CbamModelConfig;

/**
 * cbam_model_load: (constructor)
 * @device: the device to run on
 * @path: (nullable) (type filename): a `.safetensors` file in the format of models/README.md; %NULL =
 *   cbam_model_find_default()
 * @config: (nullable): %NULL = all defaults
 * @error: return location for an error
 *
 * Maps the file, checks it, packs its weights for @device and compiles the network. Models are shared: the same file
 * (device, inode, size and time of change) on the same device in the same precision and for as many images gives the
 * same object, and who asks for one that another thread is loading waits for that. Thread-safe; nothing else waits for
 * a load.
 *
 * Returns: (transfer full): the model, or %NULL with #CBAM_ERROR_NOT_FOUND, #CBAM_ERROR_BAD_MODEL (the message names
 * the key or tensor, what was expected and what was found), #CBAM_ERROR_UNSUPPORTED (a precision that the device lacks
 * is that too; the message lists those it has) or #CBAM_ERROR_OUT_OF_MEMORY
 */
CBAM_API CbamModel *cbam_model_load (CbamDevice *device, const char *path, const CbamModelConfig *config,
                                     GError **error);

/**
 * cbam_model_load_bytes: (constructor)
 * @device: the device to run on
 * @bytes: the content of a `.safetensors` file; not needed any more when this returns
 * @name: what messages call it, and the model too where its metadata has no name
 * @config: (nullable): %NULL = all defaults
 * @error: return location for an error
 *
 * As cbam_model_load(), for a model that is in memory. Loading the same bytes again makes another model.
 *
 * Returns: (transfer full): the model, or %NULL with the errors of cbam_model_load()
 */
CBAM_API CbamModel *cbam_model_load_bytes (CbamDevice *device, GBytes *bytes, const char *name,
                                           const CbamModelConfig *config, GError **error);

/**
 * cbam_model_load_preset: (constructor)
 * @device: the device to run on
 * @name: one of cbam_model_get_presets()
 * @config: (nullable): %NULL = all defaults
 * @error: return location for an error
 *
 * A network known by name, with weights made up from a fixed seed: for measuring and for tests. It finds nothing, or
 * names any class.
 *
 * Returns: (transfer full): the model, or %NULL with #CBAM_ERROR_NOT_FOUND or as cbam_model_load()
 */
CBAM_API CbamModel *cbam_model_load_preset (CbamDevice *device, const char *name, const CbamModelConfig *config,
                                            GError **error);

/**
 * cbam_model_get_presets:
 *
 * Returns: (transfer none) (array zero-terminated=1): the names of all presets.
 */
CBAM_API const char *const *cbam_model_get_presets (void);

#define CBAM_TYPE_MODEL (cbam_model_get_type ())
CBAM_API GType cbam_model_get_type (void) G_GNUC_CONST;
/**
 * cbam_model_ref:
 * @model: what is to be kept
 *
 * Returns: (transfer full): the same, with one reference more
 */
CBAM_API CbamModel *cbam_model_ref (CbamModel *model);
/**
 * cbam_model_unref:
 * @model: (nullable): a model
 *
 * Gives a reference back.
 */
CBAM_API void cbam_model_unref (CbamModel *model);

CBAM_API CbamDevice *cbam_model_get_device (const CbamModel *model);

/**
 * cbam_model_get_info:
 * @model: a model
 *
 * Returns: (transfer none): what there is to know of it, as long as @model lives
 */
CBAM_API const CbamModelInfo *cbam_model_get_info (const CbamModel *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamModel, cbam_model_unref)

G_END_DECLS
