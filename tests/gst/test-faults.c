/* Drivers that fail: whatever happens to the device, there is one error, everything stops, nothing is touched that the
 * device may still use, and the next start works. The layer of ../faults lets it happen.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "../faults/faults.h"

#define CAPS "video/x-raw,format=GRAY8,width=64,height=64,framerate=25/1"
#define FRAME_BYTES 4096
#define PAGE 4096
#define MOST_FRAMES 20

static const Faults *faults;

static void
open_layer (void)
{
  void *library = dlopen (g_getenv ("CBAM_TEST_LAYER"), RTLD_NOW);
  FaultsGet get = library != NULL ? (FaultsGet) dlsym (library, FAULTS_SYMBOL) : NULL;

  if (get == NULL)
    g_error ("%s", dlerror ());
  faults = get ();
}

static GArray *
find_one (GstHarness *h, guint index)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, index)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  return found_in (out);
}

/* Frames until one fails. */
static void
push_until_error (GstHarness *h)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < MOST_FRAMES && flow == GST_FLOW_OK; i++)
    flow = gst_harness_push (h, picture_new (CAPS, 0, i));
  fail_unless_equals_int (flow, GST_FLOW_ERROR);
}

/* The next message of @type, which another thread may be about to post; NULL: there is none for a while. */
static GstMessage *
wait_message (GstElement *element, GstMessageType type)
{
  GstMessage *message = pop_message (element, type);

  for (guint i = 0; i < 600 && message == NULL; i++) {
    g_usleep (50000);
    message = pop_message (element, type);
  }
  return message;
}

/* One error on the bus, which says @words; the element stops; nothing was done that must not be. */
static void
assert_one_error (GstElement *element, const char *words)
{
  g_autoptr (GstMessage) message = wait_message (element, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, words) != NULL, "%s", error->message);
  fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);
  const gint64 start = g_get_monotonic_time ();
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  fail_unless (g_get_monotonic_time () - start < 10 * G_USEC_PER_SEC);
  g_autofree char *complaints = faults->get_complaints ();
  fail_unless (complaints == NULL, "%s", complaints);
}

/* From a sound start to an error that says @words, by what @arm does; then another start finds what was found. */
static void
run_into (const char *properties, void (*arm) (void), const char *words)
{
  GstHarness *h = harness_new (detect_new ("%s", properties), CAPS);
  g_autoptr (GstElement) element = gst_object_ref (h->element);
  g_autoptr (GArray) before = find_one (h, 0);

  fail_unless (before->len > 0);
  arm ();
  push_until_error (h);
  fail_unless (faults->has_struck ());
  assert_one_error (element, words);
  harness_free (h);
  faults->reset ();

  GstHarness *again = harness_new (detect_new ("%s", properties), CAPS);
  g_autoptr (GArray) after = find_one (again, 0);
  fail_unless (found_equal (before, after));
  harness_free (again);
}

static void
hang_now (void)
{
  faults->hang (1);
}

static void
lose_now (void)
{
  faults->fail_at (FAULTS_vkQueueSubmit, 1, VK_ERROR_DEVICE_LOST);
}

static void
lose_later (void)
{
  faults->fail_at (FAULTS_vkWaitForFences, 2, VK_ERROR_DEVICE_LOST);
}

static void
starve (void)
{
  faults->fail_at (FAULTS_vkQueueSubmit, 3, VK_ERROR_OUT_OF_DEVICE_MEMORY);
}

/* ---- The same of cbamclassify ---- */

static GstHarness *
classify_new (const char *model, gboolean live)
{
  GstElement *element = gst_element_factory_make ("cbamclassify", NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();
  GstHarness *h;

  g_object_set (element, "model", model, "timeout", 3000, NULL);
  gst_element_set_bus (element, bus);
  h = harness_new (element, NULL);
  gst_harness_set_live (h, live);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

static GstFlowReturn
push_region (GstHarness *h, guint index)
{
  GstBuffer *buffer = picture_new (CAPS, 0, index);

  gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 8, 8, 48, 48);
  return gst_harness_push (h, buffer);
}

/* Frames until one fails, which live ones do as soon as the device has; nobody waits for it before that. */
static void
classify_into (void (*arm) (void), gboolean live, const char *words)
{
  GstHarness *h = classify_new (g_getenv ("CBAM_TEST_CLASSIFIER"), live);
  g_autoptr (GstElement) element = gst_object_ref (h->element);
  GstFlowReturn flow = GST_FLOW_OK;
  gint64 longest = 0;

  fail_unless_equals_int (push_region (h, 0), GST_FLOW_OK);
  arm ();
  for (guint i = 1; i < 1000 && flow == GST_FLOW_OK; i++) {
    const gint64 start = g_get_monotonic_time ();
    flow = push_region (h, i);
    longest = MAX (longest, g_get_monotonic_time () - start);
    g_usleep (live ? 10000 : 0);
  }
  fail_unless_equals_int (flow, GST_FLOW_ERROR);
  fail_unless (!live || longest < G_USEC_PER_SEC, "a frame waited for %g s", longest * 1e-6);
  assert_one_error (element, words);
  harness_free (h);
  faults->reset ();

  GstHarness *again = classify_new (g_getenv ("CBAM_TEST_CLASSIFIER"), FALSE);
  fail_unless_equals_int (push_region (again, 0), GST_FLOW_OK);
  fail_unless_equals_uint64 (get_stat (again->element, "fresh"), 1);
  harness_free (again);
}

GST_START_TEST (a_classifier_on_a_device_that_fails)
{
  for (gboolean live = FALSE; live <= TRUE; live++) {
    classify_into (hang_now, live, "Classification has stopped: ");
    classify_into (lose_now, live, "VK_ERROR_DEVICE_LOST");
    classify_into (lose_later, live, "VK_ERROR_DEVICE_LOST");
    classify_into (starve, live, "VK_ERROR_OUT_OF_DEVICE_MEMORY");
  }
}
GST_END_TEST

/* What is in inference when the pipeline stops, or flushes, is waited for no longer than the device may take. */
GST_START_TEST (a_classifier_stops_on_a_device_that_hangs)
{
  GstHarness *h = classify_new (g_getenv ("CBAM_TEST_CLASSIFIER"), TRUE);
  const gint64 start = g_get_monotonic_time ();

  fail_unless_equals_int (push_region (h, 0), GST_FLOW_OK);
  faults->hang (1);
  for (guint i = 1; i < 5; i++)
    fail_unless_equals_int (push_region (h, i), GST_FLOW_OK);
  harness_free (h);
  fail_unless (g_get_monotonic_time () - start < 10 * G_USEC_PER_SEC);
  faults->reset ();
}
GST_END_TEST

GST_START_TEST (a_device_that_hangs)
{
  run_into ("threshold=0 timeout=3000", hang_now, "did not finish within 3000 ms");
}
GST_END_TEST

GST_START_TEST (a_device_that_is_lost)
{
  run_into ("threshold=0", lose_now, "vkQueueSubmit gave VK_ERROR_DEVICE_LOST");
  run_into ("threshold=0", lose_later, "VK_ERROR_DEVICE_LOST");
}
GST_END_TEST

GST_START_TEST (a_device_without_memory)
{
  run_into ("threshold=0", starve, "vkQueueSubmit gave VK_ERROR_OUT_OF_DEVICE_MEMORY");
}
GST_END_TEST

/* The device hangs while another model is loaded: that one is a warning, the next frame the error. */
GST_START_TEST (a_device_that_hangs_while_loading)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 timeout=3000"), CAPS);
  g_autoptr (GstElement) element = gst_object_ref (h->element);
  g_autoptr (GArray) before = find_one (h, 0);

  fail_unless (before->len > 0);
  faults->hang (1);
  g_object_set (element, "model", g_getenv ("CBAM_TEST_ATTENTION_MODEL"), NULL);
  g_autoptr (GstMessage) warning = wait_message (element, GST_MESSAGE_WARNING);
  fail_unless (warning != NULL);
  push_until_error (h);
  assert_one_error (element, "did not finish");
  harness_free (h);
}
GST_END_TEST

static void
on_free (gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

/* A frame that the device reads where it lies; *@n_freed counts when nobody holds it any more. */
static GstBuffer *
frame_in_place (gpointer bytes, int *n_freed)
{
  return gst_buffer_new_wrapped_full (0, bytes, FRAME_BYTES, 0, FRAME_BYTES, n_freed, on_free);
}

/* What a device that hangs may still be reading is never given back; what a sound one has read is. */
GST_START_TEST (frames_of_a_device_that_hangs_stay)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 timeout=3000 queue-depth=2"), CAPS);
  g_autoptr (GstElement) element = gst_object_ref (h->element);
  gpointer bytes = NULL;
  int n_freed = 0;

  fail_unless (posix_memalign (&bytes, PAGE, FRAME_BYTES) == 0);
  memset (bytes, 90, FRAME_BYTES);
  fail_unless_equals_int (gst_harness_push (h, frame_in_place (bytes, &n_freed)), GST_FLOW_OK);
  gst_buffer_unref (gst_harness_pull (h));
  fail_unless_equals_int (g_atomic_int_get (&n_freed), 1);

  faults->hang (1);
  gst_harness_push (h, frame_in_place (bytes, &n_freed));
  fail_unless (faults->count (FAULTS_vkGetMemoryHostPointerPropertiesEXT) > 0); /* it is read in place */
  push_until_error (h);
  assert_one_error (element, "did not finish");
  harness_free (h);
  fail_unless_equals_int (g_atomic_int_get (&n_freed), 1);
}
GST_END_TEST

/* What the property says is what the driver is told, from the next frame on. */
GST_START_TEST (the_timeout_is_a_property)
{
  GstHarness *h = harness_new (detect_new ("threshold=0"), CAPS);

  g_array_unref (find_one (h, 0));
  const guint64 usual = faults->get_timeout ();
  fail_unless (usual > 60 * GST_SECOND && usual < 120 * GST_SECOND);
  g_object_set (h->element, "timeout", 7000, NULL);
  g_array_unref (find_one (h, 1));
  fail_unless_equals_uint64 (faults->get_timeout (), 7 * GST_SECOND);
  g_object_set (h->element, "timeout", 0, NULL);
  g_array_unref (find_one (h, 2));
  fail_unless_equals_uint64 (faults->get_timeout (), G_MAXUINT64);
  g_object_set (h->element, "timeout", -1, NULL);
  g_array_unref (find_one (h, 3));
  fail_unless_equals_uint64 (faults->get_timeout (), usual);
  harness_free (h);

  GstHarness *from_start = harness_new (detect_new ("threshold=0 timeout=5000"), CAPS);
  g_array_unref (find_one (from_start, 0));
  fail_unless_equals_uint64 (faults->get_timeout (), 5 * GST_SECOND);
  harness_free (from_start);
}
GST_END_TEST

/* ---- Memory of the host's ---- */

typedef struct
{
  GstAllocator parent;
} PoorAllocator;
typedef GstAllocatorClass PoorAllocatorClass;
static GType poor_allocator_get_type (void);
G_DEFINE_TYPE (PoorAllocator, poor_allocator, GST_TYPE_ALLOCATOR)

static int n_refused;

static GstMemory *
refuse (GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  g_atomic_int_inc (&n_refused);
  return NULL;
}

static void
poor_allocator_class_init (PoorAllocatorClass *klass)
{
  klass->alloc = refuse;
}

static void
poor_allocator_init (PoorAllocator *allocator)
{
}

/* Where there is no memory to draw, nothing is drawn, and detections come all the same. */
GST_START_TEST (no_memory_to_draw)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 grad-cam=true"), CAPS);
  g_autoptr (GstBuffer) frame = picture_new (CAPS, 0, 1), unchanged = picture_new (CAPS, 0, 1);
  g_autoptr (GArray) before = find_one (h, 0);
  GstMapInfo drawn, plain;

  gst_util_set_object_arg (G_OBJECT (h->element), "overlay", "boxes+labels+grad-cam");
  gst_allocator_set_default (g_object_new (poor_allocator_get_type (), NULL));
  fail_unless_equals_int (gst_harness_push (h, g_steal_pointer (&frame)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  gst_allocator_set_default (gst_allocator_find (GST_ALLOCATOR_SYSMEM));
  fail_unless (g_atomic_int_get (&n_refused) > 0);
  g_autoptr (GArray) found = found_in (out);
  fail_unless (found_equal (before, found));
  fail_unless (gst_buffer_map (out, &drawn, GST_MAP_READ) && gst_buffer_map (unchanged, &plain, GST_MAP_READ));
  fail_unless (drawn.size == plain.size && memcmp (drawn.data, plain.data, plain.size) == 0);
  gst_buffer_unmap (out, &drawn);
  gst_buffer_unmap (unchanged, &plain);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  open_layer ();
  TCase *tests = tcase_create ("faults");
  tcase_add_test (tests, a_device_that_hangs);
  tcase_add_test (tests, a_classifier_on_a_device_that_fails);
  tcase_add_test (tests, a_classifier_stops_on_a_device_that_hangs);
  tcase_add_test (tests, a_device_that_is_lost);
  tcase_add_test (tests, a_device_without_memory);
  tcase_add_test (tests, a_device_that_hangs_while_loading);
  tcase_add_test (tests, frames_of_a_device_that_hangs_stay);
  tcase_add_test (tests, the_timeout_is_a_property);
  tcase_add_test (tests, no_memory_to_draw);
  return run_suite (tests);
}
