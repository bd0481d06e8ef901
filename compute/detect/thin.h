/* Thinning: of a frame too large for the device to bind, the lines that the network's input is sampled from and no
 * others. What is sampled stays the same to the last bit: positions are those of the whole frame, and args/frame.h says
 * how a line's number becomes its place among those that are there.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "detect/image.h"

/* Which way to leave lines out. */
typedef enum
{
  CBAM_THIN_COLUMNS = 1 << 0,
  CBAM_THIN_ROWS = 1 << 1,
} CbamThinAxes;

/* Fills @frame->thin for a frame that cbam_frame_fill() has described. Axes that are sampled so densely that leaving
 * lines out gains little keep them all. */
void cbam_thin_fill (CbamFrameArgs *frame, const CbamInputSpec *input, CbamThinAxes axes);

/* How many of @extent lines are there. */
guint cbam_thin_count (const CbamThinAxis *axis, guint extent);
/* What is there of a frame in the host's memory is three planes of bytes, one a component. Says so in @frame, and
 * returns how many bytes they take. */
gsize cbam_thin_place (CbamFrameArgs *frame);
/* Copies them out of @image. */
void cbam_thin_pack (const CbamImage *image, const CbamFrameArgs *frame, guint8 *out);
