/* CbamSpec: the JSON document of a model file (metadata key `cbamdetect`) as C structs.
 *
 * The definition is models/README.md. Parsing checks everything that can be checked without the tensors: types,
 * ranges, names, lengths of lists that must agree. Zero and empty mean "absent: use the default of the network".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "file/spec.h"
#include "ops/activation.h"
#include "ops/conv.h"

#define CBAM_MAX_EXTRAS 8 /* convs larger than 1x1 among the extras */
#define CBAM_MAX_STAGES 4 /* of a ResNet */

typedef enum
{
  CBAM_TASK_DETECT,
  CBAM_TASK_CLASSIFY
} CbamTask;

/* What networks are made of; nets/nets.h has the tables. */
typedef struct _CbamBackbone CbamBackbone;
typedef struct _CbamNeck CbamNeck;
typedef struct _CbamHead CbamHead;
typedef struct _CbamAttentionModule CbamAttentionModule;

typedef enum
{
  CBAM_UPSAMPLE_DECONV,
  CBAM_UPSAMPLE_NEAREST,
  CBAM_UPSAMPLE_BILINEAR
} CbamUpsample;
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
  CBAM_PLACE_BOTH,
  CBAM_PLACE_STAGES
} CbamPlace;
/* Which of a bottleneck's convolutions has its stride. */
typedef enum
{
  CBAM_STRIDE_PLACE_3X3,
  CBAM_STRIDE_PLACE_1X1
} CbamStridePlace;

typedef struct
{
  const CbamAttentionModule *kind; /* NULL = none */
  guint pool;                      /* of CbamReduction; default avg + max */
  CbamOrder order;
  CbamSpatialInput spatial_input;
  gboolean spatial, channel; /* default TRUE */
  CbamCombine combine;
  guint dilation; /* default 4 */
  gboolean spatial_relu;
  CbamPlace place; /* default levels; of a classifier blocks */
} CbamAttentionSpec;

typedef struct
{
  const CbamNeck *detector; /* NULL = a classifier */
  const CbamBackbone *backbone;
  const CbamHead *head; /* default the task's */
  double width;         /* multiplier, default 1 */
  guint depth;          /* ResNet's layers, default 50 */
  guint n_strides;      /* its stages, default 4 */
  guint strides[CBAM_MAX_STAGES];
  CbamStridePlace stride_place;
  guint groups; /* of its 3x3 convolutions, default 1 */
  CbamActivationParams activation;
  CbamActivationParams post_activation; /* default ReLU */
  CbamPadding padding;
  guint levels;   /* default 6; 0 = a classifier */
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
  char *document; /* what all this was read from */
  char *name;     /* NULL when absent */
  CbamTask task;
  CbamNetworkSpec network;
  CbamInputSpec input;
  CbamAnchorSpec anchors; /* a detector's */
  CbamOutputSpec output;
  CbamNmsSpec nms; /* of a classifier only how many classes are reported, and from which score on */
} CbamSpec;

/* The first error stays with the reader of @document. Unknown keys are ignored; an unknown `version` is an error. */
void cbam_spec_read (CbamSpec *spec, const CbamItem *document);
void cbam_spec_free (CbamSpec *spec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamSpec, cbam_spec_free)
