/* Buffers of device memory, and how the host sees them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "vk/device.h"

typedef enum
{
  CBAM_MEMORY_DEVICE,   /* only the device reads and writes it; never mapped */
  CBAM_MEMORY_UPLOAD,   /* the host writes, the device reads; on unified memory also device-local */
  CBAM_MEMORY_READBACK, /* the device writes, the host reads (cached where there is a choice); the host may write too */
} CbamMemoryUse;

/* One buffer with memory of its own. @map is what the host reads and writes; around it, call flush after writing and
 * invalidate before reading, always: on coherent memory both are free. */
typedef struct
{
  CbamDevice *device;
  VkBuffer handle;
  VkDeviceMemory memory;
  gsize size;
  guint8 *map;    /* NULL for CBAM_MEMORY_DEVICE and what was imported */
  guint8 *mapped; /* where the driver mapped it; differs from @map under CBAM_DEBUG_NONCOHERENT */
  gboolean coherent;
} CbamBuffer;

/* @size in bytes, > 0. With CBAM_DEBUG_POISON what can be mapped starts as NaN. Free with cbam_buffer_free() once the
 * device has finished with it. */
CbamBuffer *cbam_buffer_new (CbamDevice *device, CbamMemoryUse use, gsize size, GError **error);
/* The host's own memory as a buffer that the device reads in place. @start and @size are multiples of the device's
 * import_alignment, and all of it must stay until the buffer is freed. */
CbamBuffer *cbam_buffer_import (CbamDevice *device, const void *start, gsize size, GError **error);
void cbam_buffer_free (CbamBuffer *buffer);

/* Make what the host wrote visible to the device, and the other way round. Any range; widened to atoms inside. */
gboolean cbam_buffer_flush (CbamBuffer *buffer, gsize offset, gsize size, GError **error);
gboolean cbam_buffer_invalidate (CbamBuffer *buffer, gsize offset, gsize size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamBuffer, cbam_buffer_free)
