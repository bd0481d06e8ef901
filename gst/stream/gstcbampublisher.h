/* GstCbamPublisher: what was found, told downstream and to the application: metadata, drawings, messages, counters. The
 * outlet's, in the task of the source pad.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamstream.h"

G_BEGIN_DECLS

typedef struct _GstCbamPublisher GstCbamPublisher;

GstCbamPublisher *gst_cbam_publisher_new (GstCbamStream *stream);
/* It has been reset. */
void gst_cbam_publisher_free (GstCbamPublisher *self);

/* The form of the frames that come now: what was found before is not carried on. Decides how drawings travel, and sends
 * caps that say so. */
void gst_cbam_publisher_set_caps (GstCbamPublisher *self, GstCaps *caps);
gboolean gst_cbam_publisher_has_caps (const GstCbamPublisher *self);

void gst_cbam_publisher_set_segment (GstCbamPublisher *self, const GstSegment *segment);

/* Tells about @buffer, for which @result was found; NULL: it was not inferred. Returns @buffer or a writable copy. */
GstBuffer *gst_cbam_publisher_tell (GstCbamPublisher *self, GstBuffer *buffer, CbamResult *result);

/* Forgets segment and results, as before frames that have nothing to do with the last ones. */
void gst_cbam_publisher_restart (GstCbamPublisher *self);

/* Forgets caps and drawings, too. */
void gst_cbam_publisher_reset (GstCbamPublisher *self);

G_END_DECLS
