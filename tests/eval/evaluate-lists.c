/* evaluate-lists SPLIT DETECTIONS DEVKIT...: what cbam-eval makes of detections that a test made up, without a device.
 * DETECTIONS has lines as cbam-eval's --detections writes them, a picture's lines together and pictures in the split's
 * order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "eval/devkit.h"
#include "eval/eval-report.h"

#define THRESHOLD 0.5f
#define RESAMPLES 400
#define SEED 1

/* Adds the picture with what the lines from *@line on say of it, and moves past them. */
static void
add_picture (Evaluation *evaluation, const Devkit *devkit, const DevkitPicture *picture, char ***line)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (VocDetection));

  for (; **line != NULL && ***line != '\0'; (*line)++) {
    g_auto (GStrv) fields = g_strsplit (**line, "\t", -1);
    VocDetection detection = { 0 };

    g_assert_cmpuint (g_strv_length (fields), ==, 7);
    if (strcmp (fields[0], picture->name) != 0)
      break;
    while (strcmp (g_ptr_array_index (devkit->classes, detection.class_id), fields[1]) != 0)
      g_assert_cmpuint (++detection.class_id, <, devkit->n_classes);
    detection.score = (float) g_ascii_strtod (fields[2], NULL);
    detection.box = (VocBox){ g_ascii_strtod (fields[3], NULL), g_ascii_strtod (fields[4], NULL),
                              g_ascii_strtod (fields[5], NULL), g_ascii_strtod (fields[6], NULL) };
    g_array_append_val (found, detection);
  }
  evaluation_add_picture (evaluation, (const VocObject *) (void *) picture->objects->data, picture->objects->len,
                          (const VocDetection *) (void *) found->data, found->len);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Devkit) devkit = NULL;
  g_autoptr (Evaluation) evaluation = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  EvalReport report = { .split = argv[1], .threshold = THRESHOLD, .seconds = NAN, .low = NAN, .high = NAN };
  char **line;

  g_assert_cmpint (argc, >, 3);
  devkit = devkit_read (argv + 3, argv[1], &error);
  g_assert_no_error (error);
  g_file_get_contents (argv[2], &text, NULL, &error);
  g_assert_no_error (error);

  evaluation = evaluation_new (devkit->n_classes);
  line = lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; i < devkit->pictures->len; i++)
    add_picture (evaluation, devkit, g_ptr_array_index (devkit->pictures, i), &line);
  g_assert_true (*line == NULL || **line == '\0'); /* nothing is left over */
  evaluation_finish (evaluation);
  evaluation_interval (evaluation, RESAMPLES, SEED, &report.low, &report.high);

  report.evaluation = evaluation;
  report.classes = (const char *const *) devkit->classes->pdata;
  eval_report_json (stdout, &report);
  return 0;
}
