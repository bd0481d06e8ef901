/* A convolution by oneDNN in stripes of rows: a stripe of the output is a convolution of its own, of the rows of the
 * input that it sees. In [row][pixel][channel] both lie in one piece. So any number of threads computes the same
 * numbers, and what a part reads and writes stays in its processor's cache. Most stripes of a map are alike and have
 * one primitive; all read the same packed weights.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "run/host/private.h"

#include "ops/conv.h"

typedef struct _CbamStriped CbamStriped;

/* Of a map. */
typedef struct
{
  guint width, height, channels;
} CbamExtent;

static inline CbamExtent
cbam_extent_of (const CbamValue *value)
{
  return (CbamExtent){ value->width, value->height, value->channels };
}

/* The whole of @op, which is conv, depthwise or deconv, with @p, but for what is added to it. */
CbamOnednnForm cbam_striped_get_form (const CbamHostProgram *program, const CbamOpClass *op, const CbamConvParams *p,
                                      CbamExtent in, CbamExtent out);

/* Chooses the rows and parts of a step that computes @n convolutions, one after the other. */
void cbam_striped_divide (CbamHostStep *step, const CbamOnednnForm *forms, guint n);
void cbam_striped_set_rows (CbamHostStep *step, guint rows);

/* In stripes of @rows rows of the output. NULL without @error: it has to be another number, at worst all of them. */
CbamStriped *cbam_striped_new (CbamHostProgram *program, const CbamOnednnForm *whole, const CbamConvParams *p,
                               guint rows, GError **error);
/* @striped may be NULL. */
void cbam_striped_free (CbamStriped *striped);
/* oneDNN's name for the code that runs it. */
const char *cbam_striped_get_code (const CbamStriped *striped);

/* The first row of the input that stripe number @stripe sees. */
guint cbam_striped_get_first_in (const CbamStriped *striped, guint stripe);
/* Floats of room that a thread needs. */
gsize cbam_striped_get_room (const CbamStriped *striped);
/* From that row on to where the output's rows of the stripe begin; where the form adds, to what is there. */
gboolean cbam_striped_run (const CbamHostTask *task, const CbamStriped *striped, guint stripe, const float *x, float *y,
                           float *room);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamStriped, cbam_striped_free)
