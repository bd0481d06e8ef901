/* Reads images where GStreamer's Vulkan library put them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamvulkan.h"

/* Frames that were dropped may not be filled yet, and who fills them may free what from before that is done. So the
 * device is left when it is idle (or hangs, which is no news then). */
void
gst_cbam_vulkan_reset (GstCbamVulkan *vulkan)
{
  if (vulkan->device != NULL)
    cbam_device_wait_idle (vulkan->device, NULL);
  g_clear_pointer (&vulkan->device, cbam_device_unref);
  gst_clear_object (&vulkan->theirs);
}

#ifdef HAVE_GST_VULKAN

#include <cbamdetect/vulkan.h>
#include <gst/vulkan/vulkan.h>

/* The state of an image (its layout and last use) is a field of its memory, which readers in different branches of a
 * pipeline change. GStreamer has no lock for it; ours orders at least the elements of this plugin. */
static GMutex image_lock;

gboolean
gst_cbam_vulkan_is_image (GstBuffer *buffer)
{
  return gst_buffer_n_memory (buffer) > 0 && gst_is_vulkan_image_memory (gst_buffer_peek_memory (buffer, 0));
}

static GstVulkanImageMemory *
get_image (GstBuffer *buffer, guint i)
{
  return (GstVulkanImageMemory *) gst_buffer_peek_memory (buffer, i);
}

/* ---- The device ---- */

static gboolean
take_if_it_computes (GstVulkanDevice *device, GstVulkanQueue *queue, gpointer data)
{
  GstVulkanQueue **chosen = data;
  const VkQueueFamilyProperties *family = &device->physical_device->queue_family_props[queue->family];

  if (!(family->queueFlags & VK_QUEUE_COMPUTE_BIT))
    return TRUE;
  *chosen = gst_object_ref (queue);
  return FALSE;
}

/* The queue that neighbours use, so that what they submitted comes before what we submit; else the first that
 * computes, which is what they choose too. (transfer full) */
static GstVulkanQueue *
find_queue (GstElement *element, GstVulkanDevice *device)
{
  GstVulkanQueue *queue = NULL, *chosen = NULL;

  gst_vulkan_queue_run_context_query (element, &queue);
  if (queue != NULL && queue->device == device)
    take_if_it_computes (device, queue, &chosen);
  gst_clear_object (&queue);
  if (chosen == NULL)
    gst_vulkan_device_foreach_queue (device, take_if_it_computes, &chosen);
  return chosen;
}

static void
lock_queue (gpointer queue)
{
  gst_vulkan_queue_submit_lock (queue);
}

static void
unlock_queue (gpointer queue)
{
  gst_vulkan_queue_submit_unlock (queue);
}

static CbamDevice *
adopt (GstElement *element, GstVulkanDevice *device, GError **error)
{
  GstVulkanQueue *queue = find_queue (element, device);

  if (queue == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE, "the device of the frames, %s, has no queue that computes",
                 device->physical_device->properties.deviceName);
    return NULL;
  }
  const CbamVulkanHandles handles = {
    .instance = device->instance->instance,
    .physical_device = gst_vulkan_device_get_physical_device (device),
    .device = device->device,
    .queue = queue->queue,
    .queue_family = queue->family,
    .int64 = GST_CHECK_VERSION (1, 24, 0), /* since which devices have all core features */
    .lock = lock_queue,
    .unlock = unlock_queue,
    .release = gst_object_unref, /* the queue keeps its device, and that its instance */
    .data = queue,
  };
  CbamDevice *adopted = cbam_device_adopt (&handles, error);
  if (adopted == NULL)
    gst_object_unref (queue);
  return adopted;
}

/* Whether a copy into an image was the last thing that was done with it, as vulkanupload does. */
static gboolean
is_being_filled (GstBuffer *buffer)
{
  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++)
    if (gst_is_vulkan_image_memory (gst_buffer_peek_memory (buffer, i)) &&
        get_image (buffer, i)->barrier.parent.access_flags & VK_ACCESS_TRANSFER_WRITE_BIT)
      return TRUE;
  return FALSE;
}

/* vulkanupload passes frames on before its copies have run, and lets what they read be written anew; behind our work in
 * the same queue that would often come first. (1.22 and 1.26 do so; some version between them waited.) */
void
gst_cbam_vulkan_settle (GstCbamVulkan *vulkan, GstBuffer *buffer)
{
  if (vulkan->device != NULL && gst_cbam_vulkan_is_image (buffer) && is_being_filled (buffer))
    cbam_device_wait_idle (vulkan->device, NULL); /* a device that hangs is told of when it is given the frame */
}

CbamDevice *
gst_cbam_vulkan_get_device (GstCbamVulkan *vulkan, GstElement *element, GstBuffer *buffer, GError **error)
{
  GstVulkanDevice *theirs = get_image (buffer, 0)->device;

  if (vulkan->device != NULL && vulkan->theirs == GST_OBJECT_CAST (theirs))
    return vulkan->device;
  gst_cbam_vulkan_reset (vulkan);
  vulkan->device = adopt (element, theirs, error);
  if (vulkan->device == NULL)
    return NULL;
  vulkan->theirs = gst_object_ref (GST_OBJECT_CAST (theirs));
  gst_cbam_vulkan_settle (vulkan, buffer); /* nobody could, before there was a device to wait for */
  return vulkan->device;
}

/* ---- Frames ---- */

/* How @image was used last. From 1.24 on GStreamer counts in the 64 bits of VK_KHR_synchronization2, of which the lower
 * half is the old stages and accesses; what has no old name is waited for as anything. */
static void
describe_last_use (const GstVulkanImageMemory *image, CbamVulkanPlane *plane)
{
  const GstVulkanBarrierMemoryInfo *last = &image->barrier.parent;
  const guint64 stages = last->pipeline_stages, access = last->access_flags;

  plane->stages = stages > G_MAXUINT32 ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT : (VkPipelineStageFlags) stages;
  plane->access = access > G_MAXUINT32 ? VK_ACCESS_MEMORY_WRITE_BIT : (VkAccessFlags) access;
  plane->layout = image->barrier.image_layout;
#if GST_CHECK_VERSION(1, 24, 0)
  plane->semaphore = last->semaphore;
  plane->value = last->semaphore_value;
#endif
}

static guint
count_planes (CbamFormat format)
{
  switch (format) {
    case CBAM_FORMAT_NV12: return 2;
    case CBAM_FORMAT_I420: return 3;
    default: return 1;
  }
}

/* Images are not always what the caps say: vulkanupload of GStreamer 1.22 stays with the size of its first ones. */
static gboolean
check_images (GstBuffer *buffer, const CbamImage *image, GError **error)
{
  const guint n_images = gst_buffer_n_memory (buffer), n_planes = count_planes (image->format);
  GstVulkanImageMemory *first = get_image (buffer, 0);

  for (guint i = 1; i < n_images; i++)
    if (!gst_is_vulkan_image_memory (gst_buffer_peek_memory (buffer, i))) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "Memory %u of a frame is no image, but the first is.", i);
      return FALSE;
    }
  if (n_images != n_planes && n_images != 1) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "A frame of %u planes in %u images; expected %u or 1.",
                 n_planes, n_images, n_planes);
    return FALSE;
  }
  const guint width = gst_vulkan_image_memory_get_width (first), height = gst_vulkan_image_memory_get_height (first);
  if (width >= image->width && height >= image->height)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "A frame of %ux%u pixels in an image of %ux%u.", image->width,
               image->height, width, height);
  return FALSE;
}

/* Planes in images of their own, or in one image together. */
static void
describe_planes (GstBuffer *buffer, CbamFormat format, CbamVulkanPlane planes[3])
{
  static const VkImageAspectFlags aspects[] = { VK_IMAGE_ASPECT_PLANE_0_BIT, VK_IMAGE_ASPECT_PLANE_1_BIT,
                                                VK_IMAGE_ASPECT_PLANE_2_BIT };
  const guint n_images = gst_buffer_n_memory (buffer), n_planes = count_planes (format);

  for (guint i = 0; i < n_planes; i++) {
    GstVulkanImageMemory *image = get_image (buffer, MIN (i, n_images - 1));

    planes[i].image = image->image;
    planes[i].aspect = n_images < n_planes ? aspects[i] : VK_IMAGE_ASPECT_COLOR_BIT;
    describe_last_use (image, &planes[i]);
  }
}

static void
note_reading (GstBuffer *buffer)
{
  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++) {
    GstVulkanBarrierImageInfo *state = &get_image (buffer, i)->barrier;

    state->parent.pipeline_stages = VK_PIPELINE_STAGE_TRANSFER_BIT;
    state->parent.access_flags = VK_ACCESS_TRANSFER_READ_BIT;
    state->image_layout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
  }
}

gboolean
gst_cbam_vulkan_submit (CbamDetector *detector, GstBuffer *buffer, const CbamImage *image,
                        const CbamDetectParams *params, GError **error)
{
  CbamVulkanPlane planes[3] = { { 0 } };
  const CbamVulkanFrame frame = { .image = image, .planes = { &planes[0], &planes[1], &planes[2] } };

  if (!check_images (buffer, image, error))
    return FALSE;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&image_lock);
  describe_planes (buffer, image->format, planes);
  if (!cbam_detector_submit_vulkan (detector, &frame, params, error))
    return FALSE;
  note_reading (buffer);
  return TRUE;
}

#else

gboolean
gst_cbam_vulkan_is_image (G_GNUC_UNUSED GstBuffer *buffer)
{
  return FALSE;
}

CbamDevice *
gst_cbam_vulkan_get_device (G_GNUC_UNUSED GstCbamVulkan *vulkan, G_GNUC_UNUSED GstElement *element,
                            G_GNUC_UNUSED GstBuffer *buffer, G_GNUC_UNUSED GError **error)
{
  g_return_val_if_reached (NULL);
}

void
gst_cbam_vulkan_settle (G_GNUC_UNUSED GstCbamVulkan *vulkan, G_GNUC_UNUSED GstBuffer *buffer)
{
}

gboolean
gst_cbam_vulkan_submit (G_GNUC_UNUSED CbamDetector *detector, G_GNUC_UNUSED GstBuffer *buffer,
                        G_GNUC_UNUSED const CbamImage *image, G_GNUC_UNUSED const CbamDetectParams *params,
                        G_GNUC_UNUSED GError **error)
{
  g_return_val_if_reached (FALSE);
}

#endif
