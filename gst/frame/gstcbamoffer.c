/* What downstream offers in its answer to an ALLOCATION query, as far as it may be handed on to upstream.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamoffer.h"

/* ---- What is understood ---- */

/* By the names of their types, some of which older GStreamers do not have. What is not here is not handed on. */
static const struct
{
  const char *api;
  gboolean understood;
} offers[] = {
  { "GstVideoMetaAPI", TRUE },                   /* strides and offsets: every frame's own are read */
  { "GstVideoOverlayCompositionMetaAPI", TRUE }, /* a drawing beside the pixels, to which ours is added */
  { "GstVideoRegionOfInterestMetaAPI", TRUE },   /* regions of others, which stand beside ours */
  { "GstVideoCropMetaAPI", FALSE },              /* pixels that must not be seen are still there */
  { "GstVideoAffineTransformationAPI", FALSE },  /* the picture is still turned, or mirrored */
  { "GstVideoGLTextureUploadMetaAPI", FALSE },   /* the pixels are in no memory that can be read, or drawn on */
  { "GstVideoCodecAlphaMetaAPI", FALSE },        /* a part of the picture is in another buffer */
  /* What is told about a frame and changes nothing in it. */
  { "GstReferenceTimestampMetaAPI", TRUE },
  { "GstVideoAFDMetaAPI", TRUE },
  { "GstVideoBarMetaAPI", TRUE },
  { "GstVideoCaptionMetaAPI", TRUE },
  { "GstVideoSEIUserDataUnregisteredMetaAPI", TRUE },
  { "GstVideoTimeCodeMetaAPI", TRUE },
};

/* Whether frames with that metadata are read as they are meant. */
static gboolean
is_understood (GType api)
{
  for (gsize i = 0; i < G_N_ELEMENTS (offers); i++)
    if (g_str_equal (offers[i].api, g_type_name (api)))
      return offers[i].understood;
  return FALSE;
}

void
gst_cbam_offer_filter (GstQuery *query)
{
  for (guint i = gst_query_get_n_allocation_metas (query); i-- > 0;)
    if (!is_understood (gst_query_parse_nth_allocation_meta (query, i, NULL)))
      gst_query_remove_nth_allocation_meta (query, i);
}

/* ---- What comes all the same ---- */

/* Sample by sample, because those of packed formats lie between each other. An odd place is that of whole chroma
 * samples, as GStreamer's videocrop has it. */
static void
copy_component (GstVideoFrame *to, const GstVideoFrame *from, guint c, guint x, guint y)
{
  const GstVideoFormatInfo *format = from->info.finfo;
  const int step = GST_VIDEO_FRAME_COMP_PSTRIDE (from, c);
  const int width = GST_VIDEO_FRAME_COMP_WIDTH (to, c), height = GST_VIDEO_FRAME_COMP_HEIGHT (to, c);
  const gsize column = x >> GST_VIDEO_FORMAT_INFO_W_SUB (format, c), row = y >> GST_VIDEO_FORMAT_INFO_H_SUB (format, c);

  for (int i = 0; i < height; i++) {
    const guint8 *source = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (from, c) +
                           (gssize) (row + i) * GST_VIDEO_FRAME_COMP_STRIDE (from, c) + column * step;
    guint8 *target = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (to, c) + (gssize) i * GST_VIDEO_FRAME_COMP_STRIDE (to, c);
    for (int j = 0; j < width; j++)
      target[j * step] = source[j * step];
  }
}

static GstBuffer *
copy_pixels (const GstVideoFrame *from, const GstVideoInfo *info, guint x, guint y)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstVideoFrame to;

  gst_buffer_memset (buffer, 0, 255, GST_VIDEO_INFO_SIZE (info)); /* what lies between samples and rows */
  gst_video_frame_map (&to, info, buffer, GST_MAP_WRITE);         /* its own memory, of that very size */
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&to); c++)
    copy_component (&to, from, c, x, y);
  gst_video_frame_unmap (&to);
  return buffer;
}

/* What says where something is, or in which memory, was said of the whole frame. */
static gboolean
copy_meta (GstBuffer *from, GstMeta **meta, gpointer to)
{
  static const char *const tags[] = { GST_META_TAG_MEMORY_STR, GST_META_TAG_MEMORY_REFERENCE_STR,
                                      GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_ORIENTATION_STR };
  const GstMetaInfo *info = (*meta)->info;
  GstMetaTransformCopy all = { FALSE, 0, (gsize) -1 };

  for (gsize i = 0; i < G_N_ELEMENTS (tags); i++)
    if (gst_meta_api_type_has_tag (info->api, g_quark_from_static_string (tags[i])))
      return TRUE;
  if (info->transform_func != NULL)
    info->transform_func (to, *meta, from, _gst_meta_transform_copy, &all);
  return TRUE;
}

/* Whether the caps are about what @meta shows, and @frame has it. */
static gboolean
check_crop (const GstVideoCropMeta *meta, const GstVideoFrame *frame, const GstVideoInfo *info, GError **error)
{
  const guint64 width = GST_VIDEO_FRAME_WIDTH (frame), height = GST_VIDEO_FRAME_HEIGHT (frame);

  if (meta->width == (guint) GST_VIDEO_INFO_WIDTH (info) && meta->height == (guint) GST_VIDEO_INFO_HEIGHT (info) &&
      (guint64) meta->x + meta->width <= width && (guint64) meta->y + meta->height <= height &&
      GST_VIDEO_FRAME_FORMAT (frame) == GST_VIDEO_INFO_FORMAT (info))
    return TRUE;
  g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
               "A frame's GstVideoCropMeta is not applied: expected a part of %dx%d pixels, as the caps say, inside of "
               "the %" G_GUINT64_FORMAT "x%" G_GUINT64_FORMAT " in memory; found %ux%u at %u,%u.",
               GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), width, height, meta->width, meta->height,
               meta->x, meta->y);
  return FALSE;
}

/* The visible part as a frame of its own, which is what the caps are about; or NULL. */
static GstBuffer *
crop (GstBuffer *buffer, const GstVideoCropMeta *meta, const GstVideoInfo *info, GError **error)
{
  GstBuffer *cropped = NULL;
  GstVideoFrame frame;

  if (!gst_video_frame_map (&frame, info, buffer, GST_MAP_READ)) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                         "A frame's GstVideoCropMeta is not applied: the frame is in no memory that can be read.");
    return NULL;
  }
  if (check_crop (meta, &frame, info, error))
    cropped = copy_pixels (&frame, info, meta->x, meta->y);
  gst_video_frame_unmap (&frame);
  if (cropped == NULL)
    return NULL;
  gst_buffer_copy_into (cropped, buffer, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_buffer_foreach_meta (buffer, copy_meta, cropped);
  return cropped;
}

static gboolean
shows_all (const GstVideoCropMeta *meta, GstBuffer *buffer, const GstVideoInfo *info)
{
  const GstVideoMeta *frame = gst_buffer_get_video_meta (buffer);
  const guint width = frame != NULL ? frame->width : (guint) GST_VIDEO_INFO_WIDTH (info);
  const guint height = frame != NULL ? frame->height : (guint) GST_VIDEO_INFO_HEIGHT (info);

  return meta->x == 0 && meta->y == 0 && meta->width == width && meta->height == height;
}

static void
warn_once (GstElement *element, const char *text, gboolean *warned)
{
  if (*warned)
    return;
  *warned = TRUE;
  GST_ELEMENT_WARNING (element, STREAM, FORMAT, ("%s", text),
                       ("Such metadata was not asked for; frames are read as they lie in memory."));
}

GstBuffer *
gst_cbam_offer_fulfil (GstBuffer *buffer, const GstVideoInfo *info, GstElement *element, gboolean *warned)
{
  const GstVideoCropMeta *meta = gst_buffer_get_video_crop_meta (buffer);
  g_autoptr (GError) error = NULL;

  if (gst_buffer_get_meta (buffer, GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE) != NULL)
    warn_once (element, "A frame's GstVideoAffineTransformationMeta is not applied: expected an upright picture.",
               warned);
  if (meta == NULL || shows_all (meta, buffer, info))
    return buffer;

  GstBuffer *cropped = crop (buffer, meta, info, &error);
  if (cropped == NULL) {
    warn_once (element, error->message, warned);
    return buffer;
  }
  gst_buffer_unref (buffer);
  return cropped;
}
