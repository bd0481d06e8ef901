/* The thread that waits for the device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamcollector.h"

struct _GstCbamFlight
{
  GstCbamCollector *collector;
  GstCbamSession *session;
  gint64 begun, took;
  gboolean ended;
  gboolean hung; /* it never will, for all anybody knows: the device may be reading the frame */
  CbamResult *result;
  GError *error; /* where there is no result */
};

struct _GstCbamCollector
{
  GstCbamReturnSlot return_slot;
  gpointer data;   /* its own */
  GThread *thread; /* from the first frame on */
  GMutex lock;
  GCond added, ended;
  GQueue flights; /* in inference, in order */
  gboolean stop;
};

/* Waits for the next one to begin. NULL: there will be none. */
static GstCbamFlight *
get_next (GstCbamCollector *collector)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&collector->lock);

  while (g_queue_is_empty (&collector->flights) && !collector->stop)
    g_cond_wait (&collector->added, &collector->lock);
  return g_queue_pop_head (&collector->flights);
}

static gpointer
run (gpointer data)
{
  GstCbamCollector *collector = data;
  GstCbamFlight *flight;

  while ((flight = get_next (collector))) {
    flight->result = cbam_detector_collect (flight->session->detector, &flight->error);
    if (flight->result != NULL)
      gst_cbam_session_heed (flight->session, flight->result);
    flight->hung = flight->result == NULL && cbam_device_is_hung (flight->session->device);
    flight->took = g_get_monotonic_time () - flight->begun;
    g_clear_pointer (&flight->session, gst_cbam_session_unref);
    if (flight->result != NULL && collector->return_slot != NULL)
      collector->return_slot (collector->data);
    g_mutex_lock (&collector->lock);
    flight->ended = TRUE; /* and from now on whoever takes it frees it */
    g_cond_broadcast (&collector->ended);
    g_mutex_unlock (&collector->lock);
  }
  return NULL;
}

GstCbamCollector *
gst_cbam_collector_new (GstCbamReturnSlot return_slot, gpointer data)
{
  GstCbamCollector *collector = g_new0 (GstCbamCollector, 1);

  collector->return_slot = return_slot;
  collector->data = data;
  g_mutex_init (&collector->lock);
  g_cond_init (&collector->added);
  g_cond_init (&collector->ended);
  g_queue_init (&collector->flights);
  return collector;
}

void
gst_cbam_collector_free (GstCbamCollector *collector)
{
  if (collector == NULL)
    return;
  g_mutex_lock (&collector->lock);
  collector->stop = TRUE;
  g_cond_signal (&collector->added);
  g_mutex_unlock (&collector->lock);
  if (collector->thread != NULL)
    g_thread_join (collector->thread);
  g_cond_clear (&collector->ended);
  g_cond_clear (&collector->added);
  g_mutex_clear (&collector->lock);
  g_free (collector);
}

GstCbamFlight *
gst_cbam_collector_add (GstCbamCollector *collector, GstCbamSession *session, gint64 begun)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&collector->lock);
  GstCbamFlight *flight = g_new0 (GstCbamFlight, 1);

  flight->collector = collector;
  flight->session = gst_cbam_session_ref (session);
  flight->begun = begun;
  g_queue_push_tail (&collector->flights, flight);
  g_cond_signal (&collector->added);
  if (collector->thread == NULL)
    collector->thread = g_thread_new ("cbam-collect", run, collector);
  return flight;
}

/* Reachable for leak checkers. */
static void
keep_for_good (GstBuffer *buffer)
{
  static GSList *kept;
  static GMutex lock;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  kept = g_slist_prepend (kept, gst_buffer_ref (buffer));
}

gboolean
gst_cbam_flight_has_ended (GstCbamFlight *flight)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&flight->collector->lock);

  return flight->ended;
}

CbamResult *
gst_cbam_flight_take (GstCbamFlight *flight, GstBuffer *buffer, gint64 *took, GError **error)
{
  GstCbamCollector *collector = flight->collector;
  CbamResult *result;

  g_mutex_lock (&collector->lock);
  while (!flight->ended)
    g_cond_wait (&collector->ended, &collector->lock);
  g_mutex_unlock (&collector->lock);
  result = flight->result;
  if (flight->hung && buffer != NULL)
    keep_for_good (buffer);
  if (took != NULL)
    *took = flight->took;
  if (flight->error != NULL)
    g_propagate_error (error, flight->error);
  g_free (flight);
  return result;
}
