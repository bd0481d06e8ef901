/* GstCbamLatency: whether the stream is live, and how long the element may hold a frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

/* Zeroed is a good start. */
typedef struct
{
  GMutex lock;
  gboolean live;        /* upstream's last answer; none = not live */
  GstClockTime ceiling; /* no frame was held longer lately, as far as that was up to us */
  GstClockTime longest; /* that a frame was held since @since */
  GstClockTime since;   /* in the time of those who observe */
  guint disturbances;   /* going on */
  GstClockTime calm;    /* when the last one ended, in the same time; 0 = there was none */
} GstCbamLatency;

/* A new stream: not live until upstream says so. */
void gst_cbam_latency_reset (GstCbamLatency *latency, GstClockTime ceiling);

/* Something goes on from here to there, such as the loading of a model, that holds frames up once and says nothing of
 * those to come: frames that were in the element meanwhile do not count. Several may go on at once. */
void gst_cbam_latency_begin_disturbance (GstCbamLatency *latency);
void gst_cbam_latency_end_disturbance (GstCbamLatency *latency, GstClockTime now);

/* Asks upstream of @sink_pad whether it is live. */
void gst_cbam_latency_ask (GstCbamLatency *latency, GstPad *sink_pad);

gboolean gst_cbam_latency_is_live (GstCbamLatency *latency);

GstClockTime gst_cbam_latency_get_ceiling (GstCbamLatency *latency);

/* Answers the LATENCY query: upstream's plus ours, and learns from it. */
gboolean gst_cbam_latency_answer (GstCbamLatency *latency, GstPad *sink_pad, GstQuery *query);

/* Answers it with what upstream says alone, for an element that holds no frames of a live stream. */
gboolean gst_cbam_latency_pass (GstCbamLatency *latency, GstPad *sink_pad, GstQuery *query);

/* A frame was held so long, up to @now of any clock. The ceiling rises at once, and sinks when ten seconds have shown
 * that it is much too high. Returns TRUE when the answer has changed, so that the pipeline must be told. */
gboolean gst_cbam_latency_observe (GstCbamLatency *latency, GstClockTime held, GstClockTime now);
