/* Sorts candidates and keeps the strongest of each crowd. One walk in order of score serves all classes at once, so it
 * can stop as soon as a frame has its fill: everything above threshold 0 costs little more than the sort.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detect/nms.h"

#include <string.h>

#define DIGITS 256 /* of one radix pass: a byte */

/* The caller's scratch bytes, cut into arrays of n. */
typedef struct
{
  CbamCandidate *sorted; /* a copy of the candidates by falling score */
  guint32 *order;        /* result of a sort */
  guint32 *spare;        /* a sort's other half; then the group of sorted[i] */
  guint32 *kept;         /* indices into sorted: each group's survivors, from the group's first place on */
  guint32 *n_kept;       /* per group */
  guint32 *n_entered;    /* per group */
  guint32 *first;        /* per group: its first place in kept */
} Scratch;

#define BYTES_PER_CANDIDATE (sizeof (CbamCandidate) + 6 * sizeof (guint32))

static Scratch
cut_scratch (GByteArray *bytes, gsize n)
{
  Scratch scratch;
  guint32 *next;

  if (bytes->len < n * BYTES_PER_CANDIDATE)
    g_byte_array_set_size (bytes, (guint) (n * BYTES_PER_CANDIDATE));
  scratch.sorted = (CbamCandidate *) (void *) bytes->data; /* g_realloc aligns for every type */
  next = (guint32 *) (void *) (bytes->data + n * sizeof (CbamCandidate));
  scratch.order = next;
  scratch.spare = next + n;
  scratch.kept = next + 2 * n;
  scratch.n_kept = next + 3 * n;
  scratch.n_entered = next + 4 * n;
  scratch.first = next + 5 * n;
  return scratch;
}

typedef guint32 (*KeyFunc) (const CbamCandidate *candidate);

/* Grows as the score falls. IEEE floats order as their bits do once the sign is taken care of. */
static guint32
falling_score_key (const CbamCandidate *candidate)
{
  guint32 bits;

  memcpy (&bits, &candidate->score, sizeof bits);
  return (bits & 0x80000000u) != 0 ? bits : ~(bits | 0x80000000u);
}

static guint32
prior_key (const CbamCandidate *candidate)
{
  return candidate->prior;
}

static guint32
class_key (const CbamCandidate *candidate)
{
  return candidate->class_id;
}

/* Sorts @scratch->order stably by @key: a radix sort, which unlike qsort() is stable and allocates nothing. */
static void
sort_by (Scratch *scratch, const CbamCandidate *candidates, gsize n, KeyFunc key)
{
  for (guint shift = 0; shift < 32; shift += 8) {
    guint32 start[DIGITS] = { 0 };
    guint32 sum = 0;
    guint32 *swap = scratch->order;

    for (gsize i = 0; i < n; i++)
      start[key (&candidates[i]) >> shift & 0xff]++;
    if (start[key (&candidates[0]) >> shift & 0xff] == n) /* all have the same digit */
      continue;

    for (guint digit = 0; digit < DIGITS; digit++) {
      guint32 count = start[digit];

      start[digit] = sum;
      sum += count;
    }
    for (gsize i = 0; i < n; i++) {
      guint32 index = scratch->order[i];

      scratch->spare[start[key (&candidates[index]) >> shift & 0xff]++] = index;
    }
    scratch->order = scratch->spare;
    scratch->spare = swap;
  }
}

static void
reset_order (Scratch *scratch, gsize n)
{
  for (gsize i = 0; i < n; i++)
    scratch->order[i] = (guint32) i;
}

static void
sort_candidates (Scratch *scratch, const CbamCandidate *candidates, gsize n)
{
  reset_order (scratch, n);
  sort_by (scratch, candidates, n, class_key);
  sort_by (scratch, candidates, n, prior_key);
  sort_by (scratch, candidates, n, falling_score_key);
  for (gsize i = 0; i < n; i++)
    scratch->sorted[i] = candidates[scratch->order[i]];
}

/* Numbers the classes that occur 0, 1, 2... and writes each sorted candidate's number to scratch->spare, so that
 * per-class tables are never longer than the list of candidates. */
static void
group_by_class (Scratch *scratch, gsize n)
{
  guint32 group = 0;

  reset_order (scratch, n);
  sort_by (scratch, scratch->sorted, n, class_key);
  for (gsize i = 0; i < n; i++) {
    guint32 class_id = scratch->sorted[scratch->order[i]].class_id;

    if (i > 0 && class_id != scratch->sorted[scratch->order[i - 1]].class_id)
      group++;
    if (i == 0 || class_id != scratch->sorted[scratch->order[i - 1]].class_id) {
      scratch->first[group] = (guint32) i;
      scratch->n_kept[group] = 0;
      scratch->n_entered[group] = 0;
    }
    scratch->spare[scratch->order[i]] = group;
  }
}

/* What a profile does to boxes before it compares them: x times scale; an edge of 1 more; cut to 0..limit; and what it
 * adds to their union. */
typedef struct
{
  float scale_x, scale_y;
  float edge;
  float slack;
  gboolean clip;
} OverlapRule;

static float
overlap (const CbamCandidate *a, const CbamCandidate *b, const OverlapRule *rule)
{
  float a_w = (a->x1 - a->x0) * rule->scale_x, a_h = (a->y1 - a->y0) * rule->scale_y;
  float b_w = (b->x1 - b->x0) * rule->scale_x, b_h = (b->y1 - b->y0) * rule->scale_y;
  float w = (MIN (a->x1, b->x1) - MAX (a->x0, b->x0)) * rule->scale_x + rule->edge;
  float h = (MIN (a->y1, b->y1) - MAX (a->y0, b->y0)) * rule->scale_y + rule->edge;
  float both, either;

  /* Written so that a NaN, too, makes a box without area; endless boxes end in a NaN below. */
  if (!(a_w > 0 && a_h > 0 && b_w > 0 && b_h > 0 && w > 0 && h > 0))
    return 0;
  both = w * h;
  either = (a_w + rule->edge) * (a_h + rule->edge) + (b_w + rule->edge) * (b_h + rule->edge) - both;
  return either > 0 ? both / (either + rule->slack) : 0;
}

static CbamCandidate
clip_to_input (const CbamCandidate *box)
{
  CbamCandidate clipped = *box;

  clipped.x0 = CLAMP (box->x0, 0, 1);
  clipped.y0 = CLAMP (box->y0, 0, 1);
  clipped.x1 = CLAMP (box->x1, 0, 1);
  clipped.y1 = CLAMP (box->y1, 0, 1);
  return clipped;
}

/* Whether the two overlap by more than @limit. @box is clipped already where the rule clips, as its caller compares it
 * with many. */
static gboolean
is_crowd (const CbamCandidate *stronger, const CbamCandidate *box, float limit, const OverlapRule *rule)
{
  CbamCandidate clipped;

  if (rule->clip) {
    clipped = clip_to_input (stronger);
    stronger = &clipped;
  }
  return overlap (stronger, box, rule) > limit;
}

static gboolean
survives (const Scratch *scratch, gsize i, float limit, const OverlapRule *rule)
{
  guint32 group = scratch->spare[i];
  const guint32 *kept = scratch->kept + scratch->first[group];
  CbamCandidate box = rule->clip ? clip_to_input (&scratch->sorted[i]) : scratch->sorted[i];

  for (guint32 k = 0; k < scratch->n_kept[group]; k++)
    if (is_crowd (&scratch->sorted[kept[k]], &box, limit, rule))
      return FALSE;
  return TRUE;
}

/* Whether one of the @n boxes that are @reported names, by another class, what @candidate does. */
static gboolean
is_named (const CbamCandidate *reported, gsize n, const CbamCandidate *candidate, float limit, const OverlapRule *rule)
{
  CbamCandidate box = rule->clip ? clip_to_input (candidate) : *candidate;

  for (gsize i = 0; i < n; i++)
    if (reported[i].class_id != box.class_id && is_crowd (&reported[i], &box, limit, rule))
      return TRUE;
  return FALSE;
}

gsize
cbam_nms (CbamCandidate *candidates, gsize n, const CbamDetectParams *params, CbamNmsProfile profile, guint input_width,
          guint input_height, GByteArray *scratch_bytes)
{
  /* RFBNet compares whole pixels, of which a box from 3 to 5 has three; torchvision clips before it compares;
   * qfgaohao's union is a little larger than it is (box_utils.iou_of), which tells for small boxes. */
  gboolean pixels = profile == CBAM_PROFILE_RFBNET;
  OverlapRule rule = { .scale_x = pixels ? (float) input_width : 1,
                       .scale_y = pixels ? (float) input_height : 1,
                       .edge = pixels ? 1 : 0,
                       .slack = profile == CBAM_PROFILE_QFGAOHAO ? 1e-5f : 0,
                       .clip = profile == CBAM_PROFILE_TORCHVISION };
  gsize most = params->max_detections == 0 ? n : params->max_detections;
  gsize n_out = 0;
  Scratch scratch;

  if (n == 0)
    return 0;
  g_return_val_if_fail (n <= G_MAXUINT / BYTES_PER_CANDIDATE, 0);

  scratch = cut_scratch (scratch_bytes, n);
  sort_candidates (&scratch, candidates, n);
  group_by_class (&scratch, n);

  for (gsize i = 0; i < n && n_out < most; i++) {
    guint32 group = scratch.spare[i];

    if (params->top_k != 0 && scratch.n_entered[group] == params->top_k)
      continue;
    scratch.n_entered[group]++;
    if (!survives (&scratch, i, params->nms_iou, &rule))
      continue;
    scratch.kept[scratch.first[group] + scratch.n_kept[group]++] = (guint32) i; /* whatever other classes have */
    if (params->nms_across < 1 && is_named (candidates, n_out, &scratch.sorted[i], params->nms_across, &rule))
      continue;
    candidates[n_out++] = scratch.sorted[i];
  }
  return n_out;
}

float
cbam_iou (const CbamCandidate *a, const CbamCandidate *b)
{
  OverlapRule rule = { .scale_x = 1, .scale_y = 1 };

  return overlap (a, b, &rule);
}
