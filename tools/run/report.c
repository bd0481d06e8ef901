/* What cbam-run says about a picture: as a table, as a line of JSON, and where the device's time went.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report.h"

#include "shared/json-text.h"

#include <cbamdetect/profile.h>
#include <heatmap.h>
#include <math.h>
#include <string.h>

struct _Profile
{
  CbamResult *first; /* owns the operations' names */
  gsize n_ops;
  double *seconds; /* per operation, summed over the frames */
  guint frames;
};

void
report_table (FILE *out, const char *path, guint width, guint height, const CbamResult *result, float threshold)
{
  const gsize n = cbam_result_get_n_detections (result), n_classes = cbam_result_get_n_classes (result);
  g_autofree char *name = g_filename_display_name (path);
  fprintf (out, "%s  %u x %u  %.1f ms\n", name, width, height, 1e3 * cbam_result_get_seconds (result));
  if (n == 0 && n_classes == 0)
    fprintf (out, "  nothing above %.2f\n", threshold);

  int label_width = 0;
  for (gsize i = 0; i < n_classes; i++)
    label_width = MAX (label_width, (int) strlen (cbam_result_get_class (result, i)->label));
  for (gsize i = 0; i < n; i++)
    label_width = MAX (label_width, (int) strlen (cbam_result_get_detection (result, i)->label));
  for (gsize i = 0; i < n; i++) {
    const CbamDetection *d = cbam_result_get_detection (result, i);
    fprintf (out, "  %-*s  %.3f   at %7.1f, %7.1f   size %7.1f x %7.1f\n", label_width, d->label, d->score, d->x, d->y,
             d->width, d->height);
  }
  for (gsize i = 0; i < n_classes; i++) {
    const CbamClass *c = cbam_result_get_class (result, i);
    fprintf (out, "  %-*s  %.3f\n", label_width, c->label, c->score);
  }
}

/* A weight, to the four digits that matter of one. */
static void
append_weight (GString *line, float value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append (line, isfinite (value) ? g_ascii_formatd (text, sizeof text, "%.4g", value) : "null");
}

static void
append_weights (GString *line, const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    g_string_append_c (line, i == 0 ? '[' : ',');
    append_weight (line, values[i]);
  }
  g_string_append_c (line, ']');
}

static void
append_rows (GString *line, const CbamMap *map)
{
  for (guint row = 0; row < map->height; row++) {
    g_string_append_c (line, row == 0 ? '[' : ',');
    append_weights (line, map->values + (gsize) row * map->width, map->width);
  }
  g_string_append_c (line, ']');
}

/* The members that every map has: its cells, and the part of the picture that they lie over. */
static void
append_frame (GString *line, const CbamMap *map)
{
  json_add_count (line, "width", map->width);
  json_add_count (line, "height", map->height);
  json_open (line, "over", '[');
  json_add_float (line, NULL, map->x);
  json_add_float (line, NULL, map->y);
  json_add_float (line, NULL, map->frame_width);
  json_add_float (line, NULL, map->frame_height);
  g_string_append_c (line, ']');
}

static void
append_attention (GString *line, const CbamAttention *attention)
{
  json_open (line, NULL, '{');
  json_add_count (line, "level", attention->level);
  if (attention->spatial != NULL) {
    float min, max;
    cbam_drawing_map_range (attention->spatial, &min, &max);
    append_frame (line, attention->spatial);
    json_append_key (line, "min");
    append_weight (line, min);
    json_append_key (line, "max");
    append_weight (line, max);
    json_append_key (line, "spatial");
    append_rows (line, attention->spatial);
  }
  if (attention->channel != NULL) {
    json_append_key (line, "channel");
    append_weights (line, attention->channel, attention->n_channels);
  }
  g_string_append_c (line, '}');
}

static void
append_grad_cam (GString *line, const CbamMap *grad_cam)
{
  if (grad_cam == NULL)
    return;
  json_open (line, "grad_cam", '{');
  append_frame (line, grad_cam);
  json_append_key (line, "values");
  append_rows (line, grad_cam);
  g_string_append_c (line, '}');
}

static void
append_class (GString *line, const CbamClass *found, const CbamMap *grad_cam)
{
  json_open (line, NULL, '{');
  json_add_string (line, "label", found->label);
  json_add_count (line, "class_id", found->class_id);
  json_add_float (line, "score", found->score);
  append_grad_cam (line, grad_cam);
  g_string_append_c (line, '}');
}

static void
append_detection (GString *line, const CbamDetection *detection, const CbamMap *grad_cam)
{
  json_open (line, NULL, '{');
  json_add_string (line, "label", detection->label);
  json_add_float (line, "score", detection->score);
  json_add_float (line, "x", detection->x);
  json_add_float (line, "y", detection->y);
  json_add_float (line, "width", detection->width);
  json_add_float (line, "height", detection->height);
  append_grad_cam (line, grad_cam);
  g_string_append_c (line, '}');
}

void
report_json (FILE *out, const char *path, guint width, guint height, const CbamResult *result, gboolean classifies)
{
  const gsize n = cbam_result_get_n_detections (result), n_classes = cbam_result_get_n_classes (result);
  const gsize n_levels = cbam_result_get_n_attention (result);
  g_autoptr (GString) line = g_string_new ("{");
  json_add_string (line, "file", path);
  json_add_count (line, "width", width);
  json_add_count (line, "height", height);
  json_open (line, classifies ? "classes" : "detections", '[');
  for (gsize i = 0; i < n_classes; i++)
    append_class (line, cbam_result_get_class (result, i), cbam_result_get_grad_cam (result, i));
  for (gsize i = 0; i < n; i++)
    append_detection (line, cbam_result_get_detection (result, i), cbam_result_get_grad_cam (result, i));
  g_string_append_c (line, ']');
  if (n_levels > 0) {
    json_open (line, "attention", '[');
    for (gsize i = 0; i < n_levels; i++)
      append_attention (line, cbam_result_get_attention (result, i));
    g_string_append_c (line, ']');
  }
  fprintf (out, "%s}\n", line->str);
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
  const gsize n = cbam_result_get_n_op_times (result);
  if (n == 0)
    return;

  if (profile->first == NULL) {
    profile->first = cbam_result_ref ((CbamResult *) result);
    profile->n_ops = n;
    profile->seconds = g_new0 (double, n);
  }
  g_return_if_fail (n == profile->n_ops); /* a detector runs the same operations on every frame */
  for (gsize i = 0; i < n; i++)
    profile->seconds[i] += cbam_result_get_op_time (result, i)->seconds;
  profile->frames++;
}

void
profile_print (const Profile *profile, FILE *out)
{
  if (profile->frames == 0) {
    fprintf (out, "no operation was measured\n");
    return;
  }

  int name_width = 4, kind_width = 4, variant_width = 7;
  double total = 0, flop = 0;
  for (gsize i = 0; i < profile->n_ops; i++) {
    const CbamOpTime *op = cbam_result_get_op_time (profile->first, i);
    name_width = MAX (name_width, (int) strlen (op->name));
    kind_width = MAX (kind_width, (int) strlen (op->kind));
    variant_width = MAX (variant_width, (int) strlen (op->variant));
    total += profile->seconds[i];
    flop += op->flop * profile->frames;
  }

  fprintf (out, "%-*s  %-*s  %-*s  %-13s  %9s  %8s  %6s\n", name_width, "name", kind_width, "kind", variant_width,
           "variant", "shape", "ms", "GFLOP/s", "share");
  for (gsize i = 0; i < profile->n_ops; i++) {
    const CbamOpTime *op = cbam_result_get_op_time (profile->first, i);
    const double seconds = profile->seconds[i] / profile->frames;
    fprintf (out, "%-*s  %-*s  %-*s  %-13s  %9.3f  ", name_width, op->name, kind_width, op->kind, variant_width,
             op->variant, op->shape, 1e3 * seconds);
    if (op->flop > 0 && seconds > 0)
      fprintf (out, "%8.1f", op->flop / seconds / 1e9);
    else
      fprintf (out, "%8s", "");
    fprintf (out, "  %5.1f%%\n", total > 0 ? 100 * profile->seconds[i] / total : 0);
  }
  fprintf (out, "%-*s  %-*s  %-*s  %-13s  %9.3f  %8.1f  mean of %u frame%s\n", name_width, "all", kind_width, "",
           variant_width, "", "", 1e3 * total / profile->frames, total > 0 ? flop / total / 1e9 : 0, profile->frames,
           profile->frames == 1 ? "" : "s");
}
