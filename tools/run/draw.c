/* Boxes and labels, drawn on a picture for people to look at: outlines on whole pixels with a dark rim that shows on
 * any background, and labels on plates of the class's colour, kept inside the picture and off each other where they
 * can.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "draw.h"

#include "legend.h"
#include "shared/output-file.h"

#include <math.h>
#include <palette.h>
#include <pango/pangocairo.h>
#include <plates.h>

typedef cairo_rectangle_t Rect;

/* What one picture's drawing shares. Lengths are in pixels. */
typedef struct
{
  cairo_t *cr;
  double width, height;      /* of the picture */
  double line;               /* of an outline, a whole number */
  double font;               /* height of the label's font */
  double margin;             /* beside a label's text */
  CbamDrawingPlates *plates; /* the legend, and labels placed so far */
} Canvas;

/* A copy of @pixbuf as cairo wants it: native-endian 0xAARRGGBB, colours multiplied by alpha. */
static cairo_surface_t *
surface_from_pixbuf (GdkPixbuf *pixbuf)
{
  const gboolean has_alpha = gdk_pixbuf_get_has_alpha (pixbuf);
  const int width = gdk_pixbuf_get_width (pixbuf), height = gdk_pixbuf_get_height (pixbuf);
  const int channels = gdk_pixbuf_get_n_channels (pixbuf);
  cairo_surface_t *surface =
      cairo_image_surface_create (has_alpha ? CAIRO_FORMAT_ARGB32 : CAIRO_FORMAT_RGB24, width, height);
  if (cairo_surface_status (surface) != CAIRO_STATUS_SUCCESS)
    return surface;

  const guint8 *pixels = gdk_pixbuf_read_pixels (pixbuf);
  guint8 *data = cairo_image_surface_get_data (surface);
  for (int y = 0; y < height; y++) {
    const guint8 *from = pixels + (gsize) y * gdk_pixbuf_get_rowstride (pixbuf);
    guint32 *to = (guint32 *) (data + (gsize) y * cairo_image_surface_get_stride (surface));
    for (int x = 0; x < width; x++, from += channels) {
      const guint32 a = has_alpha ? from[3] : 255;
      const guint32 r = (from[0] * a + 127) / 255, g = (from[1] * a + 127) / 255, b = (from[2] * a + 127) / 255;
      to[x] = a << 24 | r << 16 | g << 8 | b;
    }
  }
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* The outline lies inside the box, its edges on pixel boundaries. */
static void
draw_box (const Canvas *canvas, const CbamDetection *detection)
{
  const CbamDrawingColour colour = cbam_drawing_class_colour (detection->class_id);
  const double x0 = round (detection->x), x1 = MAX (round (detection->x + detection->width), x0 + 1);
  const double y0 = round (detection->y), y1 = MAX (round (detection->y + detection->height), y0 + 1);
  const double line = CLAMP (floor (MIN (x1 - x0, y1 - y0) / 8), 1, canvas->line); /* thin on small boxes */

  cairo_set_line_join (canvas->cr, CAIRO_LINE_JOIN_MITER);
  cairo_rectangle (canvas->cr, x0 - 0.5, y0 - 0.5, x1 - x0 + 1, y1 - y0 + 1);
  if (x1 - x0 > 2 * line && y1 - y0 > 2 * line)
    cairo_rectangle (canvas->cr, x0 + line + 0.5, y0 + line + 0.5, x1 - x0 - 2 * line - 1, y1 - y0 - 2 * line - 1);
  cairo_set_line_width (canvas->cr, 1);
  cairo_set_source_rgba (canvas->cr, 0, 0, 0, 0.55);
  cairo_stroke (canvas->cr);

  cairo_rectangle (canvas->cr, x0 + line / 2, y0 + line / 2, x1 - x0 - line, y1 - y0 - line);
  cairo_set_line_width (canvas->cr, line);
  cairo_set_source_rgb (canvas->cr, colour.r, colour.g, colour.b);
  cairo_stroke (canvas->cr);
}

/* The label's text, in a smaller font or cut with an ellipsis where the picture is narrower than it. */
static PangoLayout *
label_layout (const Canvas *canvas, const char *label, double score)
{
  const double smallest = 7; /* what can still be read */
  const double room = canvas->width - 2 * canvas->margin;
  g_autofree char *text = g_strdup_printf ("%s %.0f%%", label, 100 * score);
  PangoLayout *layout = pango_cairo_create_layout (canvas->cr);
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string ("Sans Bold");
  pango_layout_set_text (layout, text, -1);

  double size = canvas->font;
  int width, height;
  while (TRUE) {
    pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
    pango_layout_set_font_description (layout, font);
    pango_layout_get_pixel_size (layout, &width, &height);
    if (width <= room || size <= smallest)
      break;
    size = MAX (size * 0.9, smallest);
  }
  if (width > room) {
    pango_layout_set_width (layout, (int) (MAX (room, 1) * PANGO_SCALE));
    pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  }
  return layout;
}

static Rect
place_label (const Canvas *canvas, const CbamDetection *detection, double width, double height)
{
  const double left = round (detection->x), right = round (detection->x + detection->width);
  const double top = round (detection->y), bottom = round (detection->y + detection->height);

  return cbam_drawing_plates_place (canvas->plates, &(Rect){ left, top, right - left, bottom - top }, width, height);
}

static void
draw_label (const Canvas *canvas, guint class_id, PangoLayout *layout, const Rect *plate)
{
  const CbamDrawingColour colour = cbam_drawing_class_colour (class_id), ink = cbam_drawing_ink (colour);
  cairo_rectangle (canvas->cr, plate->x, plate->y, plate->width, plate->height);
  cairo_set_source_rgb (canvas->cr, colour.r, colour.g, colour.b);
  cairo_fill (canvas->cr);
  cairo_move_to (canvas->cr, plate->x + canvas->margin, plate->y);
  cairo_set_source_rgb (canvas->cr, ink.r, ink.g, ink.b);
  pango_cairo_show_layout (canvas->cr, layout);
}

/* Strong detections choose their places first and are drawn last, so that they lie on top where there is no room. */
static void
draw_labels (const Canvas *canvas, const CbamDetection *detections, gsize n)
{
  g_autoptr (GPtrArray) layouts = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree Rect *places = g_new (Rect, MAX (n, 1));
  for (gsize i = 0; i < n; i++) {
    PangoLayout *layout = label_layout (canvas, detections[i].label, detections[i].score);
    int width, height;
    pango_layout_get_pixel_size (layout, &width, &height);
    places[i] = place_label (canvas, &detections[i], MIN (width + 2 * canvas->margin, canvas->width), height);
    g_ptr_array_add (layouts, layout);
  }
  for (gsize i = n; i > 0; i--)
    draw_label (canvas, detections[i - 1].class_id, g_ptr_array_index (layouts, i - 1), &places[i - 1]);
}

/* As many as there is room for. Returns what they take of the picture. */
static CbamDetection
draw_classes (const Canvas *canvas, const CbamClass *classes, gsize n)
{
  CbamDetection taken = { 0 };
  for (gsize i = 0; i < n; i++) {
    g_autoptr (PangoLayout) layout = label_layout (canvas, classes[i].label, classes[i].score);
    int width, height;
    pango_layout_get_pixel_size (layout, &width, &height);
    if (i > 0 && taken.height + height > canvas->height)
      break;
    const Rect plate = { 0, taken.height, MIN (width + 2 * canvas->margin, canvas->width), height };
    draw_label (canvas, classes[i].class_id, layout, &plate);
    taken.width = MAX (taken.width, (float) plate.width);
    taken.height += (float) plate.height;
  }
  return taken;
}

static void
draw_pixbuf (cairo_t *cr, GdkPixbuf *pixbuf)
{
  cairo_surface_t *surface = surface_from_pixbuf (pixbuf);
  cairo_set_source_surface (cr, surface, 0, 0); /* a surface that failed makes @cr fail */
  cairo_paint (cr);
  cairo_surface_destroy (surface);
}

/* A heat map goes over colours that are nearly grey, so that yellow means heat and not a yellow wall. */
static void
draw_heat (cairo_t *cr, GdkPixbuf *pixbuf, const CbamDrawingHeat *heat)
{
  const float colourful = 0.3F;
  g_autoptr (GdkPixbuf) faded = gdk_pixbuf_copy (pixbuf);
  if (faded != NULL)
    gdk_pixbuf_saturate_and_pixelate (pixbuf, faded, colourful, FALSE);
  draw_pixbuf (cr, faded != NULL ? faded : pixbuf);
  cbam_drawing_heat_draw (heat, cr, gdk_pixbuf_get_width (pixbuf), gdk_pixbuf_get_height (pixbuf));
}

/* @detections: what it should not lie over. */
static void
draw_legend (const Canvas *canvas, const CbamDrawingHeat *heat, const CbamDetection *detections, gsize n)
{
  g_autoptr (Legend) legend = legend_new (heat, canvas->cr, canvas->font, 0.7 * canvas->width);
  Rect corner;
  if (!legend_find_corner (legend, canvas->width, canvas->height, detections, n, &corner))
    return;
  legend_draw (legend, canvas->cr, corner.x, corner.y);
  cbam_drawing_plates_take (canvas->plates, &corner);
}

/* Weak boxes first, so that strong ones lie on top; then what has to be read. */
void
draw_picture (cairo_t *cr, const Drawing *drawing)
{
  const int width = gdk_pixbuf_get_width (drawing->pixbuf), height = gdk_pixbuf_get_height (drawing->pixbuf);
  const double side = MIN (width, height), font = CLAMP (side / 40, MIN (11, side / 6), 96);
  g_autoptr (CbamDrawingPlates) plates = cbam_drawing_plates_new (width, height);
  const Canvas canvas = {
    .cr = cr,
    .width = width,
    .height = height,
    .line = MAX (2, round (side / 240)),
    .font = font,
    .margin = MAX (1, round (font / 5)),
    .plates = plates,
  };
  if (drawing->heat != NULL)
    draw_heat (cr, drawing->pixbuf, drawing->heat);
  else
    draw_pixbuf (cr, drawing->pixbuf);
  for (gsize i = drawing->n_detections; i > 0; i--)
    draw_box (&canvas, &drawing->detections[i - 1]);
  const CbamDetection classes = draw_classes (&canvas, drawing->classes, drawing->n_classes);
  if (drawing->heat != NULL && drawing->has_legend && drawing->n_classes > 0)
    draw_legend (&canvas, drawing->heat, &classes, 1);
  else if (drawing->heat != NULL && drawing->has_legend)
    draw_legend (&canvas, drawing->heat, drawing->detections, drawing->n_detections);
  draw_labels (&canvas, drawing->detections, drawing->n_detections);
}

static cairo_status_t
take_bytes (void *data, const unsigned char *bytes, unsigned int n)
{
  g_byte_array_append (data, bytes, n);
  return CAIRO_STATUS_SUCCESS;
}

gboolean
draw_finish_png (cairo_t *cr, const char *path, GError **error)
{
  g_autoptr (GByteArray) png = g_byte_array_new ();
  cairo_status_t status = cairo_status (cr);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream (cairo_get_target (cr), take_bytes, png);
  if (status == CAIRO_STATUS_SUCCESS)
    return output_file_write (path, png->data, png->len, error);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot draw '%s': %s", path, cairo_status_to_string (status));
  return FALSE;
}

gboolean
draw_png (const Drawing *drawing, const char *path, GError **error)
{
  cairo_surface_t *surface =
      cairo_image_surface_create (gdk_pixbuf_get_has_alpha (drawing->pixbuf) ? CAIRO_FORMAT_ARGB32 : CAIRO_FORMAT_RGB24,
                                  gdk_pixbuf_get_width (drawing->pixbuf), gdk_pixbuf_get_height (drawing->pixbuf));
  cairo_t *cr = cairo_create (surface);
  cairo_surface_destroy (surface); /* @cr has it now */
  draw_picture (cr, drawing);
  const gboolean written = draw_finish_png (cr, path, error);
  cairo_destroy (cr);
  return written;
}
