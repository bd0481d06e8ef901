/* Counters, and the structure they are read as.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstats.h"

static const struct
{
  const char *field, *words;
} fates[GST_CBAM_N_FATES] = {
  [GST_CBAM_FATE_INFERRED] = { "inferred", "inferred" },
  [GST_CBAM_FATE_INTERVAL] = { "skipped-interval", "not its turn (interval)" },
  [GST_CBAM_FATE_BUSY] = { "skipped-busy", "all slots are in flight (queue-depth)" },
  [GST_CBAM_FATE_LATE] = { "skipped-qos", "too late for downstream (qos)" },
  [GST_CBAM_FATE_OUTSIDE] = { "skipped-roi", "the region lies outside of the frame (roi)" },
};

const char *
gst_cbam_fate_to_string (GstCbamFate fate)
{
  return fates[fate].words;
}

void
gst_cbam_stats_init (GstCbamStats *stats)
{
  g_mutex_init (&stats->lock);
}

void
gst_cbam_stats_clear (GstCbamStats *stats)
{
  g_mutex_clear (&stats->lock);
}

void
gst_cbam_stats_reset (GstCbamStats *stats)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  memset (stats->fates, 0, sizeof stats->fates);
  stats->carried = stats->detections = stats->unwanted = stats->n_results = 0;
  stats->inference_sum = stats->inference_last = 0;
  stats->best_score = 0;
}

void
gst_cbam_stats_count (GstCbamStats *stats, GstCbamFate fate)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->fates[fate]++;
}

void
gst_cbam_stats_count_carried (GstCbamStats *stats)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->carried++;
}

void
gst_cbam_stats_add_result (GstCbamStats *stats, const CbamResult *result)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);
  gsize n;

  cbam_result_get_detections (result, &n);
  stats->detections += n;
  stats->unwanted += cbam_result_get_n_unwanted (result);
  stats->best_score = cbam_result_get_best_score (result);
  stats->inference_last = cbam_result_get_seconds (result) * GST_SECOND;
  stats->inference_sum += stats->inference_last;
  stats->n_results++;
}

GstStructure *
gst_cbam_stats_to_structure (GstCbamStats *stats, GstClockTime latency)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);
  GstStructure *structure = gst_structure_new_empty ("cbamdetect-stats");
  const GstClockTime mean = stats->n_results > 0 ? stats->inference_sum / stats->n_results : 0;
  guint64 frames = 0;

  for (guint i = 0; i < GST_CBAM_N_FATES; i++) {
    gst_structure_set (structure, fates[i].field, G_TYPE_UINT64, stats->fates[i], NULL);
    frames += stats->fates[i];
  }
  gst_structure_set (structure, "frames", G_TYPE_UINT64, frames, "carried", G_TYPE_UINT64, stats->carried, "detections",
                     G_TYPE_UINT64, stats->detections, "class-filtered", G_TYPE_UINT64, stats->unwanted, "best-score",
                     G_TYPE_DOUBLE, stats->best_score, "inference-time", G_TYPE_UINT64, mean, "inference-time-last",
                     G_TYPE_UINT64, stats->inference_last, "latency", G_TYPE_UINT64, latency, NULL);
  return structure;
}
