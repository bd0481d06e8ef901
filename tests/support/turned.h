/* Turned pictures, pixel by pixel: the slow, obvious way, in the words of GStreamer's videoflip.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>

#define TURNED_FIRST CBAM_ORIENTATION_IDENTITY
#define TURNED_LAST CBAM_ORIENTATION_UR_LL

/* Whether the upright picture is as wide as the stored one is high. */
gboolean turned_swaps (CbamOrientation orientation);

/* Which pixel of the @width x @height stored picture is pixel @u, @v of the upright one. */
void turned_find (CbamOrientation orientation, guint width, guint height, guint u, guint v, guint *x, guint *y);

/* Makes the upright picture of a stored plane with @bytes a pixel and @stride bytes a row; rows of @upright are tight.
 */
void turned_upright (CbamOrientation orientation, const guint8 *stored, guint width, guint height, gsize stride,
                     guint bytes, guint8 *upright);

/* The rectangle @upright, x, y, width and height, of the upright picture in the @width x @height stored one. */
void turned_rectangle (CbamOrientation orientation, double width, double height, const double upright[4],
                       double stored[4]);
