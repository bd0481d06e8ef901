/* Recording commands and handing them to the queue. A CbamCommands is one command buffer, with a pool of its own, so
 * that each thread may record without a lock.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/commands.h"

#include <string.h>

CbamCommands *
cbam_commands_new (CbamDevice *device, GError **error)
{
  g_autoptr (CbamCommands) commands = g_new0 (CbamCommands, 1);
  const VkCommandPoolCreateInfo pool = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
    .queueFamilyIndex = device->queue_family,
  };
  const VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };

  commands->device = cbam_device_ref (device);
  if (!cbam_device_make (device, vkCreateCommandPool, &pool, &commands->pool, error))
    return NULL;
  const VkCommandBufferAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
    .commandPool = commands->pool,
    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
    .commandBufferCount = 1,
  };
  if (!cbam_device_check (device, device->vk.vkAllocateCommandBuffers (device->handle, &allocate, &commands->handle),
                          "vkAllocateCommandBuffers", error) ||
      !cbam_device_make (device, vkCreateFence, &fence, &commands->fence, error))
    return NULL;
  return g_steal_pointer (&commands);
}

void
cbam_commands_free (CbamCommands *commands)
{
  CbamDevice *device;

  if (commands == NULL)
    return;
  device = commands->device;
  if (!cbam_device_is_hung (device)) {
    device->vk.vkDestroyFence (device->handle, commands->fence, NULL);
    device->vk.vkDestroyCommandPool (device->handle, commands->pool, NULL);
  }
  cbam_device_unref (device);
  g_free (commands);
}

gboolean
cbam_commands_begin (CbamCommands *commands, GError **error)
{
  CbamDevice *device = commands->device;
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };

  return cbam_device_check (device, device->vk.vkBeginCommandBuffer (commands->handle, &begin), "vkBeginCommandBuffer",
                            error);
}

gboolean
cbam_commands_end (CbamCommands *commands, GError **error)
{
  CbamDevice *device = commands->device;

  return cbam_device_check (device, device->vk.vkEndCommandBuffer (commands->handle), "vkEndCommandBuffer", error);
}

void
cbam_commands_barrier_all (CbamCommands *commands)
{
  const VkMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT | VK_ACCESS_HOST_READ_BIT,
  };

  commands->device->vk.vkCmdPipelineBarrier (commands->handle, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                             VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                             &barrier, 0, NULL, 0, NULL);
}

void
cbam_commands_barrier_shaders (CbamCommands *commands)
{
  const VkMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT,
  };

  commands->device->vk.vkCmdPipelineBarrier (commands->handle, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                             VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
}

gboolean
cbam_commands_submit (CbamCommands *commands, GError **error)
{
  const CbamSubmission submission = { .n_commands = 1, .commands = { commands->handle } };

  return cbam_commands_submit_with (commands, &submission, error);
}

gboolean
cbam_commands_submit_with (CbamCommands *commands, const CbamSubmission *submission, GError **error)
{
  CbamDevice *device = commands->device;

  return cbam_device_check (device, device->vk.vkResetFences (device->handle, 1, &commands->fence), "vkResetFences",
                            error) &&
         cbam_device_submit (device, submission, commands->fence, error);
}

gboolean
cbam_commands_wait (CbamCommands *commands, GError **error)
{
  return cbam_device_wait (commands->device, commands->fence, error);
}

/* What takes an unknown time, but not much. */
static gboolean
run_upload (CbamCommands *commands, GError **error)
{
  CbamTicket ticket = { 0 };
  const CbamSubmission submission = { .n_commands = 1, .commands = { commands->handle }, .ticket = &ticket };

  if (!cbam_commands_submit_with (commands, &submission, error) || !cbam_commands_wait (commands, error))
    return FALSE;
  cbam_turns_finish (commands->device->turns, &ticket, g_get_monotonic_time (), FALSE);
  return TRUE;
}

gboolean
cbam_device_upload (CbamDevice *device, CbamBuffer *buffer, gsize offset, const void *data, gsize size, GError **error)
{
  g_autoptr (CbamBuffer) staging = cbam_buffer_new (device, CBAM_MEMORY_UPLOAD, size, error);
  g_autoptr (CbamCommands) commands = NULL;
  const VkBufferCopy copy = { .dstOffset = offset, .size = size };

  if (staging == NULL)
    return FALSE;
  memcpy (staging->map, data, size);
  if (!cbam_buffer_flush (staging, 0, size, error))
    return FALSE;
  commands = cbam_commands_new (device, error);
  if (commands == NULL || !cbam_commands_begin (commands, error))
    return FALSE;
  device->vk.vkCmdCopyBuffer (commands->handle, staging->handle, buffer->handle, 1, &copy);
  cbam_commands_barrier_all (commands);
  return cbam_commands_end (commands, error) && run_upload (commands, error);
}
