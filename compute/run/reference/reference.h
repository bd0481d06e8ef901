/* The slow, obvious way to run a graph: plain loops over float arrays, [channel][row][column]. The truth that every
 * kernel is compared with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

CbamReference *cbam_reference_new (const CbamGraph *graph);
void cbam_reference_free (CbamReference *reference);

/* From now on only the first @n_images of the batch are run; 0 = all of them. */
void cbam_reference_set_images (CbamReference *reference, guint n_images);

/* Runs every node, image by image. Before it, write what the host writes, to where cbam_reference_get_all() and
 * cbam_reference_get_bytes() say. @pixels: of the frame, as a slot holds them; NULL for graphs without. */
void cbam_reference_run (CbamReference *reference, const guint8 *pixels);

/* Runs one of them, on what its inputs hold. */
void cbam_reference_run_node (CbamReference *reference, const CbamNode *node, const guint8 *pixels);

/* The numbers of a map, of all images. */
float *cbam_reference_get_all (CbamReference *reference, const CbamValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamReference, cbam_reference_free)
