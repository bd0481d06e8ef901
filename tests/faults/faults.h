/* The test's side of the layer in layer.c: which Vulkan calls it watches, and how it is told to let one of them fail.
 *
 *     const Faults *faults = faults_open ();          VK_INSTANCE_LAYERS and VK_LAYER_PATH are set
 *     faults->fail_at (FAULTS_vkMapMemory, 3, VK_ERROR_MEMORY_MAP_FAILED);
 *     ... the third vkMapMemory from now on fails ...
 *     complaints = faults->get_complaints ();         what was used or destroyed as it must not be
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <vulkan/vulkan_core.h>

G_BEGIN_DECLS

#define FAULTS_MAX_RESULTS 6

#define FAULTS_MEMORY VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY

/* X (CALL, RESULT...): every call of the library that gives a VkResult, and the errors that the specification of Vulkan
 * lets it give. test_calls.py sees to it that none is missing. */
#define FAULTS_CALLS(X)                                                                                                \
  X (vkCreateInstance, FAULTS_MEMORY, VK_ERROR_INITIALIZATION_FAILED, VK_ERROR_LAYER_NOT_PRESENT,                      \
     VK_ERROR_EXTENSION_NOT_PRESENT, VK_ERROR_INCOMPATIBLE_DRIVER)                                                     \
  X (vkEnumeratePhysicalDevices, FAULTS_MEMORY, VK_ERROR_INITIALIZATION_FAILED)                                        \
  X (vkEnumerateDeviceExtensionProperties, FAULTS_MEMORY, VK_ERROR_LAYER_NOT_PRESENT)                                  \
  X (vkCreateDevice, FAULTS_MEMORY, VK_ERROR_INITIALIZATION_FAILED, VK_ERROR_EXTENSION_NOT_PRESENT,                    \
     VK_ERROR_TOO_MANY_OBJECTS, VK_ERROR_DEVICE_LOST)                                                                  \
  X (vkCreateBuffer, FAULTS_MEMORY)                                                                                    \
  X (vkAllocateMemory, FAULTS_MEMORY, VK_ERROR_TOO_MANY_OBJECTS, VK_ERROR_INVALID_EXTERNAL_HANDLE)                     \
  X (vkBindBufferMemory, FAULTS_MEMORY)                                                                                \
  X (vkMapMemory, FAULTS_MEMORY, VK_ERROR_MEMORY_MAP_FAILED)                                                           \
  X (vkFlushMappedMemoryRanges, FAULTS_MEMORY)                                                                         \
  X (vkInvalidateMappedMemoryRanges, FAULTS_MEMORY)                                                                    \
  X (vkGetMemoryHostPointerPropertiesEXT, VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_INVALID_EXTERNAL_HANDLE)               \
  X (vkCreateBufferView, FAULTS_MEMORY)                                                                                \
  X (vkCreateDescriptorSetLayout, FAULTS_MEMORY)                                                                       \
  X (vkCreatePipelineLayout, FAULTS_MEMORY)                                                                            \
  X (vkCreateShaderModule, FAULTS_MEMORY, VK_ERROR_INVALID_SHADER_NV)                                                  \
  X (vkCreateComputePipelines, FAULTS_MEMORY, VK_ERROR_INVALID_SHADER_NV)                                              \
  X (vkCreateDescriptorPool, FAULTS_MEMORY, VK_ERROR_FRAGMENTATION)                                                    \
  X (vkAllocateDescriptorSets, FAULTS_MEMORY, VK_ERROR_FRAGMENTED_POOL, VK_ERROR_OUT_OF_POOL_MEMORY)                   \
  X (vkCreateCommandPool, FAULTS_MEMORY)                                                                               \
  X (vkAllocateCommandBuffers, FAULTS_MEMORY)                                                                          \
  X (vkBeginCommandBuffer, FAULTS_MEMORY)                                                                              \
  X (vkEndCommandBuffer, FAULTS_MEMORY)                                                                                \
  X (vkCreateQueryPool, FAULTS_MEMORY)                                                                                 \
  X (vkGetQueryPoolResults, FAULTS_MEMORY, VK_ERROR_DEVICE_LOST)                                                       \
  X (vkCreateFence, FAULTS_MEMORY)                                                                                     \
  X (vkResetFences, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                                                     \
  X (vkQueueSubmit, FAULTS_MEMORY, VK_ERROR_DEVICE_LOST)                                                               \
  X (vkWaitForFences, FAULTS_MEMORY, VK_ERROR_DEVICE_LOST)

typedef enum
{
#define X(call, ...) FAULTS_##call,
  FAULTS_CALLS (X)
#undef X
  FAULTS_N_CALLS
} FaultsCall;

typedef struct
{
  /* Nothing is to fail any more; counts and complaints start anew. What is alive stays known. */
  void (*reset) (void);
  /* As reset, and the @n-th call from now on, counted from 1, gives @result and does nothing. After a
   * VK_ERROR_DEVICE_LOST the device stays lost. */
  void (*fail_at) (FaultsCall call, guint n, VkResult result);
  /* As reset, and from the @n-th submission on the device does nothing more of what it is given. */
  void (*hang) (guint n);
  guint (*count) (FaultsCall call);
  /* Whether what was armed has happened. */
  gboolean (*has_struck) (void);
  /* What was done since the last reset that must not be done; NULL: nothing. For g_free(). */
  char *(*get_complaints) (void);
  /* What is alive, a line each, sorted, but for devices that hang and what is theirs. For g_free(). */
  char *(*list_alive) (void);
  /* What the last vkWaitForFences was ready to wait, in nanoseconds. */
  guint64 (*get_timeout) (void);
} Faults;

/* What the layer exports. */
#define FAULTS_SYMBOL "cbam_faults_get"
typedef const Faults *(*FaultsGet) (void);

G_END_DECLS
