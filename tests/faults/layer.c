/* VK_LAYER_CBAM_faults: a Vulkan layer that lets one call fail, a device hang or get lost, and keeps account of what is
 * alive. Tests steer it by what faults.h says; from outside, the environment variable CBAM_FAULTS does:
 *
 *     CBAM_FAULTS=vkMapMemory:3:-5    the third vkMapMemory fails with VK_ERROR_MEMORY_MAP_FAILED
 *     CBAM_FAULTS=hang:2              from the second submission on the device does nothing more
 *
 * A call that fails is not passed on, and what it would have written is overwritten with rubbish, as the specification
 * leaves open. A lost device stays lost, and what it had in hand is over; so does one that hangs, but for that.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "faults.h"

#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>

#define EXPORT __attribute__ ((visibility ("default"))) /* newer headers of the loader have no word for it */

/* No handle, and no address of anything. */
#define RUBBISH 0xbadbadbad0

/* A device that hangs lets nobody wait longer than this, in microseconds: what matters is that the wait has an end. */
#define LONGEST_WAIT 20000

/* What is called further down. */
#define NEXT_OF_INSTANCE(X)                                                                                            \
  X (vkDestroyInstance)                                                                                                \
  X (vkEnumeratePhysicalDevices)                                                                                       \
  X (vkEnumerateDeviceExtensionProperties)
#define NEXT_OF_DEVICE(X)                                                                                              \
  X (vkDestroyDevice)                                                                                                  \
  X (vkDeviceWaitIdle)                                                                                                 \
  X (vkQueueWaitIdle)                                                                                                  \
  X (vkQueueSubmit)                                                                                                    \
  X (vkWaitForFences)                                                                                                  \
  X (vkGetFenceStatus)                                                                                                 \
  X (vkResetFences)                                                                                                    \
  X (vkBindBufferMemory)                                                                                               \
  X (vkMapMemory)                                                                                                      \
  X (vkFlushMappedMemoryRanges)                                                                                        \
  X (vkInvalidateMappedMemoryRanges)                                                                                   \
  X (vkGetMemoryHostPointerPropertiesEXT)                                                                              \
  X (vkAllocateDescriptorSets)                                                                                         \
  X (vkAllocateCommandBuffers)                                                                                         \
  X (vkBeginCommandBuffer)                                                                                             \
  X (vkEndCommandBuffer)                                                                                               \
  X (vkGetQueryPoolResults)                                                                                            \
  X (vkCreateComputePipelines)                                                                                         \
  X (vkDestroyPipeline)                                                                                                \
  OBJECTS (NEXT_OF_OBJECT)
#define NEXT_OF_OBJECT(object, make, unmake, info) X_ (make) X_ (unmake)

/* X (OBJECT, MAKE, UNMAKE, INFO): what is made and unmade by calls of the usual form. */
#define OBJECTS(X)                                                                                                     \
  X (VkBuffer, vkCreateBuffer, vkDestroyBuffer, VkBufferCreateInfo)                                                    \
  X (VkDeviceMemory, vkAllocateMemory, vkFreeMemory, VkMemoryAllocateInfo)                                             \
  X (VkBufferView, vkCreateBufferView, vkDestroyBufferView, VkBufferViewCreateInfo)                                    \
  X (VkDescriptorSetLayout, vkCreateDescriptorSetLayout, vkDestroyDescriptorSetLayout,                                 \
     VkDescriptorSetLayoutCreateInfo)                                                                                  \
  X (VkPipelineLayout, vkCreatePipelineLayout, vkDestroyPipelineLayout, VkPipelineLayoutCreateInfo)                    \
  X (VkShaderModule, vkCreateShaderModule, vkDestroyShaderModule, VkShaderModuleCreateInfo)                            \
  X (VkDescriptorPool, vkCreateDescriptorPool, vkDestroyDescriptorPool, VkDescriptorPoolCreateInfo)                    \
  X (VkCommandPool, vkCreateCommandPool, vkDestroyCommandPool, VkCommandPoolCreateInfo)                                \
  X (VkQueryPool, vkCreateQueryPool, vkDestroyQueryPool, VkQueryPoolCreateInfo)                                        \
  X (VkFence, vkCreateFence, vkDestroyFence, VkFenceCreateInfo)

typedef struct
{
  void *key; /* what every handle of it begins with */
  VkInstance handle;
  gboolean hangs; /* one of its devices does */
  PFN_vkGetInstanceProcAddr get_proc;
#define X(call) PFN_##call call;
  NEXT_OF_INSTANCE (X)
#undef X
} Instance;

typedef struct
{
  void *key;
  VkDevice handle;
  Instance *instance;
  gboolean hangs, lost, known; /* @known: that it hangs, because a wait has ended without it */
  GMutex queue;                /* taken around submissions: none is on its way when the device gets lost */
  GHashTable *alive;           /* set of "VkBuffer 0x..." */
  GHashTable *pending;         /* set of fences that something was submitted with */
  PFN_vkGetDeviceProcAddr get_proc;
#define X_(call) PFN_##call call;
#define X(call) X_ (call)
  NEXT_OF_DEVICE (X)
#undef X
#undef X_
} Device;

static GMutex lock; /* guards everything here */
static GSList *instances, *devices;
static GString *complaints;

/* What is to happen. */
static struct
{
  gboolean armed, hang, struck;
  FaultsCall call;
  guint n;
  VkResult result;
} plan;
static guint counts[FAULTS_N_CALLS];
static guint64 last_timeout;

static const char *const call_names[] = {
#define X(call, ...) #call,
  FAULTS_CALLS (X)
#undef X
};

/* ---- Accounts --------------------------------------------------------------------------------------------------- */

G_GNUC_PRINTF (1, 2) static void complain (const char *format, ...)
{
  va_list arguments;

  if (complaints == NULL)
    complaints = g_string_new (NULL);
  va_start (arguments, format);
  g_string_append_vprintf (complaints, format, arguments);
  va_end (arguments);
  g_string_append_c (complaints, '\n');
}

/* Of a handle of the instance or of one of its physical devices. */
static Instance *
instance_of (const void *handle)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  for (GSList *l = instances; l != NULL; l = l->next)
    if (((Instance *) l->data)->key == *(void *const *) handle)
      return l->data;
  g_error ("a handle of no instance");
}

/* Of a handle of the device, or of one of its queues or command buffers. */
static Device *
device_of (const void *handle)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  for (GSList *l = devices; l != NULL; l = l->next)
    if (((Device *) l->data)->key == *(void *const *) handle)
      return l->data;
  g_error ("a handle of no device");
}

static void
note_made (Device *device, const char *kind, guint64 handle)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  g_hash_table_add (device->alive, g_strdup_printf ("%s 0x%" G_GINT64_MODIFIER "x", kind, handle));
}

/* Whether the call may go on. */
static gboolean
note_gone (Device *device, const char *call, const char *kind, guint64 handle)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  g_autofree char *name = g_strdup_printf ("%s 0x%" G_GINT64_MODIFIER "x", kind, handle);

  if (handle == 0)
    return FALSE;
  if (device->known && strcmp (kind, "VkShaderModule") != 0) /* which are the compiler's only */
    complain ("%s: %s may still be in use by a device that hangs", call, name);
  else if (g_hash_table_contains (device->pending, GSIZE_TO_POINTER (handle)) && strcmp (kind, "VkFence") == 0)
    complain ("%s: %s has not been waited for", call, name);
  else if (g_hash_table_remove (device->alive, name))
    return TRUE;
  else
    complain ("%s: %s was never made", call, name);
  return FALSE;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

/* The device is lost, and what it had in hand is over. */
static void
lose (Device *device)
{
  g_mutex_lock (&device->queue);
  device->vkDeviceWaitIdle (device->handle);
  g_mutex_lock (&lock);
  device->lost = TRUE;
  g_hash_table_remove_all (device->pending);
  g_mutex_unlock (&lock);
  g_mutex_unlock (&device->queue);
}

/* Counts the call. TRUE: it is to fail. @device may be NULL. */
static gboolean
fails (Device *device, FaultsCall call, VkResult *ret_result)
{
  gboolean strikes;

  g_mutex_lock (&lock);
  counts[call]++;
  strikes = plan.armed && !plan.hang && plan.call == call && counts[call] == plan.n;
  plan.struck |= strikes;
  *ret_result = plan.result;
  g_mutex_unlock (&lock);
  if (strikes && device != NULL && *ret_result == VK_ERROR_DEVICE_LOST)
    lose (device);
  return strikes;
}

/* The same for calls that a lost device answers. */
static gboolean
fails_or_lost (Device *device, FaultsCall call, VkResult *ret_result)
{
  if (fails (device, call, ret_result))
    return TRUE;
  *ret_result = VK_ERROR_DEVICE_LOST;
  return device->lost;
}

/* ---- Instances --------------------------------------------------------------------------------------------------- */

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkCreateInstance (const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *made)
{
  VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *) info->pNext;
  PFN_vkGetInstanceProcAddr get_proc;
  Instance *instance;
  VkResult result;

  if (fails (NULL, FAULTS_vkCreateInstance, &result)) {
    *made = (VkInstance) RUBBISH;
    return result;
  }
  while (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)
    link = (VkLayerInstanceCreateInfo *) link->pNext;
  get_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = ((PFN_vkCreateInstance) get_proc (VK_NULL_HANDLE, "vkCreateInstance")) (info, allocator, made);
  if (result != VK_SUCCESS)
    return result;
  instance = g_new0 (Instance, 1);
  instance->key = *(void **) *made;
  instance->handle = *made;
  instance->get_proc = get_proc;
#define X(call) instance->call = (PFN_##call) get_proc (*made, #call);
  NEXT_OF_INSTANCE (X)
#undef X
  g_mutex_lock (&lock);
  instances = g_slist_prepend (instances, instance);
  g_mutex_unlock (&lock);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
on_vkDestroyInstance (VkInstance handle, const VkAllocationCallbacks *allocator)
{
  Instance *instance = instance_of (handle);

  g_mutex_lock (&lock);
  if (instance->hangs)
    complain ("vkDestroyInstance: a device of it hangs");
  for (GSList *l = devices; l != NULL; l = l->next)
    if (((Device *) l->data)->instance == instance)
      complain ("vkDestroyInstance: a device of it is alive");
  instances = g_slist_remove (instances, instance);
  g_mutex_unlock (&lock);
  instance->vkDestroyInstance (handle, allocator);
  g_free (instance);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkEnumeratePhysicalDevices (VkInstance handle, uint32_t *n, VkPhysicalDevice *there)
{
  VkResult result;

  if (fails (NULL, FAULTS_vkEnumeratePhysicalDevices, &result)) {
    *n = RUBBISH & G_MAXUINT32;
    return result;
  }
  return instance_of (handle)->vkEnumeratePhysicalDevices (handle, n, there);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkEnumerateDeviceExtensionProperties (VkPhysicalDevice handle, const char *layer, uint32_t *n,
                                         VkExtensionProperties *there)
{
  VkResult result;

  if (fails (NULL, FAULTS_vkEnumerateDeviceExtensionProperties, &result)) {
    *n = RUBBISH & G_MAXUINT32;
    return result;
  }
  return instance_of (handle)->vkEnumerateDeviceExtensionProperties (handle, layer, n, there);
}

/* ---- Devices ----------------------------------------------------------------------------------------------------- */

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkCreateDevice (VkPhysicalDevice physical, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *allocator,
                   VkDevice *made)
{
  VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *) info->pNext;
  Instance *instance = instance_of (physical);
  PFN_vkGetInstanceProcAddr get_instance_proc;
  PFN_vkGetDeviceProcAddr get_proc;
  Device *device;
  VkResult result;

  if (fails (NULL, FAULTS_vkCreateDevice, &result)) {
    *made = (VkDevice) RUBBISH;
    return result;
  }
  while (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)
    link = (VkLayerDeviceCreateInfo *) link->pNext;
  get_instance_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  get_proc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result =
      ((PFN_vkCreateDevice) get_instance_proc (instance->handle, "vkCreateDevice")) (physical, info, allocator, made);
  if (result != VK_SUCCESS)
    return result;
  device = g_new0 (Device, 1);
  device->key = *(void **) *made;
  device->handle = *made;
  device->instance = instance;
  g_mutex_init (&device->queue);
  device->alive = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  device->pending = g_hash_table_new (NULL, NULL);
  device->get_proc = get_proc;
#define X_(call) device->call = (PFN_##call) get_proc (*made, #call);
#define X(call) X_ (call)
  NEXT_OF_DEVICE (X)
#undef X
#undef X_
  g_mutex_lock (&lock);
  devices = g_slist_prepend (devices, device);
  g_mutex_unlock (&lock);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
on_vkDestroyDevice (VkDevice handle, const VkAllocationCallbacks *allocator)
{
  Device *device = device_of (handle);

  g_mutex_lock (&lock);
  if (device->hangs)
    complain ("vkDestroyDevice: the device hangs");
  if (g_hash_table_size (device->alive) > 0)
    complain ("vkDestroyDevice: %u things of it are alive", g_hash_table_size (device->alive));
  devices = g_slist_remove (devices, device);
  g_mutex_unlock (&lock);
  device->vkDestroyDevice (handle, allocator);
  g_hash_table_unref (device->alive);
  g_hash_table_unref (device->pending);
  g_mutex_clear (&device->queue);
  g_free (device);
}

/* ---- Objects ----------------------------------------------------------------------------------------------------- */

#define MAKE_AND_UNMAKE(object, make, unmake, info)                                                                    \
  static VKAPI_ATTR VkResult VKAPI_CALL on_##make (VkDevice handle, const info *how,                                   \
                                                   const VkAllocationCallbacks *allocator, object *made)               \
  {                                                                                                                    \
    Device *device = device_of (handle);                                                                               \
    VkResult result;                                                                                                   \
                                                                                                                       \
    if (fails (device, FAULTS_##make, &result)) {                                                                      \
      *made = (object) RUBBISH;                                                                                        \
      return result;                                                                                                   \
    }                                                                                                                  \
    result = device->make (handle, how, allocator, made);                                                              \
    if (result == VK_SUCCESS)                                                                                          \
      note_made (device, #object, (guint64) *made);                                                                    \
    return result;                                                                                                     \
  }                                                                                                                    \
                                                                                                                       \
  static VKAPI_ATTR void VKAPI_CALL on_##unmake (VkDevice handle, object made, const VkAllocationCallbacks *allocator) \
  {                                                                                                                    \
    Device *device = device_of (handle);                                                                               \
                                                                                                                       \
    if (note_gone (device, #unmake, #object, (guint64) made))                                                          \
      device->unmake (handle, made, allocator);                                                                        \
  }

OBJECTS (MAKE_AND_UNMAKE)

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkCreateComputePipelines (VkDevice handle, VkPipelineCache cache, uint32_t n,
                             const VkComputePipelineCreateInfo *infos, const VkAllocationCallbacks *allocator,
                             VkPipeline *made)
{
  Device *device = device_of (handle);
  VkResult result;

  if (fails (device, FAULTS_vkCreateComputePipelines, &result)) {
    for (uint32_t i = 0; i < n; i++)
      made[i] = VK_NULL_HANDLE; /* which this call promises */
    return result;
  }
  result = device->vkCreateComputePipelines (handle, cache, n, infos, allocator, made);
  for (uint32_t i = 0; i < n; i++)
    if (made[i] != VK_NULL_HANDLE)
      note_made (device, "VkPipeline", (guint64) made[i]);
  return result;
}

static VKAPI_ATTR void VKAPI_CALL
on_vkDestroyPipeline (VkDevice handle, VkPipeline pipeline, const VkAllocationCallbacks *allocator)
{
  Device *device = device_of (handle);

  if (note_gone (device, "vkDestroyPipeline", "VkPipeline", (guint64) pipeline))
    device->vkDestroyPipeline (handle, pipeline, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkAllocateDescriptorSets (VkDevice handle, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *made)
{
  Device *device = device_of (handle);
  VkResult result;

  if (!fails (device, FAULTS_vkAllocateDescriptorSets, &result))
    return device->vkAllocateDescriptorSets (handle, info, made);
  for (uint32_t i = 0; i < info->descriptorSetCount; i++)
    made[i] = VK_NULL_HANDLE;
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkAllocateCommandBuffers (VkDevice handle, const VkCommandBufferAllocateInfo *info, VkCommandBuffer *made)
{
  Device *device = device_of (handle);
  VkResult result;

  if (!fails (device, FAULTS_vkAllocateCommandBuffers, &result))
    return device->vkAllocateCommandBuffers (handle, info, made);
  for (uint32_t i = 0; i < info->commandBufferCount; i++)
    made[i] = NULL;
  return result;
}

/* ---- Memory and commands ----------------------------------------------------------------------------------------- */

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkBindBufferMemory (VkDevice handle, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
  Device *device = device_of (handle);
  VkResult result;

  return fails (device, FAULTS_vkBindBufferMemory, &result)
             ? result
             : device->vkBindBufferMemory (handle, buffer, memory, offset);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkMapMemory (VkDevice handle, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size, VkMemoryMapFlags flags,
                void **data)
{
  Device *device = device_of (handle);
  VkResult result;

  if (!fails (device, FAULTS_vkMapMemory, &result))
    return device->vkMapMemory (handle, memory, offset, size, flags, data);
  *data = (void *) RUBBISH;
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkFlushMappedMemoryRanges (VkDevice handle, uint32_t n, const VkMappedMemoryRange *ranges)
{
  Device *device = device_of (handle);
  VkResult result;

  return fails (device, FAULTS_vkFlushMappedMemoryRanges, &result)
             ? result
             : device->vkFlushMappedMemoryRanges (handle, n, ranges);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkInvalidateMappedMemoryRanges (VkDevice handle, uint32_t n, const VkMappedMemoryRange *ranges)
{
  Device *device = device_of (handle);
  VkResult result;

  return fails (device, FAULTS_vkInvalidateMappedMemoryRanges, &result)
             ? result
             : device->vkInvalidateMappedMemoryRanges (handle, n, ranges);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkGetMemoryHostPointerPropertiesEXT (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type, const void *pointer,
                                        VkMemoryHostPointerPropertiesEXT *properties)
{
  Device *device = device_of (handle);
  VkResult result;

  if (!fails (device, FAULTS_vkGetMemoryHostPointerPropertiesEXT, &result))
    return device->vkGetMemoryHostPointerPropertiesEXT (handle, type, pointer, properties);
  properties->memoryTypeBits = G_MAXUINT32;
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkBeginCommandBuffer (VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
  Device *device = device_of (commands);
  VkResult result;

  return fails (device, FAULTS_vkBeginCommandBuffer, &result) ? result : device->vkBeginCommandBuffer (commands, info);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkEndCommandBuffer (VkCommandBuffer commands)
{
  Device *device = device_of (commands);
  VkResult result;

  return fails (device, FAULTS_vkEndCommandBuffer, &result) ? result : device->vkEndCommandBuffer (commands);
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkGetQueryPoolResults (VkDevice handle, VkQueryPool pool, uint32_t first, uint32_t n, size_t size, void *data,
                          VkDeviceSize stride, VkQueryResultFlags flags)
{
  Device *device = device_of (handle);
  VkResult result;

  return fails_or_lost (device, FAULTS_vkGetQueryPoolResults, &result)
             ? result
             : device->vkGetQueryPoolResults (handle, pool, first, n, size, data, stride, flags);
}

/* ---- Submissions and waits --------------------------------------------------------------------------------------- */

/* The fence, if any, belongs to something that was submitted. Returns whether the device still does anything. */
static gboolean
note_submission (Device *device, VkFence fence)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (plan.armed && plan.hang && !plan.struck && counts[FAULTS_vkQueueSubmit] >= plan.n)
    plan.struck = device->hangs = device->instance->hangs = TRUE;
  if (fence != VK_NULL_HANDLE)
    g_hash_table_add (device->pending, GSIZE_TO_POINTER ((guint64) fence));
  return !device->hangs;
}

static void
note_done (Device *device, uint32_t n, const VkFence *fences)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  for (uint32_t i = 0; i < n; i++)
    g_hash_table_remove (device->pending, GSIZE_TO_POINTER ((guint64) fences[i]));
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkQueueSubmit (VkQueue queue, uint32_t n, const VkSubmitInfo *submits, VkFence fence)
{
  Device *device = device_of (queue);
  VkResult result;

  if (fails (device, FAULTS_vkQueueSubmit, &result))
    return result;
  g_mutex_lock (&device->queue);
  if (device->lost)
    result = VK_ERROR_DEVICE_LOST;
  else
    result = note_submission (device, fence) ? device->vkQueueSubmit (queue, n, submits, fence) : VK_SUCCESS;
  g_mutex_unlock (&device->queue);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkWaitForFences (VkDevice handle, uint32_t n, const VkFence *fences, VkBool32 all, uint64_t timeout)
{
  Device *device = device_of (handle);
  VkResult result;

  if (fails_or_lost (device, FAULTS_vkWaitForFences, &result)) {
    if (result == VK_TIMEOUT)
      g_usleep (timeout / 1000);
    return result;
  }
  g_mutex_lock (&lock);
  last_timeout = timeout;
  if (timeout == G_MAXUINT64)
    complain ("vkWaitForFences: waits without a limit");
  g_mutex_unlock (&lock);
  if (device->hangs) {
    g_usleep (MIN (timeout / 1000, LONGEST_WAIT));
    device->known = TRUE;
    return VK_TIMEOUT;
  }
  result = device->vkWaitForFences (handle, n, fences, all, timeout);
  if (result == VK_SUCCESS && (all || n == 1))
    note_done (device, n, fences);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkGetFenceStatus (VkDevice handle, VkFence fence)
{
  Device *device = device_of (handle);
  VkResult result;

  if (device->lost || device->hangs)
    return device->lost ? VK_ERROR_DEVICE_LOST : VK_NOT_READY;
  result = device->vkGetFenceStatus (handle, fence);
  if (result == VK_SUCCESS)
    note_done (device, 1, &fence);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkResetFences (VkDevice handle, uint32_t n, const VkFence *fences)
{
  Device *device = device_of (handle);
  VkResult result;

  g_mutex_lock (&lock);
  for (uint32_t i = 0; i < n; i++)
    if (g_hash_table_contains (device->pending, GSIZE_TO_POINTER ((guint64) fences[i])))
      complain ("vkResetFences: a fence has not been waited for");
  g_mutex_unlock (&lock);
  return fails (device, FAULTS_vkResetFences, &result) ? result : device->vkResetFences (handle, n, fences);
}

/* These two have no limit, so nobody who wants one calls them. */
static VkResult
wait_idle (Device *device, const char *call)
{
  g_mutex_lock (&lock);
  complain ("%s: waits without a limit", call);
  g_mutex_unlock (&lock);
  return device->lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkDeviceWaitIdle (VkDevice handle)
{
  return wait_idle (device_of (handle), "vkDeviceWaitIdle");
}

static VKAPI_ATTR VkResult VKAPI_CALL
on_vkQueueWaitIdle (VkQueue queue)
{
  return wait_idle (device_of (queue), "vkQueueWaitIdle");
}

/* ---- What the test says ------------------------------------------------------------------------------------------ */

static void
arm (gboolean armed, gboolean is_hang, FaultsCall call, guint n, VkResult result)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  memset (counts, 0, sizeof counts);
  plan.armed = armed;
  plan.hang = is_hang;
  plan.struck = FALSE;
  plan.call = call;
  plan.n = n;
  plan.result = result;
  if (complaints != NULL)
    g_string_truncate (complaints, 0);
}

static void
faults_reset (void)
{
  arm (FALSE, FALSE, 0, 0, VK_SUCCESS);
}

static void
faults_fail (FaultsCall call, guint n, VkResult result)
{
  arm (TRUE, FALSE, call, n, result);
}

static void
faults_hang (guint n)
{
  arm (TRUE, TRUE, FAULTS_vkQueueSubmit, n, VK_SUCCESS);
}

static guint
faults_count (FaultsCall call)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  return counts[call];
}

static gboolean
faults_has_struck (void)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  return plan.struck;
}

static char *
faults_get_complaints (void)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  return complaints != NULL && complaints->len > 0 ? g_strdup (complaints->str) : NULL;
}

static void
append_alive (GPtrArray *lines, Device *device)
{
  GHashTableIter iter;
  gpointer name;

  g_ptr_array_add (lines, g_strdup ("VkDevice"));
  g_hash_table_iter_init (&iter, device->alive);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (lines, g_strdup (name));
}

static int
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
faults_list_alive (void)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (GSList *l = instances; l != NULL; l = l->next)
    if (!((Instance *) l->data)->hangs)
      g_ptr_array_add (lines, g_strdup ("VkInstance"));
  for (GSList *l = devices; l != NULL; l = l->next)
    if (!((Device *) l->data)->hangs)
      append_alive (lines, l->data);
  g_ptr_array_sort (lines, compare_lines);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

static guint64
faults_get_timeout (void)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  return last_timeout;
}

EXPORT const Faults *cbam_faults_get (void);

EXPORT const Faults *
cbam_faults_get (void)
{
  static const Faults faults = {
    faults_reset,      faults_fail,           faults_hang,       faults_count,
    faults_has_struck, faults_get_complaints, faults_list_alive, faults_get_timeout,
  };

  return &faults;
}

static void
arm_from_environment (void)
{
  g_auto (GStrv) words = g_strsplit (g_getenv ("CBAM_FAULTS") ? g_getenv ("CBAM_FAULTS") : "", ":", 3);

  if (g_strv_length (words) == 2 && strcmp (words[0], "hang") == 0)
    faults_hang ((guint) atoi (words[1]));
  for (guint i = 0; g_strv_length (words) == 3 && i < FAULTS_N_CALLS; i++)
    if (strcmp (words[0], call_names[i]) == 0)
      faults_fail (i, (guint) atoi (words[1]), atoi (words[2]));
}

/* ---- What the loader asks ---------------------------------------------------------------------------------------- */

static PFN_vkVoidFunction
find_function (const char *name)
{
  static const struct
  {
    const char *name;
    PFN_vkVoidFunction function;
  } functions[] = {
#define X(call, ...) { #call, (PFN_vkVoidFunction) on_##call },
    FAULTS_CALLS (X)
#undef X
#define X(object, make, unmake, info) { #unmake, (PFN_vkVoidFunction) on_##unmake },
        OBJECTS (X)
#undef X
            { "vkDestroyInstance", (PFN_vkVoidFunction) on_vkDestroyInstance },
    { "vkDestroyDevice", (PFN_vkVoidFunction) on_vkDestroyDevice },
    { "vkDestroyPipeline", (PFN_vkVoidFunction) on_vkDestroyPipeline },
    { "vkGetFenceStatus", (PFN_vkVoidFunction) on_vkGetFenceStatus },
    { "vkDeviceWaitIdle", (PFN_vkVoidFunction) on_vkDeviceWaitIdle },
    { "vkQueueWaitIdle", (PFN_vkVoidFunction) on_vkQueueWaitIdle },
  };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (strcmp (functions[i].name, name) == 0)
      return functions[i].function;
  return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc (VkDevice handle, const char *name)
{
  PFN_vkVoidFunction next, ours = find_function (name);

  if (strcmp (name, "vkGetDeviceProcAddr") == 0)
    return (PFN_vkVoidFunction) get_device_proc;
  next = device_of (handle)->get_proc (handle, name);
  return next != NULL && ours != NULL ? ours : next; /* what is not there stays so */
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc (VkInstance handle, const char *name)
{
  PFN_vkVoidFunction ours = find_function (name);

  if (strcmp (name, "vkGetInstanceProcAddr") == 0)
    return (PFN_vkVoidFunction) get_instance_proc;
  if (strcmp (name, "vkGetDeviceProcAddr") == 0)
    return (PFN_vkVoidFunction) get_device_proc;
  if (ours != NULL || handle == VK_NULL_HANDLE)
    return ours;
  return instance_of (handle)->get_proc (handle, name);
}

VKAPI_ATTR VkResult VKAPI_CALL EXPORT
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *interface)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    if (g_getenv ("CBAM_FAULTS"))
      arm_from_environment ();
    g_once_init_leave (&once, 1);
  }
  interface->loaderLayerInterfaceVersion = MIN (interface->loaderLayerInterfaceVersion, 2);
  interface->pfnGetInstanceProcAddr = get_instance_proc;
  interface->pfnGetDeviceProcAddr = get_device_proc;
  interface->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
