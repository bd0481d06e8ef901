/* CbamDevice: what computes. A Vulkan device with its queue, or the processor itself with its threads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

G_BEGIN_DECLS

/**
 * CbamDeviceInfo:
 * @index: place in Vulkan's own order, 100 = the processor itself; what cbam_device_open() takes as a number
 * @name: the driver's name for the device
 * @type: `discrete`, `integrated`, `virtual`, `host` (the processor itself), `cpu` (Vulkan in software) or `other`
 * @driver: the driver's name and version; of the processor itself its threads, its vector instructions and oneDNN's
 *   version
 *
 * One device this machine offers. Strings belong to the list.
 */
typedef struct
{
  guint index;
  const char *name;
  const char *type;
  const char *driver;
} CbamDeviceInfo;

typedef struct _CbamDeviceList CbamDeviceList;

#define CBAM_TYPE_DEVICE (cbam_device_get_type ())
CBAM_API GType cbam_device_get_type (void) G_GNUC_CONST;
#define CBAM_TYPE_DEVICE_LIST (cbam_device_list_get_type ())
CBAM_API GType cbam_device_list_get_type (void) G_GNUC_CONST;

/**
 * cbam_device_list_new: (constructor)
 * @error: return location for an error
 *
 * Best first: GPUs, the processor itself, then software that does as a GPU would.
 *
 * Returns: (transfer full): this machine's devices of Vulkan 1.1 or later, and the processor itself, or %NULL with
 * #CBAM_ERROR_NO_DEVICE when there is no Vulkan loader or driver and the library was built without oneDNN
 */
CBAM_API CbamDeviceList *cbam_device_list_new (GError **error);
/**
 * cbam_device_list_ref:
 * @list: what is to be kept
 *
 * Returns: (transfer full): the same, with one reference more
 */
CBAM_API CbamDeviceList *cbam_device_list_ref (CbamDeviceList *list);
/**
 * cbam_device_list_unref:
 * @list: (nullable): a list
 *
 * Gives a reference back.
 */
CBAM_API void cbam_device_list_unref (CbamDeviceList *list);
CBAM_API guint cbam_device_list_size (const CbamDeviceList *list);
CBAM_API const CbamDeviceInfo *cbam_device_list_get (const CbamDeviceList *list, guint i);

/**
 * CbamDeviceConfig:
 * @size: `sizeof (CbamDeviceConfig)`; 0 = the members of version 0.1, which are these
 * @cpu_threads: threads of the processor itself, where that is the device; 0 = as many processors as this process may
 *   use, by its affinity mask and its control group's quota
 *
 * How to open a device. Zeros mean defaults.
 */
typedef struct
{
  gsize size;
  guint cpu_threads;
} CbamDeviceConfig;

/**
 * cbam_device_open_configured: (constructor)
 * @name: (nullable): as cbam_device_open()
 * @config: (nullable): %NULL = all defaults
 * @error: return location for an error
 *
 * As cbam_device_open(). The processor itself with another number of threads is another device.
 *
 * Returns: (transfer full): as cbam_device_open()
 */
CBAM_API CbamDevice *cbam_device_open_configured (const char *name, const CbamDeviceConfig *config, GError **error);

/**
 * cbam_device_open: (constructor)
 * @name: (nullable): which device: an index ("0"), "cpu" (the processor itself), "gpu", or a part of its name in any
 *   case. %NULL or "" takes the first of cbam_device_list_new(): a GPU, or else the processor itself. Where the library
 *   was built without oneDNN, "cpu" is Vulkan in software
 * @error: return location for an error
 *
 * Opens a device with a queue of its own. Thread-safe. Devices are shared: as long as one lives, opening the same again
 * gives the same object, unless it is parked, which a lost or hung one is; so models are shared too, and all streams
 * stand in one queue, served in the order they submit.
 *
 * Returns: (transfer full): the device, or %NULL with #CBAM_ERROR_NO_DEVICE (the message lists what is there)
 */
CBAM_API CbamDevice *cbam_device_open (const char *name, GError **error);
/**
 * cbam_device_ref:
 * @device: what is to be kept
 *
 * Returns: (transfer full): the same, with one reference more
 */
CBAM_API CbamDevice *cbam_device_ref (CbamDevice *device);
/**
 * cbam_device_unref:
 * @device: (nullable): a device
 *
 * Gives a reference back.
 */
CBAM_API void cbam_device_unref (CbamDevice *device);

CBAM_API const CbamDeviceInfo *cbam_device_get_info (const CbamDevice *device);
/**
 * cbam_device_is_cpu:
 * @device: a device
 *
 * Returns: whether the device computes on the host's processor: it is that itself, or Vulkan in software (lavapipe,
 * SwiftShader).
 */
CBAM_API gboolean cbam_device_is_cpu (const CbamDevice *device);

/**
 * cbam_device_has_precision:
 * @device: a device
 * @precision: what a model would be loaded with
 *
 * Returns: whether this device and this version of the library can compute with such numbers; always %TRUE for
 * #CBAM_PRECISION_AUTO and #CBAM_PRECISION_FP32
 */
CBAM_API gboolean cbam_device_has_precision (const CbamDevice *device, CbamPrecision precision);

/**
 * cbam_device_get_host_alignment:
 * @device: a device
 *
 * Returns: the bytes on multiples of which the memory of a lasting #CbamImage must begin for the device to read it in
 * place; 0 = it always gets a copy
 */
CBAM_API gsize cbam_device_get_host_alignment (const CbamDevice *device);

/**
 * CBAM_FENCE_TIMEOUT_DEFAULT:
 *
 * A minute; on CPU devices 10 s more for every 1e9 multiply-adds that a frame takes of the largest network loaded on
 * the device.
 */
#define CBAM_FENCE_TIMEOUT_DEFAULT G_MAXUINT

/**
 * cbam_device_set_fence_timeout:
 * @device: a device
 * @milliseconds: how long one frame may take before it counts as hung; 0 = no limit, %CBAM_FENCE_TIMEOUT_DEFAULT = what
 *   every device starts with
 *
 * What waits for the device waits no longer, unless others' frames come out of it meanwhile that stand in the same
 * queue. After a timeout the device is parked: every call on it gives #CBAM_ERROR_TIMEOUT, and what it may still be
 * reading or writing stays allocated until the process ends; open it again for a fresh one. All who share the device
 * share the limit. Thread-safe; waits that have begun keep the limit they began with.
 */
CBAM_API void cbam_device_set_fence_timeout (CbamDevice *device, guint milliseconds);
/**
 * cbam_device_is_hung:
 * @device: a device
 *
 * Returns: whether the device was given up while it may still be at work, for all anybody knows: then the memory of
 * lasting images and the images that it was given must stay until the process ends
 */
CBAM_API gboolean cbam_device_is_hung (CbamDevice *device);

/**
 * cbam_device_get_fence_timeout:
 * @device: a device
 *
 * Returns: what the limit is now, in milliseconds; 0 = none.
 */
CBAM_API guint cbam_device_get_fence_timeout (CbamDevice *device);

/**
 * cbam_device_wait_idle:
 * @device: a device
 * @error: return location for an error
 *
 * Waits until all that was submitted to the device's queue before this call is done, also what others submitted who
 * share the queue (#CbamVulkanHandles). Others may submit meanwhile.
 *
 * Returns: %FALSE with #CBAM_ERROR_TIMEOUT or #CBAM_ERROR_DEVICE_LOST when the device hangs or is gone
 */
CBAM_API gboolean cbam_device_wait_idle (CbamDevice *device, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamDevice, cbam_device_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamDeviceList, cbam_device_list_unref)

G_END_DECLS
