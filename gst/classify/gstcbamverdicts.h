/* Verdicts: what was seen in the regions of a frame, told downstream and to the application.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamclassstats.h"
#include "gstcbamtracks.h"
#include "meta/gstcbamattentionmeta.h"

/* What the properties ask for. */
typedef struct
{
  const char *const *names;    /* of all classes; NULL: the model's own */
  GstCbamAttentionParts parts; /* of CbamAttentionMeta */
  gboolean messages;
} GstCbamVerdictWishes;

typedef struct
{
  const GstVideoInfo *info;
  const GstSegment *segment;
  GstCbamWhen when;
} GstCbamVerdictFrame;

/* Adds to @buffer what is known of its @looks, whose @tracks are in the same order. Takes @buffer; returns it or a
 * writable copy. @counts: how many of them have classes. @message: (transfer full): the message
 * `cbam-classifications`, where it is asked for and there is something new; else NULL. */
GstBuffer *gst_cbam_verdicts_attach (GstBuffer *buffer, const GstCbamVerdictFrame *frame, const GArray *looks,
                                     GPtrArray *tracks, const GstCbamVerdictWishes *wishes, GstCbamClassCounts *counts,
                                     GstStructure **message);
