/* max_pool: the largest value of each window of a channel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_max_pool;

typedef struct
{
  guint kernel, stride, pad;
} CbamPoolParams;

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

CBAM_OP_PARAMS (CbamPoolParams, cbam_max_pool_params)
