/* What was found, told to the elements downstream (metas) and to the application (messages).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbammeta.h"

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

static void
append_detection (GValue *list, const CbamDetection *d)
{
  GstStructure *detection = gst_structure_new (
      "detection", "label", G_TYPE_STRING, d->label, "label-id", G_TYPE_INT, (int) d->class_id, "confidence",
      G_TYPE_DOUBLE, (double) d->score, "x", G_TYPE_DOUBLE, (double) d->x, "y", G_TYPE_DOUBLE, (double) d->y, "width",
      G_TYPE_DOUBLE, (double) d->width, "height", G_TYPE_DOUBLE, (double) d->height, NULL);
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, detection);
  gst_value_list_append_and_take_value (list, &value);
}

GstMessage *
gst_cbam_meta_to_message (GstObject *source, GstBuffer *buffer, const CbamResult *result, const GstVideoInfo *info,
                          const GstSegment *segment)
{
  const guint64 pts = GST_BUFFER_PTS (buffer);
  const gboolean timed = segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (pts);
  const guint64 stream_time = timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE;
  const guint64 running_time =
      timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE;
  const gsize n = cbam_result_get_n_detections (result);

  GValue list = G_VALUE_INIT;
  gst_value_list_init (&list, n);
  for (gsize i = 0; i < n; i++)
    append_detection (&list, cbam_result_get_detection (result, i));

  GstStructure *structure =
      gst_structure_new ("cbam-detections", "timestamp", G_TYPE_UINT64, pts, "stream-time", G_TYPE_UINT64, stream_time,
                         "running-time", G_TYPE_UINT64, running_time, "width", G_TYPE_INT, GST_VIDEO_INFO_WIDTH (info),
                         "height", G_TYPE_INT, GST_VIDEO_INFO_HEIGHT (info), NULL);
  gst_structure_take_value (structure, "detections", &list);
  return gst_message_new_element (source, structure);
}
