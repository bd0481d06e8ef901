/* The least that a device can do.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/caps.h"

const CbamDeviceCaps cbam_least_caps = {
  .max_storage_range = 1 << 27,
  .max_buffer_size = 1 << 30,
  .range_alignment = 256,
  .atom_size = 256,
  .max_texels = 1 << 16,
  .max_groups = { 65535, 65535, 65535 },
  .max_invocations = 128,
  .max_shared = 16384,
  .max_push = 128,
  .max_storage_buffers = 4,
  .max_storage_texels = 4,
  .max_bindings = 128,
  .max_allocations = 4096,
};
