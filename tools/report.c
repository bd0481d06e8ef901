/* What cbam-run says about a picture: as a table, as a line of JSON, and where the device's time went.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report.h"

#include "json-text.h"

#include <string.h>

struct _Profile
{
  CbamResult *first; /* owns the operations' names */
  const CbamOpTime *ops;
  gsize n_ops;
  double *seconds; /* per operation, summed over the frames */
  guint frames;
};

void
report_table (FILE *out, const char *path, guint width, guint height, const CbamResult *result, float threshold)
{
  gsize n;
  const CbamDetection *detections = cbam_result_get_detections (result, &n);
  g_autofree char *name = g_filename_display_name (path);
  fprintf (out, "%s  %u x %u  %.1f ms\n", name, width, height, 1e3 * cbam_result_get_seconds (result));
  if (n == 0)
    fprintf (out, "  nothing above %.2f\n", threshold);

  int label_width = 0;
  for (gsize i = 0; i < n; i++)
    label_width = MAX (label_width, (int) strlen (detections[i].label));
  for (gsize i = 0; i < n; i++) {
    const CbamDetection *d = &detections[i];
    fprintf (out, "  %-*s  %.3f   at %7.1f, %7.1f   size %7.1f x %7.1f\n", label_width, d->label, d->score, d->x, d->y,
             d->width, d->height);
  }
}

static void
append_detection (GString *line, const CbamDetection *detection)
{
  const struct
  {
    const char *key;
    float value;
  } numbers[] = {
    { "score", detection->score }, { "x", detection->x },           { "y", detection->y },
    { "width", detection->width }, { "height", detection->height },
  };
  g_string_append (line, "{\"label\": ");
  json_append_string (line, detection->label);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_string_append_printf (line, ", \"%s\": ", numbers[i].key);
    json_append_float (line, numbers[i].value);
  }
  g_string_append_c (line, '}');
}

void
report_json (FILE *out, const char *path, guint width, guint height, const CbamResult *result)
{
  gsize n;
  const CbamDetection *detections = cbam_result_get_detections (result, &n);
  g_autoptr (GString) line = g_string_new ("{\"file\": ");
  json_append_string (line, path);
  g_string_append_printf (line, ", \"width\": %u, \"height\": %u, \"detections\": [", width, height);
  for (gsize i = 0; i < n; i++) {
    if (i > 0)
      g_string_append (line, ", ");
    append_detection (line, &detections[i]);
  }
  g_string_append (line, "]}\n");
  fputs (line->str, out);
}

Profile *
profile_new (void)
{
  return g_new0 (Profile, 1);
}

void
profile_free (Profile *profile)
{
  if (profile == NULL)
    return;
  cbam_result_unref (profile->first);
  g_free (profile->seconds);
  g_free (profile);
}

void
profile_add (Profile *profile, const CbamResult *result)
{
  gsize n;
  const CbamOpTime *ops = cbam_result_get_op_times (result, &n);
  if (ops == NULL)
    return;

  if (profile->first == NULL) {
    profile->first = cbam_result_ref ((CbamResult *) result);
    profile->ops = ops;
    profile->n_ops = n;
    profile->seconds = g_new0 (double, n);
  }
  g_return_if_fail (n == profile->n_ops); /* a detector runs the same operations on every frame */
  for (gsize i = 0; i < n; i++)
    profile->seconds[i] += ops[i].seconds;
  profile->frames++;
}

void
profile_print (const Profile *profile, FILE *out)
{
  if (profile->frames == 0) {
    fprintf (out, "no operation was measured\n");
    return;
  }

  int name_width = 4, variant_width = 7;
  double total = 0, flop = 0;
  for (gsize i = 0; i < profile->n_ops; i++) {
    name_width = MAX (name_width, (int) strlen (profile->ops[i].name));
    variant_width = MAX (variant_width, (int) strlen (profile->ops[i].variant));
    total += profile->seconds[i];
    flop += profile->ops[i].flop * profile->frames;
  }

  fprintf (out, "%-*s  %-10s  %-*s  %-13s  %9s  %8s  %6s\n", name_width, "name", "kind", variant_width, "variant",
           "shape", "ms", "GFLOP/s", "share");
  for (gsize i = 0; i < profile->n_ops; i++) {
    const CbamOpTime *op = &profile->ops[i];
    const double seconds = profile->seconds[i] / profile->frames;
    fprintf (out, "%-*s  %-10s  %-*s  %-13s  %9.3f  ", name_width, op->name, op->kind, variant_width, op->variant,
             op->shape, 1e3 * seconds);
    if (op->flop > 0 && seconds > 0)
      fprintf (out, "%8.1f", op->flop / seconds / 1e9);
    else
      fprintf (out, "%8s", "");
    fprintf (out, "  %5.1f%%\n", total > 0 ? 100 * profile->seconds[i] / total : 0);
  }
  fprintf (out, "%-*s  %-10s  %-*s  %-13s  %9.3f  %8.1f  mean of %u frame%s\n", name_width, "all", "", variant_width,
           "", "", 1e3 * total / profile->frames, total > 0 ? flop / total / 1e9 : 0, profile->frames,
           profile->frames == 1 ? "" : "s");
}
