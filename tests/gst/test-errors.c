/* What can go wrong at the start: one clear error on the bus each, and the next try works.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <glib/gstdio.h>

/* The element must fail to reach @state with this error and with @words in its text, then reach it with a good model.
 */
static void
check_failure (GstElement *element, GstState state, int code, const char *words)
{
  fail_unless_equals_int (gst_element_set_state (element, state), GST_STATE_CHANGE_FAILURE);

  g_autoptr (GstMessage) message = pop_message (element, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, &debug);
  fail_unless (error->domain == GST_RESOURCE_ERROR && error->code == code, "%d: %s (%s)", error->code, error->message,
               debug);
  fail_unless (strstr (error->message, words) != NULL, "no \"%s\" in \"%s\"", words, error->message);
  fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);
}

static void
check_recovery (GstElement *element)
{
  g_object_set (element, "model", model_path (), "device", NULL, "precision", 0, NULL);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  bus_clear (element);
  gst_object_unref (element);
}

GST_START_TEST (no_model)
{
  GstElement *element = detect_new ("%s", "");

  g_object_set (element, "model", NULL, NULL);
  g_setenv ("CBAM_MODEL", "/nonexistent/default.safetensors", TRUE);
  check_failure (element, GST_STATE_PAUSED, GST_RESOURCE_ERROR_NOT_FOUND, "/nonexistent/default.safetensors");
  g_setenv ("CBAM_MODEL", model_path (), TRUE);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  g_unsetenv ("CBAM_MODEL");
  check_recovery (element);
}
GST_END_TEST

GST_START_TEST (missing_model)
{
  GstElement *element = detect_new ("%s", "model=/nonexistent/m.safetensors");

  check_failure (element, GST_STATE_PAUSED, GST_RESOURCE_ERROR_NOT_FOUND, "/nonexistent/m.safetensors");
  check_recovery (element);
}
GST_END_TEST

GST_START_TEST (classifier)
{
  g_autofree char *property = g_strdup_printf ("model=%s", g_getenv ("CBAM_TEST_CLASSIFIER"));
  GstElement *element = detect_new ("%s", property);

  check_failure (element, GST_STATE_PAUSED, GST_RESOURCE_ERROR_SETTINGS,
                 "expected a model that can detect, found one that can classify");
  check_recovery (element);
}
GST_END_TEST

static void
check_file (const char *contents, gsize size)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("cbam-XXXXXX.safetensors", &path, &error);
  fail_unless (fd >= 0);
  g_close (fd, NULL);
  fail_unless (g_file_set_contents (path, contents, size, NULL));

  g_autofree char *property = g_strdup_printf ("model=%s", path);
  GstElement *element = detect_new ("%s", property);
  g_autofree char *name = g_path_get_basename (path);
  check_failure (element, GST_STATE_PAUSED, GST_RESOURCE_ERROR_SETTINGS, name);
  check_recovery (element);
  g_remove (path);
}

GST_START_TEST (corrupt_models)
{
  g_autofree char *good = NULL;
  gsize size;

  fail_unless (g_file_get_contents (model_path (), &good, &size, NULL));
  check_file ("", 0);
  check_file ("not a model at all, only a line of text\n", 40);
  check_file (good, 10);
  check_file (good, size / 2);
}
GST_END_TEST

GST_START_TEST (unknown_device)
{
  GstElement *element = detect_new ("%s", "device=nosuch");

  check_failure (element, GST_STATE_READY, GST_RESOURCE_ERROR_NOT_FOUND, "nosuch");
  check_recovery (element);
}
GST_END_TEST

/* The error lists what the device has. */
GST_START_TEST (lacking_precision)
{
  GstElement *element = detect_new ("%s", "precision=bf16");

  check_failure (element, GST_STATE_PAUSED, GST_RESOURCE_ERROR_SETTINGS, "precision: expected one of auto, fp32");
  check_failure (element, GST_STATE_PAUSED, GST_RESOURCE_ERROR_SETTINGS, ", found bf16");
  check_recovery (element);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("errors");
  tcase_add_test (tests, no_model);
  tcase_add_test (tests, missing_model);
  tcase_add_test (tests, classifier);
  tcase_add_test (tests, corrupt_models);
  tcase_add_test (tests, unknown_device);
  tcase_add_test (tests, lacking_precision);
  return run_suite (tests);
}
