/* What regions of interest carry beside their place, kept where GStreamer loses it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamregionmeta.h"

#include "gstcbamfield.h"
#include "gstcbamplacement.h"

#include <math.h>

#define DETECTION "detection"
#define CLASS "class"

/* The lists of what is kept. */
#define REGIONS "regions"
#define CLASSES "classes"
static const char *const lists[] = { REGIONS, CLASSES };

/* ---- Frames that change ---- */

static double
move (const GstCbamPlacement *placement, guint axis, double fraction)
{
  const double at = fraction * placement->from[axis] * placement->scale[axis] + placement->shift[axis];

  return CLAMP (at / MAX (placement->size[axis], 1), 0, 1);
}

/* The detection on the new frame. NULL: nothing of it is there. (transfer full) */
static GstStructure *
move_detection (const GstCbamPlacement *placement, const GstStructure *detection)
{
  GstStructure *moved = gst_structure_copy (detection);
  GstCbamEdges edges;

  if (!gst_cbam_field_get_edges (detection, &edges))
    return moved;
  const double x_min = move (placement, 0, edges.x_min), x_max = move (placement, 0, edges.x_max);
  const double y_min = move (placement, 1, edges.y_min), y_max = move (placement, 1, edges.y_max);
  gst_structure_set (moved, "x_min", G_TYPE_DOUBLE, x_min, "y_min", G_TYPE_DOUBLE, y_min, "x_max", G_TYPE_DOUBLE, x_max,
                     "y_max", G_TYPE_DOUBLE, y_max, NULL);
  if (x_min < x_max && y_min < y_max)
    return moved;
  gst_structure_free (moved);
  return NULL;
}

/* What a structure has under the name of a list of ours; NULL: nothing, or something else. */
static const GValue *
get_list (const GstStructure *structure, const char *name)
{
  const GValue *list = gst_structure_get_value (structure, name);

  return list != NULL && GST_VALUE_HOLDS_LIST (list) ? list : NULL;
}

/* NULL: what stands there is something else. */
static const GstStructure *
get_nth (const GValue *list, guint n)
{
  const GValue *value = gst_value_list_get_value (list, n);

  return GST_VALUE_HOLDS_STRUCTURE (value) ? gst_value_get_structure (value) : NULL;
}

static void
move_list (const GstCbamPlacement *placement, const GValue *from, GValue *to)
{
  gst_value_list_init (to, 0);
  for (guint i = 0; i < gst_value_list_get_size (from); i++) {
    const GstStructure *detection = get_nth (from, i);
    GstStructure *moved = detection != NULL ? move_detection (placement, detection) : NULL;
    if (moved != NULL)
      gst_cbam_field_append (to, moved);
  }
}

static void
transform_list (const GstCbamPlacement *placement, const char *name, const GstStructure *from, GstStructure *to)
{
  const GValue *list = get_list (from, name);
  GValue moved = G_VALUE_INIT;

  if (list == NULL)
    return;
  if (!placement->cut) {
    gst_structure_set_value (to, name, list);
    return;
  }
  move_list (placement, list, &moved);
  gst_structure_take_value (to, name, &moved);
}

/* Fractions of the frame are the same at any size, as GStreamer's scaled regions are: as if there were no borders. */
static gboolean
transform (GstBuffer *to, GstCustomMeta *meta, G_GNUC_UNUSED GstBuffer *from, GQuark type, gpointer data,
           G_GNUC_UNUSED gpointer user_data)
{
  GstCbamPlacement placement;

  if (!gst_cbam_placement_read (&placement, type, data))
    return FALSE;
  GstStructure *structure = gst_custom_meta_get_structure (gst_buffer_add_custom_meta (to, GST_CBAM_REGIONS_META_NAME));
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    transform_list (&placement, lists[i], gst_custom_meta_get_structure (meta), structure);
  return TRUE;
}

void
gst_cbam_regions_meta_register (void)
{
  gst_cbam_placement_register (GST_CBAM_REGIONS_META_NAME, transform);
}

/* ---- Numbers ---- */

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
  static guint given; /* in this process */
  int number;

  if (numbers->taken == NULL)
    numbers->taken = collect_numbers (buffer);
  do
    number = (int) ((guint) g_atomic_int_add (&given, 1) % G_MAXINT) + 1;
  while (g_hash_table_contains (numbers->taken, GINT_TO_POINTER (number)));
  return number;
}

void
gst_cbam_region_numbers_clear (GstCbamRegionNumbers *numbers)
{
  g_clear_pointer (&numbers->taken, g_hash_table_unref);
}

/* ---- Writing ---- */

static void
set_region (GstStructure *structure, const GstVideoRegionOfInterestMeta *region)
{
  g_autofree char *label = gst_cbam_field_dup_label (region->roi_type);

  gst_structure_set (structure, "id", G_TYPE_INT, region->id, "label", G_TYPE_STRING, label, NULL);
}

static void
append_region (GValue *regions, const GstVideoRegionOfInterestMeta *region, const GstStructure *detection)
{
  GstStructure *copy = gst_structure_copy (detection);

  set_region (copy, region);
  gst_cbam_field_append (regions, copy);
}

GstStructure *
gst_cbam_kept_class_new (const GstVideoRegionOfInterestMeta *region, const GstStructure *class, int width, int height)
{
  const double x = (int) region->x, y = (int) region->y;
  GstStructure *kept =
      gst_structure_new ("region", "x_min", G_TYPE_DOUBLE, x / width, "y_min", G_TYPE_DOUBLE, y / height, "x_max",
                         G_TYPE_DOUBLE, (x + region->w) / width, "y_max", G_TYPE_DOUBLE, (y + region->h) / height,
                         CLASS, GST_TYPE_STRUCTURE, class, NULL);

  set_region (kept, region);
  return kept;
}

/* Somebody else's region may have the same number. */
static gboolean
is_of (const GstStructure *detection, const GstVideoRegionOfInterestMeta *region)
{
  const char *label = gst_structure_get_string (detection, "label");
  int id;

  if (!gst_structure_get_int (detection, "id", &id) || id != region->id)
    return FALSE;
  g_autofree char *own = gst_cbam_field_dup_label (region->roi_type);
  return g_strcmp0 (label, own) == 0;
}

/* Whether @buffer still has the region. */
static gboolean
is_there (GstBuffer *buffer, const GstStructure *detection)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    if (is_of (detection, (GstVideoRegionOfInterestMeta *) meta))
      return TRUE;
  return FALSE;
}

/* Adds what @regions lists to what the metadata of @buffer lists under @name already, and empties @regions. What was
 * listed of regions that somebody has taken off since goes. */
static void
add_to_list (GstBuffer *buffer, const char *name, GValue *regions)
{
  gst_cbam_regions_meta_register ();
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  if (meta == NULL)
    meta = gst_buffer_add_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  GstStructure *structure = gst_custom_meta_get_structure (meta);
  const GValue *earlier = get_list (structure, name);
  GValue all = G_VALUE_INIT;

  gst_value_list_init (&all, 0);
  for (guint i = 0; earlier != NULL && i < gst_value_list_get_size (earlier); i++) {
    const GstStructure *detection = get_nth (earlier, i);
    if (detection != NULL && is_there (buffer, detection))
      gst_cbam_field_append (&all, gst_structure_copy (detection));
  }
  for (guint i = 0; i < gst_value_list_get_size (regions); i++)
    gst_value_list_append_value (&all, gst_value_list_get_value (regions, i));
  g_value_unset (regions);
  gst_structure_take_value (structure, name, &all);
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
    const GstStructure *detection = gst_video_region_of_interest_meta_get_param (region, DETECTION);
    if (detection != NULL && gst_meta_get_seqnum (meta) >= first)
      append_region (&regions, region, detection);
  }
  if (gst_value_list_get_size (&regions) > 0)
    add_to_list (buffer, REGIONS, &regions);
  else
    g_value_unset (&regions);
}

void
gst_cbam_regions_meta_keep_classes (GstBuffer *buffer, GValue *classes)
{
  add_to_list (buffer, CLASSES, classes);
}

/* ---- Reading ---- */

/* How far the edges of @detection are from those of @region. */
static double
get_distance (const GstStructure *detection, const GstVideoRegionOfInterestMeta *region, int width, int height)
{
  const double x = (int) region->x, y = (int) region->y;
  GstCbamEdges edges;

  if (!gst_cbam_field_get_edges (detection, &edges))
    return G_MAXDOUBLE;
  return fabs (edges.x_min * width - x) + fabs (edges.y_min * height - y) +
         fabs (edges.x_max * width - (x + region->w)) + fabs (edges.y_max * height - (y + region->h));
}

/* Appends what the list @name has of @region to @found: where several regions have the same number and label, that of
 * the nearest one. */
static void
find_kept (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, const char *name, int width, int height,
           GPtrArray *found)
{
  double least = G_MAXDOUBLE;

  gst_cbam_regions_meta_register ();
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, GST_CBAM_REGIONS_META_NAME);
  const GValue *list = meta != NULL ? get_list (gst_custom_meta_get_structure (meta), name) : NULL;
  for (guint i = 0; list != NULL && i < gst_value_list_get_size (list); i++) {
    const GstStructure *kept = get_nth (list, i);
    if (kept == NULL || !is_of (kept, region))
      continue;
    const double distance = get_distance (kept, region, width, height);
    if (found->len > 0 && distance > least)
      continue;
    if (distance < least)
      g_ptr_array_set_size (found, 0);
    g_ptr_array_add (found, (gpointer) kept);
    least = distance;
  }
}

const GstStructure *
gst_cbam_region_get_detection (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width, int height)
{
  const GstStructure *own =
      gst_video_region_of_interest_meta_get_param ((GstVideoRegionOfInterestMeta *) region, DETECTION);
  g_autoptr (GPtrArray) found = NULL;

  if (own != NULL)
    return own;
  found = g_ptr_array_new ();
  find_kept (buffer, region, REGIONS, width, height, found);
  return found->len > 0 ? g_ptr_array_index (found, 0) : NULL;
}

void
gst_cbam_regions_meta_find_classes (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width,
                                    int height, GPtrArray *found)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  find_kept (buffer, region, CLASSES, width, height, kept);
  for (guint i = 0; i < kept->len; i++) {
    const GValue *class = gst_structure_get_value (g_ptr_array_index (kept, i), CLASS);
    if (class != NULL && GST_VALUE_HOLDS_STRUCTURE (class))
      g_ptr_array_add (found, (gpointer) gst_value_get_structure (class));
  }
}
