/* Counters, and the structure they are read as.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstats.h"

#include "gstcbamorientation.h"

static const struct
{
  const char *field, *words;
} fates[GST_CBAM_N_FATES] = {
  [GST_CBAM_FATE_INFERRED] = { "inferred", "inferred" },
  [GST_CBAM_FATE_INTERVAL] = { "skipped-interval", "not its turn (interval)" },
  [GST_CBAM_FATE_BUSY] = { "skipped-busy", "the device is busy (queue-depth, other streams)" },
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
  gst_cbam_stats_reset (stats);
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
  stats->carried = stats->detections = stats->unwanted = stats->empty = stats->n_results = 0;
  stats->inference_sum = stats->inference_last = 0;
  stats->last_detections = stats->last_unwanted = 0;
  stats->best_score = 0;
  stats->threshold = -1;
  stats->orientation = CBAM_ORIENTATION_IDENTITY;
}

void
gst_cbam_stats_count (GstCbamStats *stats, GstCbamFate fate)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->fates[fate]++;
}

gboolean
gst_cbam_stats_set_orientation (GstCbamStats *stats, CbamOrientation orientation)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);
  const gboolean changed = stats->orientation != orientation;

  stats->orientation = orientation;
  return changed;
}

void
gst_cbam_stats_count_carried (GstCbamStats *stats)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->carried++;
}

void
gst_cbam_stats_add_result (GstCbamStats *stats, const CbamResult *result, double threshold)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  stats->last_detections = cbam_result_get_n_detections (result);
  stats->last_unwanted = cbam_result_get_n_unwanted (result);
  stats->detections += stats->last_detections;
  stats->unwanted += stats->last_unwanted;
  stats->empty += stats->last_detections == 0;
  stats->best_score = cbam_result_get_best_score (result);
  stats->threshold = threshold;
  stats->inference_last = cbam_result_get_seconds (result) * GST_SECOND;
  stats->inference_sum += stats->inference_last;
  stats->n_results++;
}

/* ---- In words ---- */

/* Called with the lock held, as the next two. */
static guint64
count_frames (const GstCbamStats *stats)
{
  guint64 frames = 0;

  for (guint i = 0; i < GST_CBAM_N_FATES; i++)
    frames += stats->fates[i];
  return frames;
}

/* Why no result has come yet. */
static char *
explain_silence (const GstCbamStats *stats)
{
  const guint64 frames = count_frames (stats);
  guint most = GST_CBAM_FATE_INFERRED + 1;

  if (frames == 0)
    return g_strdup ("no frame has come");
  if (stats->fates[GST_CBAM_FATE_INFERRED] > 0)
    return g_strdup ("the first frame is in inference");
  for (guint i = most; i < GST_CBAM_N_FATES; i++)
    most = stats->fates[i] > stats->fates[most] ? i : most;
  return g_strdup_printf ("none of %" G_GUINT64_FORMAT " frames was inferred, most of them: %s", frames,
                          fates[most].words);
}

static char *
explain (const GstCbamStats *stats)
{
  if (stats->n_results == 0)
    return explain_silence (stats);
  if (stats->last_detections > 0)
    return g_strdup_printf ("%" G_GSIZE_FORMAT " detection%s, best score %.3f", stats->last_detections,
                            stats->last_detections > 1 ? "s" : "", stats->best_score);
  if (stats->last_unwanted > 0)
    return g_strdup_printf ("no detections, but %" G_GSIZE_FORMAT " of other classes (classes)", stats->last_unwanted);
  return g_strdup_printf ("no detections: best score %.3f is not above %.3f (threshold)", stats->best_score,
                          stats->threshold);
}

char *
gst_cbam_stats_explain (GstCbamStats *stats)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);

  return explain (stats);
}

GstStructure *
gst_cbam_stats_to_structure (GstCbamStats *stats, GstClockTime latency)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&stats->lock);
  GstStructure *structure = gst_structure_new_empty ("cbamdetect-stats");
  const GstClockTime mean = stats->n_results > 0 ? stats->inference_sum / stats->n_results : 0;
  g_autofree char *explanation = explain (stats);

  for (guint i = 0; i < GST_CBAM_N_FATES; i++)
    gst_structure_set (structure, fates[i].field, G_TYPE_UINT64, stats->fates[i], NULL);
  gst_structure_set (structure, "frames", G_TYPE_UINT64, count_frames (stats), "carried", G_TYPE_UINT64, stats->carried,
                     "detections", G_TYPE_UINT64, stats->detections, "empty", G_TYPE_UINT64, stats->empty,
                     "class-filtered", G_TYPE_UINT64, stats->unwanted, "best-score", G_TYPE_DOUBLE, stats->best_score,
                     "threshold", G_TYPE_DOUBLE, stats->threshold, "explanation", G_TYPE_STRING, explanation,
                     "orientation", G_TYPE_STRING, gst_cbam_orientation_to_string (stats->orientation),
                     "inference-time", G_TYPE_UINT64, mean, "inference-time-last", G_TYPE_UINT64, stats->inference_last,
                     "latency", G_TYPE_UINT64, latency, NULL);
  return structure;
}
