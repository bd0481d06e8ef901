/* What cbam-run --check looks at of GStreamer: whether it knows the element, from which file, and whether that is ours.
 *
 * GStreamer keeps what it knows of plugins in a registry, a file. So there are three places that may disagree: the
 * folders that it looks in, the registry, and the file that this program was built with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "check-plugin.h"

#include <cbamdetect/version.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define INSPECT "gst-inspect-1.0"
#define PLUGIN_FILE "libgstcbamdetect.so"
#define ELEMENT "cbamdetect"
#define PART "plugin"

/* Of two variables that say the same, GStreamer takes the one with the version if that is set. */
static const char *
get_gst_variable (const char *name)
{
  g_autofree char *versioned = g_strconcat (name, "_1_0", NULL);
  const char *value = g_getenv (versioned);
  return value != NULL ? value : g_getenv (name);
}

/* What gst-inspect-1.0 prints, or %NULL when it fails. */
static char *
ask (const char *inspect, const char *option, const char *name)
{
  const char *arguments[] = { inspect, option != NULL ? option : name, option != NULL ? name : NULL, NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LC_ALL", "C", TRUE);
  g_autofree char *text = NULL;
  int status;

  if (!g_spawn_sync (NULL, (char **) arguments, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &text, NULL,
                     &status, NULL))
    return NULL;
  return WIFEXITED (status) && WEXITSTATUS (status) == 0 ? g_steal_pointer (&text) : NULL;
}

/* The rest of the line that begins with @name, as in "  Filename       /usr/lib/...", or %NULL. */
static char *
get_field (const char *text, const char *name)
{
  if (text == NULL)
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const char *line = g_strstrip (lines[i]);
    if (g_str_has_prefix (line, name) && g_ascii_isspace (line[strlen (name)]))
      return g_strstrip (g_strdup (line + strlen (name)));
  }
  return NULL;
}

/* The plugin of this program's build tree or installation, or %NULL where there is none. */
static char *
find_own_plugin (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : g_strdup (".");
  g_autofree char *built = g_canonicalize_filename ("../gst/" PLUGIN_FILE, folder);
  g_autofree char *installed = g_build_filename (CBAM_PLUGIN_DIR, PLUGIN_FILE, NULL);

  if (g_file_test (built, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&built);
  return g_file_test (installed, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer (&installed) : NULL;
}

static gboolean
is_same_file (const char *a, const char *b)
{
  GStatBuf one, other;
  return g_stat (a, &one) == 0 && g_stat (b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static char *
forget_command (void)
{
  const char *named = get_gst_variable ("GST_REGISTRY");
  if (named != NULL)
    return g_strdup_printf ("rm '%s'", named);
  return g_strdup_printf ("rm %s/gstreamer-1.0/registry.*.bin", g_get_user_cache_dir ());
}

/* Says which folders of GST_PLUGIN_PATH are not there. Returns whether @folder is one of them that is. */
static gboolean
check_folders (Findings *findings, const char *folder)
{
  const char *path = get_gst_variable ("GST_PLUGIN_PATH");
  gboolean is_searched = FALSE;
  if (path == NULL || *path == '\0')
    return FALSE;

  g_auto (GStrv) folders = g_strsplit (path, G_SEARCHPATH_SEPARATOR_S, -1);
  for (guint i = 0; folders[i] != NULL; i++) {
    if (*folders[i] == '\0')
      continue;
    is_searched |= folder != NULL && is_same_file (folders[i], folder);
    if (!g_file_test (folders[i], G_FILE_TEST_IS_DIR))
      findings_add (findings, FINDING_NOTE, PART, "correct or unset GST_PLUGIN_PATH",
                    "GST_PLUGIN_PATH names '%s', which is no folder", folders[i]);
  }
  return is_searched;
}

static void
report_blacklisted (Findings *findings, const char *own)
{
  g_autofree char *forget = forget_command ();
  g_autofree char *advice =
      g_strdup_printf ("find out why (ldd %s names libraries that are missing), then %s", own, forget);
  findings_add (findings, FINDING_FAIL, PART, advice,
                "GStreamer has blacklisted " PLUGIN_FILE ": when it last looked, the file could not be loaded");
}

/* GStreamer does not know the element: what to do depends on where the plugin lies, if it does. */
static void
report_unknown (Findings *findings, const char *own, gboolean is_searched)
{
  g_autofree char *advice = NULL;
  if (own == NULL && !CBAM_WITH_PLUGIN) {
    findings_add (findings, FINDING_NOTE, PART, "for pipelines build with -Dgst=enabled",
                  "GStreamer knows no " ELEMENT ", and this program was built without it");
    return;
  }
  if (own == NULL)
    advice = g_strdup ("build cbamdetect (ninja -C build), or install it again");
  else if (is_searched)
    advice = forget_command ();
  else {
    g_autofree char *folder = g_path_get_dirname (own);
    advice = g_strdup_printf ("export GST_PLUGIN_PATH=%s", folder);
  }
  if (own != NULL)
    findings_add (findings, FINDING_FAIL, PART, advice, "GStreamer knows no " ELEMENT "; it lies in %s", own);
  else
    findings_add (findings, FINDING_FAIL, PART, advice,
                  "GStreamer knows no " ELEMENT ", and " PLUGIN_FILE
                  " is neither beside this program's build nor in " CBAM_PLUGIN_DIR);
}

/* GStreamer takes the element from @file. Returns whether that is there and of this program's version. */
static gboolean
check_file (Findings *findings, const char *file, const char *version, const char *own)
{
  g_autofree char *forget = forget_command ();
  g_autofree char *folder = own != NULL ? g_path_get_dirname (own) : NULL;
  g_autofree char *advice = NULL;
  if (!g_file_test (file, G_FILE_TEST_IS_REGULAR)) {
    findings_add (findings, FINDING_FAIL, PART, forget,
                  "GStreamer's registry is stale: it has " ELEMENT " from %s, which is not there", file);
    return FALSE;
  }
  if (g_strcmp0 (version, CBAM_VERSION) == 0)
    return TRUE;

  if (folder != NULL && !is_same_file (file, own))
    advice = g_strdup_printf ("remove it, or export GST_PLUGIN_PATH=%s, which goes first", folder);
  else
    advice = g_strdup_printf ("%s, or install program and plugin of one version", forget);
  findings_add (findings, FINDING_FAIL, PART, advice,
                "GStreamer takes " ELEMENT " from %s, which is version %s; "
                "this program is version " CBAM_VERSION,
                file, version != NULL ? version : "unknown");
  return FALSE;
}

static void
check_known (Findings *findings, const char *inspect, const char *file, const char *version, const char *own)
{
  g_autofree char *element = NULL;
  if (!check_file (findings, file, version, own))
    return;
  element = ask (inspect, NULL, ELEMENT); /* makes one */
  if (element == NULL) {
    g_autofree char *advice = g_strdup_printf ("ldd %s names libraries that are missing", file);
    findings_add (findings, FINDING_FAIL, PART, advice, "GStreamer cannot load %s", file);
    return;
  }
  findings_add (findings, FINDING_OK, PART, NULL, ELEMENT " %s from %s", version, file);
  findings_detail (findings, "path", file);
  findings_detail (findings, "version", version);
  if (own == NULL || is_same_file (file, own))
    return;
  g_autofree char *folder = g_path_get_dirname (own);
  g_autofree char *advice = g_strdup_printf ("to use that one, export GST_PLUGIN_PATH=%s", folder);
  findings_add (findings, FINDING_NOTE, PART, advice, "this program's own is another file: %s", own);
}

void
check_plugin (Findings *findings)
{
  g_autofree char *inspect = g_find_program_in_path (INSPECT);
  if (inspect == NULL) {
    findings_add (findings, FINDING_NOTE, PART, "for pipelines: apt install gstreamer1.0-tools (Debian's name)",
                  "not looked at: there is no " INSPECT);
    return;
  }

  g_autofree char *own = find_own_plugin ();
  g_autofree char *folder = own != NULL ? g_path_get_dirname (own) : NULL;
  const gboolean is_searched = check_folders (findings, folder);
  g_autofree char *text = ask (inspect, "--plugin", ELEMENT);
  g_autofree char *file = get_field (text, "Filename"), *version = get_field (text, "Version");
  if (file != NULL) {
    check_known (findings, inspect, file, version, own);
    return;
  }
  g_autofree char *blacklist = ask (inspect, "--print-blacklist", NULL);
  if (blacklist != NULL && strstr (blacklist, PLUGIN_FILE) != NULL)
    report_blacklisted (findings, own != NULL ? own : PLUGIN_FILE);
  else
    report_unknown (findings, own, is_searched);
}
