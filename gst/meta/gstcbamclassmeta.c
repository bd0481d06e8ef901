/* Classes of regions, written from results and read back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamclassmeta.h"

#include "gstcbamfield.h"
#include "gstcbamobjects.h"
#include "gstcbamregionmeta.h"

#define CLASSIFICATION "classification"
#define LAYER "classifier" /* the head: all that the model file calls it */

const char *
gst_cbam_verdict_get_label (const GstCbamVerdict *verdict, gsize i)
{
  const CbamClass *class = cbam_result_get_class (verdict->result, i);

  return verdict->names != NULL ? verdict->names[class->class_id] : class->label;
}

/* ---- Writing ---- */

static GstStructure *
class_to_structure (const GstCbamVerdict *verdict, gsize i)
{
  const CbamClass *class = cbam_result_get_class (verdict->result, i);
  GstStructure *structure =
      gst_structure_new (CLASSIFICATION, "label", G_TYPE_STRING, gst_cbam_verdict_get_label (verdict, i), "label_id",
                         G_TYPE_INT, (int) class->class_id, "confidence", G_TYPE_DOUBLE, (double) class->score,
                         "model_name", G_TYPE_STRING, verdict->model, "layer_name", G_TYPE_STRING, LAYER, NULL);

  if (verdict->frames > 0)
    gst_structure_set (structure, "age", G_TYPE_UINT64, verdict->age, "frame-age", G_TYPE_UINT, verdict->frames, NULL);
  return structure;
}

#ifdef HAVE_GST_ANALYTICS
static void
add_analytics (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, const GstCbamVerdict *verdict)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  const gsize n = cbam_result_get_n_classes (verdict->result);
  g_autofree float *scores = g_new (float, MAX (n, 1));
  g_autofree GQuark *labels = g_new (GQuark, MAX (n, 1));
  GstAnalyticsODMtd object;
  GstAnalyticsClsMtd classes;

  if (n == 0 || !gst_cbam_objects_find (relations, region, &object))
    return;
  for (gsize i = 0; i < n; i++) {
    scores[i] = cbam_result_get_class (verdict->result, i)->score;
    labels[i] = g_quark_from_string (gst_cbam_verdict_get_label (verdict, i));
  }
  if (gst_analytics_relation_meta_add_cls_mtd (relations, n, scores, labels, &classes))
    gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, object.id, classes.id);
}
#endif

void
gst_cbam_class_meta_add (GstBuffer *buffer, GstVideoRegionOfInterestMeta *region, const GstCbamVerdict *verdict,
                         int width, int height, GValue *kept)
{
  for (gsize i = 0; i < cbam_result_get_n_classes (verdict->result); i++) {
    GstStructure *structure = class_to_structure (verdict, i);
    gst_cbam_field_append (kept, gst_cbam_kept_class_new (region, structure, width, height));
    gst_video_region_of_interest_meta_add_param (region, structure);
  }
#ifdef HAVE_GST_ANALYTICS
  add_analytics (buffer, region, verdict);
#else
  (void) buffer;
#endif
}

GstVideoRegionOfInterestMeta *
gst_cbam_class_meta_add_frame (GstBuffer *buffer, int width, int height)
{
  GstCbamRegionNumbers numbers = { 0 };
  GstVideoRegionOfInterestMeta *region =
      gst_buffer_add_video_region_of_interest_meta (buffer, GST_CBAM_WHOLE_FRAME, 0, 0, (guint) width, (guint) height);

  region->id = gst_cbam_region_numbers_next (&numbers, buffer);
  gst_cbam_region_numbers_clear (&numbers);
  return region;
}

/* ---- Reading ---- */

/* Whether one of @classes is by the model that says @class. */
static gboolean
has_model_of (const GPtrArray *classes, const GstStructure *class)
{
  for (guint i = 0; i < classes->len; i++)
    if (g_strcmp0 (gst_structure_get_string (g_ptr_array_index (classes, i), "model_name"),
                   gst_structure_get_string (class, "model_name")) == 0)
      return TRUE;
  return FALSE;
}

GPtrArray *
gst_cbam_region_get_classes (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width, int height)
{
  GPtrArray *classes = g_ptr_array_new ();

  for (const GList *l = region->params; l != NULL; l = l->next)
    if (g_str_has_prefix (gst_structure_get_name (l->data), CLASSIFICATION))
      g_ptr_array_add (classes, l->data);
  /* Of those that were seen before somebody dropped the parameters. */
  g_autoptr (GPtrArray) kept = g_ptr_array_new (), dropped = g_ptr_array_new ();
  gst_cbam_regions_meta_find_classes (buffer, region, width, height, kept);
  for (guint i = 0; i < kept->len; i++)
    if (!has_model_of (classes, g_ptr_array_index (kept, i)))
      g_ptr_array_add (dropped, g_ptr_array_index (kept, i));
  g_ptr_array_extend (classes, dropped, NULL, NULL);
  return classes;
}

#ifdef HAVE_GST_ANALYTICS
static gint64
get_tracking_id (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsODMtd object;
  GstAnalyticsTrackingMtd tracking;
  guint64 id;
  GstClockTime first, last;
  gboolean lost;

  if (!gst_cbam_objects_find (relations, region, &object))
    return -1;
  while (gst_analytics_relation_meta_get_direct_related (relations, object.id, GST_ANALYTICS_REL_TYPE_ANY,
                                                         gst_analytics_tracking_mtd_get_mtd_type (), &state, &tracking))
    if (gst_analytics_tracking_mtd_get_info (&tracking, &id, &first, &last, &lost) && id <= G_MAXINT64)
      return (gint64) id;
  return -1;
}
#endif

gint64
gst_cbam_region_get_object_id (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region)
{
  const GstStructure *object =
      gst_video_region_of_interest_meta_get_param ((GstVideoRegionOfInterestMeta *) region, "object_id");
  int number;

  if (object != NULL && gst_cbam_field_get_count (object, "id", &number))
    return number;
#ifdef HAVE_GST_ANALYTICS
  return get_tracking_id (buffer, region);
#else
  (void) buffer;
  return -1;
#endif
}
