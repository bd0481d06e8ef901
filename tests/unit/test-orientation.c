/* The eight ways back: boxes and maps that are wider than high, against the slow way of turned.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detect/orientation.h"

#include "turned.h"

#define WIDTH 30 /* of the upright picture */
#define HEIGHT 20
#define COLUMNS 3 /* of its map */
#define ROWS 2

static float
stored_width (CbamOrientation orientation)
{
  return turned_swaps (orientation) ? HEIGHT : WIDTH;
}

static float
stored_height (CbamOrientation orientation)
{
  return turned_swaps (orientation) ? WIDTH : HEIGHT;
}

static void
test_bounds (void)
{
  static const double rectangle[4] = { 3, 5, 7, 4 };

  for (CbamOrientation o = TURNED_FIRST; o <= TURNED_LAST; o++) {
    CbamBounds bounds = { 3, 5, 3 + 7, 5 + 4 };
    double expected[4];

    turned_rectangle (o, stored_width (o), stored_height (o), rectangle, expected);
    cbam_orientation_turn_bounds (o, stored_width (o), stored_height (o), &bounds);
    g_assert_cmpfloat (bounds.x0, ==, expected[0]);
    g_assert_cmpfloat (bounds.y0, ==, expected[1]);
    g_assert_cmpfloat (bounds.x1, ==, expected[0] + expected[2]);
    g_assert_cmpfloat (bounds.y1, ==, expected[1] + expected[3]);
  }
}

/* The map reaches past the picture above and below, as when it is letterboxed. */
static CbamMap
upright_map (void)
{
  CbamMap map = {
    .width = COLUMNS, .height = ROWS, .x = 0, .y = -5, .frame_width = WIDTH, .frame_height = HEIGHT + 10
  };
  float *values = g_new (float, COLUMNS *ROWS);

  for (guint i = 0; i < COLUMNS * ROWS; i++)
    values[i] = (float) i;
  map.values = values;
  return map;
}

static void
test_map (void)
{
  static const double over[4] = { 0, -5, WIDTH, HEIGHT + 10 };

  for (CbamOrientation o = TURNED_FIRST; o <= TURNED_LAST; o++) {
    CbamMap map = upright_map ();
    double expected[4];
    guint x, y;

    turned_rectangle (o, stored_width (o), stored_height (o), over, expected);
    cbam_orientation_turn_map (o, stored_width (o), stored_height (o), &map);
    g_assert_cmpuint (map.width, ==, turned_swaps (o) ? ROWS : COLUMNS);
    g_assert_cmpuint (map.height, ==, turned_swaps (o) ? COLUMNS : ROWS);
    g_assert_cmpfloat (map.x, ==, expected[0]);
    g_assert_cmpfloat (map.y, ==, expected[1]);
    g_assert_cmpfloat (map.frame_width, ==, expected[2]);
    g_assert_cmpfloat (map.frame_height, ==, expected[3]);
    for (guint v = 0; v < ROWS; v++)
      for (guint u = 0; u < COLUMNS; u++) {
        turned_find (o, map.width, map.height, u, v, &x, &y);
        g_assert_cmpfloat (map.values[y * map.width + x], ==, v * COLUMNS + u);
      }
    g_free ((float *) map.values);
  }
}

/* Modules without a spatial part have a place all the same. */
static void
test_no_values (void)
{
  CbamMap map = { .width = COLUMNS, .height = ROWS, .frame_width = WIDTH, .frame_height = HEIGHT };

  cbam_orientation_turn_map (CBAM_ORIENTATION_90R, HEIGHT, WIDTH, &map);
  g_assert_null (map.values);
  g_assert_cmpuint (map.width, ==, ROWS);
  g_assert_cmpfloat (map.frame_width, ==, HEIGHT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/orientation/bounds", test_bounds);
  g_test_add_func ("/orientation/map", test_map);
  g_test_add_func ("/orientation/no-values", test_no_values);
  return g_test_run ();
}
