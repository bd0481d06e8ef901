/* detect: the tail of one level. Its boxes, and what of its scores passes the threshold.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

G_BEGIN_DECLS

extern const CbamOpClass cbam_op_detect;

typedef struct
{
  guint level;
  guint per_cell;
  guint n_classes;
  guint prior;        /* number of its first */
  guint conf_channel; /* where conf begins in its input: > 0 once loc and conf are one map */
  gboolean sigmoid;   /* scores, else softmax */
  float variances[4];
  const float *anchors; /* cx, cy, w, h by prior, of all levels; the graph's */
  guint hits, boxes;    /* where they begin, in words behind the frame's parameters; the plan's */
} CbamDetectNode;

/* The detection tail of one level; @form's anchors are the graph's. */
void cbam_graph_detect (CbamGraph *graph, const char *name, CbamValue *loc, CbamValue *conf,
                        const CbamDetectNode *form);

static inline CbamDetectNode *
cbam_detect_params (const CbamNode *node)
{
  return node->params;
}

G_END_DECLS
