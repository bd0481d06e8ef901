/* A program: what a plan needs on a device once for all frames. Pipelines, packed weights, the arena.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/vulkan/private.h"

#include <math.h>
#include <string.h>

#include "engine/half.h"

/* The pipeline of @shader with what @step binds. */
static const CbamPipeline *
get_pipeline (CbamVulkanProgram *program, const CbamStep *step, const CbamShader *shader, GError **error)
{
  CbamBinding bindings[CBAM_MAX_BINDINGS];
  VkDescriptorType types[CBAM_MAX_BINDINGS];
  const CbamPipelineForm form = {
    .shader = shader,
    .bindings = types,
    .n_bindings = cbam_variant_get_bindings (step->variant, step->node, bindings),
    .push_size = step->variant->args_size,
    .constant = step->dispatch.constant,
  };

  for (guint b = 0; b < form.n_bindings; b++)
    types[b] = bindings[b].texels ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  return cbam_device_get_pipeline (program->base.device, &form, error);
}

static gboolean
create_pipelines (CbamVulkanProgram *program, GError **error)
{
  const CbamPlan *plan = program->base.plan;

  program->pipelines = g_new0 (const CbamPipeline *, plan->n_steps);
  program->thin = g_new0 (const CbamPipeline *, plan->n_steps);
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamStep *step = &plan->steps[s];
    const CbamShader *shader = cbam_variant_get_shader (step->variant, &program->base.device->caps);

    program->pipelines[s] = get_pipeline (program, step, shader, error);
    if (program->pipelines[s] == NULL)
      return FALSE;
    if (step->variant->thin != NULL && !(program->thin[s] = get_pipeline (program, step, step->variant->thin, error)))
      return FALSE;
  }
  return TRUE;
}

/* Packs the weights of @step at @packed, in the numbers that its kernel reads. */
static void
pack_weights (CbamProgram *program, const CbamStep *step, guint8 *packed)
{
  const CbamPacking *packing = step->variant->packing;
  const gsize n = packing->size (step->variant, step->node);
  g_autofree float *exact = NULL;

  if (step->weights_type == CBAM_TYPE_F32) {
    packing->pack (step->variant, step->node, (float *) packed);
    return;
  }
  exact = g_new0 (float, n);
  packing->pack (step->variant, step->node, exact);
  for (gsize i = 0; i < n; i++) {
    ((guint16 *) packed)[i] = cbam_half_from_float (exact[i]);
    if (fabsf (exact[i]) > CBAM_HALF_MOST)
      program->clamped = step;
  }
}

/* Bytes of weights that are packed and brought to the device at once, unless those of a step are more: on the way they
 * lie in memory twice more. */
#define PART_BYTES (64 * 1024 * 1024)

static gboolean
upload_weights (CbamVulkanProgram *program, GError **error)
{
  const CbamPlan *plan = program->base.plan;
  g_autofree guint8 *packed = NULL;
  gsize most = MIN (plan->weights_size, PART_BYTES), from = 0, end = 0; /* of the part */

  if (plan->weights_size == 0)
    return TRUE;
  program->weights = cbam_buffer_new (program->base.device, CBAM_MEMORY_DEVICE, plan->weights_size, error);
  if (program->weights == NULL)
    return FALSE;
  for (guint s = 0; s < plan->n_steps; s++)
    most = MAX (most, plan->steps[s].weights_size);
  packed = g_try_malloc0 (most);
  if (packed == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY, "no memory to pack %" G_GSIZE_FORMAT " bytes of weights",
                 most);
    return FALSE;
  }
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamStep *step = &plan->steps[s];

    if (step->weights_size == 0 || step->weights_offset < end) /* it has none, or a step's before it */
      continue;
    if (step->weights_offset + step->weights_size > from + most) {
      if (!cbam_device_upload (program->base.device, program->weights, from, packed, end - from, error))
        return FALSE;
      memset (packed, 0, end - from);
      from = step->weights_offset;
    }
    pack_weights (&program->base, step, packed + step->weights_offset - from);
    end = step->weights_offset + step->weights_size;
  }
  return cbam_device_upload (program->base.device, program->weights, from, packed, end - from, error);
}

/* The host's copy of the weights; the device has its own now. */
static void
forget_weights (CbamGraph *graph)
{
  for (guint i = 0; i < graph->params->len; i++) {
    CbamParam *param = g_ptr_array_index (graph->params, i);

    g_clear_pointer (&param->values, g_free);
  }
}

static void
program_free (CbamProgram *base)
{
  CbamVulkanProgram *program = (CbamVulkanProgram *) base;

  g_free (program->pipelines);
  g_free (program->thin);
  cbam_buffer_free (program->weights);
  cbam_buffer_free (program->arena);
  cbam_plan_free (base->plan);
  cbam_device_unref (base->device);
  g_free (program);
}

static CbamProgram *
program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error)
{
  CbamVulkanProgram *program = g_new0 (CbamVulkanProgram, 1);
  g_autoptr (CbamProgram) base = &program->base;
  CbamPlanConfig complete = *config;
  CbamMemoryUse arena_use = device->debug & CBAM_DEBUG_POISON ? CBAM_MEMORY_READBACK : CBAM_MEMORY_DEVICE;

  if (device->debug & CBAM_DEBUG_PLAIN)
    complete.pixel_major = TRUE;
  base->runner = &cbam_runner_vulkan;
  base->device = cbam_device_ref (device);
  program->canary = complete.canary;
  cbam_device_expect_macs (device, cbam_graph_macs (graph));
  base->plan = cbam_plan_new (graph, &complete, error);
  if (base->plan == NULL || !create_pipelines (program, error) || !upload_weights (program, error))
    return NULL;
  forget_weights (graph);
  if (base->plan->arena_size > 0) {
    program->arena = cbam_buffer_new (device, arena_use, base->plan->arena_size, error);
    if (program->arena == NULL)
      return NULL;
  }
  return g_steal_pointer (&base);
}

static gsize
get_pixels_limit (const CbamProgram *program)
{
  const CbamDeviceCaps *caps = &program->device->caps;
  const CbamPlan *plan = program->plan;

  for (guint s = 0; s < plan->n_steps; s++) {
    CbamBinding bindings[CBAM_MAX_BINDINGS];
    const guint n = cbam_variant_get_bindings (plan->steps[s].variant, plan->steps[s].node, bindings);

    for (guint b = 0; b < n; b++)
      if (bindings[b].texels && bindings[b].value != NULL && bindings[b].value->is_frame)
        return MIN (caps->max_storage_range, (gsize) caps->max_texels * CBAM_WORD_BYTES);
  }
  return caps->max_storage_range;
}

static const char *
get_kernel (const CbamProgram *program, guint s)
{
  return program->plan->steps[s].variant->name;
}

static const char *
get_kernels (const CbamProgram *program)
{
  return cbam_plan_get_kernels (program->plan, &program->device->caps);
}

/* Whatever device there is. */
static gboolean
suits (const CbamDeviceCaps *caps, CbamDebugFlags debug)
{
  return TRUE;
}

const CbamRunner cbam_runner_vulkan = {
  .name = "vulkan",
  .suits = suits,
  .measure_peak = cbam_vulkan_measure_peak,
  .get_fusions = cbam_plan_get_fusions,
  .program_new = program_new,
  .program_free = program_free,
  .get_pixels_limit = get_pixels_limit,
  .get_kernel = get_kernel,
  .get_kernels = get_kernels,
  .slot_new = cbam_vulkan_slot_new,
  .slot_free = cbam_vulkan_slot_free,
  .submit = cbam_vulkan_slot_submit,
  .wait = cbam_vulkan_slot_wait,
  .get = cbam_vulkan_slot_get,
  .fetch = cbam_vulkan_slot_fetch,
  .check_canaries = cbam_vulkan_slot_check_canaries,
  .explain = cbam_vulkan_slot_explain,
};
