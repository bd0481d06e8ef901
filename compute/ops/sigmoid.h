/* sigmoid: 1 / (1 + exp (-x)) of each number.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_sigmoid;

CbamValue *cbam_graph_sigmoid (CbamGraph *graph, CbamValue *input);
