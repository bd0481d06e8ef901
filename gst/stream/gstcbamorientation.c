/* Tags, and what elements upstream have done about them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamorientation.h"

/* The library has GStreamer's numbers. */
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_IDENTITY == GST_VIDEO_ORIENTATION_IDENTITY);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_90R == GST_VIDEO_ORIENTATION_90R);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_180 == GST_VIDEO_ORIENTATION_180);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_90L == GST_VIDEO_ORIENTATION_90L);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_HORIZ == GST_VIDEO_ORIENTATION_HORIZ);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_VERT == GST_VIDEO_ORIENTATION_VERT);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_UL_LR == GST_VIDEO_ORIENTATION_UL_LR);
G_STATIC_ASSERT ((int) CBAM_ORIENTATION_UR_LL == GST_VIDEO_ORIENTATION_UR_LL);

#define NOT_A_WORD GST_VIDEO_ORIENTATION_AUTO

void
gst_cbam_orientation_init (GstCbamOrientation *orientation)
{
  *orientation = (GstCbamOrientation){ NULL, NOT_A_WORD, NOT_A_WORD };
}

void
gst_cbam_orientation_reset (GstCbamOrientation *orientation)
{
  g_free (orientation->stream_id);
  gst_cbam_orientation_init (orientation);
}

/* ---- Events ---- */

static void
see_stream_start (GstCbamOrientation *orientation, GstEvent *event)
{
  const char *stream_id;

  gst_event_parse_stream_start (event, &stream_id);
  if (g_strcmp0 (stream_id, orientation->stream_id) == 0)
    return;
  gst_cbam_orientation_reset (orientation);
  orientation->stream_id = g_strdup (stream_id);
}

static void
see_tags (GstCbamOrientation *orientation, GstEvent *event)
{
  GstTagList *tags;
  GstVideoOrientationMethod method;

  gst_event_parse_tag (event, &tags);
  if (!gst_video_orientation_from_tag (tags, &method))
    method = NOT_A_WORD;
  if (gst_tag_list_get_scope (tags) == GST_TAG_SCOPE_STREAM)
    orientation->of_stream = method;
  else
    orientation->of_all = method;
}

void
gst_cbam_orientation_see (GstCbamOrientation *orientation, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START: see_stream_start (orientation, event); break;
    case GST_EVENT_TAG: see_tags (orientation, event); break;
    default: break;
  }
}

/* ---- Upstream ---- */

/* Whether the element that @pad belongs to turns frames. A pad of a bin's own belongs to another pad. */
static gboolean
turns (GstPad *pad)
{
  g_autoptr (GstObject) parent = gst_pad_get_parent (pad);
  GstVideoOrientationMethod method;

  if (parent == NULL || !g_type_is_a (G_OBJECT_TYPE (parent), GST_TYPE_VIDEO_DIRECTION))
    return FALSE;
  g_object_get (parent, "video-direction", &method, NULL);
  return method != GST_VIDEO_ORIENTATION_IDENTITY;
}

/* (transfer full) (nullable): where the frames come in that @src_pad gives out, if that is one pad. */
static GstPad *
get_way_in (GstPad *src_pad)
{
  GstIterator *links = gst_pad_iterate_internal_links (src_pad);
  GValue item = G_VALUE_INIT;
  GstPad *first = NULL;

  if (links == NULL)
    return NULL;
  if (gst_iterator_next (links, &item) == GST_ITERATOR_OK) {
    first = g_value_dup_object (&item);
    g_value_reset (&item);
    if (gst_iterator_next (links, &item) == GST_ITERATOR_OK)
      gst_clear_object (&first);
    g_value_unset (&item);
  }
  gst_iterator_free (links);
  return first;
}

/* Whether raw video comes through. A pad inside of a bin's wall has no caps of its own, and counts. */
static gboolean
is_raw (GstPad *pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

  return caps == NULL || gst_structure_has_name (gst_caps_get_structure (caps, 0), "video/x-raw");
}

/* Whether an element between the decoder and @sink_pad turns frames. */
static gboolean
are_turned_upstream (GstPad *sink_pad)
{
  g_autoptr (GstPad) at = gst_object_ref (sink_pad);

  while (at != NULL && is_raw (at)) {
    g_autoptr (GstPad) peer = gst_pad_get_peer (at);
    if (peer == NULL)
      return FALSE;
    if (turns (peer))
      return TRUE;
    gst_object_unref (at);
    at = get_way_in (peer);
  }
  return FALSE;
}

/* ---- The answer ---- */

CbamOrientation
gst_cbam_orientation_get (const GstCbamOrientation *orientation, GstVideoOrientationMethod direction, GstPad *sink_pad,
                          const char **why)
{
  const gboolean own = orientation->of_stream != NOT_A_WORD;
  const GstVideoOrientationMethod tag = own ? orientation->of_stream : orientation->of_all;

  if (direction != GST_VIDEO_ORIENTATION_AUTO) {
    *why = "video-direction says so";
    return (CbamOrientation) direction;
  }
  if (tag == NOT_A_WORD) {
    *why = "no tag says otherwise";
    return CBAM_ORIENTATION_IDENTITY;
  }
  if (tag != GST_VIDEO_ORIENTATION_IDENTITY && are_turned_upstream (sink_pad)) {
    *why = "an element upstream has turned them";
    return CBAM_ORIENTATION_IDENTITY;
  }
  *why = own ? "the stream's tag image-orientation says so" : "the global tag image-orientation says so";
  return (CbamOrientation) tag;
}

/* The interface that the values come from has one that says: what the element is set up for otherwise. Nothing is. */
gboolean
gst_cbam_orientation_is_custom (GstElement *element, const GValue *value)
{
  if (g_value_get_enum (value) != GST_VIDEO_ORIENTATION_CUSTOM)
    return FALSE;
  GST_ELEMENT_WARNING (element, RESOURCE, SETTINGS,
                       ("video-direction: custom means nothing here; expected auto, identity, 90r, 180, 90l, horiz, "
                        "vert, ul-lr or ur-ll."),
                       ("The property stays as it was."));
  return TRUE;
}

const char *
gst_cbam_orientation_to_string (CbamOrientation orientation)
{
  g_autoptr (GEnumClass) methods = g_type_class_ref (GST_TYPE_VIDEO_ORIENTATION_METHOD);

  return g_enum_get_value (methods, (int) orientation)->value_nick;
}
