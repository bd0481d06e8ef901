/* Precision-recall curves as SVG pictures: one panel per class, alone and in an overview of all.
 *
 *     name   AP 11-point 61.2 %
 *     1 +-------------+
 *       |----\_       |   thin: as measured; thick: precisions made monotone, whose area is the average precision;
 *       |      \_o__  |   dot: what the model's own threshold shows
 *     0 +-------------+
 *       0   recall    1
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "curves.h"

#include <cairo-svg.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <pango/pangocairo.h>

/* Points of 1/72 inch. A panel is what one class takes; the plot is the square of recalls and precisions in it. */
#define PLOT 300.0
#define LEFT 52.0
#define RIGHT 14.0
#define TOP 30.0
#define BOTTOM 40.0
#define PANEL_WIDTH (LEFT + PLOT + RIGHT)
#define PANEL_HEIGHT (TOP + PLOT + BOTTOM)
#define FONT 12.0
#define COLUMNS 5
#define OVERVIEW_SCALE 0.6
#define TICKS 5

typedef enum
{
  ALIGN_LEFT,
  ALIGN_MIDDLE,
  ALIGN_RIGHT,
} Align;

/* One line of text whose middle is at @y. */
static void
draw_text (cairo_t *cr, const char *text, double x, double y, Align align, gboolean is_bold)
{
  g_autoptr (PangoLayout) layout = pango_cairo_create_layout (cr);
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string (is_bold ? "Sans Bold" : "Sans");
  int width, height;
  pango_font_description_set_absolute_size (font, FONT * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_text (layout, text, -1);
  pango_layout_get_pixel_size (layout, &width, &height);
  cairo_move_to (cr, x - width * (align / 2.0), y - height / 2.0);
  pango_cairo_show_layout (cr, layout);
}

/* From recall and precision to the panel. */
static double
plot_x (double recall)
{
  return LEFT + PLOT * recall;
}

static double
plot_y (double precision)
{
  return TOP + PLOT * (1 - precision);
}

static void
draw_axes (cairo_t *cr)
{
  for (guint i = 0; i <= TICKS; i++) {
    const double share = (double) i / TICKS;
    char text[8];
    g_ascii_formatd (text, sizeof text, "%.1f", share);
    cairo_set_source_rgb (cr, 0.85, 0.85, 0.85);
    cairo_set_line_width (cr, 0.7);
    cairo_move_to (cr, plot_x (share), plot_y (0));
    cairo_line_to (cr, plot_x (share), plot_y (1));
    cairo_move_to (cr, plot_x (0), plot_y (share));
    cairo_line_to (cr, plot_x (1), plot_y (share));
    cairo_stroke (cr);
    cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
    draw_text (cr, text, plot_x (share), plot_y (0) + 0.9 * FONT, ALIGN_MIDDLE, FALSE);
    draw_text (cr, text, plot_x (0) - 0.4 * FONT, plot_y (share), ALIGN_RIGHT, FALSE);
  }
  draw_text (cr, "recall", plot_x (0.5), plot_y (0) + 2.3 * FONT, ALIGN_MIDDLE, FALSE);
  cairo_save (cr);
  cairo_translate (cr, FONT, plot_y (0.5));
  cairo_rotate (cr, -G_PI / 2);
  draw_text (cr, "precision", 0, 0, ALIGN_MIDDLE, FALSE);
  cairo_restore (cr);
}

/* Through the points as they were measured. */
static void
trace_measured (cairo_t *cr, const GArray *curve)
{
  cairo_new_path (cr);
  for (guint i = 0; i < curve->len; i++) {
    const CurvePoint *point = &g_array_index (curve, CurvePoint, i);
    cairo_line_to (cr, plot_x (point->recall), plot_y (point->precision));
  }
}

/* From the highest recall back: at each recall the best precision there or further on. */
static void
trace_monotone (cairo_t *cr, const GArray *curve)
{
  double best = 0;
  if (curve->len == 0)
    return;
  cairo_move_to (cr, plot_x (g_array_index (curve, CurvePoint, curve->len - 1).recall), plot_y (0));
  for (guint i = curve->len; i-- > 0;) {
    const CurvePoint *point = &g_array_index (curve, CurvePoint, i);
    if (point->precision <= best)
      continue;
    cairo_line_to (cr, plot_x (point->recall), plot_y (best));
    best = point->precision;
    cairo_line_to (cr, plot_x (point->recall), plot_y (best));
  }
  cairo_line_to (cr, plot_x (0), plot_y (best));
}

static void
draw_panel (cairo_t *cr, const Evaluation *evaluation, guint class_id, const char *name, double threshold)
{
  g_autoptr (GArray) curve = evaluation_curve (evaluation, class_id);
  const OperatingPoint shown = evaluation_at (evaluation, class_id, threshold);
  g_autofree char *measure =
      g_strdup_printf ("AP 11-point %.1f %%", 100 * evaluation_average_precision (evaluation, class_id, AP_11_POINT));

  cairo_set_source_rgb (cr, 0, 0, 0);
  draw_text (cr, name, plot_x (0), TOP / 2, ALIGN_LEFT, TRUE);
  draw_text (cr, measure, plot_x (1), TOP / 2, ALIGN_RIGHT, FALSE);
  draw_axes (cr);

  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_source_rgb (cr, 0.6, 0.7, 0.85);
  cairo_set_line_width (cr, 0.8);
  trace_measured (cr, curve);
  cairo_stroke (cr);
  cairo_set_source_rgb (cr, 0.1, 0.3, 0.65);
  cairo_set_line_width (cr, 2);
  trace_monotone (cr, curve);
  cairo_stroke (cr);
  if (isnan (shown.precision) || isnan (shown.recall))
    return;
  cairo_set_source_rgb (cr, 0.85, 0.3, 0.1);
  cairo_arc (cr, plot_x (shown.recall), plot_y (shown.precision), 4, 0, 2 * G_PI);
  cairo_fill (cr);
}

/* A white page of that many points. */
static cairo_t *
start_page (const char *path, double width, double height)
{
  cairo_surface_t *surface = cairo_svg_surface_create (path, width, height);
  cairo_t *cr = cairo_create (surface);
  cairo_surface_destroy (surface);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  return cr;
}

/* Writes the page, which was to be at @path. */
static gboolean
end_page (cairo_t *cr, const char *path, GError **error)
{
  cairo_surface_t *surface = cairo_get_target (cr);
  cairo_status_t status = cairo_status (cr);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  cairo_destroy (cr);
  if (status == CAIRO_STATUS_SUCCESS)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot write '%s': %s", path,
               cairo_status_to_string (status));
  return FALSE;
}

static gboolean
write_class (const char *folder, const Evaluation *evaluation, guint class_id, const char *name, double threshold,
             GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (name, " ", TRUE);
  g_autofree char *file = g_strdup_printf ("class-%s.svg", escaped);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  cairo_t *cr = start_page (path, PANEL_WIDTH, PANEL_HEIGHT);
  draw_panel (cr, evaluation, class_id, name, threshold);
  return end_page (cr, path, error);
}

static gboolean
write_overview (const char *folder, const Evaluation *evaluation, const char *const *classes, guint n_panels,
                double threshold, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "overview.svg", NULL);
  const guint columns = MIN (n_panels, COLUMNS), rows = (n_panels + COLUMNS - 1) / COLUMNS;
  cairo_t *cr = start_page (path, columns * PANEL_WIDTH * OVERVIEW_SCALE, rows * PANEL_HEIGHT * OVERVIEW_SCALE);
  guint panel = 0;
  cairo_scale (cr, OVERVIEW_SCALE, OVERVIEW_SCALE);
  for (guint i = 0; i < evaluation_n_classes (evaluation); i++) {
    if (evaluation_n_objects (evaluation, i) == 0)
      continue;
    cairo_save (cr);
    cairo_translate (cr, panel % COLUMNS * PANEL_WIDTH, panel / COLUMNS * PANEL_HEIGHT);
    draw_panel (cr, evaluation, i, classes[i], threshold);
    cairo_restore (cr);
    panel++;
  }
  return end_page (cr, path, error);
}

gboolean
curves_write (const char *folder, const Evaluation *evaluation, const char *const *classes, double threshold,
              GError **error)
{
  guint n_panels = 0;
  if (g_mkdir_with_parents (folder, 0777) != 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot make the folder '%s': %s", folder,
                 g_strerror (errno));
    return FALSE;
  }
  for (guint i = 0; i < evaluation_n_classes (evaluation); i++) {
    if (evaluation_n_objects (evaluation, i) == 0)
      continue;
    if (!write_class (folder, evaluation, i, classes[i], threshold, error))
      return FALSE;
    n_panels++;
  }
  return n_panels == 0 || write_overview (folder, evaluation, classes, n_panels, threshold, error);
}
