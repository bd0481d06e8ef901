/* What the element says about its latency, and from what it knows.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamlatency.h"

#define PERIOD (10 * GST_SECOND) /* how long the ceiling must have been too high before it sinks */

void
gst_cbam_latency_reset (GstCbamLatency *latency, GstClockTime ceiling)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  latency->live = FALSE;
  latency->ceiling = ceiling;
  latency->longest = 0;
  latency->since = GST_CLOCK_TIME_NONE;
  latency->calm = 0;
}

void
gst_cbam_latency_begin_disturbance (GstCbamLatency *latency)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  latency->disturbances++;
}

void
gst_cbam_latency_end_disturbance (GstCbamLatency *latency, GstClockTime now)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  g_return_if_fail (latency->disturbances > 0);
  latency->disturbances--;
  latency->calm = now;
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

GstClockTime
gst_cbam_latency_get_ceiling (GstCbamLatency *latency)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);

  return latency->ceiling;
}

gboolean
gst_cbam_latency_pass (GstCbamLatency *latency, GstPad *sink_pad, GstQuery *query)
{
  gboolean live;

  if (!gst_pad_peer_query (sink_pad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, NULL, NULL);
  set_live (latency, live);
  return TRUE;
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
gst_cbam_latency_observe (GstCbamLatency *latency, GstClockTime held, GstClockTime now)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&latency->lock);
  const GstClockTime before = latency->ceiling;

  if (latency->disturbances > 0 || (latency->calm > 0 && now < latency->calm + held))
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (latency->since))
    latency->since = now;
  latency->longest = MAX (latency->longest, held);
  /* A quarter more, so that the next slow frame does not change it again. */
  if (held > latency->ceiling) {
    latency->ceiling = held + held / 4;
  } else if (now - latency->since >= PERIOD) {
    if (2 * latency->longest < latency->ceiling)
      latency->ceiling = latency->longest + latency->longest / 4;
    latency->longest = 0;
    latency->since = now;
  }
  return latency->live && latency->ceiling != before;
}
