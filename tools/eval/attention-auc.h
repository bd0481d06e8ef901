/* How well spatial attention tells objects from background: the area under the ROC curve of a level's weights, all
 * pictures together. Pure arithmetic, no files.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "average-precision.h"

#include <cbamdetect/result.h>

G_BEGIN_DECLS

/* What a level's maps come to. The area under the curve is the chance that a cell on an object weighs more than one
 * beside it (equal ones count half): 1 is perfect, 0.5 says nothing. A map of one cell tells nothing apart within a
 * picture, only pictures from each other, so it has no areas. Values are NaN where there is nothing to compare. */
typedef struct
{
  guint level, width, height;
  guint64 inside, outside; /* cells on and beside objects */
  double auc;              /* of the weights themselves */
  double auc_less_mean;    /* after the mean map over all pictures was taken off, which leaves what a picture changes */
  double border, inner;    /* means of the mean map on its outermost ring of cells and within it */
} AttentionScore;

typedef struct _AttentionStudy AttentionStudy;

AttentionStudy *attention_study_new (void);
void attention_study_free (AttentionStudy *study);

/* Adds the map of one level over a picture of this size; all maps of a level are of one size, and levels that have no
 * spatial map are not added.
 *
 * A cell is inside if its centre lies on an object that is not difficult; it is not counted if it lies on difficult
 * ones only, or beyond the picture (letterboxing); else it is outside. */
void attention_study_add (AttentionStudy *study, guint level, const CbamMap *map, guint picture_width,
                          guint picture_height, const VocObject *objects, gsize n_objects);

/* AttentionScore per level, finest first. */
GArray *attention_study_scores (const AttentionStudy *study);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AttentionStudy, attention_study_free)

G_END_DECLS
