/* How well spatial attention tells objects from background. Every cell of every map is kept with what it lies on: the
 * mean map, which the second of the two areas needs, is known only at the end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attention-auc.h"

#include <math.h>

typedef enum
{
  CELL_OUTSIDE,
  CELL_INSIDE,
  CELL_IGNORED,
} Cell;

typedef struct
{
  guint level, width, height;
  GArray *values;    /* float: the maps one after the other */
  GByteArray *cells; /* Cell, in the same order */
} Level;

struct _AttentionStudy
{
  GPtrArray *levels; /* Level, finest first */
};

/* A cell that counts, ready to be sorted. */
typedef struct
{
  float value;
  gboolean is_inside;
} Sample;

static void
level_free (Level *level)
{
  g_array_unref (level->values);
  g_byte_array_unref (level->cells);
  g_free (level);
}

AttentionStudy *
attention_study_new (void)
{
  AttentionStudy *study = g_new (AttentionStudy, 1);
  study->levels = g_ptr_array_new_with_free_func ((GDestroyNotify) level_free);
  return study;
}

void
attention_study_free (AttentionStudy *study)
{
  if (study == NULL)
    return;
  g_ptr_array_unref (study->levels);
  g_free (study);
}

static Level *
find_level (AttentionStudy *study, guint number, const CbamMap *map)
{
  guint place = 0;
  for (; place < study->levels->len; place++) {
    Level *level = g_ptr_array_index (study->levels, place);
    if (level->level == number)
      return level;
    if (level->level > number)
      break;
  }
  Level *level = g_new (Level, 1);
  *level = (Level){ .level = number, .width = map->width, .height = map->height };
  level->values = g_array_new (FALSE, FALSE, sizeof (float));
  level->cells = g_byte_array_new ();
  g_ptr_array_insert (study->levels, (int) place, level);
  return level;
}

/* What a point of the picture lies on. A box's pixels are counted from 1 and belong to it whole, so its edges are at
 * x0 - 1 and x1. */
static Cell
look_up (double x, double y, const VocObject *objects, gsize n_objects)
{
  Cell cell = CELL_OUTSIDE;
  for (gsize i = 0; i < n_objects; i++) {
    const VocBox *box = &objects[i].box;
    if (x < box->x0 - 1 || x >= box->x1 || y < box->y0 - 1 || y >= box->y1)
      continue;
    if (!objects[i].is_difficult)
      return CELL_INSIDE;
    cell = CELL_IGNORED;
  }
  return cell;
}

void
attention_study_add (AttentionStudy *study, guint level_number, const CbamMap *map, guint picture_width,
                     guint picture_height, const VocObject *objects, gsize n_objects)
{
  Level *level = find_level (study, level_number, map);
  g_return_if_fail (map->values != NULL && level->width == map->width && level->height == map->height);

  g_array_append_vals (level->values, map->values, map->width * map->height);
  for (guint row = 0; row < map->height; row++)
    for (guint column = 0; column < map->width; column++) {
      const double x = map->x + (column + 0.5) * map->frame_width / map->width;
      const double y = map->y + (row + 0.5) * map->frame_height / map->height;
      const gboolean is_beyond = x < 0 || y < 0 || x > picture_width || y > picture_height;
      const guint8 cell = is_beyond ? CELL_IGNORED : (guint8) look_up (x, y, objects, n_objects);
      g_byte_array_append (level->cells, &cell, 1);
    }
}

static int
by_value (gconstpointer a, gconstpointer b)
{
  const float x = ((const Sample *) a)->value, y = ((const Sample *) b)->value;
  return (x > y) - (x < y);
}

/* The share of pairs of an inside and an outside cell in which the inside one is larger; whole numbers throughout. */
static double
area_under_curve (GArray *samples)
{
  guint64 inside = 0, outside = 0, half_pairs = 0;
  g_array_sort (samples, by_value);
  for (guint i = 0; i < samples->len;) {
    const float value = g_array_index (samples, Sample, i).value;
    guint64 equal_inside = 0, equal_outside = 0;
    for (; i < samples->len && g_array_index (samples, Sample, i).value == value; i++) {
      const gboolean is_inside = g_array_index (samples, Sample, i).is_inside;
      equal_inside += is_inside;
      equal_outside += !is_inside;
    }
    half_pairs += equal_inside * (2 * outside + equal_outside);
    inside += equal_inside;
    outside += equal_outside;
  }
  return inside > 0 && outside > 0 ? (double) half_pairs / 2 / (double) inside / (double) outside : NAN;
}

/* @mean: taken off every map; %NULL for nothing. */
static double
level_auc (const Level *level, const double *mean)
{
  const guint size = level->width * level->height;
  g_autoptr (GArray) samples = g_array_sized_new (FALSE, FALSE, sizeof (Sample), level->values->len);
  for (guint i = 0; i < level->values->len; i++) {
    if (level->cells->data[i] == CELL_IGNORED)
      continue;
    const float value = g_array_index (level->values, float, i);
    const Sample sample = { .value = mean != NULL ? (float) (value - mean[i % size]) : value,
                            .is_inside = level->cells->data[i] == CELL_INSIDE };
    g_array_append_val (samples, sample);
  }
  return area_under_curve (samples);
}

static double *
mean_map (const Level *level)
{
  const guint size = level->width * level->height, n_maps = level->values->len / size;
  double *mean = g_new0 (double, size);
  for (guint i = 0; i < level->values->len; i++)
    mean[i % size] += g_array_index (level->values, float, i);
  for (guint i = 0; i < size; i++)
    mean[i] /= n_maps;
  return mean;
}

static void
compare_border (const double *mean, AttentionScore *score)
{
  double sums[2] = { 0 };
  guint counts[2] = { 0 };
  for (guint row = 0; row < score->height; row++)
    for (guint column = 0; column < score->width; column++) {
      const gboolean is_inner = row > 0 && column > 0 && row + 1 < score->height && column + 1 < score->width;
      sums[is_inner] += mean[row * score->width + column];
      counts[is_inner]++;
    }
  score->border = sums[FALSE] / counts[FALSE];
  score->inner = counts[TRUE] > 0 ? sums[TRUE] / counts[TRUE] : NAN;
}

GArray *
attention_study_scores (const AttentionStudy *study)
{
  GArray *scores = g_array_new (FALSE, FALSE, sizeof (AttentionScore));
  for (guint i = 0; i < study->levels->len; i++) {
    const Level *level = g_ptr_array_index (study->levels, i);
    g_autofree double *mean = mean_map (level);
    AttentionScore score = { .level = level->level, .width = level->width, .height = level->height };
    for (guint j = 0; j < level->cells->len; j++) {
      score.inside += level->cells->data[j] == CELL_INSIDE;
      score.outside += level->cells->data[j] == CELL_OUTSIDE;
    }
    const gboolean can_tell = level->width * level->height > 1;
    score.auc = can_tell ? level_auc (level, NULL) : NAN;
    score.auc_less_mean = can_tell ? level_auc (level, mean) : NAN;
    compare_border (mean, &score);
    g_array_append_val (scores, score);
  }
  return scores;
}
