/* Colours of classes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Red, green and blue of 0 to 1. */
typedef struct
{
  double r, g, b;
} CbamDrawingColour;

/* Any few classes with neighbouring numbers are easy to tell from each other. */
CbamDrawingColour cbam_drawing_class_colour (guint class_id);

/* The number that stands for a class of which only the name is known: equal names give equal colours. */
guint cbam_drawing_name_to_class (const char *name);

/* Black or white, whichever reads better on @colour. */
CbamDrawingColour cbam_drawing_ink (CbamDrawingColour colour);

/* As cairo wants them: native-endian 0xAARRGGBB, colours multiplied by alpha. */
guint32 cbam_drawing_pixel (CbamDrawingColour colour, double alpha);

G_END_DECLS
