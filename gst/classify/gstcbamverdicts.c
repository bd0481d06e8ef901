/* From results to metadata and messages.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamverdicts.h"

#include "meta/gstcbamclassmeta.h"
#include "meta/gstcbamfield.h"
#include "meta/gstcbammeta.h"
#include "meta/gstcbamregionmeta.h"

/* ---- One region ---- */

static GstCbamVerdict
get_verdict (const GstCbamTrack *track, GstCbamWhen when, const char *const *names)
{
  return (GstCbamVerdict){
    .result = track->result,
    .names = names,
    .model = cbam_model_get_info (track->session->model)->name,
    .age = gst_cbam_when_since (when, track->classified),
    .frames = (guint) (when.frame - track->classified.frame),
  };
}

static void
attach_maps (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, const GstCbamVerdict *verdict,
             GstCbamAttentionParts parts, int width, int height)
{
  GstStructure *maps = gst_cbam_attention_meta_attach (buffer, verdict->result, parts, width, height);

  if (maps == NULL)
    return;
  gst_structure_set (maps, GST_CBAM_ATTENTION_REGION, G_TYPE_INT, region->id, NULL);
  if (verdict->frames > 0)
    gst_structure_set (maps, "age", G_TYPE_UINT64, verdict->age, "frame-age", G_TYPE_UINT, verdict->frames, NULL);
}

/* ---- The message ---- */

static GstStructure *
class_to_structure (const GstCbamVerdict *verdict, gsize i)
{
  const CbamClass *class = cbam_result_get_class (verdict->result, i);

  return gst_structure_new ("class", "label", G_TYPE_STRING, gst_cbam_verdict_get_label (verdict, i), "label-id",
                            G_TYPE_INT, (int) class->class_id, "confidence", G_TYPE_DOUBLE, (double) class->score,
                            NULL);
}

static GstStructure *
region_to_structure (const GstVideoRegionOfInterestMeta *region, gint64 id, const GstCbamVerdict *verdict)
{
  g_autofree char *label = gst_cbam_field_dup_label (region->roi_type);
  GstStructure *structure = gst_structure_new ("region", "label", G_TYPE_STRING, label, "x", G_TYPE_INT,
                                               (int) region->x, "y", G_TYPE_INT, (int) region->y, "width", G_TYPE_INT,
                                               (int) region->w, "height", G_TYPE_INT, (int) region->h, NULL);
  GValue classes = G_VALUE_INIT;

  if (id >= 0)
    gst_structure_set (structure, "id", G_TYPE_INT64, id, NULL);
  if (verdict->frames > 0)
    gst_structure_set (structure, "age", G_TYPE_UINT64, verdict->age, "frame-age", G_TYPE_UINT, verdict->frames, NULL);
  gst_value_list_init (&classes, 0);
  for (gsize i = 0; i < cbam_result_get_n_classes (verdict->result); i++)
    gst_cbam_field_append (&classes, class_to_structure (verdict, i));
  gst_structure_take_value (structure, "classes", &classes);
  return structure;
}

/* ---- All of them ---- */

/* Whether there is a class to tell of, and not only a network that has seen none. */
static gboolean
has_classes (const GstCbamTrack *track)
{
  return track->result != NULL && cbam_result_get_n_classes (track->result) > 0;
}

/* Returns (transfer full): the regions of interest of @buffer, in their order. */
static GPtrArray *
list_regions (GstBuffer *buffer)
{
  GPtrArray *regions = g_ptr_array_new ();
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    g_ptr_array_add (regions, meta);
  return regions;
}

static void
count (GstCbamTrack *track, GstCbamClassCounts *counts)
{
  if (!has_classes (track))
    counts->skipped++;
  else if (track->told)
    counts->carried++;
  else
    counts->fresh++;
}

/* What is told of a frame's regions. */
typedef struct
{
  GValue kept;  /* for CbamRegionsMeta */
  GValue fresh; /* for the message */
} Told;

static void
tell (GstBuffer *buffer, const GstCbamVerdictFrame *frame, GstVideoRegionOfInterestMeta *region, GstCbamTrack *track,
      const GstCbamVerdictWishes *wishes, Told *told)
{
  const int width = GST_VIDEO_INFO_WIDTH (frame->info), height = GST_VIDEO_INFO_HEIGHT (frame->info);
  const GstCbamVerdict verdict = get_verdict (track, frame->when, wishes->names);

  gst_cbam_class_meta_add (buffer, region, &verdict, width, height, &told->kept);
  attach_maps (buffer, region, &verdict, wishes->parts, width, height);
  if (wishes->messages && !track->told)
    gst_cbam_field_append (&told->fresh, region_to_structure (region, track->id, &verdict));
  track->told = TRUE;
}

GstBuffer *
gst_cbam_verdicts_attach (GstBuffer *buffer, const GstCbamVerdictFrame *frame, const GArray *looks, GPtrArray *tracks,
                          const GstCbamVerdictWishes *wishes, GstCbamClassCounts *counts, GstStructure **message)
{
  const int width = GST_VIDEO_INFO_WIDTH (frame->info), height = GST_VIDEO_INFO_HEIGHT (frame->info);
  Told told = { G_VALUE_INIT, G_VALUE_INIT };

  *counts = (GstCbamClassCounts){ 0 };
  *message = NULL;
  for (guint i = 0; i < tracks->len; i++)
    count (g_ptr_array_index (tracks, i), counts);
  if (counts->fresh + counts->carried == 0)
    return buffer;

  gst_value_list_init (&told.kept, 0);
  gst_value_list_init (&told.fresh, 0);
  buffer = gst_buffer_make_writable (buffer);
  g_autoptr (GPtrArray) regions = list_regions (buffer);
  for (guint i = 0; i < looks->len; i++) {
    const GstCbamLook *look = &g_array_index (looks, GstCbamLook, i);
    GstCbamTrack *track = g_ptr_array_index (tracks, i);
    if (!has_classes (track))
      continue;
    GstVideoRegionOfInterestMeta *region =
        look->nth >= 0 ? g_ptr_array_index (regions, look->nth) : gst_cbam_class_meta_add_frame (buffer, width, height);
    tell (buffer, frame, region, track, wishes, &told);
  }
  gst_cbam_regions_meta_keep_classes (buffer, &told.kept);
  if (gst_value_list_get_size (&told.fresh) == 0) {
    g_value_unset (&told.fresh);
    return buffer;
  }
  *message = gst_cbam_meta_describe_frame ("cbam-classifications", buffer, frame->info, frame->segment);
  gst_structure_take_value (*message, "regions", &told.fresh);
  return buffer;
}
