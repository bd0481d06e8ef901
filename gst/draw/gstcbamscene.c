/* GstCbamScene: what there is to draw on a frame, whether it comes from the detector or from a buffer's metadata.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamscene.h"

#include "meta/gstcbamclassmeta.h"
#include "meta/gstcbamfield.h"
#include "meta/gstcbamregionmeta.h"

#include <math.h>
#include <palette.h>

/* How far the whole pixels of a region may be from its fractions: scaling rounds each of them, and multiplies what
 * rounding did before. Where a region was moved by less, it does not show. */
#define SLACK(size) MAX (2.5, (size) / 256.0)

static void
box_clear (gpointer data)
{
  GstCbamBox *box = data;

  g_clear_pointer (&box->classes, g_ptr_array_unref);
}

static GstCbamScene *
scene_new (void)
{
  GstCbamScene *scene = g_new0 (GstCbamScene, 1);

  scene->boxes = g_array_new (FALSE, FALSE, sizeof (GstCbamBox));
  g_array_set_clear_func (scene->boxes, box_clear);
  scene->grad_cam = g_ptr_array_new ();
  scene->levels = g_ptr_array_new ();
  return scene;
}

void
gst_cbam_scene_free (GstCbamScene *scene)
{
  if (scene == NULL)
    return;
  g_array_unref (scene->boxes);
  g_ptr_array_unref (scene->levels);
  g_ptr_array_unref (scene->grad_cam);
  gst_cbam_attention_maps_free (scene->maps);
  g_free (scene);
}

GstCbamScene *
gst_cbam_scene_new_from_result (const CbamResult *result)
{
  GstCbamScene *scene = scene_new ();
  const gsize n = cbam_result_get_n_detections (result);

  for (gsize i = 0; i < n; i++) {
    const CbamDetection *d = cbam_result_get_detection (result, i);
    const GstCbamBox box = { .label = d->label,
                             .class_id = d->class_id,
                             .score = d->score,
                             .id = -1,
                             .left = d->x,
                             .top = d->y,
                             .right = d->x + d->width,
                             .bottom = d->y + d->height };
    g_array_append_val (scene->boxes, box);
  }
  for (gsize i = 0; i < cbam_result_get_n_attention (result); i++)
    g_ptr_array_add (scene->levels, (gpointer) cbam_result_get_attention (result, i));
  const CbamMap *grad_cam = n > 0 ? cbam_result_get_grad_cam (result, 0) : NULL;
  if (grad_cam != NULL)
    g_ptr_array_add (scene->grad_cam, (gpointer) grad_cam);
  return scene;
}

/* The edges as `detection` has them, which are finer than whole pixels. Somebody who moves a region may forget to tell
 * them, so they count only where they agree with its pixels. */
static void
read_edges (const GstStructure *detection, int width, int height, GstCbamBox *box)
{
  GstCbamEdges edges;

  if (!gst_cbam_field_get_edges (detection, &edges))
    return;
  const double left = edges.x_min * width, right = edges.x_max * width;
  const double top = edges.y_min * height, bottom = edges.y_max * height;
  if (fabs (left - box->left) > SLACK (width) || fabs (top - box->top) > SLACK (height) ||
      fabs (right - box->right) > SLACK (width) || fabs (bottom - box->bottom) > SLACK (height))
    return;

  box->left = (float) left;
  box->top = (float) top;
  box->right = (float) right;
  box->bottom = (float) bottom;
}

GstCbamBox
gst_cbam_box_from_region (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width, int height)
{
  const GstStructure *detection = gst_cbam_region_get_detection (buffer, region, width, height);
  const char *label = g_quark_to_string (region->roi_type);
  /* Regions have no negative places, but what begins left of the frame or above it was put there as if they had. */
  const int x = (int) region->x, y = (int) region->y;
  GstCbamBox box = { .label = label != NULL ? label : "",
                     .score = -1,
                     .id = gst_cbam_region_get_object_id (buffer, region),
                     .x = x,
                     .y = y,
                     .left = (float) x,
                     .top = (float) y,
                     .right = (float) x + (float) region->w,
                     .bottom = (float) y + (float) region->h };
  int number;

  if (detection != NULL) {
    gst_cbam_field_get_number (detection, "confidence", &box.score);
    read_edges (detection, width, height, &box);
  }
  if (detection != NULL && gst_cbam_field_get_count (detection, "label_id", &number))
    box.class_id = number;
  else
    box.class_id = cbam_drawing_name_to_class (box.label);
  return box;
}

static int
compare_boxes (gconstpointer a, gconstpointer b)
{
  const GstCbamBox *first = a, *second = b;

  return first->score < second->score ? 1 : first->score > second->score ? -1 : 0;
}

/* Whether a classifier has added the region to say what it saw in the frame. */
static gboolean
is_whole (const GstCbamBox *box, int width, int height)
{
  return box->classes->len > 0 && box->score < 0 && g_str_equal (box->label, GST_CBAM_WHOLE_FRAME) && box->left <= 0 &&
         box->top <= 0 && box->right >= (float) width && box->bottom >= (float) height;
}

GstCbamScene *
gst_cbam_scene_new_from_buffer (GstBuffer *buffer, int width, int height)
{
  GstCbamScene *scene = scene_new ();
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *) meta;
    GstCbamBox box = gst_cbam_box_from_region (buffer, region, width, height);
    if (box.left >= width || box.top >= height || box.right <= 0 || box.bottom <= 0)
      continue;
    box.classes = gst_cbam_region_get_classes (buffer, region, width, height);
    box.whole = is_whole (&box, width, height);
    g_array_append_val (scene->boxes, box);
  }
  g_array_sort (scene->boxes, compare_boxes); /* stable */

  scene->maps = gst_cbam_attention_maps_new (buffer, width, height);
  if (scene->maps != NULL) {
    for (guint i = 0; i < scene->maps->levels->len; i++)
      g_ptr_array_add (scene->levels, &g_array_index (scene->maps->levels, CbamAttention, i));
    g_ptr_array_extend (scene->grad_cam, scene->maps->grad_cam, NULL, NULL);
  }
  return scene;
}
