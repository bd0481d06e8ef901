/* CbamGraph: what a network is, as a list of ops in running order. Recipes in compute/nets/ build it, fuse.c shortens
 * it, plan.c lays it out, what is in run/ runs it.
 *
 * Building never fails on the spot: the first error sticks to the graph, later calls do nothing and return NULL, and
 * cbam_graph_finish() reports it. The header of each op, in compute/ops/, has the form that adds it: a field left out
 * is 0, and 0 means the default in brackets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/op.h"

struct _CbamGraph
{
  GPtrArray *nodes;  /* CbamNode, in running order */
  GPtrArray *values; /* CbamValue */
  GPtrArray *params; /* CbamParam */
  guint batch;       /* images at once: of every value that is added; 1 unless somebody says otherwise */
  CbamParamSource *source;
  GError *error;
  gpointer client; /* what those who asked for the network know of it; the engine does not look */
  GDestroyNotify free_client;
};

/* @source must outlive the building. */
CbamGraph *cbam_graph_new (CbamParamSource *source);
void cbam_graph_free (CbamGraph *graph);

/* TRUE when nothing went wrong; else moves the first error to @error. */
gboolean cbam_graph_finish (CbamGraph *graph, GError **error);

/* The sticky error; the first one stays. */
void cbam_graph_fail (CbamGraph *graph, CbamError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Multiply-adds of the whole graph. */
guint64 cbam_graph_macs (const CbamGraph *graph);

/* A map that the host writes; for tests. */
CbamValue *cbam_graph_input (CbamGraph *graph, const char *name, guint width, guint height, guint channels);

/* ---- For ops ----------------------------------------------------------------------------------------------------- */

CbamValue *cbam_graph_add_value (CbamGraph *graph, const char *name, guint width, guint height, guint channels);
/* Of @size bytes an image. */
CbamValue *cbam_graph_add_bytes (CbamGraph *graph, const char *name, gsize size);
/* Of the shape of @like. */
CbamValue *cbam_graph_add_value_like (CbamGraph *graph, const char *name, const CbamValue *like);

/* At the end of the list. @params: @op's, which are copied; NULL = zeros. @input and @output may be NULL. */
CbamNode *cbam_graph_add_node (CbamGraph *graph, const CbamOpClass *op, const char *name, const void *params,
                               CbamValue *input, CbamValue *output);

/* Values are owned by the graph, uninitialised. */
CbamParam *cbam_graph_add_param (CbamGraph *graph, const char *name, guint n_dims, const gsize *dims);
/* The source's tensor PREFIX.SUFFIX, which must be there in that shape. */
CbamParam *cbam_graph_read_param (CbamGraph *graph, const char *prefix, const char *suffix, guint n_dims,
                                  const gsize *dims);
gboolean cbam_graph_has_param (const CbamGraph *graph, const char *prefix, const char *suffix);

/* ---- For fusions ------------------------------------------------------------------------------------------------- */

/* The number of nodes that read @value; the host counts as one. */
guint cbam_graph_count_readers (const CbamGraph *graph, const CbamValue *value);
CbamNode *cbam_graph_find_writer (const CbamGraph *graph, const CbamValue *value);
/* The node that writes input @i of @node, if nobody else reads it; else NULL. */
CbamNode *cbam_graph_find_sole_writer (const CbamGraph *graph, const CbamNode *node, guint i);
/* Its place in the list. */
guint cbam_graph_find_place (const CbamGraph *graph, const CbamNode *node);
/* Before the node at @place, whose place is one more then. */
CbamNode *cbam_graph_insert_node (CbamGraph *graph, guint place, const CbamOpClass *op, const char *name,
                                  const void *params);
void cbam_graph_remove_node (CbamGraph *graph, CbamNode *node);

/* @node is another op from now on, with @params, which are copied. */
void cbam_node_become (CbamNode *node, const CbamOpClass *op, const void *params);

/* Tries the fusions of all ops. */
void cbam_graph_fuse (CbamGraph *graph, CbamFusions fusions);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamGraph, cbam_graph_free)
