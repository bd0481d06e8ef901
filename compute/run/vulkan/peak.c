/* The multiply-add peak that a driver's own code reaches: the yardstick of the bench's shares.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/peak.h"

#include "ops/shaders.h"
#include "run/vulkan/private.h"
#include "vk/commands.h"
#include "vk/pipeline.h"

#define SAMPLES 9

#define KERNEL(accumulators, unroll)                                                                                   \
  {                                                                                                                    \
    &cbam_shader_peak_##accumulators##x##unroll, accumulators, unroll                                                  \
  }

static const struct
{
  const CbamShader *shader;
  guint accumulators, unroll;
} kernels[] = { CBAM_PEAK_TILES (KERNEL) };

typedef struct
{
  CbamDevice *device;
  CbamBuffer *output;
  CbamCommands *commands;
  guint groups;
  double total_steps; /* multiply-adds per chain and invocation */
} Peak;

static gboolean
record (Peak *peak, const CbamPipeline *pipeline, VkDescriptorSet set, const CbamPeakArgs *args, GError **error)
{
  CbamDevice *device = peak->device;
  VkCommandBuffer commands = peak->commands->handle;

  if (!cbam_commands_begin (peak->commands, error))
    return FALSE;
  device->vk.vkCmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
  device->vk.vkCmdBindDescriptorSets (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1, &set, 0, NULL);
  device->vk.vkCmdPushConstants (commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof *args, args);
  device->vk.vkCmdDispatch (commands, peak->groups, 1, 1);
  return cbam_commands_end (peak->commands, error);
}

/* The best of several runs of what is recorded, in multiply-adds per second. */
static gboolean
sample (Peak *peak, double multiply_adds, double *ret_rate, GError **error)
{
  for (guint i = 0; i < SAMPLES; i++) {
    const gint64 start = g_get_monotonic_time ();
    double seconds;

    if (!cbam_commands_submit (peak->commands, error) || !cbam_commands_wait (peak->commands, error))
      return FALSE;
    seconds = MAX (1, g_get_monotonic_time () - start) * 1e-6;
    if (i > 0) /* the first one compiles */
      *ret_rate = MAX (*ret_rate, multiply_adds / seconds);
  }
  return TRUE;
}

static gboolean
measure (Peak *peak, guint k, double *ret_rate, GError **error)
{
  CbamDevice *device = peak->device;
  const VkDescriptorType type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  const CbamPipelineForm form = {
    .shader = kernels[k].shader, .bindings = &type, .n_bindings = 1, .push_size = sizeof (CbamPeakArgs)
  };
  const CbamPipeline *pipeline = cbam_device_get_pipeline (device, &form, error);
  const VkDescriptorPoolSize size = { type, 1 };
  const VkDescriptorPoolCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size
  };
  const CbamPeakArgs args = { .turns = (uint) (peak->total_steps / kernels[k].unroll), .factor = 0.75f, .term = 0.5f };
  const VkDescriptorBufferInfo buffer = { peak->output->handle, 0, VK_WHOLE_SIZE };
  const double multiply_adds =
      (double) args.turns * kernels[k].unroll * kernels[k].accumulators * peak->groups * CBAM_THREADS;
  VkDescriptorPool pool;
  VkDescriptorSet set;
  gboolean ok;

  if (pipeline == NULL || !cbam_device_make (device, vkCreateDescriptorPool, &create, &pool, error))
    return FALSE;
  const VkDescriptorSetAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
    .descriptorPool = pool,
    .descriptorSetCount = 1,
    .pSetLayouts = &pipeline->set_layout,
  };
  ok = cbam_device_check (device, device->vk.vkAllocateDescriptorSets (device->handle, &allocate, &set),
                          "vkAllocateDescriptorSets", error);
  if (ok) {
    const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .dstSet = set,
      .descriptorCount = 1,
      .descriptorType = type,
      .pBufferInfo = &buffer,
    };

    device->vk.vkUpdateDescriptorSets (device->handle, 1, &write, 0, NULL);
    ok = record (peak, pipeline, set, &args, error) && sample (peak, multiply_adds, ret_rate, error);
  }
  if (!cbam_device_is_hung (device))
    device->vk.vkDestroyDescriptorPool (device->handle, pool, NULL);
  return ok;
}

gboolean
cbam_vulkan_measure_peak (CbamDevice *device, CbamPrecision precision, double *gflops, GError **error)
{
  /* Some 20 ms a run at 50 GFLOP/s, or at 20 TFLOP/s. */
  const gboolean is_cpu = device->caps.is_cpu;
  Peak peak = { .device = device, .groups = is_cpu ? 64 : 4096, .total_steps = is_cpu ? 8192 : 32768 };
  double rate = 0;
  gboolean ok = TRUE;

  peak.output =
      cbam_buffer_new (device, CBAM_MEMORY_DEVICE, (gsize) peak.groups * CBAM_THREADS * sizeof (float), error);
  peak.commands = peak.output != NULL ? cbam_commands_new (device, error) : NULL;
  ok = peak.commands != NULL;
  for (guint k = 0; ok && k < G_N_ELEMENTS (kernels); k++)
    ok = measure (&peak, k, &rate, error);
  cbam_commands_free (peak.commands);
  cbam_buffer_free (peak.output);
  *gflops = 2 * rate * 1e-9;
  return ok;
}
