/* resize: a map to any size, nearest or bilinear; and what turn shares with it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_resize;

typedef struct
{
  gboolean bilinear; /* else nearest */
} CbamResizeParams;

/* To width x height, nearest or bilinear between centres of pixels (PyTorch's align_corners = False). */
CbamValue *cbam_graph_resize (CbamGraph *graph, const char *name, CbamValue *input, guint width, guint height,
                              gboolean bilinear);

CBAM_OP_PARAMS (CbamResizeParams, cbam_resize_params)

/* Fills a CbamResizeArgs but for what tells the two apart, and the groups. */
void cbam_resize_fill (const CbamNode *node, CbamDispatch *ret_dispatch);
