/* The element on the processor itself, where there is no Vulkan driver: what it finds, with any number of threads and
 * frames at a time, and that it takes no processor while no frame comes. The test runs with VK_DRIVER_FILES pointing
 * nowhere.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <time.h>

#include "support.h"

#define CAPS "video/x-raw,format=NV12,width=160,height=120,framerate=25/1"

static const char *const settings[] = {
  "device=cpu", "device=cpu cpu-threads=1", "device=cpu cpu-threads=3 queue-depth=4",
  "queue-depth=1", /* unset: the best there is */
};

GST_START_TEST (test_finds_the_same)
{
  g_autofree char *usual = g_strdup_printf ("threshold=0.1 %s", settings[0]);
  g_autofree char *other = g_strdup_printf ("threshold=0.1 %s", settings[__i__]);

  for (guint picture = 0; picture < 3; picture++) {
    g_autoptr (GArray) expected = found_by (CAPS, picture, usual), found = found_by (CAPS, picture, other);

    fail_unless (expected->len > 0);
    fail_unless (found_equal (expected, found), "%s, picture %u", other, picture);
  }
}
GST_END_TEST

/* Whoever wants Vulkan is told that there is none. */
GST_START_TEST (test_no_vulkan)
{
  GstElement *element = detect_new ("%s", "device=llvmpipe");
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message = pop_message (element, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, &debug);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND), "%s", error->message);
  fail_unless (strstr (error->message, "no Vulkan driver") != NULL, "%s", error->message);
  bus_clear (element);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}
GST_END_TEST

/* Statistics say what computes, and by what, while there is something that does. */
GST_START_TEST (test_runner)
{
  GstElement *element = detect_new ("%s", "device=cpu precision=fp32");
  g_autoptr (GstStructure) stopped = NULL, running = NULL;

  g_object_get (element, "stats", &stopped, NULL);
  fail_unless_equals_string (gst_structure_get_string (stopped, "device"), "");
  GstHarness *h = harness_new (element, CAPS);
  gst_harness_push (h, picture_new (CAPS, 0, 0));
  gst_buffer_unref (gst_harness_pull (h));
  g_object_get (element, "stats", &running, NULL);
  fail_unless (strlen (gst_structure_get_string (running, "device")) > 0);
  fail_unless_equals_string (gst_structure_get_string (running, "kernels"), "oneDNN and loops");
  harness_free (h);
}
GST_END_TEST

static double
get_cpu_seconds (void)
{
  struct timespec used;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double) used.tv_sec + (double) used.tv_nsec * 1e-9;
}

GST_START_TEST (test_idle)
{
  GstHarness *h = harness_new (detect_new ("%s", "device=cpu"), CAPS);

  for (guint i = 0; i < 3; i++) {
    gst_harness_push (h, picture_new (CAPS, i, i));
    gst_buffer_unref (gst_harness_pull (h));
  }
  const double before = get_cpu_seconds ();
  g_usleep (G_USEC_PER_SEC / 2);
  const double used = get_cpu_seconds () - before;
  fail_unless (used < 0.03, "%g s of processor in half a second without a frame", used);
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("host");
  tcase_add_loop_test (tests, test_finds_the_same, 0, G_N_ELEMENTS (settings));
  tcase_add_test (tests, test_no_vulkan);
  tcase_add_test (tests, test_runner);
  tcase_add_test (tests, test_idle);
  return run_suite (tests);
}
