/* Images of all formats over bytes that a test has.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>

#define TEST_FORMATS 11

extern const CbamFormat test_all_formats[TEST_FORMATS];

/* An image over @bytes with rows @extra bytes longer than they need be. */
CbamImage test_image_over (const guint8 *bytes, CbamFormat format, guint width, guint height, gsize extra);
