/* Detections in the words of GStreamer's analytics library (1.24): an object for each, its class related to it, and the
 * same number as its region of interest has.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <gst/analytics/analytics.h>
#include <math.h>

#define CAPS "video/x-raw,format=NV12,width=321,height=241,framerate=25/1"

static GstBuffer *
push_and_pull (GstHarness *h, GstBuffer *buffer)
{
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  fail_unless (out != NULL);
  return out;
}

static guint
count_of_type (GstAnalyticsRelationMeta *relations, GstAnalyticsMtdType type)
{
  GstAnalyticsMtd mtd;
  gpointer state = NULL;
  guint n = 0;

  while (gst_analytics_relation_meta_iterate (relations, &state, type, &mtd))
    n++;
  return n;
}

static void
check_object (GstAnalyticsODMtd *object, const GstVideoRegionOfInterestMeta *region, double score)
{
  int x, y, width, height;
  float confidence;

  fail_unless (gst_analytics_od_mtd_get_location (object, &x, &y, &width, &height, &confidence));
  fail_unless (x == (int) region->x && y == (int) region->y, "%d,%d instead of %u,%u", x, y, region->x, region->y);
  fail_unless (width == (int) region->w && height == (int) region->h, "%dx%d instead of %ux%u", width, height,
               region->w, region->h);
  fail_unless (fabs (confidence - score) < 1e-6, "%f instead of %f", confidence, score);
  fail_unless (gst_analytics_od_mtd_get_obj_type (object) == region->roi_type);
}

/* The one class that is related to the object, and to no other. */
static void
check_class (GstAnalyticsRelationMeta *relations, guint object_id, GQuark label, double score)
{
  GstAnalyticsClsMtd class, other;
  gpointer state = NULL;

  fail_unless (gst_analytics_relation_meta_get_direct_related (relations, object_id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                               gst_analytics_cls_mtd_get_mtd_type (), &state, &class));
  fail_if (gst_analytics_relation_meta_get_direct_related (relations, object_id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                           gst_analytics_cls_mtd_get_mtd_type (), &state, &other));
  fail_unless_equals_uint64 (gst_analytics_cls_mtd_get_length (&class), 1);
  fail_unless (gst_analytics_cls_mtd_get_quark (&class, 0) == label);
  fail_unless (fabs (gst_analytics_cls_mtd_get_level (&class, 0) - score) < 1e-6);
}

/* Every region that we made has its object. Returns how many. */
static guint
check_regions (GstBuffer *buffer, GstAnalyticsRelationMeta *relations)
{
  gpointer state = NULL;
  GstMeta *meta;
  guint n = 0;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *) meta;
    GstStructure *detection = gst_video_region_of_interest_meta_get_param (region, "detection");
    GstAnalyticsODMtd object;
    double score;
    if (detection == NULL)
      continue;
    fail_unless (gst_structure_get_double (detection, "confidence", &score));
    fail_unless (gst_analytics_relation_meta_get_od_mtd (relations, region->id, &object), "no object %d", region->id);
    check_object (&object, region, score);
    check_class (relations, object.id, region->roi_type, score);
    n++;
  }
  return n;
}

static guint
check_buffer (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);

  fail_unless (relations != NULL);
  return check_regions (buffer, relations);
}

GST_START_TEST (every_detection_is_an_object)
{
  /* More than the library has room for at first. */
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=40 nms-iou=1"), CAPS);

  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstBuffer) out = push_and_pull (h, picture_new (CAPS, i, i));
    GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (out);
    const guint n = check_buffer (out);
    fail_unless_equals_int (n, 40);
    fail_unless_equals_int (count_of_type (relations, gst_analytics_od_mtd_get_mtd_type ()), n);
    fail_unless_equals_int (count_of_type (relations, gst_analytics_cls_mtd_get_mtd_type ()), n);
  }
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (nothing_found_is_nothing_attached)
{
  GstHarness *h = harness_new (detect_new ("threshold=1"), CAPS);
  g_autoptr (GstBuffer) out = push_and_pull (h, picture_new (CAPS, 0, 0));

  fail_unless (gst_buffer_get_analytics_relation_meta (out) == NULL);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (carried_detections_are_objects_too)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=3 interval=1"), CAPS);

  for (guint i = 0; i < 4; i++) {
    g_autoptr (GstBuffer) out = push_and_pull (h, picture_new (CAPS, 0, i));
    fail_unless_equals_int (check_buffer (out), 3);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "inferred"), 2);
  harness_free (h);
}
GST_END_TEST

/* What somebody else has found stays, and its number is not given again. */
GST_START_TEST (objects_of_others_stay)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=3"), CAPS);
  GstBuffer *in = picture_new (CAPS, 0, 0);
  GstAnalyticsRelationMeta *relations = gst_buffer_add_analytics_relation_meta (in);
  const GQuark label = g_quark_from_static_string ("other");
  GstAnalyticsODMtd object;
  int x, y, width, height;
  float confidence;

  fail_unless (gst_analytics_relation_meta_add_od_mtd (relations, label, 1, 2, 3, 4, 0.5, &object));
  const guint id = object.id;
  g_autoptr (GstBuffer) out = push_and_pull (h, in);
  relations = gst_buffer_get_analytics_relation_meta (out);
  fail_unless_equals_int (check_buffer (out), 3);
  fail_unless_equals_int (count_of_type (relations, gst_analytics_od_mtd_get_mtd_type ()), 4);
  fail_unless (gst_analytics_relation_meta_get_od_mtd (relations, id, &object));
  fail_unless (gst_analytics_od_mtd_get_obj_type (&object) == label);
  fail_unless (gst_analytics_od_mtd_get_location (&object, &x, &y, &width, &height, &confidence));
  fail_unless (x == 1 && y == 2 && width == 3 && height == 4 && confidence == 0.5f);
  harness_free (h);
}
GST_END_TEST

static GstHarness *
line_new (const char *before)
{
  g_autofree char *launch =
      g_strdup_printf ("%s cbamclassify name=c top-k=3 model=%s", before, g_getenv ("CBAM_TEST_CLASSIFIER"));
  GstHarness *h = gst_harness_new_parse (launch);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

/* The three classes of a classifier that are related to the object, which are those of @region. */
static void
check_classes (GstAnalyticsRelationMeta *relations, guint object_id, GstVideoRegionOfInterestMeta *region)
{
  const GstStructure *best = gst_video_region_of_interest_meta_get_param (region, "classification");
  GstAnalyticsClsMtd classes;
  gpointer state = NULL;
  guint n = 0;

  fail_unless (best != NULL);
  while (gst_analytics_relation_meta_get_direct_related (relations, object_id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                         gst_analytics_cls_mtd_get_mtd_type (), &state, &classes)) {
    if (gst_analytics_cls_mtd_get_length (&classes) != 3)
      continue; /* the detector's own */
    fail_unless_equals_string (g_quark_to_string (gst_analytics_cls_mtd_get_quark (&classes, 0)),
                               gst_structure_get_string (best, "label"));
    n++;
  }
  fail_unless_equals_int (n, 1);
}

GST_START_TEST (classes_are_related_to_objects)
{
  g_autofree char *detect = g_strdup_printf ("cbamdetect threshold=0 max-detections=3 model=%s !", model_path ());
  GstHarness *h = line_new (detect);
  GstBuffer *in = picture_new (CAPS, 0, 0);
  gst_buffer_add_video_region_of_interest_meta (in, "theirs", 10, 10, 60, 60); /* number 0, as the first object's */
  g_autoptr (GstBuffer) out = push_and_pull (h, in);
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (out);
  gpointer state = NULL;
  GstMeta *meta;

  fail_unless_equals_int (count_of_type (relations, gst_analytics_od_mtd_get_mtd_type ()), 3);
  fail_unless_equals_int (count_of_type (relations, gst_analytics_cls_mtd_get_mtd_type ()), 6);
  while ((meta = gst_buffer_iterate_meta_filtered (out, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *) meta;
    if (gst_video_region_of_interest_meta_get_param (region, "detection") != NULL)
      check_classes (relations, (guint) region->id, region);
  }
  gst_harness_teardown (h);
}
GST_END_TEST

/* What GStreamer's own detectors leave: objects without regions. */
GST_START_TEST (objects_without_regions_are_classified)
{
  GstHarness *h = line_new ("");
  GstBuffer *in = picture_new (CAPS, 0, 0);
  GstAnalyticsRelationMeta *relations = gst_buffer_add_analytics_relation_meta (in);
  GstAnalyticsODMtd object;
  gpointer state = NULL;
  GstMeta *meta;
  guint n = 0;

  for (gint i = 0; i < 2; i++)
    fail_unless (gst_analytics_relation_meta_add_od_mtd (relations, g_quark_from_static_string ("theirs"), 10 + 80 * i,
                                                         10, 60, 60, 0.5, &object));
  g_autoptr (GstBuffer) out = push_and_pull (h, in);
  relations = gst_buffer_get_analytics_relation_meta (out);
  while ((meta = gst_buffer_iterate_meta_filtered (out, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *) meta;
    fail_unless (region->x == 10 + 80 * n && region->w == 60);
    check_classes (relations, (guint) region->id, region);
    n++;
  }
  fail_unless_equals_int (n, 2);
  gst_harness_teardown (h);
}
GST_END_TEST

/* A tracker's number makes of two places one object. */
GST_START_TEST (objects_are_followed_by_their_tracking)
{
  GstHarness *h = line_new ("");

  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (h->element), "c");
  g_object_set (element, "reclassify-interval", 100, NULL);
  for (guint i = 0; i < 2; i++) {
    GstBuffer *in = picture_new (CAPS, 0, i);
    GstAnalyticsRelationMeta *relations = gst_buffer_add_analytics_relation_meta (in);
    GstAnalyticsODMtd object;
    GstAnalyticsTrackingMtd tracking;
    fail_unless (gst_analytics_relation_meta_add_od_mtd (relations, g_quark_from_static_string ("theirs"),
                                                         10 + 100 * (gint) i, 10, 60, 60, 0.5, &object));
    fail_unless (gst_analytics_relation_meta_add_tracking_mtd (relations, 7, 0, &tracking));
    fail_unless (
        gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, object.id, tracking.id));
    gst_buffer_unref (push_and_pull (h, in));
  }
  fail_unless_equals_uint64 (get_stat (element, "classified"), 1);
  fail_unless_equals_uint64 (get_stat (element, "carried"), 1);
  gst_harness_teardown (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("analytics");
  tcase_add_test (tests, every_detection_is_an_object);
  tcase_add_test (tests, nothing_found_is_nothing_attached);
  tcase_add_test (tests, carried_detections_are_objects_too);
  tcase_add_test (tests, objects_of_others_stay);
  tcase_add_test (tests, classes_are_related_to_objects);
  tcase_add_test (tests, objects_without_regions_are_classified);
  tcase_add_test (tests, objects_are_followed_by_their_tracking);
  return run_suite (tests);
}
