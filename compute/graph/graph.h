/* CbamGraph: what a network is, as a list of ops in running order. Recipes in compute/nets/ build it, fuse.c shortens
 * it, plan.c lays it out, run_vulkan.c and run_reference.c run it.
 *
 * Building never fails on the spot: the first error sticks to the graph, later calls do nothing and return NULL, and
 * cbam_graph_finish() reports it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "model/spec.h"
#include "ops/op.h"
#include "post/anchors.h"

G_BEGIN_DECLS

#define CBAM_MAX_INPUTS 2

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
  /* Whether there is a tensor of that name. */
  gboolean (*has) (CbamParamSource *source, const char *name);
  /* Dimension @i of a tensor; 0 when there is no such tensor or dimension. */
  gsize (*dim) (CbamParamSource *source, const char *name, guint i);
};

/* A convolution, full or depthwise. */
typedef struct
{
  guint kernel, stride, dilation;
  guint pad_left, pad_top;
  CbamParam *weight; /* [out, in, k, k]; depthwise [channels, 1, k, k] */
  CbamParam *bias;   /* [out], NULL = zeros */
  float lo, hi;      /* fused activation; -inf..inf = none */
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

/* The detection tail of one level. */
typedef struct
{
  guint per_cell;
  guint n_classes;
  guint prior;        /* number of its first */
  guint conf_channel; /* where conf begins in its input: > 0 once loc and conf are one map */
  CbamScore score;
  float variances[4];
  const GArray *anchors; /* all levels' CbamAnchor; the graph's */
} CbamDetectNode;

struct _CbamNode
{
  const CbamOpClass *op;
  char *name;
  CbamTensor *inputs[CBAM_MAX_INPUTS];
  guint n_inputs;
  CbamTensor *output; /* NULL for detect, whose output is the slot's */
  union
  {
    CbamConvParams conv;
    CbamBatchNormParams batch_norm;
    CbamActivationParams activation;
    CbamPoolParams pool;
    CbamL2NormParams l2_norm;
    CbamDetectNode detect;
  } params;
};

typedef struct
{
  GPtrArray *nodes;   /* CbamNode, in running order */
  GPtrArray *tensors; /* CbamTensor */
  GPtrArray *params;  /* CbamParam */
  GArray *anchors;    /* CbamAnchor of all levels; NULL without a detection tail */
  guint n_classes;    /* of the detection tail */
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
  CbamTensor *input;
  guint channels;      /* output; ignored when depthwise */
  guint kernel;        /* [1] */
  guint stride;        /* [1] */
  guint dilation;      /* [1] */
  guint pad;           /* on all sides [0]; ignored with CBAM_PADDING_SAME */
  CbamPadding padding; /* [symmetric]; same = as TensorFlow, output = ceil (input / stride) */
  gboolean depthwise;
  gboolean needs_bias; /* name.bias must be there [it may be missing] */
} CbamConvForm;

/* A convolution; its bias is added when the source has name.bias. */
CbamTensor *cbam_graph_conv (CbamGraph *graph, const CbamConvForm *form);

/* Batch norm over name.{weight,bias,running_mean,running_var}; returns @input when the source has none of them, because
 * it is folded into the convolution already. */
CbamTensor *cbam_graph_batch_norm (CbamGraph *graph, const char *name, CbamTensor *input, double eps);
gboolean cbam_graph_has_batch_norm (const CbamGraph *graph, const char *name);

/* ReLU or ReLU6. */
CbamTensor *cbam_graph_activation (CbamGraph *graph, CbamTensor *input, CbamActivation activation);

typedef struct
{
  const char *name;
  CbamTensor *input;
  guint kernel;  /* [2] */
  guint stride;  /* [the kernel] */
  guint pad;     /* at most half the kernel [0] */
  gboolean ceil; /* a window that sticks out counts, as Caffe and ceil_mode [it does not] */
} CbamPoolForm;

CbamTensor *cbam_graph_max_pool (CbamGraph *graph, const CbamPoolForm *form);

/* Each pixel's vector over (its L2 norm + @eps), times name.weight. */
CbamTensor *cbam_graph_l2_norm (CbamGraph *graph, const char *name, CbamTensor *input, double eps);

/* The network's input: a frame resized and normalised, 3 channels. */
CbamTensor *cbam_graph_preprocess (CbamGraph *graph, guint width, guint height);

/* A map that the host writes; for tests. */
CbamTensor *cbam_graph_input (CbamGraph *graph, const char *name, guint width, guint height, guint channels);

/* The detection tail of one level; @form's anchors are the graph's. */
void cbam_graph_detect (CbamGraph *graph, const char *name, CbamTensor *loc, CbamTensor *conf,
                        const CbamDetectNode *form);

/* ---- For fuse.c and tests ---------------------------------------------------------------------------------------- */

CbamTensor *cbam_graph_add_tensor (CbamGraph *graph, const char *name, guint width, guint height, guint channels);
/* Values are owned by the graph, uninitialised. */
CbamParam *cbam_graph_add_param (CbamGraph *graph, const char *name, guint n_dims, const gsize *dims);
/* The number of nodes that read @tensor. */
guint cbam_graph_count_readers (const CbamGraph *graph, const CbamTensor *tensor);
CbamNode *cbam_graph_find_writer (const CbamGraph *graph, const CbamTensor *tensor);
void cbam_node_free (CbamNode *node);

/* Multiply-adds of the whole graph. */
guint64 cbam_graph_macs (const CbamGraph *graph);

/* ---- Fusions (fuse.c) -------------------------------------------------------------------------------------------- */

typedef enum
{
  CBAM_FUSE_BATCH_NORM = 1 << 0, /* folded into the convolution before it */
  CBAM_FUSE_ACTIVATION = 1 << 1, /* clamped in the convolution before it */
  CBAM_FUSE_HEADS = 1 << 2,      /* loc and conf of a level are one convolution */
  CBAM_FUSE_ALL = ~0,
} CbamFusions;

void cbam_graph_fuse (CbamGraph *graph, CbamFusions fusions);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamGraph, cbam_graph_free)

G_END_DECLS
