/* The presets that ship: every one loads, and sets exactly what its file says.
 *
 * They are read from the folder CBAM_TEST_PRESETS, and those of the user from an empty one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE /* memmem */

#include "support.h"

#include <glib/gstdio.h>
#include <math.h>

#define META "_meta/"
#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

static const char *const elements[] = { "cbamdetect", "cbamoverlay" };

static GstElement *
element_new (const char *name)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  fail_unless (element != NULL && GST_IS_PRESET (element), "%s", name);
  return gst_object_ref_sink (element);
}

/* The file that ships for @element. */
static GKeyFile *
presets_of (GstElement *element)
{
  g_autofree char *name = g_strconcat (G_OBJECT_TYPE_NAME (element), ".prs", NULL);
  g_autofree char *path = g_build_filename (g_getenv ("CBAM_TEST_PRESETS"), name, NULL);
  g_autoptr (GError) error = NULL;
  GKeyFile *file = g_key_file_new ();

  fail_unless (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error), "%s: %s", path,
               error ? error->message : "");
  return file;
}

static gboolean
is_shipped (GKeyFile *file, const char *name)
{
  return *name != '_' && g_key_file_has_group (file, name);
}

/* Applications list what the file has, each with a line that says what it is for. */
GST_START_TEST (presets_are_listed)
{
  for (guint e = 0; e < G_N_ELEMENTS (elements); e++) {
    g_autoptr (GstElement) element = element_new (elements[e]);
    g_autoptr (GKeyFile) file = presets_of (element);
    g_auto (GStrv) names = gst_preset_get_preset_names (GST_PRESET (element));
    gsize n_groups;
    G_GNUC_UNUSED g_auto (GStrv) groups = g_key_file_get_groups (file, &n_groups);

    fail_unless (names != NULL, "%s lists no presets", elements[e]);
    fail_unless (n_groups > 3);
    fail_unless_equals_int (g_strv_length (names), n_groups - 1);
    for (guint i = 0; names[i] != NULL; i++) {
      g_autofree char *comment = NULL;
      fail_unless (is_shipped (file, names[i]), "%s", names[i]);
      fail_unless (gst_preset_get_meta (GST_PRESET (element), names[i], "comment", &comment));
      fail_unless (comment != NULL && strlen (comment) > 20, "%s: %s", names[i], comment);
    }
  }
}
GST_END_TEST

/* A preset's property as the file has it. */
static void
check_property (GstElement *element, GKeyFile *file, const char *preset, const char *name, gboolean *differs)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
  g_autofree char *text = g_key_file_get_value (file, preset, name, NULL);
  GValue expected = G_VALUE_INIT, found = G_VALUE_INIT;

  fail_unless (spec != NULL, "%s: no property %s", preset, name);
  g_value_init (&expected, spec->value_type);
  fail_unless (gst_value_deserialize (&expected, text), "%s: %s=%s", preset, name, text);
  fail_if (g_param_value_validate (spec, &expected), "%s: %s=%s is out of range", preset, name, text);
  g_value_init (&found, spec->value_type);
  g_object_get_property (G_OBJECT (element), name, &found);
  fail_unless_equals_int (g_param_values_cmp (spec, &expected, &found), 0);
  *differs = *differs || !g_param_value_defaults (spec, &found);
  g_value_unset (&expected);
  g_value_unset (&found);
}

GST_START_TEST (presets_set_what_they_say)
{
  for (guint e = 0; e < G_N_ELEMENTS (elements); e++) {
    g_autoptr (GstElement) any = element_new (elements[e]);
    g_autoptr (GKeyFile) file = presets_of (any);
    g_auto (GStrv) names = gst_preset_get_preset_names (GST_PRESET (any));
    for (guint i = 0; names[i] != NULL; i++) {
      g_autoptr (GstElement) element = element_new (elements[e]);
      g_auto (GStrv) keys = g_key_file_get_keys (file, names[i], NULL, NULL);
      guint n_specs;
      gboolean differs = FALSE;
      fail_unless (gst_preset_load_preset (GST_PRESET (element), names[i]), "%s", names[i]);
      for (guint k = 0; keys[k] != NULL; k++)
        if (!g_str_has_prefix (keys[k], META))
          check_property (element, file, names[i], keys[k], &differs);
      fail_unless (differs, "%s sets nothing but defaults", names[i]);

      /* Everything else is as it was. */
      g_autofree GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n_specs);
      for (guint s = 0; s < n_specs; s++) {
        if (g_key_file_has_key (file, names[i], specs[s]->name, NULL) || !(specs[s]->flags & G_PARAM_WRITABLE) ||
            specs[s]->owner_type != G_OBJECT_TYPE (element))
          continue;
        GValue value = G_VALUE_INIT;
        g_value_init (&value, specs[s]->value_type);
        g_object_get_property (G_OBJECT (element), specs[s]->name, &value);
        fail_unless (g_param_value_defaults (specs[s], &value), "%s changes %s", names[i], specs[s]->name);
        g_value_unset (&value);
      }
    }
  }
}
GST_END_TEST

/* The test model with another threshold of its own, which is written with one digit, as its 0.5 is. */
static char *
make_model (double threshold)
{
  g_autofree char *contents = NULL, *number = g_strdup_printf ("%.1f", threshold);
  char *path = NULL, *at;
  gsize size;

  fail_unless (g_file_get_contents (model_path (), &contents, &size, NULL));
  at = memmem (contents, size, "threshold\\\":0.5,", 16); /* in a string of JSON inside a string of JSON */
  fail_unless (at != NULL);
  memcpy (at + 12, number, 3);
  const int fd = g_file_open_tmp ("cbam-XXXXXX.safetensors", &path, NULL);
  fail_unless (fd >= 0);
  g_close (fd, NULL);
  fail_unless (g_file_set_contents (path, contents, size, NULL));
  return path;
}

/* What the statistics say that a score had to exceed, after a frame; and it was what counted. */
static double
get_threshold (GstHarness *h, guint index)
{
  g_autoptr (GstStructure) stats = NULL;
  double threshold = -1;

  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, index)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) found = found_in (out);
  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, "threshold", &threshold));
  for (guint i = 0; i < found->len; i++)
    fail_unless (g_array_index (found, Found, i).score > (float) threshold);
  return threshold;
}

static void
check_threshold (GstHarness *h, guint index, double expected)
{
  const double threshold = get_threshold (h, index);

  fail_unless (fabs (threshold - expected) < 1e-6, "%g, expected %g", threshold, expected);
}

/* A threshold that is much for one model is nothing for another: they start from the model's own, and stay 0..1. */
GST_START_TEST (presets_are_relative_to_the_model)
{
  static const double owns[] = { 0.2, 0.5, 0.9 };

  for (guint i = 0; i < G_N_ELEMENTS (owns); i++) {
    const double own = owns[i];
    g_autofree char *model = make_model (own);
    GstElement *element = detect_new ("%s", "max-detections=0");
    g_object_set (element, "model", model, NULL);
    GstHarness *h = harness_new (element, CAPS);
    const double shifts[][2] = { { 0, own }, { -0.5, own / 2 }, { -1, 0 }, { 0.5, (1 + own) / 2 }, { 1, 1 } };
    guint n = 0;

    for (guint s = 0; s < G_N_ELEMENTS (shifts); s++) {
      g_object_set (element, "threshold-shift", shifts[s][0], NULL);
      check_threshold (h, n++, shifts[s][1]);
    }
    /* Whoever names a number means it. A preset that is loaded later means what it says, too. */
    g_object_set (element, "threshold", 0.35, NULL);
    check_threshold (h, n++, 0.35);
    fail_unless (gst_preset_load_preset (GST_PRESET (element), "Sensitive"));
    check_threshold (h, n++, own * 0.75);
    fail_unless (gst_preset_load_preset (GST_PRESET (element), "Precise"));
    check_threshold (h, n++, own + (1 - own) * 0.2);
    harness_free (h);
    g_remove (model);
  }
}
GST_END_TEST

/* Paths, devices and what those can do are no part of a preset, whoever has written it. */
GST_START_TEST (presets_name_nothing_of_the_machine)
{
  for (guint e = 0; e < G_N_ELEMENTS (elements); e++) {
    g_autoptr (GstElement) element = element_new (elements[e]);
    g_auto (GStrv) names = gst_preset_get_property_names (GST_PRESET (element));
    static const char *const machine[] = { "model", "device", "precision", "name", "parent", "stats" };

    fail_unless (names != NULL && g_strv_contains ((const char *const *) names, "overlay"));
    for (guint i = 0; i < G_N_ELEMENTS (machine); i++)
      fail_if (g_strv_contains ((const char *const *) names, machine[i]), "%s: %s", elements[e], machine[i]);
  }
}
GST_END_TEST

/* One that a user has saved comes back, beside those that ship. */
GST_START_TEST (presets_can_be_saved)
{
  g_autoptr (GstElement) element = element_new ("cbamdetect"), other = element_new ("cbamdetect");
  g_autofree char *device = NULL, *classes = NULL;
  double threshold;

  g_object_set (element, "threshold", 0.25, "classes", "dog", "device", "cpu", NULL);
  fail_unless (gst_preset_save_preset (GST_PRESET (element), "Mine"));
  fail_unless (gst_preset_load_preset (GST_PRESET (other), "Mine"));
  g_object_get (other, "threshold", &threshold, "classes", &classes, "device", &device, NULL);
  fail_unless (threshold == 0.25 && device == NULL);
  fail_unless_equals_string (classes, "dog");
  fail_unless (gst_preset_load_preset (GST_PRESET (other), "Sparse"));
  fail_unless (gst_preset_delete_preset (GST_PRESET (element), "Mine"));
}
GST_END_TEST

/* As docs/element.md has it, with a property beside it. GStreamer sets presets last. */
GST_START_TEST (presets_in_a_pipelines_text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("videotestsrc ! cbamdetect name=d @preset=Live\\ camera overlay=boxes ! fakesink", &error);
  guint queue_depth, overlay;

  fail_unless (pipeline != NULL && error == NULL, "%s", error ? error->message : "");
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "d");
  g_object_get (element, "queue-depth", &queue_depth, "overlay", &overlay, NULL);
  fail_unless_equals_int (queue_depth, 1);
  fail_unless_equals_int (overlay, 1);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  g_autofree char *home = g_dir_make_tmp ("cbam-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("GST_PRESET_PATH", g_getenv ("CBAM_TEST_PRESETS"), TRUE);
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("presets");
  tcase_add_test (tests, presets_are_listed);
  tcase_add_test (tests, presets_set_what_they_say);
  tcase_add_test (tests, presets_are_relative_to_the_model);
  tcase_add_test (tests, presets_name_nothing_of_the_machine);
  tcase_add_test (tests, presets_can_be_saved);
  tcase_add_test (tests, presets_in_a_pipelines_text);
  const int failed = run_suite (tests);
  remove_tree (home);
  return failed;
}
