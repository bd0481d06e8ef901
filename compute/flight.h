/* CbamFlight: a slot, and what must be known of the frame in it until its result is there.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "detect/orientation.h"
#include "model.h"

typedef struct
{
  CbamSlot *slot;
  CbamTicket ticket;
  CbamDetectParams params;   /* nothing in it is the model's own any more */
  guint x, y, width, height; /* of the part that is looked at */
  CbamOrientation orientation;
  gint64 submitted; /* g_get_monotonic_time() */
} CbamFlight;

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
