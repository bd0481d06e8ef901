/* GstCbamFifo: the one line in which frames, serialised events and queries wait for the task of the source pad.
 *
 *     streaming thread                                        task of the source pad
 *     wait_room -> take_slot -> push -> | f f e f q | -> pop
 *
 * It counts the detector's slots too, and it carries the flow return of downstream back to the streaming thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

#include "gstcbamcollector.h"

/* What waits in line: a buffer or an event, which the item owns, or a query, which stays the streaming thread's. */
typedef struct
{
  GstMiniObject *object;
  gint64 arrived;        /* g_get_monotonic_time() when the element got it */
  GstCbamFlight *flight; /* owned; NULL: not inferred */
} GstCbamItem;

typedef struct _GstCbamFifo GstCbamFifo;

GstCbamFifo *gst_cbam_fifo_new (void);
void gst_cbam_fifo_free (GstCbamFifo *fifo);

/* Empties the line, forgets flow returns, and lets data through. Neither side may be inside any other call. */
void gst_cbam_fifo_open (GstCbamFifo *fifo, guint slots);

/* Wakes both sides: from now on every call gives GST_FLOW_FLUSHING or FALSE at once. Items stay until open or empty. */
void gst_cbam_fifo_close (GstCbamFifo *fifo);

/* Drops what is in line, and waits for the results nobody wants any more. Only when closed, with neither side inside
 * any other call. */
void gst_cbam_fifo_empty (GstCbamFifo *fifo);

/* Streaming thread: waits while the line is full, which is when @frames frames are in it, or when the first of them
 * came
 * @age microseconds ago. Upstream waits with it. Returns what pushing would return. */
GstFlowReturn gst_cbam_fifo_wait_room (GstCbamFifo *fifo, guint frames, gint64 age);

/* Streaming thread: takes a slot for the next frame. Without one it waits, or with @wait FALSE sets @taken to FALSE.
 * Returns what pushing would return. */
GstFlowReturn gst_cbam_fifo_take_slot (GstCbamFifo *fifo, gboolean wait, gboolean *taken);

/* Any thread: the slot's result was collected, or nothing was submitted. */
void gst_cbam_fifo_return_slot (GstCbamFifo *fifo);

/* Streaming thread: waits for so many microseconds, or until something changes. Returns what pushing would return. */
GstFlowReturn gst_cbam_fifo_pause (GstCbamFifo *fifo, gint64 duration);

/* Streaming thread: puts a buffer or an event in line. Takes what the item owns, also on failure. An event gets in
 * whatever downstream has returned; STREAM_START and SEGMENT take back its GST_FLOW_EOS. */
GstFlowReturn gst_cbam_fifo_push (GstCbamFifo *fifo, GstCbamItem item);

/* Streaming thread: puts a query in line and waits until the task has answered it. */
gboolean gst_cbam_fifo_push_query (GstCbamFifo *fifo, GstQuery *query);

/* Task: waits for the next item and moves it, and what it owns, to @item. FALSE: closed. */
gboolean gst_cbam_fifo_pop (GstCbamFifo *fifo, GstCbamItem *item);

/* Task: the answer to the query popped last; the query must not be touched any more. */
void gst_cbam_fifo_answer (GstCbamFifo *fifo, gboolean answer);

/* Task: what downstream returned, from now on the streaming thread's own return. */
void gst_cbam_fifo_set_flow (GstCbamFifo *fifo, GstFlowReturn flow);

/* Task: what set_flow() said last. @reported: whether the streaming thread has seen it. */
GstFlowReturn gst_cbam_fifo_get_flow (GstCbamFifo *fifo, gboolean *reported);
