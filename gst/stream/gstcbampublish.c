/* From results to metadata, drawings and messages.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbampublish.h"

#include "meta/gstcbamattentionmeta.h"
#include "meta/gstcbammeta.h"
#include "meta/gstcbamregionmeta.h"

#define GST_CAT_DEFAULT gst_cbam_debug

/* What the properties ask of a frame. */
typedef struct
{
  GstCbamOverlayParts overlay;
  GstCbamCarry carry;
  GstCbamAttentionParts parts; /* of CbamAttentionMeta */
  gboolean post_messages;
} Wishes;

static Wishes
get_wishes (GstCbamDetect *self)
{
  const GstCbamSettings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  const Wishes wishes = {
    .overlay = settings->drawing.overlay,
    .carry = settings->carry,
    .parts =
        (settings->attention ? GST_CBAM_ATTENTION_LEVELS : 0) | (settings->grad_cam ? GST_CBAM_ATTENTION_GRAD_CAM : 0),
    .post_messages = settings->post_messages,
  };
  GST_OBJECT_UNLOCK (self);
  return wishes;
}

static void
negotiate (GstCbamDetect *self, GstCbamOverlayParts overlay)
{
  if (gst_cbam_canvas_negotiate (&self->canvas, self->src_pad, self->caps, overlay != GST_CBAM_OVERLAY_NONE))
    GST_DEBUG_OBJECT (self, "drawings are %s", self->canvas.attach ? "attached" : "blended");
}

void
gst_cbam_publish_negotiate (GstCbamDetect *self)
{
  negotiate (self, get_wishes (self).overlay);
}

static void
draw (GstCbamDetect *self, GstBuffer *buffer, const CbamResult *result, GstCbamOverlayParts overlay)
{
  GstElement *element = GST_ELEMENT (self);
  GstCbamPainter *painter =
      gst_cbam_canvas_get_painter (&self->canvas, element, &self->settings.drawing, &self->src_info);
  g_autoptr (GstVideoOverlayComposition) composition = gst_cbam_painter_draw (painter, result, overlay);

  if (composition != NULL)
    gst_cbam_canvas_put (&self->canvas, buffer, &self->src_info, composition);
  gst_cbam_canvas_report (&self->canvas, element, GST_CAT_DEFAULT);
}

/* Counts what was found and says it in the log; if nothing was, why. */
static void
account (GstCbamDetect *self, GstBuffer *buffer, const CbamResult *result)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (self->sessions);
  const double own = cbam_model_get_info (session->model)->threshold;

  GST_OBJECT_LOCK (self);
  const double threshold = gst_cbam_settings_get_threshold (&self->settings, own);
  GST_OBJECT_UNLOCK (self);
  gst_cbam_stats_add_result (&self->stats, result, threshold);
  if (gst_debug_category_get_threshold (gst_cbam_debug) < GST_LEVEL_DEBUG)
    return;
  g_autofree char *explanation = gst_cbam_stats_explain (&self->stats);
  GST_DEBUG_OBJECT (self, "%" GST_TIME_FORMAT ": %s", GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), explanation);
}

static GstClockTime
get_running_time (GstCbamDetect *self, GstBuffer *buffer)
{
  if (self->segment.format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

/* Metadata and drawings of @result; @last: it is an earlier frame's. */
static GstBuffer *
attach (GstCbamDetect *self, GstBuffer *buffer, const CbamResult *result, const GstCbamLast *last, const Wishes *wishes)
{
  if (cbam_result_get_n_detections (result) == 0 && wishes->parts == 0 && wishes->overlay == GST_CBAM_OVERLAY_NONE)
    return buffer;

  buffer = gst_buffer_make_writable (buffer);
  const guint64 first = gst_cbam_next_meta (buffer);
  gst_cbam_meta_add (buffer, result, &self->src_info);
  gst_cbam_attention_meta_attach (buffer, result, wishes->parts, GST_VIDEO_INFO_WIDTH (&self->src_info),
                                  GST_VIDEO_INFO_HEIGHT (&self->src_info));
  if (last != NULL)
    gst_cbam_mark_age (buffer, first, gst_cbam_last_get_age (last, get_running_time (self, buffer)), last->frames);
  gst_cbam_regions_meta_keep (buffer, first);
  if (wishes->overlay != GST_CBAM_OVERLAY_NONE)
    draw (self, buffer, result, wishes->overlay);
  return buffer;
}

GstBuffer *
gst_cbam_publish_frame (GstCbamDetect *self, GstBuffer *buffer, CbamResult *result)
{
  const Wishes wishes = get_wishes (self);

  negotiate (self, wishes.overlay);
  if (result == NULL) {
    self->last.frames++;
    if (self->last.result == NULL || wishes.carry == GST_CBAM_CARRY_NONE)
      return buffer;
    gst_cbam_stats_count_carried (&self->stats);
    return attach (self, buffer, self->last.result, &self->last, &wishes);
  }

  account (self, buffer, result);
  gst_cbam_last_set (&self->last, result, get_running_time (self, buffer));
  buffer = attach (self, buffer, result, NULL, &wishes);
  if (wishes.post_messages)
    gst_element_post_message (GST_ELEMENT (self), gst_cbam_meta_to_message (GST_OBJECT (self), buffer, result,
                                                                            &self->src_info, &self->segment));
  return buffer;
}

void
gst_cbam_publish_reset (GstCbamDetect *self)
{
  gst_cbam_last_clear (&self->last);
}
