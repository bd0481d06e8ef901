/* A real network on a real picture: the published detections come out of the element, by way of jpegdec, and exactly
 * the library's own where both get the same RGB pixels. Skipped without CBAM_TEST_DATA and CBAM_COCO_MODEL.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <cbamdetect/cbamdetect.h>
#include <gst/app/gstappsink.h>
#include <json-glib/json-glib.h>
#include <math.h>

#define PATIENCE (60 * GST_SECOND)

static char *
data_file (const char *name)
{
  return g_build_filename (g_getenv ("CBAM_TEST_DATA"), "coco-ssd-mobilenet", name, NULL);
}

/* The one frame that comes out of `filesrc ! jpegdec ! @middle ! appsink`. */
static GstSample *
file_through (const char *path, const char *middle)
{
  g_autofree char *line = g_strdup_printf ("filesrc location=%s ! jpegdec ! %s ! appsink name=sink", path, middle);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  fail_unless (error == NULL, "%s", line);

  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GstSample *sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), PATIENCE);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  if (message != NULL)
    gst_message_parse_error (message, &error, NULL);
  fail_unless (sample != NULL, "%s: %s", line, error != NULL ? error->message : "no picture came");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return sample;
}

static GstSample *
picture_through (const char *middle)
{
  g_autofree char *path = data_file ("cats_and_dogs.jpg");

  return file_through (path, middle);
}

/* The published numbers are of the quantised network: in float, scores move by up to 0.05 and edges by up to 8 pixels.
 */
static gboolean
is_published (const Found *found, JsonObject *d)
{
  const double x = json_object_get_double_member (d, "x"), y = json_object_get_double_member (d, "y");
  const double right = MIN (x + json_object_get_double_member (d, "width"), 1200);
  const double bottom = MIN (y + json_object_get_double_member (d, "height"), 600);

  return g_str_equal (found->label, json_object_get_string_member (d, "label")) &&
         fabs (found->score - json_object_get_double_member (d, "score")) <= 0.05 && fabs (found->x - x) <= 8 &&
         fabs (found->y - y) <= 8 && fabs (found->x + found->width - right) <= 8 &&
         fabs (found->y + found->height - bottom) <= 8;
}

GST_START_TEST (published_detections)
{
  g_autofree char *middle = g_strdup_printf ("cbamdetect model=%s threshold=0.4", g_getenv ("CBAM_COCO_MODEL"));
  g_autoptr (GstSample) sample = picture_through (middle);
  g_autoptr (GArray) found = found_in (gst_sample_get_buffer (sample));
  g_autofree char *path = data_file ("expected.json");
  g_autoptr (JsonParser) parser = json_parser_new ();
  fail_unless (json_parser_load_from_file (parser, path, NULL));
  JsonArray *published =
      json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "detections");

  for (guint i = 0; i < json_array_get_length (published); i++) {
    gboolean seen = FALSE;
    for (guint j = 0; j < found->len; j++)
      seen |= is_published (&g_array_index (found, Found, j), json_array_get_object_element (published, i));
    fail_unless (seen, "published detection %u is missing", i);
  }
  guint above = 0;
  for (guint j = 0; j < found->len; j++)
    above += g_array_index (found, Found, j).score > 0.5;
  fail_unless (above <= json_array_get_length (published), "%u detections above 0.5", above);
}
GST_END_TEST

static void
check_same (const Found *found, const CbamDetection *d)
{
  fail_unless_equals_string (found->label, d->label);
  fail_unless_equals_int (found->label_id, d->class_id);
  fail_unless (found->score == d->score);
  fail_unless (found->x_min == (double) d->x / 1200 && found->y_min == (double) d->y / 600);
  fail_unless (found->x_max == MIN ((double) (d->x + d->width) / 1200, 1));
  fail_unless (found->y_max == MIN ((double) (d->y + d->height) / 600, 1));
}

GST_START_TEST (the_librarys_own_detections)
{
  g_autofree char *middle = g_strdup_printf (
      "videoconvert ! video/x-raw,format=RGB ! cbamdetect model=%s threshold=0.1", g_getenv ("CBAM_COCO_MODEL"));
  g_autoptr (GstSample) sample = picture_through (middle);
  g_autoptr (GArray) found = found_in (gst_sample_get_buffer (sample));
  GstVideoInfo info;
  GstVideoFrame frame;
  fail_unless (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  fail_unless (gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ));

  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDevice) device = cbam_device_open (NULL, &error);
  g_autoptr (CbamModel) model = cbam_model_load (device, g_getenv ("CBAM_COCO_MODEL"), NULL, &error);
  g_autoptr (CbamDetector) detector = cbam_detector_new (model, NULL, &error);
  fail_unless (detector != NULL);
  CbamDetectParams params = { 0 };
  params.threshold = 0.1f;
  const CbamImage image = {
    .format = CBAM_FORMAT_RGB,
    .width = 1200,
    .height = 600,
    .planes = { frame.data[0] },
    .strides = { frame.info.stride[0] },
  };
  fail_unless (cbam_detector_submit (detector, &image, &params, &error));
  g_autoptr (CbamResult) result = cbam_detector_collect (detector, &error);
  gst_video_frame_unmap (&frame);

  const gsize n = cbam_result_get_n_detections (result);
  fail_unless (n >= 4);
  fail_unless_equals_int (found->len, n);
  for (gsize i = 0; i < n; i++)
    check_same (&g_array_index (found, Found, i), cbam_result_get_detection (result, i));
}
GST_END_TEST

/* How many boxes the model that ships draws on a few pictures. */
static guint
count_boxes (const char *preset)
{
  static const char *const names[] = { "dog_bike_car.jpg", "fish-bike.jpg", "example.jpg", "zidane.jpg" };
  g_autofree char *middle = g_strdup_printf ("cbamdetect model=%s %s", g_getenv ("CBAM_TEST_SHIPPED_MODEL"), preset);
  guint boxes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (g_getenv ("CBAM_TEST_DATA"), "pictures", names[i], NULL);
    g_autoptr (GstSample) sample = file_through (path, middle);
    g_autoptr (GArray) found = found_in (gst_sample_get_buffer (sample));
    boxes += found->len;
  }
  return boxes;
}

/* More, and fewer, but neither twice nor half as many. */
GST_START_TEST (presets_do_what_they_are_for)
{
  const guint usual = count_boxes (""), many = count_boxes ("@preset=Sensitive"), few = count_boxes ("@preset=Precise");

  fail_unless (usual >= 4, "%u boxes", usual);
  fail_unless (many > usual && many <= 2 * usual, "Sensitive: %u boxes, and %u without", many, usual);
  fail_unless (few < usual && 2 * few >= usual, "Precise: %u boxes, and %u without", few, usual);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  if (g_getenv ("CBAM_TEST_DATA") == NULL || g_getenv ("CBAM_COCO_MODEL") == NULL) {
    g_print ("skipped: CBAM_TEST_DATA and CBAM_COCO_MODEL are not both set\n");
    return 77;
  }
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("real");
  tcase_add_test (tests, published_detections);
  tcase_add_test (tests, the_librarys_own_detections);
  tcase_add_test (tests, presets_do_what_they_are_for);
  return run_suite (tests);
}
