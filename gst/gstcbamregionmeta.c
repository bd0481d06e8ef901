/* What regions of interest carry beside their place: the structure `detection`, kept where GStreamer loses it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamregionmeta.h"

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

static void
name_field (const GstVideoRegionOfInterestMeta *region, char *field, gsize size)
{
  g_snprintf (field, size, "region-%d", region->id);
}

void
gst_cbam_region_update_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region)
{
  GstVideoRegionOfInterestMeta *own = (GstVideoRegionOfInterestMeta *) region;
  const GstStructure *detection = gst_video_region_of_interest_meta_get_param (own, "detection");
  char field[32];

  g_return_if_fail (detection != NULL);
  gst_cbam_regions_meta_register ();
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  if (meta == NULL)
    meta = gst_buffer_add_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  name_field (region, field, sizeof field);
  g_autoptr (GstStructure) copy = gst_structure_copy (detection);
  gst_structure_set (copy, "label", G_TYPE_STRING, g_quark_to_string (region->roi_type), NULL);
  gst_structure_set (gst_custom_meta_get_structure (meta), field, GST_TYPE_STRUCTURE, copy, NULL);
}

void
gst_cbam_region_take_detection (GstBuffer *buffer, GstVideoRegionOfInterestMeta *region, GstStructure *detection)
{
  gst_video_region_of_interest_meta_add_param (region, detection);
  gst_cbam_region_update_detection (buffer, region);
}

const GstStructure *
gst_cbam_region_get_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region)
{
  GstVideoRegionOfInterestMeta *own = (GstVideoRegionOfInterestMeta *) region;
  const GstStructure *detection = gst_video_region_of_interest_meta_get_param (own, "detection");
  char field[32];

  if (detection != NULL)
    return detection;

  gst_cbam_regions_meta_register ();
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  if (meta == NULL)
    return NULL;
  name_field (region, field, sizeof field);
  const GValue *value = gst_structure_get_value (gst_custom_meta_get_structure (meta), field);
  if (value == NULL || !GST_VALUE_HOLDS_STRUCTURE (value))
    return NULL;
  detection = gst_value_get_structure (value);
  /* Somebody else's region may have the same number. */
  const char *label = gst_structure_get_string (detection, "label");
  return g_strcmp0 (label, g_quark_to_string (region->roi_type)) == 0 ? detection : NULL;
}
