/* One line for each of the eight, nothing shared between them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "turned.h"

#include <string.h>

gboolean
turned_swaps (CbamOrientation orientation)
{
  switch (orientation) {
    case CBAM_ORIENTATION_90R:
    case CBAM_ORIENTATION_90L:
    case CBAM_ORIENTATION_UL_LR:
    case CBAM_ORIENTATION_UR_LL: return TRUE;
    default: return FALSE;
  }
}

/* In pixels, whose last one is at @last_x, or in places between them, where the far edge is. */
static void
find (CbamOrientation orientation, double last_x, double last_y, double u, double v, double *x, double *y)
{
  switch (orientation) {
    case CBAM_ORIENTATION_IDENTITY: *x = u, *y = v; break;
    case CBAM_ORIENTATION_90R: *x = v, *y = last_y - u; break;
    case CBAM_ORIENTATION_180: *x = last_x - u, *y = last_y - v; break;
    case CBAM_ORIENTATION_90L: *x = last_x - v, *y = u; break;
    case CBAM_ORIENTATION_HORIZ: *x = last_x - u, *y = v; break;
    case CBAM_ORIENTATION_VERT: *x = u, *y = last_y - v; break;
    case CBAM_ORIENTATION_UL_LR: *x = v, *y = u; break;
    case CBAM_ORIENTATION_UR_LL: *x = last_x - v, *y = last_y - u; break;
    default: g_assert_not_reached ();
  }
}

void
turned_find (CbamOrientation orientation, guint width, guint height, guint u, guint v, guint *x, guint *y)
{
  double at_x, at_y;

  find (orientation, width - 1.0, height - 1.0, u, v, &at_x, &at_y);
  *x = (guint) at_x;
  *y = (guint) at_y;
}

void
turned_upright (CbamOrientation orientation, const guint8 *stored, guint width, guint height, gsize stride, guint bytes,
                guint8 *upright)
{
  const gboolean swaps = turned_swaps (orientation);
  const guint columns = swaps ? height : width, rows = swaps ? width : height;
  guint x, y;

  for (guint v = 0; v < rows; v++)
    for (guint u = 0; u < columns; u++) {
      turned_find (orientation, width, height, u, v, &x, &y);
      memcpy (upright + ((gsize) v * columns + u) * bytes, stored + y * stride + (gsize) x * bytes, bytes);
    }
}

void
turned_rectangle (CbamOrientation orientation, double width, double height, const double upright[4], double stored[4])
{
  double x0, y0, x1, y1;

  find (orientation, width, height, upright[0], upright[1], &x0, &y0);
  find (orientation, width, height, upright[0] + upright[2], upright[1] + upright[3], &x1, &y1);
  stored[0] = MIN (x0, x1);
  stored[1] = MIN (y0, y1);
  stored[2] = MAX (x0, x1) - MIN (x0, x1);
  stored[3] = MAX (y0, y1) - MIN (y0, y1);
}
