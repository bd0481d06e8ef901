/* What was found, told downstream and to the application: metadata, drawings, messages, counters. For the task of the
 * source pad.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamdetect.h"

G_BEGIN_DECLS

/* Decides what the caps are and how drawings travel, when something that matters has changed. */
void gst_cbam_publish_negotiate (GstCbamDetect *self);

/* Tells about @buffer, for which @result was found; NULL: it was not inferred. Returns @buffer or a writable copy. */
GstBuffer *gst_cbam_publish_frame (GstCbamDetect *self, GstBuffer *buffer, CbamResult *result);

/* Forgets what was found, as before frames that have nothing to do with the last ones. */
void gst_cbam_publish_reset (GstCbamDetect *self);

G_END_DECLS
