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

/* ---- For what else reads frames ------------------------------------------------------------------------------------
 */

/* A node of @op, with @params, that makes the network's input of a frame. */
CbamValue *cbam_graph_add_frame (CbamGraph *graph, const CbamOpClass *op, const char *name, const void *params,
                                 guint width, guint height, CbamValue **ret_block);

/* Whether the node makes several images, whose parameters are read image by image. */
gboolean cbam_preprocess_is_batch (const CbamOpVariant *variant, const CbamNode *node);

/* Whether a place of the frame, in pixels with 0 in the middle of the first, is in the frame. */
gboolean cbam_preprocess_is_inside (const CbamFrameArgs *f, double x, double y);

/* Channel @channel of R, G, B, as the network sees it, of the frame's three components. */
float cbam_preprocess_colour (const CbamFrameArgs *f, const double raw[3], guint channel);

/* The line at which group @n begins, where lines are left out (args/frame.h). */
static inline guint
cbam_thin_begin (const CbamThinAxis *axis, guint n)
{
  return (guint) CLAMP ((axis->first + (gint) n * axis->step) >> CBAM_THIN_BITS, 0, (gint) axis->last);
}

/* Where line @line is among those that are there: the C twin of the shader's kept_line(). */
guint cbam_thin_find (const CbamThinAxis *axis, guint line);
