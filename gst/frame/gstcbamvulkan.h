/* Frames that lie on a Vulkan device already, in GStreamer's memory:VulkanImage: they are read there, on the device and
 * the queue that GStreamer's own Vulkan elements use. Without GStreamer's Vulkan library there are no such frames.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/video/video.h>

/* What can be read, for caps after those of frames in system memory. */
#ifdef HAVE_GST_VULKAN
#define GST_CBAM_VULKAN_FIELDS                                                                                         \
  ", format = { NV12, I420, RGBA, BGRA, RGBx, BGRx, GRAY8 }, width = [ 1, 65535 ], height = [ 1, 65535 ], "            \
  "framerate = " GST_VIDEO_FPS_RANGE
#define GST_CBAM_VULKAN_CAPS                                                                                           \
  "; video/x-raw(memory:VulkanImage)" GST_CBAM_VULKAN_FIELDS                                                           \
  "; video/x-raw(memory:VulkanImage, " GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION ")" GST_CBAM_VULKAN_FIELDS
#else
#define GST_CBAM_VULKAN_CAPS ""
#endif

/* The device that frames came on last, as GStreamer and as the library see it. */
typedef struct
{
  GstObject *theirs;
  CbamDevice *device;
} GstCbamVulkan;

void gst_cbam_vulkan_reset (GstCbamVulkan *vulkan);

/* Whether the frame is made of images. */
gboolean gst_cbam_vulkan_is_image (GstBuffer *buffer);

/* (transfer none): the device that @buffer lies on; stays @vulkan's. @element asks its neighbours for their queue. */
CbamDevice *gst_cbam_vulkan_get_device (GstCbamVulkan *vulkan, GstElement *element, GstBuffer *buffer, GError **error);

/* Where that is not certain, waits until @buffer is filled: to be called before more work is given to its device. */
void gst_cbam_vulkan_settle (GstCbamVulkan *vulkan, GstBuffer *buffer);

/* cbam_detector_submit_vulkan() of @buffer, which must stay until the result is collected. @image: its form. */
gboolean gst_cbam_vulkan_submit (CbamDetector *detector, GstBuffer *buffer, const CbamImage *image,
                                 const CbamDetectParams *params, GError **error);
