/* CbamDrawingPlates: where labels stand, beside their boxes and off each other.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cairo.h>
#include <glib.h>

G_BEGIN_DECLS

/* The plates of one picture. */
typedef struct
{
  double width, height; /* of the picture */
  GArray *placed;       /* cairo_rectangle_t: what further plates keep off */
} CbamDrawingPlates;

CbamDrawingPlates *cbam_drawing_plates_new (double width, double height);
void cbam_drawing_plates_free (CbamDrawingPlates *plates);

/* Finds a place for the label of @box and takes it. Sizes and the box's edges are whole numbers, and so is the place.
 */
cairo_rectangle_t cbam_drawing_plates_place (CbamDrawingPlates *plates, const cairo_rectangle_t *box, double width,
                                             double height);

/* Takes a place for something else. */
void cbam_drawing_plates_take (CbamDrawingPlates *plates, const cairo_rectangle_t *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamDrawingPlates, cbam_drawing_plates_free)

G_END_DECLS
