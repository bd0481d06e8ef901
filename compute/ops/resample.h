/* resample: from a frame's bytes to the network's input, as preprocess, but each pixel of it a mean of all that it
 * covers of the frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/resample.h"
#include "engine/graph.h"

extern const CbamOpClass cbam_op_resample;

typedef struct
{
  gboolean cubic; /* else linear */
} CbamResampleParams;

CBAM_OP_PARAMS (CbamResampleParams, cbam_resample_params)

/* As cbam_graph_preprocess(). Frames must not be thinned. */
CbamValue *cbam_graph_resample (CbamGraph *graph, guint width, guint height, gboolean cubic, CbamValue **ret_block);

/* The pixels @first to @end - 1, of @n along an axis, that a pixel of the input covers whose middle is at @at (0 in the
 * middle of the first one), where @scale of them are one of the input. */
typedef struct
{
  guint first, end;
  double middle, stretch;
} CbamResampleSpan;

CbamResampleSpan cbam_resample_find_span (double at, double scale, guint n, gboolean cubic);

/* How much pixel @i counts; the weights of a span do not sum up to anything. */
double cbam_resample_weigh (const CbamResampleSpan *span, guint i, gboolean cubic);
