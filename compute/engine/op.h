/* What an op is: a const table. Name, parameters, zero border it needs, multiply-adds, weight packing, the slow C
 * reference, the Vulkan kernels that can run it, the fusions that make it, and the shapes it is tested with. Layouts,
 * pipelines and descriptor sets derive from it; an op has no Vulkan code. Each has a file in compute/ops/, whose ops.c
 * lists them all.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/param.h"
#include "engine/shader.h"
#include "engine/value.h"

typedef struct _CbamGraph CbamGraph;
typedef struct _CbamNode CbamNode;
typedef struct _CbamOpClass CbamOpClass;
typedef struct _CbamOpVariant CbamOpVariant;
typedef struct _CbamReference CbamReference;

#define CBAM_MAX_INPUTS 3
#define CBAM_MAX_OUTPUTS 3
#define CBAM_MAX_BINDINGS (CBAM_MAX_INPUTS + 1 + CBAM_MAX_OUTPUTS + 1)

/* An op at its place in a graph. */
struct _CbamNode
{
  const CbamOpClass *op;
  char *name;
  CbamValue *inputs[CBAM_MAX_INPUTS];
  guint n_inputs;
  CbamValue *outputs[CBAM_MAX_OUTPUTS];
  guint n_outputs;
  gpointer params; /* the op's own struct */
};

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */

/* What a kernel asks of a device or a plan besides what its shader's own code says (shader.h). */
typedef enum
{
  CBAM_NEED_TEXELS = 1 << 0,     /* rgba32f storage texel buffers; maps, weights and pixels are bound as such */
  CBAM_NEED_SUBGROUP_8 = 1 << 1, /* subgroups of just 8 lanes */
  CBAM_NEED_BLOCKED = 1 << 2,    /* channel-blocked maps: neighbouring pixels are neighbouring texels */
  CBAM_NEED_HALF = 1 << 3,       /* maps and weights of 16-bit floats; all others need those of 32 bits */
} CbamNeeds;

/* Turns of all loops of an invocation together: Mesa before 25 ends them after 65,535, silently. */
#define CBAM_MOST_TURNS 65000

/* One dispatch, ready to record. */
typedef struct
{
  guint8 args[CBAM_MOST_ARGS]; /* push constants */
  guint32 groups[3];           /* along z the plan has the images of the batch */
  guint32 constant;            /* the shader's specialisation constant 0 */
} CbamDispatch;

/* How a kernel wants its weights. */
typedef struct
{
  /* Floats that pack() writes. */
  gsize (*size) (const CbamOpVariant *variant, const CbamNode *node);
  void (*pack) (const CbamOpVariant *variant, const CbamNode *node, float *out);
  gboolean exact; /* they stay floats of 32 bits, whatever maps are made of */
  /* Whether two nodes have the same weights, which then lie in memory once; NULL = never. Kernels are the same, or pack
   * as many. */
  gboolean (*same) (const CbamNode *a, const CbamNode *b);
} CbamPacking;

/* A kernel. Its bindings 0, 1, ... are the node's inputs, its packed weights if it has any, its outputs, and of one
 * that writes maps of 16-bit floats the bits of the largest magnitude above CBAM_HALF_NEAR_MOST that it wanted to
 * store. */
struct _CbamOpVariant
{
  const char *name;
  const CbamShader *shader;
  const CbamShader *narrow; /* the same for devices without 64-bit integers; NULL = it has none */
  const CbamShader *thin;   /* the same for thinned frames; NULL = it does not read frames */
  guint needs;              /* CbamNeeds */
  guint args_size;
  guint tile[4];              /* what the shader was compiled with; meaning is the op's */
  const CbamPacking *packing; /* NULL = no weights */
  guint whole_blocks; /* it stores so many blocks of channels at once, whether there are as many or not; 0 = 1 */

  /* Whether it can run @node at all; NULL = always. */
  gboolean (*fits) (const CbamOpVariant *variant, const CbamNode *node);
  /* Expected time in any unit; the planner takes the cheapest. NULL = 0: first come, first served. */
  double (*cost) (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps);
  void (*dispatch) (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch);
};

/* ---- Scales ------------------------------------------------------------------------------------------------------ */

/* Whether a node's maps may be stored as fractions of what they are (engine/scale.h). */
typedef enum
{
  CBAM_SCALING_NONE,
  CBAM_SCALING_SAME,  /* all by the same: it moves or compares numbers */
  CBAM_SCALING_INPUT, /* the first input */
  CBAM_SCALING_BOTH,  /* the first input, and the output, with which go all other inputs */
} CbamScaling;

/* ---- Fusions ----------------------------------------------------------------------------------------------------- */

/* In the order in which they are tried. */
typedef enum
{
  CBAM_FUSE_BATCH_NORM = 1 << 0,   /* folded into the convolution before it */
  CBAM_FUSE_SUM = 1 << 1,          /* a sum is added by the 1x1 convolution before it */
  CBAM_FUSE_ACTIVATION = 1 << 2,   /* taken by the convolution before it */
  CBAM_FUSE_SIGMOID = 1 << 3,      /* a gate's sigmoid is taken by the convolution before it */
  CBAM_FUSE_HEADS = 1 << 4,        /* loc and conf of a level are one convolution */
  CBAM_FUSE_CHANNEL_GATE = 1 << 5, /* pools, both layers, sum and sigmoid in one dispatch */
  CBAM_FUSE_GATES = 1 << 6,        /* a channel gate's product is made where it is read */
  CBAM_FUSE_CBAM = 1 << 7,         /* what the last three leave of CBAM on a small map is one dispatch */
  CBAM_FUSE_SHUFFLE = 1 << 8,      /* halves that are shuffled: the 1x1 convolution before that stores both */
  CBAM_FUSE_SLICE = 1 << 9,        /* a convolution takes its channels out of a larger map */
  CBAM_FUSE_PARITY = 1 << 10,      /* a transposed convolution becomes several ordinary ones */
  CBAM_FUSE_SEPARABLE = 1 << 11,   /* a depthwise convolution and the 1x1 convolution after it are one */
  CBAM_FUSE_WINOGRAD = 1 << 12,    /* a 3x3 convolution of many channels becomes Winograd's three steps */
  CBAM_FUSE_LAST = CBAM_FUSE_WINOGRAD,
  CBAM_FUSE_ALL = ~0,
} CbamFusions;

/* What has become of a node. */
typedef enum
{
  CBAM_FUSION_NOTHING,
  CBAM_FUSION_CHANGED, /* it, or its neighbours */
  CBAM_FUSION_GONE,    /* it has become part of another: the caller removes it */
} CbamFusionResult;

/* A rule that rewrites the graph around a node, where it applies; it may remove other nodes. */
typedef CbamFusionResult (*CbamFusion) (CbamGraph *graph, CbamNode *node);

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

/* What an op gets besides the first map. */
typedef enum
{
  CBAM_CASE_ALONE,
  CBAM_CASE_MAP,    /* of the output's size */
  CBAM_CASE_MAPS,   /* two of those */
  CBAM_CASE_VECTOR, /* one pixel */
  CBAM_CASE_SINGLE, /* one channel */
  CBAM_CASE_BOTH,   /* a vector and a single channel */
} CbamCaseCompany;

/* A shape that an op is tested with. Some fields mean what the op's file says. */
typedef struct
{
  guint width, height, channels; /* of the first map */
  guint outputs, kernel, stride, dilation, pad;
  guint first; /* channel that it reads */
  guint groups;
  gboolean shuffles; /* the company's channels come by turns with its own */
  gboolean same;
  gboolean no_bias;
  gboolean big_reader; /* what reads the output wants a border of 3 pixels, not of 1 */
  CbamCaseCompany company;
} CbamOpCase;

/* ---- Ops --------------------------------------------------------------------------------------------------------- */

struct _CbamOpClass
{
  const char *name;
  gsize params_size; /* bytes of a node's params; 0 = it has none */

  /* Zero border that @node needs around input @i, in pixels; NULL = none. */
  guint (*border) (const CbamNode *node, guint i);
  /* Multiply-adds by the definition of the op; NULL = none. */
  guint64 (*macs) (const CbamNode *node);
  /* Numbers that were learned; NULL = none. */
  guint64 (*parameters) (const CbamNode *node);
  /* Pixels of its kernel along a row; NULL = it has none. */
  guint (*kernel) (const CbamNode *node);

  void (*reference) (CbamReference *reference, const CbamNode *node);

  const CbamOpVariant *variants;
  guint n_variants;

  /* NULL = none. */
  CbamScaling (*scaling) (const CbamNode *node);
  /* From now on its first input is 2^-@in of what it was, and its output shall be 2^-@out. NULL = nothing is to be
   * done. */
  void (*rescale) (CbamGraph *graph, CbamNode *node, gint in, gint out);

  /* How it comes about, or vanishes: a rule to try on every node of a graph, and its switch. NULL = none. */
  CbamFusions fusion;
  CbamFusion fuse;

  /* Adds it to a graph as @shape says; @inputs are the first map and what @shape->company brings. NULL: tests of its
   * own. Where only fusions make the op, @case_fusions do. */
  CbamValue *(*add_case) (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs);
  const CbamOpCase *cases;
  guint n_cases;
  guint case_fusions;
};

/* CbamOpClass.scaling of those that always say CBAM_SCALING_SAME. */
CbamScaling cbam_op_scales_all (const CbamNode *node);

/* The way to an op's own params: Type *name (node). */
#define CBAM_OP_PARAMS(Type, name)                                                                                     \
  static inline Type *name (const CbamNode *node)                                                                      \
  {                                                                                                                    \
    return node->params;                                                                                               \
  }

/* All of them; NULL-terminated. */
extern const CbamOpClass *const cbam_ops[];

/* Whether any variant of @op for maps of @type runs on a device; for ops that fusions make of others, which may stay
 * what they are. */
gboolean cbam_op_runs (const CbamOpClass *op, CbamType type, const CbamDeviceCaps *caps);

/* What the maps are made of that it reads and writes. */
static inline CbamType
cbam_variant_get_type (const CbamOpVariant *variant)
{
  return variant->needs & CBAM_NEED_HALF ? CBAM_TYPE_F16 : CBAM_TYPE_F32;
}

/* The shader of @variant for a device. */
const CbamShader *cbam_variant_get_shader (const CbamOpVariant *variant, const CbamDeviceCaps *caps);
/* FALSE: the device cannot run @variant, and *@ret_shortage says why. */
gboolean cbam_variant_runs (const CbamOpVariant *variant, const CbamDeviceCaps *caps, CbamShortage *ret_shortage);

typedef enum
{
  CBAM_BIND_INPUT,
  CBAM_BIND_WEIGHTS,
  CBAM_BIND_OUTPUT,
  CBAM_BIND_LARGEST,
} CbamBindingKind;

/* What a binding of a kernel is for a node. */
typedef struct
{
  CbamBindingKind kind;
  const CbamValue *value; /* of inputs and outputs */
  gboolean texels;        /* bound as a view of texels */
} CbamBinding;

/* All that @variant binds for @node, in order. Returns how many. */
guint cbam_variant_get_bindings (const CbamOpVariant *variant, const CbamNode *node,
                                 CbamBinding ret_bindings[CBAM_MAX_BINDINGS]);

/* ---- The reference's side ---------------------------------------------------------------------------------------- */

/* The numbers of a map of the image that is on, [channel][row][column]. */
float *cbam_reference_get (CbamReference *reference, const CbamValue *value);
/* What is no map; of the whole batch. */
guint8 *cbam_reference_get_bytes (CbamReference *reference, const CbamValue *value);
/* Which image of the batch is on. */
guint cbam_reference_get_image (const CbamReference *reference);
