/* The processor that the library itself runs on, as a device: what it is called, how many threads may compute on it,
 * and which of the kernels that were compiled for several kinds of processor it runs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Vector instructions, by what kernels are compiled for; each has all before it. */
typedef enum
{
  CBAM_VECTORS_PLAIN, /* what the compiler's target has anyway */
  CBAM_VECTORS_AVX2,
  CBAM_VECTORS_AVX512,
  CBAM_N_VECTORS
} CbamVectors;

/* "AVX-512" and the like. */
extern const char *const cbam_vectors_names[CBAM_N_VECTORS];

/* Whether this library was built to compute on the processor itself, and this one is new enough: on x86 one with AVX2,
 * since oneDNN 2.6's code for older ones gives wrong sums for some shapes of [row][pixel][channel] maps. */
gboolean cbam_processor_is_device (void);

/* The best that this processor has. */
CbamVectors cbam_processor_get_vectors (void);

/* How many threads may run at once: processors that the process's affinity mask leaves it, and no more than its control
 * group's quota. At least 1. */
guint cbam_processor_count_threads (void);

/* As its maker calls it. The caller's. */
char *cbam_processor_get_name (void);

/* What a quota in the words of cgroup v2's cpu.max comes to: processors, rounded up; 0 = no limit. */
guint cbam_processor_parse_quota (const char *text);
