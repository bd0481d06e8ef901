/* Compute pipelines: one SPIR-V module, its bindings in order, and push constants.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/shader.h"
#include "vk/device.h"

typedef struct
{
  CbamDevice *device;
  VkDescriptorSetLayout set_layout;
  VkPipelineLayout layout;
  VkPipeline handle;
} CbamPipeline;

/* @bindings: the descriptor type of binding 0, 1, ...; @push_size in bytes, a multiple of 4, at most 128; @constant:
 * what the shader's specialisation constant 0 is, if it has one. */
CbamPipeline *cbam_pipeline_new (CbamDevice *device, const CbamShader *shader, const VkDescriptorType *bindings,
                                 guint n_bindings, guint push_size, guint32 constant, GError **error);
void cbam_pipeline_free (CbamPipeline *pipeline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamPipeline, cbam_pipeline_free)
