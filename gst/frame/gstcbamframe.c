/* GStreamer's description of a frame in the library's words.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamframe.h"

static const struct
{
  GstVideoFormat gst;
  CbamFormat cbam;
} formats[] = {
  { GST_VIDEO_FORMAT_NV12, CBAM_FORMAT_NV12 },   { GST_VIDEO_FORMAT_I420, CBAM_FORMAT_I420 },
  { GST_VIDEO_FORMAT_YUY2, CBAM_FORMAT_YUY2 },   { GST_VIDEO_FORMAT_UYVY, CBAM_FORMAT_UYVY },
  { GST_VIDEO_FORMAT_RGB, CBAM_FORMAT_RGB },     { GST_VIDEO_FORMAT_BGR, CBAM_FORMAT_BGR },
  { GST_VIDEO_FORMAT_RGBA, CBAM_FORMAT_RGBA },   { GST_VIDEO_FORMAT_BGRA, CBAM_FORMAT_BGRA },
  { GST_VIDEO_FORMAT_RGBx, CBAM_FORMAT_RGBX },   { GST_VIDEO_FORMAT_BGRx, CBAM_FORMAT_BGRX },
  { GST_VIDEO_FORMAT_GRAY8, CBAM_FORMAT_GRAY8 },
};

static CbamFormat
format_of (GstVideoFormat format)
{
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].gst == format)
      return formats[i].cbam;
  return CBAM_FORMAT_UNKNOWN;
}

static CbamMatrix
matrix_of (GstVideoColorMatrix matrix)
{
  switch (matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709: return CBAM_MATRIX_BT709;
    case GST_VIDEO_COLOR_MATRIX_BT2020: return CBAM_MATRIX_BT2020;
    case GST_VIDEO_COLOR_MATRIX_FCC: return CBAM_MATRIX_FCC;
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M: return CBAM_MATRIX_SMPTE240M;
    default: return CBAM_MATRIX_BT601;
  }
}

static CbamRange
range_of (GstVideoColorRange range)
{
  switch (range) {
    case GST_VIDEO_COLOR_RANGE_0_255: return CBAM_RANGE_FULL;
    case GST_VIDEO_COLOR_RANGE_16_235: return CBAM_RANGE_LIMITED;
    default: return CBAM_RANGE_DEFAULT;
  }
}

static CbamChroma
chroma_of (GstVideoChromaSite site)
{
  if (site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return CBAM_CHROMA_LEFT;
  if (!(site & GST_VIDEO_CHROMA_SITE_H_COSITED))
    return CBAM_CHROMA_CENTER;
  return site & GST_VIDEO_CHROMA_SITE_V_COSITED ? CBAM_CHROMA_TOP_LEFT : CBAM_CHROMA_LEFT;
}

gboolean
gst_cbam_frame_describe (const GstVideoInfo *info, CbamImage *image)
{
  *image = (CbamImage){
    .format = format_of (GST_VIDEO_INFO_FORMAT (info)),
    .width = GST_VIDEO_INFO_WIDTH (info),
    .height = GST_VIDEO_INFO_HEIGHT (info),
    .matrix = matrix_of (info->colorimetry.matrix),
    .range = range_of (info->colorimetry.range),
    .chroma = chroma_of (info->chroma_site),
  };
  return image->format != CBAM_FORMAT_UNKNOWN;
}

/* Whether the pixels stay where they are while the buffer lives, mapped or not, and nobody can write into them. */
static gboolean
is_lasting (GstBuffer *buffer)
{
  return gst_buffer_n_memory (buffer) == 1 &&
         gst_memory_is_type (gst_buffer_peek_memory (buffer, 0), GST_ALLOCATOR_SYSMEM);
}

gboolean
gst_cbam_frame_to_image (const GstVideoFrame *frame, CbamImage *image)
{
  if (!gst_cbam_frame_describe (&frame->info, image))
    return FALSE;
  image->lasting = is_lasting (frame->buffer);

  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++) {
    if (GST_VIDEO_FRAME_PLANE_STRIDE (frame, i) <= 0)
      return FALSE; /* bottom-up frames have negative strides */
    image->planes[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    image->strides[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }
  return TRUE;
}
