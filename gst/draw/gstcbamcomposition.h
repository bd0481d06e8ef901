/* How a drawing gets onto the video: attached as metadata where downstream takes it, else blended into the pixels.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

#include "frame/gstcbamframe.h"

/* Caps of frames that can be drawn on, for pad templates. Two ways to spell the composition feature are in use, and
 * GStreamer tells them apart. */
#define GST_CBAM_COMPOSITION_FIELDS                                                                                    \
  ", format = " GST_CBAM_FORMATS ", width = [ 1, 65535 ], height = [ 1, 65535 ], framerate = " GST_VIDEO_FPS_RANGE
#define GST_CBAM_COMPOSITION_CAPS                                                                                      \
  "video/x-raw" GST_CBAM_COMPOSITION_FIELDS "; "                                                                       \
  "video/x-raw(" GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION ")" GST_CBAM_COMPOSITION_FIELDS "; "              \
  "video/x-raw(" GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ", " GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION        \
  ")" GST_CBAM_COMPOSITION_FIELDS

/* Answers a CAPS query: what @pad can do, given what the elements on the side of @other can: frames without the feature
 * of compositions may leave with it. */
void gst_cbam_composition_answer_caps (GstPad *pad, GstPad *other, GstQuery *query);

/* Sends caps for frames of @in_caps from @src_pad, with the feature where downstream takes the metadata and @wanted, or
 * takes nothing else. From the task of the pad. Returns whether drawings are to be attached. */
gboolean gst_cbam_composition_negotiate (GstPad *src_pad, GstCaps *in_caps, gboolean wanted);

/* Adds the drawing to the one the writable @buffer has, or is its first. */
void gst_cbam_composition_attach (GstBuffer *buffer, GstVideoOverlayComposition *composition);

/* Blends into the pixels of the writable @buffer. FALSE: they cannot be mapped. */
gboolean gst_cbam_composition_blend (GstBuffer *buffer, const GstVideoInfo *info,
                                     GstVideoOverlayComposition *composition);
