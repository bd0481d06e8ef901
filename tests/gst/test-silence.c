/* "It runs, but there are no boxes": the property `stats` and the log say why, in words and in numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

static guint
n_found (GstHarness *h, guint index)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, index)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) found = found_in (out);
  return found->len;
}

/* The field `explanation` of `stats` has these words. */
static void
check_words (GstElement *element, const char *words)
{
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (element, "stats", &stats, NULL);
  const char *explanation = gst_structure_get_string (stats, "explanation");
  fail_unless (explanation != NULL && strstr (explanation, words) != NULL, "no \"%s\" in \"%s\"", words, explanation);
}

static double
get_number (GstElement *element, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  double number = -2;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, field, &number), "%s", field);
  return number;
}

GST_START_TEST (the_threshold_is_too_high)
{
  GstHarness *h = harness_new (detect_new ("threshold=0"), CAPS);

  check_words (h->element, "no frame has come");
  fail_unless (get_number (h->element, "threshold") == -1);
  const guint all = n_found (h, 0);
  g_autofree char *words = g_strdup_printf ("%u detections, best score 0.", all);
  fail_unless (all > 0);
  check_words (h->element, words);
  fail_unless_equals_uint64 (get_stat (h->element, "empty"), 0);

  const double best = get_number (h->element, "best-score");
  g_object_set (h->element, "threshold", 0.97, NULL);
  fail_unless (best > 0 && best < 0.97);
  for (guint i = 1; i < 4; i++)
    fail_unless_equals_int (n_found (h, i), 0);
  g_autofree char *reason = g_strdup_printf ("best score %.3f is not above 0.970 (threshold)", best);
  check_words (h->element, reason);
  fail_unless (get_number (h->element, "threshold") == 0.97);
  fail_unless_equals_uint64 (get_stat (h->element, "empty"), 3);

  /* The model's own is meant where the property is unset. */
  g_object_set (h->element, "threshold", -1.0, NULL);
  n_found (h, 4);
  const double own = get_number (h->element, "threshold");
  fail_unless (own >= 0 && own < 0.97, "%g", own);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (other_classes_were_found)
{
  g_autoptr (GArray) all = found_by (CAPS, 0, "threshold=0");
  const Found *best = &g_array_index (all, Found, 0);
  const char *other = g_str_equal (best->label, "dog") ? "cat" : "dog";
  GstHarness *h = harness_new (detect_new ("threshold=%.9f classes=%s", best->score - 1e-5, other), CAPS);

  fail_unless_equals_int (n_found (h, 0), 0);
  g_autofree char *words = g_strdup_printf ("no detections, but %" G_GUINT64_FORMAT " of other classes (classes)",
                                            get_stat (h->element, "class-filtered"));
  fail_unless (get_stat (h->element, "class-filtered") > 0);
  check_words (h->element, words);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (nothing_is_inferred)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 roi=500,500,10,10"), CAPS);

  for (guint i = 0; i < 3; i++)
    fail_unless_equals_int (n_found (h, i), 0);
  check_words (h->element, "none of 3 frames was inferred, most of them: the region lies outside of the frame (roi)");
  harness_free (h);
}
GST_END_TEST

/* ---- The log ---- */

typedef struct
{
  GMutex lock;
  GString *text; /* a line for each message of the category */
} Log;

static void
note_message (GstDebugCategory *category, G_GNUC_UNUSED GstDebugLevel level, G_GNUC_UNUSED const char *file,
              G_GNUC_UNUSED const char *function, G_GNUC_UNUSED int line, G_GNUC_UNUSED GObject *object,
              GstDebugMessage *message, gpointer data)
{
  Log *log = data;

  if (!g_str_equal (gst_debug_category_get_name (category), "cbamdetect"))
    return;
  g_mutex_lock (&log->lock);
  g_string_append_printf (log->text, "%s\n", gst_debug_message_get (message));
  g_mutex_unlock (&log->lock);
}

static gboolean
log_has (Log *log, const char *words)
{
  g_mutex_lock (&log->lock);
  const gboolean has = strstr (log->text->str, words) != NULL;
  g_mutex_unlock (&log->lock);
  return has;
}

/* GST_DEBUG=cbamdetect:4 names the model, the device and the caps once, and :5 has a line for every frame. */
GST_START_TEST (the_log_says_it_too)
{
  Log log = { .text = g_string_new (NULL) };
  g_autofree char *model = g_path_get_basename (model_path ());

  g_mutex_init (&log.lock);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (note_message, &log, NULL);
  gst_debug_set_active (TRUE);
  gst_debug_set_threshold_for_name ("cbamdetect", GST_LEVEL_DEBUG);
  GstHarness *h = harness_new (detect_new ("threshold=1 interval=1"), CAPS);
  for (guint i = 0; i < 4; i++)
    n_found (h, i);
  GstTagList *tags = gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, "rotate-90", NULL);
  gst_harness_push_event (h, gst_event_new_tag (tags));
  n_found (h, 4);
  g_object_set (h->element, "video-direction", GST_VIDEO_ORIENTATION_180, NULL);
  n_found (h, 5);
  harness_free (h);
  gst_debug_remove_log_function (note_message);

  fail_unless (log_has (&log, "model "), "%s", log.text->str);
  fail_unless (log_has (&log, model), "%s", log.text->str);
  fail_unless (log_has (&log, "expected video/x-raw of "), "%s", log.text->str);
  fail_unless (log_has (&log, " kernels, "), "%s", log.text->str);
  fail_unless (log_has (&log, ", found video/x-raw, format=(string)RGB"), "%s", log.text->str);
  fail_unless (log_has (&log, "0:00:00.000000000: no detections: best score 0."), "%s", log.text->str);
  fail_unless (log_has (&log, "0:00:00.040000000: without inference: not its turn (interval)"), "%s", log.text->str);
  fail_unless (log_has (&log, "is not above 1.000 (threshold)"), "%s", log.text->str);
  fail_unless (log_has (&log, "; orientation identity: no tag says otherwise"), "%s", log.text->str);
  fail_unless (log_has (&log, "is now 90r: the stream's tag image-orientation says so"), "%s", log.text->str);
  fail_unless (log_has (&log, "is now 180: video-direction says so"), "%s", log.text->str);
  fail_unless (log_has (&log, "cbamdetect-stats"), "%s", log.text->str);
  g_string_free (log.text, TRUE);
  g_mutex_clear (&log.lock);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("silence");
  tcase_add_test (tests, the_threshold_is_too_high);
  tcase_add_test (tests, other_classes_were_found);
  tcase_add_test (tests, nothing_is_inferred);
  tcase_add_test (tests, the_log_says_it_too);
  return run_suite (tests);
}
