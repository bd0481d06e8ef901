/* Blends a small picture, stretched over the whole of it, into a frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

/* @pixels has a GstVideoMeta of GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, colours multiplied by alpha. The alpha of
 * @frame, where it has one, stays as it is. */
void gst_cbam_stretch_blend (GstVideoFrame *frame, GstBuffer *pixels);
