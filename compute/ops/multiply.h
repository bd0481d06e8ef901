/* multiply: the product of two maps, or three, element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_multiply;

/* As cbam_graph_add(). */
CbamValue *cbam_graph_multiply (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);
