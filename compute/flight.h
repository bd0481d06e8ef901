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
