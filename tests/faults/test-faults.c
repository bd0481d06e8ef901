/* Everything that the library asks of Vulkan fails once: each failure is one error that names the call, nothing leaks,
 * nothing hangs, and the next run finds what it found before.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/profile.h>
#include <cbamdetect/vulkan.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "vk/commands.h"
#include "walk.h"

#define PAGE 4096
#define SMALL 16
#define LARGE 64
#define LARGE_BYTES ((gsize) LARGE * LARGE * 4)

static const Faults *faults;
static gboolean whole; /* every result, and a good run after each failure */

static guint8 *pixels; /* noise, on a page of its own */

/* What walks stand on, and keep while it is sound. */
static CbamDevice *device;
static CbamModel *model;
static CbamDetector *detector;

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static CbamImage
make_image (guint size, gboolean lasting)
{
  return (
      CbamImage){ .format = CBAM_FORMAT_RGBA, .width = size, .height = size, .planes = { pixels }, .lasting = lasting };
}

static CbamDetectParams
make_params (guint grad_cam)
{
  CbamDetectParams params = { 0 };

  params.threshold = 0.5f;
  params.grad_cam = grad_cam;
  return params;
}

/* Every bit of a result. */
static void
describe (const CbamResult *result, GString *seen)
{
  gsize n;
  const CbamDetection *d = test_get_detections (result, &n);

  for (gsize i = 0; i < n; i++) {
    const CbamMap *map = cbam_result_get_grad_cam (result, i);
    double sum = 0;

    for (guint c = 0; map != NULL && c < map->width * map->height; c++)
      sum += map->values[c];
    g_string_append_printf (seen, "%s %a at %a %a, %a x %a, %a\n", d[i].label, d[i].score, d[i].x, d[i].y, d[i].width,
                            d[i].height, sum);
  }
  g_string_append_printf (seen, "%" G_GSIZE_FORMAT " objects\n", n);
  g_assert_cmpuint (n, >, 0);
}

static gboolean
collect (CbamDetector *from, GString *seen, GError **error)
{
  g_autoptr (CbamResult) result = cbam_detector_collect (from, error);

  if (result != NULL)
    describe (result, seen);
  return result != NULL;
}

/* Nothing in flight is left behind, and after one failure nothing else fails but with the device. */
static void
collect_rest (CbamDetector *from)
{
  for (;;) {
    g_autoptr (GError) error = NULL;
    G_GNUC_UNUSED g_autoptr (CbamResult) result = cbam_detector_collect (from, &error);

    if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_EMPTY))
      return;
    if (!g_error_matches (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT) &&
        !g_error_matches (error, CBAM_ERROR, CBAM_ERROR_DEVICE_LOST))
      g_assert_no_error (error);
  }
}

/* ---- A device of somebody else's --------------------------------------------------------------------------------- */

/* Theirs, and ours in its place. */
static CbamDevice *theirs, *adopted;
static GSList *abandoned; /* theirs that hang */
static VkImage their_image;
static VkDeviceMemory their_memory;

static void
drop_theirs (void)
{
  if (adopted != NULL && cbam_device_is_hung (adopted)) /* which they do not know */
    abandoned = g_slist_prepend (abandoned, g_steal_pointer (&theirs));
  g_clear_pointer (&adopted, cbam_device_unref);
  if (theirs != NULL && their_image != NULL) {
    theirs->vk.vkDestroyImage (theirs->handle, their_image, NULL);
    theirs->vk.vkFreeMemory (theirs->handle, their_memory, NULL);
  }
  their_image = VK_NULL_HANDLE;
  g_clear_pointer (&theirs, cbam_device_unref);
}

static void
make_image_of_theirs (void)
{
  const VkImageCreateInfo create = {
    .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
    .imageType = VK_IMAGE_TYPE_2D,
    .format = VK_FORMAT_R8G8B8A8_UNORM,
    .extent = { LARGE, LARGE, 1 },
    .mipLevels = 1,
    .arrayLayers = 1,
    .samples = VK_SAMPLE_COUNT_1_BIT,
    .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
  };
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryRequirements needs;
  VkResult result = theirs->vk.vkCreateImage (theirs->handle, &create, NULL, &their_image);

  g_assert_cmpint (result, ==, VK_SUCCESS);
  theirs->vk.vkGetImageMemoryRequirements (theirs->handle, their_image, &needs);
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex = (guint32) g_bit_nth_lsf (needs.memoryTypeBits, -1);
  result = theirs->vk.vkAllocateMemory (theirs->handle, &allocate, NULL, &their_memory);
  g_assert_cmpint (result, ==, VK_SUCCESS);
  result = theirs->vk.vkBindImageMemory (theirs->handle, their_image, their_memory, 0);
  g_assert_cmpint (result, ==, VK_SUCCESS);
}

/* Red all over, in the layout that frames come in. */
static void
clear_image_of_theirs (void)
{
  const VkClearColorValue red = { .float32 = { 1, 0, 0, 1 } };
  const VkImageSubresourceRange all = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1 };
  const VkImageMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
    .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
    .newLayout = VK_IMAGE_LAYOUT_GENERAL,
    .image = their_image,
    .subresourceRange = all,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamCommands) commands = cbam_commands_new (theirs, &error);

  g_assert_true (commands && cbam_commands_begin (commands, &error));
  theirs->vk.vkCmdPipelineBarrier (commands->handle, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                   0, 0, NULL, 0, NULL, 1, &barrier);
  theirs->vk.vkCmdClearColorImage (commands->handle, their_image, VK_IMAGE_LAYOUT_GENERAL, &red, 1, &all);
  cbam_commands_barrier_all (commands);
  g_assert_true (cbam_commands_end (commands, &error) && cbam_commands_submit (commands, &error) &&
                 cbam_commands_wait (commands, &error));
}

/* ---- What walks stand on ----------------------------------------------------------------------------------------- */

static void
drop_detector (void)
{
  g_clear_pointer (&detector, cbam_detector_unref);
}

static void
drop_all (void)
{
  drop_detector ();
  g_clear_pointer (&model, cbam_model_unref);
  g_clear_pointer (&device, cbam_device_unref);
  drop_theirs ();
}

/* Everything is gone, but for what hangs. */
static void
assert_nothing_alive (void)
{
  g_autofree char *alive = faults->list_alive ();
  g_autofree char *complaints = faults->get_complaints ();

  g_assert_cmpstr (alive, ==, "");
  g_assert_cmpstr (complaints, ==, NULL);
}

static void
prepare_model_with (CbamDebugFlags debug)
{
  g_autoptr (GError) error = NULL;

  if (device != NULL && !cbam_device_is_parked (device) && device->debug == (debug | CBAM_DEBUG_NO_HOST))
    return;
  drop_all ();
  assert_nothing_alive ();
  device = cbam_device_open_with (NULL, debug | CBAM_DEBUG_NO_HOST, &error);
  g_assert_no_error (error);
  model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  g_assert_no_error (error);
}

static void
prepare_model (void)
{
  prepare_model_with (0);
}

static void
prepare_staging_model (void)
{
  prepare_model_with (CBAM_DEBUG_NONCOHERENT | CBAM_DEBUG_STAGING);
}

/* The plain kernels compile in a quarter of the time, and are made by the same calls. */
static void
prepare_load (void)
{
  drop_all ();
  if (!whole)
    g_setenv ("CBAM_DEBUG", "plain", TRUE);
}

static void
finish_load (void)
{
  g_unsetenv ("CBAM_DEBUG");
}

static void
prepare_detector (void)
{
  g_autoptr (GError) error = NULL;

  prepare_model ();
  detector = cbam_detector_new (model, NULL, &error);
  g_assert_no_error (error);
}

static void
prepare_staging_detector (void)
{
  g_autoptr (GError) error = NULL;

  prepare_staging_model ();
  detector = cbam_detector_new_profiled (model, NULL, &error);
  g_assert_no_error (error);
}

/* ---- What is walked ---------------------------------------------------------------------------------------------- */

static gboolean
run_list (GString *seen, GError **error)
{
  g_autoptr (CbamDeviceList) list = cbam_device_list_new (error);

  for (guint i = 0; list != NULL && i < cbam_device_list_size (list); i++)
    g_string_append_printf (seen, "%s\n", cbam_device_list_get (list, i)->name);
  return list != NULL;
}

static gboolean
load (CbamDevice *opened, GString *seen, GError **error)
{
  g_autoptr (CbamModel) loaded =
      opened != NULL ? cbam_model_load (opened, g_getenv ("CBAM_TEST_MODEL"), NULL, error) : NULL;

  if (loaded != NULL)
    g_string_append (seen, cbam_model_get_info (loaded)->name);
  return loaded != NULL;
}

static gboolean
run_load (GString *seen, GError **error)
{
  g_autoptr (CbamDevice) opened = cbam_device_open_with (NULL, CBAM_DEBUG_NO_HOST, error);

  return load (opened, seen, error);
}

static gboolean
run_load_staging (GString *seen, GError **error)
{
  g_autoptr (CbamDevice) opened = cbam_device_open_with (
      NULL, CBAM_DEBUG_NO_HOST | CBAM_DEBUG_NONCOHERENT | CBAM_DEBUG_STAGING | CBAM_DEBUG_PLAIN, error);

  return load (opened, seen, error);
}

/* The way a session goes: made, a frame, gone. */
static gboolean
run_detector (GString *seen, GError **error)
{
  g_autoptr (CbamDetector) made = cbam_detector_new_profiled (model, &(CbamDetectorConfig){ .slots = 1 }, error);
  const CbamImage image = make_image (SMALL, FALSE);

  return made != NULL && cbam_detector_submit (made, &image, NULL, error) && collect (made, seen, error);
}

/* Small, large and explained, read in place, two at once. */
static gboolean
run_frames_in_a_row (GString *seen, GError **error)
{
  const CbamImage small = make_image (SMALL, FALSE), large = make_image (LARGE, FALSE);
  const CbamImage lasting = make_image (LARGE, TRUE);
  const CbamDetectParams plain = make_params (0), explained = make_params (2);

  return cbam_detector_submit (detector, &small, &plain, error) && collect (detector, seen, error) &&
         cbam_detector_submit (detector, &large, &explained, error) && collect (detector, seen, error) &&
         cbam_detector_submit (detector, &lasting, &plain, error) &&
         cbam_detector_submit (detector, &small, &explained, error) && collect (detector, seen, error) &&
         collect (detector, seen, error);
}

static gboolean
run_frames (GString *seen, GError **error)
{
  const gboolean ok = run_frames_in_a_row (seen, error);

  collect_rest (detector);
  return ok;
}

static gboolean
run_idle (GString *seen, GError **error)
{
  return cbam_device_wait_idle (device, error);
}

/* Another model beside one that runs, which goes on whatever becomes of the other. */
static gboolean
run_reload (GString *seen, GError **error)
{
  const CbamImage image = make_image (SMALL, FALSE);
  g_autoptr (GError) sound = NULL;
  g_autoptr (CbamModel) other = NULL;
  gboolean ok;

  if (!cbam_detector_submit (detector, &image, NULL, error))
    return FALSE;
  other = cbam_model_load (device, g_getenv ("CBAM_TEST_OTHER_MODEL"), NULL, error);
  ok = other != NULL;
  if (ok) {
    g_autoptr (CbamDetector) made = cbam_detector_new (other, &(CbamDetectorConfig){ .slots = 1 }, error);

    ok = made != NULL && cbam_detector_submit (made, &image, NULL, error) && collect (made, seen, error);
  }
  if (!ok && !cbam_device_is_parked (device)) {
    g_assert_true (collect (detector, seen, &sound));
    g_string_truncate (seen, 0);
    return FALSE;
  }
  if (!ok)
    collect_rest (detector);
  return ok && collect (detector, seen, error);
}

/* With frames in flight. */
static gboolean
run_shutdown (GString *seen, GError **error)
{
  const CbamImage image = make_image (SMALL, TRUE);
  G_GNUC_UNUSED g_autoptr (GError) unused = NULL;
  gboolean ok =
      cbam_detector_submit (detector, &image, NULL, error) && cbam_detector_submit (detector, &image, NULL, error);

  drop_detector ();
  return ok;
}

static gboolean
run_peak (GString *seen, GError **error)
{
  double gflops;

  return cbam_device_measure_peak (device, CBAM_PRECISION_FP32, &gflops, error);
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
  };
}

static void
prepare_theirs (void)
{
  g_autoptr (GError) error = NULL;

  if (theirs != NULL)
    return;
  drop_all ();
  assert_nothing_alive ();
  theirs = cbam_device_open_with (NULL, CBAM_DEBUG_NO_HOST, &error);
  g_assert_no_error (error);
}

static CbamDevice *
adopt (GError **error)
{
  const CbamVulkanHandles handles = their_handles ();

  return cbam_device_adopt (&handles, error);
}

static void
prepare_adopted (void)
{
  g_autoptr (GError) error = NULL;

  if (adopted == NULL || cbam_device_is_parked (adopted)) {
    drop_all ();
    prepare_theirs ();
    make_image_of_theirs ();
    clear_image_of_theirs ();
    adopted = adopt (&error);
    g_assert_no_error (error);
    model = cbam_model_load (adopted, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
    g_assert_no_error (error);
  }
  detector = cbam_detector_new (model, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
run_adopt (GString *seen, GError **error)
{
  g_autoptr (CbamDevice) made = adopt (error);

  return made != NULL;
}

static gboolean
run_image (GString *seen, GError **error)
{
  const CbamDetectParams params = make_params (1);
  const CbamImage image = make_image (LARGE, FALSE);
  const CbamVulkanPlane plane = {
    .image = their_image,
    .layout = VK_IMAGE_LAYOUT_GENERAL,
    .stages = VK_PIPELINE_STAGE_TRANSFER_BIT,
    .access = VK_ACCESS_TRANSFER_WRITE_BIT,
  };
  const CbamVulkanFrame frame = { .image = &image, .planes = { &plane } };
  const gboolean ok = cbam_detector_submit_vulkan (detector, &frame, &params, error) && collect (detector, seen, error);

  collect_rest (detector);
  return ok;
}

/* ---- The walks --------------------------------------------------------------------------------------------------- */

static const Walk walks[] = {
  { .name = "list", .run = run_list },
  { .name = "load", .prepare = prepare_load, .run = run_load, .finish = finish_load },
  { .name = "load-staging", .prepare = drop_all, .run = run_load_staging },
  { .name = "detector", .prepare = prepare_model, .run = run_detector },
  { .name = "frames",
    .prepare = prepare_detector,
    .run = run_frames,
    .finish = drop_detector,
    .forget = drop_all,
    .again = TRUE },
  { .name = "frames-staging",
    .prepare = prepare_staging_detector,
    .run = run_frames,
    .finish = drop_detector,
    .forget = drop_all,
    .again = TRUE,
    .quick = 4 },
  { .name = "idle", .prepare = prepare_model, .run = run_idle, .again = TRUE },
  { .name = "reload",
    .prepare = prepare_detector,
    .run = run_reload,
    .finish = drop_detector,
    .forget = drop_all,
    .most = 3,
    .quick = 1 },
  { .name = "shutdown", .prepare = prepare_detector, .run = run_shutdown, .finish = drop_detector },
  { .name = "peak", .prepare = prepare_model, .run = run_peak, .forget = drop_all, .most = 2, .slow = TRUE },
  { .name = "adopt", .prepare = prepare_theirs, .run = run_adopt },
  { .name = "image",
    .prepare = prepare_adopted,
    .run = run_image,
    .finish = drop_detector,
    .forget = drop_all,
    .again = TRUE },
};

static void
test_calls (gconstpointer walk)
{
  const gint64 start = g_get_monotonic_time ();

  walk_calls (walk, whole);
  g_test_message ("%.1f s", (double) (g_get_monotonic_time () - start) * 1e-6);
}

static void
test_hangs (gconstpointer walk)
{
  walk_hangs (walk);
}

/* A minute, and 10 s more for every 1e9 multiply-adds of the largest network, is what the driver is told. */
static void
test_usual_limit (void)
{
  GString *seen = g_string_new (NULL);
  guint limit;

  prepare_detector ();
  limit = 60000 + (guint) ((double) cbam_model_get_info (model)->macs / 1e5);
  g_assert_cmpuint (limit, >, 60000);
  g_assert_cmpuint (cbam_device_get_fence_timeout (device), ==, limit);
  g_assert_true (run_frames (seen, NULL));
  g_assert_cmpuint (faults->get_timeout (), ==, limit * G_GUINT64_CONSTANT (1000000));
  cbam_device_set_fence_timeout (device, 1234);
  g_assert_cmpuint (cbam_device_get_fence_timeout (device), ==, 1234);
  g_assert_true (run_frames (seen, NULL));
  g_assert_cmpuint (faults->get_timeout (), ==, 1234 * G_GUINT64_CONSTANT (1000000));
  cbam_device_set_fence_timeout (device, 0);
  g_assert_cmpuint (cbam_device_get_fence_timeout (device), ==, 0);
  g_assert_true (run_frames (seen, NULL));
  g_assert_cmpuint (faults->get_timeout (), ==, G_MAXUINT64);
  faults->reset ();
  cbam_device_set_fence_timeout (device, CBAM_FENCE_TIMEOUT_DEFAULT);
  g_assert_cmpuint (cbam_device_get_fence_timeout (device), ==, limit);
  drop_detector ();
  g_string_free (seen, TRUE);
}

#define STREAMS 3
#define SLOW_WAIT 1000 /* milliseconds */

/* Frame after frame, until one wait has ended too early, and a few more. */
static gpointer
run_stream (gpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDetector) stream = cbam_detector_new (model, NULL, &error);
  g_autoptr (GString) seen = g_string_new (NULL);
  const CbamImage frame = make_image (SMALL, FALSE);
  const gint64 end = g_get_monotonic_time () + 2 * SLOW_WAIT * 1000;

  g_assert_no_error (error);
  while (g_get_monotonic_time () < end) {
    g_assert_true (cbam_detector_submit (stream, &frame, NULL, &error));
    collect (stream, seen, &error);
    g_assert_no_error (error);
    g_string_truncate (seen, 0);
  }
  return NULL;
}

/* A frame that is not done in time while others are is behind them in line, and waits on. */
static void
test_others_come_first (void)
{
  GThread *threads[STREAMS];

  prepare_model ();
  cbam_device_set_fence_timeout (device, SLOW_WAIT);
  faults->fail_at (FAULTS_vkWaitForFences, 40, VK_TIMEOUT);
  for (guint i = 0; i < STREAMS; i++)
    threads[i] = g_thread_new ("stream", run_stream, NULL);
  for (guint i = 0; i < STREAMS; i++)
    g_thread_join (threads[i]);
  g_assert_true (faults->has_struck ());
  faults->reset ();
  cbam_device_set_fence_timeout (device, CBAM_FENCE_TIMEOUT_DEFAULT);
}

/* Nothing was left out, and nothing is left over. */
static void
test_account (void)
{
  guint n_calls, n_entry_points;

  drop_all ();
  assert_nothing_alive ();
  walk_count (&n_calls, &n_entry_points);
  g_test_message ("failed %u calls of %u entry points", n_calls, n_entry_points);
  g_assert_cmpuint (n_entry_points, ==, FAULTS_N_CALLS);
}

static void
fill_pixels (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  if (posix_memalign ((void **) &pixels, PAGE, LARGE_BYTES) != 0)
    g_error ("no memory");
  for (gsize i = 0; i < LARGE_BYTES; i++)
    pixels[i] = (guint8) g_rand_int_range (rand, 0, 256);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  whole = argc > 1 && strcmp (argv[1], "whole") == 0;
  faults = faults_open ();
  fill_pixels ();
  for (guint i = 0; i < G_N_ELEMENTS (walks); i++) {
    g_autofree char *failing = g_strdup_printf ("/failing/%s", walks[i].name);
    g_autofree char *hanging = g_strdup_printf ("/hanging/%s", walks[i].name);

    if (walks[i].slow && !whole)
      continue;
    g_test_add_data_func (failing, &walks[i], test_calls);
    g_test_add_data_func (hanging, &walks[i], test_hangs);
  }
  g_test_add_func ("/limit/usual", test_usual_limit);
  g_test_add_func ("/limit/others-come-first", test_others_come_first);
  g_test_add_func ("/account/all", test_account);
  status = g_test_run ();
  drop_all ();
  free (pixels);
  return status;
}
