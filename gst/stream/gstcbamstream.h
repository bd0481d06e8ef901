/* GstCbamStream: what the inlet and the outlet of one `cbamdetect` share. Every part of it has a lock of its own or is
 * under the element's object lock, so that any thread may use it; what only one thread needs is the inlet's or the
 * outlet's own.
 *
 *     streaming thread                      collector's thread           task of the source pad
 *     inlet -- submit -> detector of the session -> collector -- result -------> outlet: metas, drawing, message
 *       +---- push ----> fifo: frames, events and queries -- pop ----------------> +---- push -> downstream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamfifo.h"
#include "gstcbamlatency.h"
#include "gstcbamqos.h"
#include "gstcbamsettings.h"
#include "gstcbamstats.h"
#include "gstcbamswitch.h"

GST_DEBUG_CATEGORY_EXTERN (gst_cbam_debug);

typedef struct
{
  GstElement *element;
  GstPad *sink_pad, *src_pad;

  /* Change with the element's state, while no data flows. */
  CbamDevice *device; /* READY and up; what the property names, wherever frames come from */
  guint slots;        /* PAUSED and up; frames in inference at a time */

  GstCbamSettings settings; /* under the object lock */
  GstCbamFifo *fifo;
  GstCbamSwitch sessions;
  GstCbamLatency latency;
  GstCbamQos qos;
  GstCbamStats stats;
  int error_posted; /* atomic: one error per start or flush */
} GstCbamStream;

/* The pads are the element's. */
void gst_cbam_stream_init (GstCbamStream *self, GstElement *element, GstPad *sink_pad, GstPad *src_pad);
void gst_cbam_stream_clear (GstCbamStream *self);

/* Whether nobody has posted an error yet that stops the stream; whoever asks does it now. */
gboolean gst_cbam_stream_is_first_error (GstCbamStream *self);

/* Posts @error on the bus as what stops the stream, if it is the first. */
void gst_cbam_stream_post_error (GstCbamStream *self, const GError *error);
