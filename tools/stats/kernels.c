/* Compiles kernels and asks VK_KHR_pipeline_executable_properties what became of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kernels.h"

#include "ops/conv-tile.h"
#include "vk/pipeline.h"

/* By the names that RADV gives them. */
static const struct
{
  const char *name;
  gsize offset;
} statistics[] = {
  { "VGPRs", G_STRUCT_OFFSET (KernelStatistics, vgprs) },
  { "SGPRs", G_STRUCT_OFFSET (KernelStatistics, sgprs) },
  { "Subgroups per SIMD", G_STRUCT_OFFSET (KernelStatistics, subgroups) },
  { "LDS size", G_STRUCT_OFFSET (KernelStatistics, lds) },
  { "Spilled VGPRs", G_STRUCT_OFFSET (KernelStatistics, spilled_vgprs) },
  { "Spilled SGPRs", G_STRUCT_OFFSET (KernelStatistics, spilled_sgprs) },
  { "Scratch size", G_STRUCT_OFFSET (KernelStatistics, scratch) },
  { "Code size", G_STRUCT_OFFSET (KernelStatistics, code_size) },
};

/* A compute pipeline has one executable. */
static VkPipelineExecutableInfoKHR
executable_of (const CbamPipeline *pipeline)
{
  return (VkPipelineExecutableInfoKHR){ .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                        .pipeline = pipeline->handle };
}

static gboolean
ask_lanes (const CbamPipeline *pipeline, guint *ret_lanes, GError **error)
{
  const VkPipelineInfoKHR info = { .sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline->handle };
  VkPipelineExecutablePropertiesKHR properties = {
    .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR,
  };
  CbamDevice *device = pipeline->device;
  guint32 n = 1;

  if (!cbam_device_check (device,
                          device->vk.vkGetPipelineExecutablePropertiesKHR (device->handle, &info, &n, &properties),
                          "vkGetPipelineExecutablePropertiesKHR", error))
    return FALSE;
  *ret_lanes = properties.subgroupSize;
  return TRUE;
}

static const VkPipelineExecutableStatisticKHR *
find_statistic (const VkPipelineExecutableStatisticKHR *there, guint32 n, const char *name)
{
  for (guint32 i = 0; i < n; i++)
    if (g_str_equal (there[i].name, name))
      return &there[i];
  return NULL;
}

static gboolean
ask_statistics (const CbamPipeline *pipeline, KernelStatistics *ret_statistics, GError **error)
{
  const VkPipelineExecutableInfoKHR info = executable_of (pipeline);
  VkPipelineExecutableStatisticKHR there[64];
  CbamDevice *device = pipeline->device;
  guint32 n = G_N_ELEMENTS (there);

  for (guint i = 0; i < n; i++)
    there[i] = (VkPipelineExecutableStatisticKHR){ .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR };
  if (!cbam_device_check (device, device->vk.vkGetPipelineExecutableStatisticsKHR (device->handle, &info, &n, there),
                          "vkGetPipelineExecutableStatisticsKHR", error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (statistics); i++) {
    const VkPipelineExecutableStatisticKHR *statistic = find_statistic (there, n, statistics[i].name);

    if (statistic == NULL) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "expected a statistic \"%s\" of the driver, found none",
                   statistics[i].name);
      return FALSE;
    }
    G_STRUCT_MEMBER (guint64, ret_statistics, statistics[i].offset) = statistic->value.u64;
  }
  return TRUE;
}

/* The last of a pipeline's representations; the ones before it are the compiler's own. */
static char *
ask_machine_code (const CbamPipeline *pipeline, GError **error)
{
  const VkPipelineExecutableInfoKHR info = executable_of (pipeline);
  VkPipelineExecutableInternalRepresentationKHR there[16];
  CbamDevice *device = pipeline->device;
  guint32 n = G_N_ELEMENTS (there);

  for (guint i = 0; i < n; i++)
    there[i] = (VkPipelineExecutableInternalRepresentationKHR){
      .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR,
    };
  if (!cbam_device_check (
          device, device->vk.vkGetPipelineExecutableInternalRepresentationsKHR (device->handle, &info, &n, there),
          "vkGetPipelineExecutableInternalRepresentationsKHR", error))
    return NULL;
  if (n == 0 || !g_str_equal (there[n - 1].name, "Assembly")) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "expected the driver's representation \"Assembly\", found %s", n == 0 ? "none" : there[n - 1].name);
    return NULL;
  }
  g_autofree char *text = g_malloc0 (there[n - 1].dataSize + 1);
  there[n - 1].pData = text;
  for (guint i = 0; i + 1 < n; i++)
    there[i].dataSize = 0;
  if (!cbam_device_check (
          device, device->vk.vkGetPipelineExecutableInternalRepresentationsKHR (device->handle, &info, &n, there),
          "vkGetPipelineExecutableInternalRepresentationsKHR", error))
    return NULL;
  return g_steal_pointer (&text);
}

gboolean
kernel_compile (CbamDevice *device, const CbamOpClass *op, const CbamOpVariant *variant, const CbamShader *shader,
                guint32 constant, Kernel *ret_kernel, GError **error)
{
  const CbamShaderNeeds needs = cbam_shader_get_needs (shader);
  const gboolean is_tile = variant->packing == &cbam_conv_tile_packing;
  VkDescriptorType types[CBAM_MAX_BINDINGS];

  for (guint b = 0; b < needs.bindings; b++)
    types[b] = needs.texels >> b & 1 ? VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  const CbamPipelineForm form = {
    .shader = shader,
    .bindings = types,
    .n_bindings = needs.bindings,
    .push_size = variant->args_size,
    .constant = constant,
  };
  const CbamPipeline *pipeline = cbam_device_get_pipeline (device, &form, error);
  if (pipeline == NULL)
    return FALSE;
  *ret_kernel = (Kernel){
    .op = op->name,
    .variant = variant->name,
    .shader = shader->name,
    .convolves = cbam_conv_is_any (&(CbamNode){ .op = op }),
    .sums = is_tile ? cbam_conv_tile_sums (variant) : 0,
    .slices = is_tile ? variant->tile[2] : 1,
  };
  g_autofree char *text = ask_machine_code (pipeline, error);
  if (text != NULL && ask_lanes (pipeline, &ret_kernel->lanes, error) &&
      ask_statistics (pipeline, &ret_kernel->statistics, error) && code_read (text, &ret_kernel->code, error))
    return TRUE;
  g_prefix_error (error, "%s %s: ", op->name, variant->name);
  return FALSE;
}

GArray *
kernels_compile (CbamDevice *device, GError **error)
{
  g_autoptr (GArray) kernels = g_array_new (FALSE, FALSE, sizeof (Kernel));

  for (guint o = 0; cbam_ops[o] != NULL; o++)
    for (guint v = 0; v < cbam_ops[o]->n_variants; v++) {
      const CbamOpVariant *variant = &cbam_ops[o]->variants[v];
      const CbamShader *shaders[] = { cbam_variant_get_shader (variant, &device->caps), variant->thin };
      CbamShortage unused;
      Kernel kernel;

      if (!cbam_variant_runs (variant, &device->caps, &unused))
        continue;
      for (guint s = 0; s < G_N_ELEMENTS (shaders) && shaders[s] != NULL; s++) {
        if (!kernel_compile (device, cbam_ops[o], variant, shaders[s], 0, &kernel, error))
          return NULL;
        g_array_append_val (kernels, kernel);
      }
    }
  return g_steal_pointer (&kernels);
}
