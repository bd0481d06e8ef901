/* What downstream offers in its answer to an ALLOCATION query, as far as it may be handed on to upstream. Who asks may
 * leave work undone that downstream offers to do, such as cropping, and tells so in metadata of the frames; but here
 * the frames are looked at and drawn on in between.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/video/video.h>

/* Takes out of the answer what is not understood here, so that upstream does it itself. Pools, allocators and the
 * parameters of what stays are downstream's. */
void gst_cbam_offer_filter (GstQuery *query);

/* A frame may come with such metadata although it was not offered. What it says to crop is then cropped: returns
 * @buffer, or in its place a frame of the size in @info without the metadata. Takes @buffer. What cannot be done is
 * told on the bus by @element, unless @warned, and the frame goes on as it lies in memory. */
GstBuffer *gst_cbam_offer_fulfil (GstBuffer *buffer, const GstVideoInfo *info, GstElement *element, gboolean *warned);
