/* GstCbamPublisher: what was found, told downstream and to the application: metadata, drawings, messages, counters. The
 * outlet's, in the task of the source pad.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "draw/gstcbamcanvas.h"
#include "gstcbamstream.h"

/* What was found last, for frames that are not inferred themselves. */
typedef struct
{
  CbamResult *result;        /* NULL: nothing yet */
  GstClockTime running_time; /* of the frame it was found in; may be GST_CLOCK_TIME_NONE */
  guint frames;              /* that have come since */
} GstCbamLast;

/* All but the stream zeroed is a good start. */
typedef struct
{
  GstCbamStream *stream;
  GstCaps *caps;     /* of the frames that come; NULL: none came yet */
  GstVideoInfo info; /* the same */
  GstSegment segment;
  GstCbamCanvas canvas;
  GstCbamLast last;
} GstCbamPublisher;

/* The form of the frames that come now: what was found before is not carried on. Decides how drawings travel, and sends
 * caps that say so. */
void gst_cbam_publisher_set_caps (GstCbamPublisher *self, GstCaps *caps);

/* Tells about @buffer, for which @result was found; NULL: it was not inferred. Returns @buffer or a writable copy. */
GstBuffer *gst_cbam_publisher_tell (GstCbamPublisher *self, GstBuffer *buffer, CbamResult *result);

/* Forgets segment and results, as before frames that have nothing to do with the last ones. */
void gst_cbam_publisher_restart (GstCbamPublisher *self);

/* Forgets caps and drawings, too, and holds nothing. */
void gst_cbam_publisher_reset (GstCbamPublisher *self);
