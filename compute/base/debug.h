/* Switches for tests and for looking into trouble.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* The environment variable CBAM_DEBUG takes the same names, separated by commas. */
typedef enum
{
  CBAM_DEBUG_VALIDATION = 1 << 0,  /* "validation": the validation layer with synchronisation; a message is fatal */
  CBAM_DEBUG_NONCOHERENT = 1 << 1, /* "noncoherent": host memory is seen through a copy, moved by flush/invalidate */
  CBAM_DEBUG_STAGING = 1 << 2,     /* "staging": frames are uploaded by a copy, as on a discrete GPU */
  CBAM_DEBUG_PLAIN = 1 << 3,       /* "plain": only the kernels that need nothing special, tensors as on a GPU */
  CBAM_DEBUG_POISON = 1 << 4,      /* "poison": device memory starts as NaN, and again before each frame */
  CBAM_DEBUG_REFERENCE = 1 << 6,   /* "reference": networks run by the slow reference, on the processor */
  CBAM_DEBUG_LEAST = 1 << 5,       /* "least": the device has what Vulkan promises of every one, and no more */
  CBAM_DEBUG_NO_HOST = 1 << 7,     /* "no-host": the processor itself is no device; all there is is Vulkan's */
} CbamDebugFlags;
