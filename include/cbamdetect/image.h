/* CbamImage: one frame of pixels in the caller's memory.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

G_BEGIN_DECLS

/**
 * CbamFormat:
 *
 * Pixel layouts, named as GStreamer's video formats are.
 */
typedef enum
{
  CBAM_FORMAT_UNKNOWN,
  CBAM_FORMAT_NV12,
  CBAM_FORMAT_I420,
  CBAM_FORMAT_YUY2,
  CBAM_FORMAT_UYVY,
  CBAM_FORMAT_RGB,
  CBAM_FORMAT_BGR,
  CBAM_FORMAT_RGBA,
  CBAM_FORMAT_BGRA,
  CBAM_FORMAT_RGBX,
  CBAM_FORMAT_BGRX,
  CBAM_FORMAT_GRAY8,
} CbamFormat;

/**
 * CbamMatrix:
 *
 * How Y'CbCr becomes R'G'B' (the luma coefficients Kr and Kb of the standard named). Ignored for RGB and gray frames.
 */
typedef enum
{
  CBAM_MATRIX_BT601,
  CBAM_MATRIX_BT709,
  CBAM_MATRIX_BT2020,
  CBAM_MATRIX_FCC,
  CBAM_MATRIX_SMPTE240M,
} CbamMatrix;

/**
 * CbamRange:
 * @CBAM_RANGE_DEFAULT: limited for Y'CbCr, full for RGB and gray
 * @CBAM_RANGE_LIMITED: luma 16..235, chroma 16..240, RGB and gray 16..235
 * @CBAM_RANGE_FULL: 0..255
 */
typedef enum
{
  CBAM_RANGE_DEFAULT,
  CBAM_RANGE_LIMITED,
  CBAM_RANGE_FULL,
} CbamRange;

/**
 * CbamChroma:
 * @CBAM_CHROMA_LEFT: chroma samples sit on the left luma column, between two rows (MPEG-2, the usual video)
 * @CBAM_CHROMA_CENTER: in the middle of their luma samples (JPEG, MPEG-1)
 * @CBAM_CHROMA_TOP_LEFT: on the top left luma sample (UHD)
 *
 * Where a subsampled chroma sample lies. Axes that are not subsampled ignore it.
 */
typedef enum
{
  CBAM_CHROMA_LEFT,
  CBAM_CHROMA_CENTER,
  CBAM_CHROMA_TOP_LEFT,
} CbamChroma;

/**
 * CbamOrientation:
 * @CBAM_ORIENTATION_IDENTITY: not at all, the stored pixels are upright
 * @CBAM_ORIENTATION_90R: by 90 degrees, clockwise
 * @CBAM_ORIENTATION_180: by 180 degrees
 * @CBAM_ORIENTATION_90L: by 90 degrees, counterclockwise
 * @CBAM_ORIENTATION_HORIZ: mirrored, left becomes right
 * @CBAM_ORIENTATION_VERT: mirrored, top becomes bottom
 * @CBAM_ORIENTATION_UL_LR: mirrored across the diagonal from the upper left to the lower right corner
 * @CBAM_ORIENTATION_UR_LL: mirrored across the diagonal from the upper right to the lower left corner
 *
 * How the stored pixels must be turned or mirrored to be upright; names, order and meaning are those of GStreamer's
 * GstVideoOrientationMethod.
 */
typedef enum
{
  CBAM_ORIENTATION_IDENTITY,
  CBAM_ORIENTATION_90R,
  CBAM_ORIENTATION_180,
  CBAM_ORIENTATION_90L,
  CBAM_ORIENTATION_HORIZ,
  CBAM_ORIENTATION_VERT,
  CBAM_ORIENTATION_UL_LR,
  CBAM_ORIENTATION_UR_LL,
} CbamOrientation;

/**
 * CbamImage:
 * @size: `sizeof (CbamImage)`; 0 = the members of version 0.1, which are these
 * @format: the pixel layout
 * @width: in pixels, 1..65535; odd is fine
 * @height: in pixels, 1..65535
 * @planes: first byte of each plane (NV12: Y, CbCr; I420: Y, Cb, Cr; others one)
 * @strides: bytes from one row to the next, 0 = tightly packed rows
 * @matrix: colour matrix of Y'CbCr
 * @range: value range
 * @chroma: siting of subsampled chroma
 * @orientation: how the pixels must be turned to be upright. The network looks at the upright picture; size, regions
 *   and all that a result says stay in pixels of the frame as it is stored
 * @lasting: the pixels stay where and as they are until the result is collected, or for good where that fails because
 *   the device hangs (cbam_device_is_hung()), so that a device which can read them there need not get a copy: one that
 *   shares memory with the host and knows VK_EXT_external_memory_host, when the first plane starts on a page and the
 *   others follow it. Nothing else changes
 * @bytes: (nullable): the pixels, for those who have no addresses: where @planes are %NULL, plane 0 begins with it and
 *   each other one behind the last row of the one before
 *
 * A frame to look at; the caller keeps the memory, which is only read, and only during cbam_detector_submit() unless it
 * is @lasting.
 */
typedef struct
{
  gsize size;
  CbamFormat format;
  guint width, height;
  const guint8 *planes[3];
  gsize strides[3];
  CbamMatrix matrix;
  CbamRange range;
  CbamChroma chroma;
  CbamOrientation orientation;
  gboolean lasting;
  GBytes *bytes;
} CbamImage;

#define CBAM_TYPE_IMAGE (cbam_image_get_type ())
CBAM_API GType cbam_image_get_type (void) G_GNUC_CONST;

/**
 * cbam_image_new: (constructor)
 * @format: the pixel layout
 * @width: in pixels
 * @height: in pixels
 * @stride: bytes from one row of the first plane to the next; 0 = tightly packed rows
 * @bytes: the pixels; the image keeps it
 *
 * An image for bindings; in C one is filled in. It is checked when it is submitted.
 *
 * Returns: (transfer full): the image, to be freed with cbam_image_free()
 */
CBAM_API CbamImage *cbam_image_new (CbamFormat format, guint width, guint height, gsize stride, GBytes *bytes);

/**
 * cbam_image_copy:
 * @image: an image
 *
 * Returns: (transfer full): the same pixels, whose memory stays the caller's unless they are in @bytes; to be freed
 * with cbam_image_free()
 */
CBAM_API CbamImage *cbam_image_copy (const CbamImage *image);
/**
 * cbam_image_free:
 * @image: (nullable): an image
 *
 * Frees what cbam_image_new() or cbam_image_copy() gave.
 */
CBAM_API void cbam_image_free (CbamImage *image);

G_END_DECLS
