/* detect: the tail of one level. Its boxes, and what of its scores passes the threshold.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

extern const CbamOpClass cbam_op_detect;

typedef struct
{
  guint per_cell;
  guint n_classes;
  guint prior;        /* number of its first */
  guint conf_channel; /* where conf begins in its input: > 0 once loc and conf are one map */
  gboolean sigmoid;   /* scores, else softmax */
  float variances[4];
  const float *anchors; /* cx, cy, w, h by prior, of all levels; as long as the graph */
  /* In words of the block: where the first image's hits and boxes begin, and how far those of the next are. */
  guint hits, boxes, results;
} CbamDetectOpParams;

/* The detection tail of one level. @block: what cbam_graph_preprocess() gave, with room for hits (count, bits of the
 * best score, CbamHit[]) and boxes (float[4] per prior) of each image. */
CbamNode *cbam_graph_detect (CbamGraph *graph, const char *name, CbamValue *loc, CbamValue *conf, CbamValue *block,
                             const CbamDetectOpParams *params);

CBAM_OP_PARAMS (CbamDetectOpParams, cbam_detect_params)
