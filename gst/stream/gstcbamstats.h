/* GstCbamStats: what became of the frames since the element was started.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>
#include <cbamdetect/result.h>
#include <gst/gst.h>

/* What becomes of a frame; every frame goes on downstream. */
typedef enum
{
  GST_CBAM_FATE_INFERRED,
  GST_CBAM_FATE_INTERVAL, /* the property `interval` passes over it */
  GST_CBAM_FATE_BUSY,     /* live, and every slot is in flight */
  GST_CBAM_FATE_LATE,     /* downstream would get it too late */
  GST_CBAM_FATE_OUTSIDE,  /* the property `roi` lies outside of it */
  GST_CBAM_N_FATES,
} GstCbamFate;

/* In words, for the log. */
const char *gst_cbam_fate_to_string (GstCbamFate fate);

typedef struct
{
  GMutex lock;
  guint64 fates[GST_CBAM_N_FATES];
  guint64 carried, detections, unwanted, empty;
  guint64 n_results;
  GstClockTime inference_sum, inference_last;

  /* Of the last inferred frame. */
  gsize last_detections, last_unwanted;
  double best_score, threshold;

  CbamOrientation orientation; /* of the last frame that came */
} GstCbamStats;

void gst_cbam_stats_init (GstCbamStats *stats);
void gst_cbam_stats_clear (GstCbamStats *stats);

/* Begins at zero again. */
void gst_cbam_stats_reset (GstCbamStats *stats);

void gst_cbam_stats_count (GstCbamStats *stats, GstCbamFate fate);

/* Returns whether it is another one than that of the frame before; the first is compared with upright ones. */
gboolean gst_cbam_stats_set_orientation (GstCbamStats *stats, CbamOrientation orientation);

void gst_cbam_stats_count_carried (GstCbamStats *stats);
/* @threshold: what a score had to exceed. */
void gst_cbam_stats_add_result (GstCbamStats *stats, const CbamResult *result, double threshold);

/* (transfer full): what was found in the last inferred frame, and if nothing was, why, in words. */
char *gst_cbam_stats_explain (GstCbamStats *stats);

/* (transfer full): what the property `stats` gives; its fields are explained there. */
GstStructure *gst_cbam_stats_to_structure (GstCbamStats *stats, GstClockTime latency);
