/* GstCbamDetect: the element `cbamdetect`. gstcbamdetect.c has its properties and states, gstcbamstream.c its pads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/video/video.h>

#include "gstcbamdraw.h"
#include "gstcbamfifo.h"
#include "gstcbamlatency.h"

G_BEGIN_DECLS

#define GST_TYPE_CBAM_DETECT (gst_cbam_detect_get_type ())
G_DECLARE_FINAL_TYPE (GstCbamDetect, gst_cbam_detect, GST, CBAM_DETECT, GstElement)

GST_DEBUG_CATEGORY_EXTERN (gst_cbam_debug);
GST_ELEMENT_REGISTER_DECLARE (cbamdetect)

/* The properties. */
typedef struct
{
  char *model;
  char *device;
  double threshold;   /* < 0: the model's own */
  double nms_iou;     /* < 0: the model's own */
  int max_detections; /* < 0: the model's own; 0: all */
  guint queue_depth;
  GstCbamOverlay overlay;
  gboolean post_messages;
} GstCbamSettings;

struct _GstCbamDetect
{
  GstElement parent;

  GstPad *sink_pad, *src_pad;
  GstCbamSettings settings; /* under the object lock */

  /* Made and freed by state changes, while no data flows. */
  CbamDevice *device;     /* READY and up */
  CbamModel *model;       /* PAUSED and up, as is the rest */
  CbamDetector *detector; /* submit: streaming thread; collect: task */
  guint slots;

  GstCbamFifo *fifo;
  GstCbamLatency latency;
  GMutex activation; /* orders starting and stopping of the task */
  gboolean active;   /* under it: the source pad pushes */
  int error_posted;  /* atomic: one error per start or flush */

  /* The streaming thread's. */
  GstVideoInfo sink_info;
  gboolean sink_has_caps;
  guint64 n_frames, n_passed; /* how many came in, how many of them went on without inference */

  /* The task's. */
  GstCaps *caps; /* of the frames that are popped */
  GstVideoInfo src_info;
  GstSegment segment;
  GstFlowReturn flow; /* what downstream returned last; frames are dropped unless GST_FLOW_OK */
  gboolean negotiated;
  GstCbamOverlay overlay; /* what the negotiation was for */
  gboolean attach;        /* drawings are attached, not blended */
  gboolean warned;        /* that frames cannot be drawn on */
  GstCbamPainter *painter;
};

/* What to ask of the library now: the model's own numbers, overridden by properties. */
CbamDetectParams gst_cbam_detect_get_params (GstCbamDetect *self);

/* Posts @error on the bus as what stops the stream, unless that has happened already. */
void gst_cbam_detect_post_error (GstCbamDetect *self, const GError *error);

G_END_DECLS
