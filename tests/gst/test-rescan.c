/* GStreamer's registry, its memory of plugins from one program to the next: it looks at the plugin again when a Vulkan
 * driver comes or changes, wherever the Vulkan loader would find it, and not otherwise.
 *
 * This program starts itself for every look, because a process looks once: with the argument --look it does no more.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

static char *program; /* this one */
static char *root;    /* scratch folder: home, drivers, the registry */

/* Folders below the root in which the loader finds manifests, and files that variables name. */
static const char *const places[] = {
  "config-home/vulkan/icd.d/card.json",
  "config-second/vulkan/icd.d/card.json",
  "data-home/vulkan/icd.d/card.json",
  "data-first/vulkan/icd.d/card.json",
  "data-second/vulkan/icd.d/card.json",
  "home/.config/vulkan/icd.d/card.json",
  "home/.local/share/vulkan/icd.d/card.json",
  "named/driver.json",
  "named/old.json",
  "named/more.json",
};

/* The variables of a look: the value is one or two paths below the root. */
static const struct
{
  const char *name, *first, *second;
} variables[] = {
  { "HOME", "home", NULL },
  { "XDG_CONFIG_HOME", "config-home", NULL },
  { "XDG_CONFIG_DIRS", "config-first", "config-second" },
  { "XDG_DATA_HOME", "data-home", NULL },
  { "XDG_DATA_DIRS", "data-first", "data-second" },
  { "VK_DRIVER_FILES", "named/driver.json", "named/other.json" },
  { "VK_ICD_FILENAMES", "named/old.json", NULL },
  { "VK_ADD_DRIVER_FILES", "named/more.json", NULL },
  { "GST_REGISTRY", "registry", NULL },
  { "GST_PLUGIN_SYSTEM_PATH", "nothing", NULL }, /* only our own plugin */
};

static char *
below_root (const char *path)
{
  return g_build_filename (root, path, NULL);
}

/* Starts a program that uses GStreamer, and returns what it has left in the registry. */
static GBytes *
look (void)
{
  char *arguments[] = { program, (char *) "--look", NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  g_autofree char *registry = below_root ("registry");
  char *contents;
  gsize size;
  int status;

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++) {
    g_autofree char *first = below_root (variables[i].first);
    g_autofree char *second = variables[i].second != NULL ? below_root (variables[i].second) : NULL;
    g_autofree char *value = second != NULL ? g_strconcat (first, ":", second, NULL) : g_strdup (first);
    environment = g_environ_setenv (environment, variables[i].name, value, TRUE);
  }
  environment = g_environ_setenv (environment, "ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", TRUE);
  fail_unless (g_spawn_sync (NULL, arguments, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error),
               "%s", error ? error->message : "");
  fail_unless (g_spawn_check_wait_status (status, &error), "%s", error ? error->message : "");
  fail_unless (g_file_get_contents (registry, &contents, &size, NULL));
  return g_bytes_new_take (contents, size);
}

static void
write_manifest (const char *place, const char *text)
{
  g_autofree char *path = below_root (place), *folder = g_path_get_dirname (path);

  fail_unless (g_mkdir_with_parents (folder, 0755) == 0);
  fail_unless (g_file_set_contents (path, text, -1, NULL));
}

/* A registry is written again when, and only when, there was a reason to look. */
GST_START_TEST (drivers_are_noticed)
{
  g_autoptr (GBytes) before = look ();
  g_autoptr (GBytes) again = look ();

  fail_unless (g_bytes_get_size (before) > 1000);
  fail_unless (g_bytes_equal (before, again), "looked again without a reason");
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    write_manifest (places[i], "{}");
    g_autoptr (GBytes) with = look (), still = look ();
    fail_if (g_bytes_equal (before, with), "a driver in %s is not noticed", places[i]);
    fail_unless (g_bytes_equal (with, still), "looked again after %s", places[i]);

    write_manifest (places[i], "{ \"ICD\": {} }");
    g_autoptr (GBytes) changed = look ();
    fail_if (g_bytes_equal (changed, with), "a change of %s is not noticed", places[i]);
    g_bytes_unref (before);
    before = g_bytes_ref (changed);
  }
}
GST_END_TEST

/* Files that are no manifests are no reason. */
GST_START_TEST (other_files_are_not)
{
  write_manifest ("home/.config/vulkan/icd.d/card.json", "{}"); /* so that the folder is there */
  g_autoptr (GBytes) before = look ();
  write_manifest ("home/.config/vulkan/icd.d/readme.txt", "nothing");
  write_manifest ("home/.config/vulkan/implicit_layer.d/layer.json", "{}");
  g_autoptr (GBytes) after = look ();
  fail_unless (g_bytes_equal (before, after));
}
GST_END_TEST

static int
run (void)
{
  TCase *tests = tcase_create ("rescan");

  root = g_dir_make_tmp ("cbam-XXXXXX", NULL);
  tcase_add_test (tests, drivers_are_noticed);
  tcase_add_test (tests, other_files_are_not);
  const int failed = run_suite (tests);
  remove_tree (root);
  g_free (root);
  return failed;
}

int
main (int argc, char **argv)
{
  if (argc > 1 && g_str_equal (argv[1], "--look")) {
    gst_init (NULL, NULL);
    g_autoptr (GstElementFactory) factory = gst_element_factory_find ("cbamdetect");
    return factory == NULL;
  }
  program = argv[0];
  gst_check_init (&argc, &argv);
  return run ();
}
