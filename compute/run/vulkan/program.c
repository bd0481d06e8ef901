/* A program: what a plan needs on a device once for all frames. Pipelines, packed weights, the arena.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/vulkan/private.h"

/* ---- Bindings --------------------------------------------------------------------------------------------------- */

VkDescriptorType
cbam_variant_get_descriptor_type (const CbamOpVariant *variant, CbamBinding binding)
{
  return cbam_variant_binds_texels (variant, binding) ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER
                                                      : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

/* ---- Program ---------------------------------------------------------------------------------------------------- */

/* The pipeline of @shader, which is there already or is made now with what @variant binds. */
static CbamPipeline *
get_pipeline (CbamProgram *program, const CbamOpVariant *variant, const CbamShader *shader, GError **error)
{
  CbamPipeline *pipeline = g_hash_table_lookup (program->by_shader, shader);
  const guint n = cbam_variant_count_bindings (variant);
  VkDescriptorType types[CBAM_MAX_BINDINGS];

  if (pipeline)
    return pipeline;
  for (guint b = 0; b < n; b++)
    types[b] = cbam_variant_get_descriptor_type (variant, variant->bindings[b]);
  pipeline = cbam_pipeline_new (program->device, shader, types, n, variant->args_size, error);
  if (pipeline)
    g_hash_table_insert (program->by_shader, (gpointer) shader, pipeline);
  return pipeline;
}

static gboolean
create_pipelines (CbamProgram *program, GError **error)
{
  const CbamPlan *plan = program->plan;

  program->by_shader = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) cbam_pipeline_free);
  program->pipelines = g_new0 (CbamPipeline *, plan->n_steps);
  program->thin = g_new0 (CbamPipeline *, plan->n_steps);
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamOpVariant *variant = plan->steps[s].variant;

    program->pipelines[s] =
        get_pipeline (program, variant, cbam_variant_get_shader (variant, &program->device->caps), error);
    if (!program->pipelines[s])
      return FALSE;
    if (variant->thin && !(program->thin[s] = get_pipeline (program, variant, variant->thin, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
upload_weights (CbamProgram *program, GError **error)
{
  const CbamPlan *plan = program->plan;
  g_autofree guint8 *packed = NULL;

  if (plan->weights_size == 0)
    return TRUE;
  program->weights = cbam_buffer_new (program->device, CBAM_MEMORY_DEVICE, plan->weights_size, error);
  if (!program->weights)
    return FALSE;
  packed = g_try_malloc0 (plan->weights_size);
  if (!packed) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY, "no memory to pack %" G_GSIZE_FORMAT " bytes of weights",
                 plan->weights_size);
    return FALSE;
  }
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamStep *step = &plan->steps[s];

    if (step->weights_size > 0)
      step->node->op->pack (step->variant, step->node, (float *) (packed + step->weights_offset));
  }
  return cbam_device_upload (program->device, program->weights, 0, packed, plan->weights_size, error);
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

CbamProgram *
cbam_program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error)
{
  g_autoptr (CbamProgram) program = g_new0 (CbamProgram, 1);
  CbamPlanConfig complete = { 0 };
  CbamMemoryUse arena_use = device->debug & CBAM_DEBUG_POISON ? CBAM_MEMORY_READBACK : CBAM_MEMORY_DEVICE;

  if (config)
    complete = *config;
  complete.caps = &device->caps;
  if (device->debug & CBAM_DEBUG_PLAIN)
    complete.pixel_major = TRUE;
  program->device = cbam_device_ref (device);
  program->canary = complete.canary;
  cbam_device_expect_macs (device, cbam_graph_macs (graph));
  program->plan = cbam_plan_new (graph, &complete, error);
  if (!program->plan || !create_pipelines (program, error) || !upload_weights (program, error))
    return NULL;
  forget_weights (graph);
  if (program->plan->arena_size > 0) {
    program->arena = cbam_buffer_new (device, arena_use, program->plan->arena_size, error);
    if (!program->arena)
      return NULL;
  }
  return g_steal_pointer (&program);
}

void
cbam_program_free (CbamProgram *program)
{
  if (!program)
    return;
  g_clear_pointer (&program->by_shader, g_hash_table_unref);
  g_free (program->pipelines);
  g_free (program->thin);
  cbam_buffer_free (program->weights);
  cbam_buffer_free (program->arena);
  cbam_plan_free (program->plan);
  cbam_device_unref (program->device);
  g_free (program);
}

const CbamPlan *
cbam_program_get_plan (const CbamProgram *program)
{
  return program->plan;
}

CbamDevice *
cbam_program_get_device (const CbamProgram *program)
{
  return program->device;
}

gsize
cbam_program_get_pixels_limit (const CbamProgram *program)
{
  const CbamDeviceCaps *caps = &program->device->caps;
  const CbamPlan *plan = program->plan;

  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamOpVariant *variant = plan->steps[s].variant;

    if (variant->thin && cbam_variant_binds_texels (variant, CBAM_BIND_PIXELS))
      return MIN (caps->max_storage_range, (gsize) caps->max_texels * CBAM_WORD_BYTES);
  }
  return caps->max_storage_range;
}
