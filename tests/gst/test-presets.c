/* The presets that ship: every one loads, and sets exactly what its file says.
 *
 * They are read from the folder CBAM_TEST_PRESETS, and those of the user from an empty one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define META "_meta/"

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
    g_auto (GStrv) groups = g_key_file_get_groups (file, &n_groups);

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

/* Paths and devices are no part of a preset, whoever has written it. */
GST_START_TEST (presets_name_nothing_of_the_machine)
{
  for (guint e = 0; e < G_N_ELEMENTS (elements); e++) {
    g_autoptr (GstElement) element = element_new (elements[e]);
    g_auto (GStrv) names = gst_preset_get_property_names (GST_PRESET (element));
    static const char *const machine[] = { "model", "device", "name", "parent", "stats" };

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

/* As the README has it, with a property beside it. GStreamer sets presets last. */
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
  tcase_add_test (tests, presets_name_nothing_of_the_machine);
  tcase_add_test (tests, presets_can_be_saved);
  tcase_add_test (tests, presets_in_a_pipelines_text);
  const int failed = run_suite (tests);
  remove_tree (home);
  return failed;
}
