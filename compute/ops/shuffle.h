/* shuffle: the channels of two maps by turns.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_shuffle;

/* Channel 0 of @a, 0 of @b, 1 of @a, 1 of @b, ... to the last of @b, which is of the same width and height; what @a has
 * beyond that is left out. */
CbamValue *cbam_graph_shuffle (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);
