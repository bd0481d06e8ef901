/* preprocess: from a frame's bytes to the network's input.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

G_BEGIN_DECLS

extern const CbamOpClass cbam_op_preprocess;

/* The network's input: a frame resized and normalised, 3 channels. */
CbamValue *cbam_graph_preprocess (CbamGraph *graph, guint width, guint height);

G_END_DECLS
