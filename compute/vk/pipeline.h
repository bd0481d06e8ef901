/* Compute pipelines: one SPIR-V module, its bindings in order, and push constants.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/shader.h"
#include "vk/device.h"

typedef struct
{
  CbamDevice *device; /* whose it is */
  VkDescriptorSetLayout set_layout;
  VkPipelineLayout layout;
  VkPipeline handle;
} CbamPipeline;

/* What a pipeline is made of. */
typedef struct
{
  const CbamShader *shader;
  const VkDescriptorType *bindings; /* of binding 0, 1, ... */
  guint n_bindings;                 /* at most 8 */
  guint push_size;                  /* bytes: a multiple of 4, at most 128 */
  guint32 constant;                 /* what the shader's specialisation constant 0 is, if it has one */
} CbamPipelineForm;

/* The pipeline of that form: made when it is asked for first, and there for every program on @device until that is
 * freed. Thread-safe. NULL with @error, and the next call tries again. */
const CbamPipeline *cbam_device_get_pipeline (CbamDevice *device, const CbamPipelineForm *form, GError **error);
