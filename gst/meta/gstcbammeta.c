/* What was found, told to the elements downstream (metas) and to the application (messages).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbammeta.h"

#include "gstcbamattentionmeta.h"
#include "gstcbamfield.h"
#include "gstcbamregionmeta.h"

#include <math.h>
#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

/* The same detection in the words of GStreamer's own analytics library, which came with 1.24. Returns its number there,
 * which DL Streamer expects to find as the region's, or -1. */
static int
add_analytics (G_GNUC_UNUSED GstBuffer *buffer, G_GNUC_UNUSED const CbamDetection *d,
               G_GNUC_UNUSED const GstVideoRegionOfInterestMeta *region)
{
#ifdef HAVE_GST_ANALYTICS
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  const GQuark label = g_quark_from_string (d->label);
  GstAnalyticsODMtd object;
  GstAnalyticsClsMtd class;

  if (relations == NULL)
    relations = gst_buffer_add_analytics_relation_meta (buffer);
  if (!gst_analytics_relation_meta_add_od_mtd (relations, label, region->x, region->y, region->w, region->h, d->score,
                                               &object))
    return -1;
  if (gst_analytics_relation_meta_add_one_cls_mtd (relations, d->score, label, &class))
    gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, object.id, class.id);
  return object.id;
#else
  return -1;
#endif
}

static void
add_region (GstBuffer *buffer, const CbamDetection *d, const GstVideoInfo *info, GstCbamRegionNumbers *numbers)
{
  const int width = GST_VIDEO_INFO_WIDTH (info), height = GST_VIDEO_INFO_HEIGHT (info);

  /* Rounded edges, at least one pixel, inside the frame. */
  int left = CLAMP ((int) lroundf (d->x), 0, width - 1);
  int top = CLAMP ((int) lroundf (d->y), 0, height - 1);
  int right = CLAMP ((int) lroundf (d->x + d->width), left + 1, width);
  int bottom = CLAMP ((int) lroundf (d->y + d->height), top + 1, height);

  GstVideoRegionOfInterestMeta *meta =
      gst_buffer_add_video_region_of_interest_meta (buffer, d->label, left, top, right - left, bottom - top);
  GstStructure *detection =
      gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, (double) d->score, "label_id", G_TYPE_INT,
                         (int) d->class_id, "x_min", G_TYPE_DOUBLE, (double) d->x / width, "y_min", G_TYPE_DOUBLE,
                         (double) d->y / height, "x_max", G_TYPE_DOUBLE, MIN ((double) (d->x + d->width) / width, 1.0),
                         "y_max", G_TYPE_DOUBLE, MIN ((double) (d->y + d->height) / height, 1.0), NULL);
  const int id = add_analytics (buffer, d, meta);
  meta->id = id >= 0 ? id : gst_cbam_region_numbers_next (numbers, buffer);
  gst_video_region_of_interest_meta_add_param (meta, detection);
}

void
gst_cbam_meta_add (GstBuffer *buffer, const CbamResult *result, const GstVideoInfo *info)
{
  GstCbamRegionNumbers numbers = { 0 };

  for (gsize i = 0; i < cbam_result_get_n_detections (result); i++)
    add_region (buffer, cbam_result_get_detection (result, i), info, &numbers);
  gst_cbam_region_numbers_clear (&numbers);
}

/* GStreamer numbers the metadata of a process from 0 on. */
guint64
gst_cbam_meta_next (GstBuffer *buffer)
{
  gpointer state = NULL;
  guint64 next = 0;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta (buffer, &state)))
    next = MAX (next, gst_meta_get_seqnum (meta) + 1);
  return next;
}

static void
set_age (GstStructure *structure, GstClockTime age, guint frames)
{
  gst_structure_set (structure, "age", G_TYPE_UINT64, age, "frame-age", G_TYPE_UINT, frames, NULL);
}

static void
mark_region (GstVideoRegionOfInterestMeta *region, GstClockTime age, guint frames)
{
  GstStructure *detection = gst_video_region_of_interest_meta_get_param (region, "detection");

  if (detection != NULL)
    set_age (detection, age, frames);
}

void
gst_cbam_meta_mark_age (GstBuffer *buffer, guint64 first, GstClockTime age, guint frames)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta (buffer, &state))) {
    if (gst_meta_get_seqnum (meta) < first)
      continue;
    if (meta->info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
      mark_region ((GstVideoRegionOfInterestMeta *) meta, age, frames);
    else if (gst_meta_info_is_custom (meta->info) &&
             gst_custom_meta_has_name ((GstCustomMeta *) meta, GST_CBAM_ATTENTION_META_NAME))
      set_age (gst_custom_meta_get_structure ((GstCustomMeta *) meta), age, frames);
  }
}

static GstStructure *
detection_to_structure (const CbamDetection *d)
{
  return gst_structure_new ("detection", "label", G_TYPE_STRING, d->label, "label-id", G_TYPE_INT, (int) d->class_id,
                            "confidence", G_TYPE_DOUBLE, (double) d->score, "x", G_TYPE_DOUBLE, (double) d->x, "y",
                            G_TYPE_DOUBLE, (double) d->y, "width", G_TYPE_DOUBLE, (double) d->width, "height",
                            G_TYPE_DOUBLE, (double) d->height, NULL);
}

GstStructure *
gst_cbam_meta_describe_frame (const char *name, GstBuffer *buffer, const GstVideoInfo *info, const GstSegment *segment)
{
  const guint64 pts = GST_BUFFER_PTS (buffer);
  const gboolean timed = segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (pts);
  const guint64 stream_time = timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE;
  const guint64 running_time =
      timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE;

  return gst_structure_new (name, "timestamp", G_TYPE_UINT64, pts, "stream-time", G_TYPE_UINT64, stream_time,
                            "running-time", G_TYPE_UINT64, running_time, "width", G_TYPE_INT,
                            GST_VIDEO_INFO_WIDTH (info), "height", G_TYPE_INT, GST_VIDEO_INFO_HEIGHT (info), NULL);
}

GstMessage *
gst_cbam_meta_to_message (GstObject *source, GstBuffer *buffer, const CbamResult *result, const GstVideoInfo *info,
                          const GstSegment *segment)
{
  GstStructure *structure = gst_cbam_meta_describe_frame ("cbam-detections", buffer, info, segment);
  const gsize n = cbam_result_get_n_detections (result);

  GValue list = G_VALUE_INIT;
  gst_value_list_init (&list, n);
  for (gsize i = 0; i < n; i++)
    gst_cbam_field_append (&list, detection_to_structure (cbam_result_get_detection (result, i)));
  gst_structure_take_value (structure, "detections", &list);
  return gst_message_new_element (source, structure);
}
