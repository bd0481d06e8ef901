/* The engine's kernels as a GPU's compiler makes them: what its statistics say, and what stands in the machine code.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "disassembly.h"
#include "engine/op.h"
#include "vk/device.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 vgprs, sgprs; /* registers of a lane, of a subgroup */
  guint64 subgroups;    /* that fit on a SIMD at once */
  guint64 lds;          /* bytes that a workgroup shares */
  guint64 spilled_vgprs, spilled_sgprs;
  guint64 scratch;   /* bytes */
  guint64 code_size; /* bytes */
} KernelStatistics;

typedef struct
{
  const char *op, *variant, *shader;
  gboolean convolves;
  guint sums;   /* that a lane of a full convolution keeps; 0 = its table does not say */
  guint slices; /* lanes that share what such a sum is made of */
  guint lanes;  /* of a subgroup */
  KernelStatistics statistics;
  Code code;
} Kernel;

/* Compiles @shader of @variant with @constant as its specialisation constant. */
gboolean kernel_compile (CbamDevice *device, const CbamOpClass *op, const CbamOpVariant *variant,
                         const CbamShader *shader, guint32 constant, Kernel *ret_kernel, GError **error);

/* All variants of all ops that @device could run, in the order of the engine's tables; the activation, where one is
 * compiled in, is the first. NULL with @error. */
GArray *kernels_compile (CbamDevice *device, GError **error);

G_END_DECLS
