/* GstCbamDetect: the element `cbamdetect`. gstcbamsettings.c has its properties, gstcbamdetect.c its states,
 * gstcbamstream.c its pads, gstcbampublish.c what it tells about a frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/video/video.h>

#include "draw/gstcbamcanvas.h"
#include "frame/gstcbamvulkan.h"
#include "stream/gstcbamcarry.h"
#include "stream/gstcbamcollector.h"
#include "stream/gstcbamfifo.h"
#include "stream/gstcbamlatency.h"
#include "stream/gstcbamorientation.h"
#include "stream/gstcbamqos.h"
#include "stream/gstcbamsettings.h"
#include "stream/gstcbamstats.h"
#include "stream/gstcbamswitch.h"

G_BEGIN_DECLS

#define GST_TYPE_CBAM_DETECT (gst_cbam_detect_get_type ())
G_DECLARE_FINAL_TYPE (GstCbamDetect, gst_cbam_detect, GST, CBAM_DETECT, GstElement)

GST_DEBUG_CATEGORY_EXTERN (gst_cbam_debug);
GST_ELEMENT_REGISTER_DECLARE (cbamdetect)

struct _GstCbamDetect
{
  GstElement parent;

  GstPad *sink_pad, *src_pad;
  GstCbamSettings settings; /* under the object lock */
  GstCbamSwitch *sessions;  /* PAUSED and up. Submit: streaming thread; collect: collector */

  /* Made and freed by state changes, while no data flows. */
  CbamDevice *device; /* READY and up; what the property names, wherever frames come from */
  guint slots;

  GstCbamFifo *fifo;
  GstCbamCollector *collector;
  GstCbamLatency latency;
  GstCbamQos qos;
  GstCbamStats stats;
  GMutex activation; /* orders starting and stopping of the task */
  gboolean active;   /* under it: the source pad pushes */
  int error_posted;  /* atomic: one error per start or flush */

  /* The streaming thread's. */
  GstVideoInfo sink_info;
  gboolean sink_has_caps;
  gboolean introduced; /* the line in the log that says what runs on what */
  GstSegment sink_segment;
  GstCbamOrientation orientation;
  guint until_next;          /* frames that go on without inference before the next one is due */
  GstClockTime last_submit;  /* running time of the frame inferred last, or GST_CLOCK_TIME_NONE */
  gboolean warned_of_region; /* that it lies outside of the frames */
  gboolean warned_of_meta;   /* that metadata is not followed */
  GstCbamVulkan vulkan;      /* where frames come from that are no system memory */

  /* The task's. */
  GstCaps *caps; /* of the frames that are popped */
  GstVideoInfo src_info;
  GstSegment segment;
  GstFlowReturn flow; /* what downstream returned last; frames are dropped unless GST_FLOW_OK */
  GstCbamCanvas canvas;
  GstCbamLast last;
};

/* Posts @error on the bus as what stops the stream, unless that has happened already. */
void gst_cbam_detect_post_error (GstCbamDetect *self, const GError *error);

G_END_DECLS
