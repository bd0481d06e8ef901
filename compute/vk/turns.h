/* CbamTurns: whose turn it is on a device. It knows what lies in the device's queue and for how long, and which stream
 * has had how much of the device.
 *
 *     enter -> | queue, worked off in order | -> finish
 *
 * Of the streams that were refused lately, the one that has had least goes first. What a stream has had is the work of
 * its frames, divided by its slots, so that streams of one model with as many slots each get as many inferences. A
 * stream that wants nothing for a while saves nothing up. No call waits, or takes longer than a look at all streams.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/model.h>

typedef struct _CbamTurns CbamTurns;

/* A stream's part. All 0 at first but for @cost and @slots; its owner joins with it, and leaves before it is freed. */
typedef struct
{
  double cost;  /* the work of a frame, in one unit for all streams, divided by the number of slots */
  guint slots;  /* frames it may have in the queue */
  double had;   /* what it has got, or not asked for in time */
  gint64 wants; /* until then it counts as one that wants to and was refused; g_get_monotonic_time() */
} CbamShare;

/* A frame's. What is not a frame of a stream, but takes the device's time, has no share. */
typedef struct
{
  CbamShare *share; /* or NULL */
  CbamTurn turn;
  double *seconds; /* what a frame like this takes, 0 = unknown; kept up to date. NULL: unknown, and not to be known */
  guint64 number;  /* in the queue; 0 = not there */
  gint64 entered;
} CbamTicket;

CbamTurns *cbam_turns_new (void);
void cbam_turns_free (CbamTurns *turns);

void cbam_turns_join (CbamTurns *turns, CbamShare *share);
void cbam_turns_leave (CbamTurns *turns, CbamShare *share);

/* Whether it is the turn of @ticket, @now in microseconds. FALSE counts as having wanted to. */
gboolean cbam_turns_ask (CbamTurns *turns, const CbamTicket *ticket, gint64 now);
/* There was no slot to ask with, which counts as having wanted to. */
void cbam_turns_miss (CbamTurns *turns, const CbamTicket *ticket, gint64 now);
/* As ask, and if it is, enters @ticket into the queue. */
gboolean cbam_turns_enter (CbamTurns *turns, CbamTicket *ticket, gint64 now);
/* It was not submitted after all. */
void cbam_turns_withdraw (CbamTurns *turns, CbamTicket *ticket);
/* It has been worked off, and so has all that was before it. @watched: somebody waited for it, so that it took until
 * now and not less. */
void cbam_turns_finish (CbamTurns *turns, CbamTicket *ticket, gint64 now, gboolean watched);
