/* CbamDevice: opening a device or adopting one, submitting to it, and parking it when it fails.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/device.h"

#include <string.h>

#include "base/given.h"
#include "base/refs.h"
#ifdef CBAM_HAVE_ONEDNN
#include "host/onednn.h"
#endif
#include "host/processor.h"
#include "vk/device-list.h"

/* How long nothing may come out of a device before it counts as hung, in milliseconds. A processor that nobody would
 * run a network on still does a hundred million multiply-adds a second. */
#define LIMIT 60000
#define CPU_MACS_PER_MS 100000

#define HOST_FRAME_ALIGNMENT 16 /* bytes: what malloc() gives; bytes are read one by one */
#define HOST_ALIGNMENT 64       /* bytes: a cache line, and the widest vectors */

/* A wait that fails for want of memory is tried again so often, after so many microseconds. */
#define WAIT_TRIES 5
#define WAIT_PAUSE 20000

/* ---- Switches ------------------------------------------------------------------------------------------------- */

CbamDebugFlags
cbam_debug_from_environment (void)
{
  static const GDebugKey keys[] = {
    { "validation", CBAM_DEBUG_VALIDATION }, { "noncoherent", CBAM_DEBUG_NONCOHERENT },
    { "staging", CBAM_DEBUG_STAGING },       { "plain", CBAM_DEBUG_PLAIN },
    { "poison", CBAM_DEBUG_POISON },         { "least", CBAM_DEBUG_LEAST },
    { "reference", CBAM_DEBUG_REFERENCE },   { "no-host", CBAM_DEBUG_NO_HOST },
  };

  return g_parse_debug_string (g_getenv ("CBAM_DEBUG"), keys, G_N_ELEMENTS (keys));
}

/* ---- Sharing ---------------------------------------------------------------------------------------------------- */

/* What cbam_device_open() gave and is still alive; holds no references. The lock is for the list only, never held over
 * a call of Vulkan: frames drop references. That two streams which start together open once is up to cbam_vk_instances,
 * under which devices are looked for, made and put here. */
static GSList *opened;
static GMutex opened_lock;

static void
put_opened (CbamDevice *device)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&opened_lock);

  device->shared = TRUE;
  opened = g_slist_prepend (opened, device);
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

/* Takes away what other devices do not have. What the device itself demands stays. */
static void
lower_caps (CbamDeviceCaps *caps)
{
  const CbamDeviceCaps own = *caps;

  *caps = cbam_least_caps;
  caps->is_cpu = own.is_cpu;
  caps->unified = own.unified;
  caps->range_alignment = MAX (caps->range_alignment, own.range_alignment);
  caps->atom_size = MAX (caps->atom_size, own.atom_size);
}

static gboolean
has_extension (VkPhysicalDevice physical, const char *name)
{
  g_autofree VkExtensionProperties *there = NULL;
  guint32 n = 0;

  if (vkEnumerateDeviceExtensionProperties (physical, NULL, &n, NULL) != VK_SUCCESS)
    return FALSE;
  there = g_new0 (VkExtensionProperties, n);
  if (vkEnumerateDeviceExtensionProperties (physical, NULL, &n, there) < VK_SUCCESS)
    return FALSE;
  for (guint32 i = 0; i < n; i++)
    if (strcmp (there[i].extensionName, name) == 0)
      return TRUE;
  return FALSE;
}

gboolean
cbam_vk_has_fp16 (VkPhysicalDevice physical)
{
  VkPhysicalDeviceShaderFloat16Int8Features computes = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
  };
  VkPhysicalDevice16BitStorageFeatures stores = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
    .pNext = &computes,
  };
  VkPhysicalDeviceFeatures2 features = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &stores };

  if (!has_extension (physical, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME))
    return FALSE;
  vkGetPhysicalDeviceFeatures2 (physical, &features);
  return stores.storageBuffer16BitAccess && computes.shaderFloat16;
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
  caps->has_fp16 = cbam_vk_has_fp16 (device->physical);
  caps->max_storage_range = limits->maxStorageBufferRange;
  caps->max_buffer_size = allocation.maxMemoryAllocationSize;
  caps->range_alignment =
      MAX (256, MAX (limits->minStorageBufferOffsetAlignment, limits->minTexelBufferOffsetAlignment));
  caps->atom_size = limits->nonCoherentAtomSize;
  for (guint i = 0; i < 3; i++)
    caps->max_groups[i] = limits->maxComputeWorkGroupCount[i];
  caps->max_invocations = MIN (limits->maxComputeWorkGroupInvocations, limits->maxComputeWorkGroupSize[0]);
  caps->max_shared = limits->maxComputeSharedMemorySize;
  caps->max_push = limits->maxPushConstantsSize;
  caps->max_storage_buffers = MIN (limits->maxPerStageDescriptorStorageBuffers, limits->maxDescriptorSetStorageBuffers);
  caps->max_storage_texels = MIN (limits->maxPerStageDescriptorStorageImages, limits->maxDescriptorSetStorageImages);
  caps->max_bindings = limits->maxPerStageResources;
  caps->max_allocations = limits->maxMemoryAllocationCount;
  if (device->debug & CBAM_DEBUG_LEAST)
    lower_caps (caps);
  if (device->debug & CBAM_DEBUG_PLAIN)
    caps->subgroup_size = caps->max_texels = 0;
  caps->timestamp_bits = timestamp_bits;
  caps->timestamp_period = timestamp_bits > 0 ? limits->timestampPeriod : 0;
}

/* Reading the host's memory in place pays where it is the device's own memory too. */
static void
query_import (CbamDevice *device)
{
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT,
  };
  VkPhysicalDeviceProperties2 properties = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &host };

  if (!device->caps.unified || (device->debug & CBAM_DEBUG_NONCOHERENT) ||
      !has_extension (device->physical, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
    return;
  vkGetPhysicalDeviceProperties2 (device->physical, &properties);
  device->caps.import_alignment = host.minImportedHostPointerAlignment;
}

/* Each maker has words of its own for them; others do not say. */
static void
query_units (CbamDevice *device)
{
  VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nvidia = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV,
  };
  VkPhysicalDeviceShaderCorePropertiesAMD amd = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD,
  };
  VkPhysicalDeviceProperties2 properties = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 };

  if (has_extension (device->physical, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME))
    properties.pNext = &nvidia;
  else if (has_extension (device->physical, VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME))
    properties.pNext = &amd;
  else
    return;
  vkGetPhysicalDeviceProperties2 (device->physical, &properties);
  device->caps.units =
      nvidia.shaderSMCount + amd.shaderEngineCount * amd.shaderArraysPerEngineCount * amd.computeUnitsPerShaderArray;
}

static gboolean
open_handle (CbamDevice *device, GError **error)
{
  const char *extensions[2];
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueFamilyIndex = device->queue_family,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  const VkPhysicalDeviceFeatures features = { .shaderInt64 = device->caps.int64 };
  VkPhysicalDeviceShaderFloat16Int8Features computes = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
    .shaderFloat16 = VK_TRUE,
  };
  VkPhysicalDevice16BitStorageFeatures stores = {
    .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
    .pNext = &computes,
    .storageBuffer16BitAccess = VK_TRUE,
  };
  VkDeviceCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .pNext = device->caps.has_fp16 ? &stores : NULL,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
    .pEnabledFeatures = &features,
    .ppEnabledExtensionNames = extensions,
  };

  if (device->caps.import_alignment > 0)
    extensions[create.enabledExtensionCount++] = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
  if (device->caps.has_fp16)
    extensions[create.enabledExtensionCount++] = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME;
  if (!cbam_vk_check (vkCreateDevice (device->physical, &create, NULL, &device->handle), "vkCreateDevice", error)) {
    device->handle = VK_NULL_HANDLE;
    return FALSE;
  }
  volkLoadDeviceTable (&device->vk, device->handle);
  device->vk.vkGetDeviceQueue (device->handle, device->queue_family, 0, &device->queue);
  return TRUE;
}

/* The shared device like @wanted, or NULL: of its number, or the host with as many threads. */
static CbamDevice *
find_opened (const CbamDevice *wanted)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&opened_lock);

  for (GSList *l = opened; l != NULL; l = l->next) {
    CbamDevice *device = l->data;
    const gboolean same = device->team != NULL ? wanted->team != NULL && cbam_team_get_size (device->team) ==
                                                                             cbam_team_get_size (wanted->team)
                                               : wanted->team == NULL && device->info.index == wanted->info.index;

    if (!device->adopted && same && device->debug == wanted->debug && !cbam_device_is_parked (device))
      return cbam_device_ref (device);
  }
  return NULL;
}

/* The same for somebody else's queue. */
static CbamDevice *
find_adopted (VkQueue queue)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&opened_lock);

  for (GSList *l = opened; l != NULL; l = l->next) {
    CbamDevice *device = l->data;

    if (device->adopted && device->queue == queue && !cbam_device_is_parked (device))
      return cbam_device_ref (device);
  }
  return NULL;
}

/* The processor itself. Threads begin with the first frame. */
static void
become_host (CbamDevice *device, guint threads)
{
#ifdef CBAM_HAVE_ONEDNN
  void (*const enter) (void) = cbam_onednn_enter_thread;
#else
  void (*const enter) (void) = NULL;
#endif

  if (threads == 0)
    threads = cbam_processor_count_threads ();
  device->team = cbam_team_new (threads, enter);
  cbam_device_info_fill_host (threads, &device->info);
  device->caps = (CbamDeviceCaps){
    .is_cpu = TRUE,
    .is_host = TRUE,
    .unified = TRUE,
    .max_storage_range = G_MAXSIZE,
    .max_buffer_size = G_MAXSIZE,
    .range_alignment = HOST_ALIGNMENT,
    .atom_size = HOST_ALIGNMENT,
    .import_alignment = HOST_FRAME_ALIGNMENT,
  };
#ifdef CBAM_HAVE_ONEDNN
  device->caps.has_bf16 = cbam_onednn_has_bf16 (&device->caps.has_bf16_tiles);
#endif
}

/* Chooses among what there is, and fills in what tells devices apart. */
static gboolean
find_device (CbamDevice *device, const char *name, guint threads, GError **error)
{
  const gboolean host = cbam_processor_is_device () && !(device->debug & CBAM_DEBUG_NO_HOST);
  g_autoptr (CbamDeviceList) list = NULL;
  GError *why = NULL;
  guint i = 0;

  if (host && cbam_device_name_is_host (name)) {
    become_host (device, threads);
    return TRUE;
  }
  device->instance = cbam_vk_instance_new (device->debug, &device->messenger, &why);
  list = cbam_device_list_of (device->instance, why, host, error);
  if (list == NULL || !cbam_device_list_choose (list, name, &i, error))
    return FALSE;
  if (list->handles[i] == VK_NULL_HANDLE) {
    cbam_vk_instance_free (device->instance, device->messenger);
    device->instance = VK_NULL_HANDLE;
    become_host (device, threads);
    return TRUE;
  }
  device->physical = list->handles[i];
  cbam_device_info_fill (device->physical, list->infos[i].index, &device->info);
  return TRUE;
}

static gboolean
open_vulkan (CbamDevice *device, GError **error)
{
  guint32 timestamp_bits = 0;

  cbam_vk_find_queue_family (device->physical, &device->queue_family, &timestamp_bits);
  query_caps (device, timestamp_bits);
  query_units (device);
  query_import (device);
  return open_handle (device, error);
}

/* With @share the device may be one that is open already. cbam_vk_instances is held. */
static CbamDevice *
open_device (const char *name, guint threads, CbamDebugFlags debug, gboolean share, GError **error)
{
  g_autoptr (CbamDevice) device = g_new0 (CbamDevice, 1);
  CbamDevice *there;

  device->refs = 1;
  g_mutex_init (&device->queue_lock);
  g_mutex_init (&device->pipelines_lock);
  device->turns = cbam_turns_new ();
  device->debug = debug | cbam_debug_from_environment ();
  device->fence_timeout = CBAM_FENCE_TIMEOUT_DEFAULT;
  if (!find_device (device, name, threads, error))
    return NULL;
  there = share ? find_opened (device) : NULL;
  if (there != NULL)
    return there;
  return device->team != NULL || open_vulkan (device, error) ? g_steal_pointer (&device) : NULL;
}

CbamDevice *
cbam_device_open_with (const char *name, CbamDebugFlags debug, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = g_rec_mutex_locker_new (&cbam_vk_instances);

  return open_device (name, 0, debug, FALSE, error);
}

CbamDevice *
cbam_device_open_configured (const char *name, const CbamDeviceConfig *config, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = NULL;
  CbamDeviceConfig own;
  CbamDevice *device;

  if (!cbam_take_given ("CbamDeviceConfig", config, config != NULL ? config->size : 0, &own, sizeof own, error))
    return NULL;
  locker = g_rec_mutex_locker_new (&cbam_vk_instances);
  device = open_device (name, own.cpu_threads, 0, TRUE, error);
  if (device != NULL && !device->shared)
    put_opened (device);
  return device;
}

CbamDevice *
cbam_device_open (const char *name, GError **error)
{
  return cbam_device_open_configured (name, NULL, error);
}

static void
release_handles (const CbamVulkanHandles *handles)
{
  if (handles->release != NULL)
    handles->release (handles->data);
}

/* The place of @physical in its instance's list, where the same device may go by another handle in other instances. */
static guint
index_of (VkInstance instance, VkPhysicalDevice physical)
{
  VkPhysicalDevice there[64];
  guint32 n = G_N_ELEMENTS (there);

  if (vkEnumeratePhysicalDevices (instance, &n, there) < VK_SUCCESS)
    return 0;
  for (guint32 i = 0; i < n; i++)
    if (there[i] == physical)
      return i;
  return 0;
}

/* FALSE: the queue's family does not compute. */
static gboolean
query_family (VkPhysicalDevice physical, guint32 family, guint32 *ret_timestamp_bits)
{
  VkQueueFamilyProperties families[32];
  guint32 n = G_N_ELEMENTS (families);

  vkGetPhysicalDeviceQueueFamilyProperties (physical, &n, families);
  *ret_timestamp_bits = family < n ? families[family].timestampValidBits : 0;
  return family < n && (families[family].queueFlags & VK_QUEUE_COMPUTE_BIT);
}

/* cbam_vk_instances is held. */
static CbamDevice *
adopt (const CbamVulkanHandles *handles, GError **error)
{
  g_autoptr (CbamDevice) device = NULL;
  guint32 timestamp_bits;

  if (!cbam_vk_load (error))
    return NULL;
  volkLoadInstanceOnly (handles->instance);
  if (vkGetPhysicalDeviceProperties2 == NULL || !cbam_vk_is_new_enough (handles->physical_device)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE,
                 "the device handed over, or its instance, is of Vulkan 1.0; expected 1.1 or later");
    return NULL;
  }
  if (!query_family (handles->physical_device, handles->queue_family, &timestamp_bits)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE, "queue family %u of the device handed over cannot compute",
                 handles->queue_family);
    return NULL;
  }
  device = g_new0 (CbamDevice, 1);
  device->refs = 1;
  g_mutex_init (&device->queue_lock);
  g_mutex_init (&device->pipelines_lock);
  device->turns = cbam_turns_new ();
  device->adopted = TRUE;
  device->debug = cbam_debug_from_environment ();
  device->instance = handles->instance;
  device->physical = handles->physical_device;
  device->handle = handles->device;
  device->queue = handles->queue;
  device->queue_family = handles->queue_family;
  cbam_device_info_fill (device->physical, index_of (device->instance, device->physical), &device->info);
  query_caps (device, timestamp_bits);
  query_units (device);
  device->caps.int64 &= handles->int64;
  device->caps.has_fp16 &= handles->fp16;
  device->fence_timeout = CBAM_FENCE_TIMEOUT_DEFAULT;
  volkLoadDeviceTable (&device->vk, device->handle);
  device->owner = *handles;
  return g_steal_pointer (&device);
}

CbamDevice *
cbam_device_adopt (const CbamVulkanHandles *handles, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = NULL;
  CbamVulkanHandles own;
  CbamDevice *device;

  g_return_val_if_fail (handles != NULL && handles->queue != VK_NULL_HANDLE, NULL);
  if (!cbam_take_given ("CbamVulkanHandles", handles, handles->size, &own, sizeof own, error))
    return NULL;
  locker = g_rec_mutex_locker_new (&cbam_vk_instances);
  device = find_adopted (own.queue);
  if (device != NULL) {
    release_handles (&own);
    return device;
  }
  device = adopt (&own, error);
  if (device != NULL)
    put_opened (device);
  return device;
}

CbamDevice *
cbam_device_ref (CbamDevice *device)
{
  g_return_val_if_fail (device != NULL, NULL);
  g_atomic_int_inc (&device->refs);
  return device;
}

/* Takes a reference away. TRUE: it was the last. A shared device goes from the list at the same time, so that nobody
 * finds it there between its last reference and its end. */
static gboolean
drop_reference (CbamDevice *device)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = NULL;

  if (cbam_refs_drop_unless_last (&device->refs))
    return FALSE;
  if (device->shared)
    locker = g_mutex_locker_new (&opened_lock);
  if (!g_atomic_int_dec_and_test (&device->refs))
    return FALSE;
  if (device->shared)
    opened = g_slist_remove (opened, device);
  return TRUE;
}

void
cbam_device_unref (CbamDevice *device)
{
  if (device == NULL || !drop_reference (device))
    return;
  if (cbam_device_is_hung (device)) {
    /* The driver may still be working on it: it stays, reachable for leak checkers, until the process ends. */
    static GSList *parked;
    static GMutex lock;
    G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

    parked = g_slist_prepend (parked, device);
    return;
  }
  cbam_team_free (device->team);
  g_clear_pointer (&device->pipelines, g_hash_table_unref);
  if (device->handle != NULL && !device->adopted)
    device->vk.vkDestroyDevice (device->handle, NULL);
  if (!device->adopted)
    cbam_vk_instance_free (device->instance, device->messenger);
  release_handles (&device->owner);
  g_mutex_clear (&device->queue_lock);
  g_mutex_clear (&device->pipelines_lock);
  cbam_turns_free (device->turns);
  cbam_device_info_clear (&device->info);
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

gsize
cbam_device_get_host_alignment (const CbamDevice *device)
{
  g_return_val_if_fail (device != NULL, 0);
  return device->caps.import_alignment;
}

void
cbam_device_set_fence_timeout (CbamDevice *device, guint milliseconds)
{
  g_return_if_fail (device != NULL);
  g_atomic_int_set ((gint *) &device->fence_timeout, (gint) milliseconds);
}

guint
cbam_device_get_fence_timeout (CbamDevice *device)
{
  guint timeout;

  g_return_val_if_fail (device != NULL, 0);
  timeout = (guint) g_atomic_int_get ((gint *) &device->fence_timeout);
  if (timeout != CBAM_FENCE_TIMEOUT_DEFAULT)
    return timeout;
  return LIMIT + (guint) g_atomic_int_get ((gint *) &device->slack);
}

void
cbam_device_expect_macs (CbamDevice *device, guint64 macs)
{
  const guint slack = (guint) MIN (macs / CPU_MACS_PER_MS, G_MAXINT / 2);

  if (device->caps.is_cpu && slack > (guint) g_atomic_int_get ((gint *) &device->slack))
    g_atomic_int_set ((gint *) &device->slack, (gint) slack);
}

gboolean
cbam_device_is_parked (CbamDevice *device)
{
  return g_atomic_int_get (&device->parked) != 0;
}

gboolean
cbam_device_is_hung (CbamDevice *device)
{
  g_return_val_if_fail (device != NULL, FALSE);
  return g_atomic_int_get (&device->hung);
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
  if (cbam_vk_check (result, call, error))
    return TRUE;
  if (result == VK_ERROR_DEVICE_LOST)
    park (device, CBAM_ERROR_DEVICE_LOST);
  return FALSE;
}

/* Under the lock of the queue's owner. */
static VkResult
queue_submit (CbamDevice *device, const VkSubmitInfo *submit, VkFence fence)
{
  VkResult result;

  if (device->owner.lock != NULL)
    device->owner.lock (device->owner.data);
  result = device->vk.vkQueueSubmit (device->queue, 1, submit, fence);
  if (device->owner.unlock != NULL)
    device->owner.unlock (device->owner.data);
  return result;
}

/* Under our own lock, so that tickets are entered in the order of the queue. */
static gboolean
take_turn (CbamDevice *device, const VkSubmitInfo *submit, CbamTicket *ticket, VkFence fence, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->queue_lock);

  if (ticket != NULL && !cbam_turns_enter (device->turns, ticket, g_get_monotonic_time ())) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BUSY, "%s: it is other streams' turn", device->info.name);
    return FALSE;
  }
  if (cbam_device_check (device, queue_submit (device, submit, fence), "vkQueueSubmit", error))
    return TRUE;
  if (ticket != NULL)
    cbam_turns_withdraw (device->turns, ticket);
  return FALSE;
}

gboolean
cbam_device_submit (CbamDevice *device, const CbamSubmission *submission, VkFence fence, GError **error)
{
  static const VkPipelineStageFlags stages[G_N_ELEMENTS (submission->waits)] = { VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                                                 VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                                                 VK_PIPELINE_STAGE_ALL_COMMANDS_BIT };
  const VkTimelineSemaphoreSubmitInfo timeline = {
    .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
    .waitSemaphoreValueCount = submission->n_waits,
    .pWaitSemaphoreValues = submission->values,
  };
  const VkSubmitInfo submit = {
    .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
    .pNext = submission->n_waits > 0 ? &timeline : NULL,
    .waitSemaphoreCount = submission->n_waits,
    .pWaitSemaphores = submission->waits,
    .pWaitDstStageMask = stages,
    .commandBufferCount = submission->n_commands,
    .pCommandBuffers = submission->commands,
  };

  if (!cbam_device_check_alive (device, error) || !take_turn (device, &submit, submission->ticket, fence, error))
    return FALSE;
  g_atomic_int_inc ((gint *) &device->submitted);
  return TRUE;
}

static guint
count_finished (CbamDevice *device)
{
  return (guint) g_atomic_int_get ((gint *) &device->finished);
}

/* A call that fails for want of memory has not waited, and the device works on. */
static VkResult
wait_for (CbamDevice *device, VkFence fence, guint milliseconds)
{
  const guint64 nanoseconds = milliseconds ? milliseconds * G_GUINT64_CONSTANT (1000000) : G_MAXUINT64;
  VkResult result = VK_SUCCESS;

  for (guint i = 0; i < WAIT_TRIES; i++) {
    result = device->vk.vkWaitForFences (device->handle, 1, &fence, VK_TRUE, nanoseconds);
    if (result >= VK_SUCCESS || result == VK_ERROR_DEVICE_LOST)
      break;
    g_usleep (WAIT_PAUSE);
  }
  return result;
}

/* The same, and what stands before it in the queue may take as long, as long as something comes out. */
static VkResult
wait_in_line (CbamDevice *device, VkFence fence, guint milliseconds)
{
  gint turns = g_atomic_int_get ((gint *) &device->submitted) - (gint) count_finished (device);
  guint before;
  VkResult result;

  do {
    before = count_finished (device);
    result = wait_for (device, fence, milliseconds);
  } while (result == VK_TIMEOUT && count_finished (device) != before && --turns > 0);
  return result;
}

gboolean
cbam_device_wait (CbamDevice *device, VkFence fence, GError **error)
{
  const guint timeout = cbam_device_get_fence_timeout (device);
  VkResult result;

  if (!cbam_device_check_alive (device, error))
    return FALSE;
  result = wait_in_line (device, fence, timeout);
  if (result == VK_SUCCESS) {
    g_atomic_int_inc ((gint *) &device->finished);
    return TRUE;
  }
  if (result != VK_ERROR_DEVICE_LOST)
    g_atomic_int_set (&device->hung, TRUE);
  park (device, result == VK_TIMEOUT ? CBAM_ERROR_TIMEOUT : CBAM_ERROR_DEVICE_LOST);
  if (result != VK_TIMEOUT)
    return cbam_vk_check (result, "vkWaitForFences", error);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT, "%s: a frame did not finish within %u ms; the device is parked",
               device->info.name, timeout);
  return FALSE;
}

gboolean
cbam_device_wait_idle (CbamDevice *device, GError **error)
{
  const VkFenceCreateInfo create = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  const CbamSubmission nothing = { 0 }; /* a fence is signalled after all that came before it */
  VkFence fence;

  g_return_val_if_fail (device != NULL, FALSE);
  if (device->team != NULL) {
    cbam_team_wait_idle (device->team);
    return TRUE;
  }
  if (!cbam_device_check_alive (device, error) || !cbam_device_make (device, vkCreateFence, &create, &fence, error))
    return FALSE;
  const gboolean idle = cbam_device_submit (device, &nothing, fence, error) && cbam_device_wait (device, fence, error);
  if (!cbam_device_is_hung (device))
    device->vk.vkDestroyFence (device->handle, fence, NULL);
  return idle;
}
