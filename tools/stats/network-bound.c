/* Adds up a network's steps as the engine would plan them for a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "network-bound.h"

#include "args/conv.h"

#include "engine/plan.h"
#include "model.h"
#include "ops/conv.h"
#include "precision.h"

/* An instruction of the slow ones takes so many times a usual one's cycles. */
#define SLOW 4

/* Bytes a cycle from and to the memory of workgroups, which the SIMDs of a unit share. */
#define LDS_BYTES_PER_CYCLE 128

/* ---- Cycles ----------------------------------------------------------------------------------------------------- */

/* Arithmetic and the workgroup's memory go on side by side. */
static double
stretch_cycles (const Family *family, guint lanes, const CodeCount *count)
{
  const double vector = (count->vector + (SLOW - 1.0) * count->slow) * lanes / family->simd_lanes;
  const double lds = (double) count->lds_bytes * lanes / LDS_BYTES_PER_CYCLE * family->simds_per_unit;

  return MAX (vector, lds);
}

double
bound_cycles (const Family *family, guint lanes, const Code *code, double rounds)
{
  const CodeCount around = {
    .vector = code->whole.vector - code->body.vector,
    .slow = code->whole.slow - code->body.slow,
    .lds_bytes = code->whole.lds_bytes - code->body.lds_bytes,
  };

  return stretch_cycles (family, lanes, &around) + rounds * stretch_cycles (family, lanes, &code->body);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

/* A dispatch as its kernel sees it. */
typedef struct
{
  double groups;        /* those that compute; others only zero a border */
  guint threads;        /* of one */
  double multiply_adds; /* of a lane, those for the edges of tiles and of texels included where they are known */
} Work;

static Work
measure_work (const CbamStep *step, const Kernel *kernel, guint threads)
{
  const CbamNode *node = step->node;
  const guint32 *groups = step->dispatch.groups;
  Work work = { (double) groups[0] * groups[1] * groups[2], threads, 0 };

  if (node->op == &cbam_op_conv) {
    const CbamConvArgs *args = (const CbamConvArgs *) step->dispatch.args;
    const double depth = (double) args->in_blocks * CBAM_TEXEL_CHANNELS * args->kernel_width * args->kernel_height;

    if (kernel->sums > 0)
      work.groups = (double) args->tiles * groups[1] * groups[2];
    work.multiply_adds = depth * MAX (kernel->sums, 1) / kernel->slices;
  } else if (node->op->macs != NULL) {
    work.multiply_adds = (double) node->op->macs (node) / (work.groups * threads);
  }
  return work;
}

static double
arithmetic_seconds (const Family *family, const CbamStep *step, const Kernel *kernel, guint threads)
{
  const Work work = measure_work (step, kernel, threads);
  const guint body = kernel->code.body.multiply_adds;
  const double rounds = body > 0 ? MAX (1, work.multiply_adds / body) : 0;
  const double subgroups = work.groups * ((threads + kernel->lanes - 1) / kernel->lanes);
  const double cycles = bound_cycles (family, kernel->lanes, &kernel->code, rounds);

  return cycles * MAX (1, subgroups / family->simds) / family->clock;
}

/* ---- Networks --------------------------------------------------------------------------------------------------- */

static CbamPlan *
plan_network (CbamDevice *device, const char *network, CbamPrecision precision, GError **error)
{
  g_autoptr (CbamSpec) spec = NULL;
  g_autoptr (CbamGraph) graph = cbam_model_build_graph (network, &spec, error);

  if (graph == NULL)
    return NULL;
  cbam_graph_fuse (graph, cbam_plan_get_fusions (&device->caps, precision));
  return cbam_plan_new (g_steal_pointer (&graph), &(CbamPlanConfig){ .caps = &device->caps, .precision = precision },
                        error);
}

/* A kernel of @compiled, which has them by shader and constant, or a new one. */
static const Kernel *
get_kernel (CbamDevice *device, GHashTable *compiled, const CbamStep *step, const CbamShader *shader, GError **error)
{
  g_autofree char *key = g_strdup_printf ("%s %u", shader->name, step->dispatch.constant);
  Kernel *kernel = g_hash_table_lookup (compiled, key);

  if (kernel != NULL)
    return kernel;
  kernel = g_new (Kernel, 1);
  if (!kernel_compile (device, step->node->op, step->variant, shader, step->dispatch.constant, kernel, error)) {
    g_free (kernel);
    return NULL;
  }
  g_hash_table_insert (compiled, g_steal_pointer (&key), kernel);
  return kernel;
}

static gboolean
add_step (NetworkBound *bound, CbamDevice *device, GHashTable *compiled, const CbamStep *step, GError **error)
{
  const CbamShader *shader = cbam_variant_get_shader (step->variant, &device->caps);
  const Kernel *kernel = get_kernel (device, compiled, step, shader, error);

  if (kernel == NULL)
    return FALSE;
  const StepBound added = {
    .name = g_strdup (step->node->name),
    .op = kernel->op,
    .variant = kernel->variant,
    .arithmetic = arithmetic_seconds (bound->family, step, kernel, cbam_shader_get_needs (shader).invocations),
    .memory = (double) cbam_step_count_bytes (step) / bound->family->bandwidth,
  };
  g_array_append_val (bound->steps, added);
  bound->arithmetic += added.arithmetic;
  bound->memory += added.memory;
  bound->seconds += MAX (added.arithmetic, added.memory);
  return TRUE;
}

static void
clear_step (gpointer step)
{
  g_free (((StepBound *) step)->name);
}

NetworkBound *
network_bound_new (CbamDevice *device, const Family *family, const char *network, CbamPrecision precision,
                   GError **error)
{
  g_autoptr (NetworkBound) bound = NULL;
  g_autoptr (CbamPlan) plan = NULL;
  g_autoptr (GHashTable) compiled = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (!cbam_precision_choose (device, precision, &precision, error))
    return NULL;
  plan = plan_network (device, network, precision, error);
  if (plan == NULL)
    return NULL;
  bound = g_new0 (NetworkBound, 1);
  bound->network = g_strdup (network);
  bound->family = family;
  bound->precision = precision;
  bound->steps = g_array_new (FALSE, FALSE, sizeof (StepBound));
  g_array_set_clear_func (bound->steps, clear_step);
  for (guint s = 0; s < plan->n_steps; s++)
    if (!add_step (bound, device, compiled, &plan->steps[s], error))
      return NULL;
  return g_steal_pointer (&bound);
}

void
network_bound_free (NetworkBound *bound)
{
  if (bound == NULL)
    return;
  g_free (bound->network);
  g_array_unref (bound->steps);
  g_free (bound);
}
