/* Opens RADV's null device: an instance and a device of our own, handed over to the engine as a host would.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "null-device.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vk/device-list.h"

#include <cbamdetect/vulkan.h>

/* The products: Radeon RX 480, the Steam Deck, RX 6900 XT; by their makers' data sheets. */
const Family families[] = {
  { "polaris10", NULL, 4, 16, 144, 1.3e9, 256e9 },
  { "vega10", NULL, 4, 16, 0, 0, 0 },
  { "renoir", NULL, 4, 16, 0, 0, 0 },
  { "navi10", NULL, 2, 32, 0, 0, 0 },
  { "navi21", NULL, 2, 32, 160, 2.2e9, 512e9 },
  { "vangogh", NULL, 2, 32, 16, 1.6e9, 88e9 },
  { "gfx1100", "navi31", 2, 32, 0, 0, 0 },
  { NULL, NULL, 0, 0, 0, 0, 0 },
};

const Family *
family_find (const char *name)
{
  for (const Family *family = families; family->name != NULL; family++)
    if (g_str_equal (family->name, name))
      return family;
  return NULL;
}

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

/* What is handed over to a CbamDevice, and ended after it. */
typedef struct
{
  VkInstance instance;
  VkDevice device;
} Handles;

static void
release_handles (gpointer data)
{
  Handles *handles = data;

  if (handles->device != VK_NULL_HANDLE) {
    const PFN_vkDestroyDevice destroy = (PFN_vkDestroyDevice) vkGetDeviceProcAddr (handles->device, "vkDestroyDevice");

    destroy (handles->device, NULL);
  }
  if (handles->instance != VK_NULL_HANDLE)
    cbam_vk_instance_free (handles->instance, VK_NULL_HANDLE);
  g_free (handles);
}

/* RADV among what the instance offers; a software driver may stand beside it. */
static VkPhysicalDevice
find_radv (VkInstance instance, GError **error)
{
  VkPhysicalDevice there[16];
  guint32 n = G_N_ELEMENTS (there);

  if (vkEnumeratePhysicalDevices (instance, &n, there) < VK_SUCCESS)
    n = 0;
  for (guint32 i = 0; i < n; i++) {
    VkPhysicalDeviceDriverProperties driver = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES };
    VkPhysicalDeviceProperties2 properties = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                               .pNext = &driver };

    if (!cbam_vk_is_new_enough (there[i]))
      continue;
    vkGetPhysicalDeviceProperties2 (there[i], &properties);
    if (driver.driverID == VK_DRIVER_ID_MESA_RADV)
      return there[i];
  }
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE,
               "expected RADV among the Vulkan drivers, found %u of others (on Debian: apt install "
               "mesa-vulkan-drivers; VK_DRIVER_FILES and VK_ICD_FILENAMES must be unset or name it)",
               n);
  return VK_NULL_HANDLE;
}

/* As the library opens devices, and with what becomes of pipelines to be asked for. */
static gboolean
open_device (VkPhysicalDevice physical, const CbamVulkanHandles *handles, VkDevice *ret_device, GError **error)
{
  const char *const extensions[] = { VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME,
                                     VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME };
  VkPhysicalDeviceShaderFloat16Int8Features computes = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
    .shaderFloat16 = handles->fp16,
  };
  VkPhysicalDevice16BitStorageFeatures stores = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
    .pNext = &computes,
    .storageBuffer16BitAccess = handles->fp16,
  };
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR properties = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
    .pNext = &stores,
    .pipelineExecutableInfo = VK_TRUE,
  };
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueFamilyIndex = handles->queue_family,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  const VkPhysicalDeviceFeatures features = { .shaderInt64 = handles->int64 };
  const VkDeviceCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .pNext = &properties,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
    .pEnabledFeatures = &features,
    .enabledExtensionCount = G_N_ELEMENTS (extensions),
    .ppEnabledExtensionNames = extensions,
  };

  return cbam_vk_check (vkCreateDevice (physical, &create, NULL, ret_device), "vkCreateDevice", error);
}

static PFN_vkCreateComputePipelines create_plainly;

/* Stands in the device's table of functions, so that the engine's own way to pipelines makes those that are looked at.
 */
static VKAPI_ATTR VkResult VKAPI_CALL
create_observed (VkDevice device, VkPipelineCache cache, guint32 n, const VkComputePipelineCreateInfo *infos,
                 const VkAllocationCallbacks *allocator, VkPipeline *ret_pipelines)
{
  g_autofree VkComputePipelineCreateInfo *observed = g_memdup2 (infos, n * sizeof *infos);

  for (guint32 i = 0; i < n; i++)
    observed[i].flags |=
        VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
  return create_plainly (device, cache, n, observed, allocator, ret_pipelines);
}

/* Makes @own's device, and says in *@ret_handles what the engine has to know of it. */
static gboolean
open_handles (Handles *own, CbamVulkanHandles *ret_handles, GError **error)
{
  const VkPhysicalDevice physical = find_radv (own->instance, error);
  VkPhysicalDeviceFeatures features;
  guint32 family = 0, unused;

  if (physical == VK_NULL_HANDLE)
    return FALSE;
  vkGetPhysicalDeviceFeatures (physical, &features);
  cbam_vk_find_queue_family (physical, &family, &unused);
  *ret_handles = (CbamVulkanHandles){
    .instance = own->instance,
    .physical_device = physical,
    .queue_family = family,
    .int64 = features.shaderInt64,
    .fp16 = cbam_vk_has_fp16 (physical),
    .release = release_handles,
    .data = own,
  };
  if (!open_device (physical, ret_handles, &own->device, error))
    return FALSE;
  ret_handles->device = own->device;
  ((PFN_vkGetDeviceQueue) vkGetDeviceProcAddr (own->device, "vkGetDeviceQueue")) (own->device, family, 0,
                                                                                  &ret_handles->queue);
  return TRUE;
}

CbamDevice *
null_device_open (const char *name, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = g_rec_mutex_locker_new (&cbam_vk_instances);
  Handles *own = g_new0 (Handles, 1);
  CbamVulkanHandles handles;
  CbamDevice *device = NULL;

  g_setenv ("RADV_FORCE_FAMILY", name, TRUE);
  g_setenv ("MESA_SHADER_CACHE_DISABLE", "true", TRUE);
  own->instance = cbam_vk_instance_new (0, NULL, error);
  if (own->instance != VK_NULL_HANDLE && open_handles (own, &handles, error))
    device = cbam_device_adopt (&handles, error);
  if (device == NULL) {
    release_handles (own);
    return NULL;
  }
  create_plainly = device->vk.vkCreateComputePipelines;
  device->vk.vkCreateComputePipelines = create_observed;
  return device;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

/* 0: this RADV knows the family. */
static int
ask (const char *name)
{
  CbamDevice *device;

  if (freopen ("/dev/null", "w", stdout) == NULL || freopen ("/dev/null", "w", stderr) == NULL)
    return 1;
  device = null_device_open (name, NULL);
  if (device == NULL)
    return 1;
  cbam_device_unref (device);
  return 0;
}

static gboolean
is_known_as (const char *name)
{
  const pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (ask (name));
  return child > 0 && waitpid (child, &status, 0) == child && WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

gboolean
family_is_known (const Family *family, const char **ret_name)
{
  *ret_name = family->name;
  if (is_known_as (family->name))
    return TRUE;
  *ret_name = family->renamed;
  return family->renamed != NULL && is_known_as (family->renamed);
}
