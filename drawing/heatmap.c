/* Heat maps: what a network weighed, in colours over the picture it looked at. Values are interpolated and then
 * coloured, never the other way round, so that every colour on the picture is one of the legend's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "heatmap.h"

#include "palette.h"

#include <math.h>

#define N_COLOURS 256
#define N_STRETCH 48      /* places looked at across and down; the finest maps have some 40 cells */
#define OPACITY_COLD 0.15 /* lets the picture through, */
#define OPACITY_HOT 0.7   /* and here some of it */

typedef struct
{
  CbamMap map;
  float low, high;
} HeatLayer;

CbamDrawingHeat *
cbam_drawing_heat_new (CbamDrawingHeatMix mix, const char *low, const char *high, const char *title_format, ...)
{
  CbamDrawingHeat *heat = g_new (CbamDrawingHeat, 1);
  va_list arguments;
  va_start (arguments, title_format);
  *heat = (CbamDrawingHeat){
    .mix = mix,
    .title = g_strdup_vprintf (title_format, arguments),
    .low = g_strdup (low),
    .high = g_strdup (high),
    .layers = g_array_new (FALSE, FALSE, sizeof (HeatLayer)),
    .to = 1,
  };
  va_end (arguments);
  return heat;
}

void
cbam_drawing_heat_free (CbamDrawingHeat *heat)
{
  if (heat == NULL)
    return;
  g_free (heat->title);
  g_free (heat->low);
  g_free (heat->high);
  g_array_unref (heat->layers);
  g_free (heat);
}

void
cbam_drawing_heat_add (CbamDrawingHeat *heat, const CbamMap *map, float low, float high)
{
  const HeatLayer layer = { *map, low, high };
  g_array_append_val (heat->layers, layer);
}

void
cbam_drawing_heat_add_attention (CbamDrawingHeat *heat, const CbamAttention *attention)
{
  float min = 0, max = 0;
  if (attention->spatial != NULL)
    cbam_drawing_map_range (attention->spatial, &min, &max);
  if (max > min)
    cbam_drawing_heat_add (heat, attention->spatial, min, max);
}

void
cbam_drawing_heat_scale (CbamDrawingHeat *heat, double x, double y)
{
  for (guint i = 0; i < heat->layers->len; i++) {
    CbamMap *map = &g_array_index (heat->layers, HeatLayer, i).map;
    map->x *= x;
    map->frame_width *= x;
    map->y *= y;
    map->frame_height *= y;
  }
}

void
cbam_drawing_map_range (const CbamMap *map, float *min, float *max)
{
  *min = *max = map->values[0];
  for (gsize i = 1; i < (gsize) map->width * map->height; i++) {
    *min = MIN (*min, map->values[i]);
    *max = MAX (*max, map->values[i]);
  }
}

/* Bilinear between the centres of the cells, which are centred as pixels are; beyond the outermost as they are. */
static double
layer_value (const HeatLayer *layer, double x, double y)
{
  const CbamMap *map = &layer->map;
  const double u = CLAMP ((x - map->x) / map->frame_width * map->width - 0.5, 0, map->width - 1);
  const double v = CLAMP ((y - map->y) / map->frame_height * map->height - 0.5, 0, map->height - 1);
  const guint left = (guint) u, right = MIN (left + 1, map->width - 1);
  const guint top = (guint) v, bottom = MIN (top + 1, map->height - 1);
  const float *upper = map->values + (gsize) top * map->width, *lower = map->values + (gsize) bottom * map->width;

  const double above = upper[left] + (u - left) * (upper[right] - upper[left]);
  const double below = lower[left] + (u - left) * (lower[right] - lower[left]);
  return layer->high > layer->low ? (above + (v - top) * (below - above) - layer->low) / (layer->high - layer->low) : 0;
}

static gboolean
covers (const HeatLayer *layer, double x, double y)
{
  const CbamMap *map = &layer->map;
  return x >= map->x && y >= map->y && x <= map->x + map->frame_width && y <= map->y + map->frame_height;
}

/* What the layers that lie there make of a place; NaN: none does. */
static double
mixed_value (const CbamDrawingHeat *heat, double x, double y)
{
  double sum = 0, largest = 0;
  guint n = 0;
  for (guint i = 0; i < heat->layers->len; i++) {
    const HeatLayer *layer = &g_array_index (heat->layers, HeatLayer, i);
    if (!covers (layer, x, y))
      continue;
    const double value = layer_value (layer, x, y);
    sum += value;
    largest = MAX (largest, value);
    n++;
  }
  if (n == 0)
    return NAN;
  return heat->mix == CBAM_DRAWING_HEAT_MAX ? largest : sum / n;
}

gboolean
cbam_drawing_heat_stretch (CbamDrawingHeat *heat, double width, double height)
{
  double from = INFINITY, to = -INFINITY, left = width, top = height, right = 0, bottom = 0;
  for (guint i = 0; i < heat->layers->len; i++) {
    const CbamMap *map = &g_array_index (heat->layers, HeatLayer, i).map;
    left = MIN (left, MAX (map->x, 0));
    top = MIN (top, MAX (map->y, 0));
    right = MAX (right, MIN (map->x + map->frame_width, width));
    bottom = MAX (bottom, MIN (map->y + map->frame_height, height));
  }
  for (guint i = 0; i < N_STRETCH; i++)
    for (guint j = 0; j < N_STRETCH; j++) {
      const double x = left + (j + 0.5) / N_STRETCH * (right - left);
      const double y = top + (i + 0.5) / N_STRETCH * (bottom - top);
      const double value = mixed_value (heat, x, y);
      from = value < from ? value : from; /* NaN is passed over */
      to = value > to ? value : to;
    }
  if (!(to > from))
    return FALSE;
  heat->from = from;
  heat->to = to;
  return TRUE;
}

/* A crop and a region leave out parts of a picture, of which the network knows nothing. */
static gboolean
is_seen (const CbamDrawingHeat *heat, double x, double y)
{
  for (guint i = 0; i < heat->layers->len; i++)
    if (covers (&g_array_index (heat->layers, HeatLayer, i), x, y))
      return TRUE;
  return FALSE;
}

double
cbam_drawing_heat_value (const CbamDrawingHeat *heat, double x, double y)
{
  const double value = (mixed_value (heat, x, y) - heat->from) / (heat->to - heat->from);
  return value > 0 && is_seen (heat, x, y) ? MIN (value, 1) : 0; /* NaN is cold */
}

/* matplotlib's inferno, whose steps look equally large and stay in order without colour vision, as Matt Zucker's
 * polynomials (shadertoy.com/view/WlfXRN, CC0). */
void
cbam_drawing_heat_colour (double value, double rgb[3])
{
  static const double powers[][3] = {
    { 0.000219, 0.001651, -0.019481 },     { 0.106513, 0.563956, 3.932712 },      { 11.602493, -3.972854, -15.942394 },
    { -41.703996, 17.436399, 44.354145 },  { 77.162936, -33.402359, -81.807309 }, { -71.319428, 32.626064, 73.209520 },
    { 25.131126, -12.242669, -23.070325 },
  };
  for (guint c = 0; c < 3; c++) {
    double sum = 0;
    for (guint power = G_N_ELEMENTS (powers); power > 0; power--)
      sum = sum * value + powers[power - 1][c];
    rgb[c] = CLAMP (sum, 0, 1);
  }
}

void
cbam_drawing_heat_fill (const CbamDrawingHeat *heat, double cold, double hot, guint8 *pixels, int width, int height,
                        int stride)
{
  guint32 colours[N_COLOURS];
  for (guint i = 0; i < N_COLOURS; i++) {
    const double value = i / (N_COLOURS - 1.0);
    double rgb[3];
    cbam_drawing_heat_colour (value, rgb);
    colours[i] = cbam_drawing_pixel ((CbamDrawingColour){ rgb[0], rgb[1], rgb[2] }, cold + (hot - cold) * value);
  }

  for (int y = 0; y < height; y++) {
    guint32 *row = (guint32 *) (pixels + (gssize) y * stride);
    for (int x = 0; x < width; x++) {
      const double value = cbam_drawing_heat_value (heat, x + 0.5, y + 0.5);
      row[x] = is_seen (heat, x + 0.5, y + 0.5) ? colours[lround ((N_COLOURS - 1) * value)] : 0;
    }
  }
}

void
cbam_drawing_heat_draw (const CbamDrawingHeat *heat, cairo_t *cr, int width, int height)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width, height);
  if (cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS) {
    cbam_drawing_heat_fill (heat, OPACITY_COLD, OPACITY_HOT, cairo_image_surface_get_data (surface), width, height,
                            cairo_image_surface_get_stride (surface));
    cairo_surface_mark_dirty (surface);
  }
  cairo_set_source_surface (cr, surface, 0, 0); /* a surface that failed makes @cr fail */
  cairo_paint (cr);
  cairo_surface_destroy (surface);
}
