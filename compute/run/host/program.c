/* The processor itself as a runner: oneDNN and loops, on the device's own threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <string.h>

/* ---- Dividing ---------------------------------------------------------------------------------------------------- */

void
cbam_host_need_scratch (CbamHostStep *step, gsize floats)
{
  step->program->room = MAX (step->program->room, floats);
}

void
cbam_host_need_shared (CbamHostStep *step, gsize floats)
{
  step->program->shared = MAX (step->program->shared, floats);
}

void
cbam_host_divide_rows (CbamHostStep *step, double work)
{
  const CbamValue *out = step->node->outputs[0];
  const guint threads = cbam_team_get_size (step->program->team);
  const double all = work * out->height;
  guint parts = (guint) CLAMP (all / CBAM_HOST_PART, 1, out->height);

  if (parts > 1) /* each thread as much as the others */
    parts = MIN ((parts + threads - 1) / threads * threads, out->height);
  step->rows = (out->height + parts - 1) / parts;
  step->parts[0] = (out->height + step->rows - 1) / step->rows * out->batch;
}

void *
cbam_host_new_packed (CbamHostProgram *program, gsize size)
{
  void *packed = g_aligned_alloc0 (1, size, 64);

  g_ptr_array_add (program->packed, packed);
  return packed;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static const CbamHostKernel *
choose_kernel (const CbamHostProgram *program, const CbamNode *node, const char *wanted)
{
  guint k = 0;

  while (cbam_host_kernels[k]->op != NULL &&
         (cbam_host_kernels[k]->op != node->op ||
          (cbam_host_kernels[k]->fits != NULL && !cbam_host_kernels[k]->fits (program, node)) ||
          g_strcmp0 (wanted, cbam_host_by_reference.name) == 0))
    k++;
  return cbam_host_kernels[k]; /* the last runs everything */
}

/* What the steps are made from. */
typedef struct
{
  CbamHostProgram *program;
  const char *wanted;
  gboolean ok;
  GError *error;
} Preparation;

/* In a thread of its own, as oneDNN wants to be called. */
static gpointer
prepare_steps (gpointer data)
{
  Preparation *preparation = data;
  CbamHostProgram *program = preparation->program;
  const CbamPlan *plan = program->base.plan;

  cbam_onednn_enter_thread ();
  for (guint s = 0; s < plan->n_steps; s++) {
    CbamHostStep *step = &program->steps[s];

    step->program = program;
    step->node = plan->steps[s].node;
    step->kernel = choose_kernel (program, step->node, preparation->wanted);
    if (step->kernel->prepare (step, &preparation->error))
      continue;
    g_prefix_error (&preparation->error, "%s: ", step->node->name);
    return NULL;
  }
  preparation->ok = TRUE;
  return NULL;
}

/* Whether a keepable value is complete after step @s. */
static gboolean
keeps (const CbamPlan *plan, gint s)
{
  for (guint v = 0; v < plan->graph->values->len; v++) {
    const CbamValue *value = g_ptr_array_index (plan->graph->values, v);

    if (value->keepable && value->last == s)
      return TRUE;
  }
  return FALSE;
}

/* Which steps wait for all before them, besides those where the plan says so: none may be between another's phases,
 * whose room is the stage's. */
static void
place_waits (CbamHostProgram *program)
{
  const CbamPlan *plan = program->base.plan;
  gboolean after = FALSE;

  for (guint s = 0; s < plan->n_steps; s++) {
    CbamHostStep *step = &program->steps[s];

    step->parts[CBAM_HOST_KEEPING] = keeps (plan, (gint) s);
    const gboolean has_phases = step->parts[1] + step->parts[CBAM_HOST_KEEPING] > 0;

    step->waits = plan->steps[s].barrier || has_phases || after;
    after = has_phases;
  }
}

/* The weights as they came, which those steps read that run by reference. */
static void
forget_weights (CbamHostProgram *program)
{
  const CbamPlan *plan = program->base.plan;

  for (guint s = 0; s < plan->n_steps; s++)
    if (program->steps[s].kernel == &cbam_host_by_reference)
      return;
  for (guint i = 0; i < plan->graph->params->len; i++) {
    CbamParam *param = g_ptr_array_index (plan->graph->params, i);

    if (!cbam_host_grad_cam_reads (plan, param))
      g_clear_pointer (&param->values, g_free);
  }
}

/* ---- Programs ---------------------------------------------------------------------------------------------------- */

static void
program_free (CbamProgram *base)
{
  CbamHostProgram *program = (CbamHostProgram *) base;

  g_slist_free_full (program->stages, (GDestroyNotify) cbam_host_stage_free);
  for (guint s = 0; base->plan != NULL && s < base->plan->n_steps; s++) {
    CbamHostStep *step = &program->steps[s];

    if (step->state != NULL)
      (step->kernel->free_state != NULL ? step->kernel->free_state : g_free) (step->state);
  }
  g_free (program->steps);
  g_ptr_array_unref (program->packed);
  g_ptr_array_unref (program->primitives);
  g_array_unref (program->forms);
  g_mutex_clear (&program->lock);
  cbam_plan_free (base->plan);
  cbam_device_unref (base->device);
  g_free (program);
}

/* The loops that @wanted names, else the best that the processor can run. */
static const CbamLoops *
choose_loops (const char *wanted)
{
  const CbamVectors best = cbam_processor_get_vectors ();

  for (guint v = 0; wanted != NULL && v <= best; v++)
    if (g_str_equal (wanted, cbam_vectors_names[v]))
      return cbam_loops_get (v);
  return cbam_loops_get (best);
}

static CbamProgram *
program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error)
{
  CbamHostProgram *program = g_new0 (CbamHostProgram, 1);
  g_autoptr (CbamProgram) base = &program->base;
  Preparation preparation = { program, config->variant };

  base->runner = &cbam_runner_host;
  base->device = cbam_device_ref (device);
  g_mutex_init (&program->lock);
  program->packed = g_ptr_array_new_with_free_func (g_aligned_free);
  program->primitives = g_ptr_array_new_with_free_func ((GDestroyNotify) cbam_onednn_free);
  program->forms = g_array_new (FALSE, TRUE, sizeof (CbamOnednnForm));
  program->team = device->team;
  program->canary = config->canary;
  program->loops = choose_loops (config->variant);
  program->bf16 = config->precision == CBAM_PRECISION_BF16;
  program->has_tiles = config->caps->has_bf16_tiles;
  base->plan = cbam_plan_new (graph, config, error);
  if (base->plan == NULL)
    return NULL;
  program->steps = g_new0 (CbamHostStep, MAX (base->plan->n_steps, 1));
  g_thread_join (g_thread_new ("cbam-prepare", prepare_steps, &preparation));
  if (!preparation.ok) {
    g_propagate_error (error, preparation.error);
    return NULL;
  }
  place_waits (program);
  forget_weights (program);
  return g_steal_pointer (&base);
}

/* Bytes are found by 32-bit numbers with a sign. */
static gsize
get_pixels_limit (const CbamProgram *program)
{
  return MIN ((gsize) G_MAXINT32, program->device->caps.max_storage_range);
}

static const char *
get_kernel (const CbamProgram *base, guint s)
{
  const CbamHostStep *step = &((const CbamHostProgram *) base)->steps[s];

  return step->kernel->get_code != NULL ? step->kernel->get_code (step) : step->kernel->name;
}

static const char *
get_kernels (const CbamProgram *base)
{
  const gboolean bf16 = ((const CbamHostProgram *) base)->bf16;

  for (guint s = 0; s < base->plan->n_steps; s++)
    if (((const CbamHostProgram *) base)->steps[s].kernel == &cbam_host_by_reference)
      return bf16 ? "oneDNN in bfloat16, loops and references" : "oneDNN, loops and references";
  return bf16 ? "oneDNN in bfloat16 and loops" : "oneDNN and loops";
}

static gboolean
suits (const CbamDeviceCaps *caps, CbamDebugFlags debug)
{
  return caps->is_host;
}

/* Transposed convolutions are oneDNN's, Winograd's have a kernel that does all three steps, and so are the others,
 * which read and write whole maps; the parts of CBAM have kernels that all threads share. */
static CbamFusions
get_fusions (const CbamDeviceCaps *caps, CbamPrecision precision)
{
  return CBAM_FUSE_ALL &
         ~(CBAM_FUSE_PARITY | CBAM_FUSE_CBAM | CBAM_FUSE_SLICE | CBAM_FUSE_SHUFFLE | CBAM_FUSE_WINOGRAD);
}

const CbamRunner cbam_runner_host = {
  .name = "host",
  .suits = suits,
  .measure_peak = cbam_host_measure_peak,
  .get_fusions = get_fusions,
  .program_new = program_new,
  .program_free = program_free,
  .get_pixels_limit = get_pixels_limit,
  .get_kernel = get_kernel,
  .get_kernels = get_kernels,
  .slot_new = cbam_host_slot_new,
  .slot_free = cbam_host_slot_free,
  .submit = cbam_host_slot_submit,
  .wait = cbam_host_slot_wait,
  .get = cbam_host_slot_get,
  .fetch = cbam_host_slot_fetch,
  .check_canaries = cbam_host_slot_check_canaries,
  .explain = cbam_host_slot_explain,
};
