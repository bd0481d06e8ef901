/* From QOS events to the earliest frame that is worth its inference.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamqos.h"

#define PATIENCE GST_SECOND /* how long shedding inference may take to help */

void
gst_cbam_qos_init (GstCbamQos *qos)
{
  g_mutex_init (&qos->lock);
  gst_cbam_qos_reset (qos);
}

void
gst_cbam_qos_clear (GstCbamQos *qos)
{
  g_mutex_clear (&qos->lock);
}

void
gst_cbam_qos_reset (GstCbamQos *qos)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&qos->lock);

  qos->earliest = qos->late_since = GST_CLOCK_TIME_NONE;
}

gboolean
gst_cbam_qos_update (GstCbamQos *qos, GstEvent *event)
{
  GstClockTimeDiff diff;
  GstClockTime timestamp;

  gst_event_parse_qos (event, NULL, NULL, &diff, &timestamp);
  if (!GST_CLOCK_TIME_IS_VALID (timestamp))
    return TRUE;

  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&qos->lock);
  if (diff <= 0) {
    qos->earliest = (GstClockTime) -diff < timestamp ? timestamp + diff : 0;
    qos->late_since = GST_CLOCK_TIME_NONE;
    return TRUE;
  }
  /* Twice, as GStreamer's decoders do: catching up takes as long as falling behind. */
  qos->earliest = timestamp + 2 * diff;
  if (!GST_CLOCK_TIME_IS_VALID (qos->late_since) || timestamp < qos->late_since)
    qos->late_since = timestamp;
  return timestamp - qos->late_since > PATIENCE;
}

gboolean
gst_cbam_qos_is_late (GstCbamQos *qos, GstClockTime running_time)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&qos->lock);

  return GST_CLOCK_TIME_IS_VALID (running_time) && GST_CLOCK_TIME_IS_VALID (qos->earliest) &&
         running_time < qos->earliest;
}
