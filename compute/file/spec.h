/* CbamSpec: the JSON document of a model file (metadata key `cbamdetect`) as C structs.
 *
 * The definition is models/README.md. Parsing checks everything that can be checked without the tensors: types,
 * ranges, names, lengths of lists that must agree. Zero and empty mean "absent: use the default of the network".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/model.h>

#include "ops/activation.h"
#include "ops/conv.h"

G_BEGIN_DECLS

#define CBAM_MAX_EXTRAS 8 /* convs larger than 1x1 among the extras */
#define CBAM_MAX_RATIOS 8

typedef enum
{
  CBAM_DETECTOR_SSD,
  CBAM_DETECTOR_STAIRNET
} CbamDetectorKind;
typedef enum
{
  CBAM_BACKBONE_VGG16,
  CBAM_BACKBONE_MOBILENET_V1
} CbamBackboneKind;
typedef enum
{
  CBAM_UPSAMPLE_DECONV,
  CBAM_UPSAMPLE_NEAREST,
  CBAM_UPSAMPLE_BILINEAR
} CbamUpsample;
typedef enum
{
  CBAM_POOL_AVG = 1 << 0,
  CBAM_POOL_MAX = 1 << 1,
  CBAM_POOL_LP = 1 << 2,
  CBAM_POOL_LSE = 1 << 3
} CbamPoolSet;
typedef enum
{
  CBAM_ORDER_CHANNEL_SPATIAL,
  CBAM_ORDER_SPATIAL_CHANNEL,
  CBAM_ORDER_PARALLEL
} CbamOrder;
typedef enum
{
  CBAM_SPATIAL_INPUT_MAX_MEAN,
  CBAM_SPATIAL_INPUT_MEAN_MAX,
  CBAM_SPATIAL_INPUT_CONV
} CbamSpatialInput;
typedef enum
{
  CBAM_COMBINE_MUL,
  CBAM_COMBINE_ADD
} CbamCombine;
typedef enum
{
  CBAM_PLACE_LEVELS,
  CBAM_PLACE_BLOCKS,
  CBAM_PLACE_BOTH
} CbamPlace;
typedef enum
{
  CBAM_CHANNELS_RGB,
  CBAM_CHANNELS_BGR
} CbamChannels;
typedef enum
{
  CBAM_RESIZE_STRETCH,
  CBAM_RESIZE_LETTERBOX
} CbamResize;
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
  char *kind; /* a name of nets/attention.c's table, NULL = none */
  guint pool; /* CbamPoolSet; default avg + max */
  CbamOrder order;
  CbamSpatialInput spatial_input;
  gboolean spatial, channel; /* default TRUE */
  CbamCombine combine;
  guint dilation; /* default 4 */
  gboolean spatial_relu;
  CbamPlace place;
} CbamAttentionSpec;

typedef struct
{
  CbamDetectorKind detector;
  CbamBackboneKind backbone;
  double width; /* multiplier, default 1 */
  CbamActivation activation;
  CbamPadding padding;
  guint levels;   /* default 6 */
  char **sources; /* NULL-terminated, fine to coarse; NULL = the backbone's own */
  guint n_extras; /* 0 = the backbone's own */
  guint extras_stride[CBAM_MAX_EXTRAS], extras_pad[CBAM_MAX_EXTRAS];
  CbamUpsample upsample;
  CbamAttentionSpec attention;
  gboolean sum_relu;
  double bn_eps;     /* default 1e-5 */
  double l2norm_eps; /* default 1e-10 */
} CbamNetworkSpec;

typedef struct
{
  guint width, height; /* pixels */
  CbamChannels channels;
  float mean[3], scale[3]; /* in the file's channel order: x = (pixel - mean) * scale */
  CbamResize resize;
  CbamRounding rounding;
} CbamInputSpec;

typedef struct
{
  char *tensor; /* name of an [N,4] F32 tensor cx, cy, w, h in 0..1; NULL = generate from what follows */
  guint n_levels;
  guint map_width[CBAM_MAX_LEVELS], map_height[CBAM_MAX_LEVELS];
  double step_x[CBAM_MAX_LEVELS], step_y[CBAM_MAX_LEVELS]; /* pixels; 0 = input / map */
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
  float variances[4];
} CbamOutputSpec;

typedef struct
{
  CbamDetectParams params; /* the profile's numbers, then the document's */
  CbamNmsProfile profile;
} CbamNmsSpec;

typedef struct _CbamSpec
{
  char *document;    /* what all this was read from */
  char *name;        /* NULL when absent */
  char *description; /* NULL when absent */
  CbamNetworkSpec network;
  CbamInputSpec input;
  CbamAnchorSpec anchors;
  CbamOutputSpec output;
  CbamNmsSpec nms;
} CbamSpec;

/* @where names the file in messages ("m.safetensors: network.backbone: expected one of vgg16, mobilenet_v1, found
 * \"resnet\""). CBAM_ERROR_BAD_MODEL. Unknown keys are ignored; an unknown `version` is refused. */
CbamSpec *cbam_spec_parse (const char *where, const char *json, GError **error);
void cbam_spec_free (CbamSpec *spec);

/* Whether @class_id is ever reported: not a class 0 named "background", not a class named "???". */
gboolean cbam_spec_class_is_reported (const CbamSpec *spec, guint class_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamSpec, cbam_spec_free)

G_END_DECLS
