/* CbamFlight: a slot, and what must be known of the frame in it until its results are there: one for each image of the
 * batch, which is a part of the frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "detect/orientation.h"
#include "model.h"

/* A part of a frame that is looked at, in pixels. */
typedef struct
{
  guint x, y, width, height;
} CbamPart;

typedef struct
{
  CbamSlot *slot;
  CbamTicket ticket;
  CbamDetectParams params; /* nothing in it is the model's own any more */
  CbamPart *parts;         /* as many as the batch has images */
  guint n_images, image;   /* that were submitted, and which of them is read */
  GError *error;           /* why there are no results, for all of them; NULL: there are, or will be */
  CbamOrientation orientation;
  gint64 submitted; /* g_get_monotonic_time() */
} CbamFlight;

/* The part that the image which is read was made of. */
static inline const CbamPart *
cbam_flight_get_part (const CbamFlight *flight)
{
  return &flight->parts[flight->image];
}

/* Whether only some classes are asked for, and whether @class_id is one of those. */
static inline gboolean
cbam_flight_selects (const CbamFlight *flight)
{
  gboolean selects = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (flight->params.classes); i++)
    selects |= flight->params.classes[i] != 0;
  return selects;
}

static inline gboolean
cbam_flight_wants (const CbamFlight *flight, guint class_id)
{
  return (flight->params.classes[class_id / 32] >> (class_id % 32) & 1) != 0;
}
