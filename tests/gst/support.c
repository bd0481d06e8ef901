/* Harnesses, pictures and results for the element's tests.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <glib/gstdio.h>
#include <math.h>

const char *
model_path (void)
{
  const char *path = g_getenv ("CBAM_TEST_MODEL");

  fail_unless (path != NULL, "CBAM_TEST_MODEL does not name a model file");
  return path;
}

GstElement *
detect_new (const char *properties, ...)
{
  va_list args;
  va_start (args, properties);
  g_autofree char *text = g_strdup_vprintf (properties, args);
  va_end (args);

  GstElement *element = gst_element_factory_make ("cbamdetect", NULL);
  fail_unless (element != NULL, "no element cbamdetect");
  g_object_set (element, "model", model_path (), NULL);
  g_auto (GStrv) pairs = g_strsplit (text, " ", -1);
  for (guint i = 0; pairs[i] != NULL && *pairs[i]; i++) {
    g_auto (GStrv) pair = g_strsplit (pairs[i], "=", 2);
    gst_util_set_object_arg (G_OBJECT (element), pair[0], pair[1]);
  }
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (element, bus);
  return element;
}

GstHarness *
harness_new (GstElement *element, const char *caps)
{
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");

  gst_object_unref (element);
  gst_harness_set_live (h, FALSE);
  if (caps != NULL)
    gst_harness_set_src_caps_str (h, caps);
  return h;
}

void
bus_clear (GstElement *element)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (element);

  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
}

void
harness_free (GstHarness *h)
{
  g_autoptr (GstElement) element = gst_object_ref (h->element);

  gst_harness_teardown (h);
  bus_clear (element);
}

static void
info_from (const char *caps_string, GstVideoInfo *info)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (caps_string);

  fail_unless (gst_video_info_from_caps (info, caps), "%s", caps_string);
}

/* Smooth, so that neither chroma subsampling nor its siting matters much; the last picture is gray. */
static guint32
paint (guint picture, double x, double y)
{
  const double phase = picture * 1.7;
  double r = 0.5 + 0.5 * sin (5 * x + phase), g = 0.5 + 0.5 * cos (4 * y - phase), b = 0.5 + 0.5 * sin (3 * (x + y));

  if (picture == 9)
    r = g = b = (r + g) / 2;
  /* Inside the colours that limited-range Y'CbCr can hold. */
  return (guint) (30 + 190 * r) | (guint) (30 + 190 * g) << 8 | (guint) (30 + 190 * b) << 16 | 0xffu << 24;
}

GstBuffer *
picture_new (const char *caps, guint picture, guint index)
{
  GstVideoInfo info, rgba_info;
  info_from (caps, &info);
  const int width = GST_VIDEO_INFO_WIDTH (&info), height = GST_VIDEO_INFO_HEIGHT (&info);
  gst_video_info_set_format (&rgba_info, GST_VIDEO_FORMAT_RGBA, width, height);
  rgba_info.fps_n = info.fps_n;
  rgba_info.fps_d = info.fps_d;

  g_autoptr (GstBuffer) rgba = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&rgba_info), NULL);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  GstVideoFrame from, to;
  fail_unless (gst_video_frame_map (&from, &rgba_info, rgba, GST_MAP_READWRITE));
  fail_unless (gst_video_frame_map (&to, &info, buffer, GST_MAP_WRITE));
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      ((guint32 *) ((guint8 *) from.data[0] + y * from.info.stride[0]))[x] =
          paint (picture, (x + 0.5) / width, (y + 0.5) / height);

  GstVideoConverter *converter = gst_video_converter_new (&rgba_info, &info, NULL);
  gst_video_converter_frame (converter, &from, &to);
  gst_video_converter_free (converter);
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);

  GST_BUFFER_PTS (buffer) = index * 40 * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
  return buffer;
}

GstBuffer *
picture_pad (GstBuffer *buffer, const char *caps, guint padding)
{
  GstVideoInfo info, padded;
  info_from (caps, &info);
  padded = info;

  gsize offset = padding;
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&info); p++) {
    const gsize rows = GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (info.finfo, p, GST_VIDEO_INFO_HEIGHT (&info));
    padded.stride[p] = info.stride[p] + padding;
    padded.offset[p] = offset;
    offset += padded.stride[p] * rows + 3 * padding;
  }
  padded.size = offset;

  GstBuffer *result = gst_buffer_new_allocate (NULL, offset, NULL);
  gst_buffer_memset (result, 0, 0xa5, offset);
  gst_buffer_add_video_meta_full (result, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (&info),
                                  GST_VIDEO_INFO_WIDTH (&info), GST_VIDEO_INFO_HEIGHT (&info),
                                  GST_VIDEO_INFO_N_PLANES (&info), padded.offset, padded.stride);
  GstVideoFrame from, to;
  fail_unless (gst_video_frame_map (&from, &info, buffer, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&to, &info, result, GST_MAP_WRITE));
  /* Whole rows: gst_video_frame_copy() leaves out the last chroma sample of YUY2 of odd width. */
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&info); p++)
    for (int y = 0; y < GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (info.finfo, p, GST_VIDEO_INFO_HEIGHT (&info)); y++)
      memcpy ((guint8 *) to.data[p] + y * to.info.stride[p], (guint8 *) from.data[p] + y * from.info.stride[p],
              from.info.stride[p]);
  gst_video_frame_unmap (&to);
  gst_video_frame_unmap (&from);
  gst_buffer_copy_into (result, buffer, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  return result;
}

GArray *
found_in (GstBuffer *buffer)
{
  GArray *all = g_array_new (FALSE, TRUE, sizeof (Found));
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *) meta;
    GstStructure *detection = gst_video_region_of_interest_meta_get_param (roi, "detection");
    if (detection == NULL)
      continue; /* somebody else's region */
    Found found = { .x = roi->x, .y = roi->y, .width = roi->w, .height = roi->h };
    g_strlcpy (found.label, g_quark_to_string (roi->roi_type), sizeof found.label);
    fail_unless (gst_structure_get (detection, "confidence", G_TYPE_DOUBLE, &found.score, "label_id", G_TYPE_INT,
                                    &found.label_id, "x_min", G_TYPE_DOUBLE, &found.x_min, "y_min", G_TYPE_DOUBLE,
                                    &found.y_min, "x_max", G_TYPE_DOUBLE, &found.x_max, "y_max", G_TYPE_DOUBLE,
                                    &found.y_max, NULL));
    gst_structure_get (detection, "age", G_TYPE_UINT64, &found.age, "frame-age", G_TYPE_UINT, &found.frame_age, NULL);
    g_array_append_val (all, found);
  }
  return all;
}

GArray *
found_by (const char *caps, guint picture, const char *properties)
{
  GstHarness *h = harness_new (detect_new ("%s", properties), caps);

  fail_unless_equals_int (gst_harness_push (h, picture_new (caps, picture, 0)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  fail_unless (out != NULL);
  GArray *found = found_in (out);
  harness_free (h);
  return found;
}

static double
distance (const Found *a, const Found *b)
{
  if (!g_str_equal (a->label, b->label))
    return 1;
  double edge = MAX (fabs (a->x_min - b->x_min), fabs (a->x_max - b->x_max));
  edge = MAX (edge, MAX (fabs (a->y_min - b->y_min), fabs (a->y_max - b->y_max)));
  return MIN (1, fabs (a->score - b->score) + edge);
}

double
found_distance (const GArray *reference, const GArray *found)
{
  double sum = 0;

  for (guint i = 0; i < reference->len; i++) {
    double least = 1;
    for (guint j = 0; j < found->len; j++)
      least = MIN (least, distance (&g_array_index (reference, Found, i), &g_array_index (found, Found, j)));
    sum += least;
  }
  return reference->len > 0 ? sum / reference->len : 1;
}

gboolean
found_equal (const GArray *a, const GArray *b)
{
  return a->len == b->len && memcmp (a->data, b->data, a->len * sizeof (Found)) == 0;
}

guint64
get_stat (GstElement *element, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, field, &value), "%s", field);
  return value;
}

GstMessage *
pop_message (GstElement *element, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (element);

  return gst_bus_pop_filtered (bus, type);
}

void
remove_tree (const char *path)
{
  GDir *folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder))) {
    g_autofree char *inside = g_build_filename (path, name, NULL);
    remove_tree (inside);
  }
  g_clear_pointer (&folder, g_dir_close);
  g_remove (path);
}

static GstElement *warm;

/* Keeps what the driver has compiled, but no thread: check waits for those of all elements after each test. */
static void
warm_up (void)
{
  warm = detect_new ("%s", "");
  gst_element_set_state (warm, GST_STATE_PAUSED);
  g_autoptr (GstPad) src_pad = gst_element_get_static_pad (warm, "src");
  gst_pad_set_active (src_pad, FALSE);
}

static void
cool_down (void)
{
  gst_element_set_state (warm, GST_STATE_NULL);
  bus_clear (warm); /* its messages hold it */
  gst_clear_object (&warm);
}

int
run_suite (TCase *tests)
{
  Suite *suite = suite_create ("cbamdetect");

  if (g_getenv ("CBAM_TEST_WARM") != NULL)
    tcase_add_unchecked_fixture (tests, warm_up, cool_down);
  tcase_set_timeout (tests, 120); /* the first dispatch compiles on CPU devices, and valgrind is slow */
  suite_add_tcase (suite, tests);
  return gst_check_run_suite (suite, "cbamdetect", __FILE__);
}
