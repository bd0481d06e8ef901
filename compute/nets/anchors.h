/* Anchors (default boxes, priors): the boxes that a detector's outputs are offsets from.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "file/spec.h"

/* One anchor: centre and size as fractions 0..1 of the network's input. Also the layout on the device. */
typedef struct
{
  float cx, cy, w, h;
} CbamAnchor;

/* Anchors per cell of @level by the generator (SSD section 2.2; Caffe's prior_box_layer.cpp): a square of the min
 * size, one of the geometric mean where a max size is given, two per aspect ratio. */
guint cbam_anchors_per_cell (const CbamAnchorSpec *spec, guint level);

/* All anchors in the order level, row, column, box; @input_width and @input_height in pixels. The spec must be a
 * generator. Returns (transfer full) (element-type CbamAnchor). */
GArray *cbam_anchors_generate (const CbamAnchorSpec *spec, guint input_width, guint input_height);
