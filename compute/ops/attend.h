/* attend: what each place of a map takes from all places, by what its query and their keys have in common.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_attend;

typedef struct
{
  CbamParam *gamma; /* [1] */
} CbamAttendParams;

/* Of each place name.gamma times the mean of all @values, weighted by the softmax of the products of the place's query
 * with all @keys. All three are of one size, queries and keys of as many channels. */
CbamValue *cbam_graph_attend (CbamGraph *graph, const char *name, CbamValue *queries, CbamValue *keys,
                              CbamValue *values);

CBAM_OP_PARAMS (CbamAttendParams, cbam_attend_params)
