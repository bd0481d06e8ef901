/* From a frame's bytes to the network's input, and from the heads' maps to boxes and scores.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <math.h>
#include <string.h>

#include "args/frame.h"

#include "ops/detect.h"
#include "ops/preprocess.h"
#include "ops/resample.h"

/* ---- The input --------------------------------------------------------------------------------------------------- */

/* Where a thread keeps what is the same for all rows of a part: of each component the bytes and parts of each pixel. */
static gsize
count_scratch (guint width)
{
  return 3 * 3 * (gsize) width;
}

static gboolean
prepare_preprocess (CbamHostStep *step, GError **error)
{
  const CbamValue *out = step->node->outputs[0];

  cbam_host_need_scratch (step, count_scratch (out->width));
  cbam_host_divide_rows (step, 30.0 * out->width); /* few parts: each finds the columns again */
  return TRUE;
}

/* Along one axis: the line before @at and the next one that are there, and the part of the second. */
static float
place (const CbamThinAxis *thin, double at, guint n, guint *ret_near, guint *ret_next)
{
  const double clamped = CLAMP (at, 0, n - 1.0);
  const guint near = (guint) clamped;

  *ret_near = cbam_thin_find (thin, near);
  *ret_next = cbam_thin_find (thin, MIN (near + 1, n - 1));
  return (float) (clamped - near);
}

/* Steps of turned frames may be negative, see CbamComponent. */
static void
place_columns (const CbamFrameArgs *f, guint component, guint first, guint n, gint32 *x0, gint32 *x1, float *part)
{
  const CbamComponent *c = &f->component[component];

  for (guint i = 0; i < n; i++) {
    const double at = (first + i + 0.5) * f->scale_x + f->shift_x - 0.5;
    guint near, next;

    part[i] = place (&f->thin[component].x, at * c->scale_x + c->shift_x, c->width, &near, &next);
    x0[i] = (gint32) near * (gint32) c->step;
    x1[i] = (gint32) next * (gint32) c->step;
  }
}

static const guint8 *
find_line (const guint8 *pixels, const CbamComponent *c, guint y)
{
  return pixels + c->offset + y * (gssize) (gint32) c->row;
}

/* The pixels of an axis of the input that lie in the frame. */
static void
find_inside (double scale, double shift, double extent, guint n, guint *ret_first, guint *ret_end)
{
  guint first = 0, end = n;

  while (first < n && !((first + 0.5) * scale + shift - 0.5 > -0.5))
    first++;
  while (end > first && !((end - 0.5) * scale + shift - 0.5 < extent - 0.5))
    end--;
  *ret_first = first;
  *ret_end = end;
}

static CbamLoopColours
colours_of (const CbamFrameArgs *f)
{
  CbamLoopColours colours = { .round_u8 = f->round_u8 != 0 };

  memcpy (colours.matrix, f->matrix, sizeof colours.matrix);
  memcpy (colours.mean, f->mean, sizeof colours.mean);
  memcpy (colours.gain, f->gain, sizeof colours.gain);
  for (guint c = 0; c < 3; c++)
    colours.place[c] = f->bgr ? 2 - c : c;
  return colours;
}

static gboolean
run_preprocess (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *out = node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const guint8 *pixels = cbam_host_bytes (task, node->inputs[0]);
  const CbamFrameArgs *f = (const CbamFrameArgs *) cbam_host_bytes (task, node->inputs[1]) + rows.image;
  const CbamLoopColours colours = colours_of (f);
  float *scratch = cbam_host_scratch (task), *y = cbam_host_map (task, out, rows.image);
  CbamLoopLine lines[3];
  guint first, end, top, bottom;

  find_inside (f->scale_x, f->shift_x, f->frame_width, out->width, &first, &end);
  find_inside (f->scale_y, f->shift_y, f->frame_height, out->height, &top, &bottom);
  for (guint c = 0; c < 3; c++) {
    gint32 *x0 = (gint32 *) scratch + 3 * c * (gsize) out->width, *x1 = x0 + out->width;
    float *part = (float *) (x1 + out->width);

    place_columns (f, c, first, end - first, x0, x1, part);
    lines[c] = (CbamLoopLine){ .x0 = x0, .x1 = x1, .x = part };
  }
  for (guint row = rows.first; row < rows.end; row++) {
    float *to = y + (gsize) row * out->width * 3;
    const double at = (row + 0.5) * f->scale_y + f->shift_y - 0.5;

    if (row < top || row >= bottom || first == end || first > 0 || end < out->width)
      memset (to, 0, (gsize) out->width * 3 * sizeof (float));
    if (row < top || row >= bottom || first == end)
      continue;
    for (guint c = 0; c < 3; c++) {
      const CbamComponent *component = &f->component[c];
      guint near, next;

      lines[c].y = place (&f->thin[c].y, at * component->scale_y + component->shift_y, component->height, &near, &next);
      lines[c].top = find_line (pixels, component, near);
      lines[c].bottom = find_line (pixels, component, next);
    }
    task->step->program->loops->pixels (to + (gsize) first * 3, lines, &colours, end - first);
  }
  return TRUE;
}

const CbamHostKernel cbam_host_preprocess = {
  .name = "loops", .op = &cbam_op_preprocess, .prepare = prepare_preprocess, .run = run_preprocess
};

/* ---- The input through a filter -------------------------------------------------------------------------------------
 */

/* Of @n pixels of the input in a row, what each covers along an axis, and how much of that counts. */
typedef struct
{
  guint n;
  guint *begins, *counts; /* pixels of the component */
  float *weights;         /* one behind the other; each pixel's sum up to 1 */
} Spans;

static void
spans_clear (Spans *spans)
{
  g_free (spans->begins);
  g_free (spans->counts);
  g_free (spans->weights);
}

/* Pixels @first to @first + @n - 1 of the input lie at (i + 0.5) * @scale + @shift - 0.5 of the frame, and that times
 * @by plus @more of a component of @extent pixels. */
static Spans
spans_of (double scale, double shift, double by, double more, guint first, guint n, guint extent, gboolean cubic)
{
  const double most = 2 * CBAM_RESAMPLE_REACH_CUBIC * MAX (scale * by, 1) + 2;
  Spans spans = { n, g_new (guint, n), g_new (guint, n), g_new (float, n *(gsize) most) };
  float *weights = spans.weights;

  for (guint i = 0; i < n; i++) {
    const double at = ((first + i + 0.5) * scale + shift - 0.5) * by + more;
    const CbamResampleSpan span = cbam_resample_find_span (at, scale * by, extent, cubic);
    double total = 0;

    spans.begins[i] = span.first;
    spans.counts[i] = span.end - span.first;
    for (guint k = span.first; k < span.end; k++)
      total += cbam_resample_weigh (&span, k, cubic);
    for (guint k = span.first; k < span.end; k++)
      *weights++ = (float) (cbam_resample_weigh (&span, k, cubic) / total);
  }
  return spans;
}

/* One line of a component, resized. */
static void
filter_line (const guint8 *line, gint32 step, const Spans *across, float *to)
{
  const float *weights = across->weights;

  for (guint i = 0; i < across->n; i++) {
    const guint8 *from = line + across->begins[i] * (gssize) step;
    float sum = 0;

    for (guint k = 0; k < across->counts[i]; k++, from += step)
      sum += *weights++ * (float) *from;
    to[i] = sum;
  }
}

/* The lines that @down's pixels cover are resized once each; @to has as many as @down has pixels. */
static void
filter_component (const guint8 *pixels, const CbamComponent *c, const Spans *across, const Spans *down, float *to)
{
  const guint first = down->begins[0];
  const guint n = down->begins[down->n - 1] + down->counts[down->n - 1] - first;
  g_autofree float *lines = g_new (float, (gsize) n * across->n);
  const float *weights = down->weights;

  for (guint y = 0; y < n; y++)
    filter_line (find_line (pixels, c, first + y), (gint32) c->step, across, lines + (gsize) y * across->n);
  memset (to, 0, (gsize) down->n * across->n * sizeof (float));
  for (guint row = 0; row < down->n; row++, to += across->n)
    for (guint k = 0; k < down->counts[row]; k++) {
      const float *line = lines + (gsize) (down->begins[row] + k - first) * across->n, weight = *weights++;

      for (guint x = 0; x < across->n; x++)
        to[x] += weight * line[x];
    }
}

/* @raw: the components of @n pixels, each @plane numbers behind the other. */
static void
colour_line (const CbamLoopColours *colours, const float *raw, gsize plane, guint n, float *to)
{
  for (guint i = 0; i < n; i++, raw++, to += 3)
    for (guint c = 0; c < 3; c++) {
      const float *row = colours->matrix + 4 * c;
      const float v = CLAMP (raw[0] * row[0] + raw[plane] * row[1] + raw[2 * plane] * row[2] + row[3], 0, 255);

      to[colours->place[c]] = ((colours->round_u8 ? floorf (v + 0.5f) : v) - colours->mean[c]) * colours->gain[c];
    }
}

static gboolean
prepare_resample (CbamHostStep *step, GError **error)
{
  cbam_host_divide_rows (step, CBAM_HOST_PART / 16.0); /* neighbouring parts resize some of the frame's lines twice */
  return TRUE;
}

static gboolean
run_resample (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamValue *out = node->outputs[0];
  const CbamHostRows rows = cbam_host_rows (task);
  const guint8 *pixels = cbam_host_bytes (task, node->inputs[0]);
  const CbamFrameArgs *f = (const CbamFrameArgs *) cbam_host_bytes (task, node->inputs[1]) + rows.image;
  const CbamLoopColours colours = colours_of (f);
  const gboolean cubic = cbam_resample_params (node)->cubic;
  float *y = cbam_host_map (task, out, rows.image);
  g_autofree float *raw = NULL;
  guint left, right, top, bottom;
  gsize plane;

  find_inside (f->scale_x, f->shift_x, f->frame_width, out->width, &left, &right);
  find_inside (f->scale_y, f->shift_y, f->frame_height, out->height, &top, &bottom);
  top = MAX (top, rows.first);
  bottom = MIN (bottom, rows.end);
  memset (y + (gsize) rows.first * out->width * 3, 0,
          (gsize) (rows.end - rows.first) * out->width * 3 * sizeof (float));
  if (left >= right || top >= bottom)
    return TRUE;
  plane = (gsize) (bottom - top) * (right - left);
  raw = g_new (float, 3 * plane);
  for (guint i = 0; i < 3; i++) {
    const CbamComponent *c = &f->component[i];
    Spans across = spans_of (f->scale_x, f->shift_x, c->scale_x, c->shift_x, left, right - left, c->width, cubic);
    Spans down = spans_of (f->scale_y, f->shift_y, c->scale_y, c->shift_y, top, bottom - top, c->height, cubic);

    filter_component (pixels, c, &across, &down, raw + i * plane);
    spans_clear (&across);
    spans_clear (&down);
  }
  for (guint row = top; row < bottom; row++)
    colour_line (&colours, raw + (gsize) (row - top) * (right - left), plane, right - left,
                 y + ((gsize) row * out->width + left) * 3);
  return TRUE;
}

const CbamHostKernel cbam_host_resample = {
  .name = "loops", .op = &cbam_op_resample, .prepare = prepare_resample, .run = run_resample
};

/* ---- Detections -------------------------------------------------------------------------------------------------- */

/* Cells are divided as rows of the first input. */
static gboolean
prepare_detect (CbamHostStep *step, GError **error)
{
  const CbamDetectOpParams *p = cbam_detect_params (step->node);
  const CbamValue *loc = step->node->inputs[0];
  const double work = 20.0 * loc->width * p->per_cell * (p->n_classes + cbam_detect_loc_rows (p->bins) + 4);

  step->rows = (guint) CLAMP (CBAM_HOST_PART / work, 1, loc->height);
  step->parts[0] = (loc->height + step->rows - 1) / step->rows * loc->batch;
  cbam_host_need_scratch (step, 2 * ((gsize) p->n_classes + CBAM_LOOP_LANES));
  return TRUE;
}

/* Where hits of an image go: count, bits of the best score, hits. */
static void
append_hit (gpointer data, guint prior, guint class_id, float score)
{
  guint32 *list = ((gpointer *) data)[0];
  const guint n_classes = GPOINTER_TO_UINT (((gpointer *) data)[1]);
  const CbamHit hit = { score, prior * n_classes + class_id };
  const guint32 place = (guint32) g_atomic_int_add ((gint *) list, 1);

  memcpy (list + 2 + 2 * (gsize) place, &hit, sizeof hit);
}

/* Scores are not negative, so that their bits are in the same order. */
static void
raise_best (guint32 *bits, float score)
{
  gint mine, there;

  memcpy (&mine, &score, sizeof mine);
  do
    there = g_atomic_int_get ((gint *) bits);
  while (mine > there && !g_atomic_int_compare_and_exchange ((gint *) bits, there, mine));
}

static gboolean
run_detect (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  const CbamDetectOpParams *p = cbam_detect_params (node);
  const CbamValue *in = node->inputs[0], *conf = node->inputs[1];
  const guint per_image = (in->height + task->step->rows - 1) / task->step->rows;
  const guint image = task->part / per_image, first = task->part % per_image * task->step->rows;
  const guint cells = (MIN (first + task->step->rows, in->height) - first) * in->width;
  guint8 *block = cbam_host_bytes (task, node->outputs[0]);
  const CbamFrameArgs *frame = (const CbamFrameArgs *) block + image;
  guint32 *words = (guint32 *) block + (gsize) p->results * image, *list = words + p->hits;
  float *reported = cbam_host_scratch (task);
  gpointer hits[] = { list, GUINT_TO_POINTER (p->n_classes) };
  const gsize cell = (gsize) first * in->width;
  CbamLoopDetect detect = {
    .per_cell = p->per_cell,
    .n_classes = p->n_classes,
    .loc_channels = in->channels,
    .conf_channels = conf->channels,
    .sigmoid = p->sigmoid,
    .bins = p->bins,
    .threshold = frame->threshold,
    .reported = reported,
    .scratch = reported + p->n_classes + CBAM_LOOP_LANES,
  };

  memcpy (detect.variances, p->variances, sizeof detect.variances);
  memset (reported + p->n_classes, 0, CBAM_LOOP_LANES * sizeof (float));
  for (guint k = 0; k < p->n_classes; k++)
    reported[k] = (float) (frame->reported[k / CBAM_CLASSES_PER_WORD] >> (k % CBAM_CLASSES_PER_WORD) & 1);
  raise_best (list + 1,
              task->step->program->loops->detect (
                  &detect, cbam_host_map (task, in, image) + cell * in->channels,
                  cbam_host_map (task, conf, image) + cell * conf->channels + p->conf_channel, p->anchors,
                  (float (*)[4]) (words + p->boxes), cells, p->prior + (guint) cell * p->per_cell, append_hit, hits));
  return TRUE;
}

const CbamHostKernel cbam_host_detect = {
  .name = "loops", .op = &cbam_op_detect, .prepare = prepare_detect, .run = run_detect
};
