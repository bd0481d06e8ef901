/* Running a graph by its ops' reference functions.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/reference/reference.h"

struct _CbamReference
{
  const CbamGraph *graph;
  guint8 **values;       /* by id; NULL until somebody asks for it */
  const guint8 *pixels;  /* of the frame */
  guint n_images, image; /* of the batch: that are run, and the one that is on */
};

CbamReference *
cbam_reference_new (const CbamGraph *graph)
{
  CbamReference *reference = g_new0 (CbamReference, 1);

  reference->graph = graph;
  reference->n_images = graph->batch;
  reference->values = g_new0 (guint8 *, graph->values->len);
  return reference;
}

void
cbam_reference_free (CbamReference *reference)
{
  if (reference == NULL)
    return;
  for (guint i = 0; i < reference->graph->values->len; i++)
    g_free (reference->values[i]);
  g_free (reference->values);
  g_free (reference);
}

static guint8 *
get_value (CbamReference *reference, const CbamValue *value)
{
  const gboolean is_map = value->kind == CBAM_VALUE_MAP;

  if (reference->values[value->id] == NULL)
    reference->values[value->id] = g_malloc0 (is_map ? cbam_value_count (value) * sizeof (float) : value->size);
  return reference->values[value->id];
}

void
cbam_reference_set_images (CbamReference *reference, guint n_images)
{
  reference->n_images = n_images > 0 ? n_images : reference->graph->batch;
}

void
cbam_reference_run_node (CbamReference *reference, const CbamNode *node, const guint8 *pixels)
{
  reference->pixels = pixels;
  for (reference->image = 0; reference->image < reference->n_images; reference->image++)
    node->op->reference (reference, node);
  reference->image = 0;
}

void
cbam_reference_run (CbamReference *reference, const guint8 *pixels)
{
  reference->pixels = pixels;
  for (reference->image = 0; reference->image < reference->n_images; reference->image++)
    for (guint n = 0; n < reference->graph->nodes->len; n++) {
      const CbamNode *node = g_ptr_array_index (reference->graph->nodes, n);

      node->op->reference (reference, node);
    }
  reference->image = 0;
}

float *
cbam_reference_get_all (CbamReference *reference, const CbamValue *value)
{
  return (float *) get_value (reference, value);
}

float *
cbam_reference_get (CbamReference *reference, const CbamValue *value)
{
  return cbam_reference_get_all (reference, value) + cbam_value_count (value) / value->batch * reference->image;
}

guint8 *
cbam_reference_get_bytes (CbamReference *reference, const CbamValue *value)
{
  return value->is_frame ? (guint8 *) reference->pixels : get_value (reference, value);
}

guint
cbam_reference_get_image (const CbamReference *reference)
{
  return reference->image;
}
