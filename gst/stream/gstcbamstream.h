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

#include "gstcbamengine.h"
#include "gstcbamfifo.h"
#include "gstcbamqos.h"
#include "gstcbamsettings.h"
#include "gstcbamstats.h"

typedef struct
{
  GstElement *element;
  GstPad *sink_pad, *src_pad;

  GstCbamSettings settings; /* under the object lock */
  GstCbamEngine engine;
  GstCbamFifo *fifo;
  GstCbamQos qos;
  GstCbamStats stats;
} GstCbamStream;

/* The pads are the element's. */
void gst_cbam_stream_init (GstCbamStream *self, GstElement *element, GstPad *sink_pad, GstPad *src_pad);
void gst_cbam_stream_clear (GstCbamStream *self);
