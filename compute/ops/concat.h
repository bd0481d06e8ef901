/* concat: the channels of two maps one behind the other.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_concat;

/* Channels of @a, then those of @b, which is of the same width and height. */
CbamValue *cbam_graph_concat (CbamGraph *graph, const char *name, CbamValue *a, CbamValue *b);
