/* A picture whose content is known, since it is drawn here, and a small network that was trained on such pictures: what
 * that finds on a device shows whether device, driver and engine compute what they should.
 *
 * The network is tests/models/shapes.safetensors, which `tools/train/train --quick` made; the shapes are those of
 * tools/train/shapes.py: discs, squares, triangles and rings in a colour that is not the ground's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "known-answer.h"

#include <cairo.h>
#include <gio/gio.h>
#include <math.h>

#define MODEL_RESOURCE "/cbamdetect/shapes.safetensors"
#define WIDTH 160
#define HEIGHT 120
#define RING_SHARE 0.18 /* of a ring's width is its line */
#define MIN_OVERLAP 0.5 /* intersection over union */

typedef struct
{
  const char *label;
  double x, y, width, height; /* of its bounding box, in pixels */
  double red, green, blue;
} Shape;

/* Of many places and colours those where the network is surest: drawn shapes score 0.6 and more, all else 0.3 and less.
 */
static const Shape shapes[] = {
  { "disc", 16, 68, 44, 38, 0.98, 0.86, 0.20 },
  { "square", 117, 12, 34, 40, 0.98, 0.86, 0.20 },
  { "triangle", 12, 5, 52, 53, 0.95, 0.95, 0.98 },
  { "ring", 109, 70, 39, 44, 0.93, 0.20, 0.15 },
};

struct _KnownPicture
{
  guint8 pixels[HEIGHT][WIDTH][3];
};

/* ---- Drawing ---------------------------------------------------------------------------------------------------- */

static void
trace_ellipse (cairo_t *cr, double x, double y, double width, double height)
{
  cairo_save (cr);
  cairo_translate (cr, x + width / 2, y + height / 2);
  cairo_scale (cr, width / 2, height / 2);
  cairo_new_sub_path (cr);
  cairo_arc (cr, 0, 0, 1, 0, 2 * G_PI);
  cairo_restore (cr);
}

static void
draw_shape (cairo_t *cr, const Shape *shape)
{
  const double line = RING_SHARE * shape->width;

  cairo_set_source_rgb (cr, shape->red, shape->green, shape->blue);
  if (g_str_equal (shape->label, "square"))
    cairo_rectangle (cr, shape->x, shape->y, shape->width, shape->height);
  else if (g_str_equal (shape->label, "triangle")) {
    cairo_move_to (cr, shape->x + shape->width / 2, shape->y);
    cairo_line_to (cr, shape->x + shape->width, shape->y + shape->height);
    cairo_line_to (cr, shape->x, shape->y + shape->height);
  } else
    trace_ellipse (cr, shape->x, shape->y, shape->width, shape->height);
  if (g_str_equal (shape->label, "ring")) /* the even-odd rule makes it a hole */
    trace_ellipse (cr, shape->x + line, shape->y + line, shape->width - 2 * line, shape->height - 2 * line);
  cairo_fill (cr);
}

/* Greens that change slowly, as a ground that is not quite even. */
static void
draw_ground (cairo_t *cr)
{
  cairo_pattern_t *pattern = cairo_pattern_create_linear (0, 0, WIDTH, HEIGHT);
  cairo_pattern_add_color_stop_rgb (pattern, 0, 0.28, 0.45, 0.35);
  cairo_pattern_add_color_stop_rgb (pattern, 0.5, 0.36, 0.52, 0.38);
  cairo_pattern_add_color_stop_rgb (pattern, 1, 0.30, 0.42, 0.46);
  cairo_set_source (cr, pattern);
  cairo_paint (cr);
  cairo_pattern_destroy (pattern);
}

/* From cairo's native-endian 0xXXRRGGBB. */
static void
take_pixels (KnownPicture *picture, cairo_surface_t *surface)
{
  cairo_surface_flush (surface);
  const guint8 *data = cairo_image_surface_get_data (surface);
  for (int y = 0; y < HEIGHT; y++) {
    const guint32 *row = (const guint32 *) (const void *) (data + (gsize) y * cairo_image_surface_get_stride (surface));
    for (int x = 0; x < WIDTH; x++) {
      picture->pixels[y][x][0] = row[x] >> 16 & 255;
      picture->pixels[y][x][1] = row[x] >> 8 & 255;
      picture->pixels[y][x][2] = row[x] & 255;
    }
  }
}

KnownPicture *
known_picture_new (void)
{
  KnownPicture *picture = g_new0 (KnownPicture, 1);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
  cairo_t *cr = cairo_create (surface);

  cairo_set_fill_rule (cr, CAIRO_FILL_RULE_EVEN_ODD);
  draw_ground (cr);
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    draw_shape (cr, &shapes[i]);
  if (cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS)
    take_pixels (picture, surface); /* without memory it stays black, and nothing is found */
  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  return picture;
}

void
known_picture_free (KnownPicture *picture)
{
  g_free (picture);
}

CbamImage
known_picture_view (const KnownPicture *picture)
{
  return (CbamImage){
    .format = CBAM_FORMAT_RGB,
    .width = WIDTH,
    .height = HEIGHT,
    .planes = { &picture->pixels[0][0][0] },
    .strides = { sizeof picture->pixels[0] },
  };
}

/* ---- The model -------------------------------------------------------------------------------------------------- */

CbamModel *
known_answer_load_model (CbamDevice *device, GError **error)
{
  g_autoptr (GBytes) bytes = g_resources_lookup_data (MODEL_RESOURCE, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  return bytes != NULL ? cbam_model_load_bytes (device, bytes, MODEL_RESOURCE, NULL, error) : NULL;
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

static double
get_overlap (const Shape *shape, const CbamDetection *found)
{
  const double x1 = MIN (shape->x + shape->width, (double) found->x + found->width);
  const double y1 = MIN (shape->y + shape->height, (double) found->y + found->height);
  const double width = x1 - MAX (shape->x, (double) found->x), height = y1 - MAX (shape->y, (double) found->y);
  const double both = MAX (width, 0) * MAX (height, 0);
  return both / (shape->width * shape->height + (double) found->width * found->height - both);
}

/* The strongest detection of that name in that place, or %NULL. */
static const CbamDetection *
find_shape (const Shape *shape, const CbamResult *result)
{
  for (gsize i = 0; i < cbam_result_get_n_detections (result); i++) {
    const CbamDetection *found = cbam_result_get_detection (result, i);
    if (g_strcmp0 (found->label, shape->label) == 0 && get_overlap (shape, found) >= MIN_OVERLAP)
      return found;
  }
  return NULL;
}

gboolean
known_answer_is_right (const CbamResult *result, char **ret_text)
{
  g_autoptr (GString) words = g_string_new (NULL);
  const gsize n = cbam_result_get_n_detections (result);
  guint right = 0;
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    const CbamDetection *found = find_shape (&shapes[i], result);
    g_string_append_printf (words, "%s%s ", i > 0 ? ", " : "", shapes[i].label);
    if (found != NULL)
      g_string_append_printf (words, "%.2f (overlap %.2f)", found->score, get_overlap (&shapes[i], found));
    else
      g_string_append (words, "not found");
    right += found != NULL;
  }
  if (n > right)
    g_string_append_printf (words, ", and %" G_GSIZE_FORMAT " that %s not drawn", n - right,
                            n - right == 1 ? "was" : "were");
  *ret_text = g_strdup_printf ("%u of %u drawn shapes found: %s", right, (guint) G_N_ELEMENTS (shapes), words->str);
  return right == G_N_ELEMENTS (shapes) && n == right;
}
