/* Numbers in structures that others wrote: whatever type they have there, and only those that are numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamfield.h"

#include <math.h>

char *
gst_cbam_field_dup_label (GQuark label)
{
  const char *text = g_quark_to_string (label);

  return g_utf8_make_valid (text != NULL ? text : "", -1);
}

static const GType number_types[] = { G_TYPE_DOUBLE, G_TYPE_FLOAT,  G_TYPE_INT,  G_TYPE_UINT,
                                      G_TYPE_INT64,  G_TYPE_UINT64, G_TYPE_LONG, G_TYPE_ULONG };

static gboolean
is_number (const GValue *value)
{
  for (gsize i = 0; i < G_N_ELEMENTS (number_types); i++)
    if (G_VALUE_HOLDS (value, number_types[i]))
      return TRUE;
  return FALSE;
}

gboolean
gst_cbam_field_get_number (const GstStructure *structure, const char *field, double *number)
{
  const GValue *value = gst_structure_get_value (structure, field);
  g_auto (GValue) as_double = G_VALUE_INIT;

  if (value == NULL || !is_number (value))
    return FALSE;
  g_value_init (&as_double, G_TYPE_DOUBLE);
  g_value_transform (value, &as_double);
  if (!isfinite (g_value_get_double (&as_double)))
    return FALSE;
  *number = g_value_get_double (&as_double);
  return TRUE;
}

gboolean
gst_cbam_field_get_count (const GstStructure *structure, const char *field, int *count)
{
  double number;

  if (!gst_cbam_field_get_number (structure, field, &number) || !(number >= 0 && number <= G_MAXINT) ||
      number != floor (number))
    return FALSE;
  *count = (int) number;
  return TRUE;
}

gboolean
gst_cbam_field_get_edges (const GstStructure *structure, GstCbamEdges *edges)
{
  return gst_cbam_field_get_number (structure, "x_min", &edges->x_min) &&
         gst_cbam_field_get_number (structure, "y_min", &edges->y_min) &&
         gst_cbam_field_get_number (structure, "x_max", &edges->x_max) &&
         gst_cbam_field_get_number (structure, "y_max", &edges->y_max);
}

void
gst_cbam_field_append (GValue *list, GstStructure *structure)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, structure);
  gst_value_list_append_and_take_value (list, &value);
}
