/* What kernels ask of a device: their tables against the code of their shaders, every op on a device that has only what
 * Vulkan promises, and refusals that name both numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "compare.h"
#include "model.h"
#include "ops/attend.h"
#include "ops/cbam.h"
#include "ops/shaders.h"
#include "random-source.h"
#include "results.h"
#include "run/vulkan/program.h"
#include "vk/device-list.h"
#include "vk/memory.h"

/* ---- The tables ------------------------------------------------------------------------------------------------- */

/* Calls @check for every shader that any variant runs. */
static void
for_each_shader (void (*check) (const CbamOpVariant *variant, const CbamShader *shader))
{
  for (guint o = 0; cbam_ops[o] != NULL; o++)
    for (guint v = 0; v < cbam_ops[o]->n_variants; v++) {
      const CbamOpVariant *variant = &cbam_ops[o]->variants[v];
      const CbamShader *shaders[] = { variant->shader, variant->narrow, variant->thin };

      for (guint i = 0; i < G_N_ELEMENTS (shaders); i++) {
        g_test_message ("%s %s: %s", cbam_ops[o]->name, variant->name, shaders[i] != NULL ? shaders[i]->name : "none");
        if (shaders[i] != NULL)
          check (variant, shaders[i]);
      }
    }
}

static void
check_table (const CbamOpVariant *variant, const CbamShader *shader)
{
  const CbamShaderNeeds needs = cbam_shader_get_needs (shader);
  g_assert_cmpint (needs.storage_texels > 0, ==, (variant->needs & CBAM_NEED_TEXELS) != 0);
  g_assert_cmpint (needs.halves, ==, cbam_variant_get_type (variant) == CBAM_TYPE_F16);
  g_assert_cmpuint (needs.invocations, >, 0);
  if (needs.shuffles)
    g_assert_true (variant->needs & CBAM_NEED_SUBGROUP_8);
  g_assert_true (needs.int_bits == (shader == variant->shader && variant->narrow ? 64 : 32));
  g_assert_cmpuint (needs.bindings, ==, needs.storage_buffers + needs.storage_texels);
}

static void
test_tables (void)
{
  for_each_shader (check_table);
}

/* By hand, of shaders as they are written. */
static void
test_known_shaders (void)
{
  const CbamShaderNeeds shared = cbam_shader_get_needs (&cbam_shader_conv_tile_64x64x1_sum);
  const CbamShaderNeeds cbam = cbam_shader_get_needs (&cbam_shader_cbam_plain);
  const CbamShaderNeeds texel = cbam_shader_get_needs (&cbam_shader_conv_texel_48x4x1);

  g_assert_cmpuint (shared.storage_buffers, ==, 4);
  g_assert_cmpuint (shared.invocations, ==, 64);
  g_assert_cmpuint (shared.shared, ==, 2 * 4 * (64 + 4 + 64) * 4);
  g_assert_cmpuint (cbam.storage_buffers, ==, 5);
  g_assert_cmpuint (cbam.shared, ==, 256 * 16 + 256 * 16 + 128 * 4 + 2 * 512 * 4);
  g_assert_cmpuint (texel.storage_texels, ==, 2);
  g_assert_cmpuint (texel.storage_buffers, ==, 1);
  g_assert_cmpuint (texel.bindings, ==, 3);
  g_assert_cmphex (texel.texels, ==, 3); /* map and weights */
  g_assert_cmphex (shared.texels, ==, 0);
  g_assert_cmpuint (texel.int_bits, ==, 64);
  g_assert_true (texel.shuffles);
}

static const CbamShader *const all_shaders[] = {
#define CBAM_SHADER(shader) &cbam_shader_##shader,
#include "shaders-list.h"
#undef CBAM_SHADER
};

/* All shaders of the library, those that no table names too. */
static void
test_all_but_one_run_everywhere (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_shaders); s++) {
    const CbamShaderNeeds needs = cbam_shader_get_needs (all_shaders[s]);
    CbamShortage shortage;

    if (needs.storage_texels > 0 || needs.halves)
      continue; /* for devices that have more */
    if (cbam_shader_fits (all_shaders[s], 128, &cbam_least_caps, &shortage))
      continue;
    if (g_str_has_prefix (all_shaders[s]->name, "conv_tile_") &&
        !g_str_has_prefix (all_shaders[s]->name, "conv_tile_64x64x1"))
      continue; /* larger tiles than every device has room for */
    /* Without it CBAM stays four dispatches. */
    g_assert_cmpstr (all_shaders[s]->name, ==, "cbam_plain");
    g_assert_cmpstr (shortage.what, ==, "storage buffers");
    g_assert_cmpuint (shortage.needed, ==, 5);
    g_assert_cmpuint (shortage.there, ==, 4);
  }
  for (guint o = 0; cbam_ops[o] != NULL; o++)
    if (cbam_ops[o]->n_variants > 0)
      g_assert_cmpint (cbam_op_runs (cbam_ops[o], CBAM_TYPE_F32, &cbam_least_caps), ==, cbam_ops[o] != &cbam_op_cbam);
  g_assert_false (cbam_plan_get_fusions (&cbam_least_caps, CBAM_PRECISION_FP32) & CBAM_FUSE_CBAM);
  g_assert_true (cbam_plan_get_fusions (&cbam_least_caps, CBAM_PRECISION_FP32) & CBAM_FUSE_CHANNEL_GATE);
}

/* ---- Refusals --------------------------------------------------------------------------------------------------- */

/* A limit lowered under what every device has: no plan, and why in numbers. */
static void
test_refusals (void)
{
  static const struct
  {
    gsize offset;
    guint32 there;
    const char *says;
  } rows[] = {
    { G_STRUCT_OFFSET (CbamDeviceCaps, max_storage_buffers), 3, "needs 4 storage buffers, the device has 3" },
    { G_STRUCT_OFFSET (CbamDeviceCaps, max_bindings), 2, "needs 3 bindings, the device has 2" },
    { G_STRUCT_OFFSET (CbamDeviceCaps, max_invocations), 63, "needs 64 invocations in a workgroup, the device has 63" },
    { G_STRUCT_OFFSET (CbamDeviceCaps, max_shared), 4223, "needs 4224 bytes of shared memory, the device has 4223" },
    { G_STRUCT_OFFSET (CbamDeviceCaps, max_push), 59, "bytes of push constants, the device has 59" },
    { G_STRUCT_OFFSET (CbamDeviceCaps, max_groups), 1, "workgroups along axis 0; this device runs at most 1" },
  };
  g_autoptr (CbamDevice) device = test_device_open (CBAM_DEBUG_LEAST | CBAM_DEBUG_PLAIN);
  const CbamDeviceCaps usual = device->caps;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    CbamModel *model;

    G_STRUCT_MEMBER (guint32, &device->caps, rows[i].offset) = rows[i].there;
    model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
    g_assert_null (model);
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
    if (!strstr (error->message, rows[i].says))
      g_error ("expected \"%s\", found \"%s\"", rows[i].says, error->message);
    device->caps = usual;
  }
}

/* Self-attention over so many places that a kernel would need more turns of its loops than it may take. */
static void
test_too_many_places (void)
{
  static const char *const names[] = { "queries", "keys", "values" };
  const CbamPlanConfig config = { 0 };
  g_autoptr (CbamDevice) device = test_device_open (0);
  g_autoptr (CbamProgram) program = NULL;
  g_autoptr (GError) error = NULL;
  CbamValue *maps[3];
  RandomSource source;
  CbamGraph *graph;

  random_source_init (&source, 1);
  graph = cbam_graph_new (&source.source);
  for (guint i = 0; i < 3; i++)
    maps[i] = cbam_graph_input (graph, names[i], 256, 256, 1);
  cbam_graph_attend (graph, "wide", maps[0], maps[1], maps[2]);
  random_source_clear (&source);
  program = cbam_program_new (device, graph, &config, &error);
  g_assert_null (program);
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
  g_assert_cmpstr (error->message, ==, "wide: no kernel of attend runs on this device");
}

/* Memory that a device has no more room for is an error with both numbers, and what is given back counts. */
static void
test_allocations (void)
{
  g_autoptr (CbamDevice) device = test_device_open (0);
  g_autoptr (GError) error = NULL;
  CbamBuffer *first, *second;

  device->caps.max_allocations = 1;
  first = cbam_buffer_new (device, CBAM_MEMORY_UPLOAD, 16, &error);
  g_assert_no_error (error);
  g_assert_null (cbam_buffer_new (device, CBAM_MEMORY_UPLOAD, 16, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY);
  g_assert_nonnull (strstr (error->message, "1 allocations of memory are in use; the device has at most 1"));
  g_clear_error (&error);
  cbam_buffer_free (first);
  second = cbam_buffer_new (device, CBAM_MEMORY_UPLOAD, 16, &error);
  g_assert_no_error (error);
  cbam_buffer_free (second);
}

/* ---- Families --------------------------------------------------------------------------------------------------- */

static CbamModel *
load (CbamDevice *device)
{
  const CbamModelConfig config = { .precision = CBAM_PRECISION_FP32 };
  g_autoptr (GError) error = NULL;
  CbamModel *model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), &config, &error);

  g_assert_no_error (error);
  return model;
}

/* The plan's own summary, which says what becomes of a device's lacking something. */
static void
test_families (void)
{
  g_autoptr (CbamDevice) device = test_device_open (0), plain = test_device_open (CBAM_DEBUG_PLAIN);
  g_autoptr (CbamDevice) least = test_device_open (CBAM_DEBUG_LEAST);
  g_autoptr (CbamModel) on_plain = load (plain), on_least = load (least);

  g_assert_cmpstr (cbam_model_get_info (on_plain)->kernels, ==, "plain");
  g_assert_cmpstr (cbam_model_get_info (on_least)->kernels, ==, "texel and plain"); /* small maps fit in 65536 texels */
  if (device->caps.is_cpu && device->caps.subgroup_size == 8 && device->caps.int64) {
    g_autoptr (CbamModel) texel = load (device);

    g_assert_cmpstr (cbam_model_get_info (texel)->kernels, ==, "texel");
    g_clear_pointer (&texel, cbam_model_unref);
    device->caps.int64 = FALSE;
    texel = load (device);
    g_assert_cmpstr (cbam_model_get_info (texel)->kernels, ==, "texel, without 64-bit integers");
    g_clear_pointer (&texel, cbam_model_unref);
    device->caps.subgroup_size = 4;
    texel = load (device);
    g_assert_cmpstr (cbam_model_get_info (texel)->kernels, ==, "texel and plain");
  }
}

/* ---- Devices ---------------------------------------------------------------------------------------------------- */

static PFN_vkGetPhysicalDeviceProperties real_properties;

static VKAPI_ATTR void VKAPI_CALL
old_properties (VkPhysicalDevice device, VkPhysicalDeviceProperties *properties)
{
  real_properties (device, properties);
  properties->apiVersion = VK_API_VERSION_1_0;
}

/* Devices of Vulkan 1.0 are not offered, whatever the instance knows; the message says that they are there. */
static void
test_old_devices (void)
{
  g_autoptr (GError) error = NULL;
  VkInstance instance = cbam_vk_instance_new (0, NULL, &error);
  g_autoptr (CbamDeviceList) usual = NULL, old = NULL;
  guint index;

  g_assert_no_error (error);
  usual = cbam_device_list_of (instance, NULL, FALSE, &error);
  g_assert_cmpuint (cbam_device_list_size (usual), >, 0);
  real_properties = vkGetPhysicalDeviceProperties;
  vkGetPhysicalDeviceProperties = old_properties;
  old = cbam_device_list_of (instance, NULL, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cbam_device_list_size (old), ==, 0);
  g_assert_false (cbam_device_list_choose (old, NULL, &index, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE);
  g_assert_nonnull (strstr (error->message, "too old, 1.1 is needed: 0 \""));
  g_assert_nonnull (strstr (error->message, "(Vulkan 1.0)"));
  vkGetPhysicalDeviceProperties = real_properties;
  cbam_vk_instance_free (instance, VK_NULL_HANDLE);
}

/* What a device with nothing more than promised finds is what the others find. */
static void
test_least_device (void)
{
  static guint8 bytes[3 * 200 * 150];
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = 200, .height = 150, .planes = { bytes } };
  const CbamDebugFlags ways[] = { 0, CBAM_DEBUG_LEAST, CBAM_DEBUG_LEAST | CBAM_DEBUG_PLAIN };
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  g_autoptr (CbamResult) expected = NULL;

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamDevice) device = test_device_open (ways[i]);
    g_autoptr (CbamModel) model = load (device);
    g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, &error);
    const CbamDetectParams params = { .threshold = -1 };
    const CbamDetection *a, *b;
    g_autoptr (CbamResult) found = NULL;
    gsize n, m;

    g_assert_no_error (error);
    if (ways[i] & CBAM_DEBUG_LEAST) /* which are maps' texels, not those of frames */
      g_assert_cmpuint (cbam_program_get_pixels_limit (model->program), ==, 1u << 27);
    g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
    found = cbam_detector_collect (detector, &error);
    g_assert_no_error (error);
    if (expected == NULL)
      expected = cbam_result_ref (found);
    a = test_get_detections (expected, &n);
    b = test_get_detections (found, &m);
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpuint (m, >, 0);
    g_assert_cmpfloat_with_epsilon (a[0].score, b[0].score, 1e-4);
    g_assert_cmpfloat_with_epsilon (cbam_result_get_best_score (expected), cbam_result_get_best_score (found), 1e-4);
    g_assert_cmpuint (a[0].class_id, ==, b[0].class_id);
    g_assert_cmpfloat_with_epsilon (a[0].x, b[0].x, 0.05);
    g_assert_cmpfloat_with_epsilon (a[0].width, b[0].width, 0.05);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/needs/tables", test_tables);
  g_test_add_func ("/needs/known-shaders", test_known_shaders);
  g_test_add_func ("/needs/all-but-one-run-everywhere", test_all_but_one_run_everywhere);
  g_test_add_func ("/needs/refusals", test_refusals);
  g_test_add_func ("/needs/too-many-places", test_too_many_places);
  g_test_add_func ("/needs/allocations", test_allocations);
  g_test_add_func ("/needs/families", test_families);
  g_test_add_func ("/needs/old-devices", test_old_devices);
  g_test_add_func ("/needs/least-device", test_least_device);
  return g_test_run ();
}
