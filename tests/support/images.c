/* Images of all formats over bytes that a test has.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "images.h"

const CbamFormat test_all_formats[TEST_FORMATS] = {
  CBAM_FORMAT_NV12, CBAM_FORMAT_I420, CBAM_FORMAT_YUY2, CBAM_FORMAT_UYVY, CBAM_FORMAT_RGB,   CBAM_FORMAT_BGR,
  CBAM_FORMAT_RGBA, CBAM_FORMAT_BGRA, CBAM_FORMAT_RGBX, CBAM_FORMAT_BGRX, CBAM_FORMAT_GRAY8,
};

CbamImage
test_image_over (const guint8 *bytes, CbamFormat format, guint width, guint height, gsize extra)
{
  const guint half = (width + 1) / 2, half_rows = (height + 1) / 2;
  CbamImage image = { .format = format, .width = width, .height = height };
  gsize rows[3] = { 0 }, row_counts[3] = { height, half_rows, half_rows };

  switch (format) {
    case CBAM_FORMAT_NV12:
      rows[0] = width;
      rows[1] = 2 * half;
      break;
    case CBAM_FORMAT_I420:
      rows[0] = width;
      rows[1] = rows[2] = half;
      break;
    case CBAM_FORMAT_YUY2:
    case CBAM_FORMAT_UYVY: rows[0] = 4 * half; break;
    case CBAM_FORMAT_RGB:
    case CBAM_FORMAT_BGR: rows[0] = 3 * width; break;
    case CBAM_FORMAT_GRAY8: rows[0] = width; break;
    default: rows[0] = 4 * width; break;
  }
  for (guint p = 0; p < 3 && rows[p]; p++) {
    image.planes[p] = bytes;
    image.strides[p] = rows[p] + extra;
    bytes += image.strides[p] * row_counts[p];
  }
  return image;
}
