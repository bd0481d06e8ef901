/* Planning: kernels, layouts, lifetimes and memory, barriers, limits; in this order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/plan.h"

#include "args/frame.h"

#include "ops/detect.h"

#include <string.h>

gboolean
cbam_plan_is_in_slot (const CbamValue *value)
{
  return value->keep || value->host;
}

static gsize
align (gsize offset, gsize alignment)
{
  return (offset + alignment - 1) / alignment * alignment;
}

/* ---- Kernels ---------------------------------------------------------------------------------------------------- */

/* The largest frames and borders that texel views are made for, when maps have no layout yet. */
#define FRAME_TEXELS (1u << 25) /* 8192x4096, four bytes a pixel */
#define MOST_BORDER 8

/* Texels of the largest thing that @variant would bind for @node, roughly and from above. */
static guint64
count_texels (const CbamOpVariant *variant, const CbamNode *node)
{
  guint64 texels = node->op->packed_size ? node->op->packed_size (variant, node) / 4 : 0;

  for (guint b = 0; b < CBAM_MAX_BINDINGS; b++)
    if (variant->bindings[b] == CBAM_BIND_PIXELS)
      texels = MAX (texels, FRAME_TEXELS);
  for (guint i = 0; i < node->n_inputs; i++) {
    const CbamValue *in = node->inputs[i];
    const guint64 pixels = (guint64) (in->width + 2 * MOST_BORDER) * (in->height + 2 * MOST_BORDER);

    texels = MAX (texels, pixels * (cbam_value_blocks (in) + 16)); /* room for whole tiles behind the last block */
  }
  return texels;
}

/* Whether @variant can run @node on the device; if the device is why not, *@ret_shortage says what is missing. */
static gboolean
can_run (const CbamOpVariant *variant, const CbamNode *node, CbamLayout layout, const CbamDeviceCaps *caps,
         CbamShortage *ret_shortage)
{
  if ((variant->needs & CBAM_NEED_BLOCKED) && layout != CBAM_LAYOUT_BLOCKED)
    return FALSE;
  if (variant->fits && !variant->fits (variant, node))
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

    if (!can_run (variant, node, layout, config->caps, ret_shortage))
      continue;
    if (config->variant && g_str_equal (config->variant, variant->name))
      return variant;
    if (best && best->cost && !variant->cost)
      continue; /* kernels without an estimate stand last in their table: they run everywhere, and best nowhere */
    cost = variant->cost ? variant->cost (variant, node) : 0;
    if (best && cost >= best_cost)
      continue;
    best = variant;
    best_cost = cost;
  }
  return best;
}

static gboolean
choose_variants (CbamPlan *plan, const CbamPlanConfig *config, GError **error)
{
  plan->steps = g_new0 (CbamStep, plan->graph->nodes->len);
  for (guint n = 0; n < plan->graph->nodes->len; n++) {
    const CbamNode *node = g_ptr_array_index (plan->graph->nodes, n);
    CbamStep *step = &plan->steps[plan->n_steps];
    CbamShortage shortage = { NULL };

    if (node->op->n_variants == 0)
      continue; /* input: the host does it */
    step->node = node;
    step->variant = choose_variant (node, plan->layout, config, &shortage);
    if (!step->variant) {
      g_autofree char *both = NULL;

      if (shortage.what)
        both =
            g_strdup_printf ("; the last that could needs %" G_GUINT64_FORMAT " %s, the device has %" G_GUINT64_FORMAT,
                             shortage.needed, shortage.what, shortage.there);
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "%s: no kernel of %s runs on this device%s", node->name,
                   node->op->name, both ? both : "");
      return FALSE;
    }
    plan->n_steps++;
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
  }
  if (n_texel == 0)
    return "plain";
  if (n_texel == plan->n_steps)
    return n_narrow > 0 ? "texel, without 64-bit integers" : "texel";
  return n_narrow > 0 ? "texel and plain, without 64-bit integers" : "texel and plain";
}

CbamFusions
cbam_plan_get_fusions (const CbamDeviceCaps *caps)
{
  CbamFusions fusions = CBAM_FUSE_ALL;

  for (guint o = 0; cbam_ops[o]; o++)
    if (cbam_ops[o]->case_fusions != 0 && !cbam_op_runs (cbam_ops[o], caps))
      fusions &= ~cbam_ops[o]->fusion;
  return fusions;
}

/* ---- Maps ------------------------------------------------------------------------------------------------------- */

static void
lay_out_maps (CbamPlan *plan)
{
  GPtrArray *values = plan->graph->values;

  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamNode *node = plan->steps[s].node;
    const guint whole = MAX (plan->steps[s].variant->whole_blocks, 1);

    for (guint i = 0; i < node->n_inputs; i++)
      if (node->op->border)
        node->inputs[i]->border = MAX (node->inputs[i]->border, node->op->border (node, i));
    for (guint i = 0; i < node->n_outputs; i++)
      node->outputs[i]->blocks = (cbam_value_blocks (node->outputs[i]) + whole - 1) / whole * whole;
  }
  for (guint t = 0; t < values->len; t++)
    cbam_value_lay_out (g_ptr_array_index (values, t), plan->layout);
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

    if (lives (value) && !cbam_plan_is_in_slot (value))
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
tell_detectors (CbamPlan *plan)
{
  const gsize words = plan->frame_offset + plan->frame_size;

  for (guint n = 0; n < plan->graph->nodes->len; n++) {
    CbamNode *node = g_ptr_array_index (plan->graph->nodes, n);

    if (node->op != &cbam_op_detect)
      continue;
    cbam_detect_params (node)->hits = (guint) ((plan->hits_offset - words) / sizeof (guint32));
    cbam_detect_params (node)->boxes = (guint) ((plan->boxes_offset - words) / sizeof (guint32));
  }
}

static gboolean
place_in_slot (CbamPlan *plan, const CbamPlanConfig *config, GError **error)
{
  const CbamGraph *graph = plan->graph;
  const guint n_priors = graph->anchors ? graph->anchors->len : 0;
  const guint64 max_hits = (guint64) n_priors * graph->n_classes;
  gsize offset = 0;

  if (max_hits > G_MAXUINT32) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "%u anchors of %u classes; expected at most %u scores",
                 n_priors, graph->n_classes, G_MAXUINT32);
    return FALSE;
  }
  plan->max_hits = (guint32) max_hits;
  plan->frame_size = sizeof (CbamFrameArgs);
  plan->hits_size = 8 + MAX (max_hits, 1) * sizeof (CbamHit);
  plan->boxes_size = (gsize) MAX (n_priors, 1) * 4 * sizeof (float);
  plan->frame_offset = reserve (&offset, plan->frame_size, config);
  plan->hits_offset = reserve (&offset, plan->hits_size, config);
  plan->boxes_offset = reserve (&offset, plan->boxes_size, config);
  plan->results_size = plan->boxes_offset + plan->boxes_size - plan->frame_offset;
  tell_detectors (plan);
  for (guint t = 0; t < graph->values->len; t++) {
    CbamValue *value = g_ptr_array_index (graph->values, t);

    if (lives (value) && cbam_plan_is_in_slot (value))
      value->offset = reserve (&offset, value->size, config);
  }
  plan->slot_size = offset;
  return TRUE;
}

static void
place_weights (CbamPlan *plan, const CbamPlanConfig *config)
{
  for (guint s = 0; s < plan->n_steps; s++) {
    CbamStep *step = &plan->steps[s];

    if (!step->node->op->packed_size)
      continue;
    step->weights_offset = align (plan->weights_size, config->caps->range_alignment);
    step->weights_size = step->node->op->packed_size (step->variant, step->node) * sizeof (float);
    plan->weights_size = step->weights_offset + step->weights_size;
  }
}

/* ---- Barriers --------------------------------------------------------------------------------------------------- */

/* A range of memory that a step touched since the last barrier. */
typedef struct
{
  gboolean slot;
  gsize offset, size;
  gboolean written;
} Access;

static gboolean
conflicts (GArray *since, const Access *access)
{
  for (guint i = 0; i < since->len; i++) {
    const Access *other = &g_array_index (since, Access, i);

    if (other->slot == access->slot && (other->written || access->written) &&
        other->offset < access->offset + access->size && access->offset < other->offset + other->size)
      return TRUE;
  }
  return FALSE;
}

static guint
accesses_of (const CbamPlan *plan, const CbamStep *step, Access *ret_accesses)
{
  const CbamNode *node = step->node;
  guint n = 0;

  for (guint i = 0; i < node->n_inputs; i++) {
    const CbamValue *in = node->inputs[i];

    ret_accesses[n++] = (Access){ cbam_plan_is_in_slot (in), in->offset, in->size, FALSE };
  }
  for (guint i = 0; i < node->n_outputs; i++) {
    const CbamValue *out = node->outputs[i];

    ret_accesses[n++] = (Access){ cbam_plan_is_in_slot (out), out->offset, out->size, TRUE };
  }
  if (node->n_outputs == 0) /* the list of hits is shared by all levels */
    ret_accesses[n++] = (Access){ TRUE, plan->hits_offset, plan->hits_size, TRUE };
  return n;
}

static void
place_barriers (CbamPlan *plan)
{
  g_autoptr (GArray) since = g_array_new (FALSE, FALSE, sizeof (Access));

  for (guint s = 0; s < plan->n_steps; s++) {
    Access accesses[CBAM_MAX_INPUTS + CBAM_MAX_OUTPUTS];
    const guint n = accesses_of (plan, &plan->steps[s], accesses);

    for (guint i = 0; i < n; i++)
      plan->steps[s].barrier |= conflicts (since, &accesses[i]);
    if (plan->steps[s].barrier)
      g_array_set_size (since, 0);
    g_array_append_vals (since, accesses, n);
  }
}

/* ---- Limits ----------------------------------------------------------------------------------------------------- */

/* Bytes of what @step binds, and in words what that is; 0 = of pixels, which are no plan's. */
static gsize
bound_size (const CbamPlan *plan, const CbamStep *step, CbamBinding binding, const char **ret_what)
{
  const CbamNode *node = step->node;

  switch (binding) {
    case CBAM_BIND_INPUT:
    case CBAM_BIND_INPUT_1:
    case CBAM_BIND_INPUT_2: *ret_what = "inputs"; return node->inputs[binding - CBAM_BIND_INPUT]->size;
    case CBAM_BIND_OUTPUT: *ret_what = "outputs"; return node->outputs[0]->size;
    case CBAM_BIND_MORE:
    case CBAM_BIND_MORE_1: *ret_what = "outputs"; return node->outputs[1 + binding - CBAM_BIND_MORE]->size;
    case CBAM_BIND_WEIGHTS: *ret_what = "weights"; return step->weights_size;
    case CBAM_BIND_FRAME: *ret_what = "parameters"; return plan->frame_size;
    case CBAM_BIND_BOXES: *ret_what = "boxes"; return plan->boxes_size;
    case CBAM_BIND_HITS: *ret_what = "candidates"; return plan->hits_size;
    case CBAM_BIND_RESULTS: *ret_what = "candidates and boxes"; return plan->results_size;
    case CBAM_BIND_PIXELS:
    case CBAM_BIND_END: break;
  }
  return 0;
}

static gboolean
check_bindings (const CbamPlan *plan, const CbamStep *step, const CbamPlanConfig *config, GError **error)
{
  for (guint b = 0; b < CBAM_MAX_BINDINGS && step->variant->bindings[b] != CBAM_BIND_END; b++) {
    const gboolean by_texel = cbam_variant_binds_texels (step->variant, step->variant->bindings[b]);
    const gsize texels = (gsize) config->caps->max_texels * CBAM_TEXEL_BYTES, range = config->caps->max_storage_range;
    const gsize limit = by_texel ? MIN (texels, range) : range;
    const char *what = NULL;
    const gsize size = bound_size (plan, step, step->variant->bindings[b], &what);

    if (size <= limit)
      continue;
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%s: its %s take %" G_GSIZE_FORMAT " bytes; this device binds at most %" G_GSIZE_FORMAT,
                 step->node->name, what, size, limit);
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
  plan->layout = config->caps->is_cpu && !config->pixel_major ? CBAM_LAYOUT_BLOCKED : CBAM_LAYOUT_PIXEL_MAJOR;
  if (!choose_variants (plan, config, error))
    return NULL;
  lay_out_maps (plan);
  find_lifetimes (plan);
  place_in_arena (plan, config);
  if (!place_in_slot (plan, config, error))
    return NULL;
  place_weights (plan, config);
  place_barriers (plan);
  for (guint s = 0; s < plan->n_steps; s++) {
    CbamStep *step = &plan->steps[s];

    step->variant->dispatch (step->variant, step->node, &step->dispatch);
    if (!check_step (plan, step, config, error))
      return NULL;
  }
  return g_steal_pointer (&plan);
}

void
cbam_plan_free (CbamPlan *plan)
{
  if (!plan)
    return;
  g_clear_pointer (&plan->graph, cbam_graph_free);
  g_free (plan->steps);
  g_free (plan);
}
