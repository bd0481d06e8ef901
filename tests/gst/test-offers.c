/* Work that upstream may leave to downstream by metadata, and must not when a detector stands between them: cropping
 * for one. The picture that is detected on is the one that is to be seen.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regions.h"

#define CAPS "video/x-raw,format=%s,width=320,height=240,framerate=25/1"
#define LEFT 60
#define TOP 24
#define RIGHT 20

static GType
made_up_api (void)
{
  static const char *tags[] = { GST_META_TAG_VIDEO_STR, NULL };
  static GType type;

  if (type == 0)
    type = gst_meta_api_type_register ("SomebodysMetaAPI", tags);
  return type;
}

/* As a sink does that can do everything. */
static void
offer_everything (GstHarness *h)
{
  g_autoptr (GstStructure) padding = gst_structure_new ("video-meta", "padding-left", G_TYPE_UINT, 16, NULL);

  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_META_API_TYPE, padding);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_CROP_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_GL_TEXTURE_UPLOAD_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_CODEC_ALPHA_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_CAPTION_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_TIME_CODE_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (h, made_up_api (), NULL);
}

GST_START_TEST (what_is_handed_on)
{
  const struct
  {
    GType api;
    gboolean handed_on;
  } cases[] = {
    { GST_VIDEO_META_API_TYPE, TRUE },
    { GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, TRUE },
    { GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE, TRUE },
    { GST_VIDEO_CAPTION_META_API_TYPE, TRUE },
    { GST_VIDEO_TIME_CODE_META_API_TYPE, TRUE },
    { GST_VIDEO_CROP_META_API_TYPE, FALSE },
    { GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE, FALSE },
    { GST_VIDEO_GL_TEXTURE_UPLOAD_META_API_TYPE, FALSE },
    { GST_VIDEO_CODEC_ALPHA_META_API_TYPE, FALSE },
    { made_up_api (), FALSE },
  };
  static const char *const elements[] = { "cbamdetect", "cbamoverlay" };
  g_autofree char *text = g_strdup_printf (CAPS, "NV12");
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  for (guint e = 0; e < G_N_ELEMENTS (elements); e++) {
    GstHarness *h = gst_harness_new_parse (elements[e]);
    const GstStructure *params;
    guint index;
    offer_everything (h);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    g_autoptr (GstQuery) query = gst_query_new_allocation (caps, TRUE);
    fail_unless (gst_pad_peer_query (h->srcpad, query), "%s", elements[e]);
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      fail_unless (gst_query_find_allocation_meta (query, cases[i].api, NULL) == cases[i].handed_on, "%s: %s",
                   elements[e], g_type_name (cases[i].api));
    fail_unless (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, &index));
    gst_query_parse_nth_allocation_meta (query, index, &params);
    fail_unless (params != NULL && gst_structure_has_field (params, "padding-left"), "%s", elements[e]);
    gst_harness_teardown (h);
  }
}
GST_END_TEST

/* Picture 3, of these caps, through @line. */
static GstBuffer *
pushed_through (const char *line, const char *caps, gboolean offers)
{
  GstHarness *h = gst_harness_new_parse (line);

  gst_harness_set_live (h, FALSE);
  if (offers)
    offer_everything (h);
  gst_harness_set_src_caps_str (h, caps);
  fail_unless_equals_int (gst_harness_push (h, picture_new (caps, 3, 0)), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  gst_harness_teardown (h);
  return out;
}

static char *
cropped_caps (const char *format)
{
  return g_strdup_printf ("video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, 320 - LEFT - RIGHT,
                          240 - TOP);
}

/* A sink that offers to crop, behind a videocrop before the detector: the same as without the offer. */
GST_START_TEST (videocrop_crops)
{
  static const char *const formats[] = { "NV12", "YUY2", "RGB" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    g_autofree char *caps = g_strdup_printf (CAPS, formats[f]), *cropped = cropped_caps (formats[f]);
    g_autofree char *crop = g_strdup_printf ("videocrop left=%d top=%d right=%d", LEFT, TOP, RIGHT);
    g_autofree char *line = g_strconcat (crop, " ! cbamdetect threshold=0.3 ! cbamoverlay", NULL);
    g_autofree char *detect = g_strconcat (crop, " ! cbamdetect threshold=0.3", NULL);
    g_autoptr (GstBuffer) expected = pushed_through (detect, caps, FALSE);
    g_autoptr (GstBuffer) offered = pushed_through (detect, caps, TRUE);
    g_autoptr (GstBuffer) drawn = pushed_through (line, caps, TRUE);
    GstBuffer *const all[] = { offered, drawn };
    g_autoptr (GArray) right = found_in (expected);
    fail_unless (right->len > 0);
    for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
      g_autoptr (GArray) found = found_in (all[i]);
      fail_unless (gst_buffer_get_video_crop_meta (all[i]) == NULL, "%s", formats[f]);
      fail_unless (found_equal (right, found), "%s", formats[f]);
    }
    g_autofree guint8 *changes = frame_changes (expected, offered, cropped);
    for (guint p = 0; p < (320 - LEFT - RIGHT) * (240 - TOP); p++)
      fail_unless (changes[p] == 0, "%s", formats[f]);
  }
}
GST_END_TEST

/* A frame as videocrop makes it where it may: all of the pixels, and metadata that says which are meant. */
static GstBuffer *
cropped_by_meta (const char *format, guint x, guint y, guint width, guint height)
{
  g_autofree char *text = g_strdup_printf (CAPS, format);
  g_autoptr (GstBuffer) plain = picture_new (text, 3, 0);
  GstBuffer *buffer = picture_pad (plain, text, 16);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (buffer);

  *crop = (GstVideoCropMeta){ crop->meta, x, y, width, height };
  gst_buffer_add_video_caption_meta (buffer, GST_VIDEO_CAPTION_TYPE_CEA708_CDP, (const guint8 *) "said", 4);
  return buffer;
}

typedef struct
{
  guint x, y, width, height;
} Place;

static const Place places[] = {
  { 60, 24, 240, 216 }, { 61, 25, 241, 199 }, { 3, 0, 311, 240 }, { 0, 1, 320, 239 }, { 319, 239, 1, 1 }
};

/* What comes out of @line for a frame of which metadata shows that part. */
static GstBuffer *
cropped_through (const char *line, const char *format, const Place *place)
{
  g_autofree char *caps =
      g_strdup_printf ("video/x-raw,format=%s,width=%u,height=%u,framerate=25/1", format, place->width, place->height);
  GstHarness *h = gst_harness_new_parse (line);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps_str (h, caps);
  fail_unless_equals_int (
      gst_harness_push (h, cropped_by_meta (format, place->x, place->y, place->width, place->height)), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull (h);
  gst_harness_teardown (h);
  fail_unless (gst_buffer_get_video_crop_meta (out) == NULL && gst_buffer_get_video_meta (out) == NULL);
  fail_unless (gst_buffer_get_video_caption_meta (out) != NULL && GST_BUFFER_PTS (out) == 0);
  return out;
}

/* What comes out of @line when the pixels were cropped before. */
static GstBuffer *
really_cropped_through (const char *line, const char *format, const Place *place)
{
  g_autofree char *caps = g_strdup_printf (CAPS, format);
  g_autofree char *all = g_strdup_printf ("videocrop left=%u top=%u right=%u bottom=%u ! %s", place->x, place->y,
                                          320 - place->x - place->width, 240 - place->y - place->height, line);

  return pushed_through (all, caps, FALSE);
}

/* Though nobody offered it: what comes out is what videocrop makes, in every format, at odd places too. There it has no
 * last sample of packed luma; but whatever it may be, it is the same pixel everywhere else. */
GST_START_TEST (frames_that_are_to_be_cropped)
{
  static const char *const formats[] = { "NV12", "I420", "YUY2", "UYVY", "RGB",  "BGR",
                                         "RGBA", "BGRA", "RGBx", "BGRx", "GRAY8" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint p = 0; p < G_N_ELEMENTS (places); p++) {
      const Place *place = &places[p];
      const gboolean packed = g_str_equal (formats[f], "YUY2") || g_str_equal (formats[f], "UYVY");
      const guint certain = place->width - (packed && place->x % 2 != 0 ? 1 : 0);
      g_autoptr (GstBuffer) expected = really_cropped_through ("cbamoverlay", formats[f], place);
      g_autoptr (GstBuffer) out = cropped_through ("cbamoverlay", formats[f], place);
      g_autofree char *cropped = g_strdup_printf ("video/x-raw,format=%s,width=%u,height=%u,framerate=25/1", formats[f],
                                                  place->width, place->height);
      g_autofree guint8 *changes = frame_changes (expected, out, cropped);
      for (guint i = 0; i < place->width * place->height; i++)
        fail_unless (changes[i] == 0 || i % place->width >= certain, "%s at %u,%u: pixel %u,%u", formats[f], place->x,
                     place->y, i % place->width, i / place->width);
    }
}
GST_END_TEST

GST_START_TEST (detected_on_what_is_shown)
{
  static const char *const formats[] = { "NV12", "RGB" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint p = 0; p < 2; p++) {
      g_autoptr (GstBuffer) expected = really_cropped_through ("cbamdetect threshold=0.3", formats[f], &places[p]);
      g_autoptr (GstBuffer) out = cropped_through ("cbamdetect threshold=0.3", formats[f], &places[p]);
      g_autoptr (GArray) right = found_in (expected), found = found_in (out);
      fail_unless (right->len > 0 && found_equal (right, found), "%s at %u,%u", formats[f], places[p].x, places[p].y);
    }
}
GST_END_TEST

/* Metadata that shows everything asks for nothing. */
GST_START_TEST (nothing_to_crop)
{
  g_autofree char *caps = g_strdup_printf (CAPS, "RGB");
  g_autoptr (GArray) expected = found_by (caps, 3, "threshold=0.3");
  GstHarness *h = harness_new (detect_new ("threshold=0.3"), caps);

  fail_unless_equals_int (gst_harness_push (h, cropped_by_meta ("RGB", 0, 0, 320, 240)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) found = found_in (out);
  g_autoptr (GstMessage) warning = pop_message (h->element, GST_MESSAGE_WARNING);
  fail_unless (gst_buffer_get_video_crop_meta (out) != NULL && warning == NULL);
  fail_unless (found_equal (expected, found));
  harness_free (h);
}
GST_END_TEST

static GstBuffer *
turned_by_meta (void)
{
  g_autofree char *caps = g_strdup_printf (CAPS, "RGB");
  GstBuffer *buffer = picture_new (caps, 3, 0);

  gst_buffer_add_video_affine_transformation_meta (buffer);
  return buffer;
}

/* What cannot be followed is told once, and the frames pass, detected as they lie in memory. */
GST_START_TEST (what_cannot_be_followed)
{
  static const struct
  {
    guint x, y, width, height; /* of 320x240 in memory, where the caps say so too; 0: turned instead */
    const char *says;
  } cases[] = {
    { 10, 10, 100, 100, "100x100 at 10,10" },
    { 1, 0, 320, 240, "320x240 at 1,0" },
    { G_MAXUINT, 0, 320, 240, "at 4294967295,0" },
    { 0, 0, 0, 0, "GstVideoAffineTransformationMeta" },
  };
  g_autofree char *caps = g_strdup_printf (CAPS, "RGB");
  g_autoptr (GArray) expected = found_by (caps, 3, "threshold=0.3");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = harness_new (detect_new ("threshold=0.3"), caps);
    for (guint n = 0; n < 2; n++) {
      GstBuffer *in = cases[i].width > 0
                          ? cropped_by_meta ("RGB", cases[i].x, cases[i].y, cases[i].width, cases[i].height)
                          : turned_by_meta ();
      fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
      g_autoptr (GstBuffer) out = gst_harness_pull (h);
      g_autoptr (GArray) found = found_in (out);
      fail_unless (found_equal (expected, found), "%s", cases[i].says);
    }
    g_autoptr (GstMessage) warning = pop_message (h->element, GST_MESSAGE_WARNING);
    g_autoptr (GstMessage) another = pop_message (h->element, GST_MESSAGE_WARNING);
    g_autoptr (GError) error = NULL;
    fail_unless (warning != NULL && another == NULL, "%s", cases[i].says);
    gst_message_parse_warning (warning, &error, NULL);
    fail_unless (strstr (error->message, cases[i].says) != NULL, "%s", error->message);
    harness_free (h);
  }
}
GST_END_TEST

/* More of a frame in memory than the caps say, and nothing that says why: what the caps say is looked at. */
GST_START_TEST (more_in_memory_than_in_the_caps)
{
  g_autofree char *caps = g_strdup_printf (CAPS, "RGB");
  GstHarness *h =
      harness_new (detect_new ("threshold=0.3"), "video/x-raw,format=RGB,width=240,height=216,framerate=25/1");
  g_autoptr (GstBuffer) expected =
      pushed_through ("videocrop right=80 bottom=24 ! cbamdetect threshold=0.3", caps, FALSE);
  GstBuffer *in = cropped_by_meta ("RGB", 0, 0, 320, 240);

  gst_buffer_remove_meta (in, (GstMeta *) gst_buffer_get_video_crop_meta (in));
  fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  g_autoptr (GArray) right = found_in (expected), found = found_in (out);
  fail_unless (right->len > 0 && found_equal (right, found));
  harness_free (h);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  g_setenv ("CBAM_MODEL", g_getenv ("CBAM_TEST_MODEL"), TRUE);
  TCase *tests = tcase_create ("offers");
  tcase_add_test (tests, what_is_handed_on);
  tcase_add_test (tests, videocrop_crops);
  tcase_add_test (tests, frames_that_are_to_be_cropped);
  tcase_add_test (tests, detected_on_what_is_shown);
  tcase_add_test (tests, nothing_to_crop);
  tcase_add_test (tests, what_cannot_be_followed);
  tcase_add_test (tests, more_in_memory_than_in_the_caps);
  return run_suite (tests);
}
