/* Grad-CAM: one dispatch per detection, after its frame's result is known. There is a descriptor set for each level.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detect/grad_cam.h"

#include <string.h>

#include "args/grad_cam.h"

#include "ops/conv.h"
#include "ops/shaders.h"

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
  CbamProgram *program;
  CbamSlot *slot;
  CbamDevice *device;
  gboolean softmax;
  CbamPipeline *pipeline;
  CbamCommands *commands;
  CbamBuffer *output; /* of the largest level */
  VkDescriptorPool pool;
  VkDescriptorSet sets[CBAM_MAX_LEVELS];
};

static const CbamGraph *
graph_of (const CbamGradCam *cam)
{
  return cbam_program_get_plan (cam->program)->graph;
}

/* The convolution that makes a level's conf. */
static const CbamNode *
head_of (const CbamGradCam *cam, const CbamLevel *level)
{
  return cbam_graph_find_writer (graph_of (cam), level->conf);
}

/* Of all loops of an invocation, from above. */
static guint64
count_turns (const CbamGradCam *cam, const CbamLevel *level)
{
  const CbamValue *features = level->features;
  const CbamConvParams *head = cbam_conv_params (head_of (cam, level));
  const guint64 blocks = cbam_value_blocks (features), classes = graph_of (cam)->n_classes;
  const guint64 cells = (guint64) features->width * features->height;

  return (cells / CBAM_THREADS + 1) * (blocks + 1) + 3 * classes +
         (blocks / CBAM_THREADS + 1) * head->kernel_width * head->kernel_height * (classes + 1);
}

static gboolean
check_levels (const CbamGradCam *cam, GError **error)
{
  const CbamGraph *graph = graph_of (cam);

  for (guint l = 0; l < graph->n_levels; l++) {
    const CbamValue *features = graph->levels[l].features;

    if (cbam_value_blocks (features) <= CBAM_GRAD_CAM_BLOCKS && graph->n_classes <= CBAM_GRAD_CAM_CLASSES &&
        count_turns (cam, &graph->levels[l]) < CBAM_MOST_TURNS)
      continue;
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "Grad-CAM: level %u has %ux%u pixels of %u channels and %u classes; expected at most %u channels, %u "
                 "classes, and fewer pixels",
                 l, features->width, features->height, features->channels, graph->n_classes, CBAM_GRAD_CAM_BLOCKS * 4,
                 CBAM_GRAD_CAM_CLASSES);
    return FALSE;
  }
  return TRUE;
}

static void
write_descriptor_set (CbamGradCam *cam, const CbamLevel *level, VkDescriptorSet set)
{
  const CbamBufferRange ranges[N_BINDINGS] = {
    [FEATURES] = cbam_slot_get_kept (cam->slot, level->features),
    [CONF] = cbam_slot_get_kept (cam->slot, level->conf),
    [WEIGHTS] = cbam_program_get_weights (cam->program, level->conf),
    [OUTPUT] = { cam->output, 0, cam->output->size },
  };
  VkDescriptorBufferInfo buffers[N_BINDINGS];
  VkWriteDescriptorSet writes[N_BINDINGS];

  for (guint b = 0; b < N_BINDINGS; b++) {
    buffers[b] = (VkDescriptorBufferInfo){ ranges[b].buffer->handle, ranges[b].offset, ranges[b].size };
    writes[b] = (VkWriteDescriptorSet){
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .dstBinding = b,
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
      .pBufferInfo = &buffers[b],
    };
  }
  cam->device->vk.vkUpdateDescriptorSets (cam->device->handle, N_BINDINGS, writes, 0, NULL);
}

static gboolean
create_descriptors (CbamGradCam *cam, GError **error)
{
  CbamDevice *device = cam->device;
  const CbamGraph *graph = graph_of (cam);
  const VkDescriptorPoolSize size = { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, N_BINDINGS * graph->n_levels };
  const VkDescriptorPoolCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
    .maxSets = graph->n_levels,
    .poolSizeCount = 1,
    .pPoolSizes = &size,
  };

  if (!cbam_device_make (device, vkCreateDescriptorPool, &create, &cam->pool, error))
    return FALSE;
  for (guint l = 0; l < graph->n_levels; l++) {
    const VkDescriptorSetAllocateInfo allocate = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = cam->pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &cam->pipeline->set_layout,
    };

    if (!cbam_device_check (device, device->vk.vkAllocateDescriptorSets (device->handle, &allocate, &cam->sets[l]),
                            "vkAllocateDescriptorSets", error))
      return FALSE;
    write_descriptor_set (cam, &graph->levels[l], cam->sets[l]);
  }
  return TRUE;
}

CbamGradCam *
cbam_grad_cam_new (CbamProgram *program, CbamSlot *slot, gboolean softmax, GError **error)
{
  g_autoptr (CbamGradCam) cam = g_new0 (CbamGradCam, 1);
  VkDescriptorType types[N_BINDINGS];
  const CbamGraph *graph;
  gsize most = 0;

  cam->program = program;
  cam->slot = slot;
  cam->softmax = softmax;
  cam->device = cbam_device_ref (cbam_program_get_device (program));
  graph = graph_of (cam);
  if (!check_levels (cam, error))
    return NULL;
  for (guint b = 0; b < N_BINDINGS; b++)
    types[b] = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  for (guint l = 0; l < graph->n_levels; l++)
    most = MAX (most, (gsize) graph->levels[l].features->width * graph->levels[l].features->height);
  cam->pipeline =
      cbam_pipeline_new (cam->device, &cbam_shader_grad_cam, types, N_BINDINGS, sizeof (CbamGradCamArgs), error);
  if (!cam->pipeline)
    return NULL;
  cam->output = cbam_buffer_new (cam->device, CBAM_MEMORY_READBACK, most * sizeof (float), error);
  if (!cam->output)
    return NULL;
  cam->commands = cbam_commands_new (cam->device, error);
  if (!cam->commands || !create_descriptors (cam, error))
    return NULL;
  return g_steal_pointer (&cam);
}

void
cbam_grad_cam_free (CbamGradCam *cam)
{
  if (!cam)
    return;
  if (!cbam_device_is_hung (cam->device))
    cam->device->vk.vkDestroyDescriptorPool (cam->device->handle, cam->pool, NULL);
  cbam_commands_free (cam->commands);
  cbam_buffer_free (cam->output);
  cbam_pipeline_free (cam->pipeline);
  cbam_device_unref (cam->device);
  g_free (cam);
}

static gboolean
record (CbamGradCam *cam, const CbamGradCamTarget *target, GError **error)
{
  CbamDevice *device = cam->device;
  const CbamLevel *level = &graph_of (cam)->levels[target->level];
  const CbamGradCamArgs args = {
    .x = level->features->view,
    .conf = level->conf->view,
    .width = level->features->width,
    .height = level->features->height,
    .blocks = cbam_value_blocks (level->features),
    .first_conf = level->conf_channel + target->anchor * graph_of (cam)->n_classes,
    .n_classes = graph_of (cam)->n_classes,
    .class_id = target->class_id,
    .softmax = cam->softmax,
    .kernel = cbam_conv_params (head_of (cam, level))->kernel_width,
    .row = target->row,
    .column = target->column,
  };

  if (!cbam_commands_begin (cam->commands, error))
    return FALSE;
  cbam_commands_barrier_all (cam->commands);
  device->vk.vkCmdBindPipeline (cam->commands->handle, VK_PIPELINE_BIND_POINT_COMPUTE, cam->pipeline->handle);
  device->vk.vkCmdBindDescriptorSets (cam->commands->handle, VK_PIPELINE_BIND_POINT_COMPUTE, cam->pipeline->layout, 0,
                                      1, &cam->sets[target->level], 0, NULL);
  device->vk.vkCmdPushConstants (cam->commands->handle, cam->pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                 sizeof args, &args);
  device->vk.vkCmdDispatch (cam->commands->handle, 1, 1, 1);
  cbam_commands_barrier_all (cam->commands);
  return cbam_commands_end (cam->commands, error);
}

gboolean
cbam_grad_cam_run (CbamGradCam *cam, const CbamGradCamTarget *target, float *values, GError **error)
{
  const CbamValue *features = graph_of (cam)->levels[target->level].features;
  const gsize size = (gsize) features->width * features->height * sizeof (float);

  if (!record (cam, target, error) || !cbam_commands_submit (cam->commands, error) ||
      !cbam_commands_wait (cam->commands, error) || !cbam_buffer_invalidate (cam->output, 0, size, error))
    return FALSE;
  memcpy (values, cam->output->map, size);
  return TRUE;
}
