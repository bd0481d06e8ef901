/* Runs a graph on the host: calls each op's reference function in order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/reference/reference.h"

CbamReference *
cbam_reference_new (const CbamGraph *graph)
{
  CbamReference *reference = g_new0 (CbamReference, 1);

  reference->graph = graph;
  reference->values = g_new0 (float *, graph->values->len);
  for (guint i = 0; i < graph->values->len; i++) {
    const CbamValue *value = g_ptr_array_index (graph->values, i);

    reference->values[i] = g_new0 (float, (gsize) value->width * value->height * value->channels);
  }
  reference->hits = g_array_new (FALSE, TRUE, sizeof (CbamHit));
  if (graph->anchors)
    reference->boxes = g_malloc0_n (graph->anchors->len, sizeof *reference->boxes);
  return reference;
}

void
cbam_reference_free (CbamReference *reference)
{
  if (!reference)
    return;
  for (guint i = 0; i < reference->graph->values->len; i++)
    g_free (reference->values[i]);
  g_free (reference->values);
  g_array_unref (reference->hits);
  g_free (reference->boxes);
  g_free (reference);
}

void
cbam_reference_run (CbamReference *reference, const guint8 *pixels, const CbamFrameArgs *frame)
{
  reference->pixels = pixels;
  reference->frame = frame;
  g_array_set_size (reference->hits, 0);
  reference->best_score = 0;
  for (guint n = 0; n < reference->graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (reference->graph->nodes, n);

    node->op->reference (reference, node);
  }
}

float *
cbam_reference_get (CbamReference *reference, const CbamValue *value)
{
  return reference->values[value->id];
}
