/* GstCbamTracks: the regions of a stream from frame to frame: which of a frame's regions is which of those before, what
 * a classifier said of each, and what it is still looking at.
 *
 *     look at (dog, id 7)   the number is that of      a track: classes of frame n - 3, in inference since n - 1
 *     look at (cat)         it lies where there was    a track: classes of frame n - 1
 *     look at (cat)         there was none             a new track
 *
 * All of it is the streaming thread's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamlooks.h"
#include "stream/gstcbamcollector.h"

/* When something was, in a stream. */
typedef struct
{
  guint64 frame;     /* number of the frame since the start */
  GstClockTime time; /* its running time, or if it has none when it came, by g_get_monotonic_time() */
} GstCbamWhen;

typedef struct
{
  GQuark label;
  gint64 id;
  double box[4];
  GstCbamWhen begun, seen; /* the first and the last time */
  gboolean gone;           /* forgotten, but for what is in inference */

  /* What was seen in it last; NULL: nothing yet. */
  CbamResult *result;
  GstCbamSession *session; /* by which */
  GstCbamWhen classified;  /* in which frame */
  gboolean told;           /* a frame has carried it */

  /* What is in inference; NULL: nothing. */
  GstCbamFlight *flight;
  GstCbamSession *flight_session;
  GstCbamWhen submitted; /* the last time; frame 0: never */
  GstBuffer *buffer;     /* that the device reads; NULL: it has a copy */
} GstCbamTrack;

typedef struct
{
  GPtrArray *tracks; /* GstCbamTrack */
  GQueue in_flight;  /* those with something in inference, in the order that it began in */
} GstCbamTracks;

void gst_cbam_tracks_init (GstCbamTracks *self);
/* Waits for what is in inference, and forgets everything. */
void gst_cbam_tracks_reset (GstCbamTracks *self);
void gst_cbam_tracks_clear (GstCbamTracks *self);

/* How much later @now is than @then; 0 where times go back. */
GstClockTime gst_cbam_when_since (GstCbamWhen now, GstCbamWhen then);

/* Finds the track of each look at a frame, or begins one, and forgets those that were not seen for long.
 * Returns (transfer full): a GstCbamTrack for each of @looks, in their order; valid until the next call. */
GPtrArray *gst_cbam_tracks_follow (GstCbamTracks *self, const GArray *looks, GstCbamWhen now);

/* @track, which has nothing in inference, has @flight from now on, in @session. @buffer (nullable): what the device
 * reads, which stays until it has ended. */
void gst_cbam_tracks_begin (GstCbamTracks *self, GstCbamTrack *track, GstCbamFlight *flight, GstCbamSession *session,
                            GstBuffer *buffer, GstCbamWhen now);

/* Whether the result is there of what began first. */
gboolean gst_cbam_tracks_can_end (GstCbamTracks *self);

/* Gives the track whose inference began first what was seen; waits for that if it is not there. There is one.
 * @result: (transfer none): that; NULL: there is @error. @took: microseconds. */
CbamResult *gst_cbam_tracks_end (GstCbamTracks *self, gint64 *took, GError **error);
