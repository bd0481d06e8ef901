/* CbamDevice: choosing a Vulkan device, opening it, submitting to it and parking it when it fails.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/device.h"

#include <stdlib.h>
#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"
#define GPU_FENCE_TIMEOUT_MS 30000

struct _CbamDeviceList
{
  VkInstance instance;
  guint n;
  CbamDeviceInfo *infos;
  VkPhysicalDevice *handles;
};

/* ---- Names ---------------------------------------------------------------------------------------------------- */

static const char *
result_name (VkResult result)
{
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED: return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST: return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_MEMORY_MAP_FAILED: return "VK_ERROR_MEMORY_MAP_FAILED";
    case VK_ERROR_LAYER_NOT_PRESENT: return "VK_ERROR_LAYER_NOT_PRESENT";
    case VK_ERROR_EXTENSION_NOT_PRESENT: return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT: return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER: return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_TOO_MANY_OBJECTS: return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_ERROR_FRAGMENTED_POOL: return "VK_ERROR_FRAGMENTED_POOL";
    case VK_ERROR_OUT_OF_POOL_MEMORY: return "VK_ERROR_OUT_OF_POOL_MEMORY";
    default: return "an unknown error";
  }
}

static CbamError
result_code (VkResult result)
{
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL: return CBAM_ERROR_OUT_OF_MEMORY;
    case VK_ERROR_DEVICE_LOST: return CBAM_ERROR_DEVICE_LOST;
    case VK_ERROR_INCOMPATIBLE_DRIVER: return CBAM_ERROR_NO_DEVICE;
    default: return CBAM_ERROR_FAILED;
  }
}

static gboolean
check_result (VkResult result, const char *call, GError **error)
{
  if (result == VK_SUCCESS)
    return TRUE;
  g_set_error (error, CBAM_ERROR, result_code (result), "%s gave %s (%d)", call, result_name (result), result);
  return FALSE;
}

static const char *
type_name (VkPhysicalDeviceType type)
{
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return "virtual";
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return "cpu";
    default: return "other";
  }
}

static CbamDebugFlags
debug_from_environment (void)
{
  static const GDebugKey keys[] = {
    { "validation", CBAM_DEBUG_VALIDATION }, { "noncoherent", CBAM_DEBUG_NONCOHERENT },
    { "staging", CBAM_DEBUG_STAGING },       { "plain", CBAM_DEBUG_PLAIN },
    { "poison", CBAM_DEBUG_POISON },
  };

  return g_parse_debug_string (g_getenv ("CBAM_DEBUG"), keys, G_N_ELEMENTS (keys));
}

/* ---- Sharing ---------------------------------------------------------------------------------------------------- */

/* What cbam_device_open() gave and is still alive; holds no references. The lock is for opening too: two streams that
 * start together open once. */
static GSList *opened;
static GMutex opened_lock;

/* ---- The instance --------------------------------------------------------------------------------------------- */

/* The only thing the library ever prints, and only when asked to by the debug switch: a test must not pass over it. */
static VKAPI_ATTR VkBool32 VKAPI_CALL
on_validation_message (VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
                       const VkDebugUtilsMessengerCallbackDataEXT *data, void *user_data)
{
  g_printerr ("Vulkan validation: %s\n", data->pMessage);
  abort ();
}

static gboolean
load_vulkan (GError **error)
{
  static GMutex lock;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (volkInitialize () == VK_SUCCESS)
    return TRUE;
  g_set_error (
      error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE,
      "no Vulkan loader: libvulkan.so.1 was not found (on Debian: apt install libvulkan1 mesa-vulkan-drivers)");
  return FALSE;
}

static VkInstance
instance_new (CbamDebugFlags debug, VkDebugUtilsMessengerEXT *messenger, GError **error)
{
  const char *layers[] = { VALIDATION_LAYER };
  const char *extensions[] = { VK_EXT_DEBUG_UTILS_EXTENSION_NAME, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME };
  const VkValidationFeatureEnableEXT enables[] = { VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT };
  const VkValidationFeaturesEXT features = {
    .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
    .enabledValidationFeatureCount = G_N_ELEMENTS (enables),
    .pEnabledValidationFeatures = enables,
  };
  const VkDebugUtilsMessengerCreateInfoEXT messages = {
    .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
    .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
    .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
    .pfnUserCallback = on_validation_message,
  };
  const VkApplicationInfo application = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pEngineName = "cbamdetect",
    .apiVersion = VK_API_VERSION_1_1,
  };
  VkInstanceCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
    .pApplicationInfo = &application,
  };
  const gboolean validate = (debug & CBAM_DEBUG_VALIDATION) != 0;
  VkInstance instance;

  if (!load_vulkan (error))
    return VK_NULL_HANDLE;
  if (validate) {
    create.pNext = &features;
    create.enabledLayerCount = G_N_ELEMENTS (layers);
    create.ppEnabledLayerNames = layers;
    create.enabledExtensionCount = G_N_ELEMENTS (extensions);
    create.ppEnabledExtensionNames = extensions;
  }
  if (!check_result (vkCreateInstance (&create, NULL, &instance), "vkCreateInstance", error)) {
    if (g_error_matches (*error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE))
      g_prefix_error (error, "no Vulkan driver (on Debian: apt install mesa-vulkan-drivers; VK_DRIVER_FILES and "
                             "VK_ICD_FILENAMES must be unset or right): ");
    return VK_NULL_HANDLE;
  }
  volkLoadInstanceOnly (instance);
  if (validate && messenger)
    vkCreateDebugUtilsMessengerEXT (instance, &messages, NULL, messenger);
  return instance;
}

/* ---- The list ------------------------------------------------------------------------------------------------- */

static void
fill_info (VkPhysicalDevice handle, guint index, CbamDeviceInfo *info)
{
  VkPhysicalDeviceDriverProperties driver = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES };
  VkPhysicalDeviceProperties2 properties = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                             .pNext = &driver };

  vkGetPhysicalDeviceProperties2 (handle, &properties);
  info->index = index;
  info->name = g_strdup (properties.properties.deviceName);
  info->type = type_name (properties.properties.deviceType);
  if (driver.driverName[0] != '\0')
    info->driver = g_strdup_printf ("%s %s", driver.driverName, driver.driverInfo);
  else
    info->driver = g_strdup_printf ("driver version %u", properties.properties.driverVersion);
}

static void
clear_info (CbamDeviceInfo *info)
{
  g_clear_pointer ((char **) &info->name, g_free);
  g_clear_pointer ((char **) &info->driver, g_free);
}

/* What the instance offers. With VK_NULL_HANDLE as @instance the list opens, and owns, one of its own. */
static CbamDeviceList *
device_list_new (VkInstance instance, GError **error)
{
  g_autoptr (CbamDeviceList) list = g_new0 (CbamDeviceList, 1);
  GError *local = NULL;

  if (instance == VK_NULL_HANDLE) {
    instance = list->instance = instance_new (0, NULL, &local);
    if (instance == VK_NULL_HANDLE) {
      g_propagate_error (error, local);
      return NULL;
    }
  }
  if (!check_result (vkEnumeratePhysicalDevices (instance, &list->n, NULL), "vkEnumeratePhysicalDevices", error))
    return NULL;
  list->infos = g_new0 (CbamDeviceInfo, list->n);
  list->handles = g_new0 (VkPhysicalDevice, list->n);
  if (!check_result (vkEnumeratePhysicalDevices (instance, &list->n, list->handles), "vkEnumeratePhysicalDevices",
                     error))
    return NULL;
  for (guint i = 0; i < list->n; i++)
    fill_info (list->handles[i], i, &list->infos[i]);
  return g_steal_pointer (&list);
}

CbamDeviceList *
cbam_device_list_new (GError **error)
{
  return device_list_new (VK_NULL_HANDLE, error);
}

void
cbam_device_list_free (CbamDeviceList *list)
{
  if (!list)
    return;
  for (guint i = 0; list->infos && i < list->n; i++)
    clear_info (&list->infos[i]);
  if (list->instance)
    vkDestroyInstance (list->instance, NULL);
  g_free (list->infos);
  g_free (list->handles);
  g_free (list);
}

guint
cbam_device_list_size (const CbamDeviceList *list)
{
  g_return_val_if_fail (list != NULL, 0);
  return list->n;
}

const CbamDeviceInfo *
cbam_device_list_get (const CbamDeviceList *list, guint i)
{
  g_return_val_if_fail (list != NULL && i < list->n, NULL);
  return &list->infos[i];
}

/* ---- Choosing ------------------------------------------------------------------------------------------------- */

static gboolean
find_queue_family (VkPhysicalDevice handle, guint32 *ret_family, guint32 *ret_timestamp_bits)
{
  VkQueueFamilyProperties families[32];
  guint32 n = G_N_ELEMENTS (families);

  vkGetPhysicalDeviceQueueFamilyProperties (handle, &n, families);
  for (guint32 i = 0; i < n; i++) {
    if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT))
      continue;
    *ret_family = i;
    *ret_timestamp_bits = families[i].timestampValidBits;
    return TRUE;
  }
  return FALSE;
}

static int
type_rank (const char *type)
{
  static const char *const order[] = { "discrete", "integrated", "virtual", "cpu", "other" };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (g_str_equal (type, order[i]))
      return i;
  return G_N_ELEMENTS (order);
}

static gboolean
info_matches (const CbamDeviceInfo *info, const char *name)
{
  g_autofree char *have = NULL, *want = NULL;
  guint64 index;

  if (!name || name[0] == '\0')
    return TRUE;
  if (g_ascii_string_to_unsigned (name, 10, 0, G_MAXUINT, &index, NULL))
    return info->index == index;
  if (g_ascii_strcasecmp (name, "cpu") == 0)
    return g_str_equal (info->type, "cpu");
  if (g_ascii_strcasecmp (name, "gpu") == 0)
    return type_rank (info->type) < type_rank ("cpu");
  have = g_utf8_casefold (info->name, -1);
  want = g_utf8_casefold (name, -1);
  return strstr (have, want) != NULL;
}

/* The index of the best device that @name fits. */
static gboolean
choose (const CbamDeviceList *list, const char *name, guint *ret_index, GError **error)
{
  g_autoptr (GString) there = g_string_new (NULL);
  gboolean found = FALSE;
  guint32 unused;

  for (guint i = 0; i < list->n; i++) {
    const CbamDeviceInfo *info = &list->infos[i];

    g_string_append_printf (there, "%s%u \"%s\" (%s)", i ? ", " : "", info->index, info->name, info->type);
    if (!info_matches (info, name) || !find_queue_family (list->handles[i], &unused, &unused))
      continue;
    if (!found || type_rank (info->type) < type_rank (list->infos[*ret_index].type))
      *ret_index = i;
    found = TRUE;
  }
  if (found)
    return TRUE;
  if (list->n == 0)
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE,
                 "the Vulkan loader is there, but no driver offers a device (on Debian: apt install "
                 "mesa-vulkan-drivers)");
  else
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE, "no Vulkan device fits \"%s\"; there is: %s",
                 name ? name : "", there->str);
  return FALSE;
}

/* ---- Opening -------------------------------------------------------------------------------------------------- */

static gboolean
memory_is_unified (const CbamDevice *device)
{
  const VkMemoryPropertyFlags want = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
  const gboolean is_gpu_with_own_memory = g_str_equal (device->info.type, "discrete");

  if (is_gpu_with_own_memory || (device->debug & CBAM_DEBUG_STAGING))
    return FALSE;
  for (guint i = 0; i < device->memory.memoryTypeCount; i++)
    if ((device->memory.memoryTypes[i].propertyFlags & want) == want)
      return TRUE;
  return FALSE;
}

static void
query_caps (CbamDevice *device, guint32 timestamp_bits)
{
  VkPhysicalDeviceMaintenance3Properties allocation = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
  };
  VkPhysicalDeviceSubgroupProperties subgroup = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
                                                  .pNext = &allocation };
  VkPhysicalDeviceProperties2 properties = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                             .pNext = &subgroup };
  const VkPhysicalDeviceLimits *limits = &properties.properties.limits;
  const VkSubgroupFeatureFlags shuffle = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
  VkPhysicalDeviceFeatures features;
  VkFormatProperties rgba32f;
  CbamDeviceCaps *caps = &device->caps;

  vkGetPhysicalDeviceProperties2 (device->physical, &properties);
  vkGetPhysicalDeviceMemoryProperties (device->physical, &device->memory);
  vkGetPhysicalDeviceFeatures (device->physical, &features);
  vkGetPhysicalDeviceFormatProperties (device->physical, VK_FORMAT_R32G32B32A32_SFLOAT, &rgba32f);

  caps->is_cpu = g_str_equal (device->info.type, "cpu");
  caps->unified = memory_is_unified (device);
  if ((subgroup.supportedOperations & shuffle) == shuffle && (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT))
    caps->subgroup_size = subgroup.subgroupSize;
  if (rgba32f.bufferFeatures & VK_FORMAT_FEATURE_STORAGE_TEXEL_BUFFER_BIT)
    caps->max_texels = limits->maxTexelBufferElements;
  caps->int64 = features.shaderInt64;
  if (device->debug & CBAM_DEBUG_PLAIN)
    caps->subgroup_size = caps->max_texels = 0;
  caps->max_storage_range = limits->maxStorageBufferRange;
  caps->max_buffer_size = allocation.maxMemoryAllocationSize;
  caps->range_alignment =
      MAX (256, MAX (limits->minStorageBufferOffsetAlignment, limits->minTexelBufferOffsetAlignment));
  caps->atom_size = limits->nonCoherentAtomSize;
  for (guint i = 0; i < 3; i++)
    caps->max_groups[i] = limits->maxComputeWorkGroupCount[i];
  caps->timestamp_bits = timestamp_bits;
  caps->timestamp_period = timestamp_bits > 0 ? limits->timestampPeriod : 0;
}

static gboolean
open_handle (CbamDevice *device, GError **error)
{
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueFamilyIndex = device->queue_family,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  const VkPhysicalDeviceFeatures features = { .shaderInt64 = device->caps.int64 };
  const VkDeviceCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
    .pEnabledFeatures = &features,
  };

  if (!check_result (vkCreateDevice (device->physical, &create, NULL, &device->handle), "vkCreateDevice", error))
    return FALSE;
  volkLoadDeviceTable (&device->vk, device->handle);
  device->vk.vkGetDeviceQueue (device->handle, device->queue_family, 0, &device->queue);
  return TRUE;
}

/* The shared device of that number and those switches, or NULL. The lock is held. */
static CbamDevice *
find_opened (guint index, CbamDebugFlags debug)
{
  for (GSList *l = opened; l; l = l->next) {
    CbamDevice *device = l->data;

    if (device->info.index == index && device->debug == debug && !cbam_device_is_parked (device))
      return cbam_device_ref (device);
  }
  return NULL;
}

/* With @share the lock is held, and the device may be one that is open already. */
static CbamDevice *
open_device (const char *name, CbamDebugFlags debug, gboolean share, GError **error)
{
  g_autoptr (CbamDevice) device = g_new0 (CbamDevice, 1);
  g_autoptr (CbamDeviceList) list = NULL;
  CbamDevice *there;
  GError *local = NULL;
  guint32 timestamp_bits = 0;
  guint index = 0;

  g_atomic_ref_count_init (&device->refs);
  g_mutex_init (&device->queue_lock);
  device->debug = debug | debug_from_environment ();
  device->instance = instance_new (device->debug, &device->messenger, &local);
  if (device->instance == VK_NULL_HANDLE) {
    g_propagate_error (error, local);
    return NULL;
  }
  list = device_list_new (device->instance, error);
  if (!list || !choose (list, name, &index, error))
    return NULL;

  there = share ? find_opened (index, device->debug) : NULL;
  if (there)
    return there;

  device->physical = list->handles[index];
  fill_info (device->physical, index, &device->info);
  find_queue_family (device->physical, &device->queue_family, &timestamp_bits);
  query_caps (device, timestamp_bits);
  device->fence_timeout = device->caps.is_cpu ? 0 : GPU_FENCE_TIMEOUT_MS;
  if (!open_handle (device, error))
    return NULL;
  return g_steal_pointer (&device);
}

CbamDevice *
cbam_device_open_with (const char *name, CbamDebugFlags debug, GError **error)
{
  return open_device (name, debug, FALSE, error);
}

CbamDevice *
cbam_device_open (const char *name, GError **error)
{
  CbamDevice *device;

  g_mutex_lock (&opened_lock);
  device = open_device (name, 0, TRUE, error);
  if (device && !device->shared) {
    device->shared = TRUE;
    opened = g_slist_prepend (opened, device);
  }
  g_mutex_unlock (&opened_lock);
  return device;
}

CbamDevice *
cbam_device_ref (CbamDevice *device)
{
  g_return_val_if_fail (device != NULL, NULL);
  g_atomic_ref_count_inc (&device->refs);
  return device;
}

/* Takes a reference away. TRUE: it was the last. A shared device goes from the list at the same time, so that nobody
 * finds it there between its last reference and its end. */
static gboolean
drop_reference (CbamDevice *device)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = device->shared ? g_mutex_locker_new (&opened_lock) : NULL;

  if (!g_atomic_ref_count_dec (&device->refs))
    return FALSE;
  if (device->shared)
    opened = g_slist_remove (opened, device);
  return TRUE;
}

void
cbam_device_unref (CbamDevice *device)
{
  if (!device || !drop_reference (device))
    return;
  if (cbam_device_is_parked (device)) {
    /* The driver may still be working on it: it stays, reachable for leak checkers, until the process ends. */
    static GSList *parked;
    static GMutex lock;
    G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

    parked = g_slist_prepend (parked, device);
    return;
  }
  if (device->handle)
    device->vk.vkDestroyDevice (device->handle, NULL);
  if (device->messenger)
    vkDestroyDebugUtilsMessengerEXT (device->instance, device->messenger, NULL);
  if (device->instance)
    vkDestroyInstance (device->instance, NULL);
  g_mutex_clear (&device->queue_lock);
  clear_info (&device->info);
  g_free (device);
}

/* ---- Using it ------------------------------------------------------------------------------------------------- */

const CbamDeviceInfo *
cbam_device_get_info (const CbamDevice *device)
{
  g_return_val_if_fail (device != NULL, NULL);
  return &device->info;
}

gboolean
cbam_device_is_cpu (const CbamDevice *device)
{
  g_return_val_if_fail (device != NULL, FALSE);
  return device->caps.is_cpu;
}

void
cbam_device_set_fence_timeout (CbamDevice *device, guint milliseconds)
{
  g_return_if_fail (device != NULL);
  g_atomic_int_set ((gint *) &device->fence_timeout, (gint) milliseconds);
}

gboolean
cbam_device_is_parked (CbamDevice *device)
{
  return g_atomic_int_get (&device->parked) != 0;
}

static void
park (CbamDevice *device, CbamError why)
{
  g_atomic_int_compare_and_exchange (&device->parked, 0, (gint) why + 1);
}

gboolean
cbam_device_check_alive (CbamDevice *device, GError **error)
{
  const gint parked = g_atomic_int_get (&device->parked);

  if (parked == 0)
    return TRUE;
  g_set_error (error, CBAM_ERROR, parked - 1, "%s: the device %s earlier and is parked; open it again",
               device->info.name, parked - 1 == CBAM_ERROR_TIMEOUT ? "did not finish in time" : "was lost");
  return FALSE;
}

gboolean
cbam_device_check (CbamDevice *device, VkResult result, const char *call, GError **error)
{
  if (check_result (result, call, error))
    return TRUE;
  if (result == VK_ERROR_DEVICE_LOST)
    park (device, CBAM_ERROR_DEVICE_LOST);
  return FALSE;
}

gboolean
cbam_device_submit (CbamDevice *device, VkCommandBuffer commands, VkFence fence, GError **error)
{
  const VkSubmitInfo submit = {
    .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
    .commandBufferCount = 1,
    .pCommandBuffers = &commands,
  };
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = NULL;

  if (!cbam_device_check_alive (device, error))
    return FALSE;
  locker = g_mutex_locker_new (&device->queue_lock);
  return cbam_device_check (device, device->vk.vkQueueSubmit (device->queue, 1, &submit, fence), "vkQueueSubmit",
                            error);
}

gboolean
cbam_device_wait (CbamDevice *device, VkFence fence, GError **error)
{
  const guint timeout = (guint) g_atomic_int_get ((gint *) &device->fence_timeout);
  const guint64 nanoseconds = timeout ? timeout * G_GUINT64_CONSTANT (1000000) : G_MAXUINT64;
  VkResult result;

  if (!cbam_device_check_alive (device, error))
    return FALSE;
  result = device->vk.vkWaitForFences (device->handle, 1, &fence, VK_TRUE, nanoseconds);
  if (result != VK_TIMEOUT)
    return cbam_device_check (device, result, "vkWaitForFences", error);
  park (device, CBAM_ERROR_TIMEOUT);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT, "%s: a frame did not finish within %u ms; the device is parked",
               device->info.name, timeout);
  return FALSE;
}
