/* From regions of interest to rectangles of a frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamlooks.h"

#include <math.h>

#include "meta/gstcbamclassmeta.h"

static gboolean
is_wanted (GQuark label, char *const *wanted)
{
  const char *text = g_quark_to_string (label);
  g_autofree char *folded = g_utf8_casefold (text != NULL ? text : "", -1);

  return wanted == NULL || g_strv_contains ((const char *const *) wanted, folded);
}

/* The whole pixels of the frame that @box with its padding lies over. FALSE: there are too few. */
static gboolean
cut_out (const double box[4], int width, int height, const GstCbamClassifySettings *settings, CbamRegion *region)
{
  const double across = settings->padding * (box[2] - box[0]), down = settings->padding * (box[3] - box[1]);
  const int left = (int) floor (CLAMP (box[0] - across, 0, width));
  const int top = (int) floor (CLAMP (box[1] - down, 0, height));
  const int right = (int) ceil (CLAMP (box[2] + across, 0, width));
  const int bottom = (int) ceil (CLAMP (box[3] + down, 0, height));
  const int least = (int) settings->min_size;

  /* Padding makes nothing of a region that is not there. */
  if (MIN (box[2], width) - MAX (box[0], 0) < least || MIN (box[3], height) - MAX (box[1], 0) < least)
    return FALSE;
  *region = (CbamRegion){ (guint) left, (guint) top, (guint) (right - left), (guint) (bottom - top) };
  return TRUE;
}

static void
add_region (GstCbamLooks *self, GstBuffer *buffer, const GstVideoRegionOfInterestMeta *meta, int nth, int width,
            int height, const GstCbamClassifySettings *settings)
{
  /* Regions have no negative places, but what begins left of the frame or above it was put there as if they had. */
  const double x = (int) meta->x, y = (int) meta->y;
  GstCbamLook look = { .nth = nth, .label = meta->roi_type, .box = { x, y, x + meta->w, y + meta->h } };

  if (!is_wanted (meta->roi_type, settings->wanted))
    self->left_out[GST_CBAM_LEFT_OUT_CLASS]++;
  else if (!cut_out (look.box, width, height, settings, &look.region))
    self->left_out[GST_CBAM_LEFT_OUT_SMALL]++;
  else if (self->looks->len >= GST_CBAM_MOST_LOOKS)
    self->left_out[GST_CBAM_LEFT_OUT_MANY]++;
  else {
    look.id = gst_cbam_region_get_object_id (buffer, meta);
    g_array_append_val (self->looks, look);
  }
}

static void
add_frame (GstCbamLooks *self, int width, int height)
{
  const GstCbamLook look = {
    .nth = -1, .label = g_quark_from_static_string (GST_CBAM_WHOLE_FRAME), .id = -1, .box = { 0, 0, width, height }
  };

  g_array_append_val (self->looks, look);
}

GstCbamLooks *
gst_cbam_looks_new (GstBuffer *buffer, int width, int height, const GstCbamClassifySettings *settings)
{
  GstCbamLooks *self = g_new0 (GstCbamLooks, 1);
  gpointer state = NULL;
  GstMeta *meta;
  int nth = 0;

  self->looks = g_array_new (FALSE, FALSE, sizeof (GstCbamLook));
  if (settings->on == GST_CBAM_ON_FRAME) {
    add_frame (self, width, height);
    return self;
  }
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    add_region (self, buffer, (GstVideoRegionOfInterestMeta *) meta, nth++, width, height, settings);
  return self;
}

void
gst_cbam_looks_free (GstCbamLooks *looks)
{
  if (looks == NULL)
    return;
  g_array_unref (looks->looks);
  g_free (looks);
}

double
gst_cbam_look_overlap (const double a[4], const double b[4])
{
  const double width = MIN (a[2], b[2]) - MAX (a[0], b[0]), height = MIN (a[3], b[3]) - MAX (a[1], b[1]);
  const double both = width > 0 && height > 0 ? width * height : 0;
  const double all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;

  return all > 0 ? both / all : 0;
}
