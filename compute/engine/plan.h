/* CbamPlan: a graph laid out for one device: which kernel runs each node, where each map lies and how long, where each
 * weight lies, and where barriers stand. Knows no Vulkan calls, only a device's limits.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

/* How to lay out; zero means the device's best. The rest is for tests. */
typedef struct
{
  const CbamDeviceCaps *caps;
  const char *variant;     /* run every op that has a variant of this name with it */
  gsize canary;            /* bytes left free behind every map; maps then never share memory */
  gboolean pixel_major;    /* layout of the maps: pixel-major even on CPU devices */
  CbamPrecision precision; /* of products or, fp16, of maps and weights; not a test's, and 0 is fp32 too */
} CbamPlanConfig;

/* One dispatch. */
typedef struct
{
  const CbamNode *node;
  const CbamOpVariant *variant; /* NULL on the host, which has code of its own */
  CbamDispatch dispatch;
  gsize weights_offset, weights_size; /* bytes */
  CbamType weights_type;
  gssize largest;   /* bytes, in the slot: the kernel's word for it (CBAM_BIND_LARGEST); < 0 = it has none */
  gboolean barrier; /* something before it must be finished */
} CbamStep;

typedef struct
{
  CbamGraph *graph;
  CbamLayout layout;
  CbamStep *steps;
  guint n_steps;

  gsize arena_size;   /* bytes of maps that live only within a run */
  gsize weights_size; /* bytes */

  gsize slot_size;                  /* bytes of what the host reads or writes */
  gsize largest_begin, largest_end; /* bytes, in the slot: where the steps' words are */
} CbamPlan;

/* Takes @graph. CBAM_ERROR_UNSUPPORTED when no kernel fits or a device limit is exceeded; the message has both
 * numbers. */
CbamPlan *cbam_plan_new (CbamGraph *graph, const CbamPlanConfig *config, GError **error);
void cbam_plan_free (CbamPlan *plan);

/* Of all maps and weights that @step reads and writes. */
gsize cbam_step_count_bytes (const CbamStep *step);

/* Which family of kernels the plan runs, in few words: what CbamModelInfo.kernels says. */
const char *cbam_plan_get_kernels (const CbamPlan *plan, const CbamDeviceCaps *caps);

/* The fusions that a device can run the results of in a precision that it has. */
CbamFusions cbam_plan_get_fusions (const CbamDeviceCaps *caps, CbamPrecision precision);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamPlan, cbam_plan_free)
