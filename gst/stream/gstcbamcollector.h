/* GstCbamCollector: the frames of an element that are in inference, and the thread that waits for the device in their
 * order. A frame's slot is free again as soon as the device has finished, even where downstream holds up the task of
 * the source pad: a sink that waits for a frame's time would else cost inferences, and the streams that are held for
 * longest the most.
 *
 *     streaming thread                  collector's thread                    task of the source pad
 *     submit -> add -> | f f f | -> collect -> return_slot -> | f f f | -> take
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/gst.h>

#include "gstcbamsession.h"

typedef struct _GstCbamCollector GstCbamCollector;
typedef struct _GstCbamFlight GstCbamFlight; /* a frame in inference, or its result */

/* Is called with its data, in the collector's thread, when the slot of a frame is free again. Where there is no result
 * it is not: nothing more goes to a device that has failed, until whoever takes the flight has said why. */
typedef void (*GstCbamReturnSlot) (gpointer data);

/* @return_slot: NULL: nobody counts slots. */
GstCbamCollector *gst_cbam_collector_new (GstCbamReturnSlot return_slot, gpointer data);
/* Nothing is in inference any more. @collector may be NULL. */
void gst_cbam_collector_free (GstCbamCollector *collector);

/* Streaming thread: what was just submitted to @session, which it keeps, by somebody who began with that at @begun
 * (g_get_monotonic_time()); of regions that were submitted together, one after the other. */
GstCbamFlight *gst_cbam_collector_add (GstCbamCollector *collector, GstCbamSession *session, gint64 begun);

/* Whether @flight has ended, so that taking it takes no time. */
gboolean gst_cbam_flight_has_ended (GstCbamFlight *flight);

/* Waits until @flight, which is that of @buffer, has ended and frees it. Returns its result, or NULL with @error;
 * @buffer is kept for good then if the device hangs: it may be reading it. @took: microseconds until the device had
 * finished, whenever this is called. */
CbamResult *gst_cbam_flight_take (GstCbamFlight *flight, GstBuffer *buffer, gint64 *took, GError **error);
