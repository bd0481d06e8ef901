/* A machine without a Vulkan driver: the element is there, says what is missing, and stays usable. The test runs with
 * VK_DRIVER_FILES pointing nowhere.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

GST_START_TEST (one_clear_error)
{
  GstElement *element = detect_new ("%s", "");

  for (guint i = 0; i < 2; i++) {
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
    g_autoptr (GstMessage) message = pop_message (element, GST_MESSAGE_ERROR);
    g_autoptr (GError) error = NULL;
    g_autofree char *debug = NULL;
    fail_unless (message != NULL);
    gst_message_parse_error (message, &error, &debug);
    fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND), "%s", error->message);
    fail_unless (strstr (debug, "mesa-vulkan-drivers") != NULL, "%s", debug);
    fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);
    gst_element_set_state (element, GST_STATE_NULL);
  }
  bus_clear (element);
  gst_object_unref (element);
}
GST_END_TEST

GST_START_TEST (pipeline_fails_to_start)
{
  g_autofree char *line = g_strdup_printf ("videotestsrc ! cbamdetect model=%s ! fakesink", model_path ());
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);

  fail_unless (pipeline != NULL && error == NULL);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("nodriver");
  tcase_add_test (tests, one_clear_error);
  tcase_add_test (tests, pipeline_fails_to_start);
  return run_suite (tests);
}
