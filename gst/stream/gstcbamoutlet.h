/* GstCbamOutlet: the way out, from the line to the source pad. Its task takes what is first in line, waits for a
 * frame's result, has the publisher tell about it, and pushes it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamstream.h"

typedef struct _GstCbamOutlet GstCbamOutlet;

/* Serves the source pad of @stream, which outlives it. */
GstCbamOutlet *gst_cbam_outlet_new (GstCbamStream *stream);
/* @self may be NULL. */
void gst_cbam_outlet_free (GstCbamOutlet *self);

/* Streaming thread: closes the line and has the task pause, as soon as it can. */
void gst_cbam_outlet_halt (GstCbamOutlet *self);

/* Streaming thread: drops what is in line and lets data flow again. FALSE: the pad is not active, and nothing flows. */
gboolean gst_cbam_outlet_restart (GstCbamOutlet *self);

/* Forgets the last stream, and what of it is still in line, once the pads are inactive. */
void gst_cbam_outlet_reset (GstCbamOutlet *self);
