/* From the caller's frame to what the device needs of it: where its pixels are, and a filled parameter block.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/detector.h>

#include "args/frame.h"
#include "file/spec.h"
#include "run/vulkan/program.h"

/* CBAM_ERROR_BAD_IMAGE unless format, size and colour make sense; with the second, planes and strides too. */
gboolean cbam_image_check_form (const CbamImage *image, GError **error);
gboolean cbam_image_check (const CbamImage *image, GError **error);

/* Where the pixels are in bytes, finds the planes in them. CBAM_ERROR_BAD_IMAGE when they are too few. */
gboolean cbam_image_take_bytes (CbamImage *image, GError **error);

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

/* Where the planes lie in the caller's own memory, counted from *@ret_start, where the first one begins; the size is in
 * whole pages of @alignment bytes. FALSE: the first plane does not begin a page, or the planes lie apart. */
gboolean cbam_image_get_in_place (const CbamImage *image, gsize alignment, const guint8 **ret_start,
                                  CbamPlacement *ret_placement);

/* Where component 0, 1 or 2 of the upright picture's first pixel lies, and how many bytes it is, forward or back, to
 * the picture's next row and next sample. */
const guint8 *cbam_image_get_component (const CbamImage *image, guint component, gssize *ret_row, gssize *ret_step);

/* What to copy so that @part, which begins at pixel @x, @y of @planes, lies as @placement says: one of @copies for each
 * plane, and its regions in @regions. With @thinned only the lines that it keeps. Returns how many planes, or 0 with
 * CBAM_ERROR_BAD_IMAGE for a format whose planes are not made of texels. */
guint cbam_image_get_copies (const CbamVulkanPlane planes[3], const CbamImage *part, guint x, guint y,
                             const CbamPlacement *placement, const CbamFrameArgs *thinned, CbamImageCopy copies[3],
                             GArray *regions, GError **error);

/* Leaves out lines of @part, whose planes are images, until it takes at most @limit bytes, plane after plane, and says
 * so in @frame, which has been filled for it. FALSE: what is sampled takes more; *@ret_placement has how much. */
gboolean cbam_image_thin (const CbamImage *part, const CbamInputSpec *input, gsize limit, CbamFrameArgs *frame,
                          CbamPlacement *ret_placement);

/* Describes a frame that lies so, and what the network wants of it. */
void cbam_frame_fill (CbamFrameArgs *frame, const CbamImage *image, const CbamPlacement *placement,
                      const CbamInputSpec *input, const CbamOutputSpec *output, const CbamDetectParams *params);
