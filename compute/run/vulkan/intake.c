/* The intake of a slot: from where a frame's pixels are to the step that reads them.
 *
 *     written   [staging -> pixels] -> first step                       recorded once
 *     imported  the frame's own memory -> first step                    recorded for every frame
 *     images    images -> pixels -> first step                          recorded for every frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/vulkan/private.h"

/* ---- Sources ---------------------------------------------------------------------------------------------------- */

/* Room for @size bytes that the device reads; with @written, where the host can write them. */
static gboolean
reserve (CbamVulkanSlot *slot, gsize size, gboolean written, GError **error)
{
  CbamDevice *device = slot->program->base.device;
  const gboolean staged = written && !device->caps.unified;

  if (size > device->caps.max_storage_range) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "a frame of %" G_GSIZE_FORMAT " bytes; %s binds at most %" G_GSIZE_FORMAT, size, device->info.name,
                 device->caps.max_storage_range);
    return FALSE;
  }
  cbam_vulkan_intake_forget_frame (slot);
  if (slot->pixels == NULL || slot->pixels->size < size) {
    slot->intake_recorded = FALSE;
    g_clear_pointer (&slot->pixels, cbam_buffer_free);
    slot->pixels =
        cbam_buffer_new (device, device->caps.unified ? CBAM_MEMORY_UPLOAD : CBAM_MEMORY_DEVICE, size, error);
  }
  if (staged && (slot->staging == NULL || slot->staging->size < size)) {
    slot->intake_recorded = FALSE;
    g_clear_pointer (&slot->staging, cbam_buffer_free);
    slot->staging = cbam_buffer_new (device, CBAM_MEMORY_UPLOAD, size, slot->pixels != NULL ? error : NULL);
  }
  return slot->pixels != NULL && (!staged || slot->staging != NULL);
}

void
cbam_vulkan_intake_forget_frame (CbamVulkanSlot *slot)
{
  g_clear_pointer (&slot->imported, cbam_buffer_free);
}

/* ---- Recording -------------------------------------------------------------------------------------------------- */

static void
record_upload (CbamVulkanSlot *slot)
{
  const VkBufferCopy copy = { .size = MIN (slot->staging->size, slot->pixels->size) };

  slot->program->base.device->vk.vkCmdCopyBuffer (slot->intake->handle, slot->staging->handle, slot->pixels->handle, 1,
                                                  &copy);
}

/* Whether an earlier plane lies in the same image, which is made readable as a whole. */
static gboolean
is_readable (const CbamVulkanSlot *slot, guint i)
{
  for (guint j = 0; j < i; j++)
    if (slot->images[j].plane.image == slot->images[i].plane.image)
      return TRUE;
  return FALSE;
}

static void
record_image_copies (CbamVulkanSlot *slot)
{
  CbamDevice *device = slot->program->base.device;
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
record_poison (CbamVulkanSlot *slot)
{
  const CbamVulkanProgram *program = slot->program;
  CbamDevice *device = program->base.device;

  if (!(device->debug & CBAM_DEBUG_POISON) || program->arena == NULL)
    return;
  cbam_commands_barrier_all (slot->intake);
  device->vk.vkCmdFillBuffer (slot->intake->handle, program->arena->handle, 0, VK_WHOLE_SIZE,
                              program->canary ? CBAM_CANARY : CBAM_POISON);
  if (program->canary == 0)
    return;
  cbam_commands_barrier_all (slot->intake);
  for (guint t = 0; t < program->base.plan->graph->values->len; t++) {
    const CbamValue *value = g_ptr_array_index (program->base.plan->graph->values, t);

    if (value->last >= 0 && cbam_value_get_home (value) == CBAM_HOME_ARENA)
      device->vk.vkCmdFillBuffer (slot->intake->handle, program->arena->handle, value->offset, value->size,
                                  CBAM_POISON);
  }
}

static gboolean
record (CbamVulkanSlot *slot, GError **error)
{
  CbamDevice *device = slot->program->base.device;

  if (!cbam_commands_begin (slot->intake, error))
    return FALSE;
  if (slot->queries != NULL)
    device->vk.vkCmdResetQueryPool (slot->intake->handle, slot->queries, 0, slot->program->base.plan->n_steps + 1);
  if (slot->source == CBAM_PIXELS_WRITTEN && slot->staging != NULL)
    record_upload (slot);
  if (slot->source == CBAM_PIXELS_IMAGES)
    record_image_copies (slot);
  record_poison (slot);
  /* After the upload, and after whoever used the arena before. */
  cbam_commands_barrier_all (slot->intake);
  cbam_vulkan_slot_record_timestamp (slot, slot->intake, 0);
  cbam_vulkan_slot_record_steps (slot, slot->intake, 0, slot->n_intake);
  return cbam_commands_end (slot->intake, error);
}

static gboolean
take_written (CbamVulkanSlot *slot, const CbamSlotInput *input, GError **error)
{
  const gsize size = MAX (input->size, CBAM_WORD_BYTES); /* without pixels descriptors want a buffer all the same */
  CbamBuffer *written;

  if (!reserve (slot, size, TRUE, error))
    return FALSE;
  slot->source = CBAM_PIXELS_WRITTEN;
  written = slot->staging != NULL ? slot->staging : slot->pixels;
  if (input->write != NULL)
    input->write (input->data, written->map);
  return cbam_buffer_flush (written, 0, written->size, error);
}

static gboolean
take_in_place (CbamVulkanSlot *slot, const CbamSlotInput *input, GError **error)
{
  cbam_vulkan_intake_forget_frame (slot);
  slot->imported = cbam_buffer_import (slot->program->base.device, input->start, input->size, NULL);
  if (slot->imported == NULL) {
    g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "the device cannot read the frame where it lies");
    return FALSE;
  }
  slot->source = CBAM_PIXELS_IMPORTED;
  return TRUE;
}

static gboolean
take_images (CbamVulkanSlot *slot, const CbamSlotInput *input, GError **error)
{
  const CbamImageCopies *images = input->images;

  g_return_val_if_fail (images->n <= G_N_ELEMENTS (slot->images), FALSE);
  if (!reserve (slot, input->size, FALSE, error))
    return FALSE;
  for (guint i = 0; i < images->n; i++)
    slot->images[i] = images->planes[i];
  g_array_set_size (slot->regions, 0);
  g_array_append_vals (slot->regions, images->regions->data, images->regions->len);
  slot->n_images = images->n;
  slot->source = CBAM_PIXELS_IMAGES;
  return TRUE;
}

gboolean
cbam_vulkan_intake_take (CbamVulkanSlot *slot, const CbamSlotInput *input, GError **error)
{
  const gboolean taken = input->start != NULL    ? take_in_place (slot, input, error)
                         : input->images != NULL ? take_images (slot, input, error)
                                                 : take_written (slot, input, error);

  if (!taken)
    return FALSE;
  if (slot->thin != input->thin || slot->source != CBAM_PIXELS_WRITTEN)
    slot->intake_recorded = FALSE;
  slot->thin = input->thin;
  if (slot->intake_recorded)
    return TRUE;
  if (!cbam_vulkan_slot_write_sets (slot, 0, slot->n_intake, slot->intake_views, error) || !record (slot, error))
    return FALSE;
  slot->intake_recorded = slot->source == CBAM_PIXELS_WRITTEN;
  return TRUE;
}
