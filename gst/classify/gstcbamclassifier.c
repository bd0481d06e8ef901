/* From regions to the device and back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamclassifier.h"

#define STALEST (2 * GST_SECOND) /* what was seen in a region longer ago is seen anew, whatever the properties say */
#define TURN_PAUSE 5000          /* microseconds before a file asks again whether it is its turn */

void
gst_cbam_classifier_init (GstCbamClassifier *self, GstCbamEngine *engine, GstPad *sink_pad, GstCbamClassStats *stats)
{
  *self = (GstCbamClassifier){ .engine = engine, .sink_pad = sink_pad, .stats = stats };
  self->collector = gst_cbam_collector_new (NULL, NULL);
  gst_cbam_tracks_init (&self->tracks);
}

void
gst_cbam_classifier_clear (GstCbamClassifier *self)
{
  gst_cbam_tracks_clear (&self->tracks);
  gst_cbam_collector_free (self->collector);
  gst_cbam_vulkan_reset (&self->vulkan);
}

void
gst_cbam_classifier_restart (GstCbamClassifier *self)
{
  gst_cbam_tracks_reset (&self->tracks);
  self->until_next = 0;
}

void
gst_cbam_classifier_reset (GstCbamClassifier *self)
{
  gst_cbam_classifier_restart (self);
  gst_cbam_vulkan_reset (&self->vulkan);
}

/* ---- What comes back ---- */

/* Waits for what began first. */
static gboolean
end_first (GstCbamClassifier *self, GError **error)
{
  gint64 took;
  const CbamResult *result = gst_cbam_tracks_end (&self->tracks, &took, error);

  if (result != NULL)
    gst_cbam_class_stats_add_result (self->stats, result, took * GST_USECOND);
  return result != NULL;
}

/* Takes what is there. */
static gboolean
end_some (GstCbamClassifier *self, GError **error)
{
  while (gst_cbam_tracks_can_end (&self->tracks))
    if (!end_first (self, error))
      return FALSE;
  return TRUE;
}

static gboolean
end_all (GstCbamClassifier *self, GError **error)
{
  while (!g_queue_is_empty (&self->tracks.in_flight))
    if (!end_first (self, error))
      return FALSE;
  return TRUE;
}

/* ---- What is due ---- */

/* A region that has become due, with its place among the looks. */
typedef struct
{
  GstCbamTrack *track;
  guint nth;
} Due;

/* @passed_over: by the property interval: only what has become stale is due. */
static gboolean
is_due (const GstCbamTrack *track, const GstCbamClassifierFrame *frame, const GstCbamSession *session,
        gboolean passed_over)
{
  const GstCbamWhen *last = &track->submitted;

  if (track->flight != NULL)
    return FALSE;
  if (last->frame > 0 && gst_cbam_when_since (frame->when, *last) >= STALEST)
    return TRUE;
  return !passed_over && (last->frame == 0 || track->session != session ||
                          frame->when.frame - last->frame > frame->reclassify_interval);
}

/* The frame since which a region waits. */
static guint64
waits_since (const Due *due)
{
  return due->track->submitted.frame > 0 ? due->track->submitted.frame : due->track->begun.frame;
}

/* Those first that have waited for longest. */
static int
compare_due (gconstpointer a, gconstpointer b)
{
  const Due *x = a, *y = b;
  const guint64 since_x = waits_since (x), since_y = waits_since (y);

  if (since_x != since_y)
    return since_x < since_y ? -1 : 1;
  return x->nth < y->nth ? -1 : 1;
}

static GArray *
list_due (const GPtrArray *tracks, const GstCbamClassifierFrame *frame, const GstCbamSession *session,
          gboolean passed_over)
{
  GArray *due = g_array_new (FALSE, FALSE, sizeof (Due));

  for (guint i = 0; i < tracks->len; i++) {
    const Due one = { g_ptr_array_index (tracks, i), i };
    if (is_due (one.track, frame, session, passed_over))
      g_array_append_val (due, one);
  }
  g_array_sort (due, compare_due);
  return due;
}

/* ---- To the device ---- */

typedef enum
{
  SUBMITTED,
  NO_ROOM,
  TOO_MUCH, /* for the device together; one of them may do */
  FAILED,
} Outcome;

/* Has the device look at the @n regions of @frame together. */
static gboolean
give (GstCbamSession *session, const GstCbamClassifierFrame *frame, const CbamRegion *regions, guint n, GError **error)
{
  CbamDetectParams params = *frame->params;

  params.turn = frame->live ? CBAM_TURN_LIVE : CBAM_TURN_FAIR;
  if (n > 1)
    return gst_cbam_session_submit_regions (session, frame->buffer, frame->info, frame->orientation, regions, n,
                                            &params, error);
  params.region = *regions;
  return gst_cbam_session_submit (session, frame->buffer, frame->info, frame->orientation, &params, FALSE, error);
}

/* The @n regions at @due, if there is room for them. */
static Outcome
submit (GstCbamClassifier *self, GstCbamSession *session, const GstCbamClassifierFrame *frame, const GArray *looks,
        const Due *due, guint n, GError **error)
{
  const gboolean image = gst_cbam_vulkan_is_image (frame->buffer);
  const gint64 begun = g_get_monotonic_time ();
  g_autofree CbamRegion *regions = g_new (CbamRegion, n);
  g_autoptr (GError) cause = NULL;

  if (cbam_detector_get_free_slots (session->detector) == 0) {
    if (!frame->waits)
      cbam_detector_miss (session->detector); /* others must know that it would have had something */
    return NO_ROOM;
  }
  for (guint i = 0; i < n; i++)
    regions[i] = g_array_index (looks, GstCbamLook, due[i].nth).region;
  if (!give (session, frame, regions, n, &cause)) {
    if (g_error_matches (cause, CBAM_ERROR, CBAM_ERROR_BUSY))
      return NO_ROOM;
    if (n > 1 && g_error_matches (cause, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED))
      return TOO_MUCH;
    g_propagate_error (error, g_steal_pointer (&cause));
    return FAILED;
  }
  for (guint i = 0; i < n; i++)
    gst_cbam_tracks_begin (&self->tracks, due[i].track, gst_cbam_collector_add (self->collector, session, begun),
                           session, image ? frame->buffer : NULL, frame->when);
  return SUBMITTED;
}

/* Whether it is worth it to wait for room. A live frame may wait for its own regions, and for nobody else's. */
static gboolean
can_wait (GstCbamClassifier *self, const GstCbamClassifierFrame *frame)
{
  return frame->waits && !GST_PAD_IS_FLUSHING (self->sink_pad) &&
         (!frame->live || !g_queue_is_empty (&self->tracks.in_flight));
}

/* Waits for room. FALSE: there is an error. */
static gboolean
make_room (GstCbamClassifier *self, GError **error)
{
  if (!g_queue_is_empty (&self->tracks.in_flight))
    return end_first (self, error);
  g_usleep (TURN_PAUSE);
  return TRUE;
}

/* As many of what is due as there is room for; all of it where the frame waits. What lies on a device goes there region
 * by region. */
static gboolean
submit_due (GstCbamClassifier *self, GstCbamSession *session, const GstCbamClassifierFrame *frame, const GArray *looks,
            const GArray *due, GError **error)
{
  guint most = gst_cbam_vulkan_is_image (frame->buffer) ? 1 : session->max_batch;

  for (guint i = 0; i < due->len;) {
    const guint n = MIN (most, due->len - i);
    switch (submit (self, session, frame, looks, &g_array_index (due, Due, i), n, error)) {
      case SUBMITTED:
        self->until_next = frame->interval;
        i += n;
        break;
      case NO_ROOM:
        if (!can_wait (self, frame))
          return TRUE;
        if (!make_room (self, error))
          return FALSE;
        break;
      case TOO_MUCH: most = 1; break;
      case FAILED: return FALSE;
    }
  }
  return TRUE;
}

/* Whether the property interval passes over the frame: so many after one whose regions were looked at. */
static gboolean
pass_over (GstCbamClassifier *self, const GstCbamClassifierFrame *frame)
{
  self->until_next = MIN (self->until_next, frame->interval);
  if (self->until_next == 0)
    return FALSE;
  self->until_next--;
  return TRUE;
}

static gboolean
infer (GstCbamClassifier *self, const GstCbamClassifierFrame *frame, const GArray *looks, const GPtrArray *tracks,
       gboolean passed_over, GError **error)
{
  g_autoptr (GstCbamSession) session = gst_cbam_engine_get_session (self->engine, &self->vulkan, frame->buffer, error);
  g_autoptr (GArray) due = NULL;

  if (session == NULL)
    return FALSE;
  due = list_due (tracks, frame, session, passed_over);
  if (due->len == 0)
    return TRUE;
  gst_cbam_vulkan_settle (&self->vulkan, frame->buffer);
  return submit_due (self, session, frame, looks, due, error) && (!frame->waits || end_all (self, error));
}

GPtrArray *
gst_cbam_classifier_look (GstCbamClassifier *self, const GstCbamClassifierFrame *frame, const GArray *looks,
                          GError **error)
{
  g_autoptr (GPtrArray) tracks = NULL;

  /* What frames before have left in inference is older than what a frame that waits is to have. */
  if (frame->waits ? !end_all (self, error) : !end_some (self, error))
    return NULL;
  tracks = gst_cbam_tracks_follow (&self->tracks, looks, frame->when);
  const gboolean passed_over = pass_over (self, frame);
  if (looks->len > 0 && !infer (self, frame, looks, tracks, passed_over, error))
    return NULL;
  return g_steal_pointer (&tracks);
}
