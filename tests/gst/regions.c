/* Frames that carry regions and attention made by hand, and what is drawn on them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include <math.h>

static GstVideoInfo
info_of (const char *text)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, caps), "%s", text);
  return info;
}

GstVideoRegionOfInterestMeta *
region_add (GstBuffer *buffer, const char *caps, const char *label, int label_id, double score, double left, double top,
            double right, double bottom)
{
  const GstVideoInfo info = info_of (caps);
  const double width = info.width, height = info.height;
  const int x = (int) lround (left), y = (int) lround (top);
  GstVideoRegionOfInterestMeta *region = gst_buffer_add_video_region_of_interest_meta (
      buffer, label, x, y, (int) lround (right) - x, (int) lround (bottom) - y);

  gst_video_region_of_interest_meta_add_param (
      region, gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, score, "label_id", G_TYPE_INT, label_id,
                                 "x_min", G_TYPE_DOUBLE, left / width, "y_min", G_TYPE_DOUBLE, top / height, "x_max",
                                 G_TYPE_DOUBLE, right / width, "y_max", G_TYPE_DOUBLE, bottom / height, NULL));
  return region;
}

void
map_add (GstBuffer *buffer, const char *caps, const char *field, int width, int height, const float *values)
{
  const GstVideoInfo info = info_of (caps);
  G_GNUC_UNUSED g_autoptr (GstPlugin) plugin = gst_plugin_load_by_name ("cbamdetect"); /* makes the metadata known */
  g_autoptr (GstBuffer) spatial = gst_buffer_new_memdup (values, sizeof (float) * width * height);
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "CbamAttentionMeta");
  if (meta == NULL)
    meta = gst_buffer_add_custom_meta (buffer, "CbamAttentionMeta");
  g_autoptr (GstStructure) map =
      gst_structure_new ("map", "level", G_TYPE_INT, atoi (field + strlen ("level-")), "width", G_TYPE_INT, width,
                         "height", G_TYPE_INT, height, "over-x", G_TYPE_DOUBLE, 0.0, "over-y", G_TYPE_DOUBLE, 0.0,
                         "over-width", G_TYPE_DOUBLE, (double) info.width, "over-height", G_TYPE_DOUBLE,
                         (double) info.height, "spatial", GST_TYPE_BUFFER, spatial, NULL);

  gst_structure_set (gst_custom_meta_get_structure (meta), "frame-width", G_TYPE_INT, info.width, "frame-height",
                     G_TYPE_INT, info.height, field, GST_TYPE_STRUCTURE, map, NULL);
}

GstBuffer *
gray_new (const char *caps)
{
  GstVideoInfo info = info_of (caps);
  g_autoptr (GstBuffer) plain = gst_buffer_new_allocate (NULL, info.size, NULL);
  GstVideoFrame frame;

  fail_unless (gst_video_frame_map (&frame, &info, plain, GST_MAP_WRITE));
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&frame); c++)
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c); y++)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (&frame, c); x++) {
        guint8 *row = GST_VIDEO_FRAME_COMP_DATA (&frame, c) + y * GST_VIDEO_FRAME_COMP_STRIDE (&frame, c);
        row[x * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, c)] = 128;
      }
  gst_video_frame_unmap (&frame);
  return picture_pad (plain, caps, 16);
}

/* One row as 4 bytes a pixel. */
static void
read_row (const GstVideoFrame *frame, int y, guint8 *row)
{
  const GstVideoFormatInfo *format = frame->info.finfo;

  format->unpack_func (format, GST_VIDEO_PACK_FLAG_NONE, row, (gpointer *) frame->data, frame->info.stride, 0, y,
                       GST_VIDEO_FRAME_WIDTH (frame));
}

guint8 *
frame_changes (GstBuffer *a, GstBuffer *b, const char *caps)
{
  GstVideoInfo info = info_of (caps);
  guint8 *changes = g_new0 (guint8, (gsize) info.width * info.height);
  g_autofree guint8 *from = g_malloc (4 * (info.width + 8)), *to = g_malloc (4 * (info.width + 8));
  GstVideoFrame one, other;

  fail_unless (gst_video_frame_map (&one, &info, a, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&other, &info, b, GST_MAP_READ));
  for (int y = 0; y < info.height; y++) {
    read_row (&one, y, from);
    read_row (&other, y, to);
    for (int x = 0; x < info.width; x++)
      for (int c = 1; c < 4; c++) {
        guint8 *change = &changes[(gsize) y * info.width + x];
        *change = MAX (*change, ABS (from[4 * x + c] - to[4 * x + c]));
      }
  }
  gst_video_frame_unmap (&one);
  gst_video_frame_unmap (&other);
  return changes;
}

guint32
pixel_at (GstBuffer *buffer, const char *caps, int x, int y)
{
  GstVideoInfo info = info_of (caps);
  g_autofree guint8 *row = g_malloc (4 * (info.width + 8));
  GstVideoFrame frame;

  fail_unless (GST_VIDEO_INFO_IS_RGB (&info));
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
  read_row (&frame, y, row);
  gst_video_frame_unmap (&frame);
  return (guint32) row[4 * x + 1] << 16 | (guint32) row[4 * x + 2] << 8 | row[4 * x + 3];
}
