/* Before there is a device: the loader, an instance, the devices it offers, and the words for what goes wrong.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "vk/device.h"

struct _CbamDeviceList
{
  gatomicrefcount refs;
  VkInstance instance;
  guint n;
  CbamDeviceInfo *infos;
  VkPhysicalDevice *handles;
  char *left_out; /* the devices of Vulkan 1.0, in words; NULL = there are none */
};

/* volk has one table of instances' functions in the process, and every instance fills it with its own. It is used under
 * this lock only, and filled again for an instance that is not the newest. */
extern GRecMutex cbam_vk_instances;

/* TRUE for VK_SUCCESS; else sets @error to what @call gave. */
gboolean cbam_vk_check (VkResult result, const char *call, GError **error);

/* Finds the loader; the first time, for the whole process. */
gboolean cbam_vk_load (GError **error);

/* An instance of Vulkan 1.1; with CBAM_DEBUG_VALIDATION its layer tells *@messenger. */
VkInstance cbam_vk_instance_new (CbamDebugFlags debug, VkDebugUtilsMessengerEXT *messenger, GError **error);

/* Both may be VK_NULL_HANDLE. */
void cbam_vk_instance_free (VkInstance instance, VkDebugUtilsMessengerEXT messenger);

void cbam_device_info_fill (VkPhysicalDevice handle, guint index, CbamDeviceInfo *info);
void cbam_device_info_clear (CbamDeviceInfo *info);

/* Whether the device itself knows Vulkan 1.1, as what the instance knows does not tell. */
gboolean cbam_vk_is_new_enough (VkPhysicalDevice handle);

/* What the instance offers, without devices of Vulkan 1.0. With VK_NULL_HANDLE as @instance the list opens, and owns,
 * one of its own. */
CbamDeviceList *cbam_device_list_of (VkInstance instance, GError **error);

/* The index of the best device that @name fits. */
gboolean cbam_device_list_choose (const CbamDeviceList *list, const char *name, guint *ret_index, GError **error);

/* The first queue family that computes. */
gboolean cbam_vk_find_queue_family (VkPhysicalDevice handle, guint32 *ret_family, guint32 *ret_timestamp_bits);
