/* slice: some of the channels of a map.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

typedef struct
{
  guint first; /* channel of the input that is the output's 0 */
} CbamSliceParams;

extern const CbamOpClass cbam_op_slice;

/* @channels channels of @input from @first on. */
CbamValue *cbam_graph_slice (CbamGraph *graph, const char *name, CbamValue *input, guint first, guint channels);

CBAM_OP_PARAMS (CbamSliceParams, cbam_slice_params)
