/* CbamDrawingPlates: where labels stand, beside their boxes and off each other.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plates.h"

#include <math.h>

/* How far around is searched: in heights and in half widths of the label. */
#define ROWS 5
#define COLUMNS 4

typedef cairo_rectangle_t Rect;

CbamDrawingPlates *
cbam_drawing_plates_new (double width, double height)
{
  CbamDrawingPlates *plates = g_new (CbamDrawingPlates, 1);

  *plates = (CbamDrawingPlates){ width, height, g_array_new (FALSE, FALSE, sizeof (Rect)) };
  return plates;
}

void
cbam_drawing_plates_free (CbamDrawingPlates *plates)
{
  if (plates == NULL)
    return;
  g_array_unref (plates->placed);
  g_free (plates);
}

void
cbam_drawing_plates_take (CbamDrawingPlates *plates, const Rect *place)
{
  g_array_append_val (plates->placed, *place);
}

static gboolean
is_free (const CbamDrawingPlates *plates, const Rect *plate)
{
  if (plate->x < 0 || plate->y < 0 || plate->x + plate->width > plates->width ||
      plate->y + plate->height > plates->height)
    return FALSE;

  for (guint i = 0; i < plates->placed->len; i++) {
    const Rect *other = &g_array_index (plates->placed, Rect, i);
    if (plate->x < other->x + other->width && other->x < plate->x + plate->width &&
        plate->y < other->y + other->height && other->y < plate->y + plate->height)
      return FALSE;
  }
  return TRUE;
}

/* Above the box, in its top if it is much larger than the label, below it or beside it. */
static gboolean
find_beside (const CbamDrawingPlates *plates, const Rect *box, Rect *plate)
{
  const double right = box->x + box->width, bottom = box->y + box->height;
  const gboolean is_large = box->height >= 3 * plate->height && box->width >= plate->width;
  const double x = plate->x, width = plate->width, height = plate->height;
  const Rect tries[] = {
    { x, box->y - height, width, height },
    { x, is_large ? box->y : -height, width, height },
    { x, bottom, width, height },
    { right, box->y, width, height },
    { box->x - width, box->y, width, height },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tries); i++)
    if (is_free (plates, &tries[i])) {
      *plate = tries[i];
      return TRUE;
    }
  return FALSE;
}

/* The nearest place around the one above the box, for boxes that coincide with many others. */
static gboolean
find_near (const CbamDrawingPlates *plates, const Rect *box, Rect *plate)
{
  const double top = box->y - plate->height;
  double nearest = INFINITY;
  Rect try = *plate;

  for (int row = -ROWS; row <= ROWS; row++)
    for (int column = -COLUMNS; column <= COLUMNS; column++) {
      const double right = round (column * plate->width / 2), down = row * plate->height;
      const double distance = right * right + down * down;
      try.x = box->x + right;
      try.y = top + down;
      if (distance < nearest && is_free (plates, &try)) {
        nearest = distance;
        *plate = try;
      }
    }
  return nearest < INFINITY;
}

/* The first free one of all rows of the picture. */
static gboolean
find_row (const CbamDrawingPlates *plates, Rect *plate)
{
  const int rows = (int) (plates->height / plate->height);

  for (int row = 0; row < rows; row++) {
    plate->y = row * plate->height;
    if (is_free (plates, plate))
      return TRUE;
  }
  return FALSE;
}

/* Where all is taken, whatever is nearest to the place above the box. */
Rect
cbam_drawing_plates_place (CbamDrawingPlates *plates, const Rect *box, double width, double height)
{
  const double x = CLAMP (box->x, 0, MAX (plates->width - width, 0));
  Rect plate = { x, 0, width, height };

  if (!find_beside (plates, box, &plate) && !find_near (plates, box, &plate) && !find_row (plates, &plate)) {
    plate.y = box->y >= height ? box->y - height : box->y;
    plate.y = CLAMP (plate.y, 0, MAX (plates->height - height, 0));
  }
  cbam_drawing_plates_take (plates, &plate);
  return plate;
}
