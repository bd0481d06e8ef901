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
  VkPhysicalDevice *handles; /* VK_NULL_HANDLE: the host */
  char *left_out;            /* the devices of Vulkan 1.0, in words; NULL = there are none */
  GError *why;               /* why there are none of Vulkan's; NULL = there are, or the list may be empty */
};

/* volk has one table of instances' functions in the process, and every instance fills it with its own. It is used under
 * this lock only, and filled again for an instance that is not the newest. */
extern GRecMutex cbam_vk_instances;

/* What the environment variable CBAM_DEBUG says. */
CbamDebugFlags cbam_debug_from_environment (void);

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

/* The processor itself with so many threads. Its number is one that Vulkan never comes to, and the same whether anybody
 * has asked Vulkan or not. */
void cbam_device_info_fill_host (guint threads, CbamDeviceInfo *info);

/* What @instance offers, without devices of Vulkan 1.0, and with @host the processor itself, best first. @instance may
 * be VK_NULL_HANDLE; @why says why then, and is taken. An error only where nothing is left. */
CbamDeviceList *cbam_device_list_of (VkInstance instance, GError *why, gboolean host, GError **error);

/* Whether @name means the processor itself, and no other device has to be looked for. */
gboolean cbam_device_name_is_host (const char *name);

/* The place of the best device that @name fits. */
gboolean cbam_device_list_choose (const CbamDeviceList *list, const char *name, guint *ret_index, GError **error);

/* The first queue family that computes. */
gboolean cbam_vk_find_queue_family (VkPhysicalDevice handle, guint32 *ret_family, guint32 *ret_timestamp_bits);
