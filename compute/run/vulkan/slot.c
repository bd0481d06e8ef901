/* A slot: what one frame in flight owns. Descriptors and commands are made once, submitted again and again.
 *
 *     submission = intake (intake.c: pixels, and the step that reads them) + the other steps (recorded here)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/vulkan/private.h"

#include <string.h>

/* A wait that took so long, in microseconds, has really waited for the device. */
#define REAL_WAIT 200

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

static CbamBufferRange
value_range (CbamVulkanSlot *slot, const CbamValue *value)
{
  switch (cbam_value_get_home (value)) {
    case CBAM_HOME_ARENA: return (CbamBufferRange){ slot->program->arena, value->offset, value->size };
    case CBAM_HOME_SLOT: return (CbamBufferRange){ slot->memory, value->offset, value->size };
    case CBAM_HOME_FRAME: {
      CbamBuffer *buffer = slot->source == CBAM_PIXELS_IMPORTED ? slot->imported : slot->pixels;

      return (CbamBufferRange){ buffer, 0, buffer->size };
    }
  }
  g_return_val_if_reached ((CbamBufferRange){ 0 });
}

static gboolean
create_descriptor_pool (CbamVulkanSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->base.device;
  const CbamPlan *plan = slot->program->base.plan;
  VkDescriptorPoolSize sizes[] = {
    { VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, 1 },
    { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1 },
  };
  const VkDescriptorPoolCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
    .maxSets = MAX (plan->n_steps, 1),
    .poolSizeCount = G_N_ELEMENTS (sizes),
    .pPoolSizes = sizes,
  };

  for (guint s = 0; s < plan->n_steps; s++) {
    CbamBinding bindings[CBAM_MAX_BINDINGS];
    const guint n = cbam_variant_get_bindings (plan->steps[s].variant, plan->steps[s].node, bindings);

    for (guint b = 0; b < n; b++)
      sizes[bindings[b].texels ? 0 : 1].descriptorCount++;
  }
  return cbam_device_make (device, vkCreateDescriptorPool, &create, &slot->descriptor_pool, error);
}

static gboolean
create_view (CbamVulkanSlot *slot, CbamBufferRange range, VkFormat format, GArray *views, VkBufferView *ret_view,
             GError **error)
{
  CbamDevice *device = slot->program->base.device;
  const VkBufferViewCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
    .buffer = range.buffer->handle,
    .format = format,
    .offset = range.offset,
    .range = range.size,
  };

  if (!cbam_device_make (device, vkCreateBufferView, &create, ret_view, error))
    return FALSE;
  g_array_append_val (views, *ret_view);
  return TRUE;
}

static gboolean
write_set (CbamVulkanSlot *slot, const CbamStep *step, VkDescriptorSet set, GArray *kept_views, GError **error)
{
  CbamDevice *device = slot->program->base.device;
  VkWriteDescriptorSet writes[CBAM_MAX_BINDINGS];
  VkDescriptorBufferInfo buffers[CBAM_MAX_BINDINGS];
  VkBufferView views[CBAM_MAX_BINDINGS];
  CbamBinding bindings[CBAM_MAX_BINDINGS];
  const guint n = cbam_variant_get_bindings (step->variant, step->node, bindings);

  for (guint b = 0; b < n; b++) {
    const CbamValue *value = bindings[b].value;
    const CbamBufferRange weights = { slot->program->weights, step->weights_offset, step->weights_size };
    const CbamBufferRange largest = { slot->memory, step->largest, CBAM_WORD_BYTES };
    const CbamBufferRange range = value != NULL                           ? value_range (slot, value)
                                  : bindings[b].kind == CBAM_BIND_WEIGHTS ? weights
                                                                          : largest;

    writes[b] = (VkWriteDescriptorSet){
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .dstBinding = b,
      .descriptorCount = 1,
      .descriptorType =
          bindings[b].texels ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = &buffers[b],
      .pTexelBufferView = &views[b],
    };
    buffers[b] = (VkDescriptorBufferInfo){ range.buffer->handle, range.offset, range.size };
    if (bindings[b].texels &&
        !create_view (slot, range,
                      value != NULL && value->is_frame ? VK_FORMAT_R32_UINT : VK_FORMAT_R32G32B32A32_SFLOAT, kept_views,
                      &views[b], error))
      return FALSE;
  }
  device->vk.vkUpdateDescriptorSets (device->handle, n, writes, 0, NULL);
  return TRUE;
}

void
cbam_vulkan_slot_destroy_views (CbamVulkanSlot *slot, GArray *views)
{
  CbamDevice *device = slot->program->base.device;

  for (guint i = 0; i < views->len; i++)
    device->vk.vkDestroyBufferView (device->handle, g_array_index (views, VkBufferView, i), NULL);
  g_array_set_size (views, 0);
}

gboolean
cbam_vulkan_slot_write_sets (CbamVulkanSlot *slot, guint first, guint end, GArray *views, GError **error)
{
  const CbamPlan *plan = slot->program->base.plan;

  cbam_vulkan_slot_destroy_views (slot, views);
  for (guint s = first; s < end; s++)
    if (!write_set (slot, &plan->steps[s], slot->sets[s], views, error))
      return FALSE;
  return TRUE;
}

static gboolean
create_sets (CbamVulkanSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->base.device;
  const CbamPlan *plan = slot->program->base.plan;

  if (!create_descriptor_pool (slot, error))
    return FALSE;
  for (guint s = 0; s < plan->n_steps; s++) {
    const VkDescriptorSetAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = slot->descriptor_pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &slot->program->pipelines[s]->set_layout,
    };

    if (!cbam_device_check (device, device->vk.vkAllocateDescriptorSets (device->handle, &allocate, &slot->sets[s]),
                            "vkAllocateDescriptorSets", error))
      return FALSE;
  }
  return TRUE;
}

/* ---- Recording -------------------------------------------------------------------------------------------------- */

void
cbam_vulkan_slot_record_timestamp (CbamVulkanSlot *slot, CbamCommands *commands, guint query)
{
  CbamDevice *device = slot->program->base.device;

  if (slot->queries != NULL)
    device->vk.vkCmdWriteTimestamp (commands->handle, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, slot->queries, query);
}

static void
record_step (CbamVulkanSlot *slot, CbamCommands *into, guint s)
{
  CbamDevice *device = slot->program->base.device;
  const CbamStep *step = &slot->program->base.plan->steps[s];
  const gboolean thin = slot->thin && slot->program->thin[s] != NULL;
  const CbamPipeline *pipeline = thin ? slot->program->thin[s] : slot->program->pipelines[s];
  VkCommandBuffer commands = into->handle;

  if (step->barrier || slot->profile)
    cbam_commands_barrier_shaders (into);
  device->vk.vkCmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
  device->vk.vkCmdBindDescriptorSets (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1, &slot->sets[s],
                                      0, NULL);
  device->vk.vkCmdPushConstants (commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, step->variant->args_size,
                                 step->dispatch.args);
  device->vk.vkCmdDispatch (commands, step->dispatch.groups[0], step->dispatch.groups[1],
                            MIN (step->dispatch.groups[2], slot->n_of_batch));
  cbam_vulkan_slot_record_timestamp (slot, into, s + 1);
}

/* What is keepable and @step is the last to touch goes to memory of its own: the arena is for others then. */
static void
record_keeping (CbamVulkanSlot *slot, CbamCommands *commands, guint s)
{
  CbamDevice *device = slot->program->base.device;
  const GPtrArray *values = slot->program->base.plan->graph->values;

  for (guint v = 0; slot->keep && v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);

    if (!value->keepable || value->last != (gint) s)
      continue;
    const CbamBufferRange from = value_range (slot, value), to = cbam_vulkan_slot_get_kept (slot, value);
    const VkBufferCopy copy = { .srcOffset = from.offset, .dstOffset = to.offset, .size = from.size };

    cbam_commands_barrier_all (commands);
    device->vk.vkCmdCopyBuffer (commands->handle, from.buffer->handle, to.buffer->handle, 1, &copy);
    cbam_commands_barrier_all (commands);
  }
}

void
cbam_vulkan_slot_record_steps (CbamVulkanSlot *slot, CbamCommands *commands, guint first, guint end)
{
  for (guint s = first; s < end; s++) {
    record_step (slot, commands, s);
    record_keeping (slot, commands, s);
  }
}

static gboolean
record (CbamVulkanSlot *slot, GError **error)
{
  const guint end = slot->program->base.plan->n_steps;

  if (!cbam_vulkan_slot_write_sets (slot, slot->n_intake, end, slot->views, error) ||
      !cbam_commands_begin (slot->commands, error))
    return FALSE;
  cbam_vulkan_slot_record_steps (slot, slot->commands, slot->n_intake, end);
  cbam_commands_barrier_all (slot->commands);
  slot->recorded = cbam_commands_end (slot->commands, error);
  return slot->recorded;
}

/* ---- Slot ------------------------------------------------------------------------------------------------------- */

static gboolean
create_queries (CbamVulkanSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->base.device;
  const VkQueryPoolCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
    .queryType = VK_QUERY_TYPE_TIMESTAMP,
    .queryCount = slot->program->base.plan->n_steps + 1,
  };

  if (!slot->profile || device->caps.timestamp_period == 0)
    return TRUE;
  slot->base.seconds = g_new0 (double, slot->program->base.plan->n_steps);
  return cbam_device_make (device, vkCreateQueryPool, &create, &slot->queries, error);
}

/* The steps up to the last that reads pixels; as a rule one, and none in graphs without a frame. */
static guint
count_intake (const CbamPlan *plan)
{
  guint n = 0;

  for (guint s = 0; s < plan->n_steps; s++)
    for (guint i = 0; i < plan->steps[s].node->n_inputs; i++)
      if (plan->steps[s].node->inputs[i]->is_frame)
        n = s + 1;
  return n;
}

CbamSlot *
cbam_vulkan_slot_new (CbamProgram *base, gboolean profile, GError **error)
{
  CbamVulkanSlot *slot = g_new0 (CbamVulkanSlot, 1);
  g_autoptr (CbamSlot) whole = &slot->base;
  CbamVulkanProgram *program = slot->program = (CbamVulkanProgram *) base;
  const CbamPlan *plan = base->plan;

  slot->base.program = base;
  slot->profile = profile;
  slot->n_intake = count_intake (plan);
  slot->views = g_array_new (FALSE, FALSE, sizeof (VkBufferView));
  slot->intake_views = g_array_new (FALSE, FALSE, sizeof (VkBufferView));
  slot->regions = g_array_new (FALSE, FALSE, sizeof (VkBufferImageCopy));
  slot->sets = g_new0 (VkDescriptorSet, plan->n_steps);
  if (plan->largest_end > plan->largest_begin)
    slot->base.largest = g_new0 (float, plan->n_steps);
  slot->memory = cbam_buffer_new (base->device, CBAM_MEMORY_READBACK, MAX (plan->slot_size, CBAM_WORD_BYTES), error);
  if (slot->memory == NULL)
    return NULL;
  for (gsize i = 0; program->canary && i < plan->slot_size; i += CBAM_WORD_BYTES)
    *(guint32 *) (slot->memory->map + i) = CBAM_CANARY;
  if (!cbam_buffer_flush (slot->memory, 0, slot->memory->size, error))
    return NULL;
  slot->intake = cbam_commands_new (base->device, error);
  slot->commands = slot->intake != NULL ? cbam_commands_new (base->device, error) : NULL;
  if (slot->commands == NULL || !create_queries (slot, error) || !create_sets (slot, error))
    return NULL;
  return g_steal_pointer (&whole);
}

void
cbam_vulkan_slot_free (CbamSlot *base)
{
  CbamVulkanSlot *slot = (CbamVulkanSlot *) base;
  CbamDevice *device = base->program->device;

  if (base->in_flight)
    cbam_vulkan_slot_wait (base, NULL);
  cbam_grad_cam_free (slot->cam);
  if (!cbam_device_is_hung (device)) {
    cbam_vulkan_slot_destroy_views (slot, slot->views);
    cbam_vulkan_slot_destroy_views (slot, slot->intake_views);
    device->vk.vkDestroyDescriptorPool (device->handle, slot->descriptor_pool, NULL);
    device->vk.vkDestroyQueryPool (device->handle, slot->queries, NULL);
  }
  cbam_commands_free (slot->intake);
  cbam_commands_free (slot->commands);
  cbam_vulkan_intake_forget_frame (slot);
  cbam_buffer_free (slot->memory);
  cbam_buffer_free (slot->pixels);
  cbam_buffer_free (slot->staging);
  cbam_buffer_free (slot->kept);
  g_array_unref (slot->views);
  g_array_unref (slot->intake_views);
  g_array_unref (slot->regions);
  g_free (slot->sets);
  g_free (slot->base.seconds);
  g_free (slot->base.largest);
  g_free (slot);
}

/* ---- What is kept ----------------------------------------------------------------------------------------------- */

CbamBufferRange
cbam_vulkan_slot_get_kept (const CbamVulkanSlot *slot, const CbamValue *value)
{
  const GPtrArray *values = slot->program->base.plan->graph->values;
  const gsize alignment = slot->program->base.device->caps.range_alignment;
  CbamBufferRange range = { slot->kept, 0, 0 };

  for (guint v = 0; v < values->len; v++) {
    const CbamValue *other = g_ptr_array_index (values, v);

    if (!other->keepable)
      continue;
    range.size = other->size;
    if (other == value)
      return range;
    range.offset += (range.size + alignment - 1) / alignment * alignment;
  }
  range.size = 0;
  return range; /* NULL: behind the last */
}

static gboolean
set_keep (CbamVulkanSlot *slot, gboolean keep, GError **error)
{
  if (slot->keep != keep)
    slot->recorded = slot->intake_recorded = FALSE;
  slot->keep = keep;
  if (!keep || slot->kept != NULL)
    return TRUE;
  slot->kept = cbam_buffer_new (slot->program->base.device, CBAM_MEMORY_DEVICE,
                                cbam_vulkan_slot_get_kept (slot, NULL).offset, error);
  return slot->kept != NULL;
}

static void
set_images (CbamVulkanSlot *slot, guint n_images)
{
  const guint n = n_images > 0 ? n_images : slot->program->base.plan->graph->batch;

  if (slot->n_of_batch != n)
    slot->recorded = slot->intake_recorded = FALSE;
  slot->n_of_batch = n;
}

/* ---- What 16 bits have no room for ------------------------------------------------------------------------------ */

static guint32 *
largest_of (const CbamVulkanSlot *slot, guint s)
{
  return (guint32 *) (slot->memory->map + slot->program->base.plan->steps[s].largest);
}

static gboolean
forget_largest (CbamVulkanSlot *slot, GError **error)
{
  const CbamPlan *plan = slot->program->base.plan;

  for (guint s = 0; slot->base.largest != NULL && s < plan->n_steps; s++)
    if (plan->steps[s].largest >= 0)
      *largest_of (slot, s) = 0;
  return slot->base.largest == NULL ||
         cbam_buffer_flush (slot->memory, plan->largest_begin, plan->largest_end - plan->largest_begin, error);
}

static gboolean
read_largest (CbamVulkanSlot *slot, GError **error)
{
  const CbamPlan *plan = slot->program->base.plan;

  if (slot->base.largest == NULL)
    return TRUE;
  if (!cbam_buffer_invalidate (slot->memory, plan->largest_begin, plan->largest_end - plan->largest_begin, error))
    return FALSE;
  for (guint s = 0; s < plan->n_steps; s++)
    if (plan->steps[s].largest >= 0)
      memcpy (&slot->base.largest[s], largest_of (slot, s), sizeof (float));
  return TRUE;
}

/* ---- Submission -------------------------------------------------------------------------------------------------- */

static gboolean
flush_written (CbamVulkanSlot *slot, GError **error)
{
  const GPtrArray *values = slot->program->base.plan->graph->values;

  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);
    const gsize written = value->kind == CBAM_VALUE_MAP ? value->size : value->host_bytes;

    if ((value->host & CBAM_HOST_WRITES) && value->last >= 0 &&
        !cbam_buffer_flush (slot->memory, value->offset, written, error))
      return FALSE;
  }
  return TRUE;
}

/* Of bytes the reader says how many he wants: cbam_slot_fetch(). */
static gboolean
invalidate_maps (CbamVulkanSlot *slot, GError **error)
{
  const GPtrArray *values = slot->program->base.plan->graph->values;

  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);

    if ((value->host & CBAM_HOST_READS) && value->kind == CBAM_VALUE_MAP && value->last >= 0 &&
        !cbam_buffer_invalidate (slot->memory, value->offset, value->size, error))
      return FALSE;
  }
  return TRUE;
}

/* Waits for whoever writes the images elsewhere than on our queue. */
static gboolean
submit (CbamVulkanSlot *slot, CbamTicket *ticket, GError **error)
{
  CbamSubmission submission = {
    .n_commands = 2,
    .commands = { slot->intake->handle, slot->commands->handle },
    .ticket = ticket,
  };

  for (guint i = 0; slot->source == CBAM_PIXELS_IMAGES && i < slot->n_images; i++) {
    if (slot->images[i].plane.semaphore == VK_NULL_HANDLE)
      continue;
    submission.waits[submission.n_waits] = slot->images[i].plane.semaphore;
    submission.values[submission.n_waits++] = slot->images[i].plane.value;
  }
  return cbam_commands_submit_with (slot->commands, &submission, error);
}

gboolean
cbam_vulkan_slot_submit (CbamSlot *base, const CbamSlotInput *input, GError **error)
{
  CbamVulkanSlot *slot = (CbamVulkanSlot *) base;

  set_images (slot, input->n_images);
  base->in_flight = cbam_device_check_alive (base->program->device, error) && set_keep (slot, input->keep, error) &&
                    cbam_vulkan_intake_take (slot, input, error) && (slot->recorded || record (slot, error)) &&
                    flush_written (slot, error) && forget_largest (slot, error) && submit (slot, input->ticket, error);
  if (base->in_flight)
    slot->ticket = input->ticket;
  else
    cbam_vulkan_intake_forget_frame (slot); /* its memory is the caller's again */
  return base->in_flight;
}

static gboolean
read_timestamps (CbamVulkanSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->base.device;
  const guint n = slot->program->base.plan->n_steps;
  const guint64 mask =
      device->caps.timestamp_bits >= 64 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << device->caps.timestamp_bits) - 1;
  guint64 ticks[n + 1];

  if (slot->queries == NULL)
    return TRUE;
  if (!cbam_device_check (device,
                          device->vk.vkGetQueryPoolResults (device->handle, slot->queries, 0, n + 1, sizeof ticks,
                                                            ticks, sizeof *ticks, VK_QUERY_RESULT_64_BIT),
                          "vkGetQueryPoolResults", error))
    return FALSE;
  for (guint s = 0; s < n; s++)
    slot->base.seconds[s] = (double) ((ticks[s + 1] - ticks[s]) & mask) * device->caps.timestamp_period * 1e-9;
  return TRUE;
}

gboolean
cbam_vulkan_slot_wait (CbamSlot *base, GError **error)
{
  CbamVulkanSlot *slot = (CbamVulkanSlot *) base;
  const gint64 start = g_get_monotonic_time ();
  gint64 now;

  if (!cbam_commands_wait (slot->commands, error))
    return FALSE; /* in flight for good: the device is parked */
  base->in_flight = FALSE;
  now = g_get_monotonic_time ();
  if (slot->ticket != NULL)
    cbam_turns_finish (base->program->device->turns, slot->ticket, now, now - start > REAL_WAIT);
  cbam_vulkan_intake_forget_frame (slot);
  return invalidate_maps (slot, error) && read_largest (slot, error) && read_timestamps (slot, error);
}

guint8 *
cbam_vulkan_slot_get (CbamSlot *base, const CbamValue *value)
{
  return ((CbamVulkanSlot *) base)->memory->map + value->offset;
}

gboolean
cbam_vulkan_slot_fetch (CbamSlot *base, const CbamValue *value, gsize offset, gsize size, GError **error)
{
  return cbam_buffer_invalidate (((CbamVulkanSlot *) base)->memory, value->offset + offset, size, error);
}

/* ---- Canaries --------------------------------------------------------------------------------------------------- */

static gboolean
canary_is_whole (const guint8 *memory, gsize size)
{
  for (gsize i = 0; i + CBAM_WORD_BYTES <= size; i += CBAM_WORD_BYTES)
    if (*(const guint32 *) (memory + i) != CBAM_CANARY)
      return FALSE;
  return TRUE;
}

gboolean
cbam_vulkan_slot_check_canaries (CbamSlot *base, GError **error)
{
  const CbamVulkanSlot *slot = (CbamVulkanSlot *) base;
  const CbamVulkanProgram *program = slot->program;
  const GPtrArray *values = base->program->plan->graph->values;

  g_return_val_if_fail (program->canary > 0 && (base->program->device->debug & CBAM_DEBUG_POISON), FALSE);
  if (program->arena != NULL && !cbam_buffer_invalidate (program->arena, 0, program->arena->size, error))
    return FALSE;
  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);
    const CbamHome home = cbam_value_get_home (value);
    const guint8 *memory = home == CBAM_HOME_SLOT   ? slot->memory->map
                           : program->arena != NULL ? program->arena->map
                                                    : NULL;

    if (value->last < 0 || home == CBAM_HOME_FRAME)
      continue;
    if (!canary_is_whole (memory + value->offset + value->size, program->canary)) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "%s: something wrote behind it", value->name);
      return FALSE;
    }
    if (value->kind == CBAM_VALUE_MAP && !cbam_value_border_is_zero (value, memory + value->offset)) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "%s: border or padding channels are not zero", value->name);
      return FALSE;
    }
  }
  return TRUE;
}
