/* CbamLevels: what a detector knows of its graph. Its levels, its anchors, and the block of bytes in which a frame's
 * parameters go in and candidates come out. Of a classifier: where its scores come out, and the levels that there is
 * attention to see on.
 *
 *     block: CbamFrameArgs of each image | per image: count, bits of the best score, CbamHit[] | float[4] per prior
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/frame.h"

#include "nets/anchors.h"
#include "ops/detect.h"

/* What an attention module multiplies with, for those who want to see it. */
typedef struct
{
  CbamValue *map;    /* [1][1][C] by channel or [H][W][1] by place; NULL = the module has no such part */
  gboolean is_logit; /* its sigmoid is what counts */
} CbamGate;

/* One level's features, as its heads see them, and what comes of them. */
typedef struct
{
  CbamValue *features;
  CbamValue *evidence; /* what the scores are a linear function of: features, or what is made of them for that */
  CbamNode *detect;    /* its tail; inputs are loc and conf */
  guint prior;         /* number of its first */
  guint per_cell;
  CbamGate channel, spatial;
} CbamLevel;

#define CBAM_LEVELS_HEADER 8 /* bytes before the hits: their count, and the best score */

typedef struct
{
  CbamValue *block;
  GArray *anchors; /* CbamAnchor of all levels */
  guint batch;     /* images at once */
  guint n_classes;
  guint32 max_hits;           /* an image */
  gsize hits, boxes, results; /* bytes: where the first image's begin in the block, and how far those of the next are */
  CbamValue *scores;          /* a classifier's, [1][1][class]; NULL = a detector */
  CbamValue *evidence;        /* what they are a linear function of the mean of, if keepable */
  guint n_levels;
  CbamLevel levels[CBAM_MAX_LEVELS]; /* finest first */
} CbamLevels;

/* Levels for @graph, which owns them: none yet. @block: as cbam_graph_preprocess() gives it. */
CbamLevels *cbam_levels_new (CbamGraph *graph, CbamValue *block);
/* NULL for a graph that is no detector's. */
CbamLevels *cbam_levels_of (const CbamGraph *graph);

/* Takes @anchors, all there are, and makes room for what comes of them. */
void cbam_levels_set_anchors (CbamLevels *levels, CbamGraph *graph, GArray *anchors, guint n_classes);

/* Takes a classifier's @scores, and what they are made of. */
void cbam_levels_set_scores (CbamLevels *levels, CbamGraph *graph, CbamValue *evidence, CbamValue *scores);

/* Where in the block the tail of a level puts what it finds. */
void cbam_levels_place (const CbamLevels *levels, CbamDetectOpParams *params);

/* The parameters of the frame that comes, or of each image of the batch, to be filled; nothing is found yet. @block:
 * the bytes. */
CbamFrameArgs *cbam_levels_begin (const CbamLevels *levels, guint8 *block);

/* What a run has left in the block of an image. Hits are in no particular order. */
const CbamHit *cbam_levels_get_hits (const CbamLevels *levels, const guint8 *block, guint image, guint32 *ret_n);
/* The highest score of any class that may be reported, whether it passed the threshold or not. */
float cbam_levels_get_best_score (const CbamLevels *levels, const guint8 *block, guint image);
/* x0, y0, x1, y1 per prior, fractions of the input. */
const float (*cbam_levels_get_boxes (const CbamLevels *levels, const guint8 *block, guint image))[4];
