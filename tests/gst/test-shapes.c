/* A trained network on frames drawn here: what is found is what was drawn, and it follows when that moves.
 *
 * The model is tests/models/shapes.safetensors, which `tools/train/train --quick` made.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define WIDTH 160
#define HEIGHT 120
#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

typedef struct
{
  const char *label;
  int x, y, side; /* of its bounding square, in pixels */
} Shape;

static const Shape shapes[] = {
  { "square", 20, 20, 44 }, { "square", 24, 24, 44 }, { "square", 100, 60, 40 },
  { "disc", 20, 50, 50 },   { "disc", 90, 12, 36 },
};

static gboolean
covers (const Shape *shape, int x, int y)
{
  const int dx = 2 * (x - shape->x) + 1 - shape->side, dy = 2 * (y - shape->y) + 1 - shape->side;

  if (g_str_equal (shape->label, "disc"))
    return dx * dx + dy * dy <= shape->side * shape->side;
  return ABS (dx) < shape->side && ABS (dy) < shape->side;
}

/* The shape in orange on a green that slowly changes. */
static GstBuffer *
draw (const Shape *shape)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT * 3, NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      guint8 *pixel = map.data + (y * WIDTH + x) * 3;
      const gboolean on = covers (shape, x, y);

      pixel[0] = on ? 235 : (guint8) (60 + x / 8);
      pixel[1] = on ? 150 : (guint8) (110 + y / 6);
      pixel[2] = on ? 30 : 90;
    }
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

static double
overlap (const Shape *shape, const Found *found)
{
  const double x0 = MAX (shape->x, (int) found->x), x1 = MIN (shape->x + shape->side, (int) (found->x + found->width));
  const double y0 = MAX (shape->y, (int) found->y), y1 = MIN (shape->y + shape->side, (int) (found->y + found->height));
  const double both = MAX (x1 - x0, 0) * MAX (y1 - y0, 0);

  return both / (shape->side * shape->side + (double) found->width * found->height - both);
}

GST_START_TEST (shapes_are_found)
{
  const Shape *shape = &shapes[__i__];
  GstElement *element = detect_new ("threshold=0.1");
  GstHarness *h;

  g_object_set (element, "model", g_getenv ("CBAM_TEST_SHAPES"), NULL);
  h = harness_new (element, CAPS);
  fail_unless_equals_int (gst_harness_push (h, draw (shape)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) found = found_in (out);
  fail_unless (found->len > 0);
  const Found *best = &g_array_index (found, Found, 0);
  fail_unless (g_str_equal (best->label, shape->label), "%s %.2f instead of %s", best->label, best->score,
               shape->label);
  fail_unless (overlap (shape, best) > 0.6, "overlap %.2f", overlap (shape, best));
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  TCase *tests = tcase_create ("shapes");

  gst_check_init (&argc, &argv);
  tcase_add_loop_test (tests, shapes_are_found, 0, G_N_ELEMENTS (shapes));
  return run_suite (tests);
}
