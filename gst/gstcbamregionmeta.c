/* What regions of interest carry beside their place: the structure `detection`, kept where GStreamer loses it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamregionmeta.h"

#define REGIONS "regions"

/* Fractions of the frame are the same at any size, so that copies are right wherever frames are. */
void
gst_cbam_regions_meta_register (void)
{
  static const char *tags[] = { GST_META_TAG_VIDEO_STR, NULL };
  static gsize done;

  if (g_once_init_enter (&done)) {
    if (gst_meta_get_info (GST_CBAM_REGIONS_META_NAME) == NULL) /* nobody else has, in this process */
      gst_meta_register_custom (GST_CBAM_REGIONS_META_NAME, tags, NULL, NULL, NULL);
    g_once_init_leave (&done, 1);
  }
}

/* --- Numbers --- */

static GHashTable *
collect_numbers (GstBuffer *buffer)
{
  GHashTable *taken = g_hash_table_new (NULL, NULL);
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    g_hash_table_add (taken, GINT_TO_POINTER (((GstVideoRegionOfInterestMeta *) meta)->id));
  return taken;
}

int
gst_cbam_region_numbers_next (GstCbamRegionNumbers *numbers, GstBuffer *buffer)
{
  if (numbers->taken == NULL)
    numbers->taken = collect_numbers (buffer);
  do
    numbers->last++; /* never beyond the number of regions */
  while (g_hash_table_contains (numbers->taken, GINT_TO_POINTER (numbers->last)));
  return numbers->last;
}

void
gst_cbam_region_numbers_clear (GstCbamRegionNumbers *numbers)
{
  g_clear_pointer (&numbers->taken, g_hash_table_unref);
  numbers->last = 0;
}

/* --- Writing --- */

static void
append_region (GValue *regions, const GstVideoRegionOfInterestMeta *region, const GstStructure *detection)
{
  GstStructure *copy = gst_structure_copy (detection);
  GValue value = G_VALUE_INIT;

  gst_structure_set (copy, "id", G_TYPE_INT, region->id, "label", G_TYPE_STRING, g_quark_to_string (region->roi_type),
                     NULL);
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, copy);
  gst_value_list_append_and_take_value (regions, &value);
}

/* Adds what @regions lists to what the metadata of @buffer lists already, and empties @regions. */
static void
add_regions (GstBuffer *buffer, GValue *regions)
{
  gst_cbam_regions_meta_register ();
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  if (meta == NULL)
    meta = gst_buffer_add_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  GstStructure *structure = gst_custom_meta_get_structure (meta);
  const GValue *earlier = gst_structure_get_value (structure, REGIONS);

  if (earlier != NULL && GST_VALUE_HOLDS_LIST (earlier)) {
    GValue all = G_VALUE_INIT;
    gst_value_list_concat (&all, earlier, regions);
    g_value_unset (regions);
    *regions = all;
  }
  gst_structure_take_value (structure, REGIONS, regions);
}

void
gst_cbam_regions_meta_keep (GstBuffer *buffer, guint64 first)
{
  GValue regions = G_VALUE_INIT;
  gpointer state = NULL;
  GstMeta *meta;

  gst_value_list_init (&regions, 0);
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *) meta;
    const GstStructure *detection = gst_video_region_of_interest_meta_get_param (region, "detection");
    if (detection != NULL && gst_meta_get_seqnum (meta) >= first)
      append_region (&regions, region, detection);
  }
  if (gst_value_list_get_size (&regions) > 0)
    add_regions (buffer, &regions);
  else
    g_value_unset (&regions);
}

/* --- Reading --- */

/* Somebody else's region may have the same number. */
static gboolean
is_of (const GstStructure *detection, const GstVideoRegionOfInterestMeta *region)
{
  int id;

  return gst_structure_get_int (detection, "id", &id) && id == region->id &&
         g_strcmp0 (gst_structure_get_string (detection, "label"), g_quark_to_string (region->roi_type)) == 0;
}

const GstStructure *
gst_cbam_region_get_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region)
{
  GstVideoRegionOfInterestMeta *own = (GstVideoRegionOfInterestMeta *) region;
  const GstStructure *detection = gst_video_region_of_interest_meta_get_param (own, "detection");

  if (detection != NULL)
    return detection;

  gst_cbam_regions_meta_register ();
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  if (meta == NULL)
    return NULL;
  const GValue *regions = gst_structure_get_value (gst_custom_meta_get_structure (meta), REGIONS);
  for (guint i = 0; regions != NULL && GST_VALUE_HOLDS_LIST (regions) && i < gst_value_list_get_size (regions); i++) {
    const GValue *value = gst_value_list_get_value (regions, i);
    if (GST_VALUE_HOLDS_STRUCTURE (value) && is_of (gst_value_get_structure (value), region))
      return gst_value_get_structure (value);
  }
  return NULL;
}
