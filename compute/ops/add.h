/* add: the sum of two maps, element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_add;

/* One of them may be a vector [1][1][C], which counts at every pixel, or a map of one channel, which counts for every
 * channel; so may both, one of each. */
CbamValue *cbam_graph_add (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);
