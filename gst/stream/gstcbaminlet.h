/* GstCbamInlet: the way in, from the sink pad to the line. A frame is submitted for inference, if that is its fate, and
 * put in line; events and queries that belong between two frames wait in the same line. All in the streaming thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamoutlet.h"

typedef struct _GstCbamInlet GstCbamInlet;

/* Serves the sink pad of @stream. What flushes it stops and starts @outlet. Both outlive it. */
GstCbamInlet *gst_cbam_inlet_new (GstCbamStream *stream, GstCbamOutlet *outlet);
/* Nothing is in inference any more. @self may be NULL. */
void gst_cbam_inlet_free (GstCbamInlet *self);

/* Forgets the last stream, once the pads are inactive and the line is empty. */
void gst_cbam_inlet_reset (GstCbamInlet *self);
