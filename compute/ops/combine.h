/* What ops share that combine maps element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

/* Adds a node of @op with @params (NULL: it has none) over two maps. */
CbamValue *cbam_combine_add (CbamGraph *graph, const CbamOpClass *op, gconstpointer params, const char *name,
                             CbamValue *a, CbamValue *b);

void cbam_combine_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch);
void cbam_combine_reference (CbamReference *run, const CbamNode *node);

CbamValue *cbam_combine_add_case (CbamGraph *graph, const CbamOpClass *op, gconstpointer params,
                                  const CbamOpCase *shape, CbamValue *const *inputs);
