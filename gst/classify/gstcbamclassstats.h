/* GstCbamClassStats: what became of the regions that came since the element was started.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamlooks.h"

typedef struct
{
  GMutex lock;
  guint64 frames, fresh, carried, skipped;
  guint64 left_out[GST_CBAM_N_LEFT_OUT];
  guint64 classified; /* results that came */
  GstClockTime inference_sum, inference_last;
  double best_score; /* of the last result */
} GstCbamClassStats;

/* What one frame adds. */
typedef struct
{
  guint fresh, carried, skipped;
} GstCbamClassCounts;

void gst_cbam_class_stats_init (GstCbamClassStats *stats);
void gst_cbam_class_stats_clear (GstCbamClassStats *stats);

/* Begins at zero again. */
void gst_cbam_class_stats_reset (GstCbamClassStats *stats);

void gst_cbam_class_stats_add_frame (GstCbamClassStats *stats, const GstCbamLooks *looks, GstCbamClassCounts counts);
void gst_cbam_class_stats_add_result (GstCbamClassStats *stats, const CbamResult *result, GstClockTime took);

/* (transfer full): what the property `stats` gives; its fields are explained there. */
GstStructure *gst_cbam_class_stats_to_structure (GstCbamClassStats *stats);
