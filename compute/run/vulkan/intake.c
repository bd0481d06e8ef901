/* The intake of a slot: from where a frame's pixels are to the step that reads them.
 *
 *     copied    [staging -> pixels] -> first step                       recorded once
 *     imported  the frame's own memory -> first step                    recorded for every frame
 *     images    images -> pixels -> first step                          recorded for every frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/vulkan/private.h"

/* ---- Sources ---------------------------------------------------------------------------------------------------- */

/* Room for @size bytes that the device reads; with @written, where the host can write them. */
static gboolean
reserve (CbamSlot *slot, gsize size, gboolean written, GError **error)
{
  CbamDevice *device = slot->program->device;
  const gboolean staged = written && !device->caps.unified;

  if (size > device->caps.max_storage_range) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "a frame of %" G_GSIZE_FORMAT " bytes; %s binds at most %" G_GSIZE_FORMAT, size, device->info.name,
                 device->caps.max_storage_range);
    return FALSE;
  }
  cbam_intake_forget_frame (slot);
  if (!slot->pixels || slot->pixels->size < size) {
    slot->intake_recorded = FALSE;
    g_clear_pointer (&slot->pixels, cbam_buffer_free);
    slot->pixels =
        cbam_buffer_new (device, device->caps.unified ? CBAM_MEMORY_UPLOAD : CBAM_MEMORY_DEVICE, size, error);
  }
  if (staged && (!slot->staging || slot->staging->size < size)) {
    slot->intake_recorded = FALSE;
    g_clear_pointer (&slot->staging, cbam_buffer_free);
    slot->staging = cbam_buffer_new (device, CBAM_MEMORY_UPLOAD, size, slot->pixels ? error : NULL);
  }
  return slot->pixels && (!staged || slot->staging);
}

guint8 *
cbam_slot_reserve_pixels (CbamSlot *slot, gsize size, GError **error)
{
  g_return_val_if_fail (!slot->in_flight, NULL);
  slot->source = CBAM_PIXELS_COPIED;
  if (!reserve (slot, size, TRUE, error))
    return NULL;
  return slot->staging ? slot->staging->map : slot->pixels->map;
}

gboolean
cbam_slot_import_pixels (CbamSlot *slot, const void *start, gsize size, GError **error)
{
  g_return_val_if_fail (!slot->in_flight, FALSE);
  cbam_intake_forget_frame (slot);
  slot->imported = cbam_buffer_import (slot->program->device, start, size, error);
  if (!slot->imported)
    return FALSE;
  slot->source = CBAM_PIXELS_IMPORTED;
  return TRUE;
}

gboolean
cbam_slot_copy_images (CbamSlot *slot, const CbamImageCopy *images, guint n, const GArray *regions, gsize size,
                       GError **error)
{
  g_return_val_if_fail (!slot->in_flight && n <= G_N_ELEMENTS (slot->images), FALSE);
  if (!reserve (slot, size, FALSE, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    slot->images[i] = images[i];
  g_array_set_size (slot->regions, 0);
  g_array_append_vals (slot->regions, regions->data, regions->len);
  slot->n_images = n;
  slot->source = CBAM_PIXELS_IMAGES;
  return TRUE;
}

void
cbam_slot_set_thin (CbamSlot *slot, gboolean thin)
{
  g_return_if_fail (!slot->in_flight);
  if (slot->thin != thin)
    slot->intake_recorded = FALSE;
  slot->thin = thin;
}

void
cbam_intake_forget_frame (CbamSlot *slot)
{
  g_clear_pointer (&slot->imported, cbam_buffer_free);
}

/* ---- Recording -------------------------------------------------------------------------------------------------- */

static void
record_upload (CbamSlot *slot)
{
  const VkBufferCopy copy = { .size = MIN (slot->staging->size, slot->pixels->size) };

  slot->program->device->vk.vkCmdCopyBuffer (slot->intake->handle, slot->staging->handle, slot->pixels->handle, 1,
                                             &copy);
}

/* Whether an earlier plane lies in the same image, which is made readable as a whole. */
static gboolean
is_readable (const CbamSlot *slot, guint i)
{
  for (guint j = 0; j < i; j++)
    if (slot->images[j].plane.image == slot->images[i].plane.image)
      return TRUE;
  return FALSE;
}

static void
record_image_copies (CbamSlot *slot)
{
  CbamDevice *device = slot->program->device;
  VkCommandBuffer commands = slot->intake->handle;

  for (guint i = 0; i < slot->n_images; i++) {
    const CbamVulkanPlane *plane = &slot->images[i].plane;
    const VkImageMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
      .srcAccessMask = plane->access,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
      .oldLayout = plane->layout,
      .newLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
      .image = plane->image,
      .subresourceRange = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1 },
    };

    if (!is_readable (slot, i))
      device->vk.vkCmdPipelineBarrier (commands, plane->stages ? plane->stages : VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                                       VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
    device->vk.vkCmdCopyImageToBuffer (commands, plane->image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                                       slot->pixels->handle, slot->images[i].n,
                                       &g_array_index (slot->regions, VkBufferImageCopy, slot->images[i].first));
  }
}

/* NaN everywhere, canaries behind each map: what a kernel forgets to write, or writes too far, shows. */
static void
record_poison (CbamSlot *slot)
{
  const CbamProgram *program = slot->program;
  CbamDevice *device = program->device;

  if (!(device->debug & CBAM_DEBUG_POISON) || !program->arena)
    return;
  cbam_commands_barrier_all (slot->intake);
  device->vk.vkCmdFillBuffer (slot->intake->handle, program->arena->handle, 0, VK_WHOLE_SIZE,
                              program->canary ? CBAM_CANARY : CBAM_POISON);
  if (program->canary == 0)
    return;
  cbam_commands_barrier_all (slot->intake);
  for (guint t = 0; t < program->plan->graph->values->len; t++) {
    const CbamValue *value = g_ptr_array_index (program->plan->graph->values, t);

    if (value->last >= 0 && !cbam_plan_is_in_slot (value))
      device->vk.vkCmdFillBuffer (slot->intake->handle, program->arena->handle, value->offset, value->size,
                                  CBAM_POISON);
  }
}

static gboolean
record (CbamSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->device;

  if (!cbam_commands_begin (slot->intake, error))
    return FALSE;
  if (slot->queries)
    device->vk.vkCmdResetQueryPool (slot->intake->handle, slot->queries, 0, slot->program->plan->n_steps + 1);
  if (slot->source == CBAM_PIXELS_COPIED && slot->staging)
    record_upload (slot);
  if (slot->source == CBAM_PIXELS_IMAGES)
    record_image_copies (slot);
  record_poison (slot);
  /* After the upload, and after whoever used the arena before. */
  cbam_commands_barrier_all (slot->intake);
  cbam_slot_record_timestamp (slot, slot->intake, 0);
  cbam_slot_record_steps (slot, slot->intake, 0, slot->n_intake);
  return cbam_commands_end (slot->intake, error);
}

gboolean
cbam_intake_prepare (CbamSlot *slot, GError **error)
{
  CbamBuffer *written = slot->staging ? slot->staging : slot->pixels;

  if (slot->source != CBAM_PIXELS_COPIED)
    slot->intake_recorded = FALSE;
  else if (!cbam_buffer_flush (written, 0, written->size, error))
    return FALSE;
  if (slot->intake_recorded)
    return TRUE;
  if (!cbam_slot_write_sets (slot, 0, slot->n_intake, slot->intake_views, error) || !record (slot, error))
    return FALSE;
  slot->intake_recorded = slot->source == CBAM_PIXELS_COPIED;
  return TRUE;
}
