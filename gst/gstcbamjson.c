/* GstCbamJson: the element `cbamjson`, which makes a line of JSON of the metadata of each frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-cbamjson
 * @title: cbamjson
 * @short_description: makes a line of JSON of the detections on each frame
 *
 * Takes video and gives text: one line for each frame, with the field names of DL Streamer's gvametaconvert:
 *
 * |[
 * {"objects":[{"detection":{"bounding_box":{"x_min":0.25,"y_min":0.5,"x_max":0.5,"y_max":0.75},"confidence":0.87,
 *  "label":"dog","label_id":12},"h":180,"roi_type":"dog","w":320,"x":320,"y":360}],
 *  "resolution":{"height":720,"width":1280},"timestamp":40000000}
 * ]|
 *
 * `bounding_box` is in fractions of the frame, `x`, `y`, `w` and `h` are in its pixels, and `timestamp` is the stream
 * time in nanoseconds. An object that a tracker has numbered has an `id`, and one that `cbamdetect` carries on from an
 * earlier frame has in its `detection` an `age` in nanoseconds. What `cbamclassify` saw in it is a list
 * `classifications` of objects with `label`, `label_id`, `confidence`, `model_name`, `layer_name` and maybe `age`, the
 * best class first. What is not known is not there, and neither is what is
 * no number in JSON: infinities and NaN. Pixels are not looked at, so any memory will do. A line is as long as there
 * are objects and nothing is kept from frame to frame; lines have the times of their frames. Where what follows may be
 * slow, a leaky queue before the element keeps it from holding up the video.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.avi ! decodebin ! videoconvert ! cbamdetect ! cbamjson \
 *   ! filesink location=street.jsonl
 * ]| Writes what is in a video to a file.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! cbamdetect ! tee name=t t. ! queue ! cbamoverlay \
 *   ! videoconvert ! autovideosink t. ! queue leaky=downstream max-size-buffers=30 \
 *   ! cbamjson source=door empty=false ! fdsink
 * ]| Shows what the camera sees, and prints a line whenever there is something.
 */

#include "gstcbamjson.h"

#include "draw/gstcbamscene.h"
#include "meta/gstcbamclassmeta.h"
#include "meta/gstcbamfield.h"
#include "meta/gstcbamregionmeta.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (gst_cbam_json_debug);
#define GST_CAT_DEFAULT gst_cbam_json_debug

enum
{
  PROP_0,
  PROP_SOURCE,
  PROP_EMPTY,
};

struct _GstCbamJson
{
  GstBaseTransform parent;

  char *source;   /* under the object lock */
  gboolean empty; /* as well */

  int width, height; /* of the frames */
  gboolean started;  /* there was a line: sinks wait for one before a pipeline plays, and hold up all of it */
  JsonGenerator *generator;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-json, format = (string) lines"));

G_DEFINE_FINAL_TYPE (GstCbamJson, gst_cbam_json, GST_TYPE_BASE_TRANSFORM)

static void
register_debug (void)
{
  GST_DEBUG_CATEGORY_INIT (gst_cbam_json_debug, "cbamjson", 0, "detections as lines of JSON");
}

GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cbamjson, "cbamjson", GST_RANK_NONE, GST_TYPE_CBAM_JSON, register_debug ())

/* ---- What a line says ---- */

/* Names are whatever somebody has written; JSON is UTF-8. */
static void
set_string (JsonObject *object, const char *member, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  json_object_set_string_member (object, member, valid);
}

/* JSON's whole numbers are signed here. */
static void
set_time (JsonObject *object, const char *member, guint64 time)
{
  if (time <= G_MAXINT64)
    json_object_set_int_member (object, member, (gint64) time);
}

/* JSON-GLib gives numbers without a point a ".0", be there an exponent or not: 1e-10.0 is no number. The next one
 * towards 0 has a point. */
static void
set_number (JsonObject *object, const char *member, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  while (strchr (g_ascii_dtostr (text, sizeof text, number), 'e') != NULL && strchr (text, '.') == NULL)
    number = nextafter (number, 0);
  json_object_set_double_member (object, member, number);
}

/* An edge as a fraction of the frame. */
static void
set_edge (JsonObject *object, const char *member, double edge, int size)
{
  set_number (object, member, CLAMP (edge / size, 0, 1));
}

static JsonObject *
detection_to_json (const GstCbamBox *box, const GstStructure *detection, int width, int height)
{
  JsonObject *edges = json_object_new (), *object = json_object_new ();
  guint64 age;
  int label_id;

  if (gst_structure_get_uint64 (detection, "age", &age))
    set_time (object, "age", age);
  set_edge (edges, "x_min", box->left, width);
  set_edge (edges, "y_min", box->top, height);
  set_edge (edges, "x_max", box->right, width);
  set_edge (edges, "y_max", box->bottom, height);
  json_object_set_object_member (object, "bounding_box", edges);
  if (box->score >= 0)
    set_number (object, "confidence", box->score);
  set_string (object, "label", box->label);
  if (gst_cbam_field_get_count (detection, "label_id", &label_id))
    json_object_set_int_member (object, "label_id", label_id);
  return object;
}

static JsonObject *
class_to_json (const GstStructure *class)
{
  static const char *const names[] = { "label", "layer_name", "model_name" };
  JsonObject *object = json_object_new ();
  double confidence;
  guint64 age;
  int label_id;

  if (gst_structure_get_uint64 (class, "age", &age))
    set_time (object, "age", age);
  if (gst_cbam_field_get_number (class, "confidence", &confidence))
    set_number (object, "confidence", confidence);
  if (gst_cbam_field_get_count (class, "label_id", &label_id))
    json_object_set_int_member (object, "label_id", label_id);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (gst_structure_get_string (class, names[i]) != NULL)
      set_string (object, names[i], gst_structure_get_string (class, names[i]));
  return object;
}

static JsonArray *
classes_to_json (const GPtrArray *classes)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < classes->len; i++)
    json_array_add_object_element (array, class_to_json (g_ptr_array_index (classes, i)));
  return array;
}

static JsonObject *
region_to_json (GstBuffer *buffer, const GstVideoRegionOfInterestMeta *region, int width, int height)
{
  const GstStructure *detection = gst_cbam_region_get_detection (buffer, region, width, height);
  const GstCbamBox box = gst_cbam_box_from_region (buffer, region, width, height);
  g_autoptr (GPtrArray) classes = gst_cbam_region_get_classes (buffer, region, width, height);
  JsonObject *object = json_object_new ();

  if (classes->len > 0)
    json_object_set_array_member (object, "classifications", classes_to_json (classes));
  if (detection != NULL)
    json_object_set_object_member (object, "detection", detection_to_json (&box, detection, width, height));
  json_object_set_int_member (object, "h", region->h);
  if (box.id >= 0)
    json_object_set_int_member (object, "id", box.id);
  set_string (object, "roi_type", box.label);
  json_object_set_int_member (object, "w", region->w);
  json_object_set_int_member (object, "x", box.x);
  json_object_set_int_member (object, "y", box.y);
  return object;
}

static JsonArray *
regions_to_json (GstCbamJson *self, GstBuffer *buffer)
{
  JsonArray *objects = json_array_new ();
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    json_array_add_object_element (
        objects, region_to_json (buffer, (GstVideoRegionOfInterestMeta *) meta, self->width, self->height));
  return objects;
}

static guint64
stream_time (GstCbamJson *self, GstBuffer *buffer)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  if (segment->format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_stream_time (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

/* Returns (transfer full): the line, with its end. Takes @objects. */
static char *
make_line (GstCbamJson *self, GstBuffer *buffer, JsonArray *objects, gsize *length)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (JsonObject) frame = json_object_new ();
  JsonObject *resolution = json_object_new ();
  const guint64 time = stream_time (self, buffer);

  json_object_set_array_member (frame, "objects", objects);
  json_object_set_int_member (resolution, "height", self->height);
  json_object_set_int_member (resolution, "width", self->width);
  json_object_set_object_member (frame, "resolution", resolution);
  GST_OBJECT_LOCK (self);
  if (self->source != NULL)
    set_string (frame, "source", self->source);
  GST_OBJECT_UNLOCK (self);
  set_time (frame, "timestamp", time);

  json_node_set_object (root, frame);
  json_generator_set_root (self->generator, root);
  char *line = json_generator_to_data (self->generator, length);
  line = g_realloc (line, *length + 1);
  line[(*length)++] = '\n'; /* in the place of the final zero: nobody reads it as a string */
  return line;
}

/* ---- The transform ---- */

static GstCaps *
gst_cbam_json_transform_caps (GstBaseTransform *base, GstPadDirection direction, G_GNUC_UNUSED GstCaps *caps,
                              GstCaps *filter)
{
  GstPad *other = direction == GST_PAD_SINK ? base->srcpad : base->sinkpad;
  GstCaps *possible = gst_pad_get_pad_template_caps (other);

  if (filter != NULL) {
    g_autoptr (GstCaps) unfiltered = possible;
    possible = gst_caps_intersect_full (filter, unfiltered, GST_CAPS_INTERSECT_FIRST);
  }
  return possible;
}

/* Only the size matters, and that is there whatever the format is. */
static gboolean
gst_cbam_json_set_caps (GstBaseTransform *base, GstCaps *in, G_GNUC_UNUSED GstCaps *out)
{
  GstCbamJson *self = GST_CBAM_JSON (base);
  const GstStructure *structure = gst_caps_get_structure (in, 0);

  if (gst_structure_get_int (structure, "width", &self->width) &&
      gst_structure_get_int (structure, "height", &self->height) && self->width > 0 && self->height > 0)
    return TRUE;
  g_autofree char *text = gst_caps_to_string (in);
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("Expected frames with a width and a height, found %s.", text), (NULL));
  return FALSE;
}

/* Whatever upstream does to pixels or leaves undone is fine: it may attach its drawings, say. */
static gboolean
gst_cbam_json_propose_allocation (G_GNUC_UNUSED GstBaseTransform *base, G_GNUC_UNUSED GstQuery *decide, GstQuery *query)
{
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_query_add_allocation_meta (query, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE, NULL);
  gst_query_add_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  return TRUE;
}

static gboolean
gst_cbam_json_decide_allocation (G_GNUC_UNUSED GstBaseTransform *base, G_GNUC_UNUSED GstQuery *query)
{
  return TRUE; /* lines are as long as they are: no pool fits them */
}

static GstFlowReturn
gst_cbam_json_prepare_output_buffer (G_GNUC_UNUSED GstBaseTransform *base, GstBuffer *in, GstBuffer **out)
{
  *out = gst_buffer_new ();
  gst_buffer_copy_into (*out, in, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  return GST_FLOW_OK;
}

static gboolean
gst_cbam_json_start (GstBaseTransform *base)
{
  GST_CBAM_JSON (base)->started = FALSE;
  return TRUE;
}

static gboolean
gst_cbam_json_sink_event (GstBaseTransform *base, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    GST_CBAM_JSON (base)->started = FALSE;
  return GST_BASE_TRANSFORM_CLASS (gst_cbam_json_parent_class)->sink_event (base, event);
}

static GstFlowReturn
gst_cbam_json_transform (GstBaseTransform *base, GstBuffer *in, GstBuffer *out)
{
  GstCbamJson *self = GST_CBAM_JSON (base);
  g_autoptr (JsonArray) objects = regions_to_json (self, in);
  gsize length;

  GST_OBJECT_LOCK (self);
  const gboolean wanted = self->empty || !self->started || json_array_get_length (objects) > 0;
  GST_OBJECT_UNLOCK (self);
  if (!wanted)
    return GST_BASE_TRANSFORM_FLOW_DROPPED;
  self->started = TRUE;
  char *line = make_line (self, in, g_steal_pointer (&objects), &length);
  gst_buffer_append_memory (out, gst_memory_new_wrapped (0, line, length, 0, length, line, g_free));
  return GST_FLOW_OK;
}

/* ---- Properties ---- */

static void
gst_cbam_json_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCbamJson *self = GST_CBAM_JSON (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_SOURCE:
      g_free (self->source);
      self->source = g_value_dup_string (value);
      break;
    case PROP_EMPTY: self->empty = g_value_get_boolean (value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cbam_json_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCbamJson *self = GST_CBAM_JSON (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_SOURCE: g_value_set_string (value, self->source); break;
    case PROP_EMPTY: g_value_set_boolean (value, self->empty); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cbam_json_finalize (GObject *object)
{
  GstCbamJson *self = GST_CBAM_JSON (object);

  g_free (self->source);
  g_object_unref (self->generator);
  G_OBJECT_CLASS (gst_cbam_json_parent_class)->finalize (object);
}

static void
gst_cbam_json_class_init (GstCbamJsonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  object_class->set_property = gst_cbam_json_set_property;
  object_class->get_property = gst_cbam_json_get_property;
  object_class->finalize = gst_cbam_json_finalize;
  g_object_class_install_property (
      object_class, PROP_SOURCE,
      g_param_spec_string ("source", "Source",
                           "What the member \"source\" of each line says, such as the camera's name. Unset = lines "
                           "have none",
                           NULL, flags));
  g_object_class_install_property (
      object_class, PROP_EMPTY,
      g_param_spec_boolean (
          "empty", "Empty",
          "Whether frames with nothing on them have a line too. The first frame has one always: sinks "
          "wait for it",
          TRUE, flags));

  base_class->start = GST_DEBUG_FUNCPTR (gst_cbam_json_start);
  base_class->sink_event = GST_DEBUG_FUNCPTR (gst_cbam_json_sink_event);
  base_class->transform_caps = GST_DEBUG_FUNCPTR (gst_cbam_json_transform_caps);
  base_class->set_caps = GST_DEBUG_FUNCPTR (gst_cbam_json_set_caps);
  base_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_cbam_json_propose_allocation);
  base_class->decide_allocation = GST_DEBUG_FUNCPTR (gst_cbam_json_decide_allocation);
  base_class->prepare_output_buffer = GST_DEBUG_FUNCPTR (gst_cbam_json_prepare_output_buffer);
  base_class->transform = GST_DEBUG_FUNCPTR (gst_cbam_json_transform);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CBAM detections as JSON", "Converter/Metadata/Video",
                                         "Makes a line of JSON of the detections on each frame",
                                         "the cbamdetect developers");
}

static void
gst_cbam_json_init (GstCbamJson *self)
{
  self->empty = TRUE;
  self->generator = json_generator_new ();
}
