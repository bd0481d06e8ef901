/* What a model file's document says about its input and results: pixels, anchors, classes and what of them is reported.
 * nets/spec.h has the rest of it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/model.h>

#include "engine/graph.h"

#define CBAM_MAX_LEVELS 8
#define CBAM_MAX_RATIOS 8

typedef struct _CbamItem CbamItem; /* file/reader.h */

typedef enum
{
  CBAM_CHANNELS_RGB,
  CBAM_CHANNELS_BGR
} CbamChannels;
typedef enum
{
  CBAM_RESIZE_STRETCH,
  CBAM_RESIZE_LETTERBOX,
  CBAM_RESIZE_CROP
} CbamResize;
/* How a pixel of the input comes of the frame's: of the four nearest, or of all that it covers. */
typedef enum
{
  CBAM_FILTER_NONE,
  CBAM_FILTER_BILINEAR,
  CBAM_FILTER_BICUBIC
} CbamFilter;
typedef enum
{
  CBAM_ROUNDING_NONE,
  CBAM_ROUNDING_U8
} CbamRounding;
typedef enum
{
  CBAM_CLIP_NONE,
  CBAM_CLIP_CXCYWH,
  CBAM_CLIP_WH,
  CBAM_CLIP_CORNER
} CbamClip;
typedef enum
{
  CBAM_SCORE_SOFTMAX,
  CBAM_SCORE_SIGMOID
} CbamScore;
typedef enum
{
  CBAM_PROFILE_CAFFE,
  CBAM_PROFILE_SSD_PYTORCH,
  CBAM_PROFILE_TORCHVISION,
  CBAM_PROFILE_LUFFICC,
  CBAM_PROFILE_RFBNET,
  CBAM_PROFILE_QFGAOHAO
} CbamNmsProfile;

typedef struct
{
  guint width, height; /* pixels */
  CbamChannels channels;
  float mean[3], scale[3]; /* in the file's channel order: x = (pixel - mean) * scale */
  CbamResize resize;
  /* CBAM_RESIZE_CROP: the frame's shorter side in pixels of the input, which is cut out of its middle then; or the part
   * of it that is cut out first. The other one is 0. */
  guint shorter;
  double fraction;
  CbamFilter filter;
  CbamRounding rounding;
} CbamInputSpec;

typedef struct
{
  char *tensor; /* name of an [N,4] F32 tensor cx, cy, w, h in 0..1; NULL = generate from what follows */
  guint n_levels;
  guint map_width[CBAM_MAX_LEVELS], map_height[CBAM_MAX_LEVELS];
  double step_x[CBAM_MAX_LEVELS], step_y[CBAM_MAX_LEVELS]; /* pixels; 0 = input / map */
  double off_middle; /* where in its cell an anchor is, right of and below the middle, in cells; -0.5 = the corner */
  double min_size[CBAM_MAX_LEVELS];
  double max_size[CBAM_MAX_LEVELS]; /* 0 = no square of the geometric mean */
  guint n_ratios[CBAM_MAX_LEVELS];
  double ratios[CBAM_MAX_LEVELS][CBAM_MAX_RATIOS];
  CbamClip clip;
} CbamAnchorSpec;

typedef struct
{
  guint n_classes;
  char **classes; /* NULL-terminated */
  CbamScore score;
  guint bins; /* of the distribution of each side of a box; 0 = boxes are offsets */
  float variances[4];
} CbamOutputSpec;

typedef struct
{
  CbamDetectParams params; /* the profile's numbers, then the document's */
  CbamNmsProfile profile;
} CbamNmsSpec;

/* Each from its key of @document; the first error stays with its reader. @n_levels maps have anchors. What an output
 * and anchors hold is the caller's to clear, whatever became of them. */
void cbam_input_spec_read (CbamInputSpec *input, const CbamItem *document);
void cbam_anchor_spec_read (CbamAnchorSpec *anchors, const CbamItem *document, guint n_levels,
                            const CbamInputSpec *input);
void cbam_output_spec_read (CbamOutputSpec *output, const CbamItem *document);
void cbam_nms_spec_read (CbamNmsSpec *nms, const CbamItem *document);
/* What a classifier has instead of it, from its output. */
void cbam_report_spec_read (CbamNmsSpec *report, const CbamItem *document);

void cbam_anchor_spec_clear (CbamAnchorSpec *anchors);
void cbam_output_spec_clear (CbamOutputSpec *output);

/* Whether @class_id is ever reported: not a class 0 named "background", not a class named "???". */
gboolean cbam_output_spec_reports (const CbamOutputSpec *output, guint class_id);
