/* The slow, obvious way to run a graph: plain loops over float arrays, [channel][row][column]. The truth that every
 * Vulkan kernel is compared with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/frame.h"

#include "engine/graph.h"

G_BEGIN_DECLS

struct _CbamReference
{
  const CbamGraph *graph;
  float **values;       /* by value id */
  const guint8 *pixels; /* of the frame, as the slot holds them */
  const CbamFrameArgs *frame;
  GArray *hits;      /* CbamHit */
  float best_score;  /* of the classes that may be reported */
  float (*boxes)[4]; /* x0, y0, x1, y1 per prior */
};

CbamReference *cbam_reference_new (const CbamGraph *graph);
void cbam_reference_free (CbamReference *reference);

/* Runs every node. @pixels and @frame may be NULL for graphs without preprocess and detect. */
void cbam_reference_run (CbamReference *reference, const guint8 *pixels, const CbamFrameArgs *frame);

/* cbam_reference_get() has the numbers of a value; write those of host values before running. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamReference, cbam_reference_free)

G_END_DECLS
