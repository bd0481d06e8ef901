/* GstCbamLast: what was found last, for frames that were not inferred themselves.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* Zeroed: nothing was found yet. */
typedef struct
{
  CbamResult *result;
  GstClockTime running_time; /* of the frame it was found in; may be GST_CLOCK_TIME_NONE */
  guint frames;              /* that have come since */
} GstCbamLast;

/* A newer result. */
void gst_cbam_last_set (GstCbamLast *last, CbamResult *result, GstClockTime running_time);

/* Forgets it: what comes has nothing to do with what was. */
void gst_cbam_last_clear (GstCbamLast *last);

/* How much older it is than a frame of that running time; GST_CLOCK_TIME_NONE: nobody knows. */
GstClockTime gst_cbam_last_get_age (const GstCbamLast *last, GstClockTime running_time);

/* The number that metadata which is added to @buffer from now on has at least, for gst_cbam_mark_age() and
 * gst_cbam_regions_meta_keep(). */
guint64 gst_cbam_next_meta (GstBuffer *buffer);

/* Marks the detections and the CbamAttentionMeta numbered @first and on as those of an earlier frame: fields `age` and
 * `frame-age`. Before gst_cbam_regions_meta_keep(). */
void gst_cbam_mark_age (GstBuffer *buffer, guint64 first, GstClockTime age, guint frames);

G_END_DECLS
