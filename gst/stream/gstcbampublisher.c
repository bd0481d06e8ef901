/* From results to metadata, drawings and messages.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbampublisher.h"

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
get_wishes (GstCbamStream *stream)
{
  const GstCbamSettings *settings = &stream->settings;

  GST_OBJECT_LOCK (stream->element);
  const Wishes wishes = {
    .overlay = settings->drawing.overlay,
    .carry = settings->carry,
    .parts =
        (settings->attention ? GST_CBAM_ATTENTION_LEVELS : 0) | (settings->grad_cam ? GST_CBAM_ATTENTION_GRAD_CAM : 0),
    .post_messages = settings->post_messages,
  };
  GST_OBJECT_UNLOCK (stream->element);
  return wishes;
}

static void
negotiate (GstCbamPublisher *self, GstCbamOverlayParts overlay)
{
  GstPad *src_pad = self->stream->src_pad;

  if (gst_cbam_canvas_negotiate (&self->canvas, src_pad, self->caps, overlay != GST_CBAM_OVERLAY_NONE))
    GST_DEBUG_OBJECT (self->stream->element, "drawings are %s", self->canvas.attach ? "attached" : "blended");
}

/* Counts what was found and says it in the log; if nothing was, why. */
static void
account (GstCbamStream *stream, GstBuffer *buffer, const CbamResult *result)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (&stream->engine.sessions);
  const double own = cbam_model_get_info (session->model)->threshold;

  GST_OBJECT_LOCK (stream->element);
  const double threshold = gst_cbam_settings_get_threshold (&stream->settings, own);
  GST_OBJECT_UNLOCK (stream->element);
  gst_cbam_stats_add_result (&stream->stats, result, threshold);
  if (gst_debug_category_get_threshold (gst_cbam_debug) < GST_LEVEL_DEBUG)
    return;
  g_autofree char *explanation = gst_cbam_stats_explain (&stream->stats);
  GST_DEBUG_OBJECT (stream->element, "%" GST_TIME_FORMAT ": %s", GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), explanation);
}

static GstClockTime
get_running_time (GstCbamPublisher *self, GstBuffer *buffer)
{
  if (self->segment.format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

/* How much older the last result is than a frame of that running time; GST_CLOCK_TIME_NONE: nobody knows. */
static GstClockTime
get_age (const GstCbamLast *last, GstClockTime running_time)
{
  if (!GST_CLOCK_TIME_IS_VALID (last->running_time) || !GST_CLOCK_TIME_IS_VALID (running_time) ||
      running_time < last->running_time)
    return GST_CLOCK_TIME_NONE;
  return running_time - last->running_time;
}

/* Metadata and drawings of @result; @last: it is an earlier frame's. */
static GstBuffer *
attach (GstCbamPublisher *self, GstBuffer *buffer, const CbamResult *result, const GstCbamLast *last,
        const Wishes *wishes)
{
  if (cbam_result_get_n_detections (result) == 0 && wishes->parts == 0 && wishes->overlay == GST_CBAM_OVERLAY_NONE)
    return buffer;

  buffer = gst_buffer_make_writable (buffer);
  const guint64 first = gst_cbam_meta_next (buffer);
  gst_cbam_meta_add (buffer, result, &self->info);
  gst_cbam_attention_meta_attach (buffer, result, wishes->parts, GST_VIDEO_INFO_WIDTH (&self->info),
                                  GST_VIDEO_INFO_HEIGHT (&self->info));
  if (last != NULL)
    gst_cbam_meta_mark_age (buffer, first, get_age (last, get_running_time (self, buffer)), last->frames);
  gst_cbam_regions_meta_keep (buffer, first);
  if (wishes->overlay == GST_CBAM_OVERLAY_NONE)
    return buffer;
  g_autoptr (GstCbamScene) scene = gst_cbam_scene_new_from_result (result);
  return gst_cbam_canvas_draw (&self->canvas, self->stream->element, GST_CAT_DEFAULT, &self->stream->settings.drawing,
                               &self->info, buffer, scene, wishes->overlay);
}

static void
set_last (GstCbamPublisher *self, CbamResult *result, GstClockTime running_time)
{
  cbam_result_unref (self->last.result);
  self->last = (GstCbamLast){ result, running_time, 0 };
}

GstBuffer *
gst_cbam_publisher_tell (GstCbamPublisher *self, GstBuffer *buffer, CbamResult *result)
{
  GstCbamStream *stream = self->stream;
  const Wishes wishes = get_wishes (stream);

  negotiate (self, wishes.overlay);
  if (result == NULL) {
    self->last.frames++;
    if (self->last.result == NULL || wishes.carry == GST_CBAM_CARRY_NONE)
      return buffer;
    gst_cbam_stats_count_carried (&stream->stats);
    return attach (self, buffer, self->last.result, &self->last, &wishes);
  }

  account (stream, buffer, result);
  set_last (self, cbam_result_ref (result), get_running_time (self, buffer));
  buffer = attach (self, buffer, result, NULL, &wishes);
  if (wishes.post_messages)
    gst_element_post_message (stream->element, gst_cbam_meta_to_message (GST_OBJECT (stream->element), buffer, result,
                                                                         &self->info, &self->segment));
  return buffer;
}

/* ---- What it knows of the stream ---- */

void
gst_cbam_publisher_set_caps (GstCbamPublisher *self, GstCaps *caps)
{
  gst_caps_replace (&self->caps, caps);
  gst_video_info_from_caps (&self->info, caps);
  set_last (self, NULL, GST_CLOCK_TIME_NONE);
  self->canvas.negotiated = FALSE;
  negotiate (self, get_wishes (self->stream).overlay);
}

void
gst_cbam_publisher_restart (GstCbamPublisher *self)
{
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  set_last (self, NULL, GST_CLOCK_TIME_NONE);
}

void
gst_cbam_publisher_reset (GstCbamPublisher *self)
{
  gst_cbam_publisher_restart (self);
  gst_caps_replace (&self->caps, NULL);
  gst_cbam_canvas_reset (&self->canvas);
}
