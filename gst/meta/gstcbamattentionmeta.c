/* The metadata `CbamAttentionMeta`: written from a result, moved with the picture, and read back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamattentionmeta.h"

#include "gstcbamplacement.h"

#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#define LEVEL_PREFIX "level-"
#define GRAD_CAM "grad-cam"
#define MOST_CELLS 4096 /* across and down, of a map that can be read */

/* ---- Frames that change ---- */

static void
move_double (GstStructure *structure, const char *field, double scale, double shift)
{
  double value;

  if (gst_structure_get_double (structure, field, &value))
    gst_structure_set (structure, field, G_TYPE_DOUBLE, value * scale + shift, NULL);
}

/* The map lies over the same things of a frame that has them elsewhere. */
static gboolean
move_map (G_GNUC_UNUSED GQuark field, GValue *value, gpointer user_data)
{
  const GstCbamPlacement *placement = user_data;

  if (!GST_VALUE_HOLDS_STRUCTURE (value))
    return TRUE;
  GstStructure *map = gst_structure_copy (gst_value_get_structure (value));
  move_double (map, "over-x", placement->scale[0], placement->shift[0]);
  move_double (map, "over-width", placement->scale[0], 0);
  move_double (map, "over-y", placement->scale[1], placement->shift[1]);
  move_double (map, "over-height", placement->scale[1], 0);
  g_value_take_boxed (value, map);
  return TRUE;
}

static void
copy_structure (GstStructure *to, const GstStructure *from)
{
  gst_structure_remove_all_fields (to);
  for (int i = 0; i < gst_structure_n_fields (from); i++) {
    const char *field = gst_structure_nth_field_name (from, i);
    gst_structure_set_value (to, field, gst_structure_get_value (from, field));
  }
}

static gboolean
transform (GstBuffer *to, GstCustomMeta *meta, G_GNUC_UNUSED GstBuffer *from, GQuark type, gpointer data,
           G_GNUC_UNUSED gpointer user_data)
{
  GstCbamPlacement placement;

  if (!gst_cbam_placement_read (&placement, type, data))
    return FALSE;
  gst_cbam_placement_keep_shape (&placement, type, data);

  GstStructure *structure =
      gst_custom_meta_get_structure (gst_buffer_add_custom_meta (to, GST_CBAM_ATTENTION_META_NAME));
  copy_structure (structure, gst_custom_meta_get_structure (meta));
  if (!placement.moved)
    return TRUE;
  gst_structure_map_in_place (structure, move_map, &placement);
  gst_structure_set (structure, "frame-width", G_TYPE_INT, (int) placement.size[0], "frame-height", G_TYPE_INT,
                     (int) placement.size[1], NULL);
  return TRUE;
}

void
gst_cbam_attention_meta_register (void)
{
  gst_cbam_placement_register (GST_CBAM_ATTENTION_META_NAME, transform);
}

/* ---- Writing ---- */

static void
set_map (GstStructure *structure, const CbamMap *map)
{
  const gsize n = (gsize) map->width * map->height;
  float min = map->values[0], max = map->values[0];
  g_autoptr (GstBuffer) values = gst_buffer_new_memdup (map->values, n * sizeof (float));

  for (gsize i = 1; i < n; i++) {
    min = MIN (min, map->values[i]);
    max = MAX (max, map->values[i]);
  }
  gst_structure_set (structure, "width", G_TYPE_INT, (int) map->width, "height", G_TYPE_INT, (int) map->height,
                     "over-x", G_TYPE_DOUBLE, (double) map->x, "over-y", G_TYPE_DOUBLE, (double) map->y, "over-width",
                     G_TYPE_DOUBLE, (double) map->frame_width, "over-height", G_TYPE_DOUBLE, (double) map->frame_height,
                     "min", G_TYPE_DOUBLE, (double) min, "max", G_TYPE_DOUBLE, (double) max, "spatial", GST_TYPE_BUFFER,
                     values, NULL);
}

static void
take_structure (GstStructure *parent, const char *field, GstStructure *child)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, child);
  gst_structure_take_value (parent, field, &value);
}

static void
add_level (GstStructure *parent, const CbamAttention *attention)
{
  GstStructure *level = gst_structure_new ("level", "level", G_TYPE_INT, (int) attention->level, NULL);
  char field[32];

  if (attention->spatial != NULL)
    set_map (level, attention->spatial);
  if (attention->channel != NULL) {
    g_autoptr (GstBuffer) values = gst_buffer_new_memdup (attention->channel, attention->n_channels * sizeof (float));
    gst_structure_set (level, "channels", G_TYPE_INT, (int) attention->n_channels, "channel", GST_TYPE_BUFFER, values,
                       NULL);
  }
  g_snprintf (field, sizeof field, LEVEL_PREFIX "%u", attention->level);
  take_structure (parent, field, level);
}

GstStructure *
gst_cbam_attention_meta_attach (GstBuffer *buffer, const CbamResult *result, GstCbamAttentionParts parts, int width,
                                int height)
{
  const gsize n = parts & GST_CBAM_ATTENTION_LEVELS ? cbam_result_get_n_attention (result) : 0;
  const CbamMap *grad_cam = parts & GST_CBAM_ATTENTION_GRAD_CAM ? cbam_result_get_grad_cam (result, 0) : NULL;

  if (n == 0 && grad_cam == NULL)
    return NULL;

  gst_cbam_attention_meta_register ();
  GstStructure *structure =
      gst_custom_meta_get_structure (gst_buffer_add_custom_meta (buffer, GST_CBAM_ATTENTION_META_NAME));
  gst_structure_set (structure, "frame-width", G_TYPE_INT, width, "frame-height", G_TYPE_INT, height, NULL);
  for (gsize i = 0; i < n; i++)
    add_level (structure, cbam_result_get_attention (result, i));
  if (grad_cam != NULL) {
    GstStructure *map = gst_structure_new_empty (GRAD_CAM);
    set_map (map, grad_cam);
    take_structure (structure, GRAD_CAM, map);
  }
  return structure;
}

/* ---- Reading ---- */

/* The floats of a buffer that has exactly @n of them, kept by @maps; NULL otherwise. */
static const float *
read_floats (GstCbamAttentionMaps *maps, const GstStructure *structure, const char *field, gsize n)
{
  const GValue *value = gst_structure_get_value (structure, field);
  GstBuffer *buffer = value != NULL && GST_VALUE_HOLDS_BUFFER (value) ? gst_value_get_buffer (value) : NULL;

  if (buffer == NULL || n == 0 || gst_buffer_get_size (buffer) != n * sizeof (float))
    return NULL;
  float *values = g_new (float, n);
  gst_buffer_extract (buffer, 0, values, n * sizeof (float));
  g_ptr_array_add (maps->memory, values);
  return values;
}

/* NULL: it is none. */
static const CbamMap *
read_map (GstCbamAttentionMaps *maps, const GstStructure *structure)
{
  int width, height;
  double x, y, over_width, over_height;

  if (!gst_structure_get (structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, "over-x",
                          G_TYPE_DOUBLE, &x, "over-y", G_TYPE_DOUBLE, &y, "over-width", G_TYPE_DOUBLE, &over_width,
                          "over-height", G_TYPE_DOUBLE, &over_height, NULL) ||
      width < 1 || height < 1 || width > MOST_CELLS || height > MOST_CELLS || !(over_width > 0) || !(over_height > 0) ||
      !isfinite (x + y + over_width + over_height))
    return NULL;
  const float *values = read_floats (maps, structure, "spatial", (gsize) width * height);
  if (values == NULL)
    return NULL;

  CbamMap *map = g_new (CbamMap, 1);
  *map = (CbamMap){
    .width = width,
    .height = height,
    .values = values,
    .x = x,
    .y = y,
    .frame_width = over_width,
    .frame_height = over_height,
  };
  g_ptr_array_add (maps->memory, map);
  return map;
}

static gboolean
read_field (GQuark field, const GValue *value, gpointer user_data)
{
  GstCbamAttentionMaps *maps = user_data;
  const char *name = g_quark_to_string (field);
  const GstStructure *structure = GST_VALUE_HOLDS_STRUCTURE (value) ? gst_value_get_structure (value) : NULL;
  int level, n_channels = 0;

  if (structure == NULL)
    return TRUE;
  if (strcmp (name, GRAD_CAM) == 0) {
    const CbamMap *map = read_map (maps, structure);
    if (map != NULL)
      g_ptr_array_add (maps->grad_cam, (gpointer) map);
    return TRUE;
  }
  if (!g_str_has_prefix (name, LEVEL_PREFIX) || !gst_structure_get_int (structure, "level", &level) || level < 0)
    return TRUE;

  CbamAttention attention = { .level = level, .spatial = read_map (maps, structure) };
  if (gst_structure_get_int (structure, "channels", &n_channels) && n_channels > 0)
    attention.channel = read_floats (maps, structure, "channel", n_channels);
  attention.n_channels = attention.channel != NULL ? n_channels : 0;
  g_array_append_val (maps->levels, attention);
  return TRUE;
}

static int
compare_levels (gconstpointer a, gconstpointer b)
{
  const CbamAttention *first = a, *second = b;

  return first->level < second->level ? -1 : first->level > second->level;
}

/* What counts of all such metadata: the last one, or those of all regions that a classifier has looked at since. */
static GPtrArray *
find_structures (GstBuffer *buffer)
{
  const GstMetaInfo *info = gst_meta_get_info (GST_CBAM_ATTENTION_META_NAME);
  GPtrArray *structures = g_ptr_array_new ();
  gboolean regions = FALSE;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, info->api))) {
    GstStructure *structure = gst_custom_meta_get_structure ((GstCustomMeta *) meta);
    const gboolean of_region = gst_structure_has_field (structure, GST_CBAM_ATTENTION_REGION);
    if (!of_region || !regions)
      g_ptr_array_set_size (structures, 0);
    g_ptr_array_add (structures, structure);
    regions = of_region;
  }
  return structures;
}

/* Whether the maps are those of a frame of another size, which has come along with this one. */
static gboolean
is_of_other_size (const GstStructure *structure, int width, int height)
{
  int frame_width, frame_height;

  return gst_structure_get (structure, "frame-width", G_TYPE_INT, &frame_width, "frame-height", G_TYPE_INT,
                            &frame_height, NULL) &&
         (frame_width != width || frame_height != height);
}

GstCbamAttentionMaps *
gst_cbam_attention_maps_new (GstBuffer *buffer, int width, int height)
{
  gst_cbam_attention_meta_register ();
  g_autoptr (GPtrArray) structures = find_structures (buffer);
  if (structures->len == 0 || is_of_other_size (g_ptr_array_index (structures, 0), width, height))
    return NULL;

  GstCbamAttentionMaps *maps = g_new0 (GstCbamAttentionMaps, 1);
  maps->levels = g_array_new (FALSE, FALSE, sizeof (CbamAttention));
  maps->grad_cam = g_ptr_array_new ();
  maps->memory = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < structures->len; i++)
    gst_structure_foreach (g_ptr_array_index (structures, i), read_field, maps);
  g_array_sort (maps->levels, compare_levels);
  return maps;
}

void
gst_cbam_attention_maps_free (GstCbamAttentionMaps *maps)
{
  if (maps == NULL)
    return;
  g_array_unref (maps->levels);
  g_ptr_array_unref (maps->grad_cam);
  g_ptr_array_unref (maps->memory);
  g_free (maps);
}
