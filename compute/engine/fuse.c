/* Fusions: each is a rule of an op that rewrites the list of nodes in place and can be switched off; the reference runs
 * the graph without any of them, which is how they are tested.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/graph.h"

static void
fuse (CbamGraph *graph, CbamFusion rule)
{
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *node = g_ptr_array_index (graph->nodes, n);
    const gboolean gone = rule (graph, node) == CBAM_FUSION_GONE;

    g_ptr_array_find (graph->nodes, node, &n); /* a rule may have removed nodes before it */
    if (gone)
      g_ptr_array_remove_index (graph->nodes, n--);
  }
}

void
cbam_graph_fuse (CbamGraph *graph, CbamFusions fusions)
{
  for (guint flag = 1; flag <= (guint) CBAM_FUSE_LAST; flag <<= 1)
    for (guint o = 0; (fusions & flag) && cbam_ops[o] != NULL; o++)
      if ((guint) cbam_ops[o]->fusion == flag)
        fuse (graph, cbam_ops[o]->fuse);
}
