/* What every public header of libcbamdetect shares: the export mark, the error domain and the four nouns' names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Symbols are hidden unless marked with this. */
#define CBAM_API __attribute__ ((visibility ("default")))

typedef struct _CbamDevice CbamDevice;
typedef struct _CbamModel CbamModel;
typedef struct _CbamDetector CbamDetector;
typedef struct _CbamResult CbamResult;

/**
 * CBAM_ERROR:
 *
 * The error domain of the library; its codes are #CbamError. Every message is one sentence that names what was
 * expected and what was found; the library never prints.
 */
#define CBAM_ERROR (cbam_error_quark ())
CBAM_API GQuark cbam_error_quark (void);

/**
 * CbamError:
 * @CBAM_ERROR_FAILED: a Vulkan or system call failed
 * @CBAM_ERROR_NO_DEVICE: no Vulkan driver, or no device that fits the name asked for
 * @CBAM_ERROR_NOT_FOUND: the model file is missing or cannot be read
 * @CBAM_ERROR_BAD_MODEL: the model file breaks its format, or its parts contradict each other
 * @CBAM_ERROR_UNSUPPORTED: the file is right, but this version or this device cannot run it
 * @CBAM_ERROR_BAD_IMAGE: a frame that cannot be read: unknown format, no pixels, a stride too small
 * @CBAM_ERROR_BUSY: every slot is in flight; collect a result first
 * @CBAM_ERROR_EMPTY: nothing was submitted that could be collected
 * @CBAM_ERROR_OUT_OF_MEMORY: the device or the system has no memory left for this
 * @CBAM_ERROR_TIMEOUT: the device did not finish in time; it is parked, open it again
 * @CBAM_ERROR_DEVICE_LOST: the driver lost the device; it is parked, open it again
 */
typedef enum
{
  CBAM_ERROR_FAILED,
  CBAM_ERROR_NO_DEVICE,
  CBAM_ERROR_NOT_FOUND,
  CBAM_ERROR_BAD_MODEL,
  CBAM_ERROR_UNSUPPORTED,
  CBAM_ERROR_BAD_IMAGE,
  CBAM_ERROR_BUSY,
  CBAM_ERROR_EMPTY,
  CBAM_ERROR_OUT_OF_MEMORY,
  CBAM_ERROR_TIMEOUT,
  CBAM_ERROR_DEVICE_LOST,
} CbamError;

/**
 * CbamPrecision:
 * @CBAM_PRECISION_AUTO: `auto`: the fastest of those that the device has and that find the same objects; bf16 on a
 *   processor itself that has units for it (AMX), fp16 on a GPU that has it and where the model has no numbers too
 * large for it, else fp32
 * @CBAM_PRECISION_FP32: `fp32`: 32 bits
 * @CBAM_PRECISION_FP16: `fp16`: maps and weights of 16 bits, 11 of them for the digits, up to 65504; sums in 32. On
 *   devices of Vulkan with storageBuffer16BitAccess and shaderFloat16
 * @CBAM_PRECISION_BF16: `bf16`: 16 bits, 8 of them for the digits, with the range of fp32
 *
 * The numbers that a network's maps and weights are made of on the device. The names are the values' nicks.
 */
typedef enum
{
  CBAM_PRECISION_AUTO,
  CBAM_PRECISION_FP32,
  CBAM_PRECISION_FP16,
  CBAM_PRECISION_BF16,
} CbamPrecision;

#define CBAM_TYPE_PRECISION (cbam_precision_get_type ())
CBAM_API GType cbam_precision_get_type (void) G_GNUC_CONST;

/**
 * cbam_precision_parse:
 * @name: `auto`, `fp32`, `fp16` or `bf16`
 * @precision: (out): what that means
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with #CBAM_ERROR_UNSUPPORTED for other words
 */
CBAM_API gboolean cbam_precision_parse (const char *name, CbamPrecision *precision, GError **error);

G_END_DECLS
