/* global_pool: all pixels of a channel become one, in one way or several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

G_BEGIN_DECLS

extern const CbamOpClass cbam_op_global_pool;

/* What becomes of all pixels of a channel. */
typedef enum
{
  CBAM_REDUCE_MEAN = 1 << 0,
  CBAM_REDUCE_MAX = 1 << 1,
  CBAM_REDUCE_L2 = 1 << 2,      /* root of the sum of squares */
  CBAM_REDUCE_LOG_SUM = 1 << 3, /* logarithm of the sum of exponentials */
  CBAM_REDUCE_SUM = 1 << 4,
} CbamReduction;

#define CBAM_MAX_REDUCTIONS 4

typedef struct
{
  guint n;
  CbamReduction kinds[CBAM_MAX_REDUCTIONS]; /* one pixel of the output each */
} CbamGlobalPoolParams;

/* All pixels of a channel become one, in as many ways as @params says: a map of params->n x 1 pixels. */
CbamValue *cbam_graph_global_pool (CbamGraph *graph, const char *name, CbamValue *input,
                                   const CbamGlobalPoolParams *params);

/* The ways of a set of CbamReduction. */
CbamGlobalPoolParams cbam_global_pool_of (guint set);

static inline CbamGlobalPoolParams *
cbam_global_pool_params (const CbamNode *node)
{
  return node->params;
}

G_END_DECLS
