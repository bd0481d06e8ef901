/* Command buffers: a pool of one thread's making, one-shot copies at load time, barriers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "vk/memory.h"

/* One resettable command buffer with its pool and the fence of its last submission. */
typedef struct
{
  CbamDevice *device;
  VkCommandPool pool;
  VkCommandBuffer handle;
  VkFence fence;
} CbamCommands;

CbamCommands *cbam_commands_new (CbamDevice *device, GError **error);
void cbam_commands_free (CbamCommands *commands);

/* Begin forgets what was recorded before; the buffer may be submitted again and again, one submission at a time. */
gboolean cbam_commands_begin (CbamCommands *commands, GError **error);
gboolean cbam_commands_end (CbamCommands *commands, GError **error);

/* Everything recorded before is finished and visible to what shaders, copies and the host do after. */
void cbam_commands_barrier_all (CbamCommands *commands);
/* What shaders wrote before is visible to shaders after, and may be overwritten by them. */
void cbam_commands_barrier_shaders (CbamCommands *commands);

gboolean cbam_commands_submit (CbamCommands *commands, GError **error);
/* The same for a submission of which @commands are a part; the wait is for all of it. */
gboolean cbam_commands_submit_with (CbamCommands *commands, const CbamSubmission *submission, GError **error);
gboolean cbam_commands_wait (CbamCommands *commands, GError **error);

/* Copies @size bytes of host memory into a device buffer, and waits. For load time. */
gboolean cbam_device_upload (CbamDevice *device, CbamBuffer *buffer, gsize offset, const void *data, gsize size,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamCommands, cbam_commands_free)
