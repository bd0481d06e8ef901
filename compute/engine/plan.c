/* Planning: kernels, layouts, lifetimes and memory, barriers, limits; in this order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/plan.h"

#include <string.h>

static gsize
align (gsize offset, gsize alignment)
{
  return (offset + alignment - 1) / alignment * alignment;
}

/* What maps are made of. */
static CbamType
type_of (CbamPrecision precision)
{
  return precision == CBAM_PRECISION_FP16 ? CBAM_TYPE_F16 : CBAM_TYPE_F32;
}

/* ---- Kernels ---------------------------------------------------------------------------------------------------- */

/* The largest frames and borders that texel views are made for, when maps have no layout yet. */
#define FRAME_TEXELS (1u << 25) /* 8192x4096, four bytes a pixel */
#define MOST_BORDER 8

/* Texels of the largest thing that @variant would bind for @node, roughly and from above. */
static guint64
count_texels (const CbamOpVariant *variant, const CbamNode *node)
{
  guint64 texels = variant->packing != NULL ? variant->packing->size (variant, node) / 4 : 0;

  for (guint i = 0; i < node->n_inputs; i++) {
    const CbamValue *in = node->inputs[i];

    if (in->is_frame)
      texels = MAX (texels, FRAME_TEXELS);
    if (in->kind != CBAM_VALUE_MAP)
      continue;

    const guint64 pixels = (guint64) (in->width + 2 * MOST_BORDER) * (in->height + 2 * MOST_BORDER);

    /* room for whole tiles behind the last block */
    texels = MAX (texels, pixels * in->batch * (cbam_value_blocks (in) + 16));
  }
  return texels;
}

/* Whether @variant can run @node on the device; if the device is why not, *@ret_shortage says what is missing. */
static gboolean
can_run (const CbamOpVariant *variant, const CbamNode *node, CbamLayout layout, const CbamPlanConfig *config,
         CbamShortage *ret_shortage)
{
  const CbamDeviceCaps *caps = config->caps;

  if (cbam_variant_get_type (variant) != type_of (config->precision))
    return FALSE;
  if ((variant->needs & CBAM_NEED_BLOCKED) && layout != CBAM_LAYOUT_BLOCKED)
    return FALSE;
  if (variant->fits != NULL && !variant->fits (variant, node))
    return FALSE;
  if (!cbam_variant_runs (variant, caps, ret_shortage))
    return FALSE;
  if (!(variant->needs & CBAM_NEED_TEXELS) || count_texels (variant, node) <= caps->max_texels)
    return TRUE;
  *ret_shortage = (CbamShortage){ "texels in a buffer", count_texels (variant, node), caps->max_texels };
  return FALSE;
}

static const CbamOpVariant *
choose_variant (const CbamNode *node, CbamLayout layout, const CbamPlanConfig *config, CbamShortage *ret_shortage)
{
  const CbamOpVariant *best = NULL;
  double best_cost = 0;

  for (guint i = 0; i < node->op->n_variants; i++) {
    const CbamOpVariant *variant = &node->op->variants[i];
    double cost;

    if (!can_run (variant, node, layout, config, ret_shortage))
      continue;
    if (config->variant != NULL && g_str_equal (config->variant, variant->name))
      return variant;
    if (best != NULL && best->cost != NULL && variant->cost == NULL)
      continue; /* kernels without an estimate stand last in their table: they run everywhere, and best nowhere */
    cost = variant->cost != NULL ? variant->cost (variant, node, config->caps) : 0;
    if (best != NULL && cost >= best_cost)
      continue;
    best = variant;
    best_cost = cost;
  }
  return best;
}

/* Such as tails of levels: they wait for others, and nobody for them or for each other. */
static gboolean
is_sink (const CbamNode *node)
{
  for (guint i = 0; i < node->n_outputs; i++)
    if (node->outputs[i]->kind == CBAM_VALUE_MAP || !node->outputs[i]->accumulates)
      return FALSE;
  return TRUE;
}

static gboolean
add_step (CbamPlan *plan, const CbamNode *node, const CbamPlanConfig *config, GError **error)
{
  CbamStep *step = &plan->steps[plan->n_steps++];
  CbamShortage shortage = { NULL };
  g_autofree char *both = NULL;

  step->node = node;
  if (config->caps->is_host)
    return TRUE;
  step->variant = choose_variant (node, plan->layout, config, &shortage);
  if (step->variant != NULL)
    return TRUE;
  if (shortage.what != NULL)
    both = g_strdup_printf ("; the last that could needs %" G_GUINT64_FORMAT " %s, the device has %" G_GUINT64_FORMAT,
                            shortage.needed, shortage.what, shortage.there);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "%s: no kernel of %s runs on this device%s", node->name,
               node->op->name, both != NULL ? both : "");
  return FALSE;
}

/* Layout and kernels, of which the host has its own: a kernel may need the blocked layout and none the other, so that
 * on a CPU device, where maps may lie either way, that one is never the dearer. The steps have the graph's order, but
 * sinks last: what the levels' tails wait for runs side by side then. */
static gboolean
choose_kernels (CbamPlan *plan, const CbamPlanConfig *config, GError **error)
{
  const GPtrArray *nodes = plan->graph->nodes;

  plan->layout = config->caps->is_host                          ? CBAM_LAYOUT_DENSE
                 : config->caps->is_cpu && !config->pixel_major ? CBAM_LAYOUT_BLOCKED
                                                                : CBAM_LAYOUT_PIXEL_MAJOR;
  plan->steps = g_new0 (CbamStep, nodes->len);
  for (guint sinks = 0; sinks <= 1; sinks++)
    for (guint n = 0; n < nodes->len; n++) {
      const CbamNode *node = g_ptr_array_index (nodes, n);

      if (node->n_inputs > 0 && is_sink (node) == (gboolean) sinks && /* else it is the host's input */
          !add_step (plan, node, config, error))
        return FALSE;
    }
  return TRUE;
}

const char *
cbam_plan_get_kernels (const CbamPlan *plan, const CbamDeviceCaps *caps)
{
  guint n_texel = 0, n_narrow = 0;

  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamOpVariant *variant = plan->steps[s].variant;

    n_texel += (variant->needs & CBAM_NEED_TEXELS) != 0;
    n_narrow += cbam_variant_get_shader (variant, caps) == variant->narrow;
    if (cbam_variant_get_type (variant) == CBAM_TYPE_F16)
      return "plain in fp16"; /* all of them are */
  }
  if (n_texel == 0)
    return "plain";
  if (n_texel == plan->n_steps)
    return n_narrow > 0 ? "texel, without 64-bit integers" : "texel";
  return n_narrow > 0 ? "texel and plain, without 64-bit integers" : "texel and plain";
}

CbamFusions
cbam_plan_get_fusions (const CbamDeviceCaps *caps, CbamPrecision precision)
{
  /* What pays is known of lavapipe only, and GPUs have units that multiply matrices faster than this saves. In 16 bits
   * the transforms would lose digits, and there are none. */
  const gboolean transforms = caps->is_cpu && type_of (precision) == CBAM_TYPE_F32;
  CbamFusions fusions = transforms ? CBAM_FUSE_ALL : CBAM_FUSE_ALL & ~CBAM_FUSE_WINOGRAD;

  for (guint o = 0; cbam_ops[o] != NULL; o++)
    if (cbam_ops[o]->case_fusions != 0 && !cbam_op_runs (cbam_ops[o], type_of (precision), caps))
      fusions &= ~cbam_ops[o]->fusion;
  return fusions;
}

/* ---- Maps ------------------------------------------------------------------------------------------------------- */

static void
lay_out_maps (CbamPlan *plan, const CbamPlanConfig *config)
{
  GPtrArray *values = plan->graph->values;

  for (guint s = 0; s < plan->n_steps && plan->layout != CBAM_LAYOUT_DENSE; s++) {
    const CbamNode *node = plan->steps[s].node;
    const guint whole = MAX (plan->steps[s].variant->whole_blocks, 1);

    for (guint i = 0; i < node->n_inputs; i++)
      if (node->op->border != NULL)
        node->inputs[i]->border = MAX (node->inputs[i]->border, node->op->border (node, i));
    for (guint i = 0; i < node->n_outputs; i++) { /* several may write one, each by another kernel */
      const guint stored = (cbam_value_blocks (node->outputs[i]) + whole - 1) / whole * whole;

      node->outputs[i]->blocks = MAX (node->outputs[i]->blocks, stored);
    }
  }
  for (guint t = 0; t < values->len; t++) {
    CbamValue *value = g_ptr_array_index (values, t);

    if (value->kind != CBAM_VALUE_MAP)
      continue;
    value->type = type_of (config->precision);
    cbam_value_lay_out (value, plan->layout);
  }
}

static void
find_lifetimes (CbamPlan *plan)
{
  GPtrArray *values = plan->graph->values;

  for (guint t = 0; t < values->len; t++) {
    CbamValue *value = g_ptr_array_index (values, t);

    value->first = value->last = -1; /* fused away unless a step says otherwise */
  }
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamNode *node = plan->steps[s].node;

    for (guint i = 0; i < node->n_outputs; i++) { /* which several steps may fill together */
      CbamValue *out = node->outputs[i];

      out->first = out->first < 0 ? (gint) s : out->first;
      out->last = (gint) s;
    }
    for (guint i = 0; i < node->n_inputs; i++)
      node->inputs[i]->last = (gint) s;
  }
}

static gboolean
lives (const CbamValue *value)
{
  return value->last >= 0;
}

static gint
by_falling_size (gconstpointer a, gconstpointer b)
{
  const CbamValue *p = *(CbamValue *const *) a, *q = *(CbamValue *const *) b;

  if (p->size != q->size)
    return p->size < q->size ? 1 : -1;
  return p->id < q->id ? -1 : 1;
}

static gint
by_offset (gconstpointer a, gconstpointer b)
{
  const CbamValue *p = *(CbamValue *const *) a, *q = *(CbamValue *const *) b;

  return p->offset < q->offset ? -1 : p->offset > q->offset;
}

/* The lowest offset at which @value overlaps no map of @placed (sorted by offset) that lives at the same time. */
static gsize
find_offset (const CbamValue *value, GPtrArray *placed, const CbamPlanConfig *config)
{
  gsize offset = 0;

  for (guint i = 0; i < placed->len; i++) {
    const CbamValue *other = g_ptr_array_index (placed, i);
    const gboolean together = config->canary > 0 || (value->first <= other->last && other->first <= value->last);

    if (together && offset < other->offset + other->size + config->canary &&
        other->offset < offset + value->size + config->canary)
      offset = align (other->offset + other->size + config->canary, config->caps->range_alignment);
  }
  return offset;
}

/* Largest first, each at the lowest place that is free for as long as it lives. */
static void
place_in_arena (CbamPlan *plan, const CbamPlanConfig *config)
{
  g_autoptr (GPtrArray) todo = g_ptr_array_new (), placed = g_ptr_array_new ();

  for (guint t = 0; t < plan->graph->values->len; t++) {
    CbamValue *value = g_ptr_array_index (plan->graph->values, t);

    if (lives (value) && cbam_value_get_home (value) == CBAM_HOME_ARENA)
      g_ptr_array_add (todo, value);
  }
  g_ptr_array_sort (todo, by_falling_size);
  for (guint i = 0; i < todo->len; i++) {
    CbamValue *value = g_ptr_array_index (todo, i);

    value->offset = find_offset (value, placed, config);
    plan->arena_size = MAX (plan->arena_size, value->offset + value->size + config->canary);
    g_ptr_array_add (placed, value);
    g_ptr_array_sort (placed, by_offset);
  }
}

/* ---- Slot and weights ------------------------------------------------------------------------------------------- */

static gsize
reserve (gsize *offset, gsize size, const CbamPlanConfig *config)
{
  const gsize at = align (*offset, MAX (config->caps->range_alignment, config->caps->atom_size));

  *offset = at + size + config->canary;
  return at;
}

static void
place_in_slot (CbamPlan *plan, const CbamPlanConfig *config)
{
  for (guint t = 0; t < plan->graph->values->len; t++) {
    CbamValue *value = g_ptr_array_index (plan->graph->values, t);

    if (lives (value) && cbam_value_get_home (value) == CBAM_HOME_SLOT)
      value->offset = reserve (&plan->slot_size, value->size, config);
  }
}

/* A word for each step whose kernel has one, at a place that can be bound. */
static void
place_largest (CbamPlan *plan, const CbamPlanConfig *config)
{
  plan->largest_begin = plan->largest_end = plan->slot_size;
  for (guint s = 0; s < plan->n_steps && type_of (config->precision) == CBAM_TYPE_F16; s++) {
    CbamStep *step = &plan->steps[s];
    CbamBinding bindings[CBAM_MAX_BINDINGS];
    const guint n = cbam_variant_get_bindings (step->variant, step->node, bindings);
    const gboolean has_one = bindings[n - 1].kind == CBAM_BIND_LARGEST;

    step->largest = has_one ? (gssize) reserve (&plan->slot_size, sizeof (guint32), config) : -1;
  }
  plan->largest_end = plan->slot_size;
}

/* The first step whose weights are those of @step; NULL = none before it. */
static const CbamStep *
find_same_weights (const CbamPlan *plan, const CbamStep *step)
{
  const CbamPacking *packing = step->variant->packing;

  for (const CbamStep *other = plan->steps; packing->same != NULL && other < step; other++)
    if (other->variant->packing == packing && other->weights_size == step->weights_size &&
        packing->same (other->node, step->node))
      return other;
  return NULL;
}

static void
place_weights (CbamPlan *plan, const CbamPlanConfig *config)
{
  for (guint s = 0; s < plan->n_steps; s++) {
    CbamStep *step = &plan->steps[s];
    const CbamStep *same;

    if (step->variant == NULL || step->variant->packing == NULL)
      continue;
    step->weights_type = step->variant->packing->exact ? CBAM_TYPE_F32 : type_of (config->precision);
    step->weights_size = step->variant->packing->size (step->variant, step->node) * cbam_type_size (step->weights_type);
    same = find_same_weights (plan, step);
    if (same != NULL) {
      step->weights_offset = same->weights_offset;
      continue;
    }
    step->weights_offset = align (plan->weights_size, config->caps->range_alignment);
    plan->weights_size = step->weights_offset + step->weights_size;
  }
}

/* ---- Barriers --------------------------------------------------------------------------------------------------- */

/* A value that a step touched since the last barrier. */
typedef struct
{
  const CbamValue *value;
  gboolean written;
} Access;

/* Neither waits for the other: what nobody writes, other memory, or a value that both add to in their own places. */
static gboolean
conflict (const Access *a, const Access *b)
{
  const CbamValue *v = a->value, *w = b->value;

  if (!a->written && !b->written)
    return FALSE;
  if (v == w)
    return !(v->accumulates && a->written && b->written);
  return cbam_value_get_home (v) == cbam_value_get_home (w) && v->offset < w->offset + w->size &&
         w->offset < v->offset + v->size;
}

static gboolean
conflicts (const GArray *since, const Access *access)
{
  for (guint i = 0; i < since->len; i++)
    if (conflict (&g_array_index (since, Access, i), access))
      return TRUE;
  return FALSE;
}

static guint
accesses_of (const CbamNode *node, Access *ret_accesses)
{
  guint n = 0;

  for (guint i = 0; i < node->n_inputs; i++)
    ret_accesses[n++] = (Access){ node->inputs[i], FALSE };
  for (guint i = 0; i < node->n_outputs; i++)
    ret_accesses[n++] = (Access){ node->outputs[i], TRUE };
  return n;
}

static void
place_barriers (CbamPlan *plan)
{
  g_autoptr (GArray) since = g_array_new (FALSE, FALSE, sizeof (Access));

  for (guint s = 0; s < plan->n_steps; s++) {
    Access accesses[CBAM_MAX_INPUTS + CBAM_MAX_OUTPUTS];
    const guint n = accesses_of (plan->steps[s].node, accesses);

    for (guint i = 0; i < n; i++)
      plan->steps[s].barrier |= conflicts (since, &accesses[i]);
    if (plan->steps[s].barrier)
      g_array_set_size (since, 0);
    g_array_append_vals (since, accesses, n);
  }
}

/* ---- Limits ----------------------------------------------------------------------------------------------------- */

static gboolean
check_bindings (const CbamPlan *plan, const CbamStep *step, const CbamPlanConfig *config, GError **error)
{
  static const char *const whats[] = { "inputs", "weights", "outputs", "largest number" };
  CbamBinding bindings[CBAM_MAX_BINDINGS];
  const guint n = cbam_variant_get_bindings (step->variant, step->node, bindings);

  for (guint b = 0; b < n; b++) {
    const gsize texel = CBAM_TEXEL_CHANNELS * sizeof (float);
    const gsize texels = config->caps->max_texels * texel, range = config->caps->max_storage_range;
    const gsize limit = bindings[b].texels ? MIN (texels, range) : range;
    const gsize size = bindings[b].value != NULL               ? bindings[b].value->size
                       : bindings[b].kind == CBAM_BIND_WEIGHTS ? step->weights_size
                                                               : sizeof (guint32);

    if (size <= limit)
      continue;
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%s: its %s take %" G_GSIZE_FORMAT " bytes; this device binds at most %" G_GSIZE_FORMAT,
                 step->node->name, whats[bindings[b].kind], size, limit);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_step (const CbamPlan *plan, const CbamStep *step, const CbamPlanConfig *config, GError **error)
{
  const CbamNode *node = step->node;

  for (guint i = 0; i < 3; i++) {
    if (step->dispatch.groups[i] <= config->caps->max_groups[i])
      continue;
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%s: needs %u workgroups along axis %u; this device runs at most %u", node->name,
                 step->dispatch.groups[i], i, config->caps->max_groups[i]);
    return FALSE;
  }
  return check_bindings (plan, step, config, error);
}

/* ---- The plan --------------------------------------------------------------------------------------------------- */

CbamPlan *
cbam_plan_new (CbamGraph *graph, const CbamPlanConfig *config, GError **error)
{
  g_autoptr (CbamPlan) plan = g_new0 (CbamPlan, 1);

  plan->graph = graph;
  if (!choose_kernels (plan, config, error))
    return NULL;
  lay_out_maps (plan, config);
  find_lifetimes (plan);
  place_in_arena (plan, config);
  place_in_slot (plan, config);
  place_largest (plan, config);
  place_weights (plan, config);
  place_barriers (plan);
  for (guint s = 0; s < plan->n_steps; s++) {
    CbamStep *step = &plan->steps[s];

    if (step->variant == NULL)
      continue;
    step->variant->dispatch (step->variant, step->node, &step->dispatch);
    step->dispatch.groups[2] = step->node->outputs[0]->batch;
    if (!check_step (plan, step, config, error))
      return NULL;
  }
  return g_steal_pointer (&plan);
}

gsize
cbam_step_count_bytes (const CbamStep *step)
{
  gsize bytes = step->weights_size;

  for (guint i = 0; i < step->node->n_inputs; i++)
    bytes += step->node->inputs[i]->size;
  for (guint i = 0; i < step->node->n_outputs; i++)
    bytes += step->node->outputs[i]->size;
  return bytes;
}

void
cbam_plan_free (CbamPlan *plan)
{
  if (plan == NULL)
    return;
  g_clear_pointer (&plan->graph, cbam_graph_free);
  g_free (plan->steps);
  g_free (plan);
}
