/* Colours of classes: hues a golden angle apart, so that a new one is never close to an earlier one. Dark hues are
 * whitened, so that all of them show on a dark picture; on a bright one it is a dark rim that makes them stand out.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "palette.h"

#include <math.h>

#define GOLDEN 0.61803398874989485 /* of a turn */
#define FIRST_HUE 0.45
#define LEAST_LUMA 0.55
#define LEAST_WHITE 0.1

static double
luma (CbamDrawingColour c)
{
  return 0.299 * c.r + 0.587 * c.g + 0.114 * c.b;
}

static CbamDrawingColour
hue_colour (double hue)
{
  const double sixth = hue * 6, rise = sixth - floor (sixth), fall = 1 - rise;

  switch ((int) sixth) {
    case 0: return (CbamDrawingColour){ 1, rise, 0 };
    case 1: return (CbamDrawingColour){ fall, 1, 0 };
    case 2: return (CbamDrawingColour){ 0, 1, rise };
    case 3: return (CbamDrawingColour){ 0, fall, 1 };
    case 4: return (CbamDrawingColour){ rise, 0, 1 };
    default: return (CbamDrawingColour){ 1, 0, fall };
  }
}

CbamDrawingColour
cbam_drawing_class_colour (guint class_id)
{
  const CbamDrawingColour c = hue_colour (fmod (FIRST_HUE + class_id * GOLDEN, 1.0));
  const double white = MAX (LEAST_WHITE, (LEAST_LUMA - luma (c)) / (1 - luma (c)));

  return (CbamDrawingColour){ c.r + (1 - c.r) * white, c.g + (1 - c.g) * white, c.b + (1 - c.b) * white };
}

guint
cbam_drawing_name_to_class (const char *name)
{
  return g_str_hash (name) % 1000; /* small enough for fmod() to be exact about the hue */
}

/* Both contrast alike at a relative luminance of 0.18. */
CbamDrawingColour
cbam_drawing_ink (CbamDrawingColour colour)
{
  const double luminance = 0.2126 * pow (colour.r, 2.2) + 0.7152 * pow (colour.g, 2.2) + 0.0722 * pow (colour.b, 2.2);

  return luminance > 0.18 ? (CbamDrawingColour){ 0, 0, 0 } : (CbamDrawingColour){ 1, 1, 1 };
}

guint32
cbam_drawing_pixel (CbamDrawingColour colour, double alpha)
{
  const double scale = 255 * alpha;

  return (guint32) lround (scale) << 24 | (guint32) lround (scale * colour.r) << 16 |
         (guint32) lround (scale * colour.g) << 8 | (guint32) lround (scale * colour.b);
}
