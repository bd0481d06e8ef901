/* GstCbamQos: what downstream says about frames that come too late, in running time.
 *
 * The remedy is inference, not frames: while downstream is late, frames go on without inference, and upstream, which
 * would drop frames, does not hear of it unless that did not help.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

typedef struct
{
  GMutex lock;
  GstClockTime earliest;   /* frames before this come too late; GST_CLOCK_TIME_NONE: nobody has complained */
  GstClockTime late_since; /* first complaint since things were well; GST_CLOCK_TIME_NONE: they are well */
} GstCbamQos;

void gst_cbam_qos_init (GstCbamQos *qos);
void gst_cbam_qos_clear (GstCbamQos *qos);

/* Forgets what was said, as after a flush. */
void gst_cbam_qos_reset (GstCbamQos *qos);

/* Listens to a QOS event. Returns TRUE when upstream should hear it too: downstream is in time, or has been late for a
 * second in spite of us. */
gboolean gst_cbam_qos_update (GstCbamQos *qos, GstEvent *event);

/* Whether a frame of that running time comes too late anyway. */
gboolean gst_cbam_qos_is_late (GstCbamQos *qos, GstClockTime running_time);
