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
  guint bins;         /* of the distribution of each side of a box; 0 = boxes are offsets */
  float variances[4];
  const float *anchors; /* cx, cy, w, h by prior, of all levels; as long as the graph */
  /* In words of the block: where the first image's hits and boxes begin, and how far those of the next are. */
  guint hits, boxes, results;
} CbamDetectOpParams;

/* The detection tail of one level. @block: what cbam_graph_preprocess() gave, with room for hits (count, bits of the
 * best score, CbamHit[]) and boxes (float[4] per prior) of each image. */
CbamNode *cbam_graph_detect (CbamGraph *graph, const char *name, CbamValue *loc, CbamValue *conf, CbamValue *block,
                             const CbamDetectOpParams *params);

/* Rows of loc for an anchor, where the distributions of its sides have @bins, or its box is offsets (0). */
static inline guint
cbam_detect_loc_rows (guint bins)
{
  return 4 * MAX (bins, 1);
}

CBAM_OP_PARAMS (CbamDetectOpParams, cbam_detect_params)
