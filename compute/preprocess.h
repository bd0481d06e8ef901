/* From the caller's frame to what the device needs of it: tightly copied pixels and a filled parameter block.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/detector.h>

#include "args/frame.h"
#include "model/spec.h"

G_BEGIN_DECLS

/* CBAM_ERROR_BAD_IMAGE unless format, size, planes and strides make sense. */
gboolean cbam_image_check (const CbamImage *image, GError **error);

/* The part @region of @image as an image of its own, in the same memory. *@ret_x, *@ret_y: where its first pixel lies.
 * CBAM_ERROR_BAD_IMAGE when there is nothing of it in the frame. */
gboolean cbam_image_crop (const CbamImage *image, const CbamRegion *region, CbamImage *ret_part, guint *ret_x,
                          guint *ret_y, GError **error);

/* Bytes the frame takes in a slot. */
gsize cbam_image_packed_size (const CbamImage *image);

/* Copies the frame's rows to @out, without the padding of its strides. */
void cbam_image_pack (const CbamImage *image, guint8 *out);

/* Describes a packed frame, and what the network wants of it. */
void cbam_frame_fill (CbamFrameArgs *frame, const CbamImage *image, const CbamSpec *spec,
                      const CbamDetectParams *params);

G_END_DECLS
