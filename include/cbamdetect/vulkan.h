/* Detection on a Vulkan device that somebody else opened, and on images that lie there already: nothing leaves the
 * device. Needs Vulkan's headers, which is why <cbamdetect/cbamdetect.h> does not include it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/detector.h>

#include <vulkan/vulkan_core.h>

G_BEGIN_DECLS

/**
 * CbamVulkanHandles:
 * @size: `sizeof (CbamVulkanHandles)`; 0 = the members of version 0.1, which are these
 * @instance: made for Vulkan 1.1 or later, by the loader that this library uses too (libvulkan.so.1)
 * @physical_device: of @instance
 * @device: of @physical_device; it needs no extensions
 * @queue: a queue of @device that can compute
 * @queue_family: its family
 * @int64: whether @device was made with the feature shaderInt64; without it kernels that store more slowly run
 * @fp16: whether @device was made with the features storageBuffer16BitAccess and shaderFloat16; without them there is
 * no #CBAM_PRECISION_FP16
 * @lock: (nullable): takes the lock under which others use @queue; called around every submission
 * @unlock: (nullable): gives it back
 * @release: (nullable): called when the library no longer uses any of this
 * @data: for the three
 *
 * A device that belongs to the caller, who keeps it alive until @release.
 */
typedef struct
{
  gsize size;
  VkInstance instance;
  VkPhysicalDevice physical_device;
  VkDevice device;
  VkQueue queue;
  guint32 queue_family;
  gboolean int64;
  gboolean fp16;
  void (*lock) (gpointer data);
  void (*unlock) (gpointer data);
  GDestroyNotify release;
  gpointer data;
} CbamVulkanHandles;

/**
 * cbam_device_adopt:
 * @handles: whose device; copied
 * @error: return location for an error
 *
 * Computes on the caller's device and queue. Adopting the same queue again gives the same object while it lives, and
 * calls the new @handles' release at once.
 *
 * Returns: (transfer full): the device, or %NULL with #CBAM_ERROR_NO_DEVICE when the queue cannot compute or there is
 * no Vulkan loader; @handles are not released then
 */
CBAM_API CbamDevice *cbam_device_adopt (const CbamVulkanHandles *handles, GError **error);

/**
 * CbamVulkanPlane:
 * @size: `sizeof (CbamVulkanPlane)`; 0 = the members of version 0.1, which are these
 * @image: two-dimensional, of one sample, made with VK_IMAGE_USAGE_TRANSFER_SRC_BIT on the detector's device, and owned
 *   by its queue's family or shared with it
 * @aspect: 0 = VK_IMAGE_ASPECT_COLOR_BIT; VK_IMAGE_ASPECT_PLANE_0_BIT and so on when planes share an image
 * @layout: that it is in
 * @stages: that used it last; 0 = nobody has to be waited for
 * @access: how they did; only what writes matters
 * @semaphore: a timeline semaphore to wait for, or VK_NULL_HANDLE
 * @value: that it must reach
 *
 * One plane of a frame, with what is needed to read it after those who write it.
 */
typedef struct
{
  gsize size;
  VkImage image;
  VkImageAspectFlags aspect;
  VkImageLayout layout;
  VkPipelineStageFlags stages;
  VkAccessFlags access;
  VkSemaphore semaphore;
  guint64 value;
} CbamVulkanPlane;

/**
 * CbamVulkanFrame:
 * @size: `sizeof (CbamVulkanFrame)`; 0 = the members of version 0.1, which are these
 * @image: format, size, colour and orientation; its planes and strides are ignored. The format is NV12, I420, RGBA,
 * BGRA, RGBX, BGRX or GRAY8: those in which each sample of a plane is one texel
 * @planes: texels of 8 bits a component, in the components' order in memory: NV12 is R8 and R8G8. Those that the format
 *   does not have are not looked at
 */
typedef struct
{
  gsize size;
  const CbamImage *image;
  const CbamVulkanPlane *planes[3];
} CbamVulkanFrame;

/**
 * cbam_detector_submit_vulkan:
 * @detector: a detector of a model on the device of the images
 * @frame: the frame
 * @params: (nullable): %NULL = the model's own
 * @error: return location for an error
 *
 * As cbam_detector_submit(), for a frame that is on the device. The images must stay until the result is collected, or
 * for good where that fails because the device hangs (cbam_device_is_hung()); then, and for all that is submitted to
 * the queue after this, they are in VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, last read by VK_PIPELINE_STAGE_TRANSFER_BIT.
 *
 * Returns: as cbam_detector_submit()
 */
CBAM_API gboolean cbam_detector_submit_vulkan (CbamDetector *detector, const CbamVulkanFrame *frame,
                                               const CbamDetectParams *params, GError **error);

G_END_DECLS
