/* Loops over dense maps, [row][pixel][channel]: what has no primitive in oneDNN, or a slower one. loops.c is compiled
 * once for each kind of vectors that the processor may have (CbamVectors); a table has the functions of one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/detect.h"
#include "args/winograd.h"

#include "host/processor.h"
#include "ops/activation.h"
#include "ops/global_pool.h"

/* Numbers that loops go over at once. */
#define CBAM_LOOP_LANES 16

/* An input of combine: how it lies under the row of an output. */
typedef struct
{
  const float *x;
  gsize step;      /* floats from one pixel to the next; 0 = a vector */
  gboolean single; /* one number for all channels of a pixel */
} CbamLoopInput;

/* Two lines of samples of a frame, and where between them a line of the network's input lies. */
typedef struct
{
  const guint8 *top, *bottom;
  float y;               /* the part of @bottom */
  const gint32 *x0, *x1; /* bytes of the line, by pixel of the input */
  const float *x;        /* the part of @x1, by pixel */
} CbamLoopLine;

/* What becomes of three samples. */
typedef struct
{
  float matrix[12];
  float mean[3], gain[3];
  guint place[3]; /* channel of the input that each becomes */
  gboolean round_u8;
} CbamLoopColours;

typedef struct
{
  guint in_width, in_height, channels;
  guint kernel, stride, pad;
} CbamLoopPool;

/* A transposed convolution by channel. */
typedef struct
{
  guint in_width, in_height, width, channels;
  guint kernel_width, kernel_height, up_x, up_y;
  gint pad_left, pad_top;
  const float *weights; /* [tap][channel] */
  const float *bias;
} CbamLoopSpread;

/* Winograd's convolution (args/winograd.h) of a map. */
typedef struct
{
  guint in_width, in_height, in_channels;
  guint width, height, channels;
  gint pad_left, pad_top;
  guint tiles;       /* in a row */
  gsize stride;      /* tiles from one place to the next */
  const float *bias; /* NULL = zeros */
  float lo, hi;      /* what is clamped to */
} CbamLoopWinograd;

/* So many places at once ask all others. */
#define CBAM_LOOP_PLACES 6

typedef struct
{
  gsize places; /* of keys and values */
  gsize stride; /* keys of a channel, up to whole vectors */
  guint depth, channels;
  float gamma;
} CbamLoopAttend;

typedef struct
{
  guint per_cell, n_classes, loc_channels, conf_channels;
  gboolean sigmoid;
  guint bins; /* of the distribution of each side of a box; 0 = boxes are offsets */
  float variances[4];
  float threshold;
  const float *reported; /* 1 where a class may be, by class; 0 behind the last, up to CBAM_LOOP_LANES more */
  float *scratch;        /* of n_classes and as many more */
} CbamLoopDetect;

typedef void (*CbamHitFunc) (gpointer data, guint prior, guint class_id, float score);

typedef struct
{
  /* x in bfloat16, to the nearest, of n numbers; only on a processor that computes with such. */
  void (*to_bf16) (guint16 *y, const float *x, gsize n);
  /* y = f (x), of n numbers; x may be y. */
  void (*activate) (float *y, const float *x, gsize n, const CbamActivationParams *function);
  void (*sigmoid) (float *y, const float *x, gsize n);
  /* y = x * scale + shift, by channel. */
  void (*scale) (float *y, const float *x, gsize pixels, guint channels, const float *scale, const float *shift);
  /* The sum, or else the product, of @n inputs. */
  void (*combine) (float *y, gsize pixels, guint channels, gboolean add, const CbamLoopInput *inputs, guint n);
  /* Channels of two maps by turns: @channels of the output, of pixels of @n_a and @n_b channels. */
  void (*shuffle) (float *y, const float *a, const float *b, gsize pixels, guint channels, guint n_a, guint n_b);
  /* Rows [first, end) of the output of @width pixels. */
  void (*max_pool) (float *y, const float *x, const CbamLoopPool *pool, guint width, guint first, guint end);
  void (*spread) (float *y, const float *x, const CbamLoopSpread *spread, guint first, guint end);
  /* Row @row of tiles to [place][tile][channel], and sums in that order to rows of the output. */
  void (*winograd_in) (float *to, const float *x, const CbamLoopWinograd *winograd, guint row);
  void (*winograd_out) (float *y, const float *from, const CbamLoopWinograd *winograd, guint row);
  /* y = a + (b - a) * part, of n numbers. */
  void (*blend) (float *y, const float *a, const float *b, float part, gsize n);
  /* The largest and the mean of a pixel's channels, times @gate where there is one. */
  void (*channel_pool) (float *y, const float *x, gsize pixels, guint channels, const float *gate, gboolean mean_first);
  /* Channels [first, end) of all pixels, in one way. */
  void (*reduce) (float *y, const float *x, guint width, guint height, guint channels, guint first, guint end,
                  CbamReduction kind);
  /* y[o] = sum of x[i] * weights[o][i]. */
  void (*product) (float *y, const float *x, const float *weights, guint n_in, guint n_out);
  /* @n places, of queries [place][depth], keys [depth][stride] and values [place][channels]; @room holds stride numbers
   * for each of CBAM_LOOP_PLACES. */
  void (*attend) (float *y, const float *queries, const float *keys, const float *values, const CbamLoopAttend *attend,
                  gsize n, float *room);
  void (*l2_norm) (float *y, const float *x, gsize pixels, guint channels, const float *weights, float eps);
  /* Writes @n pixels of three channels. */
  void (*pixels) (float *y, const CbamLoopLine lines[3], const CbamLoopColours *colours, guint n);
  /* @n cells, of which the first has the prior @prior; returns the best score. Boxes are of anchors with a hit. */
  float (*detect) (const CbamLoopDetect *detect, const float *loc, const float *conf, const float *anchors,
                   float (*boxes)[4], guint n, guint prior, CbamHitFunc hit, gpointer data);
  /* Multiply-adds of what is in registers, @turns times; returns how many that were. @sink keeps what comes of it. */
  double (*peak) (guint turns, float *sink);
} CbamLoops;

extern const CbamLoops cbam_loops_plain;
extern const CbamLoops cbam_loops_avx2;
extern const CbamLoops cbam_loops_avx512;

/* Those of @vectors, which the library was compiled for; NULL where it was not. */
const CbamLoops *cbam_loops_get (CbamVectors vectors);
