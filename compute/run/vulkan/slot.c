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
map_range (CbamSlot *slot, const CbamValue *value)
{
  CbamBuffer *buffer = cbam_plan_is_in_slot (value) ? slot->memory : slot->program->arena;

  return (CbamBufferRange){ buffer, value->offset, value->size };
}

static CbamBufferRange
pixels_range (CbamSlot *slot)
{
  CbamBuffer *buffer = slot->source == CBAM_PIXELS_IMPORTED ? slot->imported : slot->pixels;

  return (CbamBufferRange){ buffer, 0, buffer->size };
}

static CbamBufferRange
binding_range (CbamSlot *slot, const CbamStep *step, CbamBinding binding)
{
  const CbamPlan *plan = slot->program->plan;

  switch (binding) {
    case CBAM_BIND_INPUT: return map_range (slot, step->node->inputs[0]);
    case CBAM_BIND_INPUT_1: return map_range (slot, step->node->inputs[1]);
    case CBAM_BIND_INPUT_2: return map_range (slot, step->node->inputs[2]);
    case CBAM_BIND_OUTPUT: return map_range (slot, step->node->outputs[0]);
    case CBAM_BIND_MORE: return map_range (slot, step->node->outputs[1]);
    case CBAM_BIND_MORE_1: return map_range (slot, step->node->outputs[2]);
    case CBAM_BIND_WEIGHTS:
      return (CbamBufferRange){ slot->program->weights, step->weights_offset, step->weights_size };
    case CBAM_BIND_PIXELS: return pixels_range (slot);
    case CBAM_BIND_FRAME: return (CbamBufferRange){ slot->memory, plan->frame_offset, plan->frame_size };
    case CBAM_BIND_BOXES: return (CbamBufferRange){ slot->memory, plan->boxes_offset, plan->boxes_size };
    case CBAM_BIND_HITS: return (CbamBufferRange){ slot->memory, plan->hits_offset, plan->hits_size };
    case CBAM_BIND_RESULTS: return (CbamBufferRange){ slot->memory, plan->frame_offset, plan->results_size };
    case CBAM_BIND_END: break;
  }
  g_return_val_if_reached ((CbamBufferRange){ 0 });
}

static gboolean
create_descriptor_pool (CbamSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->device;
  const CbamPlan *plan = slot->program->plan;
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

  for (guint s = 0; s < plan->n_steps; s++)
    for (guint b = 0; b < cbam_variant_count_bindings (plan->steps[s].variant); b++)
      sizes[cbam_variant_binds_texels (plan->steps[s].variant, plan->steps[s].variant->bindings[b]) ? 0 : 1]
          .descriptorCount++;
  return cbam_device_make (device, vkCreateDescriptorPool, &create, &slot->descriptor_pool, error);
}

static gboolean
create_view (CbamSlot *slot, CbamBufferRange range, VkFormat format, GArray *views, VkBufferView *ret_view,
             GError **error)
{
  CbamDevice *device = slot->program->device;
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
write_set (CbamSlot *slot, const CbamStep *step, VkDescriptorSet set, GArray *kept_views, GError **error)
{
  CbamDevice *device = slot->program->device;
  VkWriteDescriptorSet writes[CBAM_MAX_BINDINGS];
  VkDescriptorBufferInfo buffers[CBAM_MAX_BINDINGS];
  VkBufferView views[CBAM_MAX_BINDINGS];
  const guint n = cbam_variant_count_bindings (step->variant);

  for (guint b = 0; b < n; b++) {
    const CbamBinding binding = step->variant->bindings[b];
    const CbamBufferRange range = binding_range (slot, step, binding);

    writes[b] = (VkWriteDescriptorSet){
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .dstBinding = b,
      .descriptorCount = 1,
      .descriptorType = cbam_variant_get_descriptor_type (step->variant, binding),
      .pBufferInfo = &buffers[b],
      .pTexelBufferView = &views[b],
    };
    buffers[b] = (VkDescriptorBufferInfo){ range.buffer->handle, range.offset, range.size };
    if (cbam_variant_binds_texels (step->variant, binding) &&
        !create_view (slot, range, binding == CBAM_BIND_PIXELS ? VK_FORMAT_R32_UINT : VK_FORMAT_R32G32B32A32_SFLOAT,
                      kept_views, &views[b], error))
      return FALSE;
  }
  device->vk.vkUpdateDescriptorSets (device->handle, n, writes, 0, NULL);
  return TRUE;
}

void
cbam_slot_destroy_views (CbamSlot *slot, GArray *views)
{
  CbamDevice *device = slot->program->device;

  for (guint i = 0; i < views->len; i++)
    device->vk.vkDestroyBufferView (device->handle, g_array_index (views, VkBufferView, i), NULL);
  g_array_set_size (views, 0);
}

gboolean
cbam_slot_write_sets (CbamSlot *slot, guint first, guint end, GArray *views, GError **error)
{
  const CbamPlan *plan = slot->program->plan;

  cbam_slot_destroy_views (slot, views);
  for (guint s = first; s < end; s++)
    if (!write_set (slot, &plan->steps[s], slot->sets[s], views, error))
      return FALSE;
  return TRUE;
}

static gboolean
create_sets (CbamSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->device;
  const CbamPlan *plan = slot->program->plan;

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
cbam_slot_record_timestamp (CbamSlot *slot, CbamCommands *commands, guint query)
{
  CbamDevice *device = slot->program->device;

  if (slot->queries)
    device->vk.vkCmdWriteTimestamp (commands->handle, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, slot->queries, query);
}

static void
record_step (CbamSlot *slot, CbamCommands *into, guint s)
{
  CbamDevice *device = slot->program->device;
  const CbamStep *step = &slot->program->plan->steps[s];
  const gboolean thin = slot->thin && slot->program->thin[s];
  const CbamPipeline *pipeline = thin ? slot->program->thin[s] : slot->program->pipelines[s];
  VkCommandBuffer commands = into->handle;

  if (step->barrier || slot->profile)
    cbam_commands_barrier_shaders (into);
  device->vk.vkCmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
  device->vk.vkCmdBindDescriptorSets (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1, &slot->sets[s],
                                      0, NULL);
  device->vk.vkCmdPushConstants (commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, step->variant->args_size,
                                 step->dispatch.args);
  device->vk.vkCmdDispatch (commands, step->dispatch.groups[0], step->dispatch.groups[1], step->dispatch.groups[2]);
  cbam_slot_record_timestamp (slot, into, s + 1);
}

/* Features and conf of a level that @step is the last to touch go to memory of their own: the arena is for others then.
 */
static void
record_keeping (CbamSlot *slot, CbamCommands *commands, guint s)
{
  CbamDevice *device = slot->program->device;
  const CbamGraph *graph = slot->program->plan->graph;

  for (guint l = 0; slot->keep_levels && l < graph->n_levels; l++) {
    const CbamValue *maps[] = { graph->levels[l].features, graph->levels[l].conf };

    for (guint i = 0; i < G_N_ELEMENTS (maps); i++) {
      const CbamBufferRange from = map_range (slot, maps[i]), to = cbam_slot_get_kept (slot, maps[i]);
      const VkBufferCopy copy = { .srcOffset = from.offset, .dstOffset = to.offset, .size = from.size };

      if (maps[i]->last != (gint) s)
        continue;
      cbam_commands_barrier_all (commands);
      device->vk.vkCmdCopyBuffer (commands->handle, from.buffer->handle, to.buffer->handle, 1, &copy);
      cbam_commands_barrier_all (commands);
    }
  }
}

void
cbam_slot_record_steps (CbamSlot *slot, CbamCommands *commands, guint first, guint end)
{
  for (guint s = first; s < end; s++) {
    record_step (slot, commands, s);
    record_keeping (slot, commands, s);
  }
}

static gboolean
record (CbamSlot *slot, GError **error)
{
  const guint end = slot->program->plan->n_steps;

  if (!cbam_slot_write_sets (slot, slot->n_intake, end, slot->views, error) ||
      !cbam_commands_begin (slot->commands, error))
    return FALSE;
  cbam_slot_record_steps (slot, slot->commands, slot->n_intake, end);
  cbam_commands_barrier_all (slot->commands);
  slot->recorded = cbam_commands_end (slot->commands, error);
  return slot->recorded;
}

/* ---- Slot ------------------------------------------------------------------------------------------------------- */

static gboolean
create_queries (CbamSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->device;
  const VkQueryPoolCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
    .queryType = VK_QUERY_TYPE_TIMESTAMP,
    .queryCount = slot->program->plan->n_steps + 1,
  };

  if (!slot->profile || device->caps.timestamp_period == 0)
    return TRUE;
  slot->seconds = g_new0 (double, slot->program->plan->n_steps);
  return cbam_device_make (device, vkCreateQueryPool, &create, &slot->queries, error);
}

/* The steps up to the last that reads pixels; as a rule one, and none in graphs without a frame. */
static guint
count_intake (const CbamPlan *plan)
{
  guint n = 0;

  for (guint s = 0; s < plan->n_steps; s++)
    for (guint b = 0; b < cbam_variant_count_bindings (plan->steps[s].variant); b++)
      if (plan->steps[s].variant->bindings[b] == CBAM_BIND_PIXELS)
        n = s + 1;
  return n;
}

CbamSlot *
cbam_slot_new (CbamProgram *program, gboolean profile, GError **error)
{
  g_autoptr (CbamSlot) slot = g_new0 (CbamSlot, 1);
  const CbamPlan *plan = program->plan;

  slot->program = program;
  slot->profile = profile;
  slot->n_intake = count_intake (plan);
  slot->views = g_array_new (FALSE, FALSE, sizeof (VkBufferView));
  slot->intake_views = g_array_new (FALSE, FALSE, sizeof (VkBufferView));
  slot->regions = g_array_new (FALSE, FALSE, sizeof (VkBufferImageCopy));
  slot->sets = g_new0 (VkDescriptorSet, plan->n_steps);
  slot->memory = cbam_buffer_new (program->device, CBAM_MEMORY_READBACK, plan->slot_size, error);
  if (!slot->memory)
    return NULL;
  for (gsize i = 0; program->canary && i < plan->slot_size; i += CBAM_WORD_BYTES)
    *(guint32 *) (slot->memory->map + i) = CBAM_CANARY;
  if (!cbam_buffer_flush (slot->memory, 0, plan->slot_size, error))
    return NULL;
  slot->intake = cbam_commands_new (program->device, error);
  slot->commands = slot->intake ? cbam_commands_new (program->device, error) : NULL;
  if (!slot->commands || !create_queries (slot, error) || !create_sets (slot, error))
    return NULL;
  return g_steal_pointer (&slot);
}

void
cbam_slot_free (CbamSlot *slot)
{
  CbamDevice *device;

  if (!slot)
    return;
  device = slot->program->device;
  if (slot->in_flight)
    cbam_slot_wait (slot, NULL);
  if (!cbam_device_is_hung (device)) {
    cbam_slot_destroy_views (slot, slot->views);
    cbam_slot_destroy_views (slot, slot->intake_views);
    device->vk.vkDestroyDescriptorPool (device->handle, slot->descriptor_pool, NULL);
    device->vk.vkDestroyQueryPool (device->handle, slot->queries, NULL);
  }
  cbam_commands_free (slot->intake);
  cbam_commands_free (slot->commands);
  cbam_intake_forget_frame (slot);
  cbam_buffer_free (slot->memory);
  cbam_buffer_free (slot->pixels);
  cbam_buffer_free (slot->staging);
  cbam_buffer_free (slot->kept);
  g_array_unref (slot->views);
  g_array_unref (slot->intake_views);
  g_array_unref (slot->regions);
  g_free (slot->sets);
  g_free (slot->seconds);
  g_free (slot);
}

/* ---- Levels kept ------------------------------------------------------------------------------------------------ */

void
cbam_slot_keep_levels (CbamSlot *slot, gboolean keep)
{
  g_return_if_fail (!slot->in_flight);
  if (slot->keep_levels != keep)
    slot->recorded = slot->intake_recorded = FALSE;
  slot->keep_levels = keep;
}

/* Level by level features, then conf. */
CbamBufferRange
cbam_slot_get_kept (const CbamSlot *slot, const CbamValue *value)
{
  const CbamGraph *graph = slot->program->plan->graph;
  const gsize alignment = slot->program->device->caps.range_alignment;
  CbamBufferRange range = { slot->kept, 0, 0 };

  for (guint l = 0; l < graph->n_levels; l++) {
    const CbamValue *maps[] = { graph->levels[l].features, graph->levels[l].conf };

    for (guint i = 0; i < G_N_ELEMENTS (maps); i++) {
      range.size = maps[i]->size;
      if (maps[i] == value)
        return range;
      range.offset += (range.size + alignment - 1) / alignment * alignment;
    }
  }
  range.size = 0;
  return range; /* NULL: behind the last */
}

CbamBufferRange
cbam_program_get_weights (const CbamProgram *program, const CbamValue *value)
{
  for (guint s = 0; s < program->plan->n_steps; s++) {
    const CbamStep *step = &program->plan->steps[s];

    if (step->node->outputs[0] == value)
      return (CbamBufferRange){ program->weights, step->weights_offset, step->weights_size };
  }
  g_return_val_if_reached ((CbamBufferRange){ 0 });
}

static gboolean
reserve_kept (CbamSlot *slot, GError **error)
{
  if (!slot->keep_levels || slot->kept)
    return TRUE;
  slot->kept =
      cbam_buffer_new (slot->program->device, CBAM_MEMORY_DEVICE, cbam_slot_get_kept (slot, NULL).offset, error);
  return slot->kept != NULL;
}

void
cbam_slot_set_ticket (CbamSlot *slot, CbamTicket *ticket)
{
  g_return_if_fail (!slot->in_flight);
  slot->ticket = ticket;
}

CbamFrameArgs *
cbam_slot_get_frame (CbamSlot *slot)
{
  return (CbamFrameArgs *) (slot->memory->map + slot->program->plan->frame_offset);
}

guint8 *
cbam_slot_get_map (CbamSlot *slot, const CbamValue *value)
{
  g_return_val_if_fail (cbam_plan_is_in_slot (value), NULL);
  return slot->memory->map + value->offset;
}

/* How many there are, then the bits of the best score. */
static guint32 *
hit_count (const CbamSlot *slot)
{
  return (guint32 *) (slot->memory->map + slot->program->plan->hits_offset);
}

/* Waits for whoever writes the images elsewhere than on our queue. */
static gboolean
submit (CbamSlot *slot, GError **error)
{
  CbamSubmission submission = {
    .n_commands = 2,
    .commands = { slot->intake->handle, slot->commands->handle },
    .ticket = slot->ticket,
  };

  for (guint i = 0; slot->source == CBAM_PIXELS_IMAGES && i < slot->n_images; i++) {
    if (slot->images[i].plane.semaphore == VK_NULL_HANDLE)
      continue;
    submission.waits[submission.n_waits] = slot->images[i].plane.semaphore;
    submission.values[submission.n_waits++] = slot->images[i].plane.value;
  }
  return cbam_commands_submit_with (slot->commands, &submission, error);
}

/* What cbam_slot_submit() does; half of it may be done when it fails. */
static gboolean
send (CbamSlot *slot, GError **error)
{
  const CbamPlan *plan = slot->program->plan;
  const gboolean no_frame = slot->source == CBAM_PIXELS_COPIED && !slot->pixels;
  const gsize maps = plan->boxes_offset + plan->boxes_size; /* the host may have written some of them */

  if (!cbam_device_check_alive (slot->program->device, error))
    return FALSE;
  /* Graphs without a preprocess have no pixels; descriptors want a buffer all the same. */
  if (no_frame && !cbam_slot_reserve_pixels (slot, CBAM_WORD_BYTES, error))
    return FALSE;
  if (!reserve_kept (slot, error))
    return FALSE;
  if (!cbam_intake_prepare (slot, error) || (!slot->recorded && !record (slot, error)))
    return FALSE;
  hit_count (slot)[0] = hit_count (slot)[1] = 0;
  return cbam_buffer_flush (slot->memory, 0, plan->hits_offset + 8, error) &&
         cbam_buffer_flush (slot->memory, maps, plan->slot_size - maps, error) && submit (slot, error);
}

gboolean
cbam_slot_submit (CbamSlot *slot, GError **error)
{
  g_return_val_if_fail (!slot->in_flight, FALSE);
  slot->in_flight = send (slot, error);
  if (!slot->in_flight)
    cbam_intake_forget_frame (slot); /* its memory is the caller's again */
  return slot->in_flight;
}

static gboolean
read_timestamps (CbamSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->device;
  const guint n = slot->program->plan->n_steps;
  const guint64 mask =
      device->caps.timestamp_bits >= 64 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << device->caps.timestamp_bits) - 1;
  guint64 ticks[n + 1];

  if (!slot->queries)
    return TRUE;
  if (!cbam_device_check (device,
                          device->vk.vkGetQueryPoolResults (device->handle, slot->queries, 0, n + 1, sizeof ticks,
                                                            ticks, sizeof *ticks, VK_QUERY_RESULT_64_BIT),
                          "vkGetQueryPoolResults", error))
    return FALSE;
  for (guint s = 0; s < n; s++)
    slot->seconds[s] = (double) ((ticks[s + 1] - ticks[s]) & mask) * device->caps.timestamp_period * 1e-9;
  return TRUE;
}

gboolean
cbam_slot_wait (CbamSlot *slot, GError **error)
{
  const CbamPlan *plan = slot->program->plan;
  const gint64 start = g_get_monotonic_time ();
  gint64 now;

  g_return_val_if_fail (slot->in_flight, FALSE);
  if (!cbam_commands_wait (slot->commands, error))
    return FALSE; /* in flight for good: the device is parked */
  slot->in_flight = FALSE;
  now = g_get_monotonic_time ();
  if (slot->ticket)
    cbam_turns_finish (slot->program->device->turns, slot->ticket, now, now - start > REAL_WAIT);
  cbam_intake_forget_frame (slot);
  if (!cbam_buffer_invalidate (slot->memory, plan->hits_offset, 8, error))
    return FALSE;
  slot->n_hits = MIN (*hit_count (slot), plan->max_hits);
  return cbam_buffer_invalidate (slot->memory, plan->hits_offset, 8 + slot->n_hits * sizeof (CbamHit), error) &&
         cbam_buffer_invalidate (slot->memory, plan->boxes_offset, plan->slot_size - plan->boxes_offset, error) &&
         read_timestamps (slot, error);
}

const CbamHit *
cbam_slot_get_hits (const CbamSlot *slot, guint32 *n)
{
  *n = slot->n_hits;
  return (const CbamHit *) (slot->memory->map + slot->program->plan->hits_offset + 8);
}

float
cbam_slot_get_best_score (const CbamSlot *slot)
{
  float score;

  memcpy (&score, hit_count (slot) + 1, sizeof score);
  return score;
}

const float (*cbam_slot_get_boxes (const CbamSlot *slot))[4]
{
  return (const float (*)[4]) (slot->memory->map + slot->program->plan->boxes_offset);
}

const double *
cbam_slot_get_seconds (const CbamSlot *slot)
{
  return slot->seconds;
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
cbam_program_check_canaries (CbamProgram *program, CbamSlot *slot, GError **error)
{
  const CbamPlan *plan = program->plan;

  g_return_val_if_fail (program->canary > 0 && (program->device->debug & CBAM_DEBUG_POISON), FALSE);
  if (program->arena && !cbam_buffer_invalidate (program->arena, 0, program->arena->size, error))
    return FALSE;
  for (guint t = 0; t < plan->graph->values->len; t++) {
    const CbamValue *value = g_ptr_array_index (plan->graph->values, t);
    const gboolean in_slot = cbam_plan_is_in_slot (value);
    const guint8 *memory = in_slot ? slot->memory->map : program->arena ? program->arena->map : NULL;

    if (value->last < 0)
      continue;
    if (!canary_is_whole (memory + value->offset + value->size, program->canary)) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "%s: something wrote behind the map", value->name);
      return FALSE;
    }
    if (!cbam_value_border_is_zero (value, memory + value->offset)) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "%s: border or padding channels are not zero", value->name);
      return FALSE;
    }
  }
  if (canary_is_whole (slot->memory->map + plan->hits_offset + plan->hits_size, program->canary) &&
      canary_is_whole (slot->memory->map + plan->boxes_offset + plan->boxes_size, program->canary))
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "something wrote behind the candidates or the boxes");
  return FALSE;
}
