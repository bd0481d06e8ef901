/* Running a plan on a Vulkan device: programs in program.c, slots in slot.c, how pixels get into them in intake.c,
 * Grad-CAM in grad_cam.c.
 *
 * A program has pipelines, packed weights and the arena; a slot has pixels, values that the host reads or writes, and a
 * command buffer that is recorded once and submitted again and again.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/vulkan.h>

#include "run/run.h"

/* A plane of a frame that lies in an image, and which of the regions (VkBufferImageCopy) say where its texels go among
 * the slot's pixels. */
typedef struct
{
  CbamVulkanPlane plane;
  guint first, n;
} CbamImageCopy;

struct _CbamImageCopies
{
  CbamImageCopy planes[3];
  guint n;
  const GArray *regions; /* VkBufferImageCopy */
};
