/* The eight ways in which stored pixels are turned or mirrored to be upright, and the way back for what was found in
 * the upright picture.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/image.h>
#include <cbamdetect/result.h>

/* From the upright picture to the stored one: x and y change places, or not; then either may count from the far edge.
 */
typedef struct
{
  gboolean swap, reverse_x, reverse_y;
} CbamAxes;

const CbamAxes *cbam_orientation_get_axes (CbamOrientation orientation);

/* Edges of a rectangle. */
typedef struct
{
  float x0, y0, x1, y1;
} CbamBounds;

/* From the upright picture to the stored one, which is @width x @height. */
void cbam_orientation_turn_bounds (CbamOrientation orientation, float width, float height, CbamBounds *bounds);

/* The same for a map and where it lies. Its values, which must be its own, are put in the place of others. */
void cbam_orientation_turn_map (CbamOrientation orientation, float width, float height, CbamMap *map);
