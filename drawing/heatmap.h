/* Heat maps: what a network weighed, in colours over the picture it looked at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cairo.h>
#include <cbamdetect/result.h>

G_BEGIN_DECLS

/* What several layers make of a place. */
typedef enum
{
  CBAM_DRAWING_HEAT_MEAN,
  CBAM_DRAWING_HEAT_MAX,
} CbamDrawingHeatMix;

typedef struct
{
  CbamDrawingHeatMix mix;
  char *title;
  char *low, *high; /* what the legend calls the coldest and the hottest colour */
  GArray *layers;   /* private */
  double from, to;  /* private: what the layers make of a place, cold and hot */
} CbamDrawingHeat;

/* One without layers. */
CbamDrawingHeat *cbam_drawing_heat_new (CbamDrawingHeatMix mix, const char *low, const char *high,
                                        const char *title_format, ...) G_GNUC_PRINTF (4, 5);
void cbam_drawing_heat_free (CbamDrawingHeat *heat);

/* Adds a layer: @low is cold and @high is hot, all cold where these are equal. The values must outlive @heat. */
void cbam_drawing_heat_add (CbamDrawingHeat *heat, const CbamMap *map, float low, float high);

/* Adds a level from its own minimum to its own maximum: levels differ in how far they open, and the question is where.
 * One that is the same everywhere (1x1, say) has no answer to that and is left out. */
void cbam_drawing_heat_add_attention (CbamDrawingHeat *heat, const CbamAttention *attention);

/* Fits a heat map of one picture to a copy of another size. */
void cbam_drawing_heat_scale (CbamDrawingHeat *heat, double x, double y);

/* Makes the coldest place of a picture of this size that the network looked at 0 and the hottest 1: layers that
 * disagree about where that is leave neither. Returns %FALSE where all places are alike. */
gboolean cbam_drawing_heat_stretch (CbamDrawingHeat *heat, double width, double height);

/* The heat at a point of the picture: 0 (cold) to 1 (hot); 0 where the network did not look. */
double cbam_drawing_heat_value (const CbamDrawingHeat *heat, double x, double y);

/* The colour of a heat of 0 to 1: red, green and blue of 0 to 1. */
void cbam_drawing_heat_colour (double value, double rgb[3]);

/* Fills a picture of this size, 4 bytes a pixel as cairo wants them, with the colours: as opaque as @cold and @hot say
 * (0 to 1) at the ends, and in between in proportion; not at all where the network did not look. */
void cbam_drawing_heat_fill (const CbamDrawingHeat *heat, double cold, double hot, guint8 *pixels, int width,
                             int height, int stride);

/* Lays the colours over a picture of this size at the origin: the hotter, the more opaque. */
void cbam_drawing_heat_draw (const CbamDrawingHeat *heat, cairo_t *cr, int width, int height);

/* The least and the largest value of a map that has values. */
void cbam_drawing_map_range (const CbamMap *map, float *min, float *max);

G_END_DECLS
