/* Frames that lie on the device, and a device that somebody else opened: the same answers as for copies of the same
 * pixels, whatever the format, the region and the layout that images are in.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/vulkan.h>
#include <string.h>

#include "compare.h"
#include "model.h"
#include "results.h"
#include "vk/commands.h"

#define WIDTH 90
#define HEIGHT 70
/* Of a frame so much larger than the network's input only what is sampled need be copied. */
#define LARGE_WIDTH 801
#define LARGE_HEIGHT 605
#define MAX_BYTES (LARGE_WIDTH * LARGE_HEIGHT * 4)

/* Somebody else's device, and how often it was locked and released. */
static CbamDevice *theirs;
static guint n_locked, n_unlocked, n_released;

/* The same through our own door. */
static CbamDevice *device;
static CbamModel *model;

typedef struct
{
  CbamFormat format;
  const char *name;
  guint n_planes;
  struct
  {
    VkFormat format;
    guint texel, sub;
  } planes[3];
} Form;

static const Form forms[] = {
  { CBAM_FORMAT_NV12, "NV12", 2, { { VK_FORMAT_R8_UNORM, 1, 1 }, { VK_FORMAT_R8G8_UNORM, 2, 2 } } },
  { CBAM_FORMAT_I420,
    "I420",
    3,
    { { VK_FORMAT_R8_UNORM, 1, 1 }, { VK_FORMAT_R8_UNORM, 1, 2 }, { VK_FORMAT_R8_UNORM, 1, 2 } } },
  { CBAM_FORMAT_RGBA, "RGBA", 1, { { VK_FORMAT_R8G8B8A8_UNORM, 4, 1 } } },
  { CBAM_FORMAT_BGRA, "BGRA", 1, { { VK_FORMAT_B8G8R8A8_UNORM, 4, 1 } } },
  { CBAM_FORMAT_RGBX, "RGBx", 1, { { VK_FORMAT_R8G8B8A8_UNORM, 4, 1 } } },
  { CBAM_FORMAT_BGRX, "BGRx", 1, { { VK_FORMAT_B8G8R8A8_UNORM, 4, 1 } } },
  { CBAM_FORMAT_GRAY8, "GRAY8", 1, { { VK_FORMAT_R8_UNORM, 1, 1 } } },
};

static void
on_lock (gpointer data)
{
  g_assert_true (data == &n_released);
  n_locked++;
}

static void
on_unlock (gpointer data)
{
  n_unlocked++;
}

static void
on_release (gpointer data)
{
  ++*(guint *) data;
}

static CbamVulkanHandles
their_handles (void)
{
  return (CbamVulkanHandles){
    .instance = theirs->instance,
    .physical_device = theirs->physical,
    .device = theirs->handle,
    .queue = theirs->queue,
    .queue_family = theirs->queue_family,
    .lock = on_lock,
    .unlock = on_unlock,
    .release = on_release,
    .data = &n_released,
  };
}

/* ---- An image, made as somebody else's upload makes it ---------------------------------------------------------- */

typedef struct
{
  VkImage handle;
  VkDeviceMemory memory;
} Image;

static void
assert_success (VkResult result)
{
  g_assert_cmpint (result, ==, VK_SUCCESS);
}

static guint32
any_memory_type (guint32 allowed)
{
  return (guint32) g_bit_nth_lsf (allowed, -1);
}

static Image
image_new (VkFormat format, guint width, guint height)
{
  const VkImageCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
    .imageType = VK_IMAGE_TYPE_2D,
    .format = format,
    .extent = { width, height, 1 },
    .mipLevels = 1,
    .arrayLayers = 1,
    .samples = VK_SAMPLE_COUNT_1_BIT,
    .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
  };
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryRequirements needs;
  Image image;

  assert_success (theirs->vk.vkCreateImage (theirs->handle, &create, NULL, &image.handle));
  theirs->vk.vkGetImageMemoryRequirements (theirs->handle, image.handle, &needs);
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex = any_memory_type (needs.memoryTypeBits);
  assert_success (theirs->vk.vkAllocateMemory (theirs->handle, &allocate, NULL, &image.memory));
  assert_success (theirs->vk.vkBindImageMemory (theirs->handle, image.handle, image.memory, 0));
  return image;
}

static void
image_clear (Image *image)
{
  theirs->vk.vkDestroyImage (theirs->handle, image->handle, NULL);
  theirs->vk.vkFreeMemory (theirs->handle, image->memory, NULL);
}

static void
record_layout (CbamCommands *commands, VkImage image, VkImageLayout from, VkImageLayout to)
{
  const VkImageMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
    .oldLayout = from,
    .newLayout = to,
    .image = image,
    .subresourceRange = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1 },
  };

  theirs->vk.vkCmdPipelineBarrier (commands->handle, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                                   0, NULL, 0, NULL, 1, &barrier);
}

/* Fills @image from tight rows and leaves it in @layout, without waiting. The caller frees the two. */
static void
image_fill (const Image *image, const guint8 *bytes, guint width, guint height, gsize size, VkImageLayout layout,
            CbamBuffer **ret_staging, CbamCommands **ret_commands)
{
  const VkBufferImageCopy copy = { .imageSubresource = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1 },
                                   .imageExtent = { width, height, 1 } };
  g_autoptr (GError) error = NULL;

  *ret_staging = cbam_buffer_new (theirs, CBAM_MEMORY_UPLOAD, size, &error);
  g_assert_no_error (error);
  memcpy ((*ret_staging)->map, bytes, size);
  g_assert_true (cbam_buffer_flush (*ret_staging, 0, size, &error));
  *ret_commands = cbam_commands_new (theirs, &error);
  g_assert_true (cbam_commands_begin (*ret_commands, &error));
  record_layout (*ret_commands, image->handle, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  theirs->vk.vkCmdCopyBufferToImage ((*ret_commands)->handle, (*ret_staging)->handle, image->handle,
                                     VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
  if (layout != VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL)
    record_layout (*ret_commands, image->handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, layout);
  g_assert_true (cbam_commands_end (*ret_commands, &error) && cbam_commands_submit (*ret_commands, &error));
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static CbamDetectParams
everything (const CbamRegion *region)
{
  CbamDetectParams params = { .threshold = -1, .top_k = CBAM_ALL, .max_detections = CBAM_ALL };

  params.region = *region;
  return params;
}

static CbamResult *
collect (CbamDetector *detector)
{
  g_autoptr (GError) error = NULL;
  CbamResult *result = cbam_detector_collect (detector, &error);

  g_assert_no_error (error);
  return result;
}

static void
assert_same (CbamResult *expected, CbamResult *found)
{
  gsize n, m;
  const CbamDetection *a = test_get_detections (expected, &n), *b = test_get_detections (found, &m);

  g_assert_cmpuint (n, >, 0);
  g_assert_cmpmem (a, n * sizeof *a, b, m * sizeof *b);
}

/* Submits a frame of noise, each turned another way, from the host, and then from images in @layout to a device that
 * binds @limit bytes; 0 = what it can. */
static void
compare_within (CbamDetector *detector, const Form *form, guint width, guint height, const CbamRegion *region,
                VkImageLayout layout, gsize limit)
{
  const gsize usual = device->caps.max_storage_range;
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  const CbamDetectParams params = everything (region);
  static guint n_frames;
  const CbamImage stored = {
    .format = form->format, .width = width, .height = height, .orientation = (CbamOrientation) (n_frames++ % 8)
  };
  CbamVulkanPlane planes[3];
  CbamVulkanFrame frame = { .image = &stored };
  CbamImage image = stored;
  Image images[3];
  CbamBuffer *staging[3];
  CbamCommands *commands[3];
  g_autoptr (CbamResult) expected = NULL, found = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (width);
  gsize offset = 0;

  for (guint i = 0; i < MAX_BYTES; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  for (guint p = 0; p < form->n_planes; p++) {
    const guint sub = form->planes[p].sub, columns = (width + sub - 1) / sub, rows = (height + sub - 1) / sub;
    const gsize size = (gsize) columns * rows * form->planes[p].texel;

    images[p] = image_new (form->planes[p].format, columns, rows);
    image_fill (&images[p], bytes + offset, columns, rows, size, layout, &staging[p], &commands[p]);
    planes[p] = (CbamVulkanPlane){ .image = images[p].handle,
                                   .layout = layout,
                                   .stages = VK_PIPELINE_STAGE_TRANSFER_BIT,
                                   .access = VK_ACCESS_TRANSFER_WRITE_BIT };
    frame.planes[p] = &planes[p];
    image.planes[p] = bytes + offset;
    offset += size;
  }

  g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
  expected = collect (detector);
  device->caps.max_storage_range = limit > 0 ? limit : usual;
  g_assert_true (cbam_detector_submit_vulkan (detector, &frame, &params, &error));
  g_assert_no_error (error);
  found = collect (detector);
  assert_same (expected, found);

  /* Once more, as the first time left it, and from the host again. */
  g_clear_pointer (&found, cbam_result_unref);
  for (guint p = 0; p < form->n_planes; p++) {
    planes[p].layout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    planes[p].access = VK_ACCESS_TRANSFER_READ_BIT;
  }
  g_assert_true (cbam_detector_submit_vulkan (detector, &frame, &params, &error));
  found = collect (detector);
  assert_same (expected, found);
  g_clear_pointer (&found, cbam_result_unref);
  g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
  found = collect (detector);
  assert_same (expected, found);
  device->caps.max_storage_range = usual;

  for (guint p = 0; p < form->n_planes; p++) {
    g_assert_true (cbam_commands_wait (commands[p], &error));
    cbam_commands_free (commands[p]);
    cbam_buffer_free (staging[p]);
    image_clear (&images[p]);
  }
}

static void
compare (CbamDetector *detector, const Form *form, guint width, guint height, const CbamRegion *region,
         VkImageLayout layout)
{
  compare_within (detector, form, width, height, region, layout, 0);
}

static CbamDetector *
detector_new (void)
{
  g_autoptr (GError) error = NULL;
  CbamDetector *detector = cbam_detector_new (model, NULL, &error);

  g_assert_no_error (error);
  return detector;
}

static void
test_formats (void)
{
  static const VkImageLayout layouts[] = { VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_GENERAL };
  g_autoptr (CbamDetector) detector = detector_new ();

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++) {
    g_test_message ("%s", forms[f].name);
    compare (detector, &forms[f], WIDTH, HEIGHT, &(CbamRegion){ 0 }, layouts[f % 2]);
    compare (detector, &forms[f], 33, 17, &(CbamRegion){ 0 }, layouts[(f + 1) % 2]);
  }
}

static void
test_regions (void)
{
  static const CbamRegion regions[] = { { 10, 20, 40, 30 }, { 11, 21, 39, 29 }, { 60, 50, 500, 500 } };
  g_autoptr (CbamDetector) detector = detector_new ();

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++)
    for (guint r = 0; r < G_N_ELEMENTS (regions); r++)
      compare (detector, &forms[f], WIDTH, HEIGHT, &regions[r], VK_IMAGE_LAYOUT_GENERAL);
}

/* Frames larger than what the device binds: by leaving out rows, columns, or both. */
static void
test_larger_than_a_binding (void)
{
  static const CbamRegion regions[] = { { 0 }, { 13, 7, 700, 590 } };
  static const gsize limits[] = { 700000, 500000, 150000 };
  g_autoptr (CbamDetector) detector = detector_new ();

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++)
    for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
      compare_within (detector, &forms[f], LARGE_WIDTH, LARGE_HEIGHT, &regions[(f + i) % 2], VK_IMAGE_LAYOUT_GENERAL,
                      limits[i]);
}

static void
test_errors (void)
{
  g_autoptr (CbamDetector) detector = detector_new ();
  g_autoptr (GError) error = NULL;
  CbamImage image = { .format = CBAM_FORMAT_YUY2, .width = 16, .height = 16 };
  CbamVulkanFrame frame = { .image = &image };

  g_assert_false (cbam_detector_submit_vulkan (detector, &frame, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  g_assert_nonnull (strstr (error->message, "YUY2"));
  g_clear_error (&error);
  image.format = CBAM_FORMAT_NV12;
  g_assert_false (cbam_detector_submit_vulkan (detector, &frame, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  g_clear_error (&error);
  image.width = 0;
  g_assert_false (cbam_detector_submit_vulkan (detector, &frame, NULL, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 2);
}

/* A caller that knows more members than the library may use them only where they say nothing. */
static void
test_sizes (void)
{
  static const char *const types[] = { "CbamVulkanHandles", "CbamVulkanFrame", "CbamVulkanPlane", "CbamImage" };
  g_autoptr (CbamDetector) detector = detector_new ();
  const guint before = n_released;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    struct
    {
      CbamVulkanHandles known;
      gsize more;
    } handles = { .known = their_handles (), .more = i == 0 };
    struct
    {
      CbamImage known;
      gsize more;
    } image = { .known = { .format = CBAM_FORMAT_GRAY8, .width = 16, .height = 16 }, .more = i == 3 };
    struct
    {
      CbamVulkanPlane known;
      gsize more;
    } plane = { .more = i == 2 };
    struct
    {
      CbamVulkanFrame known;
      gsize more;
    } frame = { .known = { .image = &image.known, .planes = { &plane.known } }, .more = i == 1 };
    g_autoptr (GError) error = NULL;

    handles.known.size = sizeof handles;
    image.known.size = sizeof image;
    plane.known.size = sizeof plane;
    frame.known.size = sizeof frame;
    if (i == 0)
      g_assert_null (cbam_device_adopt (&handles.known, &error));
    else
      g_assert_false (cbam_detector_submit_vulkan (detector, &frame.known, NULL, &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED);
    g_assert_true (g_str_has_prefix (error->message, types[i]));
  }
  g_assert_cmpuint (n_released, ==, before);
}

static void
test_sharing (void)
{
  CbamVulkanHandles handles = their_handles ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) again = cbam_device_adopt (&handles, &error), own = NULL;
  const guint before = n_released;

  g_assert_true (again == device);
  g_assert_cmpuint (n_released, ==, 1); /* by that; not by the first */
  g_assert_cmpstr (cbam_device_get_info (device)->name, ==, theirs->info.name);
  own = cbam_device_open (NULL, &error);
  g_assert_no_error (error);
  g_assert_true (own != device);

  handles.queue_family = 99;
  handles.queue = (VkQueue) &handles;
  g_assert_null (cbam_device_adopt (&handles, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE);
  g_assert_cmpuint (n_released, ==, before);
}

/* The device was handed over as made without 64-bit integers: no kernel has any, and the answers are those of a device
 * that has them. */
static void
test_without_int64 (void)
{
  static guint8 gray[48 * 40];
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 48, .height = 40, .planes = { gray } };
  const CbamDetectParams params = everything (&(CbamRegion){ 0 });
  const CbamPlan *plan = model->program->plan;
  const CbamModelConfig config = { .precision = CBAM_PRECISION_FP32 }; /* nor with 16-bit storage */
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) own = cbam_device_open (NULL, &error);
  g_autoptr (CbamModel) own_model =
      own != NULL ? cbam_model_load (own, g_getenv ("CBAM_TEST_MODEL"), &config, &error) : NULL;
  g_autoptr (CbamDetector) with = own_model != NULL ? cbam_detector_new (own_model, NULL, &error) : NULL;
  g_autoptr (CbamDetector) without = detector_new ();
  g_autoptr (CbamResult) expected = NULL, found = NULL;
  const CbamDetection *a, *b;
  gsize n, m;

  g_assert_no_error (error);
  for (guint i = 0; i < sizeof gray; i++)
    gray[i] = (guint8) (i * 37);
  g_assert_false (device->caps.int64);
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamShader *shader = cbam_variant_get_shader (plan->steps[s].variant, &device->caps);

    g_assert_cmpuint (cbam_shader_get_needs (shader).int_bits, ==, 32);
  }
  g_assert_true (cbam_detector_submit (with, &image, &params, &error));
  g_assert_true (cbam_detector_submit (without, &image, &params, &error));
  expected = collect (with);
  found = collect (without);
  a = test_get_detections (expected, &n);
  b = test_get_detections (found, &m);
  g_assert_cmpuint (n, ==, m);
  for (gsize i = 0; i < n; i++) { /* their labels are each model's own */
    g_assert_cmpuint (a[i].class_id, ==, b[i].class_id);
    g_assert_true (a[i].score == b[i].score && a[i].x == b[i].x && a[i].y == b[i].y && a[i].width == b[i].width &&
                   a[i].height == b[i].height);
  }
}

/* What others submitted behind our frames is done too. */
static void
test_idle (void)
{
  static const guint8 gray[16 * 16];
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 16, .height = 16, .planes = { gray } };
  g_autoptr (CbamDetector) detector = detector_new ();
  g_autoptr (GError) error = NULL;
  CbamCommands *commands = cbam_commands_new (theirs, &error);

  g_assert_no_error (error);
  g_assert_true (cbam_commands_begin (commands, &error));
  g_assert_true (cbam_commands_end (commands, &error));
  for (guint i = 0; i < 10; i++) {
    g_autoptr (CbamResult) first = NULL, second = NULL;

    g_assert_true (cbam_detector_submit (detector, &image, NULL, &error));
    g_assert_true (cbam_detector_submit (detector, &image, NULL, &error));
    g_assert_true (cbam_commands_submit (commands, &error));
    g_assert_true (cbam_device_wait_idle (device, &error));
    assert_success (theirs->vk.vkGetFenceStatus (theirs->handle, commands->fence));
    first = collect (detector);
    second = collect (detector);
    assert_same (first, second);
  }
  cbam_commands_free (commands);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  CbamVulkanHandles handles;
  int result;

  g_test_init (&argc, &argv, NULL);
  theirs = test_device_open (0);
  handles = their_handles ();
  device = cbam_device_adopt (&handles, &error);
  g_assert_no_error (error);
  model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/vulkan-frames/formats", test_formats);
  g_test_add_func ("/vulkan-frames/regions", test_regions);
  g_test_add_func ("/vulkan-frames/larger-than-a-binding", test_larger_than_a_binding);
  g_test_add_func ("/vulkan-frames/errors", test_errors);
  g_test_add_func ("/vulkan-frames/sizes", test_sizes);
  g_test_add_func ("/vulkan-frames/sharing", test_sharing);
  g_test_add_func ("/vulkan-frames/without-int64", test_without_int64);
  g_test_add_func ("/vulkan-frames/idle", test_idle);
  result = g_test_run ();

  cbam_model_unref (model);
  cbam_device_unref (device);
  g_assert_cmpuint (n_released, ==, 2);
  g_assert_cmpuint (n_locked, >, 0);
  g_assert_cmpuint (n_locked, ==, n_unlocked);
  cbam_device_unref (theirs);
  return result;
}
