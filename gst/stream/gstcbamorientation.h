/* GstCbamOrientation: how the frames of a stream must be turned to be upright, by GStreamer's tag `image-orientation`
 * and by the property `video-direction`. The streaming thread's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>
#include <gst/video/video.h>

/* What tags say, by the rules of videoflip: a list of tags replaces the one before of its scope, the stream's own word
 * goes before the global one, and a new stream begins anew. */
typedef struct
{
  char *stream_id;
  GstVideoOrientationMethod of_stream, of_all; /* GST_VIDEO_ORIENTATION_AUTO: not a word */
} GstCbamOrientation;

void gst_cbam_orientation_init (GstCbamOrientation *orientation);

/* Forgets the stream and its tags. */
void gst_cbam_orientation_reset (GstCbamOrientation *orientation);

/* Listens to an event that came from upstream. */
void gst_cbam_orientation_see (GstCbamOrientation *orientation, GstEvent *event);

/* How the next frame that comes through @sink_pad must be turned, if the property says @direction; *@why: who says so.
 *
 * Elements that turn frames leave the tag as it is. Where there is such a one upstream, on the way from the decoder to
 * @sink_pad, frames are upright already. */
CbamOrientation gst_cbam_orientation_get (const GstCbamOrientation *orientation, GstVideoOrientationMethod direction,
                                          GstPad *sink_pad, const char **why);

/* The property `video-direction` of @element can hold one value that means nothing: TRUE: @value is that, and a warning
 * says so. */
gboolean gst_cbam_orientation_is_custom (GstElement *element, const GValue *value);

/* As values of the property are called. */
const char *gst_cbam_orientation_to_string (CbamOrientation orientation);
