/* The properties that choose: which classes, where in the frame, which frames, what the others carry, which model; and
 * the statistics that account for all of it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <glib/gstdio.h>

#define CAPS "video/x-raw,format=RGB,width=160,height=120,framerate=25/1"

static GArray *
found_next (GstHarness *h, guint picture, guint index)
{
  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, picture, index)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  return found_in (out);
}

/* The element must not start, and say so in one error with these words. */
static void
check_refused (const char *property, const char *text, const char *words)
{
  GstElement *element = detect_new ("%s", "");

  g_object_set (element, property, text, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message = pop_message (element, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS), "%s", error->message);
  fail_unless (strstr (error->message, words) != NULL, "no \"%s\" in \"%s\"", words, error->message);
  fail_unless (pop_message (element, GST_MESSAGE_ERROR) == NULL);

  g_object_set (element, property, NULL, NULL);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  bus_clear (element);
  gst_object_unref (element);
}

/* One warning with these words is on the bus. */
static void
check_warned (GstElement *element, const char *words)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (element);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;

  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, words) != NULL, "no \"%s\" in \"%s\"", words, error->message);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING) == NULL);
}

/* ---- Classes ---- */

static GArray *
only (const GArray *all, const char *label, const char *other)
{
  GArray *some = g_array_new (FALSE, TRUE, sizeof (Found));

  for (guint i = 0; i < all->len; i++) {
    const Found *found = &g_array_index (all, Found, i);
    if (g_str_equal (found->label, label) || g_str_equal (found->label, other))
      g_array_append_val (some, *found);
  }
  return some;
}

GST_START_TEST (classes_choose)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=0"), CAPS);
  g_autoptr (GArray) all = found_next (h, 0, 0);
  const struct
  {
    const char *classes, *label, *other;
  } cases[] = {
    { "dog", "dog", "dog" },   { "2", "dog", "dog" },        { " Horse , CAT ", "horse", "cat" },
    { "4,1", "horse", "cat" }, { "bird,,", "bird", "bird" }, { "dog,dog,2", "dog", "dog" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GArray) expected = only (all, cases[i].label, cases[i].other);
    g_object_set (h->element, "classes", cases[i].classes, "max-detections", 0, NULL);
    const guint64 before = get_stat (h->element, "class-filtered");
    g_autoptr (GArray) found = found_next (h, 0, 0);
    fail_unless (expected->len > 1 && expected->len < all->len);
    fail_unless (found_equal (found, expected), "%s", cases[i].classes);
    fail_unless_equals_uint64 (get_stat (h->element, "class-filtered") - before, all->len - expected->len);

    /* The limit is for what is wanted. */
    g_object_set (h->element, "max-detections", 2, NULL);
    g_autoptr (GArray) two = found_next (h, 0, 0);
    fail_unless_equals_int (two->len, 2);
    fail_unless (memcmp (two->data, expected->data, 2 * sizeof (Found)) == 0);
  }
  g_object_set (h->element, "classes", NULL, "max-detections", 0, NULL);
  g_autoptr (GArray) again = found_next (h, 0, 0);
  fail_unless (found_equal (again, all));
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (unknown_classes)
{
  check_refused ("classes", "dog,zebra", "\"zebra\"; it knows cat (1), dog (2), bird (3), horse (4)");
  check_refused ("classes", "background", "\"background\"");
  check_refused ("classes", "0", "\"0\"");
  check_refused ("classes", "5", "\"5\"");

  GstHarness *h = harness_new (detect_new ("threshold=0 classes=dog"), CAPS);
  g_autoptr (GArray) dogs = found_next (h, 0, 0);
  g_object_set (h->element, "classes", "cat,zebra", NULL);
  check_warned (h->element, "zebra");
  g_autoptr (GArray) still = found_next (h, 0, 0);
  g_autofree char *classes = NULL;
  g_object_get (h->element, "classes", &classes, NULL);
  fail_unless_equals_string (classes, "dog");
  fail_unless (dogs->len > 0 && found_equal (still, dogs));
  harness_free (h);
}
GST_END_TEST

/* ---- One object, one word ---- */

/* Whether the boxes touch by more than rounding. */
static gboolean
touch (const Found *a, const Found *b)
{
  return MIN (a->x_max, b->x_max) - MAX (a->x_min, b->x_min) > 1e-6 &&
         MIN (a->y_max, b->y_max) - MAX (a->y_min, b->y_min) > 1e-6;
}

GST_START_TEST (classes_share_no_place)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=0"), CAPS);
  g_autoptr (GArray) all = found_next (h, 0, 0);

  g_object_set (h->element, "nms-across", 0.5, NULL);
  g_autoptr (GArray) some = found_next (h, 0, 0);
  g_object_set (h->element, "nms-across", 0.0, NULL);
  g_autoptr (GArray) apart = found_next (h, 0, 0);
  fail_unless (all->len > some->len && some->len > apart->len && apart->len > 1);
  fail_unless (memcmp (apart->data, all->data, sizeof (Found)) == 0); /* the strongest stays */
  for (guint i = 0; i < apart->len; i++)
    for (guint k = 0; k < i; k++) {
      const Found *a = &g_array_index (apart, Found, i), *b = &g_array_index (apart, Found, k);
      fail_unless (g_str_equal (a->label, b->label) || !touch (a, b), "%s and %s", a->label, b->label);
    }

  /* Classes are chosen afterwards. */
  g_object_set (h->element, "classes", "dog,cat", NULL);
  g_autoptr (GArray) chosen = found_next (h, 0, 0);
  g_autoptr (GArray) expected = only (apart, "dog", "cat");
  fail_unless (found_equal (chosen, expected));

  g_object_set (h->element, "classes", NULL, "nms-across", 1.0, NULL);
  g_autoptr (GArray) off = found_next (h, 0, 0);
  fail_unless (found_equal (off, all));
  g_object_set (h->element, "nms-across", -1.0, NULL);
  g_autoptr (GArray) again = found_next (h, 0, 0);
  fail_unless (found_equal (again, all)); /* the model's document does not say */
  harness_free (h);
}
GST_END_TEST

/* ---- Region of interest ---- */

/* The pixels @x, @y and on of @from, whose caps are @caps, as a frame of @part_caps. */
static GstBuffer *
cut_out (GstBuffer *from, const char *caps, const char *part_caps, guint x, guint y)
{
  g_autoptr (GstCaps) whole = gst_caps_from_string (caps), part = gst_caps_from_string (part_caps);
  GstVideoInfo info, part_info;
  GstVideoFrame in, out;

  fail_unless (gst_video_info_from_caps (&info, whole) && gst_video_info_from_caps (&part_info, part));
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&part_info), NULL);
  fail_unless (gst_video_frame_map (&in, &info, from, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&out, &part_info, buffer, GST_MAP_WRITE));
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&in); p++) {
    /* Component p is on plane p in these formats, with the bytes of a pixel. */
    const gsize skip =
        (gsize) GST_VIDEO_FORMAT_INFO_SCALE_WIDTH (info.finfo, p, x) * GST_VIDEO_FRAME_COMP_PSTRIDE (&in, p);
    const guint top = GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (info.finfo, p, y);
    const gsize bytes = (gsize) GST_VIDEO_FRAME_COMP_WIDTH (&out, p) * GST_VIDEO_FRAME_COMP_PSTRIDE (&in, p);
    for (int row = 0; row < GST_VIDEO_FRAME_COMP_HEIGHT (&out, p); row++)
      memcpy ((guint8 *) out.data[p] + row * out.info.stride[p],
              (guint8 *) in.data[p] + (top + row) * in.info.stride[p] + skip, bytes);
  }
  gst_video_frame_unmap (&out);
  gst_video_frame_unmap (&in);
  return buffer;
}

static GArray *
found_through (const char *caps, GstBuffer *frame, const char *properties)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 %s", properties), caps);

  fail_unless_equals_int (gst_harness_push (h, frame), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  GArray *found = found_in (out);
  harness_free (h);
  return found;
}

/* What is found in a region is what is found in a frame that has nothing else, in another place. */
GST_START_TEST (region_is_a_frame)
{
  const char *const formats[] = { "RGB", "NV12", "I420", "YUY2", "GRAY8", "BGRx" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *caps = g_strdup_printf ("video/x-raw,format=%s,width=320,height=240,framerate=25/1", formats[i]);
    g_autofree char *part_caps =
        g_strdup_printf ("video/x-raw,format=%s,width=102,height=90,framerate=25/1", formats[i]);
    GstBuffer *frame = picture_new (caps, 1, 0);
    GstBuffer *part = cut_out (frame, caps, part_caps, 64, 30);
    /* Odd edges move outwards where a chroma sample has several pixels. */
    const gboolean odd = g_str_equal (formats[i], "NV12") || g_str_equal (formats[i], "I420");
    g_autoptr (GArray) inside = found_through (caps, frame, odd ? "roi=65,31,100,88" : "roi=64,30,102,90");
    g_autoptr (GArray) alone = found_through (part_caps, part, "");

    fail_unless (alone->len > 2);
    fail_unless_equals_int (inside->len, alone->len);
    for (guint k = 0; k < alone->len; k++) {
      const Found *a = &g_array_index (inside, Found, k), *b = &g_array_index (alone, Found, k);
      fail_unless_equals_string (a->label, b->label);
      fail_unless_equals_float (a->score, b->score);
      fail_unless (ABS (a->x_min * 320 - (b->x_min * 102 + 64)) < 0.01, "%s", formats[i]);
      fail_unless (ABS (a->x_max * 320 - (b->x_max * 102 + 64)) < 0.01);
      fail_unless (ABS (a->y_min * 240 - (b->y_min * 90 + 30)) < 0.01);
      fail_unless (ABS (a->y_max * 240 - (b->y_max * 90 + 30)) < 0.01);
    }
  }
}
GST_END_TEST

GST_START_TEST (region_changes)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 carry=none"), CAPS);
  g_autoptr (GArray) everywhere = found_next (h, 0, 0);
  g_autofree char *roi = NULL;

  g_object_set (h->element, "roi", "100, 50, 500, 500", NULL); /* as far as it goes */
  g_autoptr (GArray) corner = found_next (h, 0, 1);
  fail_unless (corner->len > 0 && !found_equal (corner, everywhere));
  for (guint i = 0; i < corner->len; i++)
    fail_unless (g_array_index (corner, Found, i).x >= 100 && g_array_index (corner, Found, i).y >= 50);

  g_object_set (h->element, "roi", "160,0,10,10", NULL);
  for (guint i = 2; i < 4; i++) {
    g_autoptr (GArray) none = found_next (h, 0, i);
    fail_unless_equals_int (none->len, 0);
  }
  check_warned (h->element, "outside");
  fail_unless_equals_uint64 (get_stat (h->element, "skipped-roi"), 2);

  g_object_set (h->element, "roi", "", NULL);
  g_autoptr (GArray) again = found_next (h, 0, 4);
  fail_unless (found_equal (again, everywhere));

  g_object_set (h->element, "roi", "10,10,20", NULL);
  check_warned (h->element, "10,10,20");
  g_object_get (h->element, "roi", &roi, NULL);
  fail_unless_equals_string (roi, "");
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (bad_regions)
{
  const char *const bad[] = {
    "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,0,5", "0,0,5,0", "-1,0,5,5", "0.5,0,5,5", "1,2,3,x"
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    check_refused ("roi", bad[i], bad[i]);
}
GST_END_TEST

/* ---- Interval, and what is carried ---- */

GST_START_TEST (interval_passes_over)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 interval=2 carry=none"), CAPS);

  for (guint i = 0; i < 10; i++) {
    g_autoptr (GArray) found = found_next (h, 0, i);
    fail_unless_equals_int (found->len > 0, i % 3 == 0);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "inferred"), 4);
  fail_unless_equals_uint64 (get_stat (h->element, "skipped-interval"), 6);

  /* A change counts at once, not after what is left of the old interval. */
  g_object_set (h->element, "interval", 1000, NULL);
  for (guint i = 10; i < 15; i++)
    g_array_unref (found_next (h, 0, i));
  g_object_set (h->element, "interval", 0, NULL);
  for (guint i = 15; i < 18; i++) {
    g_autoptr (GArray) found = found_next (h, 0, i);
    fail_unless (found->len > 0);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 18);
  fail_unless_equals_uint64 (get_stat (h->element, "carried"), 0);
  harness_free (h);
}
GST_END_TEST

GST_START_TEST (carried_detections_tell_their_age)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 interval=3 carry=last post-messages=true"), CAPS);
  g_autoptr (GArray) fresh = NULL;

  for (guint i = 0; i < 8; i++) {
    g_autoptr (GArray) found = found_next (h, i / 4, i);
    g_autoptr (GstMessage) message = pop_message (h->element, GST_MESSAGE_ELEMENT);
    fail_unless (found->len > 0);
    fail_unless_equals_int (message != NULL, i % 4 == 0); /* messages are about inferred frames */
    for (guint k = 0; k < found->len; k++) {
      Found *one = &g_array_index (found, Found, k);
      fail_unless_equals_int (one->frame_age, i % 4);
      fail_unless_equals_uint64 (one->age, (i % 4) * 40 * GST_MSECOND);
      one->age = one->frame_age = 0;
    }
    if (i % 4 == 0) {
      g_clear_pointer (&fresh, g_array_unref);
      fresh = g_array_ref (found);
    }
    fail_unless (found_equal (found, fresh));
  }
  fail_unless_equals_uint64 (get_stat (h->element, "carried"), 6);
  harness_free (h);
}
GST_END_TEST

/* What was found before a flush or in frames of another size is nobody's business after. */
GST_START_TEST (nothing_is_carried_too_far)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 interval=100"), CAPS);
  GstSegment segment;

  g_autoptr (GArray) here = found_next (h, 0, 0);
  g_autoptr (GArray) next = found_next (h, 0, 1);
  fail_unless (here->len > 0);
  fail_unless_equals_int (next->len, here->len);

  gst_harness_set_src_caps_str (h, "video/x-raw,format=RGB,width=80,height=60,framerate=25/1");
  fail_unless_equals_int (
      gst_harness_push (h, picture_new ("video/x-raw,format=RGB,width=80,height=60,framerate=25/1", 0, 2)),
      GST_FLOW_OK);
  g_autoptr (GstBuffer) smaller = gst_harness_pull (h);
  g_autoptr (GArray) of_smaller = found_in (smaller);
  fail_unless_equals_int (of_smaller->len, 0);

  gst_harness_set_src_caps_str (h, CAPS);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  g_autoptr (GArray) after = found_next (h, 0, 3);
  fail_unless_equals_int (after->len, here->len);
  fail_unless_equals_int (g_array_index (after, Found, 0).frame_age, 0); /* the first one is inferred */
  harness_free (h);
}
GST_END_TEST

/* ---- Attention ---- */

/* The age in frames that the CbamAttentionMeta tells, 0 without one of its own, -1 without CbamAttentionMeta. */
static int
attention_age (GstHarness *h, guint index)
{
  guint age = 0;

  fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, index)), GST_FLOW_OK);
  g_autoptr (GstBuffer) out = gst_harness_pull (h);
  GstCustomMeta *meta = gst_buffer_get_custom_meta (out, "CbamAttentionMeta");
  if (meta == NULL)
    return -1;
  const GstStructure *structure = gst_custom_meta_get_structure (meta);
  fail_unless (gst_structure_has_field (structure, "level-0"));
  gst_structure_get_uint (structure, "frame-age", &age);
  return age;
}

GST_START_TEST (attention_is_attached_when_asked)
{
  GstElement *element = detect_new ("interval=1");
  g_object_set (element, "model", g_getenv ("CBAM_TEST_ATTENTION_MODEL"), NULL);
  GstHarness *h = harness_new (element, CAPS);
  const int expected[] = { -1, -1, 0, 1, 0, -1, -1 };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    if (i == 2 || i == 5)
      g_object_set (h->element, "attention", i == 2, NULL);
    fail_unless_equals_int (attention_age (h, i), expected[i]);
  }
  harness_free (h);
}
GST_END_TEST

/* ---- Statistics ---- */

GST_START_TEST (stats_add_up)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 interval=1 queue-depth=1"), NULL);
  guint64 detections = 0;

  gst_harness_set_live (h, TRUE);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 60; i++) {
    if (i == 40)
      g_object_set (h->element, "roi", "500,500,10,10", NULL);
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, i)), GST_FLOW_OK);
    const guint64 frames = get_stat (h->element, "frames");
    fail_unless_equals_uint64 (frames, i + 1);
  }
  for (guint i = 0; i < 60; i++) {
    g_autoptr (GstBuffer) out = gst_harness_pull (h);
    g_autoptr (GArray) found = found_in (out);
    if (found->len > 0 && g_array_index (found, Found, 0).frame_age == 0)
      detections += found->len;
  }
  const guint64 inferred = get_stat (h->element, "inferred"), interval = get_stat (h->element, "skipped-interval");
  fail_unless_equals_uint64 (inferred + interval + get_stat (h->element, "skipped-busy") +
                                 get_stat (h->element, "skipped-qos") + get_stat (h->element, "skipped-roi"),
                             60);
  fail_unless (inferred > 0 && interval >= inferred - 1);
  fail_unless_equals_uint64 (get_stat (h->element, "skipped-roi"), 20);
  fail_unless_equals_uint64 (get_stat (h->element, "detections"), detections);
  fail_unless (get_stat (h->element, "inference-time") > 0 && get_stat (h->element, "inference-time-last") > 0);
  fail_unless (get_stat (h->element, "latency") > 0);

  /* They live until the next start. */
  gst_element_set_state (h->element, GST_STATE_READY);
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 60);
  gst_element_set_state (h->element, GST_STATE_PAUSED);
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 0);
  harness_free (h);
}
GST_END_TEST

static double
get_best_score (GstElement *element)
{
  g_autoptr (GstStructure) stats = NULL;
  double score = -1;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, "best-score", &score));
  return score;
}

/* Nothing is found, and the statistics say why. */
GST_START_TEST (stats_explain_silence)
{
  GstHarness *h = harness_new (detect_new ("threshold=0"), CAPS);
  g_autoptr (GArray) all = found_next (h, 0, 0);
  const double best = g_array_index (all, Found, 0).score;

  fail_unless (get_best_score (h->element) >= best);
  g_object_set (h->element, "threshold", 1.0, NULL);
  g_autoptr (GArray) none = found_next (h, 0, 1);
  fail_unless_equals_int (none->len, 0);
  fail_unless (get_best_score (h->element) >= best && get_best_score (h->element) < 1);
  fail_unless_equals_uint64 (get_stat (h->element, "class-filtered"), 0);
  harness_free (h);
}
GST_END_TEST

/* ---- Another model ---- */

/* The test model with a label that is spelled differently. */
static char *
make_other_model (void)
{
  char *path = NULL;
  g_autofree char *contents = NULL;
  gsize size;

  fail_unless (g_file_get_contents (model_path (), &contents, &size, NULL));
  for (gsize i = 0; i + 5 <= size; i++)
    if (memcmp (contents + i, "dog\\\"", 5) == 0) /* in a string of JSON inside a string of JSON */
      contents[i] = 'h';
  int fd = g_file_open_tmp ("cbam-XXXXXX.safetensors", &path, NULL);
  fail_unless (fd >= 0);
  g_close (fd, NULL);
  fail_unless (g_file_set_contents (path, contents, size, NULL));
  return path;
}

static gboolean
has_label (const GArray *found, const char *label)
{
  for (guint i = 0; i < found->len; i++)
    if (g_str_equal (g_array_index (found, Found, i).label, label))
      return TRUE;
  return FALSE;
}

/* Frames keep coming while another model is loaded, and none is lost or late in the order. */
GST_START_TEST (a_good_model_takes_over)
{
  g_autofree char *other = make_other_model ();
  GstHarness *h = harness_new (detect_new ("threshold=0 max-detections=0"), CAPS);
  guint n = 0;

  g_autoptr (GArray) before = found_next (h, 0, n++);
  fail_unless (has_label (before, "dog") && !has_label (before, "hog"));
  g_object_set (h->element, "model", other, NULL);
  for (gboolean new = FALSE; !new; n++) {
    fail_unless (n < 20000);
    g_autoptr (GstBuffer) out = NULL;
    fail_unless_equals_int (gst_harness_push (h, picture_new (CAPS, 0, n)), GST_FLOW_OK);
    out = gst_harness_pull (h);
    g_autoptr (GArray) found = found_in (out);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), n * 40 * GST_MSECOND);
    new = has_label (found, "hog");
    fail_unless (new != has_label (found, "dog"));
    fail_unless_equals_int (found->len, before->len);
  }
  g_autofree char *path = NULL;
  g_object_get (h->element, "model", &path, NULL);
  fail_unless_equals_string (path, other);
  fail_unless_equals_uint64 (get_stat (h->element, "inferred"), n);
  fail_unless (pop_message (h->element, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR) == NULL);
  harness_free (h);
  g_remove (other);
}
GST_END_TEST

GST_START_TEST (a_bad_model_does_not)
{
  g_autofree char *other = make_other_model ();
  GstHarness *h = harness_new (detect_new ("threshold=0 classes=dog"), CAPS);
  g_autoptr (GArray) before = found_next (h, 0, 0);
  /* Missing, corrupt (this test itself), and without a class that is wanted. */
  const char *const bad[] = { "/nonexistent/m.safetensors", "/proc/self/exe", other };
  const char *const words[] = { "/nonexistent/m.safetensors", "/proc/self/exe", "\"dog\"" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_object_set (h->element, "model", bad[i], NULL);
    check_warned (h->element, words[i]);
    g_autofree char *path = NULL;
    g_object_get (h->element, "model", &path, NULL);
    fail_unless_equals_string (path, model_path ());
    g_autoptr (GArray) after = found_next (h, 0, i + 1);
    fail_unless (found_equal (after, before));
  }
  harness_free (h);
  g_remove (other);
}
GST_END_TEST

static int
get_precision (GstElement *element)
{
  int precision = -1;

  g_object_get (element, "precision", &precision, NULL);
  return precision;
}

/* A precision that the device lacks is not taken either; one that it has changes nothing where it is the usual one. */
GST_START_TEST (precisions_change)
{
  GstHarness *h = harness_new (detect_new ("threshold=0 precision=fp32"), CAPS);
  g_autoptr (GArray) before = found_next (h, 0, 0);
  const int fp32 = get_precision (h->element);
  g_autofree char *path = NULL;

  gst_util_set_object_arg (G_OBJECT (h->element), "precision", "bf16");
  check_warned (h->element, "precision: expected one of auto, fp32");
  fail_unless_equals_int (get_precision (h->element), fp32);
  g_object_get (h->element, "model", &path, NULL);
  fail_unless_equals_string (path, model_path ());
  g_autoptr (GArray) still = found_next (h, 0, 1);
  fail_unless (before->len > 0 && found_equal (still, before));

  gst_util_set_object_arg (G_OBJECT (h->element), "precision", "auto");
  fail_unless_equals_int (get_precision (h->element), 0);
  g_autoptr (GArray) after = found_next (h, 0, 2);
  fail_unless (found_equal (after, before));
  harness_free (h);
}
GST_END_TEST

/* Changed again and again, and the element stopped in the middle of it. */
GST_START_TEST (models_change_hastily)
{
  g_autofree char *other = make_other_model ();

  for (guint round = 0; round < 3; round++) {
    GstHarness *h = harness_new (detect_new ("threshold=0"), CAPS);
    for (guint i = 0; i < 8; i++) {
      g_object_set (h->element, "model", i % 2 ? model_path () : other, NULL);
      g_array_unref (found_next (h, 0, i));
    }
    harness_free (h);
  }
  g_remove (other);
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("settings");
  tcase_add_test (tests, classes_choose);
  tcase_add_test (tests, unknown_classes);
  tcase_add_test (tests, classes_share_no_place);
  tcase_add_test (tests, region_is_a_frame);
  tcase_add_test (tests, region_changes);
  tcase_add_test (tests, bad_regions);
  tcase_add_test (tests, interval_passes_over);
  tcase_add_test (tests, carried_detections_tell_their_age);
  tcase_add_test (tests, nothing_is_carried_too_far);
  tcase_add_test (tests, attention_is_attached_when_asked);
  tcase_add_test (tests, stats_add_up);
  tcase_add_test (tests, stats_explain_silence);
  tcase_add_test (tests, a_good_model_takes_over);
  tcase_add_test (tests, a_bad_model_does_not);
  tcase_add_test (tests, precisions_change);
  tcase_add_test (tests, models_change_hastily);
  return run_suite (tests);
}
