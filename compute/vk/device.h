/* A device as the engine sees it: what it can do, its queue under a lock, and what happens when it fails. It is
 * Vulkan's, or the processor itself (caps.is_host), which has a team of threads and nothing of Vulkan.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <volk.h>

#include <cbamdetect/device.h>
#include <cbamdetect/vulkan.h>

#include "base/debug.h"
#include "engine/caps.h"
#include "host/team.h"
#include "vk/turns.h"

struct _CbamDevice
{
  gint refs; /* atomic; see refs.h */
  CbamDeviceInfo info;
  CbamDeviceCaps caps;
  CbamDebugFlags debug;
  gboolean shared; /* cbam_device_open() may give it again; set once, before anybody has it */

  CbamTeam *team; /* of the host; NULL else */

  VkInstance instance;
  VkDebugUtilsMessengerEXT messenger;
  VkPhysicalDevice physical;
  VkPhysicalDeviceMemoryProperties memory;
  VkDevice handle;
  struct VolkDeviceTable vk;

  guint32 queue_family;
  VkQueue queue;
  GMutex queue_lock;
  CbamTurns *turns;        /* who is in the queue, and who may be */
  gboolean adopted;        /* instance, device and queue are somebody else's */
  CbamVulkanHandles owner; /* whose, then */

  GMutex pipelines_lock;
  GHashTable *pipelines; /* what programs run, see vk/pipeline.h; NULL before the first */

  guint fence_timeout;       /* as set; atomic */
  guint slack;               /* milliseconds more for the largest network, on CPU devices; atomic */
  gint parked;               /* the CbamError + 1 that ended it; atomic */
  gboolean hung;             /* and it may still be at work, set before; atomic */
  guint submitted, finished; /* submissions that are waited for, and those that were; atomic, wrapping around */
  gint n_allocations;        /* of memory; atomic */
};

/* As cbam_device_open(), with @debug added to what CBAM_DEBUG says, and never shared. */
CbamDevice *cbam_device_open_with (const char *name, CbamDebugFlags debug, GError **error);

/* Whether it stores 16-bit floats in buffers, and computes with them. */
gboolean cbam_vk_has_fp16 (VkPhysicalDevice physical);

/* TRUE for VK_SUCCESS; else sets @error to what @call gave, parks a lost device, and returns FALSE. */
gboolean cbam_device_check (CbamDevice *device, VkResult result, const char *call, GError **error);

/* Makes *@object by @call, of the form of vkCreateBuffer. FALSE with @error leaves VK_NULL_HANDLE there: what a failed
 * call leaves is not to be relied on, and destructors come by. */
#define cbam_device_make(device, call, info, object, error)                                                            \
  (cbam_device_check (device, (device)->vk.call ((device)->handle, info, NULL, object), #call, error) ||               \
   (*(object) = VK_NULL_HANDLE, FALSE))

/* FALSE with the error that parked the device, if one did. A parked device gets nothing more to do. */
gboolean cbam_device_check_alive (CbamDevice *device, GError **error);
gboolean cbam_device_is_parked (CbamDevice *device);
/* A destructor asks cbam_device_is_hung() first, and leaves alone what a hung device may still use. A lost device uses
 * nothing any more. */

/* From now on waits allow for a frame of so many multiply-adds. */
void cbam_device_expect_macs (CbamDevice *device, guint64 macs);

/* Recorded command buffers, in order, and the timeline semaphores that must have reached their values before. */
typedef struct
{
  guint n_commands, n_waits;
  VkCommandBuffer commands[2];
  VkSemaphore waits[3];
  guint64 values[3];
  CbamTicket *ticket; /* entered among the turns when it is submitted; NULL for what takes no time */
} CbamSubmission;

/* @fence (VK_NULL_HANDLE for none) is signalled when all of it is done. CBAM_ERROR_BUSY: it is not the ticket's turn.
 * Thread-safe. */
gboolean cbam_device_submit (CbamDevice *device, const CbamSubmission *submission, VkFence fence, GError **error);

/* Waits for @fence up to the device's timeout. A wait that fails parks the device, whatever the reason: nobody knows
 * what the device still uses. */
gboolean cbam_device_wait (CbamDevice *device, VkFence fence, GError **error);
