/* global_pool: all pixels of a channel become one, in one way or several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/reduce.h"
#include "engine/graph.h"

extern const CbamOpClass cbam_op_global_pool;

typedef struct
{
  guint n;
  CbamReduction kinds[CBAM_MAX_REDUCTIONS]; /* one pixel of the output each */
} CbamGlobalPoolParams;

/* All pixels of a channel become one, in as many ways as @params says: a map of params->n x 1 pixels. */
CbamValue *cbam_graph_global_pool (CbamGraph *graph, const char *name, CbamValue *input,
                                   const CbamGlobalPoolParams *params);

/* The ways of a set of CBAM_REDUCE_*. */
CbamGlobalPoolParams cbam_global_pool_of (guint set);

CBAM_OP_PARAMS (CbamGlobalPoolParams, cbam_global_pool_params)
