/* From candidates to detections: stable sort, non-maximum suppression per class and across classes, the cap per frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "file/spec.h"

/* A box that passed the threshold. Corners as fractions of the network's input, not clipped. */
typedef struct
{
  float score;
  guint32 prior; /* breaks ties of score, so that the order never depends on the device's */
  guint32 class_id;
  float x0, y0, x1, y1;
} CbamCandidate;

/* Sorts @candidates by falling score (then prior, then class), keeps the best @params->top_k of each class, drops in
 * each class what overlaps a stronger survivor by more than @params->nms_iou by the overlap rule of @profile, then of
 * what is left all that overlaps a stronger one of another class, which stays itself, by more than @params->nms_across
 * (1 = nothing does), and cuts at @params->max_detections. Works in place, allocates only from @scratch (grown as
 * needed, kept by the caller), and returns how many are left at the front, by falling score. Boxes with no area never
 * overlap anything. */
gsize cbam_nms (CbamCandidate *candidates, gsize n, const CbamDetectParams *params, CbamNmsProfile profile,
                guint input_width, guint input_height, GByteArray *scratch);

/* Intersection over union of two candidates' boxes; 0 when either has no area. */
float cbam_iou (const CbamCandidate *a, const CbamCandidate *b);
