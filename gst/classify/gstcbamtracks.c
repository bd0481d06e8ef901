/* Regions that are the same from frame to frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamtracks.h"

#define SAME_OVERLAP 0.4                      /* of a region's places in two frames that follow each other */
#define MEMORY GST_SECOND                     /* how long what is not seen any more is remembered, */
#define MOST_TRACKS (4 * GST_CBAM_MOST_LOOKS) /* beyond, only those of the last frame are remembered */
#define MEMORY_FRAMES 30                      /* ... and for how many frames where their times do not move */

static void
track_free (gpointer data)
{
  GstCbamTrack *track = data;

  cbam_result_unref (track->result);
  gst_cbam_session_unref (track->session);
  g_free (track);
}

void
gst_cbam_tracks_init (GstCbamTracks *self)
{
  self->tracks = g_ptr_array_new_with_free_func (track_free);
  g_queue_init (&self->in_flight);
}

void
gst_cbam_tracks_reset (GstCbamTracks *self)
{
  while (!g_queue_is_empty (&self->in_flight))
    gst_cbam_tracks_end (self, NULL, NULL);
  g_ptr_array_set_size (self->tracks, 0);
}

void
gst_cbam_tracks_clear (GstCbamTracks *self)
{
  gst_cbam_tracks_reset (self);
  g_clear_pointer (&self->tracks, g_ptr_array_unref);
}

/* ---- From frame to frame ---- */

static gboolean
is_free (const GstCbamTrack *track, GstCbamWhen now)
{
  return !track->gone && track->seen.frame != now.frame;
}

/* How much @track is like @look, whose number it must have. Several trackers may give the same: then it is the one of
 * that type, and of these the nearest; and one that is called something else and lies elsewhere is another object. */
static double
compare_ids (const GstCbamTrack *track, const GstCbamLook *look)
{
  if (track->id != look->id)
    return 0;
  return gst_cbam_look_overlap (track->box, look->box) + (track->label == look->label ? 1 : 0);
}

/* ... where it must be without a number, and of that type. */
static double
compare_places (const GstCbamTrack *track, const GstCbamLook *look)
{
  return track->id < 0 && track->label == look->label ? gst_cbam_look_overlap (track->box, look->box) : 0;
}

/* NULL: none is like it. */
static GstCbamTrack *
find_most_alike (GstCbamTracks *self, const GstCbamLook *look, GstCbamWhen now,
                 double (*compare) (const GstCbamTrack *, const GstCbamLook *))
{
  GstCbamTrack *best = NULL;
  double most = SAME_OVERLAP;

  for (guint i = 0; i < self->tracks->len; i++) {
    GstCbamTrack *track = g_ptr_array_index (self->tracks, i);
    const double likeness = is_free (track, now) ? compare (track, look) : 0;
    if (likeness < most)
      continue;
    most = likeness;
    best = track;
  }
  return best;
}

static GstCbamTrack *
find (GstCbamTracks *self, const GstCbamLook *look, GstCbamWhen now)
{
  GstCbamTrack *track = look->id >= 0 ? find_most_alike (self, look, now, compare_ids) : NULL;

  /* Trackers give numbers to what they have seen before. */
  return track != NULL ? track : find_most_alike (self, look, now, compare_places);
}

static GstCbamTrack *
begin_track (GstCbamTracks *self, GstCbamWhen now)
{
  GstCbamTrack *track = g_new0 (GstCbamTrack, 1);

  track->begun = now;
  g_ptr_array_add (self->tracks, track);
  return track;
}

GstClockTime
gst_cbam_when_since (GstCbamWhen now, GstCbamWhen then)
{
  return now.time > then.time ? now.time - then.time : 0;
}

/* Times that go back by a little are the stream's disorder, and by more another part of it. */
static gboolean
is_old (const GstCbamTrack *track, GstCbamWhen now)
{
  if (now.time == track->seen.time)
    return now.frame - track->seen.frame > MEMORY_FRAMES;
  return MAX (gst_cbam_when_since (now, track->seen), gst_cbam_when_since (track->seen, now)) > MEMORY;
}

/* What is in inference must be taken first: until then it is only not found any more. */
static void
forget (GstCbamTracks *self, GstCbamWhen now)
{
  const gboolean many = self->tracks->len > MOST_TRACKS;

  for (guint i = self->tracks->len; i-- > 0;) {
    GstCbamTrack *track = g_ptr_array_index (self->tracks, i);
    track->gone |= is_old (track, now) || (many && track->seen.frame + 1 < now.frame);
    if (track->gone && track->flight == NULL)
      g_ptr_array_remove_index (self->tracks, i);
  }
}

GPtrArray *
gst_cbam_tracks_follow (GstCbamTracks *self, const GArray *looks, GstCbamWhen now)
{
  GPtrArray *found = g_ptr_array_sized_new (looks->len);

  forget (self, now);
  for (guint i = 0; i < looks->len; i++) {
    const GstCbamLook *look = &g_array_index (looks, GstCbamLook, i);
    GstCbamTrack *track = find (self, look, now);
    if (track == NULL)
      track = begin_track (self, now);
    track->label = look->label;
    track->id = look->id;
    memcpy (track->box, look->box, sizeof track->box);
    track->seen = now;
    g_ptr_array_add (found, track);
  }
  return found;
}

/* ---- Inference ---- */

void
gst_cbam_tracks_begin (GstCbamTracks *self, GstCbamTrack *track, GstCbamFlight *flight, GstCbamSession *session,
                       GstBuffer *buffer, GstCbamWhen now)
{
  g_return_if_fail (track->flight == NULL);
  track->flight = flight;
  track->flight_session = gst_cbam_session_ref (session);
  track->buffer = buffer != NULL ? gst_buffer_ref (buffer) : NULL;
  track->submitted = now;
  g_queue_push_tail (&self->in_flight, track);
}

gboolean
gst_cbam_tracks_can_end (GstCbamTracks *self)
{
  const GstCbamTrack *first = g_queue_peek_head (&self->in_flight);

  return first != NULL && gst_cbam_flight_has_ended (first->flight);
}

CbamResult *
gst_cbam_tracks_end (GstCbamTracks *self, gint64 *took, GError **error)
{
  GstCbamTrack *track = g_queue_pop_head (&self->in_flight);
  g_autoptr (GstCbamSession) session = g_steal_pointer (&track->flight_session);
  g_autoptr (GstBuffer) buffer = g_steal_pointer (&track->buffer);
  CbamResult *result = gst_cbam_flight_take (g_steal_pointer (&track->flight), buffer, took, error);

  if (result == NULL)
    return NULL;
  cbam_result_unref (track->result);
  gst_cbam_session_unref (track->session);
  track->result = result;
  track->session = g_steal_pointer (&session);
  track->classified = track->submitted;
  track->told = FALSE;
  return result;
}
