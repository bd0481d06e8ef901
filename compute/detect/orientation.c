/* Turning by choosing axes: nothing here multiplies, so that boxes and maps are those of the upright picture.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detect/orientation.h"

static const CbamAxes axes[] = {
  [CBAM_ORIENTATION_IDENTITY] = { FALSE, FALSE, FALSE },
  [CBAM_ORIENTATION_90R] = { .swap = TRUE, .reverse_y = TRUE },
  [CBAM_ORIENTATION_180] = { .reverse_x = TRUE, .reverse_y = TRUE },
  [CBAM_ORIENTATION_90L] = { .swap = TRUE, .reverse_x = TRUE },
  [CBAM_ORIENTATION_HORIZ] = { .reverse_x = TRUE },
  [CBAM_ORIENTATION_VERT] = { .reverse_y = TRUE },
  [CBAM_ORIENTATION_UL_LR] = { .swap = TRUE },
  [CBAM_ORIENTATION_UR_LL] = { .swap = TRUE, .reverse_x = TRUE, .reverse_y = TRUE },
};

const CbamAxes *
cbam_orientation_get_axes (CbamOrientation orientation)
{
  return &axes[orientation];
}

void
cbam_orientation_turn_bounds (CbamOrientation orientation, float width, float height, CbamBounds *bounds)
{
  const CbamAxes *turn = &axes[orientation];
  CbamBounds b = *bounds;

  if (turn->swap)
    b = (CbamBounds){ b.y0, b.x0, b.y1, b.x1 };
  if (turn->reverse_x)
    b = (CbamBounds){ width - b.x1, b.y0, width - b.x0, b.y1 };
  if (turn->reverse_y)
    b = (CbamBounds){ b.x0, height - b.y1, b.x1, height - b.y0 };
  *bounds = b;
}

/* @width, @height: of the stored map. */
static float *
turn_values (const CbamAxes *turn, const float *upright, guint width, guint height)
{
  float *stored = g_new (float, (gsize) width *height);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++) {
      const guint from_x = turn->reverse_x ? width - 1 - x : x, from_y = turn->reverse_y ? height - 1 - y : y;

      stored[y * width + x] = turn->swap ? upright[from_x * height + from_y] : upright[from_y * width + from_x];
    }
  return stored;
}

void
cbam_orientation_turn_map (CbamOrientation orientation, float width, float height, CbamMap *map)
{
  const CbamAxes *turn = &axes[orientation];
  CbamBounds over = { map->x, map->y, map->x + map->frame_width, map->y + map->frame_height };
  float *upright = (float *) map->values;

  if (orientation == CBAM_ORIENTATION_IDENTITY)
    return;
  cbam_orientation_turn_bounds (orientation, width, height, &over);
  *map = (CbamMap){
    .width = turn->swap ? map->height : map->width,
    .height = turn->swap ? map->width : map->height,
    .x = over.x0,
    .y = over.y0,
    .frame_width = turn->swap ? map->frame_height : map->frame_width,
    .frame_height = turn->swap ? map->frame_width : map->frame_height,
  };
  if (upright != NULL)
    map->values = turn_values (turn, upright, map->width, map->height);
  g_free (upright);
}
