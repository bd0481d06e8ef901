/* Makes what Vulkan wants before a shader can run: the layouts of its bindings and push constants, the module, and the
 * pipeline.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/pipeline.h"

#define MAX_BINDINGS 8

static gboolean
create_layouts (CbamPipeline *pipeline, const VkDescriptorType *bindings, guint n_bindings, guint push_size,
                GError **error)
{
  CbamDevice *device = pipeline->device;
  VkDescriptorSetLayoutBinding slots[MAX_BINDINGS] = { 0 };
  const VkDescriptorSetLayoutCreateInfo set = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
    .bindingCount = n_bindings,
    .pBindings = slots,
  };
  const VkPushConstantRange push = { .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = push_size };
  const VkPipelineLayoutCreateInfo layout = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
    .setLayoutCount = 1,
    .pSetLayouts = &pipeline->set_layout,
    .pushConstantRangeCount = push_size > 0 ? 1 : 0,
    .pPushConstantRanges = &push,
  };

  for (guint i = 0; i < n_bindings; i++)
    slots[i] = (VkDescriptorSetLayoutBinding){
      .binding = i,
      .descriptorType = bindings[i],
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
  return cbam_device_make (device, vkCreateDescriptorSetLayout, &set, &pipeline->set_layout, error) &&
         cbam_device_make (device, vkCreatePipelineLayout, &layout, &pipeline->layout, error);
}

static gboolean
create_pipeline (CbamPipeline *pipeline, const CbamShader *shader, guint32 constant, GError **error)
{
  CbamDevice *device = pipeline->device;
  const VkShaderModuleCreateInfo code = {
    .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
    .codeSize = shader->size,
    .pCode = shader->code,
  };
  const VkSpecializationMapEntry entry = { .constantID = 0, .size = sizeof constant };
  const VkSpecializationInfo constants = { 1, &entry, sizeof constant, &constant };
  VkShaderModule module;
  VkResult result;

  if (!cbam_device_make (device, vkCreateShaderModule, &code, &module, error))
    return FALSE;
  const VkComputePipelineCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
    .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
               .stage = VK_SHADER_STAGE_COMPUTE_BIT,
               .module = module,
               .pName = "main",
               .pSpecializationInfo = &constants },
    .layout = pipeline->layout,
  };
  result = device->vk.vkCreateComputePipelines (device->handle, VK_NULL_HANDLE, 1, &create, NULL, &pipeline->handle);
  device->vk.vkDestroyShaderModule (device->handle, module, NULL);
  return cbam_device_check (device, result, "vkCreateComputePipelines", error);
}

CbamPipeline *
cbam_pipeline_new (CbamDevice *device, const CbamShader *shader, const VkDescriptorType *bindings, guint n_bindings,
                   guint push_size, guint32 constant, GError **error)
{
  g_autoptr (CbamPipeline) pipeline = g_new0 (CbamPipeline, 1);

  g_return_val_if_fail (n_bindings <= MAX_BINDINGS, NULL);
  g_return_val_if_fail (push_size <= 128 && push_size % 4 == 0, NULL);
  pipeline->device = cbam_device_ref (device);
  if (!create_layouts (pipeline, bindings, n_bindings, push_size, error) ||
      !create_pipeline (pipeline, shader, constant, error)) {
    g_prefix_error (error, "shader %s: ", shader->name);
    return NULL;
  }
  return g_steal_pointer (&pipeline);
}

void
cbam_pipeline_free (CbamPipeline *pipeline)
{
  CbamDevice *device;

  if (!pipeline)
    return;
  device = pipeline->device;
  if (!cbam_device_is_hung (device)) {
    device->vk.vkDestroyPipeline (device->handle, pipeline->handle, NULL);
    device->vk.vkDestroyPipelineLayout (device->handle, pipeline->layout, NULL);
    device->vk.vkDestroyDescriptorSetLayout (device->handle, pipeline->set_layout, NULL);
  }
  cbam_device_unref (device);
  g_free (pipeline);
}
