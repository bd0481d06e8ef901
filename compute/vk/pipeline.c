/* Makes what Vulkan wants before a shader can run: the layouts of its bindings and push constants, the module, and the
 * pipeline. A driver compiles for milliseconds, so a device keeps what it has made, and programs share it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/pipeline.h"

#define MAX_BINDINGS 8

/* A form as it is kept: with its own bindings. */
typedef struct
{
  CbamPipelineForm form;
  VkDescriptorType bindings[MAX_BINDINGS];
} Key;

static guint
key_hash (gconstpointer data)
{
  return g_direct_hash (((const CbamPipelineForm *) data)->shader);
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const CbamPipelineForm *one = a, *other = b;

  return one->shader == other->shader && one->constant == other->constant && one->push_size == other->push_size &&
         one->n_bindings == other->n_bindings &&
         memcmp (one->bindings, other->bindings, one->n_bindings * sizeof *one->bindings) == 0;
}

static CbamPipelineForm *
key_new (const CbamPipelineForm *form)
{
  Key *key = g_new0 (Key, 1);

  key->form = *form;
  memcpy (key->bindings, form->bindings, form->n_bindings * sizeof *form->bindings);
  key->form.bindings = key->bindings;
  return &key->form;
}

static gboolean
create_layouts (CbamPipeline *pipeline, const CbamPipelineForm *form, GError **error)
{
  CbamDevice *device = pipeline->device;
  VkDescriptorSetLayoutBinding slots[MAX_BINDINGS] = { 0 };
  const VkDescriptorSetLayoutCreateInfo set = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
    .bindingCount = form->n_bindings,
    .pBindings = slots,
  };
  const VkPushConstantRange push = { .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = form->push_size };
  const VkPipelineLayoutCreateInfo layout = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
    .setLayoutCount = 1,
    .pSetLayouts = &pipeline->set_layout,
    .pushConstantRangeCount = form->push_size > 0 ? 1 : 0,
    .pPushConstantRanges = &push,
  };

  for (guint i = 0; i < form->n_bindings; i++)
    slots[i] = (VkDescriptorSetLayoutBinding){
      .binding = i,
      .descriptorType = form->bindings[i],
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
  return cbam_device_make (device, vkCreateDescriptorSetLayout, &set, &pipeline->set_layout, error) &&
         cbam_device_make (device, vkCreatePipelineLayout, &layout, &pipeline->layout, error);
}

static gboolean
create_pipeline (CbamPipeline *pipeline, const CbamPipelineForm *form, GError **error)
{
  CbamDevice *device = pipeline->device;
  const VkShaderModuleCreateInfo code = {
    .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
    .codeSize = form->shader->size,
    .pCode = form->shader->code,
  };
  const VkSpecializationMapEntry entry = { .constantID = 0, .size = sizeof form->constant };
  const VkSpecializationInfo constants = { 1, &entry, sizeof form->constant, &form->constant };
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

static void
pipeline_free (CbamPipeline *pipeline)
{
  CbamDevice *device = pipeline->device;

  device->vk.vkDestroyPipeline (device->handle, pipeline->handle, NULL);
  device->vk.vkDestroyPipelineLayout (device->handle, pipeline->layout, NULL);
  device->vk.vkDestroyDescriptorSetLayout (device->handle, pipeline->set_layout, NULL);
  g_free (pipeline);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamPipeline, pipeline_free)

static CbamPipeline *
pipeline_new (CbamDevice *device, const CbamPipelineForm *form, GError **error)
{
  g_autoptr (CbamPipeline) pipeline = g_new0 (CbamPipeline, 1);

  pipeline->device = device;
  if (!create_layouts (pipeline, form, error) || !create_pipeline (pipeline, form, error)) {
    g_prefix_error (error, "shader %s: ", form->shader->name);
    return NULL;
  }
  return g_steal_pointer (&pipeline);
}

/* Files @pipeline, unless another thread was faster; returns the one that is filed now. */
static const CbamPipeline *
keep (CbamDevice *device, const CbamPipelineForm *form, CbamPipeline *pipeline)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->pipelines_lock);
  const CbamPipeline *there = g_hash_table_lookup (device->pipelines, form);

  if (there != NULL) {
    pipeline_free (pipeline);
    return there;
  }
  g_hash_table_insert (device->pipelines, key_new (form), pipeline);
  return pipeline;
}

static const CbamPipeline *
find (CbamDevice *device, const CbamPipelineForm *form)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->pipelines_lock);

  if (device->pipelines == NULL)
    device->pipelines = g_hash_table_new_full (key_hash, key_equal, g_free, (GDestroyNotify) pipeline_free);
  return g_hash_table_lookup (device->pipelines, form);
}

const CbamPipeline *
cbam_device_get_pipeline (CbamDevice *device, const CbamPipelineForm *form, GError **error)
{
  const CbamPipeline *there;
  CbamPipeline *made;

  g_return_val_if_fail (form->n_bindings <= MAX_BINDINGS, NULL);
  g_return_val_if_fail (form->push_size <= 128 && form->push_size % 4 == 0, NULL);
  there = find (device, form);
  if (there != NULL)
    return there;
  /* Compiling takes its time, so nobody else waits for it: at worst two threads make the same. */
  made = pipeline_new (device, form, error);
  return made != NULL ? keep (device, form, made) : NULL;
}
