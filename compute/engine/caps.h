/* What a device can do, as far as kernels and plans ask.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* What a kernel may ask for and what the planner must respect. */
typedef struct
{
  gboolean is_cpu;
  gboolean is_host;        /* it runs no shaders: whoever runs the plan has code of its own for every op */
  gboolean has_bf16;       /* it multiplies numbers in bfloat16, */
  gboolean has_bf16_tiles; /* ... by units that take many at once */
  gboolean has_fp16;       /* it computes with 16-bit floats, and stores them in buffers */
  gboolean unified;        /* device memory can be mapped: no staging */
  guint32 units;           /* that workgroups are spread over; 0 = it does not say */
  guint32 subgroup_size;   /* 0 = subgroup shuffles are not there in compute shaders */
  gboolean int64;          /* 64-bit integers in shaders */
  guint32 max_texels;      /* elements of a storage texel buffer view; 0 = no rgba32f ones */
  gsize max_storage_range; /* bytes */
  gsize max_buffer_size;   /* bytes of one allocation */
  gsize range_alignment;   /* bytes: for every range that a descriptor or view starts at */
  gsize atom_size;         /* bytes: nonCoherentAtomSize */
  gsize import_alignment;  /* bytes: of host memory that the device can read in place; 0 = it cannot */
  guint32 max_groups[3];
  guint32 max_invocations;                                       /* of a workgroup, and along its first axis */
  guint32 max_shared;                                            /* bytes that a workgroup shares */
  guint32 max_push;                                              /* bytes of push constants */
  guint32 max_storage_buffers, max_storage_texels, max_bindings; /* bound at once, of each kind and together */
  guint32 max_allocations;
  double timestamp_period; /* nanoseconds a tick; 0 = no timestamps */
  guint32 timestamp_bits;
} CbamDeviceCaps;

/* What Vulkan 1.1 promises of every device (its tables "Required Limits"). */
extern const CbamDeviceCaps cbam_least_caps;
