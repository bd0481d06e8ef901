/* Objects of GStreamer's analytics library as regions of interest.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamobjects.h"

#include "gstcbammeta.h"
#include "gstcbamregionmeta.h"

#ifdef HAVE_GST_ANALYTICS

/* What an object says of itself. */
typedef struct
{
  guint id;
  GQuark label;
  gint x, y, width, height;
  gfloat score;
} Object;

static gboolean
read_object (GstAnalyticsODMtd *mtd, Object *object)
{
  *object = (Object){ .id = mtd->id, .label = gst_analytics_od_mtd_get_obj_type (mtd) };
  return gst_analytics_od_mtd_get_location (mtd, &object->x, &object->y, &object->width, &object->height,
                                            &object->score);
}

static gboolean
is_same (const Object *object, const GstVideoRegionOfInterestMeta *region)
{
  return region->id >= 0 && (guint) region->id == object->id && region->roi_type == object->label &&
         object->x == (gint) region->x && object->y == (gint) region->y && object->width == (gint) region->w &&
         object->height == (gint) region->h;
}

gboolean
gst_cbam_objects_find (GstAnalyticsRelationMeta *relations, const GstVideoRegionOfInterestMeta *region,
                       GstAnalyticsODMtd *object)
{
  Object found;

  return relations != NULL && region->id >= 0 && (gsize) region->id < gst_analytics_relation_get_length (relations) &&
         gst_analytics_relation_meta_get_od_mtd (relations, (guint) region->id, object) &&
         read_object (object, &found) && is_same (&found, region);
}

static gboolean
has_region (GstBuffer *buffer, const Object *object)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    if (is_same (object, (GstVideoRegionOfInterestMeta *) meta))
      return TRUE;
  return FALSE;
}

/* Returns (transfer full): the objects of @buffer that are no regions. */
static GArray *
list_objects (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  GArray *objects = g_array_new (FALSE, FALSE, sizeof (Object));
  gpointer state = NULL;
  GstAnalyticsODMtd mtd;
  Object object;

  while (relations != NULL && gst_analytics_relation_meta_iterate (
                                  relations, &state, gst_analytics_od_mtd_get_mtd_type (), (GstAnalyticsMtd *) &mtd))
    if (read_object (&mtd, &object) && object.width > 0 && object.height > 0 && !has_region (buffer, &object))
      g_array_append_val (objects, object);
  return objects;
}

static void
add_region (GstBuffer *buffer, const Object *object, int width, int height)
{
  const double x = object->x, y = object->y;
  GstVideoRegionOfInterestMeta *region = gst_buffer_add_video_region_of_interest_meta_id (
      buffer, object->label, (guint) object->x, (guint) object->y, (guint) object->width, (guint) object->height);

  region->id = (gint) object->id;
  gst_video_region_of_interest_meta_add_param (
      region,
      gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, (double) object->score, "x_min", G_TYPE_DOUBLE,
                         x / width, "y_min", G_TYPE_DOUBLE, y / height, "x_max", G_TYPE_DOUBLE,
                         (x + object->width) / width, "y_max", G_TYPE_DOUBLE, (y + object->height) / height, NULL));
}

GstBuffer *
gst_cbam_objects_to_regions (GstBuffer *buffer, int width, int height)
{
  g_autoptr (GArray) objects = list_objects (buffer);

  if (objects->len == 0)
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  const guint64 first = gst_cbam_meta_next (buffer);
  for (guint i = 0; i < objects->len; i++)
    add_region (buffer, &g_array_index (objects, Object, i), width, height);
  gst_cbam_regions_meta_keep (buffer, first);
  return buffer;
}

#else

GstBuffer *
gst_cbam_objects_to_regions (GstBuffer *buffer, G_GNUC_UNUSED int width, G_GNUC_UNUSED int height)
{
  return buffer;
}

#endif
