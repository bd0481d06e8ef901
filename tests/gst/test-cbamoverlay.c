/* The element `cbamoverlay`: it draws what metadata says, where it says it, the same as `cbamdetect`.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#include <math.h>
#include <palette.h>

#define CAPS "video/x-raw,format=RGB,width=320,height=240,framerate=25/1"

static const char *const formats[] = { "NV12", "I420", "YUY2", "UYVY", "RGB",  "BGR",
                                       "RGBA", "BGRA", "RGBx", "BGRx", "GRAY8" };

/* The element with those `properties:values`, where ~ stands for a blank. */
static GstElement *
overlay_new (const char *properties)
{
  GstElement *element = gst_element_factory_make ("cbamoverlay", NULL);
  g_auto (GStrv) pairs = g_strsplit (properties, " ", -1);

  fail_unless (element != NULL, "no element cbamoverlay");
  for (guint i = 0; pairs[i] != NULL && *pairs[i]; i++) {
    g_auto (GStrv) pair = g_strsplit (pairs[i], ":", 2);
    g_strdelimit (pair[1], "~", ' ');
    gst_util_set_object_arg (G_OBJECT (element), pair[0], pair[1]);
  }
  return element;
}

/* What comes of @buffer; takes it. */
static GstBuffer *
drawn (const char *properties, const char *caps, GstBuffer *buffer)
{
  GstHarness *h = harness_new (overlay_new (properties), caps);

  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  gst_harness_teardown (h);
  return out;
}

/* The drawing of @buffer, for a downstream that takes it as metadata; NULL where there is none. */
static GstVideoOverlayComposition *
drawing_of (const char *properties, const char *caps, GstBuffer *buffer)
{
  GstHarness *h = harness_new (overlay_new (properties), NULL);
  g_autoptr (GstBuffer) before = gst_buffer_copy_deep (buffer);

  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (h, caps);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (out);
  GstMapInfo map;
  gst_buffer_map (before, &map, GST_MAP_READ);
  fail_unless (gst_buffer_memcmp (out, 0, map.data, map.size) == 0, "pixels were touched");
  gst_buffer_unmap (before, &map);
  GstVideoOverlayComposition *composition = meta != NULL ? gst_video_overlay_composition_ref (meta->overlay) : NULL;
  gst_harness_teardown (h);
  return composition;
}

/* A box is its outline: pixels change along all of its edges and nowhere else, in every format and at odd sizes. */
GST_START_TEST (boxes_are_outlines)
{
  const int left = 40, top = 30, right = 201, bottom = 151;

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    g_autofree char *caps = g_strdup_printf ("video/x-raw,format=%s,width=321,height=241,framerate=25/1", formats[f]);
    g_autoptr (GstBuffer) before = gray_new (caps);
    GstBuffer *buffer = gst_buffer_copy_deep (before);
    region_add (buffer, caps, "cat", 1, 0.9, left, top, right, bottom);
    g_autoptr (GstBuffer) after = drawn ("overlay:boxes", caps, buffer);
    g_autofree guint8 *changes = frame_changes (before, after, caps);
    for (int y = 0; y < 241; y++)
      for (int x = 0; x < 321; x++) {
        /* Lines are two pixels wide with rims of one, on even places, and chroma reaches one further. */
        const gboolean near_x = ABS (x - left) <= 5 || ABS (x - right) <= 5, within_x = x >= left && x < right;
        const gboolean near_y = ABS (y - top) <= 5 || ABS (y - bottom) <= 5, within_y = y >= top && y < bottom;
        const gboolean near = (near_x && (within_y || near_y)) || (near_y && (within_x || near_x));
        fail_unless (near || changes[y * 321 + x] == 0, "%s: %d,%d changed", formats[f], x, y);
      }
    for (int y = top; y < bottom; y++) {
      guint8 most_left = 0, most_right = 0;
      for (int i = -4; i <= 4; i++) {
        most_left = MAX (most_left, changes[y * 321 + left + i]);
        most_right = MAX (most_right, changes[y * 321 + right + i]);
      }
      fail_unless (most_left > 20 && most_right > 20, "%s: row %d has no line", formats[f], y);
    }
    for (int x = left; x < right; x++) {
      guint8 most_top = 0, most_bottom = 0;
      for (int i = -4; i <= 4; i++) {
        most_top = MAX (most_top, changes[(top + i) * 321 + x]);
        most_bottom = MAX (most_bottom, changes[(bottom + i) * 321 + x]);
      }
      fail_unless (most_top > 20 && most_bottom > 20, "%s: column %d has no line", formats[f], x);
    }
  }
}
GST_END_TEST

/* However many boxes coincide, each label can be read, beside its box or close to it. */
GST_START_TEST (labels_do_not_cover_each_other)
{
  for (guint n = 1; n <= 12; n++) {
    GstBuffer *buffer = gray_new (CAPS);
    for (guint i = 0; i < n; i++)
      region_add (buffer, CAPS, "animal", i, 0.9 - 0.01 * i, 100, 80, 180, 160);
    g_autoptr (GstVideoOverlayComposition) drawing = drawing_of ("overlay:labels", CAPS, buffer);
    fail_unless_equals_int (gst_video_overlay_composition_n_rectangles (drawing), n);
    struct
    {
      int x, y;
      guint w, h;
    } r[12];
    for (guint i = 0; i < n; i++) {
      gst_video_overlay_rectangle_get_render_rectangle (gst_video_overlay_composition_get_rectangle (drawing, i),
                                                        &r[i].x, &r[i].y, &r[i].w, &r[i].h);
      fail_unless (r[i].x >= 0 && r[i].y >= 0 && r[i].x + r[i].w <= 320 && r[i].y + r[i].h <= 240);
      fail_unless (r[i].h >= 10 && r[i].w >= 30, "label %u is %ux%u", i, r[i].w, r[i].h);
      for (guint j = 0; j < i; j++)
        fail_if (r[i].x < r[j].x + (int) r[j].w && r[j].x < r[i].x + (int) r[i].w && r[i].y < r[j].y + (int) r[j].h &&
                     r[j].y < r[i].y + (int) r[i].h,
                 "%u labels: %u and %u overlap", n, i, j);
    }
  }
}
GST_END_TEST

/* Frames and boxes of any size, in the frame and out of it: drawn inside the frame, and nothing breaks. */
GST_START_TEST (any_size)
{
  static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 16, 16 }, { 7, 300 }, { 2000, 9 }, { 1920, 1080 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint f = 0; f < 2; f++) {
      const int width = sizes[s][0], height = sizes[s][1];
      g_autofree char *caps = g_strdup_printf ("video/x-raw,format=%s,width=%d,height=%d,framerate=25/1",
                                               f == 0 ? "NV12" : "RGB", width, height);
      GstBuffer *buffer = gray_new (caps);
      region_add (buffer, caps, "all", 1, 0.9, 0, 0, width, height);
      region_add (buffer, caps, "point", 2, 0.8, width / 2, height / 2, width / 2 + 1, height / 2 + 1);
      gst_buffer_add_video_region_of_interest_meta (buffer, "outside", width + 10, height + 10, 5, 5);
      gst_buffer_add_video_region_of_interest_meta (buffer, "huge", 0, 0, G_MAXINT, G_MAXINT);
      map_add (buffer, caps, "level-0", 2, 2, (const float[]){ 0, 1, 0.5, NAN });
      g_autoptr (GstBuffer) before = gst_buffer_copy_deep (buffer);
      g_autoptr (GstBuffer) after = drawn ("overlay:boxes+labels+attention", caps, buffer);
      g_autofree guint8 *changes = frame_changes (before, after, caps);
      guint n = 0;
      for (int i = 0; i < width * height; i++)
        n += changes[i] > 0;
      fail_unless (n > 0, "%s", caps);
      if (width == 1920)
        fail_unless (changes[0] > 20);
    }
}
GST_END_TEST

/* Heat is where the map is high, and the video stays as it is where the map is low. */
GST_START_TEST (heat_follows_the_map)
{
  static const float top_left[] = { 1, 0.2F, 0.2F, 0.2F }, bottom_right[] = { 0.1F, 0.1F, 0.1F, 0.3F };
  static const struct
  {
    const char *view;
    gboolean first, second; /* hot there */
  } cases[] = { { "level-0", TRUE, FALSE },
                { "level-1", FALSE, TRUE },
                { "level-2", FALSE, FALSE },
                { "max", TRUE, TRUE },
                { "mean", TRUE, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *properties = g_strdup_printf ("overlay:attention attention-view:%s", cases[i].view);
    g_autoptr (GstBuffer) before = gray_new (CAPS);
    GstBuffer *buffer = gst_buffer_copy_deep (before);
    map_add (buffer, CAPS, "level-0", 2, 2, top_left);
    map_add (buffer, CAPS, "level-1", 2, 2, bottom_right);
    g_autoptr (GstBuffer) after = drawn (properties, CAPS, buffer);
    g_autofree guint8 *changes = frame_changes (before, after, CAPS);
    const int first = changes[20 * 320 + 20], second = changes[220 * 320 + 300], neither = changes[20 * 320 + 310];
    fail_unless (cases[i].first ? first > 15 : first <= 1, "%s: %d", cases[i].view, first);
    fail_unless (cases[i].second ? second > 15 : second <= 1, "%s: %d", cases[i].view, second);
    fail_unless (neither <= 1, "%s: %d", cases[i].view, neither);
  }
}
GST_END_TEST

GST_START_TEST (heat_in_every_format)
{
  static const float values[] = { 0.4F, 0.2F, 0.2F, 0.2F, 0.2F, 0.6F };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    g_autofree char *caps = g_strdup_printf ("video/x-raw,format=%s,width=321,height=241,framerate=25/1", formats[f]);
    g_autoptr (GstBuffer) before = gray_new (caps);
    GstBuffer *buffer = gst_buffer_copy_deep (before);
    map_add (buffer, caps, "level-0", 3, 2, values);
    g_autoptr (GstBuffer) after = drawn ("overlay:attention", caps, buffer);
    g_autofree guint8 *changes = frame_changes (before, after, caps);
    const int cold = changes[220 * 321 + 20], warm = changes[10 * 321 + 10], hot = changes[230 * 321 + 310];
    fail_unless (cold <= 1 && warm > 10 && hot > 40 && hot > warm, "%s: %d %d %d", formats[f], cold, warm, hot);
  }
}
GST_END_TEST

GST_START_TEST (heat_opacity_and_grad_cam)
{
  static const float flat[] = { 0.5F, 0.5F }, hot[] = { 0, 1 };
  int change[3];

  for (guint i = 0; i < 3; i++) {
    g_autofree char *properties = g_strdup_printf ("overlay:grad-cam heat-opacity:%g", 0.5 * i);
    g_autoptr (GstBuffer) before = gray_new (CAPS);
    GstBuffer *buffer = gst_buffer_copy_deep (before);
    map_add (buffer, CAPS, "level-0", 2, 1, flat);
    map_add (buffer, CAPS, "grad-cam", 2, 1, hot);
    g_autoptr (GstBuffer) after = drawn (properties, CAPS, buffer);
    g_autofree guint8 *changes = frame_changes (before, after, CAPS);
    change[i] = changes[120 * 320 + 310];
    fail_unless (changes[120 * 320 + 10] <= 1);
  }
  fail_unless (change[0] == 0 && change[1] > 30 && change[2] > change[1] + 20);

  /* A map that is the same everywhere says nothing. */
  GstBuffer *buffer = gray_new (CAPS);
  map_add (buffer, CAPS, "level-0", 2, 1, flat);
  fail_unless (drawing_of ("overlay:attention", CAPS, buffer) == NULL);
}
GST_END_TEST

/* Colours, widths and texts are what the properties say. */
GST_START_TEST (properties_choose_the_looks)
{
  static const struct
  {
    const char *colours, *label;
    guint32 colour;
  } cases[] = { { "red", "cat", 0xff0000 },
                { "cat=#00ff00,red", "cat", 0x00ff00 },
                { "cat=#00ff00,red", "dog", 0xff0000 },
                { "cat=nonsense, dog = blue", "dog", 0x0000ff } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstElement *element = overlay_new ("overlay:boxes line-width:8");
    g_object_set (element, "colors", cases[i].colours, NULL);
    GstHarness *h = harness_new (element, CAPS);
    GstBuffer *buffer = gray_new (CAPS);
    region_add (buffer, CAPS, cases[i].label, 3, 0.9, 100, 80, 200, 180);
    gst_harness_push (h, buffer);
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    for (int x = 97; x < 103; x++)
      fail_unless_equals_int (pixel_at (out, CAPS, x, 130), cases[i].colour);
    fail_unless_equals_int (pixel_at (out, CAPS, 110, 130), 0x808080);
    gst_harness_teardown (h);
  }

  /* Less text, smaller label; a larger font, larger label; no text, no label. */
  static const char *const looks[] = { "", "label-text:name", "font-desc:Sans~30", "label-text:id" };
  guint width[4] = { 0 }, height[4] = { 0 };
  for (guint i = 0; i < 4; i++) {
    g_autofree char *properties = g_strconcat ("overlay:labels ", looks[i], NULL);
    GstBuffer *buffer = gray_new (CAPS);
    region_add (buffer, CAPS, "cat", 1, 0.9, 100, 80, 200, 180);
    g_autoptr (GstVideoOverlayComposition) drawing = drawing_of (properties, CAPS, buffer);
    int x, y;
    if (drawing != NULL)
      gst_video_overlay_rectangle_get_render_rectangle (gst_video_overlay_composition_get_rectangle (drawing, 0), &x,
                                                        &y, &width[i], &height[i]);
  }
  fail_unless (width[1] > 0 && width[1] < width[0] && height[1] == height[0]);
  fail_unless (height[2] > 2 * height[0]);
  fail_unless_equals_int (width[3], 0);
}
GST_END_TEST

/* A region without `detection` is drawn where it is; one that somebody has moved, where it is now; and a tracker's
 * number is on the label. */
GST_START_TEST (regions_of_others)
{
  g_autoptr (GstBuffer) before = gray_new (CAPS);
  GstBuffer *buffer = gst_buffer_copy_deep (before);
  GstVideoRegionOfInterestMeta *moved = region_add (buffer, CAPS, "cat", 1, 0.9, 20, 20, 60, 60);
  moved->x = 200;
  gst_buffer_add_video_region_of_interest_meta (buffer, "theirs", 20, 120, 60, 60);
  g_autoptr (GstBuffer) after = drawn ("overlay:boxes", CAPS, buffer);
  g_autofree guint8 *changes = frame_changes (before, after, CAPS);
  fail_unless (changes[40 * 320 + 20] == 0 && changes[40 * 320 + 200] > 20 && changes[40 * 320 + 240] > 20);
  fail_unless (changes[150 * 320 + 20] > 20 && changes[150 * 320 + 80] > 20);

  guint width[2], height;
  for (guint i = 0; i < 2; i++) {
    buffer = gray_new (CAPS);
    GstVideoRegionOfInterestMeta *region = region_add (buffer, CAPS, "cat", 1, 0.9, 20, 20, 60, 60);
    if (i == 1)
      gst_video_region_of_interest_meta_add_param (region, gst_structure_new ("object_id", "id", G_TYPE_INT, 17, NULL));
    g_autoptr (GstVideoOverlayComposition) drawing = drawing_of ("overlay:labels", CAPS, buffer);
    int x, y;
    gst_video_overlay_rectangle_get_render_rectangle (gst_video_overlay_composition_get_rectangle (drawing, 0), &x, &y,
                                                      &width[i], &height);
  }
  fail_unless (width[1] > width[0]);
}
GST_END_TEST

/* Names that are no UTF-8, scores that are no numbers, and regions that begin left of the frame are drawn as far as
 * they can be. */
GST_START_TEST (odd_regions_of_others)
{
  static const double scores[] = { INFINITY, -INFINITY, NAN, 1e300 };

  for (guint i = 0; i < G_N_ELEMENTS (scores); i++) {
    g_autoptr (GstBuffer) before = gray_new (CAPS);
    GstBuffer *buffer = gst_buffer_copy_deep (before);
    GstVideoRegionOfInterestMeta *region = region_add (buffer, CAPS, "K\xe4se", 1, scores[i], 0, 40, 60, 100);
    region->x = (guint) -20;
    region = region_add (buffer, CAPS, "dog", 1, 0.5, 0, 0, 20, 20);
    region->x = (guint) -100; /* nothing of it is to be seen */
    g_autoptr (GstBuffer) after = drawn ("overlay:boxes+labels", CAPS, buffer);
    g_autofree guint8 *changes = frame_changes (before, after, CAPS);
    fail_unless (changes[70 * 320 + 40] > 20, "no right edge");
    fail_unless (changes[70 * 320 + 20] == 0 && changes[70 * 320 + 60] == 0 && changes[10 * 320 + 310] == 0);
  }
}
GST_END_TEST

/* ---- What classifiers saw ---- */

static void
class_add (GstVideoRegionOfInterestMeta *region, const char *label, double confidence)
{
  gst_video_region_of_interest_meta_add_param (region, gst_structure_new ("classification", "label", G_TYPE_STRING,
                                                                          label, "confidence", G_TYPE_DOUBLE,
                                                                          confidence, "label_id", G_TYPE_INT, 1, NULL));
}

/* Width of the only label of a cat in which so many classes were seen; 0: there is none. */
static guint
label_width (const char *properties, guint n_classes)
{
  GstBuffer *buffer = gray_new (CAPS);
  GstVideoRegionOfInterestMeta *region = region_add (buffer, CAPS, "cat", 1, 0.9, 20, 80, 60, 180);
  guint width = 0, height;
  int x, y;

  for (guint i = 0; i < n_classes; i++)
    class_add (region, "Manx", 0.5);
  g_autoptr (GstVideoOverlayComposition) drawing = drawing_of (properties, CAPS, buffer);
  if (drawing == NULL)
    return 0;
  fail_unless_equals_int (gst_video_overlay_composition_n_rectangles (drawing), 1);
  gst_video_overlay_rectangle_get_render_rectangle (gst_video_overlay_composition_get_rectangle (drawing, 0), &x, &y,
                                                    &width, &height);
  return width;
}

/* Three at most are written. */
GST_START_TEST (classes_are_on_the_label)
{
  guint width[5];

  for (guint i = 0; i < G_N_ELEMENTS (width); i++)
    width[i] = label_width ("overlay:labels font-desc:Sans~6", i);
  fail_unless (width[0] < width[1] && width[1] < width[2] && width[2] < width[3] && width[3] == width[4]);
  fail_unless_equals_int (label_width ("overlay:labels label-text:name+score font-desc:Sans~6", 1), width[0]);
  fail_unless (label_width ("overlay:labels label-text:classes font-desc:Sans~6", 1) < width[1]);
  fail_unless_equals_int (label_width ("overlay:labels label-text:classes", 0), 0);
}
GST_END_TEST

/* What stands for the whole frame has a label and no box; a detection of that name and size has both. */
GST_START_TEST (whole_frames_have_no_box)
{
  for (guint detected = 0; detected < 2; detected++) {
    GstBuffer *buffer = gray_new (CAPS);
    GstVideoRegionOfInterestMeta *region =
        detected ? region_add (buffer, CAPS, "frame", 1, 0.9, 0, 0, 320, 240)
                 : gst_buffer_add_video_region_of_interest_meta (buffer, "frame", 0, 0, 320, 240);
    class_add (region, "Manx", 0.5);
    g_autoptr (GstVideoOverlayComposition) drawing = drawing_of ("overlay:boxes+labels", CAPS, buffer);
    fail_unless_equals_int (gst_video_overlay_composition_n_rectangles (drawing), detected ? 5 : 1);
  }
}
GST_END_TEST

/* Heat of all regions is drawn where they are; that of the frame, from before, is not. */
GST_START_TEST (heat_of_every_region)
{
  static const float hot[] = { 0, 1 };
  g_autoptr (GstBuffer) before = gray_new (CAPS);
  GstBuffer *buffer = gst_buffer_copy_deep (before);

  map_add (buffer, CAPS, "grad-cam", 2, 1, hot);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstBuffer) spatial = gst_buffer_new_memdup (hot, sizeof hot);
    g_autoptr (GstStructure) map =
        gst_structure_new ("map", "width", G_TYPE_INT, 2, "height", G_TYPE_INT, 1, "over-x", G_TYPE_DOUBLE, 100.0 * i,
                           "over-y", G_TYPE_DOUBLE, 0.0, "over-width", G_TYPE_DOUBLE, 80.0, "over-height",
                           G_TYPE_DOUBLE, 80.0, "spatial", GST_TYPE_BUFFER, spatial, NULL);
    gst_structure_set (gst_custom_meta_get_structure (gst_buffer_add_custom_meta (buffer, "CbamAttentionMeta")),
                       "frame-width", G_TYPE_INT, 320, "frame-height", G_TYPE_INT, 240, "region", G_TYPE_INT,
                       (int) i + 1, "grad-cam", GST_TYPE_STRUCTURE, map, NULL);
  }
  g_autoptr (GstBuffer) after = drawn ("overlay:grad-cam", CAPS, buffer);
  g_autofree guint8 *changes = frame_changes (before, after, CAPS);
  fail_unless (changes[40 * 320 + 70] > 30 && changes[40 * 320 + 170] > 30, "%u %u", changes[40 * 320 + 70],
               changes[40 * 320 + 170]);
  fail_unless (changes[40 * 320 + 10] <= 1 && changes[200 * 320 + 310] <= 1);
  fail_unless (changes[40 * 320 + 105] <= 1, "the heat of the first region is on the second");
}
GST_END_TEST

/* Nothing to draw, or not asked to: the very buffer that came goes on. */
GST_START_TEST (nothing_to_draw)
{
  static const char *const properties[] = { "overlay:boxes+labels+attention+grad-cam", "overlay:none" };

  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = gray_new (CAPS);
    if (i == 1)
      region_add (buffer, CAPS, "cat", 1, 0.9, 20, 20, 60, 60);
    g_autoptr (GstBuffer) out = drawn (properties[i], CAPS, buffer);
    fail_unless (out == buffer);
  }
}
GST_END_TEST

/* The same frames through `cbamdetect overlay=X` and through `cbamdetect ! cbamoverlay overlay=X`. */
GST_START_TEST (draws_as_cbamdetect_does)
{
  static const char *const overlays[] = { "boxes", "labels", "attention", "grad-cam",
                                          "boxes+labels+attention+grad-cam" };
  const char *model = g_getenv ("CBAM_TEST_ATTENTION_MODEL");

  for (guint i = 0; i < G_N_ELEMENTS (overlays); i++) {
    g_autofree char *one =
        g_strdup_printf ("cbamdetect model=%s threshold=0.3 attention=true overlay=%s", model, overlays[i]);
    g_autofree char *two = g_strdup_printf ("cbamdetect model=%s threshold=0.3 attention=true grad-cam=true ! queue "
                                            "! cbamoverlay overlay=%s",
                                            model, overlays[i]);
    GstBuffer *outs[2];
    for (guint way = 0; way < 2; way++) {
      GstHarness *h = gst_harness_new_parse (way == 0 ? one : two);
      gst_harness_set_live (h, FALSE);
      gst_harness_set_src_caps_str (h, CAPS);
      fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 3, 0)), GST_FLOW_OK);
      outs[way] = gst_harness_pull (h);
      gst_harness_teardown (h);
    }
    g_autofree guint8 *changes = frame_changes (outs[0], outs[1], CAPS);
    g_autoptr (GstBuffer) plain = picture_new (CAPS, 3, 0);
    g_autofree guint8 *drawing = frame_changes (plain, outs[0], CAPS);
    guint n = 0;
    for (int p = 0; p < 320 * 240; p++) {
      fail_unless (changes[p] == 0, "%s: pixel %d,%d", overlays[i], p % 320, p / 320);
      n += drawing[p] > 20;
    }
    fail_unless (n > 100, "%s: only %u pixels are drawn on", overlays[i], n);
    gst_buffer_unref (outs[0]);
    gst_buffer_unref (outs[1]);
  }
}
GST_END_TEST

static double
luminance (CbamDrawingColour c)
{
  return 0.2126 * pow (c.r, 2.2) + 0.7152 * pow (c.g, 2.2) + 0.0722 * pow (c.b, 2.2);
}

/* Text on every class's plate has the contrast that the WCAG asks for, and neighbours differ. */
GST_START_TEST (colours_can_be_read_and_told_apart)
{
  for (guint i = 0; i < 300; i++) {
    const CbamDrawingColour plate = cbam_drawing_class_colour (i), ink = cbam_drawing_ink (plate),
                            next = cbam_drawing_class_colour (i + 1);
    const double a = luminance (plate) + 0.05, b = luminance (ink) + 0.05;
    fail_unless (MAX (a, b) / MIN (a, b) >= 4.5, "class %u: %.2f", i, MAX (a, b) / MIN (a, b));
    fail_unless (fabs (plate.r - next.r) + fabs (plate.g - next.g) + fabs (plate.b - next.b) > 0.4, "class %u", i);
  }
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("cbamoverlay");
  tcase_add_test (tests, boxes_are_outlines);
  tcase_add_test (tests, labels_do_not_cover_each_other);
  tcase_add_test (tests, any_size);
  tcase_add_test (tests, heat_follows_the_map);
  tcase_add_test (tests, heat_in_every_format);
  tcase_add_test (tests, heat_opacity_and_grad_cam);
  tcase_add_test (tests, properties_choose_the_looks);
  tcase_add_test (tests, regions_of_others);
  tcase_add_test (tests, odd_regions_of_others);
  tcase_add_test (tests, classes_are_on_the_label);
  tcase_add_test (tests, whole_frames_have_no_box);
  tcase_add_test (tests, heat_of_every_region);
  tcase_add_test (tests, nothing_to_draw);
  tcase_add_test (tests, draws_as_cbamdetect_does);
  tcase_add_test (tests, colours_can_be_read_and_told_apart);
  return run_suite (tests);
}
