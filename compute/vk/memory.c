/* Buffers: choosing a memory type by use, mapping, and moving bytes between host and device views.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/memory.h"

#include <string.h>

#define POISON_BYTE 0xff /* four of them are a NaN */

/* The first memory type among @allowed that has all of @must, preferring one that also has all of @nice. */
static gboolean
find_type (const CbamDevice *device, guint32 allowed, VkMemoryPropertyFlags must, VkMemoryPropertyFlags nice,
           guint32 *ret_type)
{
  for (guint pass = 0; pass < 2; pass++) {
    const VkMemoryPropertyFlags want = pass == 0 ? must | nice : must;

    for (guint32 i = 0; i < device->memory.memoryTypeCount; i++) {
      if (!(allowed & (1u << i)) || (device->memory.memoryTypes[i].propertyFlags & want) != want)
        continue;
      *ret_type = i;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
find_type_for_use (const CbamDevice *device, guint32 allowed, CbamMemoryUse use, guint32 *ret_type)
{
  const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  const VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
  const VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

  switch (use) {
    case CBAM_MEMORY_DEVICE: return find_type (device, allowed, 0, local, ret_type);
    case CBAM_MEMORY_UPLOAD: return find_type (device, allowed, visible, device->caps.unified ? local : 0, ret_type);
    case CBAM_MEMORY_READBACK: return find_type (device, allowed, visible, cached, ret_type);
  }
  return FALSE;
}

/* Drivers count allocations, and some promise 4096. */
static gboolean
allocate_memory (CbamBuffer *buffer, const VkMemoryAllocateInfo *allocate, GError **error)
{
  CbamDevice *device = buffer->device;
  const guint32 before = (guint32) g_atomic_int_add (&device->n_allocations, 1);

  if (before >= device->caps.max_allocations)
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY,
                 "%s: %u allocations of memory are in use; the device has at most %u", device->info.name, before,
                 device->caps.max_allocations);
  else if (cbam_device_make (device, vkAllocateMemory, allocate, &buffer->memory, error))
    return TRUE;
  g_atomic_int_add (&device->n_allocations, -1);
  return FALSE;
}

static gboolean
buffer_allocate (CbamBuffer *buffer, CbamMemoryUse use, GError **error)
{
  CbamDevice *device = buffer->device;
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryRequirements needs;

  device->vk.vkGetBufferMemoryRequirements (device->handle, buffer->handle, &needs);
  allocate.allocationSize = needs.size;
  if (!find_type_for_use (device, needs.memoryTypeBits, use, &allocate.memoryTypeIndex)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "%s: no memory type fits use %d", device->info.name, use);
    return FALSE;
  }
  if (!allocate_memory (buffer, &allocate, error)) {
    g_prefix_error (error, "%s: %" G_GSIZE_FORMAT " bytes: ", device->info.name, (gsize) needs.size);
    return FALSE;
  }
  buffer->coherent =
      (device->memory.memoryTypes[allocate.memoryTypeIndex].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
  return cbam_device_check (device, device->vk.vkBindBufferMemory (device->handle, buffer->handle, buffer->memory, 0),
                            "vkBindBufferMemory", error);
}

static gboolean
buffer_map (CbamBuffer *buffer, GError **error)
{
  CbamDevice *device = buffer->device;
  void *mapped;

  if (!cbam_device_check (device, device->vk.vkMapMemory (device->handle, buffer->memory, 0, VK_WHOLE_SIZE, 0, &mapped),
                          "vkMapMemory", error))
    return FALSE;
  buffer->mapped = buffer->map = mapped;
  if (device->debug & CBAM_DEBUG_NONCOHERENT) {
    buffer->map = g_malloc (buffer->size);
    buffer->coherent = FALSE;
  }
  if (device->debug & CBAM_DEBUG_POISON) {
    memset (buffer->mapped, POISON_BYTE, buffer->size);
    memset (buffer->map, POISON_BYTE, buffer->size);
  }
  return TRUE;
}

CbamBuffer *
cbam_buffer_new (CbamDevice *device, CbamMemoryUse use, gsize size, GError **error)
{
  g_autoptr (CbamBuffer) buffer = g_new0 (CbamBuffer, 1);
  VkBufferCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
  };

  g_return_val_if_fail (size > 0, NULL);
  buffer->device = cbam_device_ref (device);
  /* Whole atoms, so that a widened flush never reaches past the end. */
  buffer->size = create.size = (size + device->caps.atom_size - 1) / device->caps.atom_size * device->caps.atom_size;
  if (device->caps.max_texels > 0)
    create.usage |= VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
  if (buffer->size > device->caps.max_buffer_size) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY,
                 "%s: a buffer of %" G_GSIZE_FORMAT " bytes is larger than the device's limit of %" G_GSIZE_FORMAT,
                 device->info.name, buffer->size, device->caps.max_buffer_size);
    return NULL;
  }
  if (!cbam_device_make (device, vkCreateBuffer, &create, &buffer->handle, error))
    return NULL;
  if (!buffer_allocate (buffer, use, error))
    return NULL;
  if (use != CBAM_MEMORY_DEVICE && !buffer_map (buffer, error))
    return NULL;
  return g_steal_pointer (&buffer);
}

static gboolean
import_memory (CbamBuffer *buffer, void *start, GError **error)
{
  const VkExternalMemoryHandleTypeFlagBits type = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  CbamDevice *device = buffer->device;
  const VkImportMemoryHostPointerInfoEXT import = {
    .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
    .handleType = type,
    .pHostPointer = start,
  };
  VkMemoryAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
    .pNext = &import,
    .allocationSize = buffer->size,
  };
  VkMemoryHostPointerPropertiesEXT properties = { .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT };
  VkMemoryRequirements needs;

  device->vk.vkGetBufferMemoryRequirements (device->handle, buffer->handle, &needs);
  if (!cbam_device_check (device,
                          device->vk.vkGetMemoryHostPointerPropertiesEXT (device->handle, type, start, &properties),
                          "vkGetMemoryHostPointerPropertiesEXT", error))
    return FALSE;
  if (needs.size > buffer->size || !find_type (device, needs.memoryTypeBits & properties.memoryTypeBits,
                                               VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 0, &allocate.memoryTypeIndex)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "%s: host memory at %p cannot be read in place",
                 device->info.name, start);
    return FALSE;
  }
  buffer->coherent = TRUE;
  return allocate_memory (buffer, &allocate, error) &&
         cbam_device_check (device, device->vk.vkBindBufferMemory (device->handle, buffer->handle, buffer->memory, 0),
                            "vkBindBufferMemory", error);
}

CbamBuffer *
cbam_buffer_import (CbamDevice *device, const void *start, gsize size, GError **error)
{
  g_autoptr (CbamBuffer) buffer = g_new0 (CbamBuffer, 1);
  const VkExternalMemoryBufferCreateInfo external = {
    .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
    .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
  };
  VkBufferCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
    .pNext = &external,
    .size = size,
    .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
  };

  g_return_val_if_fail (size > 0 && device->caps.import_alignment > 0, NULL);
  g_return_val_if_fail ((gsize) start % device->caps.import_alignment == 0, NULL);
  buffer->device = cbam_device_ref (device);
  buffer->size = size;
  if (device->caps.max_texels > 0)
    create.usage |= VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
  if (!cbam_device_make (device, vkCreateBuffer, &create, &buffer->handle, error))
    return NULL;
  return import_memory (buffer, (void *) start, error) ? g_steal_pointer (&buffer) : NULL;
}

void
cbam_buffer_free (CbamBuffer *buffer)
{
  CbamDevice *device;

  if (buffer == NULL)
    return;
  device = buffer->device;
  if (!cbam_device_is_hung (device)) {
    device->vk.vkDestroyBuffer (device->handle, buffer->handle, NULL);
    device->vk.vkFreeMemory (device->handle, buffer->memory, NULL);
    if (buffer->memory != NULL)
      g_atomic_int_add (&device->n_allocations, -1);
  }
  if (buffer->map != buffer->mapped)
    g_free (buffer->map);
  cbam_device_unref (device);
  g_free (buffer);
}

static VkMappedMemoryRange
atoms (const CbamBuffer *buffer, gsize offset, gsize size)
{
  const gsize atom = buffer->device->caps.atom_size;
  const gsize start = offset / atom * atom;
  const gsize end = MIN (buffer->size, (offset + size + atom - 1) / atom * atom);

  return (VkMappedMemoryRange){
    .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
    .memory = buffer->memory,
    .offset = start,
    .size = end - start,
  };
}

gboolean
cbam_buffer_flush (CbamBuffer *buffer, gsize offset, gsize size, GError **error)
{
  CbamDevice *device = buffer->device;
  const VkMappedMemoryRange range = atoms (buffer, offset, size);

  g_return_val_if_fail (offset + size <= buffer->size, FALSE);
  if (buffer->coherent || size == 0)
    return TRUE;
  if (buffer->map != buffer->mapped)
    memcpy (buffer->mapped + range.offset, buffer->map + range.offset, range.size);
  return cbam_device_check (device, device->vk.vkFlushMappedMemoryRanges (device->handle, 1, &range),
                            "vkFlushMappedMemoryRanges", error);
}

gboolean
cbam_buffer_invalidate (CbamBuffer *buffer, gsize offset, gsize size, GError **error)
{
  CbamDevice *device = buffer->device;
  const VkMappedMemoryRange range = atoms (buffer, offset, size);

  g_return_val_if_fail (offset + size <= buffer->size, FALSE);
  if (buffer->coherent || size == 0)
    return TRUE;
  if (!cbam_device_check (device, device->vk.vkInvalidateMappedMemoryRanges (device->handle, 1, &range),
                          "vkInvalidateMappedMemoryRanges", error))
    return FALSE;
  if (buffer->map != buffer->mapped)
    memcpy (buffer->map + range.offset, buffer->mapped + range.offset, range.size);
  return TRUE;
}
