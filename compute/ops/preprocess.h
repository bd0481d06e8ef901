/* preprocess: from a frame's bytes to the network's input.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/frame.h"

#include "engine/graph.h"

extern const CbamOpClass cbam_op_preprocess;

/* The network's input: a frame resized and normalised, 3 channels. *@ret_block: bytes that begin with the CbamFrameArgs
 * of each image, which the host writes. */
CbamValue *cbam_graph_preprocess (CbamGraph *graph, guint width, guint height, CbamValue **ret_block);

/* The line at which group @n begins, where lines are left out (args/frame.h). */
static inline guint
cbam_thin_begin (const CbamThinAxis *axis, guint n)
{
  return (guint) CLAMP ((axis->first + (gint) n * axis->step) >> CBAM_THIN_BITS, 0, (gint) axis->last);
}

/* Where line @line is among those that are there: the C twin of the shader's kept_line(). */
guint cbam_thin_find (const CbamThinAxis *axis, guint line);
