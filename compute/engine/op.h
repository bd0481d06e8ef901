/* What an op is: a const table. Name, shape, zero border it needs, multiply-adds, weight packing, the slow C reference,
 * and the Vulkan kernels that can run it. Layouts, pipelines and descriptor sets derive from it; an op has no Vulkan
 * code. compute/ops/ops.c lists them all.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/frame.h"
#include "engine/shader.h"
#include "engine/value.h"

G_BEGIN_DECLS

typedef struct _CbamNode CbamNode;
typedef struct _CbamOpClass CbamOpClass;
typedef struct _CbamOpVariant CbamOpVariant;
typedef struct _CbamReference CbamReference;

/* What a kernel asks of a device or a plan besides what its shader's own code says (shader.h). */
typedef enum
{
  CBAM_NEED_TEXELS = 1 << 0,     /* rgba32f storage texel buffers; maps, weights and pixels are bound as such */
  CBAM_NEED_SUBGROUP_8 = 1 << 1, /* subgroups of just 8 lanes */
  CBAM_NEED_BLOCKED = 1 << 2,    /* channel-blocked maps: neighbouring pixels are neighbouring texels */
} CbamNeeds;

#define CBAM_MAX_BINDINGS 6

/* Turns of all loops of an invocation together: Mesa before 25 ends them after 65,535, silently. */
#define CBAM_MOST_TURNS 65000

/* What is bound at binding 0, 1, ... */
typedef enum
{
  CBAM_BIND_END,
  CBAM_BIND_INPUT, /* the node's first input */
  CBAM_BIND_INPUT_1,
  CBAM_BIND_INPUT_2,
  CBAM_BIND_OUTPUT,
  CBAM_BIND_MORE, /* further outputs */
  CBAM_BIND_MORE_1,
  CBAM_BIND_WEIGHTS,
  CBAM_BIND_PIXELS,  /* the slot's: bytes of the frame */
  CBAM_BIND_FRAME,   /* the slot's CbamFrameArgs */
  CBAM_BIND_BOXES,   /* the slot's decoded boxes */
  CBAM_BIND_HITS,    /* the slot's list of what passed */
  CBAM_BIND_RESULTS, /* these three as one */
} CbamBinding;

/* One dispatch, ready to record. */
typedef struct
{
  guint8 args[128]; /* push constants */
  guint32 groups[3];
} CbamDispatch;

struct _CbamOpVariant
{
  const char *name;
  const CbamShader *shader;
  const CbamShader *narrow; /* the same for devices without 64-bit integers; NULL = it has none */
  const CbamShader *thin;   /* the same for thinned frames; NULL = it does not read frames */
  guint needs;              /* CbamNeeds */
  CbamBinding bindings[CBAM_MAX_BINDINGS];
  guint args_size;
  guint tile[3];      /* what the shader was compiled with; meaning is the op's */
  guint whole_blocks; /* it stores so many blocks of channels at once, whether there are as many or not; 0 = 1 */

  /* Whether it can run @node at all; NULL = always. */
  gboolean (*fits) (const CbamOpVariant *variant, const CbamNode *node);
  /* Expected time in any unit; the planner takes the cheapest. NULL = 0: first come, first served. */
  double (*cost) (const CbamOpVariant *variant, const CbamNode *node);
  void (*dispatch) (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch);
};

struct _CbamOpClass
{
  const char *name;

  /* Zero border that @node needs around input @i, in pixels; NULL = none. */
  guint (*border) (const CbamNode *node, guint i);
  /* Multiply-adds by the definition of the op; NULL = none. */
  guint64 (*macs) (const CbamNode *node);
  /* Floats that pack() writes for @variant; NULL = no weights. */
  gsize (*packed_size) (const CbamOpVariant *variant, const CbamNode *node);
  void (*pack) (const CbamOpVariant *variant, const CbamNode *node, float *out);

  void (*reference) (CbamReference *reference, const CbamNode *node);

  const CbamOpVariant *variants;
  guint n_variants;
};

extern const CbamOpClass cbam_op_input;
extern const CbamOpClass cbam_op_preprocess;
extern const CbamOpClass cbam_op_conv;
extern const CbamOpClass cbam_op_depthwise;
extern const CbamOpClass cbam_op_deconv;
extern const CbamOpClass cbam_op_depthwise_deconv;
extern const CbamOpClass cbam_op_batch_norm;
extern const CbamOpClass cbam_op_activation;
extern const CbamOpClass cbam_op_sigmoid;
extern const CbamOpClass cbam_op_add;
extern const CbamOpClass cbam_op_multiply;
extern const CbamOpClass cbam_op_global_pool;
extern const CbamOpClass cbam_op_channel_pool;
extern const CbamOpClass cbam_op_channel_gate;
extern const CbamOpClass cbam_op_cbam;
extern const CbamOpClass cbam_op_resize;
extern const CbamOpClass cbam_op_turn;
extern const CbamOpClass cbam_op_max_pool;
extern const CbamOpClass cbam_op_l2_norm;
extern const CbamOpClass cbam_op_detect;

/* Whether any variant of @op runs on a device; for ops that fuse.c makes of others, which may stay what they are. */
gboolean cbam_op_runs (const CbamOpClass *op, const CbamDeviceCaps *caps);

guint cbam_variant_count_bindings (const CbamOpVariant *variant);
/* Whether a binding is a texel buffer view. */
gboolean cbam_variant_binds_texels (const CbamOpVariant *variant, CbamBinding binding);
/* The shader of @variant for a device. */
const CbamShader *cbam_variant_get_shader (const CbamOpVariant *variant, const CbamDeviceCaps *caps);
/* FALSE: the device cannot run @variant, and *@ret_shortage says why. */
gboolean cbam_variant_runs (const CbamOpVariant *variant, const CbamDeviceCaps *caps, CbamShortage *ret_shortage);

/* All of them; NULL-terminated. */
extern const CbamOpClass *const cbam_ops[];

G_END_DECLS
