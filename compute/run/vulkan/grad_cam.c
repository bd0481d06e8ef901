/* Grad-CAM: one dispatch per score, after its frame's result is known, over what the slot has kept.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "args/grad_cam.h"

#include "ops/conv-tile.h"
#include "ops/shaders.h"
#include "run/vulkan/private.h"

enum
{
  FEATURES,
  CONF,
  WEIGHTS,
  OUTPUT,
  N_BINDINGS
};

struct _CbamGradCam
{
  CbamDevice *device;
  const CbamPipeline *pipeline;
  CbamCommands *commands;
  CbamBuffer *output; /* of the largest keepable map */
  VkDescriptorPool pool;
  VkDescriptorSet set;
};

/* Either layout of a convolution's weights. */
static gboolean
knows_packing (const CbamOpVariant *variant)
{
  return variant->packing == &cbam_conv_packing || variant->packing == &cbam_conv_tile_packing;
}

/* The step of the convolution that makes @conf; NULL = there is none. */
static const CbamStep *
find_head (const CbamPlan *plan, const CbamValue *conf)
{
  for (guint s = 0; s < plan->n_steps; s++)
    if (plan->steps[s].node->outputs[0] == conf && knows_packing (plan->steps[s].variant))
      return &plan->steps[s];
  return NULL;
}

/* Texels from a row of weights to the next; 0 = they do not lie in rows. */
static guint
get_pitch (const CbamStep *head)
{
  return head->variant->packing == &cbam_conv_tile_packing
             ? (guint) cbam_conv_padded_channels (head->variant, head->node) / CBAM_TEXEL_CHANNELS
             : 0;
}

/* Of all loops of an invocation, from above. */
static guint64
count_turns (const CbamGradCamTarget *target, const CbamStep *step)
{
  const CbamValue *features = target->features;
  const CbamConvParams *head = cbam_conv_params (step->node);
  const guint64 blocks = cbam_value_blocks (features), classes = target->n_classes;
  const guint64 cells = (guint64) features->width * features->height;

  return (cells / CBAM_THREADS + 1) * (blocks + 1) + 3 * classes +
         (blocks / CBAM_THREADS + 1) * head->kernel_width * head->kernel_height * (classes + 1);
}

static gboolean
check_target (const CbamGradCamTarget *target, const CbamStep *head, GError **error)
{
  const CbamValue *features = target->features;

  if (head != NULL && cbam_value_blocks (features) <= CBAM_GRAD_CAM_BLOCKS &&
      target->n_classes <= CBAM_GRAD_CAM_CLASSES && count_turns (target, head) < CBAM_MOST_TURNS)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
               "Grad-CAM: %s has %ux%u pixels of %u channels and %u classes; expected at most %u channels, %u "
               "classes, and fewer pixels",
               target->name, features->width, features->height, features->channels, target->n_classes,
               CBAM_GRAD_CAM_BLOCKS * CBAM_TEXEL_CHANNELS, CBAM_GRAD_CAM_CLASSES);
  return FALSE;
}

static gboolean
create_set (CbamGradCam *cam, GError **error)
{
  const VkDescriptorPoolSize size = { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, N_BINDINGS };
  const VkDescriptorPoolCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size
  };

  if (!cbam_device_make (cam->device, vkCreateDescriptorPool, &create, &cam->pool, error))
    return FALSE;
  const VkDescriptorSetAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
    .descriptorPool = cam->pool,
    .descriptorSetCount = 1,
    .pSetLayouts = &cam->pipeline->set_layout,
  };
  return cbam_device_check (cam->device,
                            cam->device->vk.vkAllocateDescriptorSets (cam->device->handle, &allocate, &cam->set),
                            "vkAllocateDescriptorSets", error);
}

static CbamGradCam *
grad_cam_new (const CbamVulkanProgram *program, GError **error)
{
  CbamGradCam *cam = g_new0 (CbamGradCam, 1);
  const GPtrArray *values = program->base.plan->graph->values;
  VkDescriptorType types[N_BINDINGS];
  CbamType type = CBAM_TYPE_F32;
  gsize most = 1;

  cam->device = cbam_device_ref (program->base.device);
  for (guint b = 0; b < N_BINDINGS; b++)
    types[b] = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);

    if (!value->keepable)
      continue;
    most = MAX (most, (gsize) value->width * value->height);
    type = value->type;
  }
  cam->pipeline = cbam_device_get_pipeline (
      cam->device,
      &(CbamPipelineForm){ .shader = type == CBAM_TYPE_F16 ? &cbam_shader_grad_cam_half : &cbam_shader_grad_cam,
                           .bindings = types,
                           .n_bindings = N_BINDINGS,
                           .push_size = sizeof (CbamGradCamArgs) },
      error);
  if (cam->pipeline != NULL)
    cam->output = cbam_buffer_new (cam->device, CBAM_MEMORY_READBACK, most * sizeof (float), error);
  if (cam->output != NULL)
    cam->commands = cbam_commands_new (cam->device, error);
  if (cam->commands != NULL && create_set (cam, error))
    return cam;
  cbam_grad_cam_free (cam);
  return NULL;
}

void
cbam_grad_cam_free (CbamGradCam *cam)
{
  if (cam == NULL)
    return;
  if (!cbam_device_is_hung (cam->device))
    cam->device->vk.vkDestroyDescriptorPool (cam->device->handle, cam->pool, NULL);
  cbam_commands_free (cam->commands);
  cbam_buffer_free (cam->output);
  cbam_device_unref (cam->device);
  g_free (cam);
}

static void
write_set (CbamGradCam *cam, const CbamVulkanSlot *slot, const CbamGradCamTarget *target, const CbamStep *head)
{
  const CbamBufferRange ranges[N_BINDINGS] = {
    [FEATURES] = cbam_vulkan_slot_get_kept (slot, target->features),
    [CONF] = cbam_vulkan_slot_get_kept (slot, target->conf),
    [WEIGHTS] = { slot->program->weights, head->weights_offset, head->weights_size },
    [OUTPUT] = { cam->output, 0, cam->output->size },
  };
  VkDescriptorBufferInfo buffers[N_BINDINGS];
  VkWriteDescriptorSet writes[N_BINDINGS];

  for (guint b = 0; b < N_BINDINGS; b++) {
    buffers[b] = (VkDescriptorBufferInfo){ ranges[b].buffer->handle, ranges[b].offset, ranges[b].size };
    writes[b] = (VkWriteDescriptorSet){
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = cam->set,
      .dstBinding = b,
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = &buffers[b],
    };
  }
  cam->device->vk.vkUpdateDescriptorSets (cam->device->handle, N_BINDINGS, writes, 0, NULL);
}

static gboolean
record (CbamGradCam *cam, const CbamGradCamTarget *target, const CbamStep *head, GError **error)
{
  CbamDevice *device = cam->device;
  CbamGradCamArgs args = {
    .x = target->features->view,
    .conf = target->conf->view,
    .width = target->features->width,
    .height = target->features->height,
    .blocks = cbam_value_blocks (target->features),
    .first_conf = target->first_conf,
    .n_classes = target->n_classes,
    .class_id = target->class_id,
    .softmax = target->softmax,
    .kernel = cbam_conv_params (head->node)->kernel_width,
    .row = target->row,
    .column = target->column,
    .pitch = get_pitch (head),
  };

  args.x.origin += target->image * args.x.frame;
  args.conf.origin += target->image * args.conf.frame;
  if (!cbam_commands_begin (cam->commands, error))
    return FALSE;
  cbam_commands_barrier_all (cam->commands);
  device->vk.vkCmdBindPipeline (cam->commands->handle, VK_PIPELINE_BIND_POINT_COMPUTE, cam->pipeline->handle);
  device->vk.vkCmdBindDescriptorSets (cam->commands->handle, VK_PIPELINE_BIND_POINT_COMPUTE, cam->pipeline->layout, 0,
                                      1, &cam->set, 0, NULL);
  device->vk.vkCmdPushConstants (cam->commands->handle, cam->pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                 sizeof args, &args);
  device->vk.vkCmdDispatch (cam->commands->handle, 1, 1, 1);
  cbam_commands_barrier_all (cam->commands);
  return cbam_commands_end (cam->commands, error);
}

gboolean
cbam_vulkan_slot_explain (CbamSlot *base, const CbamGradCamTarget *target, float *values, GError **error)
{
  CbamVulkanSlot *slot = (CbamVulkanSlot *) base;
  const CbamStep *head = find_head (base->program->plan, target->conf);
  const gsize size = (gsize) target->features->width * target->features->height * sizeof (float);

  if (!check_target (target, head, error))
    return FALSE;
  if (slot->cam == NULL && !(slot->cam = grad_cam_new (slot->program, error)))
    return FALSE;
  write_set (slot->cam, slot, target, head);
  if (!record (slot->cam, target, head, error) || !cbam_commands_submit (slot->cam->commands, error) ||
      !cbam_commands_wait (slot->cam->commands, error) || !cbam_buffer_invalidate (slot->cam->output, 0, size, error))
    return FALSE;
  memcpy (values, slot->cam->output->map, size);
  return TRUE;
}
