/* turn: a vector of channels becomes a row of pixels, or back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_turn;

/* A vector [1][1][C] becomes a row of C pixels of one channel, or the other way round. */
CbamValue *cbam_graph_turn (CbamGraph *graph, const char *name, CbamValue *input);
