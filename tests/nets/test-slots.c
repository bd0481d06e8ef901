/* What a slot keeps when calls of the device fail: a frame that never started is let go of, one that may still be read
 * is not.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <string.h>

#include "compare.h"

#define WIDTH 64
#define HEIGHT 64
#define PAGE 4096
#define SLOTS 2

/* ---- A device whose calls can fail ------------------------------------------------------------------------------- */

static struct VolkDeviceTable real;
static int allocations; /* of device memory that are alive, imported frames among them */
static VkResult submit_result, wait_result;

static VKAPI_ATTR VkResult VKAPI_CALL
count_allocation (VkDevice handle, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *callbacks,
                  VkDeviceMemory *ret_memory)
{
  const VkResult result = real.vkAllocateMemory (handle, info, callbacks, ret_memory);

  allocations += result == VK_SUCCESS;
  return result;
}

static VKAPI_ATTR void VKAPI_CALL
count_free (VkDevice handle, VkDeviceMemory memory, const VkAllocationCallbacks *callbacks)
{
  allocations -= memory != VK_NULL_HANDLE;
  real.vkFreeMemory (handle, memory, callbacks);
}

static VKAPI_ATTR VkResult VKAPI_CALL
submit_or_fail (VkQueue queue, guint32 n, const VkSubmitInfo *submits, VkFence fence)
{
  return submit_result == VK_SUCCESS ? real.vkQueueSubmit (queue, n, submits, fence) : submit_result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
wait_or_fail (VkDevice handle, guint32 n, const VkFence *fences, VkBool32 all, guint64 timeout)
{
  return wait_result == VK_SUCCESS ? real.vkWaitForFences (handle, n, fences, all, timeout) : wait_result;
}

static CbamDevice *
open_failing_device (void)
{
  CbamDevice *device = test_device_open (0);

  real = device->vk;
  allocations = 0;
  submit_result = wait_result = VK_SUCCESS;
  device->vk.vkAllocateMemory = count_allocation;
  device->vk.vkFreeMemory = count_free;
  device->vk.vkQueueSubmit = submit_or_fail;
  device->vk.vkWaitForFences = wait_or_fail;
  return device;
}

/* ---- Frames -------------------------------------------------------------------------------------------------------
 */

/* One that the device may read where it lies. */
static CbamImage
make_image (guint8 **ret_bytes)
{
  *ret_bytes = g_aligned_alloc0 (1, WIDTH * HEIGHT, PAGE);
  for (guint i = 0; i < WIDTH * HEIGHT; i++)
    (*ret_bytes)[i] = (guint8) (i * 7 + i / WIDTH);
  return (CbamImage){
    .format = CBAM_FORMAT_GRAY8, .width = WIDTH, .height = HEIGHT, .planes = { *ret_bytes }, .lasting = TRUE
  };
}

static CbamDetector *
make_detector (CbamDevice *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = cbam_model_load (device, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);
  CbamDetector *detector;

  g_assert_no_error (error);
  detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = SLOTS }, &error);
  g_assert_no_error (error);
  return detector;
}

static CbamResult *
detect (CbamDetector *detector, const CbamImage *image)
{
  g_autoptr (GError) error = NULL;
  CbamResult *result = NULL;

  if (cbam_detector_submit (detector, image, NULL, &error))
    result = cbam_detector_collect (detector, &error);
  g_assert_no_error (error);
  return result;
}

/* ---- Tests --------------------------------------------------------------------------------------------------------
 */

/* A frame that could not be submitted is the caller's at once, and the next one finds the slot as good as new. */
static void
test_failed_submission (void)
{
  g_autoptr (CbamDevice) device = open_failing_device ();
  g_autoptr (CbamDetector) detector = make_detector (device);
  g_autoptr (CbamResult) before = NULL, after = NULL;
  guint8 *bytes;
  const CbamImage image = make_image (&bytes);
  int usual;

  for (guint i = 0; i < SLOTS; i++) {
    g_clear_pointer (&before, cbam_result_unref);
    before = detect (detector, &image);
  }
  usual = allocations;
  submit_result = VK_ERROR_OUT_OF_HOST_MEMORY;
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (cbam_detector_submit (detector, &image, NULL, &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY);
    g_assert_nonnull (strstr (error->message, "vkQueueSubmit"));
    g_assert_cmpint (allocations, ==, usual);
    g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, SLOTS);
  }
  submit_result = VK_SUCCESS;
  after = detect (detector, &image);
  g_assert_cmpfloat (cbam_result_get_best_score (after), ==, cbam_result_get_best_score (before));
  g_aligned_free (bytes);
}

/* Nobody knows what the device does after a wait that failed: the device is parked, and what it may still use stays. */
static void
test_failed_wait (void)
{
  g_autoptr (GError) error = NULL;
  CbamDevice *device = open_failing_device ();
  CbamDetector *detector = make_detector (device);
  guint8 *bytes;
  const CbamImage image = make_image (&bytes);
  const VkDevice handle = device->handle;
  int usual;

  for (guint i = 0; i < SLOTS; i++)
    g_assert_true (cbam_detector_submit (detector, &image, NULL, &error));
  usual = allocations;
  wait_result = VK_ERROR_OUT_OF_HOST_MEMORY;
  g_assert_null (cbam_detector_collect (detector, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY);
  g_assert_nonnull (strstr (error->message, "vkWaitForFences"));
  g_clear_error (&error);
  wait_result = VK_SUCCESS;
  g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 1);
  for (guint i = 0; i < 2; i++) {
    g_assert_false (cbam_detector_submit (detector, &image, NULL, &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_DEVICE_LOST);
    g_clear_error (&error);
  }
  g_assert_null (cbam_detector_collect (detector, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_DEVICE_LOST);
  g_clear_error (&error);
  cbam_detector_unref (detector);
  g_assert_cmpint (allocations, ==, usual);
  g_assert_cmpint (real.vkDeviceWaitIdle (handle), ==, VK_SUCCESS); /* the frames are ours again */
  cbam_device_unref (device);
  g_aligned_free (bytes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slots/failed-submission", test_failed_submission);
  g_test_add_func ("/slots/failed-wait", test_failed_wait);
  return g_test_run ();
}
