/* From the caller's frame to what the device needs of it: where its pixels are, and a filled parameter block.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/detector.h>

#include "args/frame.h"
#include "graph/run_vulkan.h"
#include "model/spec.h"

G_BEGIN_DECLS

/* CBAM_ERROR_BAD_IMAGE unless format, size and colour make sense; with the second, planes and strides too. */
gboolean cbam_image_check_form (const CbamImage *image, GError **error);
gboolean cbam_image_check (const CbamImage *image, GError **error);

/* The part @region of @image as an image of its own, in the same memory, if it has any. *@ret_x, *@ret_y: where its
 * first pixel lies. CBAM_ERROR_BAD_IMAGE when there is nothing of it in the frame. */
gboolean cbam_image_crop (const CbamImage *image, const CbamRegion *region, CbamImage *ret_part, guint *ret_x,
                          guint *ret_y, GError **error);

/* Where a frame's planes lie in what the device reads, all in bytes. */
typedef struct
{
  gsize offsets[3];
  gsize strides[3];
  gsize size;
} CbamPlacement;

/* One plane after the other, without the padding of the image's strides. */
CbamPlacement cbam_image_get_packed (const CbamImage *image);

/* Copies the frame's rows to where cbam_image_get_packed() says. */
void cbam_image_pack (const CbamImage *image, guint8 *out);

/* As the frame lies in the caller's memory, from the page of @alignment bytes on that its first plane begins, which is
 * *@ret_start. FALSE: it does not begin a page, or the planes lie apart. */
gboolean cbam_image_get_in_place (const CbamImage *image, gsize alignment, const guint8 **ret_start,
                                  CbamPlacement *ret_placement);

/* The copies that bring @part, which begins at pixel @x, @y of @frame, to where cbam_image_get_packed() says. Returns
 * how many, or 0 with CBAM_ERROR_BAD_IMAGE for a format whose planes are not made of texels. */
guint cbam_image_get_copies (const CbamVulkanFrame *frame, const CbamImage *part, guint x, guint y,
                             CbamImageCopy copies[3], GError **error);

/* Describes a frame that lies so, and what the network wants of it. */
void cbam_frame_fill (CbamFrameArgs *frame, const CbamImage *image, const CbamPlacement *placement,
                      const CbamSpec *spec, const CbamDetectParams *params);

G_END_DECLS
