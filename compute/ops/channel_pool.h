/* channel_pool: all channels of a pixel become two, their largest and their mean.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_channel_pool;

typedef struct
{
  gboolean mean_first; /* channels mean, max instead of max, mean */
} CbamChannelPoolParams;

CbamValue *cbam_graph_channel_pool (CbamGraph *graph, const char *name, CbamValue *input, gboolean mean_first);

CBAM_OP_PARAMS (CbamChannelPoolParams, cbam_channel_pool_params)
