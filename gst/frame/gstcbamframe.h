/* From GstVideoFrame to CbamImage: formats, strides and colour in the library's words.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>
#include <gst/video/video.h>

/* The formats the library reads, for caps. */
#define GST_CBAM_FORMATS "{ NV12, I420, YUY2, UYVY, RGB, BGR, RGBA, BGRA, RGBx, BGRx, GRAY8 }"

/* Format, size and colour. FALSE: a format the library does not know. */
gboolean gst_cbam_frame_describe (const GstVideoInfo *info, CbamImage *image);

/* A view of a frame mapped for reading; valid while the frame stays mapped, or if it is lasting, while its buffer lives
 * and is nobody's to write. FALSE: a layout the library cannot read. */
gboolean gst_cbam_frame_to_image (const GstVideoFrame *frame, CbamImage *image);
