/* Negotiates, attaches and blends drawings.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamcomposition.h"

#include "gstcbamstretch.h"

#include <gst/video/video-blend.h>

#define FEATURE GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION

/* @caps with the feature of GstVideoOverlayComposition on every structure, or on none. (transfer full) */
static GstCaps *
caps_change_feature (const GstCaps *caps, gboolean with)
{
  GstCaps *changed = gst_caps_new_empty ();

  if (gst_caps_is_any (caps)) {
    gst_caps_unref (changed);
    return gst_caps_new_any ();
  }
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCapsFeatures *features = gst_caps_features_copy (gst_caps_get_features (caps, i));
    if (!gst_caps_features_is_any (features)) {
      if (with && !gst_caps_features_contains (features, FEATURE))
        gst_caps_features_add (features, FEATURE);
      if (!with)
        gst_caps_features_remove (features, FEATURE);
    }
    changed = gst_caps_merge_structure_full (changed, gst_structure_copy (gst_caps_get_structure (caps, i)), features);
  }
  return changed;
}

/* Those of @caps that are in system memory, with the feature and nothing said of the memory: GStreamer takes that for
 * other caps than with both, and elements may know either. (transfer full) */
static GstCaps *
caps_with_bare (const GstCaps *caps)
{
  GstCaps *bare = gst_caps_new_empty ();

  for (guint i = 0; !gst_caps_is_any (caps) && i < gst_caps_get_size (caps); i++)
    if (gst_caps_features_is_equal (gst_caps_get_features (caps, i), GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
      gst_caps_append_structure_full (bare, gst_structure_copy (gst_caps_get_structure (caps, i)),
                                      gst_caps_features_new (FEATURE, NULL));
  return bare;
}

void
gst_cbam_composition_answer_caps (GstPad *pad, GstPad *other, GstQuery *query)
{
  const gboolean is_sink = gst_pad_get_direction (pad) == GST_PAD_SINK;
  g_autoptr (GstCaps) template_caps = gst_pad_get_pad_template_caps (pad);
  g_autoptr (GstCaps) other_filter = NULL;
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  if (filter != NULL) {
    g_autoptr (GstCaps) filter_here = gst_caps_intersect_full (filter, template_caps, GST_CAPS_INTERSECT_FIRST);
    other_filter = caps_change_feature (filter_here, is_sink);
    if (is_sink)
      other_filter = gst_caps_merge (other_filter, caps_with_bare (filter_here));
    other_filter = gst_caps_merge (other_filter, g_steal_pointer (&filter_here));
  }

  g_autoptr (GstCaps) peer = gst_pad_peer_query_caps (other, other_filter);
  g_autoptr (GstCaps) possible = gst_caps_intersect_full (peer, template_caps, GST_CAPS_INTERSECT_FIRST);
  g_autoptr (GstCaps) caps = caps_change_feature (possible, !is_sink);
  /* Plain frames come first: nobody should start drawings for our sake. */
  caps =
      is_sink ? gst_caps_merge (caps, g_steal_pointer (&possible)) : gst_caps_merge (g_steal_pointer (&possible), caps);
  if (filter != NULL) {
    g_autoptr (GstCaps) unfiltered = caps;
    caps = gst_caps_intersect_full (filter, unfiltered, GST_CAPS_INTERSECT_FIRST);
  }
  gst_query_set_caps_result (query, caps);
}

/* @caps with the fields that they leave open, which need not be there, as what it means that they are not: 0/1 frames a
 * second, square pixels, and so on. (transfer full) (nullable) */
static GstCaps *
caps_complete (GstCaps *caps)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return NULL;
  GstCaps *complete = gst_caps_copy (caps);
  g_autoptr (GstCaps) all = gst_video_info_to_caps (&info);
  GstStructure *structure = gst_caps_get_structure (complete, 0);
  const GstStructure *from = gst_caps_get_structure (all, 0);
  for (int i = 0; i < gst_structure_n_fields (from); i++) {
    const char *field = gst_structure_nth_field_name (from, i);
    if (!gst_structure_has_field (structure, field))
      gst_structure_set_value (structure, field, gst_structure_get_value (from, field));
  }
  return complete;
}

/* @caps as downstream takes them, which may be only when nothing is left open. (transfer full) (nullable): not at all.
 */
static GstCaps *
find_accepted (GstPad *pad, GstCaps *caps)
{
  if (gst_pad_peer_query_accept_caps (pad, caps))
    return gst_caps_ref (caps);

  g_autoptr (GstCaps) complete = caps_complete (caps);
  if (complete != NULL && gst_pad_peer_query_accept_caps (pad, complete))
    return g_steal_pointer (&complete);
  return NULL;
}

static gboolean
send_caps (GstPad *pad, GstCaps *caps)
{
  g_autoptr (GstCaps) current = gst_pad_get_current_caps (pad);

  if (current != NULL && gst_caps_is_equal (current, caps))
    return TRUE;
  return gst_pad_push_event (pad, gst_event_new_caps (caps));
}

static gboolean
downstream_takes_meta (GstPad *pad, GstCaps *caps)
{
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  return gst_pad_peer_query (pad, query) &&
         gst_query_find_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
}

gboolean
gst_cbam_composition_negotiate (GstPad *src_pad, GstCaps *in_caps, gboolean wanted)
{
  g_autoptr (GstCaps) plain = find_accepted (src_pad, in_caps);

  if (gst_caps_features_contains (gst_caps_get_features (in_caps, 0), FEATURE)) {
    send_caps (src_pad, plain != NULL ? plain : in_caps);
    return TRUE;
  }

  /* Downstream may spell it with or without the feature of system memory, which are different caps: offer it in its own
   * way. Frames in other memory stay there. */
  g_autoptr (GstCaps) with = caps_change_feature (in_caps, TRUE);
  g_autoptr (GstCaps) bare = caps_with_bare (in_caps);
  g_autoptr (GstCaps) offer = NULL;
  if (wanted || plain == NULL)
    offer = find_accepted (src_pad, with);
  if (offer == NULL && (wanted || plain == NULL) && !gst_caps_is_empty (bare))
    offer = find_accepted (src_pad, bare);

  if (offer != NULL && send_caps (src_pad, offer) && (plain == NULL || downstream_takes_meta (src_pad, offer)))
    return TRUE;

  send_caps (src_pad, plain != NULL ? plain : in_caps);
  return FALSE;
}

void
gst_cbam_composition_attach (GstBuffer *buffer, GstVideoOverlayComposition *composition)
{
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (buffer);

  if (meta == NULL) {
    gst_buffer_add_video_overlay_composition_meta (buffer, composition);
    return;
  }

  /* Most readers look at the first meta only, so ours goes into that, on top of what is there. */
  GstVideoOverlayComposition *both = gst_video_overlay_composition_copy (meta->overlay);
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    gst_video_overlay_composition_add_rectangle (both, gst_video_overlay_composition_get_rectangle (composition, i));
  gst_video_overlay_composition_unref (meta->overlay);
  meta->overlay = both;
}

/* The part of @frame around x0, y0, x1, y1 as a frame of its own, grown to whole chroma samples. gst_video_blend()
 * converts whole lines of its destination, so a small one is what makes thin rectangles cheap. */
static GstVideoFrame
frame_window (const GstVideoFrame *frame, int *x0, int *y0, int x1, int y1)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  GstVideoFrame window = *frame;

  *x0 &= ~1;
  *y0 &= ~1;
  window.info.width = MIN ((x1 + 1) & ~1, GST_VIDEO_FRAME_WIDTH (frame)) - *x0;
  window.info.height = MIN ((y1 + 1) & ~1, GST_VIDEO_FRAME_HEIGHT (frame)) - *y0;
  for (guint c = GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); c-- > 0;) {
    const guint plane = GST_VIDEO_FORMAT_INFO_PLANE (format, c);
    const int x = (*x0 >> GST_VIDEO_FORMAT_INFO_W_SUB (format, c)) * GST_VIDEO_FORMAT_INFO_PSTRIDE (format, c);
    const int y = *y0 >> GST_VIDEO_FORMAT_INFO_H_SUB (format, c);
    window.data[plane] = (guint8 *) frame->data[plane] + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane) + x;
  }
  return window;
}

/* gst_video_blend() reads the fourth byte of RGBx as alpha; what lies there is anybody's. */
static void
set_padding_opaque (GstVideoFrame *window)
{
  const GstVideoFormat format = GST_VIDEO_FRAME_FORMAT (window);

  if (format != GST_VIDEO_FORMAT_RGBx && format != GST_VIDEO_FORMAT_BGRx)
    return;
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT (window); y++) {
    guint8 *row = (guint8 *) window->data[0] + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (window, 0);
    for (int x = 0; x < GST_VIDEO_FRAME_WIDTH (window); x++)
      row[4 * x + 3] = 255;
  }
}

/* The pixels of a small picture that is stretched over all of @frame; NULL: it is something else. */
static GstBuffer *
find_stretched (const GstVideoFrame *frame, GstVideoOverlayRectangle *rectangle)
{
  GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw (
      rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  const GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
  int x, y;
  guint width, height;

  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
  const gboolean is_stretched = meta->width < width || meta->height < height;
  return is_stretched && x == 0 && y == 0 && width == (guint) GST_VIDEO_FRAME_WIDTH (frame) &&
                 height == (guint) GST_VIDEO_FRAME_HEIGHT (frame)
             ? pixels
             : NULL;
}

static void
blend_rectangle (GstVideoFrame *frame, GstVideoOverlayRectangle *rectangle)
{
  int x, y;
  guint width, height;

  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
  int x0 = MAX (x, 0), y0 = MAX (y, 0);
  const int x1 = MIN (x + (int) width, GST_VIDEO_FRAME_WIDTH (frame));
  const int y1 = MIN (y + (int) height, GST_VIDEO_FRAME_HEIGHT (frame));
  if (x0 >= x1 || y0 >= y1)
    return;

  GstBuffer *stretched = find_stretched (frame, rectangle);
  if (stretched != NULL) {
    gst_cbam_stretch_blend (frame, stretched);
    return;
  }

  GstBuffer *pixels =
      gst_video_overlay_rectangle_get_pixels_raw (rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  GstVideoInfo info;
  gst_video_info_set_format (&info, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  info.flags |= GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA;
  GstVideoFrame source;
  if (!gst_video_frame_map (&source, &info, pixels, GST_MAP_READ))
    return;

  GstVideoFrame window = frame_window (frame, &x0, &y0, x1, y1);
  set_padding_opaque (&window);
  gst_video_blend (&window, &source, x - x0, y - y0, 1);
  gst_video_frame_unmap (&source);
}

static void
blend_rectangles (GstVideoFrame *frame, GstVideoOverlayComposition *composition)
{
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    blend_rectangle (frame, gst_video_overlay_composition_get_rectangle (composition, i));
}

/* Whether pixels stand on multiples of their size. GStreamer's vector code crashes where they do not. */
static gboolean
is_aligned (const GstVideoFrame *frame)
{
  const GstVideoFormat format = GST_VIDEO_FRAME_FORMAT (frame);
  const gboolean pairs = format == GST_VIDEO_FORMAT_YUY2 || format == GST_VIDEO_FORMAT_UYVY;

  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (frame); c++) {
    const int size = pairs ? 4 : GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c);
    const guint plane = GST_VIDEO_FRAME_COMP_PLANE (frame, c);
    const gsize address = GPOINTER_TO_SIZE (frame->data[plane]) | GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
    if (size != 3 && address % size != 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
blend_in_copy (GstVideoFrame *frame, GstVideoOverlayComposition *composition)
{
  GstVideoInfo info;
  gst_video_info_set_format (&info, GST_VIDEO_FRAME_FORMAT (frame), GST_VIDEO_FRAME_WIDTH (frame),
                             GST_VIDEO_FRAME_HEIGHT (frame));
  info.colorimetry = frame->info.colorimetry;
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  GstVideoFrame copy;
  if (buffer == NULL || !gst_video_frame_map (&copy, &info, buffer, GST_MAP_READWRITE))
    return FALSE;
  gst_video_frame_copy (&copy, frame);
  blend_rectangles (&copy, composition);
  gst_video_frame_copy (frame, &copy);
  gst_video_frame_unmap (&copy);
  return TRUE;
}

gboolean
gst_cbam_composition_blend (GstBuffer *buffer, const GstVideoInfo *info, GstVideoOverlayComposition *composition)
{
  GstVideoFrame frame;
  gboolean blended = TRUE;

  if (!gst_video_frame_map (&frame, info, buffer, GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return FALSE;
  if (is_aligned (&frame))
    blend_rectangles (&frame, composition);
  else
    blended = blend_in_copy (&frame, composition);
  gst_video_frame_unmap (&frame);
  return blended;
}
