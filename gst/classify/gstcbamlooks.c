/* From regions of interest to rectangles of a frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamlooks.h"

#include <math.h>

#include "meta/gstcbamclassmeta.h"
#include "meta/gstcbamfield.h"

static gboolean
is_wanted (GQuark label, char *const *wanted)
{
  if (wanted == NULL)
    return TRUE;
  g_autofree char *text = gst_cbam_field_dup_label (label), *folded = g_utf8_casefold (text, -1);
  return g_strv_contains ((const char *const *) wanted, folded);
}

/* A part of a line, from @from to @to. */
typedef struct
{
  double from, to;
} Range;

/* At least @length long, about its middle, but inside of 0..@size as far as that is long enough. */
static Range
grow (Range range, double length, double size)
{
  const double more = MAX (0, length - (range.to - range.from)) / 2;
  Range grown = { range.from - more, range.to + more };
  const double shift = grown.from < 0 ? -grown.from : grown.to > size ? size - grown.to : 0;

  grown.from += shift;
  grown.to += shift;
  return (Range){ CLAMP (grown.from, 0, size), CLAMP (grown.to, 0, size) };
}

/* A side of a box that is on the frame, with its padding. */
static Range
pad (double from, double to, double padding, double size)
{
  const double more = padding * (to - from);

  return (Range){ CLAMP (from - more, 0, size), CLAMP (to + more, 0, size) };
}

/* The whole pixels of the frame that are looked at for @box. FALSE: too little of it is there. */
static gboolean
cut_out (const double box[4], int width, int height, double shape, const GstCbamClassifySettings *settings,
         CbamRegion *region)
{
  const int least = (int) settings->min_size;
  Range across = pad (box[0], box[2], settings->padding, width), down = pad (box[1], box[3], settings->padding, height);

  /* Padding makes nothing of a region that is not there. */
  if (MIN (box[2], width) - MAX (box[0], 0) < least || MIN (box[3], height) - MAX (box[1], 0) < least)
    return FALSE;
  const double length = across.to - across.from;
  across = grow (across, (down.to - down.from) * shape, width);
  down = grow (down, length / shape, height);
  const int left = (int) floor (across.from), top = (int) floor (down.from);
  *region = (CbamRegion){ (guint) left, (guint) top, (guint) ((int) ceil (across.to) - left),
                          (guint) ((int) ceil (down.to) - top) };
  return TRUE;
}

static void
add_region (GstCbamLooks *self, GstBuffer *buffer, const GstVideoRegionOfInterestMeta *meta, int nth, int width,
            int height, double shape, const GstCbamClassifySettings *settings)
{
  /* Regions have no negative places, but what begins left of the frame or above it was put there as if they had. */
  const double x = (int) meta->x, y = (int) meta->y;
  GstCbamLook look = { .nth = nth, .label = meta->roi_type, .box = { x, y, x + meta->w, y + meta->h } };

  if (!is_wanted (meta->roi_type, settings->wanted))
    self->left_out[GST_CBAM_LEFT_OUT_CLASS]++;
  else if (!cut_out (look.box, width, height, shape, settings, &look.region))
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
gst_cbam_looks_new (GstBuffer *buffer, int width, int height, double shape, const GstCbamClassifySettings *settings)
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
    add_region (self, buffer, (GstVideoRegionOfInterestMeta *) meta, nth++, width, height, shape, settings);
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
