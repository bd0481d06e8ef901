/* Detections of an earlier frame, and the mark that says how old they are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamcarry.h"

#include <gst/video/video.h>

#include "meta/gstcbamattentionmeta.h"

void
gst_cbam_last_set (GstCbamLast *last, CbamResult *result, GstClockTime running_time)
{
  cbam_result_ref (result);
  gst_cbam_last_clear (last);
  *last = (GstCbamLast){ result, running_time, 0 };
}

void
gst_cbam_last_clear (GstCbamLast *last)
{
  cbam_result_unref (last->result);
  *last = (GstCbamLast){ NULL, GST_CLOCK_TIME_NONE, 0 };
}

GstClockTime
gst_cbam_last_get_age (const GstCbamLast *last, GstClockTime running_time)
{
  if (!GST_CLOCK_TIME_IS_VALID (last->running_time) || !GST_CLOCK_TIME_IS_VALID (running_time) ||
      running_time < last->running_time)
    return GST_CLOCK_TIME_NONE;
  return running_time - last->running_time;
}

/* GStreamer numbers the metadata of a process from 0 on. */
guint64
gst_cbam_next_meta (GstBuffer *buffer)
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
gst_cbam_mark_age (GstBuffer *buffer, guint64 first, GstClockTime age, guint frames)
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
