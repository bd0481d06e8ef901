/* cbam-run --check: whether everything that detection needs is there and right, and what to do where it is not. Start
 * reading at check_everything().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "check.h"

#include "check-plugin.h"
#include "findings.h"
#include "known-answer.h"
#include "model-card.h"
#include "shared/clamped.h"
#include "shared/numbers.h"

#include <cbamdetect/cbamdetect.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define TIMED_FRAMES 7

/* ---- Vulkan ----------------------------------------------------------------------------------------------------- */

/* With these the Vulkan loader takes other drivers than those that are installed. */
static const char *const driver_variables[] = { "VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES" };

/* Whether any of them is set. What they name that is not there is said. */
static gboolean
check_driver_variables (Findings *findings)
{
  gboolean any = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (driver_variables); i++) {
    const char *value = g_getenv (driver_variables[i]);
    if (value == NULL || *value == '\0')
      continue;
    any = TRUE;
    g_autofree char *advice = g_strdup_printf ("unset %s, or let it name a driver's .json file", driver_variables[i]);
    g_auto (GStrv) files = g_strsplit (value, G_SEARCHPATH_SEPARATOR_S, -1);
    for (guint f = 0; files[f] != NULL; f++)
      if (*files[f] != '\0' && !g_file_test (files[f], G_FILE_TEST_EXISTS))
        findings_add (findings, FINDING_NOTE, "vulkan", advice, "%s names '%s', which is not there",
                      driver_variables[i], files[f]);
  }
  return any;
}

/* The file by which programs reach a GPU, whether a Vulkan driver knows it or not; %NULL where there is none. */
static char *
find_gpu_file (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/dev/dri", 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, "renderD"))
      return g_build_filename ("/dev/dri", name, NULL);
  return g_file_test ("/dev/nvidia0", G_FILE_TEST_EXISTS) ? g_strdup ("/dev/nvidia0") : NULL;
}

static gboolean
is_host (const CbamDeviceInfo *info)
{
  return g_str_equal (info->type, "host");
}

static gboolean
on_processor (const CbamDeviceInfo *info)
{
  return is_host (info) || g_str_equal (info->type, "cpu");
}

/* A GPU that no driver offers is why all is slow, and nothing else says so. */
static void
check_idle_gpu (Findings *findings, const CbamDeviceList *list)
{
  g_autofree char *file = find_gpu_file ();
  for (guint i = 0; i < cbam_device_list_size (list); i++)
    if (!on_processor (cbam_device_list_get (list, i)))
      return;
  if (file == NULL)
    return;
  if (access (file, R_OK | W_OK) != 0)
    findings_add (findings, FINDING_NOTE, "device", "sudo usermod -aG render,video $USER, and log in again",
                  "there may be a GPU, %s, but you may not open it", file);
  else
    findings_add (findings, FINDING_NOTE, "device",
                  "apt install mesa-vulkan-drivers (Debian's name; AMD, Intel), or the driver of the GPU's maker",
                  "there may be a GPU, %s, but no Vulkan driver offers it", file);
}

static void
report_device (Findings *findings, const CbamDeviceInfo *info, gboolean is_chosen)
{
  const FindingState state = is_chosen ? FINDING_OK : FINDING_NOTE;
  findings_add (findings, state, "device", NULL, "%u \"%s\" (%s), %s%s", info->index, info->name, info->type,
                info->driver, is_chosen ? "; chosen" : "; not chosen");
  findings_detail_number (findings, "index", info->index);
  findings_detail (findings, "name", info->name);
  findings_detail (findings, "type", info->type);
  findings_detail (findings, "driver", info->driver);
}

/* Without any device of Vulkan's the processor itself computes. */
static void
report_vulkan (Findings *findings, const CbamDeviceList *list, const char *install)
{
  guint n = 0;
  for (guint i = 0; i < cbam_device_list_size (list); i++)
    n += !is_host (cbam_device_list_get (list, i));
  if (n > 0)
    findings_add (findings, FINDING_OK, "vulkan", NULL, "loader found; it offers %u device%s", n, n == 1 ? "" : "s");
  else
    findings_add (findings, FINDING_NOTE, "vulkan", install, "no loader or no driver, so that no GPU is used");
  findings_detail_number (findings, "devices", n);
}

static CbamDevice *
check_devices (Findings *findings, const char *name)
{
  const gboolean is_narrowed = check_driver_variables (findings);
  const char *install = "apt install libvulkan1 mesa-vulkan-drivers (Debian's names), or the driver of the GPU's maker";
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDeviceList) list = cbam_device_list_new (&error);
  g_autoptr (CbamDevice) device = list != NULL ? cbam_device_open (name, &error) : NULL;
  const guint n = list != NULL ? cbam_device_list_size (list) : 0;

  if (n == 0) {
    findings_add (findings, FINDING_FAIL, "vulkan",
                  is_narrowed ? "unset VK_DRIVER_FILES, VK_ICD_FILENAMES and VK_ADD_DRIVER_FILES" : install, "%s",
                  error != NULL ? error->message : "no device");
    return NULL;
  }
  report_vulkan (findings, list, install);
  for (guint i = 0; i < n; i++) {
    const CbamDeviceInfo *info = cbam_device_list_get (list, i);
    report_device (findings, info, device != NULL && cbam_device_get_info (device)->index == info->index);
  }
  if (!is_narrowed)
    check_idle_gpu (findings, list);
  if (device == NULL)
    findings_add (findings, FINDING_FAIL, "device", "choose one of those above with --device", "%s", error->message);
  return g_steal_pointer (&device);
}

/* ---- The model file --------------------------------------------------------------------------------------------- */

static const struct
{
  const char *words, *advice;
} origins[] = {
  { "named by --model", "models/README.md says what a model file is, and tools/convert makes them" },
  { "named by CBAM_MODEL", "correct or unset CBAM_MODEL; models/README.md says what a model file is" },
  { "the default", "install cbamdetect again, or name a file with --model" },
};

enum
{
  ORIGIN_OPTION,
  ORIGIN_VARIABLE,
  ORIGIN_DEFAULT,
};

static guint
get_origin (const char *named)
{
  const char *variable = g_getenv ("CBAM_MODEL");
  if (named != NULL)
    return ORIGIN_OPTION;
  return variable != NULL && *variable != '\0' ? ORIGIN_VARIABLE : ORIGIN_DEFAULT;
}

static void
report_card (Findings *findings, const ModelCard *card, guint origin)
{
  findings_add (findings, FINDING_OK, "model", NULL, "%s (%s)", card->info->origin, origins[origin].words);
  findings_detail (findings, "path", card->info->origin);
  findings_detail (findings, "origin", origins[origin].words);
  findings_add (findings, FINDING_OK, "model", NULL, "\"%s\", format %u: %s; input %ux%u; %s; %.2f million parameters",
                card->info->name, card->info->format, card->network, card->info->input_width, card->info->input_height,
                card->classes, (double) card->info->parameters / 1e6);
  findings_detail (findings, "name", card->info->name);
  findings_detail_number (findings, "format", card->info->format);
  findings_detail (findings, "network", card->network);
  findings_detail_number (findings, "width", card->info->input_width);
  findings_detail_number (findings, "height", card->info->input_height);
  findings_detail_number (findings, "classes", card->n_classes);
  findings_detail_number (findings, "parameters", (double) card->info->parameters);
}

static void
append_share (GString *text, double share, const char *name)
{
  if (!isnan (share))
    g_string_append_printf (text, "%s%.1f %% %s", text->len > 0 ? ", " : "", 100 * share, name);
}

/* What the file says of its licence, and of how well it finds objects. Neither is checked here. */
static void
report_origin (Findings *findings, const ModelCard *card)
{
  g_autoptr (GString) shares = g_string_new (NULL);
  g_autofree char *on = NULL;
  append_share (shares, card->info->map_11point, "11-point");
  append_share (shares, card->info->map_area, "area");
  append_share (shares, card->info->map_50_95, "0.50:0.95");
  if (shares->len > 0)
    on = g_strdup_printf (" on %s (%u pictures)",
                          card->info->measured_on != NULL ? card->info->measured_on : "unnamed pictures",
                          card->info->measured_pictures);
  findings_add (findings, FINDING_OK, "model", NULL, "licence: %s; average precision: %s%s",
                card->info->licence != NULL ? card->info->licence : "the file does not say",
                shares->len > 0 ? shares->str : "the file does not say", on != NULL ? on : "");
  findings_detail (findings, "licence", card->info->licence);
  if (shares->len == 0)
    return;
  findings_detail (findings, "measured_on", card->info->measured_on);
  findings_detail_number (findings, "measured_pictures", card->info->measured_pictures);
  findings_detail_number (findings, "map_11point", card->info->map_11point);
  findings_detail_number (findings, "map_area", card->info->map_area);
  findings_detail_number (findings, "map_50_95", card->info->map_50_95);
}

/* A model of one's own is as good as ours; a default that is not ours has been damaged or mixed up. */
static void
report_sum (Findings *findings, const ModelCard *card, guint origin)
{
  const gboolean is_shipped = g_str_equal (card->sha256, CBAM_SHIPPED_MODEL_SHA256);
  const gboolean is_damaged = !is_shipped && origin == ORIGIN_DEFAULT;
  const char *which = is_shipped ? "the model that ships" : "not the model that ships";
  findings_add (findings, is_damaged ? FINDING_FAIL : FINDING_OK, "model",
                is_damaged ? "install cbamdetect again, or name a model of your own with --model" : NULL,
                "%.2f MB, SHA-256 %s: %s", (double) card->bytes / 1e6, card->sha256, which);
  findings_detail_number (findings, "bytes", (double) card->bytes);
  findings_detail (findings, "sha256", card->sha256);
  findings_detail (findings, "which", which);
}

/* Returns the path of a file that the library takes, or %NULL. */
static char *
check_model (Findings *findings, const char *named)
{
  const guint origin = get_origin (named);
  g_autoptr (GError) error = NULL;
  g_autofree char *usual = named == NULL ? cbam_model_find_default (&error) : NULL;
  const char *path = named != NULL ? named : usual;
  g_autoptr (ModelCard) card = path != NULL ? model_card_read (path, &error) : NULL;
  if (card == NULL) {
    findings_add (findings, FINDING_FAIL, "model", origins[origin].advice, "%s (%s)", error->message,
                  origins[origin].words);
    return NULL;
  }
  report_card (findings, card, origin);
  report_origin (findings, card);
  report_sum (findings, card, origin);
  return g_strdup (card->info->origin);
}

/* ---- Frames ----------------------------------------------------------------------------------------------------- */

static CbamResult *
detect (CbamDetector *detector, const CbamImage *image, const CbamDetectParams *params, GError **error)
{
  return cbam_detector_submit (detector, image, params, error) ? cbam_detector_collect (detector, error) : NULL;
}

/* A picture whose content is known, by a network that knows it: whether the device computes what it should. */
static void
check_answer (Findings *findings, CbamDevice *device, const CbamImage *image)
{
  const char *advice = "this device or its driver computes wrongly: install a newer driver, or try --device cpu";
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = known_answer_load_model (device, &error);
  g_autoptr (CbamDetector) detector = model != NULL ? cbam_detector_new (model, NULL, &error) : NULL;
  g_autoptr (CbamResult) result = detector != NULL ? detect (detector, image, NULL, &error) : NULL;
  g_autofree char *text = NULL;
  if (result == NULL) {
    findings_add (findings, FINDING_FAIL, "answer", "install a newer driver, or try another device with --device",
                  "drawn shapes could not be looked for: %s", error->message);
    return;
  }
  const gboolean is_right = known_answer_is_right (result, &text);
  findings_add (findings, is_right ? FINDING_OK : FINDING_FAIL, "answer", is_right ? NULL : advice, "%s", text);
}

/* The last of some frames, and the median of their times. */
static CbamResult *
time_frames (CbamDetector *detector, const CbamImage *image, double *ret_seconds, GError **error)
{
  g_autoptr (CbamResult) result = NULL;
  double seconds[TIMED_FRAMES];
  for (guint i = 0; i < TIMED_FRAMES; i++) {
    g_clear_pointer (&result, cbam_result_unref);
    result = detect (detector, image, NULL, error);
    if (result == NULL)
      return NULL;
    seconds[i] = cbam_result_get_seconds (result);
  }
  qsort (seconds, TIMED_FRAMES, sizeof seconds[0], by_rising_value);
  *ret_seconds = seconds[TIMED_FRAMES / 2];
  return g_steal_pointer (&result);
}

/* The best detection or class whatever the threshold says; nothing is expected of it. */
static CbamResult *
find_best (CbamDetector *detector, const CbamImage *image, GError **error)
{
  const CbamDetectParams params = { .threshold = -1, .max_detections = 1 };
  return detect (detector, image, &params, error);
}

/* NULL where there is none. */
static const char *
label_of_best (const CbamResult *result)
{
  if (cbam_result_get_n_classes (result) > 0)
    return cbam_result_get_class (result, 0)->label;
  return cbam_result_get_n_detections (result) > 0 ? cbam_result_get_detection (result, 0)->label : NULL;
}

static void
report_frame (Findings *findings, const CbamModel *model, double seconds, const CbamResult *usual,
              const CbamResult *all)
{
  const float threshold = cbam_model_get_info (model)->threshold, score = cbam_result_get_best_score (usual);
  const gsize n_above = cbam_result_get_n_detections (usual) + cbam_result_get_n_classes (usual);
  const char *label = label_of_best (all);
  if (!(isfinite (score) && score >= 0 && score <= 1)) {
    findings_add (findings, FINDING_FAIL, "frame", "install a newer driver, or try another device with --device",
                  "expected scores from 0 to 1, found %g", score);
    return;
  }
  findings_add (findings, FINDING_OK, "frame", NULL,
                "%.1f ms with this model and %s kernels on the same picture (median of %d); best score %.2f (%s), "
                "%" G_GSIZE_FORMAT " above the threshold %.2f; nothing is expected there",
                1000 * seconds, cbam_model_get_info (model)->kernels, TIMED_FRAMES, score,
                label != NULL ? label : "nothing", n_above, threshold);
  findings_detail_number (findings, "seconds", seconds);
  findings_detail (findings, "kernels", cbam_model_get_info (model)->kernels);
  findings_detail_number (findings, "best_score", score);
  findings_detail (findings, "best_label", label);
  findings_detail_number (findings, "above_threshold", n_above);
  findings_detail_number (findings, "threshold", threshold);
}

static void
check_frame (Findings *findings, CbamDevice *device, const char *path, const CbamImage *image)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = cbam_model_load (device, path, NULL, &error);
  g_autoptr (CbamDetector) detector = model != NULL ? cbam_detector_new (model, NULL, &error) : NULL;
  double seconds = 0;
  if (model != NULL)
    clamped_tell_of_model (cbam_model_get_info (model));
  g_autoptr (CbamResult) usual = detector != NULL ? time_frames (detector, image, &seconds, &error) : NULL;
  g_autoptr (CbamResult) all = usual != NULL ? find_best (detector, image, &error) : NULL;
  if (all != NULL)
    report_frame (findings, model, seconds, usual, all);
  else
    findings_add (findings, FINDING_FAIL, "frame", "try another device with --device, or another model with --model",
                  "%s", error->message);
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

gboolean
check_everything (const char *model, const char *device_name, gboolean json, FILE *out)
{
  g_autoptr (Findings) findings = findings_new (json ? NULL : out);
  g_autoptr (KnownPicture) picture = known_picture_new ();
  const CbamImage image = known_picture_view (picture);

  g_autoptr (CbamDevice) device = check_devices (findings, device_name);
  check_plugin (findings);
  g_autofree char *path = check_model (findings, model);
  if (device != NULL)
    check_answer (findings, device, &image);
  if (device != NULL && path != NULL)
    check_frame (findings, device, path, &image);

  if (json)
    findings_print_json (findings, out);
  else
    findings_print_summary (findings, out);
  return findings_are_good (findings);
}
