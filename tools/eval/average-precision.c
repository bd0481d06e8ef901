/* Average precision as Pascal VOC's devkit defines it. Matching concerns one picture at a time, so it is done once,
 * when a picture is added; all that is kept of a detection is its score, its picture, and at which overlaps it is right
 * or wrong. Every measure is then one walk through a class's detections by falling score.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "average-precision.h"

#include "shared/numbers.h"

#include <math.h>
#include <string.h>

#define N_IOUS 10  /* 0.5, 0.55 ... 0.95 */
#define RECALLS 10 /* steps of recall between the 11 points */

/* A detection after matching. */
typedef struct
{
  float score;
  guint32 picture;
  guint16 right, wrong; /* a bit per IoU, the lowest is 0.5; neither where it met a difficult object */
} Match;

typedef struct
{
  GArray *matches; /* Match */
  GArray *objects; /* guint32: the picture of each object that counts */
} ClassRecord;

struct _Evaluation
{
  guint n_classes, n_pictures;
  ClassRecord *classes;
};

/* Right and wrong detections seen so far on a walk by falling score. */
typedef struct
{
  guint64 right, wrong;
} Tally;

Evaluation *
evaluation_new (guint n_classes)
{
  Evaluation *evaluation = g_new0 (Evaluation, 1);
  evaluation->n_classes = n_classes;
  evaluation->classes = g_new0 (ClassRecord, n_classes);
  for (guint i = 0; i < n_classes; i++) {
    evaluation->classes[i].matches = g_array_new (FALSE, FALSE, sizeof (Match));
    evaluation->classes[i].objects = g_array_new (FALSE, FALSE, sizeof (guint32));
  }
  return evaluation;
}

void
evaluation_free (Evaluation *evaluation)
{
  if (evaluation == NULL)
    return;
  for (guint i = 0; i < evaluation->n_classes; i++) {
    g_array_unref (evaluation->classes[i].matches);
    g_array_unref (evaluation->classes[i].objects);
  }
  g_free (evaluation->classes);
  g_free (evaluation);
}

/* ---- Matching --------------------------------------------------------------------------------------------------- */

/* Intersection over union with widths and heights of one more, as the devkit has them. */
static double
overlap (const VocBox *a, const VocBox *b)
{
  const double width = MIN (a->x1, b->x1) - MAX (a->x0, b->x0) + 1;
  const double height = MIN (a->y1, b->y1) - MAX (a->y0, b->y0) + 1;
  if (!(width > 0 && height > 0))
    return 0;
  const double both = width * height;
  return both / ((a->x1 - a->x0 + 1) * (a->y1 - a->y0 + 1) + (b->x1 - b->x0 + 1) * (b->y1 - b->y0 + 1) - both);
}

/* The IoUs that @iou reaches, a bit each. The quotient is exact where it matters: 10 / 20 is 0.5. */
static guint16
ious_reached (double iou)
{
  guint16 reached = 0;
  for (guint i = 0; i < N_IOUS; i++)
    if (iou >= (10 + i) / 20.0)
      reached |= (guint16) (1u << i);
  return reached;
}

/* @found: per object, the IoUs at which it has been found already. */
static Match
match_detection (const VocDetection *detection, const VocObject *objects, gsize n_objects, guint16 *found)
{
  Match match = { .score = detection->score };
  double best = 0;
  gsize best_object = n_objects;
  for (gsize i = 0; i < n_objects; i++) {
    const double iou = objects[i].class_id == detection->class_id ? overlap (&detection->box, &objects[i].box) : 0;
    if (iou > best) {
      best = iou;
      best_object = i;
    }
  }

  const guint16 reached = ious_reached (best);
  match.wrong = (guint16) (~reached & ((1u << N_IOUS) - 1));
  if (best_object == n_objects || objects[best_object].is_difficult)
    return match;
  match.right = reached & (guint16) ~found[best_object];
  match.wrong |= reached & found[best_object];
  found[best_object] |= reached;
  return match;
}

static int
by_falling_score (gconstpointer a, gconstpointer b)
{
  const float x = ((const VocDetection *) a)->score, y = ((const VocDetection *) b)->score;
  return (x < y) - (x > y);
}

void
evaluation_add_picture (Evaluation *evaluation, const VocObject *objects, gsize n_objects,
                        const VocDetection *detections, gsize n_detections)
{
  g_autoptr (GArray) sorted = g_array_sized_new (FALSE, FALSE, sizeof (VocDetection), (guint) n_detections);
  g_autofree guint16 *found = g_new0 (guint16, MAX (n_objects, 1));
  const guint32 picture = evaluation->n_pictures++;

  for (gsize i = 0; i < n_objects; i++) {
    g_return_if_fail (objects[i].class_id < evaluation->n_classes);
    if (!objects[i].is_difficult)
      g_array_append_val (evaluation->classes[objects[i].class_id].objects, picture);
  }

  if (n_detections > 0)
    g_array_append_vals (sorted, detections, (guint) n_detections);
  g_array_sort (sorted, by_falling_score); /* stable, as GLib promises */
  for (guint i = 0; i < sorted->len; i++) {
    const VocDetection *detection = &g_array_index (sorted, VocDetection, i);
    g_return_if_fail (detection->class_id < evaluation->n_classes);
    Match match = match_detection (detection, objects, n_objects, found);
    match.picture = picture;
    g_array_append_val (evaluation->classes[detection->class_id].matches, match);
  }
}

static int
matches_by_falling_score (gconstpointer a, gconstpointer b)
{
  const float x = ((const Match *) a)->score, y = ((const Match *) b)->score;
  return (x < y) - (x > y);
}

void
evaluation_finish (Evaluation *evaluation)
{
  for (guint i = 0; i < evaluation->n_classes; i++)
    g_array_sort (evaluation->classes[i].matches, matches_by_falling_score);
}

guint
evaluation_n_classes (const Evaluation *evaluation)
{
  return evaluation->n_classes;
}

guint
evaluation_n_pictures (const Evaluation *evaluation)
{
  return evaluation->n_pictures;
}

guint
evaluation_n_objects (const Evaluation *evaluation, guint class_id)
{
  g_return_val_if_fail (class_id < evaluation->n_classes, 0);
  return evaluation->classes[class_id].objects->len;
}

/* ---- Average precision ------------------------------------------------------------------------------------------ */

/* Counts a detection @times over. Returns whether it is right and counted. */
static gboolean
tally (Tally *seen, const Match *match, guint iou, guint times)
{
  const guint bit = 1u << iou;
  if ((match->wrong & bit) != 0)
    seen->wrong += times;
  if ((match->right & bit) == 0)
    return FALSE;
  seen->right += times;
  return times > 0;
}

static double
precision (const Tally *seen)
{
  return seen->right + seen->wrong > 0 ? (double) seen->right / (double) (seen->right + seen->wrong) : NAN;
}

/* The 11-point measure in the making: the best precision at recalls from i / 10 up to the next. Precision is best where
 * a right detection has just been added, so only these are looked at. */
typedef struct
{
  double best[RECALLS + 1];
} ElevenPoints;

/* Whole numbers are compared, so that a recall of 3 / 10 is 0.3. */
static void
eleven_points_add (ElevenPoints *points, const Tally *seen, guint64 n_objects)
{
  double *best = &points->best[RECALLS * seen->right / n_objects];
  *best = MAX (*best, precision (seen));
}

static double
eleven_points_mean (const ElevenPoints *points)
{
  double sum = 0, best = 0;
  for (guint i = RECALLS + 1; i-- > 0;) {
    best = MAX (best, points->best[i]);
    sum += best;
  }
  return sum / (RECALLS + 1);
}

static double
eleven_point_precision (const ClassRecord *record)
{
  ElevenPoints points = { 0 };
  Tally seen = { 0 };
  for (guint i = 0; i < record->matches->len; i++)
    if (tally (&seen, &g_array_index (record->matches, Match, i), 0, 1))
      eleven_points_add (&points, &seen, record->objects->len);
  return eleven_points_mean (&points);
}

/* The area below the curve. Each right detection adds a step of recall of 1 / objects, as high as the best precision
 * from there on. */
static double
area (const ClassRecord *record, guint iou)
{
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (double));
  Tally seen = { 0 };
  for (guint i = 0; i < record->matches->len; i++)
    if (tally (&seen, &g_array_index (record->matches, Match, i), iou, 1)) {
      const double step = precision (&seen);
      g_array_append_val (steps, step);
    }

  double sum = 0, best = 0;
  for (guint i = steps->len; i-- > 0;) {
    best = MAX (best, g_array_index (steps, double, i));
    sum += best;
  }
  return sum / record->objects->len;
}

double
evaluation_average_precision (const Evaluation *evaluation, guint class_id, ApMeasure measure)
{
  g_return_val_if_fail (class_id < evaluation->n_classes, NAN);
  const ClassRecord *record = &evaluation->classes[class_id];
  if (record->objects->len == 0)
    return NAN;
  switch (measure) {
    case AP_11_POINT: return eleven_point_precision (record);
    case AP_AREA: return area (record, 0);
    case AP_50_95: {
      double sum = 0;
      for (guint i = 0; i < N_IOUS; i++)
        sum += area (record, i);
      return sum / N_IOUS;
    }
  }
  g_return_val_if_reached (NAN);
}

double
evaluation_mean_average_precision (const Evaluation *evaluation, ApMeasure measure)
{
  double sum = 0;
  guint n = 0;
  for (guint i = 0; i < evaluation->n_classes; i++)
    if (evaluation->classes[i].objects->len > 0) {
      sum += evaluation_average_precision (evaluation, i, measure);
      n++;
    }
  return n > 0 ? sum / n : NAN;
}

/* ---- Curves and thresholds -------------------------------------------------------------------------------------- */

GArray *
evaluation_curve (const Evaluation *evaluation, guint class_id)
{
  GArray *curve = g_array_new (FALSE, FALSE, sizeof (CurvePoint));
  g_return_val_if_fail (class_id < evaluation->n_classes, curve);
  const ClassRecord *record = &evaluation->classes[class_id];
  Tally seen = { 0 };
  for (guint i = 0; record->objects->len > 0 && i < record->matches->len; i++) {
    const Match *match = &g_array_index (record->matches, Match, i);
    const guint64 before = seen.right + seen.wrong;
    tally (&seen, match, 0, 1);
    if (seen.right + seen.wrong == before)
      continue; /* a difficult object's */
    const CurvePoint point = { .recall = (double) seen.right / record->objects->len,
                               .precision = precision (&seen),
                               .score = match->score };
    g_array_append_val (curve, point);
  }
  return curve;
}

static OperatingPoint
operating_point (const Tally *seen, guint64 n_objects, double threshold)
{
  OperatingPoint point = { .threshold = threshold, .precision = precision (seen), .recall = NAN, .f1 = NAN };
  if (n_objects == 0)
    return point;
  point.recall = (double) seen->right / (double) n_objects;
  point.f1 = 2.0 * (double) seen->right / (double) (seen->right + seen->wrong + n_objects);
  return point;
}

OperatingPoint
evaluation_at (const Evaluation *evaluation, guint class_id, double threshold)
{
  Tally seen = { 0 };
  g_return_val_if_fail (class_id < evaluation->n_classes, operating_point (&seen, 0, threshold));
  const ClassRecord *record = &evaluation->classes[class_id];
  for (guint i = 0; i < record->matches->len; i++) {
    const Match *match = &g_array_index (record->matches, Match, i);
    if (match->score > threshold)
      tally (&seen, match, 0, 1);
  }
  return operating_point (&seen, record->objects->len, threshold);
}

OperatingPoint
evaluation_best_f1 (const Evaluation *evaluation)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (Match));
  guint64 n_objects = 0;
  for (guint i = 0; i < evaluation->n_classes; i++) {
    const ClassRecord *record = &evaluation->classes[i];
    if (record->matches->len > 0)
      g_array_append_vals (all, record->matches->data, record->matches->len);
    n_objects += record->objects->len;
  }
  g_array_sort (all, matches_by_falling_score);

  Tally seen = { 0 };
  OperatingPoint best = operating_point (&seen, n_objects, NAN);
  for (guint i = 0; i < all->len; i++) {
    const Match *match = &g_array_index (all, Match, i);
    const double next = i + 1 < all->len ? g_array_index (all, Match, i + 1).score : 0;
    tally (&seen, match, 0, 1);
    if (next == match->score)
      continue; /* no threshold parts the two */
    const OperatingPoint point = operating_point (&seen, n_objects, (match->score + next) / 2);
    if (point.f1 > best.f1)
      best = point;
  }
  return best;
}

/* ---- The bootstrap ---------------------------------------------------------------------------------------------- */

/* A class for the bootstrap's many walks: its detections at IoU 0.5 without those that count for nothing. */
#define IS_RIGHT (1u << 31)

typedef struct
{
  GArray *hits;          /* guint32: the picture, and IS_RIGHT */
  const GArray *objects; /* belongs to the evaluation */
} Walk;

static void
clear_walk (Walk *walk)
{
  g_array_unref (walk->hits);
}

static GArray *
prepare_walks (const Evaluation *evaluation)
{
  GArray *walks = g_array_new (FALSE, FALSE, sizeof (Walk));
  g_array_set_clear_func (walks, (GDestroyNotify) clear_walk);
  for (guint i = 0; i < evaluation->n_classes; i++) {
    const ClassRecord *record = &evaluation->classes[i];
    if (record->objects->len == 0)
      continue;
    const Walk walk = { .hits = g_array_new (FALSE, FALSE, sizeof (guint32)), .objects = record->objects };
    guint length = 0; /* up to the last right one: what follows changes nothing */
    for (guint j = 0; j < record->matches->len; j++) {
      const Match *match = &g_array_index (record->matches, Match, j);
      const guint32 hit = match->picture | ((match->right & 1) != 0 ? IS_RIGHT : 0);
      if (((match->right | match->wrong) & 1) == 0)
        continue;
      g_array_append_val (walk.hits, hit);
      if ((hit & IS_RIGHT) != 0)
        length = walk.hits->len;
    }
    g_array_set_size (walk.hits, length);
    g_array_append_val (walks, walk);
  }
  return walks;
}

/* The class's 11-point average precision when picture i counts @times[i] times; NaN when none of its objects is left.
 */
static double
resampled_precision (const Walk *walk, const guint32 *times)
{
  guint64 n_objects = 0;
  for (guint i = 0; i < walk->objects->len; i++)
    n_objects += times[g_array_index (walk->objects, guint32, i)];
  if (n_objects == 0)
    return NAN;

  ElevenPoints points = { 0 };
  Tally seen = { 0 };
  for (guint i = 0; i < walk->hits->len; i++) {
    const guint32 hit = g_array_index (walk->hits, guint32, i);
    const guint32 n = times[hit & ~IS_RIGHT];
    if ((hit & IS_RIGHT) == 0) {
      seen.wrong += n;
    } else if (n > 0) {
      seen.right += n;
      eleven_points_add (&points, &seen, n_objects);
    }
  }
  return eleven_points_mean (&points);
}

static double
resampled_mean (const GArray *walks, const guint32 *times)
{
  double sum = 0;
  guint n = 0;
  for (guint i = 0; i < walks->len; i++) {
    const double value = resampled_precision (&g_array_index (walks, Walk, i), times);
    if (!isnan (value)) {
      sum += value;
      n++;
    }
  }
  return n > 0 ? sum / n : NAN;
}

gboolean
evaluation_interval (const Evaluation *evaluation, guint n_resamples, guint32 seed, double *ret_low, double *ret_high)
{
  const guint n_pictures = evaluation->n_pictures;
  g_autoptr (GArray) walks = prepare_walks (evaluation);
  g_autoptr (GArray) means = g_array_new (FALSE, FALSE, sizeof (double));
  g_autofree guint32 *times = g_new (guint32, MAX (n_pictures, 1));
  if (walks->len == 0)
    return FALSE;

  GRand *rand = g_rand_new_with_seed (seed);
  for (guint i = 0; i < n_resamples; i++) {
    memset (times, 0, n_pictures * sizeof *times);
    for (guint j = 0; j < n_pictures; j++)
      times[g_rand_int_range (rand, 0, (gint32) n_pictures)]++;
    const double mean = resampled_mean (walks, times);
    if (!isnan (mean)) /* else only pictures without objects were drawn */
      g_array_append_val (means, mean);
  }
  g_rand_free (rand);
  if (means->len == 0)
    return FALSE;

  g_array_sort (means, by_rising_value);
  *ret_low = quantile (means, 0.025);
  *ret_high = quantile (means, 0.975);
  return TRUE;
}
