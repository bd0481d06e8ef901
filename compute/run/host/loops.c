/* Loops that the compiler turns into vector code, with the flags of one kind of processor: CBAM_LOOPS is the table's
 * name then. Where many numbers become one they are vectors by name (GCC's, which the compiler makes of whatever the
 * processor has), so that nobody has to change the order of a sum.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/loops.h"

#include <math.h>
#include <string.h>

#include "run/host/decode.h"
#include "run/host/vectors.h"

/* ---- Number by number -------------------------------------------------------------------------------------------- */

/* To the nearest, of two the even one; what is no number stays none. */
static inline guint16
round_to_bf16 (float x)
{
  guint32 bits;

  memcpy (&bits, &x, sizeof bits);
  return (guint16) ((x == x ? bits + 0x7fff + (bits >> 16 & 1) : bits | 0x400000) >> 16);
}

static void
to_bf16_each (guint16 *restrict y, const float *restrict x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = round_to_bf16 (x[i]);
}

#ifdef __AVX512F__
/* The processor's own instruction for it, which takes denormals for zeros. */
__attribute__ ((target ("avx512bf16"))) static void
to_bf16_pairs (guint16 *restrict y, const float *restrict x, gsize n)
{
  gsize i = 0;

  for (; i + 32 <= n; i += 32) {
    const __m512bh pair = _mm512_cvtne2ps_pbh (_mm512_loadu_ps (x + i + 16), _mm512_loadu_ps (x + i));

    memcpy (y + i, &pair, sizeof pair);
  }
  to_bf16_each (y + i, x + i, n - i);
}
#endif

static void
activate (float *y, const float *x, gsize n, const CbamActivationParams *function)
{
  const float lo = function->lo, hi = function->hi;

  switch (function->function) {
    case CBAM_FUNCTION_CLAMP:
      for (gsize i = 0; i < n; i++)
        y[i] = smaller (larger (x[i], lo), hi);
      return;
    case CBAM_FUNCTION_LEAKY_RELU:
      for (gsize i = 0; i < n; i++)
        y[i] = x[i] < 0 ? x[i] * lo : x[i];
      return;
    case CBAM_FUNCTION_HARD_SWISH:
      for (gsize i = 0; i < n; i++)
        y[i] = x[i] * smaller (larger (x[i] * (1.0f / 6) + 0.5f, 0), 1);
      return;
    case CBAM_FUNCTION_HARD_SIGMOID:
      for (gsize i = 0; i < n; i++)
        y[i] = smaller (larger (x[i] * (1.0f / 6) + 0.5f, 0), 1);
      return;
  }
  g_return_if_reached ();
}

static void
sigmoid (float *y, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = logistic (x[i]);
}

static void
scale (float *restrict y, const float *restrict x, gsize pixels, guint channels, const float *restrict factors,
       const float *restrict shifts)
{
  for (gsize i = 0; i < pixels; i++, x += channels, y += channels)
    for (guint c = 0; c < channels; c++)
      y[c] = x[c] * factors[c] + shifts[c];
}

static void
blend (float *restrict y, const float *restrict a, const float *restrict b, float part, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = a[i] * (1 - part) + b[i] * part;
}

/* ---- Maps together ----------------------------------------------------------------------------------------------- */

/* The product with a number for all channels, or with one for each. */
static inline void
multiply_into (float *restrict y, guint channels, const float *restrict x, gboolean single)
{
  if (single)
    for (guint c = 0; c < channels; c++)
      y[c] *= x[0];
  else
    for (guint c = 0; c < channels; c++)
      y[c] *= x[c];
}

static inline void
add_into (float *restrict y, guint channels, const float *restrict x, gboolean single)
{
  if (single)
    for (guint c = 0; c < channels; c++)
      y[c] += x[0];
  else
    for (guint c = 0; c < channels; c++)
      y[c] += x[c];
}

static void
combine (float *y, gsize pixels, guint channels, gboolean add, const CbamLoopInput *inputs, guint n)
{
  for (gsize i = 0; i < pixels; i++, y += channels) {
    const float *first = inputs[0].x + i * inputs[0].step;

    if (inputs[0].single)
      for (guint c = 0; c < channels; c++)
        y[c] = first[0];
    else
      memcpy (y, first, channels * sizeof (float));
    for (guint k = 1; k < n; k++) {
      const float *x = inputs[k].x + i * inputs[k].step;

      if (add)
        add_into (y, channels, x, inputs[k].single);
      else
        multiply_into (y, channels, x, inputs[k].single);
    }
  }
}

static void
shuffle (float *restrict y, const float *restrict a, const float *restrict b, gsize pixels, guint channels, guint n_a,
         guint n_b)
{
  for (gsize i = 0; i < pixels; i++, y += channels, a += n_a, b += n_b)
    for (guint c = 0; c < channels / 2; c++) {
      y[2 * c] = a[c];
      y[2 * c + 1] = b[c];
    }
}

/* ---- Windows ----------------------------------------------------------------------------------------------------- */

static inline void
take_larger (float *restrict y, const float *restrict x, guint channels)
{
  for (guint c = 0; c < channels; c++)
    y[c] = larger (y[c], x[c]);
}

static void
max_pool (float *y, const float *x, const CbamLoopPool *pool, guint width, guint first, guint end)
{
  const guint channels = pool->channels;

  for (guint row = first; row < end; row++)
    for (guint column = 0; column < width; column++, y += channels) {
      const gint y0 = (gint) (row * pool->stride) - (gint) pool->pad;
      const gint x0 = (gint) (column * pool->stride) - (gint) pool->pad;
      const gint y1 = MIN (y0 + (gint) pool->kernel, (gint) pool->in_height);
      const gint x1 = MIN (x0 + (gint) pool->kernel, (gint) pool->in_width);

      for (guint c = 0; c < channels; c++)
        y[c] = -G_MAXFLOAT;
      for (gint in_y = MAX (y0, 0); in_y < y1; in_y++)
        for (gint in_x = MAX (x0, 0); in_x < x1; in_x++)
          take_larger (y, x + ((gsize) in_y * pool->in_width + (gsize) in_x) * channels, channels);
    }
}

static inline void
add_product (float *restrict y, const float *restrict x, const float *restrict w, guint channels)
{
  for (guint c = 0; c < channels; c++)
    y[c] += x[c] * w[c];
}

/* What taps of the kernel, from all pixels of the input, reach pixel (column, row) of the output. */
static void
gather_pixel (float *y, const float *x, const CbamLoopSpread *s, guint row, guint column)
{
  for (guint ky = 0; ky < s->kernel_height; ky++) {
    const gint from_y = (gint) row + s->pad_top - (gint) ky;

    if (from_y < 0 || from_y % (gint) s->up_y != 0 || from_y / (gint) s->up_y >= (gint) s->in_height)
      continue;
    for (guint kx = 0; kx < s->kernel_width; kx++) {
      const gint from_x = (gint) column + s->pad_left - (gint) kx;

      if (from_x < 0 || from_x % (gint) s->up_x != 0 || from_x / (gint) s->up_x >= (gint) s->in_width)
        continue;
      add_product (y, x + ((gsize) from_y / s->up_y * s->in_width + (gsize) from_x / s->up_x) * s->channels,
                   s->weights + ((gsize) ky * s->kernel_width + kx) * s->channels, s->channels);
    }
  }
}

static void
spread (float *y, const float *x, const CbamLoopSpread *s, guint first, guint end)
{
  for (guint row = first; row < end; row++)
    for (guint column = 0; column < s->width; column++, y += s->channels) {
      if (s->bias != NULL)
        memcpy (y, s->bias, s->channels * sizeof (float));
      else
        memset (y, 0, s->channels * sizeof (float));
      gather_pixel (y, x, s, row, column);
    }
}

/* ---- Winograd ---------------------------------------------------------------------------------------------------- */

typedef float Lanes[LANES];

#define A ((float) CBAM_WINOGRAD_A)
#define B ((float) CBAM_WINOGRAD_B)

/* B^T d: six numbers of a line of the tile to six. */
static inline void
transform_in (Lanes out[6], Lanes d[6])
{
  for (guint l = 0; l < LANES; l++) {
    const float p = d[4][l] - 2 * d[2][l], q = A * (d[3][l] - 2 * d[1][l]);
    const float r = d[4][l] - 0.5f * d[2][l], s = B * (d[3][l] - 0.5f * d[1][l]);

    out[0][l] = d[0][l] - 2.5f * d[2][l] + d[4][l];
    out[1][l] = p + q;
    out[2][l] = p - q;
    out[3][l] = r + s;
    out[4][l] = r - s;
    out[5][l] = d[1][l] - 2.5f * d[3][l] + d[5][l];
  }
}

/* A^T m: six to four. */
static inline void
transform_out (Lanes out[4], Lanes m[6])
{
  for (guint l = 0; l < LANES; l++) {
    const float p = m[1][l] + m[2][l], q = A * (m[1][l] - m[2][l]), r = m[3][l] + m[4][l], s = B * (m[3][l] - m[4][l]);

    out[0][l] = m[0][l] + p + r;
    out[1][l] = q + s;
    out[2][l] = 0.5f * p + 2 * r;
    out[3][l] = 0.5f * q + 2 * s + m[5][l];
  }
}

#undef A
#undef B

/* LANES channels of a tile whose first pixel is (@left, @top) of the map; what lies outside is 0. */
static inline void
load_tile (Lanes tile[6][6], const float *x, const CbamLoopWinograd *w, gint left, gint top)
{
  for (gint row = 0; row < 6; row++)
    for (gint column = 0; column < 6; column++) {
      const gint in_y = top + row, in_x = left + column;

      if (in_y < 0 || in_x < 0 || in_y >= (gint) w->in_height || in_x >= (gint) w->in_width)
        memset (tile[row][column], 0, sizeof (Lanes));
      else
        memcpy (tile[row][column], x + ((gsize) in_y * w->in_width + (gsize) in_x) * w->in_channels, sizeof (Lanes));
    }
}

static void
winograd_in (float *to, const float *x, const CbamLoopWinograd *w, guint row)
{
  const gint top = (gint) (row * CBAM_WINOGRAD_TILE) - w->pad_top;

  for (guint t = 0; t < w->tiles; t++)
    for (guint c = 0; c < w->in_channels; c += LANES) {
      Lanes tile[6][6], half[6][6], turned[6];

      load_tile (tile, x + c, w, (gint) (t * CBAM_WINOGRAD_TILE) - w->pad_left, top);
      for (guint i = 0; i < 6; i++) /* along the rows */
        transform_in (half[i], tile[i]);
      for (guint j = 0; j < 6; j++) {
        Lanes column[6];

        for (guint i = 0; i < 6; i++)
          memcpy (column[i], half[i][j], sizeof (Lanes));
        transform_in (turned, column);
        for (guint i = 0; i < 6; i++)
          memcpy (to + ((i * 6 + j) * w->stride + t) * w->in_channels + c, turned[i], sizeof (Lanes));
      }
    }
}

/* What of 4x4 pixels lies inside of the output. */
static inline void
store_tile (float *y, Lanes tile[4][4], const CbamLoopWinograd *w, guint row, guint t, guint c)
{
  Lanes bias = { 0 };

  if (w->bias != NULL)
    memcpy (bias, w->bias + c, sizeof bias);
  for (guint i = 0; i < 4 && row * 4 + i < w->height; i++)
    for (guint j = 0; j < 4 && t * 4 + j < w->width; j++) {
      float *to = y + ((gsize) (row * 4 + i) * w->width + t * 4 + j) * w->channels + c;

      for (guint l = 0; l < LANES; l++)
        to[l] = smaller (larger (tile[i][j][l] + bias[l], w->lo), w->hi);
    }
}

static void
winograd_out (float *y, const float *from, const CbamLoopWinograd *w, guint row)
{
  for (guint t = 0; t < w->tiles; t++)
    for (guint c = 0; c < w->channels; c += LANES) {
      Lanes half[6][4], tile[4][4];

      for (guint i = 0; i < 6; i++) {
        Lanes line[6];

        for (guint j = 0; j < 6; j++)
          memcpy (line[j], from + ((i * 6 + j) * w->stride + t) * w->channels + c, sizeof (Lanes));
        transform_out (half[i], line);
      }
      for (guint j = 0; j < 4; j++) {
        Lanes column[6], out[4];

        for (guint i = 0; i < 6; i++)
          memcpy (column[i], half[i][j], sizeof (Lanes));
        transform_out (out, column);
        for (guint i = 0; i < 4; i++)
          memcpy (tile[i][j], out[i], sizeof (Lanes));
      }
      store_tile (y, tile, w, row, t, c);
    }
}

/* ---- Few numbers of many ----------------------------------------------------------------------------------------- */

static void
channel_pool (float *y, const float *x, gsize pixels, guint channels, const float *gate, gboolean mean_first)
{
  const guint whole = channels / LANES * LANES, rest = channels - whole;

  for (gsize i = 0; i < pixels; i++, x += channels, y += 2) {
    Vector sums = { 0 }, most = all (-INFINITY);

    for (guint c = 0; c < whole; c += LANES) {
      const Vector v = gate != NULL ? load (x + c) * load (gate + c) : load (x + c);

      sums += v;
      most = larger_of (v, most);
    }
    if (rest > 0) {
      const Vector ones = gate != NULL ? load_part (gate + whole, rest, 1) : all (1);

      sums += load_part (x + whole, rest, 0) * ones;
      most = larger_of (load_part (x + whole, rest, -INFINITY) * ones, most);
    }
    y[mean_first ? 0 : 1] = sum_of (sums) / (float) channels;
    y[mean_first ? 1 : 0] = largest_of (most);
  }
}

/* LANES channels, or fewer: what is behind the last counts as @rest. */
static inline Vector
load_channels (const float *x, guint n, float rest)
{
  return n == LANES ? load (x) : load_part (x, n, rest);
}

static inline Vector
find_largest (const float *x, gsize pixels, guint channels, guint n)
{
  Vector most = load_channels (x, n, 0);

  for (gsize i = 1; i < pixels; i++)
    most = larger_of (load_channels (x + i * channels, n, 0), most);
  return most;
}

/* A row is summed up before it is added, so that many pixels cost no digits. */
static inline Vector
add_up (const float *x, guint width, guint height, guint channels, guint n, CbamReduction kind, Vector most)
{
  Vector result = { 0 };

  for (guint row = 0; row < height; row++, x += (gsize) width * channels) {
    Vector sums = { 0 };

    for (guint column = 0; column < width; column++) {
      const Vector v = load_channels (x + (gsize) column * channels, n, 0);

      sums += kind == CBAM_REDUCE_L2 ? v * v : kind == CBAM_REDUCE_LOG_SUM ? exponentials (v - most) : v;
    }
    result += sums;
  }
  return result;
}

static inline void
reduce_lanes (float *y, const float *x, guint width, guint height, guint channels, guint n, CbamReduction kind)
{
  const gsize pixels = (gsize) width * height;
  Vector most = { 0 }, sums = { 0 };

  if (kind == CBAM_REDUCE_MAX || kind == CBAM_REDUCE_LOG_SUM)
    most = find_largest (x, pixels, channels, n);
  if (kind != CBAM_REDUCE_MAX)
    sums = add_up (x, width, height, channels, n, kind, most);
  for (guint l = 0; l < n; l++)
    switch (kind) {
      case CBAM_REDUCE_MEAN: y[l] = sums[l] / (float) pixels; break;
      case CBAM_REDUCE_MAX: y[l] = most[l]; break;
      case CBAM_REDUCE_L2: y[l] = sqrtf (sums[l]); break;
      case CBAM_REDUCE_LOG_SUM: y[l] = most[l] + logf (sums[l]); break;
      default: y[l] = sums[l];
    }
}

static void
reduce (float *y, const float *x, guint width, guint height, guint channels, guint first, guint end, CbamReduction kind)
{
  for (; first + LANES <= end; first += LANES)
    reduce_lanes (y + first, x + first, width, height, channels, LANES, kind);
  if (first < end)
    reduce_lanes (y + first, x + first, width, height, channels, end - first, kind);
}

/* The sum of the products of @n pairs. */
static inline float
dot (const float *a, const float *b, guint n)
{
  const guint whole = n / LANES * LANES;
  Vector sums = { 0 };

  for (guint i = 0; i < whole; i += LANES)
    sums += load (a + i) * load (b + i);
  if (whole < n)
    sums += load_part (a + whole, n - whole, 0) * load_part (b + whole, n - whole, 0);
  return sum_of (sums);
}

static void
product (float *y, const float *x, const float *weights, guint n_in, guint n_out)
{
  for (guint o = 0; o < n_out; o++, weights += n_in)
    y[o] = dot (x, weights, n_in);
}

static void
l2_norm (float *y, const float *x, gsize pixels, guint channels, const float *weights, float eps)
{
  for (gsize i = 0; i < pixels; i++, x += channels, y += channels) {
    const float factor = 1.0f / (sqrtf (dot (x, x, channels)) + eps);

    for (guint c = 0; c < channels; c++)
      y[c] = x[c] * factor * weights[c];
  }
}

/* ---- Self-attention ---------------------------------------------------------------------------------------------- */

#define PLACES CBAM_LOOP_PLACES

/* Of LANES keys the products with each query. */
static inline void
multiply_keys (float *products, const float *const queries[PLACES], const float *keys, const CbamLoopAttend *a)
{
  Vector sums[PLACES];

#pragma GCC unroll 6
  for (guint p = 0; p < PLACES; p++)
    sums[p] = all (0);
  for (guint d = 0; d < a->depth; d++, keys += a->stride) {
    const Vector k = load (keys);

#pragma GCC unroll 6
    for (guint p = 0; p < PLACES; p++)
      sums[p] += k * queries[p][d];
  }
#pragma GCC unroll 6
  for (guint p = 0; p < PLACES; p++)
    memcpy (products + p * a->stride, &sums[p], sizeof sums[p]);
}

/* Products become what values count, but for the factor that is returned. */
static inline float
weigh (float *weights, const CbamLoopAttend *a)
{
  Vector most = all (-INFINITY), sums = { 0 };

  for (gsize j = a->places; j < a->stride; j++)
    weights[j] = -INFINITY;
  for (gsize j = 0; j < a->stride; j += LANES)
    most = larger_of (load (weights + j), most);
  const float largest = largest_of (most);
  for (gsize j = 0; j < a->stride; j += LANES) {
    const Vector v = exponentials (load (weights + j) - largest);

    sums += v;
    memcpy (weights + j, &v, sizeof v);
  }
  return a->gamma / sum_of (sums);
}

/* @n channels, LANES or fewer, from @first on. */
static inline void
mix_values (float *const y[PLACES], const float *weights, const float factors[PLACES], const float *values,
            const CbamLoopAttend *a, guint first, guint n)
{
  Vector sums[PLACES];

#pragma GCC unroll 6
  for (guint p = 0; p < PLACES; p++)
    sums[p] = all (0);
  for (gsize j = 0; j < a->places; j++) {
    const Vector v = load_channels (values + j * a->channels + first, n, 0);

#pragma GCC unroll 6
    for (guint p = 0; p < PLACES; p++)
      sums[p] += v * weights[p * a->stride + j];
  }
#pragma GCC unroll 6
  for (guint p = 0; p < PLACES; p++) {
    sums[p] *= factors[p];
    memcpy (y[p] + first, &sums[p], n * sizeof (float));
  }
}

/* Where fewer than PLACES are left, the last one is made several times. */
static void
attend (float *y, const float *queries, const float *keys, const float *values, const CbamLoopAttend *a, gsize n,
        float *room)
{
  for (gsize i = 0; i < n; i += PLACES) {
    const float *asked[PLACES];
    float *to[PLACES], factors[PLACES];

    for (guint p = 0; p < PLACES; p++) {
      asked[p] = queries + MIN (i + p, n - 1) * a->depth;
      to[p] = y + MIN (i + p, n - 1) * a->channels;
    }
    for (gsize j = 0; j < a->stride; j += LANES)
      multiply_keys (room + j, asked, keys + j, a);
    for (guint p = 0; p < PLACES; p++)
      factors[p] = weigh (room + p * a->stride, a);
    for (guint c = 0; c < a->channels; c += LANES)
      mix_values (to, room, factors, values, a, c, MIN (LANES, a->channels - c));
  }
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

#define CHUNK 64 /* pixels at once */

/* Bytes one by one first, since no processor gathers those; all else is vectors then. */
static inline void
sample (float *restrict samples, const CbamLoopLine *line, guint first, guint n)
{
  const gint32 *x0 = line->x0 + first, *x1 = line->x1 + first;
  const float *part = line->x + first;
  const float y = line->y;
  guint8 bytes[4][CHUNK];

  for (guint i = 0; i < n; i++) {
    bytes[0][i] = line->top[x0[i]];
    bytes[1][i] = line->top[x1[i]];
    bytes[2][i] = line->bottom[x0[i]];
    bytes[3][i] = line->bottom[x1[i]];
  }
  for (guint i = 0; i < n; i++) {
    const float upper = (float) bytes[0][i] * (1 - part[i]) + (float) bytes[1][i] * part[i];
    const float lower = (float) bytes[2][i] * (1 - part[i]) + (float) bytes[3][i] * part[i];

    samples[i] = upper * (1 - y) + lower * y;
  }
}

/* One of three colours of CHUNK pixels. */
static inline void
colour (float *restrict to, float (*restrict samples)[CHUNK], const CbamLoopColours *colours, guint k)
{
  const float *row = colours->matrix + 4 * k;
  const float r0 = row[0], r1 = row[1], r2 = row[2], r3 = row[3], mean = colours->mean[k], gain = colours->gain[k];

  for (guint i = 0; i < CHUNK; i++) {
    const float v = samples[0][i] * r0 + samples[1][i] * r1 + samples[2][i] * r2 + r3;

    to[i] = smaller (larger (v, 0), 255);
  }
  if (colours->round_u8)
    for (guint i = 0; i < CHUNK; i++)
      to[i] = (float) (gint32) (to[i] + 0.5f);
  for (guint i = 0; i < CHUNK; i++)
    to[i] = (to[i] - mean) * gain;
}

static void
pixels (float *y, const CbamLoopLine lines[3], const CbamLoopColours *colours, guint n)
{
  float samples[3][CHUNK] = { 0 }, made[3][CHUNK];

  for (guint first = 0; first < n; first += CHUNK) {
    const guint part = MIN (n - first, CHUNK);

    for (guint k = 0; k < 3; k++)
      sample (samples[k], &lines[k], first, part);
    for (guint k = 0; k < 3; k++)
      colour (made[colours->place[k]], samples, colours, k);
    for (guint i = 0; i < part; i++)
      for (guint k = 0; k < 3; k++)
        *y++ = made[k][i];
  }
}

/* ---- Detections -------------------------------------------------------------------------------------------------- */

/* A sigmoid each, those that are not reported as 0. Returns the largest. */
static inline float
score_alone (const CbamLoopDetect *d, const float *logits)
{
  float best = 0;

  for (guint k = 0; k < d->n_classes; k++)
    d->scratch[k] = logistic (logits[k]) * d->reported[k];
  for (guint k = 0; k < d->n_classes; k++)
    best = larger (best, d->scratch[k]);
  return best;
}

/* Their softmax. Room and what is reported go on to whole vectors, with zeros. */
static inline float
score_together (const CbamLoopDetect *d, const float *logits)
{
  const guint n = d->n_classes;
  Vector most = load_channels (logits, MIN (n, LANES), -INFINITY), sums = { 0 }, best = { 0 };

  for (guint k = LANES; k < n; k += LANES)
    most = larger_of (load_channels (logits + k, MIN (n - k, LANES), -INFINITY), most);
  const float largest = largest_of (most);
  for (guint k = 0; k < n; k += LANES) {
    const Vector v = exponentials (load_channels (logits + k, MIN (n - k, LANES), -INFINITY) - largest);
    const Vector counted = v * load (d->reported + k);

    sums += v;
    best = larger_of (counted, best);
    memcpy (d->scratch + k, &counted, sizeof counted);
  }
  const float factor = 1.0f / sum_of (sums), best_of_all = largest_of (best) * factor;
  for (guint k = 0; best_of_all > d->threshold && k < n; k++)
    d->scratch[k] *= factor;
  return best_of_all;
}

/* So much less than the logit of a score its rounding may not be. */
#define CERTAIN 1e-3f

/* The logit below which a score is of no interest: it neither passes the threshold nor is the best so far. */
static inline float
find_limit (const CbamLoopDetect *d, float best)
{
  const float score = smaller (d->threshold, best);

  return score > 0 ? logf (score / (1 - score)) - CERTAIN : -INFINITY;
}

/* Whether a score that is reported may be of interest. The softmax of a class is at most the sigmoid of what its logit
 * is more than another's. */
static inline gboolean
may_count (const CbamLoopDetect *d, const float *logits, float limit)
{
  Vector most = all (-INFINITY), reported = all (-INFINITY);

  for (guint k = 0; k < d->n_classes; k += LANES) {
    const Vector v = load_channels (logits + k, MIN (d->n_classes - k, LANES), -INFINITY);
    const Mask counts = load (d->reported + k) > 0;

    most = larger_of (v, most);
    reported = larger_of ((Vector) ((counts & (Mask) v) | (~counts & (Mask) all (-INFINITY))), reported);
  }
  const float best = largest_of (reported), rival = d->sigmoid ? 0 : largest_of (most);
  return best - rival >= limit || (!d->sigmoid && best == rival);
}

static float
detect (const CbamLoopDetect *d, const float *loc, const float *conf, const float *anchors, float (*boxes)[4], guint n,
        guint prior, CbamHitFunc hit, gpointer data)
{
  float best_of_all = 0, limit = -INFINITY;

  for (guint cell = 0; cell < n; cell++, loc += d->loc_channels, conf += d->conf_channels)
    for (guint anchor = 0; anchor < d->per_cell; anchor++, prior++) {
      const float *logits = conf + (gsize) anchor * d->n_classes;
      float best;

      if (!may_count (d, logits, limit))
        continue;
      best = d->sigmoid ? score_alone (d, logits) : score_together (d, logits);
      if (best > best_of_all) {
        best_of_all = best;
        limit = find_limit (d, best);
      }
      if (!(best > d->threshold))
        continue;
      if (d->bins > 0)
        decode_distribution (d, loc + 4 * (gsize) d->bins * anchor, anchors + 4 * (gsize) prior, boxes[prior]);
      else
        decode (d, loc + 4 * anchor, anchors + 4 * (gsize) prior, boxes[prior]);
      for (guint k = 0; k < d->n_classes; k++)
        if (d->reported[k] > 0 && d->scratch[k] > d->threshold)
          hit (data, prior, k, d->scratch[k]);
    }
  return best_of_all;
}

/* ---- The yardstick ----------------------------------------------------------------------------------------------- */

#ifdef __AVX512F__
#define CHAINS 12 /* vectors that are filled independently of each other, in registers */
#else
#define CHAINS 6
#endif

static double
peak (guint turns, float *sink)
{
  const Vector factor = all (0.75f), term = all (0.5f);
  Vector sums[CHAINS];

#pragma GCC unroll 12
  for (guint i = 0; i < CHAINS; i++)
    sums[i] = all ((float) i);
  for (guint t = 0; t < turns; t++) {
#pragma GCC unroll 12
    for (guint i = 0; i < CHAINS; i++)
      sums[i] = sums[i] * factor + term;
  }
  *sink = 0;
#pragma GCC unroll 12
  for (guint i = 0; i < CHAINS; i++)
    *sink += sum_of (sums[i]);
  return (double) turns * CHAINS * LANES;
}

const CbamLoops CBAM_LOOPS = {
#ifdef __AVX512F__
  .to_bf16 = to_bf16_pairs,
#else
  .to_bf16 = to_bf16_each,
#endif
  .activate = activate,
  .sigmoid = sigmoid,
  .scale = scale,
  .combine = combine,
  .shuffle = shuffle,
  .max_pool = max_pool,
  .spread = spread,
  .winograd_in = winograd_in,
  .winograd_out = winograd_out,
  .blend = blend,
  .channel_pool = channel_pool,
  .reduce = reduce,
  .product = product,
  .attend = attend,
  .l2_norm = l2_norm,
  .pixels = pixels,
  .detect = detect,
  .peak = peak,
};
