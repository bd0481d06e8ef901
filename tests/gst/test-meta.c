/* What comes out: metadata, messages, and how properties change both from one frame to the next.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <math.h>

#define CAPS "video/x-raw,format=NV12,width=321,height=241,framerate=25/1"

static GArray *
found_next (GstHarness *h, guint picture)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, picture, 7)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  return found_in (out);
}

GST_START_TEST (regions_are_right)
{
  g_autoptr (GArray) found = found_by (CAPS, 0, "threshold=0");

  fail_unless (found->len > 0);
  for (guint i = 0; i < found->len; i++) {
    const Found *f = &g_array_index (found, Found, i);
    fail_unless (f->label[0] != '\0' && f->label_id > 0);
    fail_unless (f->score > 0 && f->score <= 1);
    fail_unless (i == 0 || f->score <= f[-1].score);
    fail_unless (0 <= f->x_min && f->x_min < f->x_max && f->x_max <= 1);
    fail_unless (0 <= f->y_min && f->y_min < f->y_max && f->y_max <= 1);
    fail_unless (f->width >= 1 && f->x + f->width <= 321);
    fail_unless (f->height >= 1 && f->y + f->height <= 241);
    fail_unless (fabs (f->x_min * 321 - f->x) <= 1 && fabs (f->x_max * 321 - f->x - f->width) <= 1);
    fail_unless (fabs (f->y_min * 241 - f->y) <= 1 && fabs (f->y_max * 241 - f->y - f->height) <= 1);
  }
}
GST_END_TEST

GST_START_TEST (runs_are_deterministic)
{
  g_autoptr (GArray) one = found_by (CAPS, 0, "threshold=0 max-detections=0");
  g_autoptr (GArray) other = found_by (CAPS, 0, "threshold=0 max-detections=0 queue-depth=5");

  fail_unless (found_equal (one, other));
}
GST_END_TEST

static double
get_double (const GstStructure *structure, const char *field)
{
  double value;

  fail_unless (gst_structure_get_double (structure, field, &value), "%s", field);
  return value;
}

static guint64
get_time (const GstStructure *structure, const char *field)
{
  guint64 value;

  fail_unless (gst_structure_get_uint64 (structure, field, &value), "%s", field);
  return value;
}

static void
check_message (const GstStructure *message, const GArray *found)
{
  int width, height;

  fail_unless (gst_structure_has_name (message, "cbam-detections"));
  fail_unless_equals_uint64 (get_time (message, "timestamp"), 280 * GST_MSECOND);
  fail_unless_equals_uint64 (get_time (message, "stream-time"), 1270 * GST_MSECOND);
  fail_unless_equals_uint64 (get_time (message, "running-time"), 270 * GST_MSECOND);
  fail_unless (gst_structure_get (message, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, NULL));
  fail_unless (width == 321 && height == 241);

  const GValue *list = gst_structure_get_value (message, "detections");
  fail_unless (list != NULL && GST_VALUE_HOLDS_LIST (list));
  fail_unless_equals_int (gst_value_list_get_size (list), found->len);
  for (guint i = 0; i < found->len; i++) {
    const Found *f = &g_array_index (found, Found, i);
    const GstStructure *d = gst_value_get_structure (gst_value_list_get_value (list, i));
    int label_id;
    fail_unless (gst_structure_has_name (d, "detection"));
    fail_unless_equals_string (gst_structure_get_string (d, "label"), f->label);
    fail_unless (gst_structure_get_int (d, "label-id", &label_id) && label_id == f->label_id);
    fail_unless_equals_float (get_double (d, "confidence"), f->score);
    fail_unless (fabs (get_double (d, "x") - f->x_min * 321) < 0.01);
    fail_unless (fabs (get_double (d, "y") - f->y_min * 241) < 0.01);
    fail_unless (fabs (get_double (d, "width") - (f->x_max - f->x_min) * 321) < 0.01);
    fail_unless (fabs (get_double (d, "height") - (f->y_max - f->y_min) * 241) < 0.01);
  }
}

GST_START_TEST (messages_are_right)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=4 post-messages=true"), CAPS);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 10 * GST_MSECOND;
  segment.time = 1000 * GST_MSECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GArray) found = found_next (h, i);
    g_autoptr (GstMessage) message = pop_message (h->element, GST_MESSAGE_ELEMENT);
    fail_unless (message != NULL && found->len > 0);
    check_message (gst_message_get_structure (message), found);
    fail_unless (pop_message (h->element, GST_MESSAGE_ELEMENT) == NULL);
  }

  /* Nothing found is worth a message too: the frame was looked at. */
  g_object_set (h->element, "threshold", 1.0, NULL);
  g_autoptr (GArray) none = found_next (h, 0);
  g_autoptr (GstMessage) message = pop_message (h->element, GST_MESSAGE_ELEMENT);
  fail_unless (none->len == 0 && message != NULL);
  check_message (gst_message_get_structure (message), none);

  g_object_set (h->element, "post-messages", FALSE, NULL);
  G_GNUC_UNUSED g_autoptr (GArray) ignored = found_next (h, 0);
  fail_unless (pop_message (h->element, GST_MESSAGE_ELEMENT) == NULL);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (properties_change_at_once)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=0 nms-iou=1"), CAPS);
  g_autoptr (GArray) all = found_next (h, 0);
  fail_unless (all->len >= 3);

  const Found *third = &g_array_index (all, Found, 2);
  const Found *last = &g_array_index (all, Found, all->len - 1);
  if (last->score < third->score) {
    g_object_set (h->element, "threshold", last->score + 1e-6, NULL);
    g_autoptr (GArray) higher = found_next (h, 0);
    fail_unless (higher->len >= 3 && higher->len < all->len);
    for (guint i = 0; i < higher->len; i++)
      fail_unless (g_array_index (higher, Found, i).score > last->score);
  }

  g_object_set (h->element, "threshold", 0.0, "max-detections", 2, NULL);
  g_autoptr (GArray) two = found_next (h, 0);
  fail_unless_equals_int (two->len, 2);
  fail_unless (memcmp (two->data, all->data, 2 * sizeof (Found)) == 0);

  g_object_set (h->element, "max-detections", 0, "nms-iou", 0.0, NULL);
  g_autoptr (GArray) apart = found_next (h, 0);
  fail_unless (apart->len <= all->len && apart->len > 0);

  g_object_set (h->element, "nms-iou", 1.0, NULL);
  g_autoptr (GArray) again = found_next (h, 0);
  fail_unless (found_equal (again, all));
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (properties_describe_themselves)
{
  GstElement *element = detect_new ("%s", "");
  const struct
  {
    const char *name;
    GParamFlags mutable;
  } expected[] = {
    { "model", GST_PARAM_MUTABLE_PLAYING },
    { "device", GST_PARAM_MUTABLE_READY },
    { "queue-depth", GST_PARAM_MUTABLE_READY },
    { "threshold", GST_PARAM_MUTABLE_PLAYING },
    { "nms-iou", GST_PARAM_MUTABLE_PLAYING },
    { "nms-across", GST_PARAM_MUTABLE_PLAYING },
    { "max-detections", GST_PARAM_MUTABLE_PLAYING },
    { "overlay", GST_PARAM_MUTABLE_PLAYING },
    { "post-messages", GST_PARAM_MUTABLE_PLAYING },
    { "classes", GST_PARAM_MUTABLE_PLAYING },
    { "roi", GST_PARAM_MUTABLE_PLAYING },
    { "interval", GST_PARAM_MUTABLE_PLAYING },
    { "carry", GST_PARAM_MUTABLE_PLAYING },
    { "attention", GST_PARAM_MUTABLE_PLAYING },
    { "grad-cam", GST_PARAM_MUTABLE_PLAYING },
    { "qos", GST_PARAM_MUTABLE_PLAYING },
    { "timeout", GST_PARAM_MUTABLE_PLAYING },
    { "stats", G_PARAM_READABLE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), expected[i].name);
    fail_unless (spec != NULL && (spec->flags & expected[i].mutable), "%s", expected[i].name);
    fail_unless (strlen (g_param_spec_get_blurb (spec)) > 20);
  }

  double threshold, nms_iou;
  int max_detections, timeout;
  guint queue_depth, overlay;
  gboolean post_messages;
  g_autofree char *device = NULL;
  g_object_get (element, "threshold", &threshold, "nms-iou", &nms_iou, "max-detections", &max_detections, "queue-depth",
                &queue_depth, "overlay", &overlay, "post-messages", &post_messages, "device", &device, "timeout",
                &timeout, NULL);
  fail_unless (threshold == -1 && timeout == -1 && nms_iou == -1 && max_detections == -1 && queue_depth == 2 &&
               overlay == 0 && !post_messages && device == NULL);
  gst_util_set_object_arg (G_OBJECT (element), "overlay", "boxes+labels");
  g_object_get (element, "overlay", &overlay, NULL);
  fail_unless_equals_int (overlay, 3);
  gst_object_unref (element);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("meta");
  tcase_add_test (tests, regions_are_right);
  tcase_add_test (tests, runs_are_deterministic);
  tcase_add_test (tests, messages_are_right);
  tcase_add_test (tests, properties_change_at_once);
  tcase_add_test (tests, properties_describe_themselves);
  return run_suite (tests);
}
