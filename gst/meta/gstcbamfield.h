/* Numbers in structures that others wrote: whatever type they have there, and only those that are numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

/* What a region is called, whatever bytes somebody has put there: UTF-8. (transfer full) */
char *gst_cbam_field_dup_label (GQuark label);

/* The number in @field, be it of any type of whole numbers or fractions. FALSE, and *@number as it was: there is none,
 * it is something else, or it is not finite. */
gboolean gst_cbam_field_get_number (const GstStructure *structure, const char *field, double *number);

/* The same, of a whole number of 0 or more that fits into an int. */
gboolean gst_cbam_field_get_count (const GstStructure *structure, const char *field, int *count);

/* Edges of a box in fractions of a frame: the fields x_min, y_min, x_max and y_max. FALSE: not all of them are there.
 */
typedef struct
{
  double x_min, y_min, x_max, y_max;
} GstCbamEdges;

gboolean gst_cbam_field_get_edges (const GstStructure *structure, GstCbamEdges *edges);

/* Appends @structure, which it takes, to a GstValueList. */
void gst_cbam_field_append (GValue *list, GstStructure *structure);
