/* Drawing: attached where downstream takes compositions, blended elsewhere, the same in every format.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include "../../gst/draw/gstcbamcomposition.h"

#define CAPS "video/x-raw,format=RGB,width=320,height=240,framerate=25/1"
#define WITH "video/x-raw(meta:GstVideoOverlayComposition),format=RGB,width=320,height=240,framerate=25/1"
#define WITH_MEMORY                                                                                                    \
  "video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition),format=RGB,"                                       \
  "width=320,height=240,framerate=25/1"
#define BOTH_WAYS "video/x-raw;video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition)"

static gboolean
has_feature (GstHarness *h)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);

  return gst_caps_features_contains (gst_caps_get_features (caps, 0), "meta:GstVideoOverlayComposition");
}

static guint
n_rectangles (GstBuffer *buffer)
{
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (buffer);

  return meta != NULL ? gst_video_overlay_composition_n_rectangles (meta->overlay) : 0;
}

static gboolean
is_untouched (GstBuffer *buffer, const char *caps, guint picture)
{
  g_autoptr (GstBuffer) same = picture_new (caps, picture, 0);
  GstMapInfo map;

  gst_buffer_map (same, &map, GST_MAP_READ);
  gboolean equal = gst_buffer_memcmp (buffer, 0, map.data, map.size) == 0;
  gst_buffer_unmap (same, &map);
  return equal;
}

static GstBuffer *
through (GstHarness *h, guint picture)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, picture, 0)), GST_FLOW_OK);
  return gst_harness_pull (h);
}

GST_START_TEST (nothing_is_drawn_unasked)
{
  GstHarness *h = harness_new (detect_new ("threshold=0"), NULL);

  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (h, CAPS);
  g_autoptr (GstBuffer) out = through (h, 0);
  fail_unless (is_untouched (out, CAPS, 0));
  fail_unless_equals_int (n_rectangles (out), 0);
  fail_if (has_feature (h));
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (attached_where_taken)
{
  const char *const sinks[] = { "ANY", BOTH_WAYS, "video/x-raw;video/x-raw(meta:GstVideoOverlayComposition)" };

  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++) {
    GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=3 overlay=boxes+labels"), NULL);
    gst_harness_add_propose_allocation_meta (h, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
    gst_harness_set_sink_caps_str (h, sinks[i]);
    gst_harness_set_src_caps_str (h, CAPS);
    g_autoptr (GstBuffer) out = through (h, 0);
    fail_unless (has_feature (h), "%s", sinks[i]);
    fail_unless (n_rectangles (out) > 0);
    fail_unless (is_untouched (out, CAPS, 0));
    harness_free (h);
  }
}
GST_END_TEST

/* Caps with the feature alone are not enough: downstream must list the metadata. */
GST_START_TEST (blended_where_not_taken)
{
  const char *const sinks[] = { "ANY", BOTH_WAYS, "video/x-raw" };

  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++) {
    GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=3 overlay=boxes"), NULL);
    gst_harness_set_sink_caps_str (h, sinks[i]);
    gst_harness_set_src_caps_str (h, CAPS);
    g_autoptr (GstBuffer) out = through (h, 0);
    fail_if (has_feature (h), "%s", sinks[i]);
    fail_unless_equals_int (n_rectangles (out), 0);
    fail_if (is_untouched (out, CAPS, 0));
    harness_free (h);
  }
}
GST_END_TEST

/* Frames that lie elsewhere than in system memory are never called anything else, whatever downstream would take. */
GST_START_TEST (caps_keep_their_memory)
{
  static const char *const memories[] = { "memory:VulkanImage", "memory:DMABuf" };
  static const struct
  {
    const char *sink; /* %s: the memory */
    gboolean attached;
  } cases[] = {
    { "video/x-raw(%s);video/x-raw(meta:GstVideoOverlayComposition)", FALSE },
    { "video/x-raw(meta:GstVideoOverlayComposition)", FALSE },
    { "video/x-raw(%s);video/x-raw(%s,meta:GstVideoOverlayComposition)", TRUE },
    { "video/x-raw(%s,meta:GstVideoOverlayComposition)", TRUE },
    { "ANY", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases) * G_N_ELEMENTS (memories); i++) {
    const char *memory = memories[i % G_N_ELEMENTS (memories)];
    g_auto (GStrv) parts = g_strsplit (cases[i / G_N_ELEMENTS (memories)].sink, "%s", -1);
    g_autofree char *sink = g_strjoinv (memory, parts);
    g_autofree char *in = g_strdup_printf ("video/x-raw(%s),format=NV12,width=64,height=48,framerate=25/1", memory);
    g_autoptr (GstCaps) in_caps = gst_caps_from_string (in);
    GstHarness *h = gst_harness_new ("identity");
    g_autoptr (GstPad) src_pad = gst_element_get_static_pad (h->element, "src");

    gst_harness_add_propose_allocation_meta (h, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
    gst_harness_set_sink_caps_str (h, sink);
    gst_harness_play (h);
    gst_pad_push_event (src_pad, gst_event_new_stream_start ("test"));
    const gboolean attached = gst_cbam_composition_negotiate (src_pad, in_caps, TRUE);
    g_autoptr (GstCaps) out = gst_pad_get_current_caps (src_pad);
    fail_unless_equals_int (attached, cases[i / G_N_ELEMENTS (memories)].attached);
    fail_unless (out == NULL || gst_caps_features_contains (gst_caps_get_features (out, 0), memory), "%s", sink);
    gst_harness_teardown (h);
  }
}
GST_END_TEST

/* ---- What cannot be understood ---- */

typedef struct
{
  guint n;           /* warnings */
  char category[32]; /* where the last one was */
} Log;

static void
note_warning (GstDebugCategory *category, GstDebugLevel level, G_GNUC_UNUSED const char *file,
              G_GNUC_UNUSED const char *function, G_GNUC_UNUSED int line, G_GNUC_UNUSED GObject *object,
              G_GNUC_UNUSED GstDebugMessage *message, gpointer data)
{
  Log *log = data;

  if (level != GST_LEVEL_WARNING)
    return;
  log->n++;
  g_strlcpy (log->category, gst_debug_category_get_name (category), sizeof log->category);
}

/* Two frames; @words: what the one warning that this costs says, on the bus and in the element's own log, or NULL. */
static void
check_words (GstHarness *h, Log *log, const char *words)
{
  const char *element = GST_OBJECT_NAME (gst_element_get_factory (h->element));
  g_autoptr (GError) error = NULL;

  log->n = 0;
  for (guint i = 0; i < 2; i++)
    gst_buffer_unref (through (h, 0));
  g_autoptr (GstMessage) message = pop_message (h->element, GST_MESSAGE_WARNING);
  fail_unless_equals_int (log->n, words != NULL);
  fail_unless_equals_int (message != NULL, words != NULL);
  fail_unless (pop_message (h->element, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR) == NULL);
  if (words == NULL)
    return;
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
  fail_unless (strstr (error->message, words) != NULL, "no %s in %s", words, error->message);
  fail_unless_equals_string (log->category, element);
}

GST_START_TEST (what_is_not_understood_is_said)
{
  static const struct
  {
    const char *property, *value, *words;
  } cases[] = {
    { "colors", "nonsense",
      "colors: expected \"white\", \"#ff0000\", \"person=lime\" or the like, found \"nonsense\"," },
    { "colors", "white, dog=bluish,cat=red,#ff", "found \"dog=bluish\", \"#ff\"," },
    { "colors", "dog=", "found \"dog=\"," },
    { "colors", "white", NULL },
    { "colors", "person=#ff0000, car=lime,,", NULL },
    { "colors", NULL, NULL },
    { "font-desc", "Sanz Gibberish Bold 12", "font-desc: expected a font that is installed, found \"Sanz Gibberish\"" },
    { "font-desc", "Sanz Gibberish,Serif 12", NULL },
    { "font-desc", "dejavu sans 9", NULL },
    { "font-desc", "Bold", NULL },
    { "font-desc", NULL, NULL },
  };
  static const char *const elements[] = { "cbamdetect", "cbamoverlay" };

  for (guint e = 0; e < G_N_ELEMENTS (elements); e++) {
    GstElement *element = gst_element_factory_make (elements[e], NULL);
    g_autoptr (GstBus) bus = gst_bus_new ();
    Log log = { 0 };
    gst_element_set_bus (element, bus);
    if (e == 0)
      g_object_set (element, "model", model_path (), "threshold", 0.0, "max-detections", 1, NULL);
    gst_util_set_object_arg (G_OBJECT (element), "overlay", "boxes+labels");
    g_object_set (element, cases[0].property, cases[0].value, NULL); /* before there is anybody to be told */
    GstHarness *h = harness_new (element, CAPS);
    gst_debug_set_threshold_for_name (elements[e], GST_LEVEL_WARNING);
    gst_debug_add_log_function (note_warning, &log, NULL);
    check_words (h, &log, cases[0].words);
    for (guint i = 1; i < G_N_ELEMENTS (cases); i++) {
      g_object_set (h->element, cases[i].property, cases[i].value, NULL);
      check_words (h, &log, cases[i].words);
    }
    gst_debug_remove_log_function (note_warning);
    harness_free (h);
  }
}
GST_END_TEST

static GstBuffer *
solid_new (guint width, guint height, guint32 pixel)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, width * height * 4, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (guint i = 0; i < width * height; i++)
    ((guint32 *) map.data)[i] = pixel;
  gst_buffer_unmap (buffer, &map);
  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width,
                             height);
  return buffer;
}

static GstVideoOverlayComposition *
composition_new (int x, int y, guint width, guint height, guint32 pixel)
{
  g_autoptr (GstBuffer) pixels = solid_new (width, height, pixel);
  g_autoptr (GstVideoOverlayRectangle) rectangle = gst_video_overlay_rectangle_new_raw (
      pixels, x, y, width, height, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);

  return gst_video_overlay_composition_new (rectangle);
}

/* Whoever draws already goes on, with ours on top, in one composition. */
GST_START_TEST (added_to_what_is_there)
{
  const char *const ins[] = { WITH, WITH_MEMORY };

  for (guint i = 0; i < G_N_ELEMENTS (ins); i++) {
    GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=3 overlay=labels"), ins[i]);
    g_autoptr (GstVideoOverlayComposition) theirs = composition_new (1, 2, 8, 8, 0xff00ff00);
    GstBuffer *in = picture_new (CAPS, 0, 0);
    gst_buffer_add_video_overlay_composition_meta (in, theirs);
    fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autoptr (GArray) found = found_in (out);
    fail_unless (has_feature (h));
    fail_unless_equals_int (n_rectangles (out), 1 + found->len);
    fail_unless_equals_int (gst_video_overlay_composition_n_rectangles (theirs), 1);
    fail_unless (is_untouched (out, CAPS, 0));
    harness_free (h);
  }
}
GST_END_TEST

GST_START_TEST (renegotiated_when_things_change)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=3"), NULL);

  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_sink_caps_str (h, "video/x-raw");
  gst_harness_set_src_caps_str (h, CAPS);
  g_autoptr (GstBuffer) plain = through (h, 0);
  fail_unless (is_untouched (plain, CAPS, 0));

  gst_util_set_object_arg (G_OBJECT (h->element), "overlay", "boxes");
  g_autoptr (GstBuffer) blended = through (h, 0);
  fail_if (is_untouched (blended, CAPS, 0) || has_feature (h));

  gst_harness_set_sink_caps_str (h, "ANY"); /* sends RECONFIGURE */
  g_autoptr (GstBuffer) attached = through (h, 0);
  fail_unless (is_untouched (attached, CAPS, 0) && has_feature (h) && n_rectangles (attached) > 0);

  gst_util_set_object_arg (G_OBJECT (h->element), "overlay", "none");
  g_autoptr (GstBuffer) bare = through (h, 0);
  fail_unless (is_untouched (bare, CAPS, 0) && !has_feature (h) && n_rectangles (bare) == 0);
  harness_free (h);
}
GST_END_TEST

/* A frame that others hold too is copied before it is drawn on. */
GST_START_TEST (shared_frames_are_not_drawn_on)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 overlay=boxes"), CAPS);
  g_autoptr (GstBuffer) mine = picture_new (CAPS, 0, 0);

  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (mine)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  fail_unless (is_untouched (mine, CAPS, 0));
  fail_if (is_untouched (out, CAPS, 0));
  fail_unless (gst_buffer_get_video_region_of_interest_meta_id (mine, 0) == NULL);
  harness_free (h);
}
GST_END_TEST

/* ---- Blending itself ---- */

static const char *const formats[] = { "NV12", "I420", "YUY2", "UYVY", "RGB",  "BGR",
                                       "RGBA", "BGRA", "RGBx", "BGRx", "GRAY8" };

static void
read_pixel (const GstVideoFrame *frame, int x, int y, int *luma)
{
  guint8 line[4 * 64];
  const GstVideoFormatInfo *format = frame->info.finfo;

  fail_unless (GST_VIDEO_FRAME_WIDTH (frame) <= 60);
  format->unpack_func (format, GST_VIDEO_PACK_FLAG_NONE, line, (gpointer *) frame->data, frame->info.stride, 0, y,
                       GST_VIDEO_FRAME_WIDTH (frame));
  /* ARGB or AYUV: one number that tells white from black. */
  *luma = GST_VIDEO_FORMAT_INFO_IS_RGB (format) ? line[4 * x + 2] : line[4 * x + 1];
}

/* White over black at any place and size, partly outside too: exactly the pixels of the rectangle turn white, whatever
 * lies in the fourth byte of RGBx, and nothing beside the frame's rows is written. */
GST_START_TEST (blends_exactly_the_rectangle)
{
  const struct
  {
    int x, y;
    guint width, height;
  } areas[] = { { 0, 0, 1, 1 },   { 3, 2, 5, 4 },   { 4, 3, 2, 7 },   { -2, -3, 6, 6 },
                { 29, 17, 9, 9 }, { 0, 0, 37, 23 }, { 36, 22, 1, 1 }, { 40, 1, 3, 3 } };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    g_autofree char *text = g_strdup_printf ("video/x-raw,format=%s,width=37,height=23,framerate=25/1", formats[f]);
    g_autoptr (GstCaps) caps = gst_caps_from_string (text);
    GstVideoInfo info;
    gst_video_info_from_caps (&info, caps);
    for (guint a = 0; a < G_N_ELEMENTS (areas); a++) {
      g_autoptr (GstBuffer) plain = picture_new (text, 0, 0);
      GstVideoFrame frame;
      fail_unless (gst_video_frame_map (&frame, &info, plain, GST_MAP_WRITE));
      guint8 black[4 * 64] = { 0 };
      for (int i = 0; i < 64; i++) {
        const gboolean rgb = GST_VIDEO_INFO_IS_RGB (&info);
        black[4 * i] = g_str_has_suffix (formats[f], "x") ? 0 : 255;
        black[4 * i + 1] = rgb ? 0 : 16;
        black[4 * i + 2] = black[4 * i + 3] = rgb ? 0 : 128;
      }
      for (int y = 0; y < 23; y++)
        info.finfo->pack_func (info.finfo, GST_VIDEO_PACK_FLAG_NONE, black, 0, frame.data, frame.info.stride,
                               info.chroma_site, y, 37);
      gst_video_frame_unmap (&frame);

      g_autoptr (GstBuffer) buffer = picture_pad (plain, text, 13);
      g_autoptr (GstVideoOverlayComposition) white =
          composition_new (areas[a].x, areas[a].y, areas[a].width, areas[a].height, 0xffffffff);
      fail_unless (gst_cbam_composition_blend (buffer, &info, white));

      fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
      for (int y = 0; y < 23; y++)
        for (int x = 0; x < 37; x++) {
          const gboolean inside = x >= areas[a].x && x < areas[a].x + (int) areas[a].width && y >= areas[a].y &&
                                  y < areas[a].y + (int) areas[a].height;
          int luma;
          read_pixel (&frame, x, y, &luma);
          fail_unless (inside ? luma > 230 : luma <= 16, "%s, area %u: %d at %d,%d", formats[f], a, luma, x, y);
        }
      for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&frame); p++) {
        const guint8 *data = frame.data[p];
        fail_unless_equals_int (data[-1], 0xa5);
        fail_unless_equals_int (data[frame.info.stride[p] - 1], 0xa5);
      }
      gst_video_frame_unmap (&frame);
    }
  }
}
GST_END_TEST

/* Half-transparent red on gray looks the same in all formats that have colour. */
GST_START_TEST (blends_colours)
{
  for (guint f = 0; f + 1 < G_N_ELEMENTS (formats); f++) {
    g_autofree char *text = g_strdup_printf ("video/x-raw,format=%s,width=37,height=23,framerate=25/1,"
                                             "colorimetry=%s",
                                             formats[f], f < 4 ? "bt709" : "sRGB");
    g_autoptr (GstCaps) caps = gst_caps_from_string (text);
    GstVideoInfo info, rgb_info;
    gst_video_info_from_caps (&info, caps);
    g_autoptr (GstBuffer) buffer = picture_new (text, 9, 0);
    if (g_str_has_suffix (formats[f], "x"))
      for (gsize i = 3; i < gst_buffer_get_size (buffer); i += 4)
        gst_buffer_memset (buffer, i, 0, 1); /* nobody says what this byte holds */
    g_autoptr (GstBuffer) before = gst_buffer_copy_deep (buffer);
    g_autoptr (GstVideoOverlayComposition) red = composition_new (4, 4, 20, 12, 0x80800000);
    fail_unless (gst_cbam_composition_blend (buffer, &info, red));

    gst_video_info_set_format (&rgb_info, GST_VIDEO_FORMAT_RGB, 37, 23);
    rgb_info.fps_n = 25;
    guint8 pixels[2][3];
    GstBuffer *both[] = { before, buffer };
    for (guint i = 0; i < 2; i++) {
      g_autoptr (GstBuffer) rgb = gst_buffer_new_allocate (NULL, rgb_info.size, NULL);
      GstVideoFrame from, to;
      fail_unless (gst_video_frame_map (&from, &info, both[i], GST_MAP_READ));
      fail_unless (gst_video_frame_map (&to, &rgb_info, rgb, GST_MAP_WRITE));
      GstVideoConverter *converter = gst_video_converter_new (&info, &rgb_info, NULL);
      gst_video_converter_frame (converter, &from, &to);
      gst_video_converter_free (converter);
      memcpy (pixels[i], (guint8 *) to.data[0] + 9 * to.info.stride[0] + 3 * 13, 3);
      gst_video_frame_unmap (&to);
      gst_video_frame_unmap (&from);
    }
    /* Y'CbCr in 8 bits: a few levels off after going there and back. */
    for (guint c = 0; c < 3; c++)
      fail_unless (ABS (pixels[1][c] - (pixels[0][c] * 127 / 255 + (c == 0 ? 128 : 0))) <= 6, "%s: %d -> %d",
                   formats[f], pixels[0][c], pixels[1][c]);
  }
}
GST_END_TEST

/* A small picture stretched over the frame looks as one of the frame's size does, in every format; where it is clear,
 * nothing changes; and nothing beside the frame's rows is written. */
GST_START_TEST (blends_stretched)
{
  static const guint32 colours[] = { 0x80800000, 0xff00ff00, 0x40102030, 0 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint i = 0; i < G_N_ELEMENTS (colours); i++) {
      /* GStreamer blends Y'CbCr and gray as if they were BT.709's of limited range, whatever the caps say. */
      g_autofree char *text = g_strdup_printf ("video/x-raw,format=%s,width=37,height=23,framerate=25/1%s", formats[f],
                                               f < 4 ? ",colorimetry=bt709" : "");
      g_autoptr (GstCaps) caps = gst_caps_from_string (text);
      GstVideoInfo info;
      gst_video_info_from_caps (&info, caps);
      g_autoptr (GstBuffer) plain = picture_new (text, 9, 0);
      g_autoptr (GstBuffer) large = picture_pad (plain, text, 13), small = picture_pad (plain, text, 13);
      g_autoptr (GstVideoOverlayComposition) whole = composition_new (0, 0, 37, 23, colours[i]);
      g_autoptr (GstBuffer) pixels = solid_new (3, 2, colours[i]);
      g_autoptr (GstVideoOverlayRectangle) rectangle =
          gst_video_overlay_rectangle_new_raw (pixels, 0, 0, 37, 23, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
      g_autoptr (GstVideoOverlayComposition) stretched = gst_video_overlay_composition_new (rectangle);
      fail_unless (gst_cbam_composition_blend (large, &info, whole));
      fail_unless (gst_cbam_composition_blend (small, &info, stretched));

      GstVideoFrame a, b;
      fail_unless (gst_video_frame_map (&a, &info, large, GST_MAP_READ));
      fail_unless (gst_video_frame_map (&b, &info, small, GST_MAP_READ));
      for (guint c = 0; c < MIN (GST_VIDEO_FRAME_N_COMPONENTS (&a), 3); c++)
        for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&a, c); y++)
          for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (&a, c); x++) {
            const int at = y * GST_VIDEO_FRAME_COMP_STRIDE (&a, c) + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&a, c);
            const int one = GST_VIDEO_FRAME_COMP_DATA (&a, c)[at], other = GST_VIDEO_FRAME_COMP_DATA (&b, c)[at];
            /* GStreamer rounds colours to 8 bits before and after it blends. */
            const gboolean gray = GST_VIDEO_INFO_IS_GRAY (&info) && colours[i] != 0;
            fail_unless (gray ? colours[i] != 0xff00ff00 || other == 150 : ABS (one - other) <= (colours[i] ? 4 : 0),
                         "%s, %08x: component %u at %d,%d is %d, not %d", formats[f], colours[i], c, x, y, other, one);
          }
      for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&b); p++) {
        const guint8 *data = b.data[p];
        fail_unless_equals_int (data[-1], 0xa5);
        fail_unless_equals_int (data[b.info.stride[p] - 1], 0xa5);
      }
      gst_video_frame_unmap (&a);
      gst_video_frame_unmap (&b);
    }
}
GST_END_TEST

/* Black on the left and white on the right: an even ramp between the centres of the two. */
GST_START_TEST (stretches_smoothly)
{
  static const char text[] = "video/x-raw,format=GRAY8,width=60,height=8,framerate=25/1";
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);
  GstVideoInfo info;
  gst_video_info_from_caps (&info, caps);
  g_autoptr (GstBuffer) buffer = picture_new (text, 0, 0), pixels = solid_new (2, 1, 0xff000000);
  gst_buffer_fill (pixels, 4, &(guint32){ 0xffffffff }, 4);
  g_autoptr (GstVideoOverlayRectangle) rectangle =
      gst_video_overlay_rectangle_new_raw (pixels, 0, 0, 60, 8, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  g_autoptr (GstVideoOverlayComposition) ramp = gst_video_overlay_composition_new (rectangle);

  fail_unless (gst_cbam_composition_blend (buffer, &info, ramp));
  GstVideoFrame frame;
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
  for (int x = 0; x < 60; x++) {
    const double expected = 255 * CLAMP ((x + 0.5) / 30 - 0.5, 0, 1);
    for (int y = 0; y < 8; y++) {
      const int found = ((guint8 *) frame.data[0])[y * frame.info.stride[0] + x];
      fail_unless (ABS (found - expected) <= 2, "%d,%d: expected %.0f, found %d", x, y, expected, found);
    }
  }
  gst_video_frame_unmap (&frame);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("overlay");
  tcase_add_test (tests, nothing_is_drawn_unasked);
  tcase_add_test (tests, attached_where_taken);
  tcase_add_test (tests, blended_where_not_taken);
  tcase_add_test (tests, caps_keep_their_memory);
  tcase_add_test (tests, what_is_not_understood_is_said);
  tcase_add_test (tests, added_to_what_is_there);
  tcase_add_test (tests, renegotiated_when_things_change);
  tcase_add_test (tests, shared_frames_are_not_drawn_on);
  tcase_add_test (tests, blends_exactly_the_rectangle);
  tcase_add_test (tests, blends_colours);
  tcase_add_test (tests, blends_stretched);
  tcase_add_test (tests, stretches_smoothly);
  return run_suite (tests);
}
