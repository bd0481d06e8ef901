/* add: the sum of two maps, element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/activation.h"

extern const CbamOpClass cbam_op_add;

/* A node's params are the activation that the sum goes through; none as cbam_graph_add() makes it. */
CBAM_OP_PARAMS (CbamActivationParams, cbam_add_params)

/* One of them may be a vector [1][1][C], which counts at every pixel, or a map of one channel, which counts for every
 * channel; so may both, one of each. */
CbamValue *cbam_graph_add (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);
