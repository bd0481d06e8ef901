/* The line between the streaming thread and the task of the source pad: one lock, one condition per side.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamfifo.h"

#include <gst/base/base.h>

/* There is one query in line at most: the streaming thread waits for its answer. */
typedef enum
{
  QUERY_NONE,
  QUERY_WAITS, /* in line */
  QUERY_RUNS,  /* with the task */
  QUERY_ANSWERED,
} QueryState;

struct _GstCbamFifo
{
  GMutex lock;
  GCond pushed;         /* wakes the task */
  GCond changed;        /* wakes the streaming thread */
  GstQueueArray *items; /* of GstCbamItem */
  guint n_frames;       /* buffers among them */
  gboolean closed;
  guint slots, slots_taken;
  GstFlowReturn flow;
  gboolean flow_reported;
  QueryState query_state;
  gboolean query_answer;
};

static void
item_clear (gpointer data)
{
  GstCbamItem *item = data;

  /* First: until then the device may read the frame where it lies. */
  if (item->flight != NULL)
    cbam_result_unref (gst_cbam_flight_take (item->flight, GST_BUFFER_CAST (item->object), NULL, NULL));
  if (!GST_IS_QUERY (item->object))
    gst_mini_object_unref (item->object);
}

GstCbamFifo *
gst_cbam_fifo_new (void)
{
  GstCbamFifo *fifo = g_new0 (GstCbamFifo, 1);

  g_mutex_init (&fifo->lock);
  g_cond_init (&fifo->pushed);
  g_cond_init (&fifo->changed);
  fifo->items = gst_queue_array_new_for_struct (sizeof (GstCbamItem), 16);
  gst_queue_array_set_clear_func (fifo->items, item_clear);
  fifo->closed = TRUE;
  return fifo;
}

void
gst_cbam_fifo_free (GstCbamFifo *fifo)
{
  if (fifo == NULL)
    return;
  gst_queue_array_free (fifo->items);
  g_cond_clear (&fifo->changed);
  g_cond_clear (&fifo->pushed);
  g_mutex_clear (&fifo->lock);
  g_free (fifo);
}

/* The first item, moved to @item. The lock is held, and there is one. */
static void
take_first (GstCbamFifo *fifo, GstCbamItem *item)
{
  *item = *(GstCbamItem *) gst_queue_array_pop_head_struct (fifo->items);
  if (!GST_IS_BUFFER (item->object))
    return;
  fifo->n_frames--;
  g_cond_broadcast (&fifo->changed);
}

/* Without the lock: waiting for a result takes its time, and somebody may want to close the line. */
static void
drop_items (GstCbamFifo *fifo)
{
  for (;;) {
    GstCbamItem item;
    g_mutex_lock (&fifo->lock);
    gboolean any = !gst_queue_array_is_empty (fifo->items);
    if (any)
      take_first (fifo, &item);
    g_mutex_unlock (&fifo->lock);
    if (!any)
      return;
    item_clear (&item);
  }
}

void
gst_cbam_fifo_open (GstCbamFifo *fifo, guint slots)
{
  drop_items (fifo);

  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);
  fifo->slots = slots;
  fifo->slots_taken = 0;
  fifo->flow = GST_FLOW_OK;
  fifo->flow_reported = FALSE;
  fifo->query_state = QUERY_NONE;
  fifo->closed = FALSE;
}

void
gst_cbam_fifo_close (GstCbamFifo *fifo)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  fifo->closed = TRUE;
  g_cond_broadcast (&fifo->pushed);
  g_cond_broadcast (&fifo->changed);
}

void
gst_cbam_fifo_empty (GstCbamFifo *fifo)
{
  g_return_if_fail (fifo->closed);
  drop_items (fifo);
}

/* After end of stream, these let data through again. */
static gboolean
restarts (const GstCbamItem *item)
{
  if (!GST_IS_EVENT (item->object))
    return FALSE;
  GstEventType type = GST_EVENT_TYPE (GST_EVENT_CAST (item->object));
  return type == GST_EVENT_STREAM_START || type == GST_EVENT_SEGMENT;
}

/* What a caller who wants to add data gets. Called with the lock held, by the streaming thread. */
static GstFlowReturn
report_flow (GstCbamFifo *fifo)
{
  if (fifo->closed)
    return GST_FLOW_FLUSHING;
  if (fifo->flow != GST_FLOW_OK)
    fifo->flow_reported = TRUE;
  return fifo->flow;
}

/* Called with the lock held. */
static gboolean
is_full (GstCbamFifo *fifo, guint frames, gint64 age)
{
  if (fifo->n_frames == 0 || fifo->n_frames >= frames)
    return fifo->n_frames > 0;
  for (guint i = 0;; i++) {
    const GstCbamItem *item = gst_queue_array_peek_nth_struct (fifo->items, i);
    if (GST_IS_BUFFER (item->object))
      return g_get_monotonic_time () - item->arrived >= age;
  }
}

GstFlowReturn
gst_cbam_fifo_wait_room (GstCbamFifo *fifo, guint frames, gint64 age)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  while (!fifo->closed && fifo->flow == GST_FLOW_OK && is_full (fifo, frames, age))
    g_cond_wait (&fifo->changed, &fifo->lock);
  return report_flow (fifo);
}

GstFlowReturn
gst_cbam_fifo_take_slot (GstCbamFifo *fifo, gboolean wait, gboolean *taken)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  while (wait && !fifo->closed && fifo->flow == GST_FLOW_OK && fifo->slots_taken == fifo->slots)
    g_cond_wait (&fifo->changed, &fifo->lock);

  GstFlowReturn flow = report_flow (fifo);
  *taken = flow == GST_FLOW_OK && fifo->slots_taken < fifo->slots;
  if (*taken)
    fifo->slots_taken++;
  return flow;
}

void
gst_cbam_fifo_return_slot (GstCbamFifo *fifo)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  g_return_if_fail (fifo->slots_taken > 0);
  fifo->slots_taken--;
  g_cond_broadcast (&fifo->changed);
}

GstFlowReturn
gst_cbam_fifo_pause (GstCbamFifo *fifo, gint64 duration)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  if (!fifo->closed && fifo->flow == GST_FLOW_OK)
    g_cond_wait_until (&fifo->changed, &fifo->lock, g_get_monotonic_time () + duration);
  return report_flow (fifo);
}

GstFlowReturn
gst_cbam_fifo_push (GstCbamFifo *fifo, GstCbamItem item)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  if (!fifo->closed && fifo->flow == GST_FLOW_EOS && restarts (&item))
    fifo->flow = GST_FLOW_OK;
  /* An inferred buffer goes in line even if downstream has just failed, or we flush: its result must be collected. */
  GstFlowReturn flow = GST_IS_BUFFER (item.object) || fifo->closed ? report_flow (fifo) : GST_FLOW_OK;
  if (flow != GST_FLOW_OK && item.flight == NULL) {
    gst_mini_object_unref (item.object);
    return flow;
  }
  gst_queue_array_push_tail_struct (fifo->items, &item);
  if (GST_IS_BUFFER (item.object))
    fifo->n_frames++;
  g_cond_signal (&fifo->pushed);
  return flow;
}

gboolean
gst_cbam_fifo_push_query (GstCbamFifo *fifo, GstQuery *query)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  if (fifo->closed)
    return FALSE;

  GstCbamItem item = { .object = GST_MINI_OBJECT_CAST (query) };
  gst_queue_array_push_tail_struct (fifo->items, &item);
  fifo->query_state = QUERY_WAITS;
  g_cond_signal (&fifo->pushed);

  /* A query that the task is running cannot be taken away from it, flushing or not; downstream gets flushed too. */
  while (fifo->query_state == QUERY_RUNS || (fifo->query_state == QUERY_WAITS && !fifo->closed))
    g_cond_wait (&fifo->changed, &fifo->lock);

  gboolean answered = fifo->query_state == QUERY_ANSWERED;
  if (!answered)
    gst_queue_array_pop_tail_struct (fifo->items); /* nothing gets in behind a query */
  fifo->query_state = QUERY_NONE;
  return answered && fifo->query_answer;
}

gboolean
gst_cbam_fifo_pop (GstCbamFifo *fifo, GstCbamItem *item)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  while (!fifo->closed && gst_queue_array_is_empty (fifo->items))
    g_cond_wait (&fifo->pushed, &fifo->lock);
  if (fifo->closed)
    return FALSE;

  take_first (fifo, item);
  if (GST_IS_QUERY (item->object))
    fifo->query_state = QUERY_RUNS;
  return TRUE;
}

void
gst_cbam_fifo_answer (GstCbamFifo *fifo, gboolean answer)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  fifo->query_answer = answer;
  fifo->query_state = QUERY_ANSWERED;
  g_cond_broadcast (&fifo->changed);
}

void
gst_cbam_fifo_set_flow (GstCbamFifo *fifo, GstFlowReturn flow)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  if (flow == fifo->flow)
    return;
  /* The end of one segment does not concern what comes after the next, which the streaming thread may be at already. */
  for (guint i = 0; flow == GST_FLOW_EOS && i < gst_queue_array_get_length (fifo->items); i++)
    if (restarts (gst_queue_array_peek_nth_struct (fifo->items, i)))
      return;
  fifo->flow = flow;
  fifo->flow_reported = FALSE;
  g_cond_broadcast (&fifo->changed);
}

GstFlowReturn
gst_cbam_fifo_get_flow (GstCbamFifo *fifo, gboolean *reported)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&fifo->lock);

  if (reported != NULL)
    *reported = fifo->flow_reported;
  return fifo->flow;
}
