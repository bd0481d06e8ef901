/* What the element says about its latency, and from what it knows.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamlatency.h"

void
gst_cbam_latency_reset (GstCbamLatency *latency, GstClockTime ceiling)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  latency->live = FALSE;
  latency->ceiling = ceiling;
}

static void
set_live (GstCbamLatency *latency, gboolean live)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  latency->live = live;
}

void
gst_cbam_latency_ask (GstCbamLatency *latency, GstPad *sink_pad)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (sink_pad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  set_live (latency, live);
}

gboolean
gst_cbam_latency_is_live (GstCbamLatency *latency)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  return latency->live;
}

gboolean
gst_cbam_latency_answer (GstCbamLatency *latency, GstPad *sink_pad, GstQuery *query)
{
  gboolean live;
  GstClockTime min, max;

  if (!gst_pad_peer_query (sink_pad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, &max);
  set_live (latency, live);
  if (!live)
    return TRUE;

  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);
  min += latency->ceiling;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += latency->ceiling; /* the FIFO holds what comes in the meantime */
  gst_query_set_latency (query, TRUE, min, max);
  return TRUE;
}

gboolean
gst_cbam_latency_observe (GstCbamLatency *latency, GstClockTime held)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  if (held <= latency->ceiling)
    return FALSE;
  latency->ceiling = held + held / 4; /* a quarter more, so that the next slow frame does not change it again */
  return latency->live;
}
