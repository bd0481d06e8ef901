/* Counters of regions, and the structure they are read as.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamclassstats.h"

static const char *const fields[GST_CBAM_N_LEFT_OUT] = {
  [GST_CBAM_LEFT_OUT_CLASS] = "left-out-class",
  [GST_CBAM_LEFT_OUT_SMALL] = "left-out-small",
  [GST_CBAM_LEFT_OUT_MANY] = "left-out-many",
};

void
gst_cbam_class_stats_init (GstCbamClassStats *stats)
{
  g_mutex_init (&stats->lock);
}

void
gst_cbam_class_stats_clear (GstCbamClassStats *stats)
{
  g_mutex_clear (&stats->lock);
}

void
gst_cbam_class_stats_reset (GstCbamClassStats *stats)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->frames = stats->fresh = stats->carried = stats->skipped = stats->classified = 0;
  memset (stats->left_out, 0, sizeof stats->left_out);
  stats->inference_sum = stats->inference_last = 0;
  stats->best_score = 0;
}

void
gst_cbam_class_stats_add_frame (GstCbamClassStats *stats, const GstCbamLooks *looks, GstCbamClassCounts counts)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->frames++;
  stats->fresh += counts.fresh;
  stats->carried += counts.carried;
  stats->skipped += counts.skipped;
  for (guint i = 0; i < GST_CBAM_N_LEFT_OUT; i++)
    stats->left_out[i] += looks->left_out[i];
}

void
gst_cbam_class_stats_add_result (GstCbamClassStats *stats, const CbamResult *result, GstClockTime took)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->classified++;
  stats->inference_sum += took;
  stats->inference_last = took;
  stats->best_score = cbam_result_get_best_score (result);
}

GstStructure *
gst_cbam_class_stats_to_structure (GstCbamClassStats *stats)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);
  GstStructure *structure = gst_structure_new_empty ("cbamclassify-stats");
  const GstClockTime mean = stats->classified > 0 ? stats->inference_sum / stats->classified : 0;
  guint64 regions = stats->fresh + stats->carried + stats->skipped;

  for (guint i = 0; i < GST_CBAM_N_LEFT_OUT; i++) {
    gst_structure_set (structure, fields[i], G_TYPE_UINT64, stats->left_out[i], NULL);
    regions += stats->left_out[i];
  }
  gst_structure_set (structure, "frames", G_TYPE_UINT64, stats->frames, "regions", G_TYPE_UINT64, regions, "fresh",
                     G_TYPE_UINT64, stats->fresh, "carried", G_TYPE_UINT64, stats->carried, "skipped", G_TYPE_UINT64,
                     stats->skipped, "classified", G_TYPE_UINT64, stats->classified, "best-score", G_TYPE_DOUBLE,
                     stats->best_score, "inference-time", G_TYPE_UINT64, mean, "inference-time-last", G_TYPE_UINT64,
                     stats->inference_last, NULL);
  return structure;
}
