/* CbamGraph: what a network is, as a list of ops in running order. Recipes in compute/nets/ build it, fuse.c shortens
 * it, plan.c lays it out, what is in run/ runs it.
 *
 * Building never fails on the spot: the first error sticks to the graph, later calls do nothing and return NULL, and
 * cbam_graph_finish() reports it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "detect/anchors.h"
#include "engine/op.h"
#include "file/spec.h"

G_BEGIN_DECLS

#define CBAM_MAX_INPUTS 3
#define CBAM_MAX_MORE 2

/* Named float32 weights of known shape. */
typedef struct
{
  char *name;
  guint n_dims;
  gsize dims[4];
  gsize n;
  float *values;
} CbamParam;

/* Where a graph's weights come from: a model file, or made up. */
typedef struct _CbamParamSource CbamParamSource;
struct _CbamParamSource
{
  /* Fills @param->values (allocated, n floats), or fails with what was expected and found. */
  gboolean (*read) (CbamParamSource *source, CbamParam *param, GError **error);
  /* Whether there is a value of that name. */
  gboolean (*has) (CbamParamSource *source, const char *name);
  /* Dimension @i of a value; 0 when there is no such value or dimension. */
  gsize (*dim) (CbamParamSource *source, const char *name, guint i);
};

/* A convolution or transposed convolution, full or depthwise. Output pixel (x, y) of its own grid of width x height is
 * pixel (x * step_x + first_x, y * step_y + first_y) of its output: a transposed convolution is several of these. */
typedef struct
{
  guint kernel_width, kernel_height, stride, dilation;
  gint pad_left, pad_top;
  guint up_x, up_y; /* transposed: output pixels per input pixel */
  guint width, height, step_x, step_y, first_x, first_y;
  CbamParam *weight; /* [out, in, height, width]; depthwise [channels, 1, height, width] */
  CbamParam *bias;   /* [out], NULL = zeros */
  float lo, hi;      /* fused activation; -inf..inf = none */
  gboolean sigmoid;  /* fused, after the clamp */
} CbamConvParams;

typedef struct
{
  CbamParam *gamma, *beta, *mean, *variance; /* [channels] */
  double eps;
} CbamBatchNormParams;

typedef struct
{
  float lo, hi;
} CbamActivationParams;

typedef struct
{
  guint kernel, stride, pad;
} CbamPoolParams;

typedef struct
{
  CbamParam *weight; /* [channels] */
  double eps;        /* added to the norm */
} CbamL2NormParams;

/* What becomes of all pixels of a channel. */
typedef enum
{
  CBAM_REDUCE_MEAN = CBAM_POOL_AVG,
  CBAM_REDUCE_MAX = CBAM_POOL_MAX,
  CBAM_REDUCE_L2 = CBAM_POOL_LP,       /* root of the sum of squares */
  CBAM_REDUCE_LOG_SUM = CBAM_POOL_LSE, /* logarithm of the sum of exponentials */
  CBAM_REDUCE_SUM = 1 << 4,
} CbamReduction;

#define CBAM_MAX_REDUCTIONS 4

typedef struct
{
  guint n;
  CbamReduction kinds[CBAM_MAX_REDUCTIONS]; /* one pixel of the output each */
} CbamGlobalPoolParams;

typedef struct
{
  gboolean mean_first; /* channels mean, max instead of max, mean */
} CbamChannelPoolParams;

typedef struct
{
  gboolean bilinear; /* else nearest */
} CbamResizeParams;

/* A channel gate in one piece: global_pool, two convolutions of what it gives, sum over the pools, sigmoid. */
typedef struct
{
  CbamGlobalPoolParams pool;
  CbamConvParams first, second;
} CbamChannelGateParams;

/* CBAM in one piece, channels first: a channel gate, and the spatial gate's convolution of two maps. */
typedef struct
{
  CbamChannelGateParams channel;
  CbamConvParams spatial;
  gboolean mean_first;
} CbamCbamParams;

/* The detection tail of one level. */
typedef struct
{
  guint level;
  guint per_cell;
  guint n_classes;
  guint prior;        /* number of its first */
  guint conf_channel; /* where conf begins in its input: > 0 once loc and conf are one map */
  CbamScore score;
  float variances[4];
  const GArray *anchors; /* all levels' CbamAnchor; the graph's */
  guint hits, boxes;     /* where they begin, in words behind the frame's parameters; the plan's */
} CbamDetectNode;

struct _CbamNode
{
  const CbamOpClass *op;
  char *name;
  CbamValue *inputs[CBAM_MAX_INPUTS];
  guint n_inputs;
  CbamValue *output;              /* NULL for detect, whose output is the slot's */
  CbamValue *more[CBAM_MAX_MORE]; /* further outputs, of fused ops */
  guint n_more;
  union
  {
    CbamConvParams conv;
    CbamBatchNormParams batch_norm;
    CbamActivationParams activation;
    CbamPoolParams pool;
    CbamL2NormParams l2_norm;
    CbamGlobalPoolParams global_pool;
    CbamChannelPoolParams channel_pool;
    CbamResizeParams resize;
    CbamChannelGateParams channel_gate;
    CbamCbamParams cbam;
    CbamDetectNode detect;
  } params;
};

/* What an attention module multiplies with, for those who want to see it. */
typedef struct
{
  CbamValue *map;    /* [1][1][C] by channel or [H][W][1] by place; NULL = the module has no such part */
  gboolean is_logit; /* its sigmoid is what counts */
} CbamGate;

/* One level's features, as its heads see them, and what comes of them. */
typedef struct
{
  CbamValue *features;
  CbamValue *loc, *conf; /* one map once the heads are merged */
  guint conf_channel;    /* where conf begins in it */
  guint prior;           /* number of its first */
  guint per_cell;
  CbamGate channel, spatial;
} CbamLevel;

typedef struct
{
  GPtrArray *nodes;  /* CbamNode, in running order */
  GPtrArray *values; /* CbamValue */
  GPtrArray *params; /* CbamParam */
  GArray *anchors;   /* CbamAnchor of all levels; NULL without a detection tail */
  guint n_classes;   /* of the detection tail */
  guint n_levels;
  CbamLevel levels[CBAM_MAX_LEVELS]; /* finest first */
  CbamParamSource *source;
  GError *error;
} CbamGraph;

/* @source must outlive the building. */
CbamGraph *cbam_graph_new (CbamParamSource *source);
void cbam_graph_free (CbamGraph *graph);

/* TRUE when nothing went wrong; else moves the first error to @error. */
gboolean cbam_graph_finish (CbamGraph *graph, GError **error);

/* The sticky error; the first one stays. */
void cbam_graph_fail (CbamGraph *graph, CbamError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* ---- Forms: fields left out are 0, and 0 means the default in brackets ------------------------------------------ */

typedef struct
{
  const char *name; /* prefix of the tensors name.weight, name.bias */
  CbamValue *input;
  guint channels;      /* output; ignored when depthwise */
  guint kernel;        /* [1] */
  guint stride;        /* [1] */
  guint dilation;      /* [1] */
  guint pad;           /* on all sides [0]; ignored with CBAM_PADDING_SAME */
  CbamPadding padding; /* [symmetric]; same = as TensorFlow, output = ceil (input / stride) */
  gboolean depthwise;
  gboolean needs_bias; /* name.bias must be there [it may be missing] */
  guint
      weight_dims; /* of name.weight: 2 = [out, in], 3 = [out, in, kernel] along rows, 4 [4, or 2 as the source has] */
} CbamConvForm;

/* A convolution; its bias is added when the source has name.bias. */
CbamValue *cbam_graph_conv (CbamGraph *graph, const CbamConvForm *form);

/* A transposed convolution to a map of exactly width x height; its weight is [in, out, k, k], depthwise [in, 1, k, k].
 */
typedef struct
{
  const char *name;
  CbamValue *input;
  guint channels;      /* output; ignored when depthwise */
  guint kernel;        /* [3] */
  guint up_x, up_y;    /* its stride: output pixels per input pixel [1] */
  guint pad_x, pad_y;  /* [0] */
  guint width, height; /* of the output */
  gboolean depthwise;
} CbamDeconvForm;

CbamValue *cbam_graph_deconv (CbamGraph *graph, const CbamDeconvForm *form);

/* Batch norm over name.{weight,bias,running_mean,running_var}; returns @input when the source has none of them, because
 * it is folded into the convolution already. */
CbamValue *cbam_graph_batch_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps);
gboolean cbam_graph_has_batch_norm (const CbamGraph *graph, const char *name);

/* ReLU or ReLU6. */
CbamValue *cbam_graph_activation (CbamGraph *graph, CbamValue *input, CbamActivation activation);

CbamValue *cbam_graph_sigmoid (CbamGraph *graph, CbamValue *input);

/* Element by element. One of them may be a vector [1][1][C], which counts at every pixel, or a map of one channel,
 * which counts for every channel; so may both, one of each. */
CbamValue *cbam_graph_add (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);
CbamValue *cbam_graph_multiply (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);

/* All pixels of a channel become one, in as many ways as @params says: a map of params->n x 1 pixels. */
CbamValue *cbam_graph_global_pool (CbamGraph *graph, const char *name, CbamValue *input,
                                   const CbamGlobalPoolParams *params);

/* All channels of a pixel become two: their largest and their mean. */
CbamValue *cbam_graph_channel_pool (CbamGraph *graph, const char *name, CbamValue *input, gboolean mean_first);

/* To width x height, nearest or bilinear between centres of pixels (PyTorch's align_corners = False). */
CbamValue *cbam_graph_resize (CbamGraph *graph, const char *name, CbamValue *input, guint width, guint height,
                              gboolean bilinear);

/* A vector [1][1][C] becomes a row of C pixels of one channel, or the other way round. */
CbamValue *cbam_graph_turn (CbamGraph *graph, const char *name, CbamValue *input);

typedef struct
{
  const char *name;
  CbamValue *input;
  guint kernel;  /* [2] */
  guint stride;  /* [the kernel] */
  guint pad;     /* at most half the kernel [0] */
  gboolean ceil; /* a window that sticks out counts, as Caffe and ceil_mode [it does not] */
} CbamPoolForm;

CbamValue *cbam_graph_max_pool (CbamGraph *graph, const CbamPoolForm *form);

/* Each pixel's vector over (its L2 norm + @eps), times name.weight. */
CbamValue *cbam_graph_l2_norm (CbamGraph *graph, const char *name, CbamValue *input, double eps);

/* The network's input: a frame resized and normalised, 3 channels. */
CbamValue *cbam_graph_preprocess (CbamGraph *graph, guint width, guint height);

/* A map that the host writes; for tests. */
CbamValue *cbam_graph_input (CbamGraph *graph, const char *name, guint width, guint height, guint channels);

/* The detection tail of one level; @form's anchors are the graph's. */
void cbam_graph_detect (CbamGraph *graph, const char *name, CbamValue *loc, CbamValue *conf,
                        const CbamDetectNode *form);

/* ---- For fuse.c and tests ---------------------------------------------------------------------------------------- */

CbamValue *cbam_graph_add_value (CbamGraph *graph, const char *name, guint width, guint height, guint channels);
/* Values are owned by the graph, uninitialised. */
CbamParam *cbam_graph_add_param (CbamGraph *graph, const char *name, guint n_dims, const gsize *dims);
/* The number of nodes that read @value. */
guint cbam_graph_count_readers (const CbamGraph *graph, const CbamValue *value);
CbamNode *cbam_graph_find_writer (const CbamGraph *graph, const CbamValue *value);
void cbam_node_free (CbamNode *node);

/* Multiply-adds of the whole graph. */
guint64 cbam_graph_macs (const CbamGraph *graph);

/* ---- Fusions (fuse.c) -------------------------------------------------------------------------------------------- */

typedef enum
{
  CBAM_FUSE_BATCH_NORM = 1 << 0,   /* folded into the convolution before it */
  CBAM_FUSE_ACTIVATION = 1 << 1,   /* clamped in the convolution before it */
  CBAM_FUSE_HEADS = 1 << 2,        /* loc and conf of a level are one convolution */
  CBAM_FUSE_SUM = 1 << 3,          /* a sum is added by the 1x1 convolution before it */
  CBAM_FUSE_SIGMOID = 1 << 4,      /* a gate's sigmoid is taken by the convolution before it */
  CBAM_FUSE_PARITY = 1 << 5,       /* a transposed convolution becomes several ordinary ones */
  CBAM_FUSE_CHANNEL_GATE = 1 << 6, /* pools, both layers, sum and sigmoid in one dispatch */
  CBAM_FUSE_GATES = 1 << 7,        /* a channel gate's product is made where it is read */
  CBAM_FUSE_CBAM = 1 << 8,         /* what the last three leave of CBAM on a small map is one dispatch */
  CBAM_FUSE_ALL = ~0,
} CbamFusions;

void cbam_graph_fuse (CbamGraph *graph, CbamFusions fusions);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamGraph, cbam_graph_free)

G_END_DECLS
