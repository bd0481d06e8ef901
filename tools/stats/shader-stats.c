/* shader-stats: what a real GPU compiler makes of every kernel, without a GPU. For those who write kernels.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "shared/program.h"
#include "stats-report.h"

static struct
{
  char **families, **networks;
  gboolean json, version;
  CbamPrecision precision;
} options;

static gboolean
take_precision (const char *option, const char *value, gpointer unused, GError **error)
{
  return cbam_precision_parse (value, &options.precision, error);
}

static const GOptionEntry entries[] = {
  { "family", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &options.families,
    "Compile for this family of AMD GPUs only; may be repeated (default: all that Mesa's RADV knows)", "FAMILY" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "Print one JSON document instead of tables", NULL },
  { "network", 'n', 0, G_OPTION_ARG_STRING_ARRAY, &options.networks,
    "Instead of kernels, how long this network takes at least by a model; may be repeated", "PRESET|MODEL" },
  { "precision", 0, 0, G_OPTION_ARG_CALLBACK, take_precision,
    "With --network, numbers to compute with: auto, fp32 or fp16, as the family has them (default: auto)",
    "PRECISION" },
  { "version", 'V', 0, G_OPTION_ARG_NONE, &options.version, "Print the version and exit", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

/* With networks only those of which a product is known: its clock and its memory. */
static gboolean
may_be_asked (const Family *family)
{
  return options.networks == NULL || family->simds > 0;
}

static const char *
list_families (void)
{
  static char text[256];

  g_strlcpy (text, options.networks == NULL ? "a --family is one of" : "with --network a --family is one of",
             sizeof text);
  for (const Family *family = families; family->name != NULL; family++)
    if (may_be_asked (family)) {
      g_strlcat (text, " ", sizeof text);
      g_strlcat (text, family->name, sizeof text);
    }
  return text;
}

static const char *
check_options (void)
{
  for (char **name = options.families; name != NULL && *name != NULL; name++) {
    const Family *family = family_find (*name);

    if (family == NULL || !may_be_asked (family))
      return list_families ();
  }
  return NULL;
}

static const Program program = {
  .name = "shader-stats",
  .summary = "Compiles every kernel for AMD GPUs that need not be there, and says what became of it.",
  .description = "Registers, occupancy (subgroups on a SIMD), memory of a workgroup, spills and scratch are the "
                 "driver's own figures. Of a\nconvolution's innermost loop the machine code is counted: useful "
                 "multiply-adds of a lane by vector instructions, reads\nof the workgroup's memory for each, and "
                 "whether what the next round reads is fetched before this one computes.\n\n"
                 "A network's bound takes of each step the longer of its arithmetic and its memory: the rounds of its "
                 "kernel's loop for\nthis layer, counted in cycles of a product of the family, and the bytes that it "
                 "moves. Launches stand apart, 4\nmicroseconds each. It is a model, not a measurement.",
  .entries = entries,
  .check_options = check_options,
};

static void
report_free (FamilyReport *report)
{
  g_free (report->device);
  g_free (report->driver);
  g_clear_pointer (&report->kernels, g_array_unref);
  g_clear_pointer (&report->networks, g_ptr_array_unref);
  g_free (report);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FamilyReport, report_free)

static gboolean
is_wanted (const Family *family)
{
  if (!may_be_asked (family))
    return FALSE;
  return options.families == NULL || g_strv_contains ((const char *const *) options.families, family->name);
}

static gboolean
add_networks (FamilyReport *report, CbamDevice *device, GError **error)
{
  report->networks = g_ptr_array_new_with_free_func ((GDestroyNotify) network_bound_free);
  for (char **name = options.networks; *name != NULL; name++) {
    NetworkBound *bound = network_bound_new (device, report->family, *name, options.precision, error);

    if (bound == NULL)
      return FALSE;
    g_ptr_array_add (report->networks, bound);
  }
  return TRUE;
}

/* NULL with @error: what the family's compiler was asked for it did not do. */
static FamilyReport *
look_at (const Family *family, const char *name, GError **error)
{
  g_autoptr (FamilyReport) report = g_new0 (FamilyReport, 1);
  g_autoptr (CbamDevice) device = null_device_open (name, error);

  if (device == NULL)
    return NULL;
  report->family = family;
  report->device = g_strdup (device->info.name);
  report->driver = g_strdup (device->info.driver);
  if (options.networks == NULL)
    report->kernels = kernels_compile (device, error);
  if (options.networks == NULL ? report->kernels == NULL : !add_networks (report, device, error))
    return NULL;
  return g_steal_pointer (&report);
}

/* Families that this RADV does not know are passed over, unless they were asked for. */
static gboolean
look_at_all (GPtrArray *reports, GError **error)
{
  for (const Family *family = families; family->name != NULL; family++) {
    const char *name;
    FamilyReport *report;

    if (!is_wanted (family))
      continue;
    if (!family_is_known (family, &name)) {
      if (options.families == NULL)
        continue;
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE, "expected a RADV that knows %s, found none", family->name);
      return FALSE;
    }
    report = look_at (family, name, error);
    if (report == NULL)
      return FALSE;
    g_ptr_array_add (reports, report);
  }
  if (reports->len > 0)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE,
               "expected RADV, Mesa's driver of AMD GPUs, found none that compiles without one (on Debian: apt install "
               "mesa-vulkan-drivers; VK_DRIVER_FILES and VK_ICD_FILENAMES must be unset or name it)");
  return FALSE;
}

/* Returns the exit status. */
static int
run (void)
{
  g_autoptr (GPtrArray) reports = g_ptr_array_new_with_free_func ((GDestroyNotify) report_free);
  g_autoptr (GError) error = NULL;

  if (!look_at_all (reports, &error)) {
    program_complain ("%s", error->message);
    return STATUS_FAILED;
  }
  if (options.json)
    stats_print_json (reports);
  for (guint i = 0; !options.json && i < reports->len; i++)
    stats_print_table (g_ptr_array_index (reports, i));
  return STATUS_OK;
}

int
main (int argc, char **argv)
{
  int status = STATUS_USAGE;

  if (program_start (&program, &argc, &argv))
    status = options.version ? program_print_version () : run ();
  status = program_end (status);
  g_strfreev (options.families);
  g_strfreev (options.networks);
  return status;
}
