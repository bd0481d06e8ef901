/* Which maps are stored as fractions: those that must be, and those that stand or fall with them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/scale.h"

#include <math.h>

#define MOST_EXPONENT 16

/* Maps that have one exponent together: each knows another one of its set, the last itself. */
typedef struct
{
  guint *next;      /* by value */
  gboolean *is_set; /* by the set's last: all of it is as it is */
  gint *exponents;  /* by the set's last */
} Sets;

static guint
find_last (const Sets *sets, const CbamValue *value)
{
  guint v = value->id;

  while (sets->next[v] != v)
    v = sets->next[v];
  return v;
}

static void
join (Sets *sets, const CbamValue *a, const CbamValue *b)
{
  const guint from = find_last (sets, a), to = find_last (sets, b);

  sets->next[from] = to;
  sets->is_set[to] |= sets->is_set[from];
}

static void
fix (Sets *sets, const CbamValue *value)
{
  sets->is_set[find_last (sets, value)] = TRUE;
}

static CbamScaling
scaling_of (const CbamNode *node)
{
  return node->op->scaling != NULL ? node->op->scaling (node) : CBAM_SCALING_NONE;
}

static void
take_node (Sets *sets, const CbamNode *node)
{
  const CbamScaling scaling = scaling_of (node);
  const CbamValue *out = node->outputs[0];

  for (guint i = 0; i < node->n_inputs; i++) {
    if (scaling == CBAM_SCALING_NONE)
      fix (sets, node->inputs[i]);
    else if (scaling == CBAM_SCALING_SAME || i > 0)
      join (sets, node->inputs[i], out);
  }
  for (guint i = 0; i < node->n_outputs; i++)
    if (scaling == CBAM_SCALING_NONE || scaling == CBAM_SCALING_INPUT)
      fix (sets, node->outputs[i]);
}

/* The least that leaves room, as long as weights that make up for it have digits left. */
static gint
exponent_for (float largest)
{
  return largest > CBAM_HALF_NEAR_MOST ? (gint) MIN (ceil (log2 (largest / CBAM_HALF_NEAR_MOST)), MOST_EXPONENT) : 0;
}

static void
find_exponents (Sets *sets, const CbamGraph *graph, const float *largest)
{
  for (guint v = 0; v < graph->values->len; v++)
    if (((const CbamValue *) g_ptr_array_index (graph->values, v))->host != 0)
      fix (sets, g_ptr_array_index (graph->values, v));
  for (guint n = 0; n < graph->nodes->len; n++)
    take_node (sets, g_ptr_array_index (graph->nodes, n));
  for (guint v = 0; v < graph->values->len; v++) {
    const guint last = find_last (sets, g_ptr_array_index (graph->values, v));

    if (!sets->is_set[last])
      sets->exponents[last] = MAX (sets->exponents[last], exponent_for (largest[v]));
  }
}

gboolean
cbam_graph_scale (CbamGraph *graph, const float *largest, gint **ret_exponents)
{
  const guint n_values = graph->values->len;
  g_autofree guint *next = g_new (guint, n_values);
  g_autofree gboolean *is_set = g_new0 (gboolean, n_values);
  g_autofree gint *by_set = g_new0 (gint, n_values), *exponents = g_new (gint, n_values);
  Sets sets = { next, is_set, by_set };
  gboolean any = FALSE;

  for (guint v = 0; v < n_values; v++)
    next[v] = v;
  find_exponents (&sets, graph, largest);
  for (guint v = 0; v < n_values; v++) {
    exponents[v] = by_set[find_last (&sets, g_ptr_array_index (graph->values, v))];
    any |= exponents[v] != 0;
  }
  for (guint n = 0; n < graph->nodes->len; n++) {
    CbamNode *node = g_ptr_array_index (graph->nodes, n);
    const gint in = node->n_inputs > 0 ? exponents[node->inputs[0]->id] : 0, out = exponents[node->outputs[0]->id];

    if (node->op->rescale != NULL && (in != 0 || out != 0))
      node->op->rescale (graph, node, in, out);
  }
  *ret_exponents = g_steal_pointer (&exponents);
  return any;
}
