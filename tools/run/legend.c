/* The legend of a heat map: its title, and a bar of its colours between what the coldest and the hottest stand for.
 *
 *     +-----------------------+
 *     | title                 |
 *     | low  [==========] high|
 *     +-----------------------+
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "legend.h"

#include <math.h>
#include <pango/pangocairo.h>

#define MOST_OF_PICTURE 0.2 /* that a legend may hide */

struct _Legend
{
  const CbamDrawingHeat *heat;
  PangoLayout *title; /* NULL where it is too long */
  PangoLayout *low, *high;
  double line;   /* height of a line of text */
  double margin; /* around everything, and beside the bar */
  double bar;    /* width */
};

static PangoLayout *
text_layout (cairo_t *cr, const char *text, double font)
{
  PangoLayout *layout = pango_cairo_create_layout (cr);
  g_autoptr (PangoFontDescription) description = pango_font_description_from_string ("Sans Bold");
  pango_font_description_set_absolute_size (description, font * PANGO_SCALE);
  pango_layout_set_font_description (layout, description);
  pango_layout_set_text (layout, text, -1);
  return layout;
}

static double
text_width (PangoLayout *layout)
{
  int width;
  pango_layout_get_pixel_size (layout, &width, NULL);
  return width;
}

Legend *
legend_new (const CbamDrawingHeat *heat, cairo_t *cr, double font, double room)
{
  Legend *legend = g_new (Legend, 1);
  *legend = (Legend){
    .heat = heat,
    .title = text_layout (cr, heat->title, font),
    .low = text_layout (cr, heat->low, font),
    .high = text_layout (cr, heat->high, font),
    .margin = MAX (2, round (font / 3)),
    .bar = round (6 * font),
  };
  int height;
  pango_layout_get_pixel_size (legend->low, NULL, &height);
  legend->line = height;
  if (text_width (legend->title) + 2 * legend->margin > room)
    g_clear_object (&legend->title);
  return legend;
}

void
legend_free (Legend *legend)
{
  if (legend == NULL)
    return;
  g_clear_object (&legend->title);
  g_object_unref (legend->low);
  g_object_unref (legend->high);
  g_free (legend);
}

double
legend_width (const Legend *legend)
{
  const double scale = text_width (legend->low) + legend->bar + text_width (legend->high) + 2 * legend->margin;
  return 2 * legend->margin + MAX (scale, legend->title != NULL ? text_width (legend->title) : 0);
}

double
legend_height (const Legend *legend)
{
  return (legend->title != NULL ? 2 : 1) * legend->line + 2 * legend->margin;
}

static gboolean
is_in_box (const CbamDetection *detections, gsize n, double x, double y)
{
  for (gsize i = 0; i < n; i++) {
    const CbamDetection *d = &detections[i];
    if (x >= d->x && y >= d->y && x <= d->x + d->width && y <= d->y + d->height)
      return TRUE;
  }
  return FALSE;
}

/* How much of the heat and of the boxes lies within @area: the sum over a grid of points. */
static double
interest_within (const Legend *legend, const CbamDetection *detections, gsize n, const cairo_rectangle_t *area)
{
  const guint steps = 8;
  double sum = 0;
  for (guint i = 0; i < steps; i++)
    for (guint j = 0; j < steps; j++) {
      const double x = area->x + area->width * (i + 0.5) / steps, y = area->y + area->height * (j + 0.5) / steps;
      sum += cbam_drawing_heat_value (legend->heat, x, y) + is_in_box (detections, n, x, y);
    }
  return sum;
}

gboolean
legend_find_corner (const Legend *legend, double width, double height, const CbamDetection *detections, gsize n,
                    cairo_rectangle_t *corner)
{
  const double w = legend_width (legend), h = legend_height (legend);
  if (w > width || h > height || w * h > MOST_OF_PICTURE * width * height)
    return FALSE;

  const cairo_rectangle_t corners[] = {
    { 0, height - h, w, h }, { width - w, height - h, w, h }, { width - w, 0, w, h }, { 0, 0, w, h }
  };
  double least = INFINITY;
  for (guint i = 0; i < G_N_ELEMENTS (corners); i++) {
    const double interest = interest_within (legend, detections, n, &corners[i]);
    if (interest < least) {
      least = interest;
      *corner = corners[i];
    }
  }
  return TRUE;
}

static void
draw_text (cairo_t *cr, PangoLayout *layout, double x, double y)
{
  cairo_move_to (cr, x, y);
  cairo_set_source_rgb (cr, 1, 1, 1);
  pango_cairo_show_layout (cr, layout);
}

static void
draw_bar (cairo_t *cr, double x, double y, double width, double height)
{
  const guint n_stops = 33;
  cairo_pattern_t *colours = cairo_pattern_create_linear (x, y, x + width, y);
  for (guint i = 0; i < n_stops; i++) {
    const double value = i / (n_stops - 1.0);
    double rgb[3];
    cbam_drawing_heat_colour (value, rgb);
    cairo_pattern_add_color_stop_rgb (colours, value, rgb[0], rgb[1], rgb[2]);
  }
  cairo_rectangle (cr, x - 1, y - 1, width + 2, height + 2);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_fill (cr);
  cairo_rectangle (cr, x, y, width, height);
  cairo_set_source (cr, colours);
  cairo_fill (cr);
  cairo_pattern_destroy (colours);
}

void
legend_draw (const Legend *legend, cairo_t *cr, double x, double y)
{
  const double margin = legend->margin;
  cairo_rectangle (cr, x, y, legend_width (legend), legend_height (legend));
  cairo_set_source_rgba (cr, 0, 0, 0, 0.65);
  cairo_fill (cr);

  x += margin;
  y += margin;
  if (legend->title != NULL) {
    draw_text (cr, legend->title, x, y);
    y += legend->line;
  }
  draw_text (cr, legend->low, x, y);
  x += text_width (legend->low) + margin;
  const double thickness = round (0.6 * legend->line);
  draw_bar (cr, x, y + round ((legend->line - thickness) / 2), legend->bar, thickness);
  draw_text (cr, legend->high, x + legend->bar + margin, y);
}
