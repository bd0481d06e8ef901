/* CbamDeviceList: what devices the loader offers, and which of them a name means.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/device-list.h"

#include <stdlib.h>
#include <string.h>

#ifdef CBAM_HAVE_ONEDNN
#include "host/onednn.h"
#endif
#include "host/processor.h"

#define HOST_INDEX 100
#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

GRecMutex cbam_vk_instances;

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
    case VK_ERROR_FRAGMENTATION: return "VK_ERROR_FRAGMENTATION";
    case VK_ERROR_INVALID_EXTERNAL_HANDLE: return "VK_ERROR_INVALID_EXTERNAL_HANDLE";
    case VK_ERROR_INVALID_SHADER_NV: return "VK_ERROR_INVALID_SHADER_NV";
    case VK_ERROR_UNKNOWN: return "VK_ERROR_UNKNOWN";
    case VK_NOT_READY: return "VK_NOT_READY";
    case VK_INCOMPLETE: return "VK_INCOMPLETE";
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
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_FRAGMENTATION: return CBAM_ERROR_OUT_OF_MEMORY;
    case VK_ERROR_DEVICE_LOST: return CBAM_ERROR_DEVICE_LOST;
    case VK_ERROR_INCOMPATIBLE_DRIVER: return CBAM_ERROR_NO_DEVICE;
    default: return CBAM_ERROR_FAILED;
  }
}

gboolean
cbam_vk_check (VkResult result, const char *call, GError **error)
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

/* ---- The instance --------------------------------------------------------------------------------------------- */

/* The only thing the library ever prints, and only when asked to by the debug switch: a test must not pass over it. */
static VKAPI_ATTR VkBool32 VKAPI_CALL
on_validation_message (VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
                       const VkDebugUtilsMessengerCallbackDataEXT *data, void *user_data)
{
  g_printerr ("Vulkan validation: %s\n", data->pMessage);
  abort ();
}

gboolean
cbam_vk_load (GError **error)
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

VkInstance
cbam_vk_instance_new (CbamDebugFlags debug, VkDebugUtilsMessengerEXT *messenger, GError **error)
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

  if (!cbam_vk_load (error))
    return VK_NULL_HANDLE;
  if (validate) {
    create.pNext = &features;
    create.enabledLayerCount = G_N_ELEMENTS (layers);
    create.ppEnabledLayerNames = layers;
    create.enabledExtensionCount = G_N_ELEMENTS (extensions);
    create.ppEnabledExtensionNames = extensions;
  }
  if (!cbam_vk_check (vkCreateInstance (&create, NULL, &instance), "vkCreateInstance", error)) {
    if (g_error_matches (*error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE))
      g_prefix_error (error, "no Vulkan driver (on Debian: apt install mesa-vulkan-drivers; VK_DRIVER_FILES and "
                             "VK_ICD_FILENAMES must be unset or right): ");
    return VK_NULL_HANDLE;
  }
  volkLoadInstanceOnly (instance);
  if (validate && messenger != NULL &&
      !cbam_vk_check (vkCreateDebugUtilsMessengerEXT (instance, &messages, NULL, messenger),
                      "vkCreateDebugUtilsMessengerEXT", error)) {
    *messenger = VK_NULL_HANDLE;
    vkDestroyInstance (instance, NULL);
    return VK_NULL_HANDLE;
  }
  return instance;
}

void
cbam_vk_instance_free (VkInstance instance, VkDebugUtilsMessengerEXT messenger)
{
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = g_rec_mutex_locker_new (&cbam_vk_instances);

  if (instance == VK_NULL_HANDLE)
    return;
  volkLoadInstanceOnly (instance);
  if (messenger != NULL)
    vkDestroyDebugUtilsMessengerEXT (instance, messenger, NULL);
  vkDestroyInstance (instance, NULL);
}

/* ---- The list ------------------------------------------------------------------------------------------------- */

void
cbam_device_info_fill (VkPhysicalDevice handle, guint index, CbamDeviceInfo *info)
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

void
cbam_device_info_clear (CbamDeviceInfo *info)
{
  g_clear_pointer ((char **) &info->name, g_free);
  g_clear_pointer ((char **) &info->driver, g_free);
}

gboolean
cbam_vk_is_new_enough (VkPhysicalDevice handle)
{
  VkPhysicalDeviceProperties properties;

  vkGetPhysicalDeviceProperties (handle, &properties);
  return properties.apiVersion >= VK_API_VERSION_1_1;
}

/* Adds device @index of the instance, or says why not. */
static void
add_device (CbamDeviceList *list, VkPhysicalDevice handle, guint index)
{
  VkPhysicalDeviceProperties properties;
  g_autofree char *before = NULL;

  if (cbam_vk_is_new_enough (handle)) {
    list->handles[list->n] = handle;
    cbam_device_info_fill (handle, index, &list->infos[list->n++]);
    return;
  }
  before = g_steal_pointer (&list->left_out);
  vkGetPhysicalDeviceProperties (handle, &properties);
  list->left_out =
      g_strdup_printf ("%s%s%u \"%s\" (Vulkan %u.%u)", before != NULL ? before : "", before != NULL ? ", " : "", index,
                       properties.deviceName, VK_API_VERSION_MAJOR (properties.apiVersion),
                       VK_API_VERSION_MINOR (properties.apiVersion));
}

static gboolean
add_vulkan (CbamDeviceList *list, VkInstance instance, GError **error)
{
  g_autofree VkPhysicalDevice *there = NULL;
  guint32 n = 0;
  VkResult result;

  if (!cbam_vk_check (vkEnumeratePhysicalDevices (instance, &n, NULL), "vkEnumeratePhysicalDevices", error))
    return FALSE;
  there = g_new0 (VkPhysicalDevice, n);
  result = vkEnumeratePhysicalDevices (instance, &n, there);
  /* Incomplete: one was plugged in meanwhile, and is left out. */
  if (result != VK_INCOMPLETE && !cbam_vk_check (result, "vkEnumeratePhysicalDevices", error))
    return FALSE;
  list->infos = g_new0 (CbamDeviceInfo, n + 1);
  list->handles = g_new0 (VkPhysicalDevice, n + 1);
  for (guint32 i = 0; i < n; i++)
    add_device (list, there[i], i);
  return TRUE;
}

void
cbam_device_info_fill_host (guint threads, CbamDeviceInfo *info)
{
#ifdef CBAM_HAVE_ONEDNN
  g_autofree char *version = cbam_onednn_get_version ();
#else
  const char *version = "no oneDNN";
#endif

  info->index = HOST_INDEX;
  info->name = cbam_processor_get_name ();
  info->type = "host";
  info->driver = g_strdup_printf ("%u thread%s, %s, %s", threads, threads == 1 ? "" : "s",
                                  cbam_vectors_names[cbam_processor_get_vectors ()], version);
}

static void
add_host (CbamDeviceList *list)
{
  if (list->infos == NULL) {
    list->infos = g_new0 (CbamDeviceInfo, 1);
    list->handles = g_new0 (VkPhysicalDevice, 1);
  }
  cbam_device_info_fill_host (cbam_processor_count_threads (), &list->infos[list->n++]);
}

static int
type_rank (const char *type)
{
  static const char *const order[] = { "discrete", "integrated", "virtual", "host", "cpu", "other" };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (g_str_equal (type, order[i]))
      return i;
  return G_N_ELEMENTS (order);
}

/* Best first; those of one type stay in their order. */
static void
sort (CbamDeviceList *list)
{
  for (guint i = 1; i < list->n; i++)
    for (guint j = i; j > 0 && type_rank (list->infos[j].type) < type_rank (list->infos[j - 1].type); j--) {
      const CbamDeviceInfo info = list->infos[j];
      const VkPhysicalDevice handle = list->handles[j];

      list->infos[j] = list->infos[j - 1];
      list->handles[j] = list->handles[j - 1];
      list->infos[j - 1] = info;
      list->handles[j - 1] = handle;
    }
}

CbamDeviceList *
cbam_device_list_of (VkInstance instance, GError *why, gboolean host, GError **error)
{
  g_autoptr (CbamDeviceList) list = g_new0 (CbamDeviceList, 1);

  g_atomic_ref_count_init (&list->refs);
  list->why = why;
  if (instance != VK_NULL_HANDLE)
    add_vulkan (list, instance, &list->why);
  if (list->why != NULL && !host) {
    g_propagate_error (error, g_steal_pointer (&list->why));
    return NULL;
  }
  if (host)
    add_host (list);
  sort (list);
  return g_steal_pointer (&list);
}

CbamDeviceList *
cbam_device_list_new (GError **error)
{
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = g_rec_mutex_locker_new (&cbam_vk_instances);
  const gboolean host = cbam_processor_is_device () && !(cbam_debug_from_environment () & CBAM_DEBUG_NO_HOST);
  GError *why = NULL;
  VkInstance instance = cbam_vk_instance_new (0, NULL, &why);
  CbamDeviceList *list = cbam_device_list_of (instance, why, host, error);

  if (list != NULL)
    list->instance = instance;
  else
    cbam_vk_instance_free (instance, VK_NULL_HANDLE);
  return list;
}

CbamDeviceList *
cbam_device_list_ref (CbamDeviceList *list)
{
  g_return_val_if_fail (list != NULL, NULL);
  g_atomic_ref_count_inc (&list->refs);
  return list;
}

void
cbam_device_list_unref (CbamDeviceList *list)
{
  if (list == NULL || !g_atomic_ref_count_dec (&list->refs))
    return;
  for (guint i = 0; list->infos != NULL && i < list->n; i++)
    cbam_device_info_clear (&list->infos[i]);
  cbam_vk_instance_free (list->instance, VK_NULL_HANDLE);
  g_clear_error (&list->why);
  g_free (list->infos);
  g_free (list->handles);
  g_free (list->left_out);
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

gboolean
cbam_vk_find_queue_family (VkPhysicalDevice handle, guint32 *ret_family, guint32 *ret_timestamp_bits)
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

gboolean
cbam_device_name_is_host (const char *name)
{
  return name != NULL && g_ascii_strcasecmp (name, "cpu") == 0;
}

static gboolean
has_host (const CbamDeviceList *list)
{
  for (guint i = 0; i < list->n; i++)
    if (list->handles[i] == VK_NULL_HANDLE)
      return TRUE;
  return FALSE;
}

static gboolean
info_matches (const CbamDeviceList *list, const CbamDeviceInfo *info, const char *name)
{
  g_autofree char *have = NULL, *want = NULL;
  guint64 index;

  if (name == NULL || name[0] == '\0')
    return TRUE;
  if (g_ascii_string_to_unsigned (name, 10, 0, G_MAXUINT, &index, NULL))
    return info->index == index;
  if (cbam_device_name_is_host (name))
    return g_str_equal (info->type, has_host (list) ? "host" : "cpu");
  if (g_ascii_strcasecmp (name, "gpu") == 0)
    return type_rank (info->type) < type_rank ("host");
  have = g_utf8_casefold (info->name, -1);
  want = g_utf8_casefold (name, -1);
  return strstr (have, want) != NULL;
}

/* Whether kernels can be submitted to it. */
static gboolean
computes (VkPhysicalDevice handle)
{
  guint32 unused;

  return handle == VK_NULL_HANDLE || cbam_vk_find_queue_family (handle, &unused, &unused);
}

static void
say_none_fits (const CbamDeviceList *list, const char *name, GError **error)
{
  g_autoptr (GString) there = g_string_new (NULL);

  if (list->why != NULL) {
    g_propagate_error (error, g_error_copy (list->why));
    return;
  }
  for (guint i = 0; i < list->n; i++)
    g_string_append_printf (there, "%s%u \"%s\" (%s)", i ? ", " : "", list->infos[i].index, list->infos[i].name,
                            list->infos[i].type);
  if (list->left_out != NULL)
    g_string_append_printf (there, "%stoo old, 1.1 is needed: %s", there->len > 0 ? "; " : "", list->left_out);
  if (list->n == 0 && list->left_out == NULL)
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE,
                 "the Vulkan loader is there, but no driver offers a device (on Debian: apt install "
                 "mesa-vulkan-drivers)");
  else
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE, "no device fits \"%s\"; there is: %s",
                 name != NULL ? name : "", there->str);
}

gboolean
cbam_device_list_choose (const CbamDeviceList *list, const char *name, guint *ret_index, GError **error)
{
  for (guint i = 0; i < list->n; i++)
    if (info_matches (list, &list->infos[i], name) && computes (list->handles[i])) {
      *ret_index = i;
      return TRUE;
    }
  say_none_fits (list, name, error);
  return FALSE;
}
