/* Levels of a detector, and its block.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/levels.h"

#include <string.h>

static void
levels_free (CbamLevels *levels)
{
  g_clear_pointer (&levels->anchors, g_array_unref);
  g_free (levels);
}

CbamLevels *
cbam_levels_new (CbamGraph *graph, CbamValue *block)
{
  CbamLevels *levels = g_new0 (CbamLevels, 1);

  levels->block = block;
  levels->batch = graph->batch;
  graph->client = levels;
  graph->free_client = (GDestroyNotify) levels_free;
  return levels;
}

CbamLevels *
cbam_levels_of (const CbamGraph *graph)
{
  return graph->client;
}

void
cbam_levels_set_anchors (CbamLevels *levels, CbamGraph *graph, GArray *anchors, guint n_classes)
{
  const guint64 max_hits = (guint64) anchors->len * n_classes;

  levels->anchors = anchors;
  levels->n_classes = n_classes;
  levels->max_hits = (guint32) max_hits;
  if (max_hits > G_MAXUINT32) {
    cbam_graph_fail (graph, CBAM_ERROR_UNSUPPORTED, "%u anchors of %u classes; expected at most %u scores",
                     anchors->len, n_classes, G_MAXUINT32);
    return;
  }
  levels->hits = graph->batch * sizeof (CbamFrameArgs);
  levels->boxes = levels->hits + CBAM_LEVELS_HEADER + (gsize) max_hits * sizeof (CbamHit);
  levels->results = levels->boxes - levels->hits + (gsize) anchors->len * 4 * sizeof (float);
  levels->block->size = levels->hits + graph->batch * levels->results;
  levels->block->host = CBAM_HOST_WRITES | CBAM_HOST_READS;
  levels->block->host_bytes = graph->batch == 1 ? levels->hits + CBAM_LEVELS_HEADER : levels->block->size;
}

void
cbam_levels_set_scores (CbamLevels *levels, CbamGraph *graph, CbamValue *evidence, CbamValue *scores)
{
  levels->evidence = evidence;
  levels->scores = scores;
  levels->n_classes = scores->channels;
  scores->host |= CBAM_HOST_READS;
  levels->block->size = levels->block->host_bytes = graph->batch * sizeof (CbamFrameArgs);
}

void
cbam_levels_place (const CbamLevels *levels, CbamDetectOpParams *params)
{
  params->hits = (guint) (levels->hits / sizeof (guint32));
  params->boxes = (guint) (levels->boxes / sizeof (guint32));
  params->results = (guint) (levels->results / sizeof (guint32));
}

static guint32 *
get_header (const CbamLevels *levels, const guint8 *block, guint image)
{
  return (guint32 *) (block + levels->hits + image * levels->results);
}

CbamFrameArgs *
cbam_levels_begin (const CbamLevels *levels, guint8 *block)
{
  for (guint i = 0; levels->scores == NULL && i < levels->batch; i++) {
    guint32 *header = get_header (levels, block, i);

    header[0] = header[1] = 0;
  }
  return (CbamFrameArgs *) block;
}

const CbamHit *
cbam_levels_get_hits (const CbamLevels *levels, const guint8 *block, guint image, guint32 *ret_n)
{
  const guint32 *header = get_header (levels, block, image);

  *ret_n = MIN (*header, levels->max_hits);
  return (const CbamHit *) ((const guint8 *) header + CBAM_LEVELS_HEADER);
}

float
cbam_levels_get_best_score (const CbamLevels *levels, const guint8 *block, guint image)
{
  float score;

  memcpy (&score, get_header (levels, block, image) + 1, sizeof score);
  return score;
}

const float (*cbam_levels_get_boxes (const CbamLevels *levels, const guint8 *block, guint image))[4]
{
  return (const float (*)[4]) (block + levels->boxes + image * levels->results);
}
