/* Reads the JSON document of a model file into a CbamSpec, top to bottom as models/README.md writes it down. Readers
 * remember the first error and read nothing after it, so the document's functions have no branches for errors.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file/spec.h"

#include <math.h>
#include <string.h>

#include "file/json.h"

#define MAX_SIZE 8192       /* pixels, map cells, classes: beyond what any detector has */
#define MAX_ANCHORS 4000000 /* SSD512 has 24564; bounds the memory a few numbers in a file can ask for */
#define MAX_COUNT 1000000   /* top_k, keep */
#define REQUIRED (-1)

/* ---- tables of names ------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  int value;
} Name;

static const Name detectors[] = { { "ssd", CBAM_DETECTOR_SSD }, { "stairnet", CBAM_DETECTOR_STAIRNET }, { NULL, 0 } };
static const Name backbones[] = { { "vgg16", CBAM_BACKBONE_VGG16 },
                                  { "mobilenet_v1", CBAM_BACKBONE_MOBILENET_V1 },
                                  { NULL, 0 } };
static const Name activations[] = { { "relu", CBAM_ACTIVATION_RELU }, { "relu6", CBAM_ACTIVATION_RELU6 }, { NULL, 0 } };
static const Name paddings[] = { { "symmetric", CBAM_PADDING_SYMMETRIC }, { "same", CBAM_PADDING_SAME }, { NULL, 0 } };
static const Name upsamples[] = { { "deconv", CBAM_UPSAMPLE_DECONV },
                                  { "nearest", CBAM_UPSAMPLE_NEAREST },
                                  { "bilinear", CBAM_UPSAMPLE_BILINEAR },
                                  { NULL, 0 } };
static const Name pools[] = {
  { "avg", CBAM_POOL_AVG }, { "max", CBAM_POOL_MAX }, { "lp", CBAM_POOL_LP }, { "lse", CBAM_POOL_LSE }, { NULL, 0 }
};
static const Name orders[] = { { "channel-spatial", CBAM_ORDER_CHANNEL_SPATIAL },
                               { "spatial-channel", CBAM_ORDER_SPATIAL_CHANNEL },
                               { "parallel", CBAM_ORDER_PARALLEL },
                               { NULL, 0 } };
static const Name spatial_inputs[] = { { "max-mean", CBAM_SPATIAL_INPUT_MAX_MEAN },
                                       { "mean-max", CBAM_SPATIAL_INPUT_MEAN_MAX },
                                       { "conv", CBAM_SPATIAL_INPUT_CONV },
                                       { NULL, 0 } };
static const Name combines[] = { { "mul", CBAM_COMBINE_MUL }, { "add", CBAM_COMBINE_ADD }, { NULL, 0 } };
static const Name places[] = {
  { "levels", CBAM_PLACE_LEVELS }, { "blocks", CBAM_PLACE_BLOCKS }, { "both", CBAM_PLACE_BOTH }, { NULL, 0 }
};
static const Name channel_orders[] = { { "rgb", CBAM_CHANNELS_RGB }, { "bgr", CBAM_CHANNELS_BGR }, { NULL, 0 } };
static const Name resizes[] = { { "stretch", CBAM_RESIZE_STRETCH },
                                { "letterbox", CBAM_RESIZE_LETTERBOX },
                                { NULL, 0 } };
static const Name roundings[] = { { "none", CBAM_ROUNDING_NONE }, { "u8", CBAM_ROUNDING_U8 }, { NULL, 0 } };
static const Name clips[] = { { "none", CBAM_CLIP_NONE },
                              { "cxcywh", CBAM_CLIP_CXCYWH },
                              { "wh", CBAM_CLIP_WH },
                              { "corner", CBAM_CLIP_CORNER },
                              { NULL, 0 } };
static const Name scores[] = { { "softmax", CBAM_SCORE_SOFTMAX }, { "sigmoid", CBAM_SCORE_SIGMOID }, { NULL, 0 } };
static const Name profiles[] = { { "caffe", CBAM_PROFILE_CAFFE },
                                 { "ssd.pytorch", CBAM_PROFILE_SSD_PYTORCH },
                                 { "torchvision", CBAM_PROFILE_TORCHVISION },
                                 { "lufficc", CBAM_PROFILE_LUFFICC },
                                 { "rfbnet", CBAM_PROFILE_RFBNET },
                                 { "qfgaohao", CBAM_PROFILE_QFGAOHAO },
                                 { NULL, 0 } };

/* What each implementation filters with; the threshold is the one for display, evaluation sets its own. */
static const CbamDetectParams profile_params[] = {
  [CBAM_PROFILE_CAFFE] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 400, .max_detections = 200 },
  [CBAM_PROFILE_SSD_PYTORCH] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 200, .max_detections = 0 },
  [CBAM_PROFILE_TORCHVISION] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 400, .max_detections = 200 },
  [CBAM_PROFILE_LUFFICC] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 0, .max_detections = 100 },
  [CBAM_PROFILE_RFBNET] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 0, .max_detections = 200 },
  [CBAM_PROFILE_QFGAOHAO] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 200, .max_detections = 0 },
};

/* ---- the reader ------------------------------------------------------------------------------------------------ */

typedef struct
{
  const char *where;
  GError *error; /* the first one; nothing is read after it */
} Reader;

/* An object of the document; @object is %NULL where it is absent, and every read then gives its default. */
typedef struct
{
  Reader *reader;
  JsonObject *object;
  const char *path; /* "network.attention"; "" is the document */
} Scope;

typedef struct
{
  double low, high;
  gboolean above_low; /* @low itself is out */
} Range;

static const Range unit_range = { 0, 1, FALSE };
static const Range positive_range = { 0, MAX_SIZE, TRUE };
static const Range epsilon_range = { 0, 1, TRUE };
static const Range width_range = { 0, 16, TRUE };
static const Range mean_range = { -1000, 1000, FALSE };
static const Range ratio_range = { 0, 100, TRUE };

static void fail (Reader *reader, const char *path, JsonNode *found, const char *expected, ...) G_GNUC_PRINTF (4, 5);

static void
fail (Reader *reader, const char *path, JsonNode *found, const char *expected, ...)
{
  g_autofree char *wanted = NULL;
  g_autofree char *shown = NULL;
  va_list args;

  if (reader->error != NULL)
    return;
  va_start (args, expected);
  wanted = g_strdup_vprintf (expected, args);
  va_end (args);
  shown = cbam_json_describe (found);
  reader->error = g_error_new (CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: %s: expected %s, found %s", reader->where, path,
                               wanted, shown);
}

static char *
path_of (const Scope *scope, const char *key)
{
  return g_strconcat (scope->path, scope->path[0] == '\0' ? "" : ".", key, NULL);
}

/* The value of @key; a null counts as absent. */
static JsonNode *
lookup (const Scope *scope, const char *key)
{
  JsonNode *node;

  if (scope->reader->error != NULL || scope->object == NULL)
    return NULL;
  node = json_object_get_member (scope->object, key);
  return node == NULL || JSON_NODE_HOLDS_NULL (node) ? NULL : node;
}

/* Whether a required key of @scope is not there, which is then an error unless the whole scope is absent. */
static gboolean
is_missing (const Scope *scope, JsonNode *node)
{
  return node == NULL && scope->object != NULL && scope->reader->error == NULL;
}

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

/* A string that is not empty, and text: escapes can make bytes that are none. */
static gboolean
holds_text (JsonNode *node)
{
  return holds (node, G_TYPE_STRING) && json_node_get_string (node)[0] != '\0' &&
         g_utf8_validate (json_node_get_string (node), -1, NULL);
}

/* The object at @path, which is the parent's path and the key. */
static Scope
enter (const Scope *parent, const char *path, gboolean required)
{
  const char *dot = strrchr (path, '.');
  Scope scope = { .reader = parent->reader, .path = path };
  JsonNode *node = lookup (parent, dot != NULL ? dot + 1 : path);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    scope.object = json_node_get_object (node);
  else if (node != NULL || (required && is_missing (parent, node)))
    fail (parent->reader, path, node, "an object");
  return scope;
}

static char *
read_string (const Scope *scope, const char *key)
{
  g_autofree char *path = path_of (scope, key);
  JsonNode *node = lookup (scope, key);

  if (node == NULL)
    return NULL;
  if (!holds_text (node)) {
    fail (scope->reader, path, node, "a string that is not empty");
    return NULL;
  }
  return json_node_dup_string (node);
}

static gboolean
read_boolean (const Scope *scope, const char *key, gboolean fallback)
{
  g_autofree char *path = path_of (scope, key);
  JsonNode *node = lookup (scope, key);

  if (node == NULL)
    return fallback;
  if (!holds (node, G_TYPE_BOOLEAN)) {
    fail (scope->reader, path, node, "true or false");
    return fallback;
  }
  return json_node_get_boolean (node);
}

/* @node's value in the table @names, which ends with a %NULL name. */
static int
node_to_name (Reader *reader, const char *path, JsonNode *node, const Name *names)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (const Name *name = names; name->name != NULL; name++) {
    if (node != NULL && holds (node, G_TYPE_STRING) && g_str_equal (name->name, json_node_get_string (node)))
      return name->value;
    g_string_append_printf (all, "%s%s", name == names ? "" : ", ", name->name);
  }
  fail (reader, path, node, "one of %s", all->str);
  return names[0].value;
}

static int
read_name (const Scope *scope, const char *key, const Name *names, int fallback)
{
  g_autofree char *path = path_of (scope, key);
  JsonNode *node = lookup (scope, key);

  if (node != NULL || (fallback == REQUIRED && is_missing (scope, node)))
    return node_to_name (scope->reader, path, node, names);
  return fallback == REQUIRED ? names[0].value : fallback;
}

static double
node_to_double (Reader *reader, const char *path, JsonNode *node, const Range *range)
{
  char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];

  if (node != NULL && (holds (node, G_TYPE_INT64) || holds (node, G_TYPE_DOUBLE))) {
    double value = json_node_get_double (node);

    /* NaN fails both comparisons. */
    if ((range->above_low ? value > range->low : value >= range->low) && value <= range->high)
      return value;
  }
  g_ascii_formatd (low, sizeof low, "%g", range->low);
  g_ascii_formatd (high, sizeof high, "%g", range->high);
  fail (reader, path, node, "a number %s %s and up to %s", range->above_low ? "above" : "from", low, high);
  return range->high;
}

static double
read_double (const Scope *scope, const char *key, const Range *range, double fallback)
{
  g_autofree char *path = path_of (scope, key);
  JsonNode *node = lookup (scope, key);

  return node == NULL ? fallback : node_to_double (scope->reader, path, node, range);
}

/* Whole numbers; 300.0 counts as one. */
static guint
node_to_uint (Reader *reader, const char *path, JsonNode *node, guint low, guint high)
{
  if (node != NULL && (holds (node, G_TYPE_INT64) || holds (node, G_TYPE_DOUBLE))) {
    double value = json_node_get_double (node);

    if (value >= low && value <= high && value == floor (value))
      return (guint) value;
  }
  if (low == high)
    fail (reader, path, node, "%u", low);
  else
    fail (reader, path, node, "a whole number from %u to %u", low, high);
  return low;
}

static guint
read_uint (const Scope *scope, const char *key, guint low, guint high, int fallback)
{
  g_autofree char *path = path_of (scope, key);
  JsonNode *node = lookup (scope, key);

  if (node != NULL || (fallback == REQUIRED && is_missing (scope, node)))
    return node_to_uint (scope->reader, path, node, low, high);
  return fallback == REQUIRED ? low : (guint) fallback;
}

/* The list at @key with @low to @high entries of @what, or %NULL. */
static JsonArray *
read_list (const Scope *scope, const char *key, const char *what, guint low, guint high, gboolean required)
{
  g_autofree char *path = path_of (scope, key);
  JsonNode *node = lookup (scope, key);
  guint n;

  if (node == NULL && !(required && is_missing (scope, node)))
    return NULL;

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node)) {
    n = json_array_get_length (json_node_get_array (node));
    if (n >= low && n <= high)
      return json_node_get_array (node);
  }
  if (low == high)
    fail (scope->reader, path, node, "a list of %u %s", low, what);
  else
    fail (scope->reader, path, node, "a list of %u to %u %s", low, high, what);
  return NULL;
}

static char **
read_strings (const Scope *scope, const char *key, guint low, guint high, gboolean required)
{
  JsonArray *list = read_list (scope, key, "names", low, high, required);
  GPtrArray *strings;

  if (list == NULL)
    return NULL;
  strings = g_ptr_array_new ();
  for (guint i = 0; i < json_array_get_length (list); i++) {
    g_autofree char *path = g_strdup_printf ("%s.%s[%u]", scope->path, key, i);
    JsonNode *node = json_array_get_element (list, i);

    if (holds_text (node))
      g_ptr_array_add (strings, json_node_dup_string (node));
    else
      fail (scope->reader, path, node, "a name");
  }
  g_ptr_array_add (strings, NULL);
  return (char **) g_ptr_array_free (strings, FALSE);
}

/* @n numbers into @values, which keep what they held where the key is absent. */
static void
read_floats (const Scope *scope, const char *key, const Range *range, float *values, guint n)
{
  JsonArray *list = read_list (scope, key, "numbers", n, n, FALSE);

  for (guint i = 0; list != NULL && i < n; i++) {
    g_autofree char *path = g_strdup_printf ("%s.%s[%u]", scope->path, key, i);

    values[i] = (float) node_to_double (scope->reader, path, json_array_get_element (list, i), range);
  }
}

/* The pair of sizes [height, width] at @path. */
static JsonArray *
node_to_pair (Reader *reader, const char *path, JsonNode *node, const char *what)
{
  if (JSON_NODE_HOLDS_ARRAY (node) && json_array_get_length (json_node_get_array (node)) == 2)
    return json_node_get_array (node);
  fail (reader, path, node, "%s", what);
  return NULL;
}

/* ---- the document ---------------------------------------------------------------------------------------------- */

static guint
read_pools (const Scope *scope)
{
  JsonArray *list = read_list (scope, "pool", "pool types", 1, G_N_ELEMENTS (pools) - 1, FALSE);
  guint set = 0;

  if (list == NULL)
    return CBAM_POOL_AVG | CBAM_POOL_MAX;
  for (guint i = 0; i < json_array_get_length (list); i++) {
    g_autofree char *path = g_strdup_printf ("%s.pool[%u]", scope->path, i);
    JsonNode *node = json_array_get_element (list, i);
    guint pool = (guint) node_to_name (scope->reader, path, node, pools);

    if ((set & pool) != 0)
      fail (scope->reader, path, node, "every pool type once");
    set |= pool;
  }
  return set;
}

static void
read_attention (const Scope *network, CbamAttentionSpec *attention)
{
  Scope scope = enter (network, "network.attention", FALSE);

  attention->kind = read_string (&scope, "kind");
  if (attention->kind != NULL && g_str_equal (attention->kind, "none"))
    g_clear_pointer (&attention->kind, g_free);
  attention->pool = read_pools (&scope);
  attention->order = read_name (&scope, "order", orders, CBAM_ORDER_CHANNEL_SPATIAL);
  attention->spatial_input = read_name (&scope, "spatial_input", spatial_inputs, CBAM_SPATIAL_INPUT_MAX_MEAN);
  attention->spatial = read_boolean (&scope, "spatial", TRUE);
  attention->channel = read_boolean (&scope, "channel", TRUE);
  attention->combine = read_name (&scope, "combine", combines, CBAM_COMBINE_MUL);
  attention->dilation = read_uint (&scope, "dilation", 1, 64, 4);
  attention->spatial_relu = read_boolean (&scope, "spatial_relu", FALSE);
  attention->place = read_name (&scope, "place", places, CBAM_PLACE_LEVELS);

  if (attention->kind != NULL && !attention->spatial && !attention->channel)
    fail (scope.reader, "network.attention.spatial", lookup (&scope, "spatial"),
          "true where network.attention.channel is false");
}

/* Stride and padding of the extras' convs larger than 1x1. */
static void
read_extras (const Scope *network, CbamNetworkSpec *spec)
{
  Scope scope = enter (network, "network.extras", FALSE);
  JsonArray *strides = read_list (&scope, "stride", "strides", 1, CBAM_MAX_EXTRAS, TRUE);
  guint n = strides == NULL ? 0 : json_array_get_length (strides);
  JsonArray *pads = read_list (&scope, "pad", "paddings (one per stride)", n, n, TRUE);

  if (pads == NULL)
    return;
  spec->n_extras = n;
  for (guint i = 0; i < n; i++) {
    g_autofree char *stride_path = g_strdup_printf ("network.extras.stride[%u]", i);
    g_autofree char *pad_path = g_strdup_printf ("network.extras.pad[%u]", i);

    spec->extras_stride[i] = node_to_uint (scope.reader, stride_path, json_array_get_element (strides, i), 1, 8);
    spec->extras_pad[i] = node_to_uint (scope.reader, pad_path, json_array_get_element (pads, i), 0, 8);
  }
}

static void
read_network (const Scope *document, CbamNetworkSpec *network)
{
  Scope scope = enter (document, "network", TRUE);

  network->detector = read_name (&scope, "detector", detectors, REQUIRED);
  network->backbone = read_name (&scope, "backbone", backbones, REQUIRED);
  network->width = read_double (&scope, "width", &width_range, 1);
  network->activation = read_name (&scope, "activation", activations, CBAM_ACTIVATION_RELU);
  network->padding = read_name (&scope, "padding", paddings, CBAM_PADDING_SYMMETRIC);
  network->levels = read_uint (&scope, "levels", 1, CBAM_MAX_LEVELS, 6);
  /* More sources than levels is right: StairNet's coarsest map may be only the seed of the others. */
  network->sources = read_strings (&scope, "sources", network->levels, CBAM_MAX_LEVELS, FALSE);
  read_extras (&scope, network);
  network->upsample = read_name (&scope, "upsample", upsamples, CBAM_UPSAMPLE_DECONV);
  read_attention (&scope, &network->attention);
  network->sum_relu = read_boolean (&scope, "sum_relu", FALSE);
  network->bn_eps = read_double (&scope, "bn_eps", &epsilon_range, 1e-5);
  network->l2norm_eps = read_double (&scope, "l2norm_eps", &epsilon_range, 1e-10);
}

static void
read_input (const Scope *document, CbamInputSpec *input)
{
  Scope scope = enter (document, "input", TRUE);

  input->width = read_uint (&scope, "width", 1, MAX_SIZE, REQUIRED);
  input->height = read_uint (&scope, "height", 1, MAX_SIZE, REQUIRED);
  input->channels = read_name (&scope, "channels", channel_orders, REQUIRED);
  for (guint c = 0; c < 3; c++)
    input->scale[c] = 1;
  read_floats (&scope, "mean", &mean_range, input->mean, 3);
  read_floats (&scope, "scale", &positive_range, input->scale, 3);
  input->resize = read_name (&scope, "resize", resizes, CBAM_RESIZE_STRETCH);
  input->rounding = read_name (&scope, "rounding", roundings, CBAM_ROUNDING_NONE);
}

static void
read_maps (const Scope *scope, const CbamInputSpec *input, CbamAnchorSpec *anchors)
{
  guint n = anchors->n_levels;
  JsonArray *maps = read_list (scope, "maps", "maps (one per network.levels)", n, n, TRUE);

  for (guint l = 0; maps != NULL && l < n; l++) {
    g_autofree char *path = g_strdup_printf ("anchors.maps[%u]", l);
    g_autofree char *h_path = g_strdup_printf ("anchors.maps[%u][0]", l);
    g_autofree char *w_path = g_strdup_printf ("anchors.maps[%u][1]", l);
    JsonArray *map = node_to_pair (scope->reader, path, json_array_get_element (maps, l), "[height, width]");

    if (map == NULL)
      return;
    anchors->map_height[l] = node_to_uint (scope->reader, h_path, json_array_get_element (map, 0), 1, input->height);
    anchors->map_width[l] = node_to_uint (scope->reader, w_path, json_array_get_element (map, 1), 1, input->width);
  }
}

/* A step is one number of pixels for both axes, or [h, w]. */
static void
read_steps (const Scope *scope, CbamAnchorSpec *anchors)
{
  guint n = anchors->n_levels;
  JsonArray *steps = read_list (scope, "steps", "steps (one per network.levels)", n, n, FALSE);

  for (guint l = 0; steps != NULL && l < n; l++) {
    g_autofree char *path = g_strdup_printf ("anchors.steps[%u]", l);
    JsonNode *node = json_array_get_element (steps, l);
    JsonNode *h = node, *w = node;

    if (JSON_NODE_HOLDS_ARRAY (node)) {
      JsonArray *pair = node_to_pair (scope->reader, path, node, "a number or [height, width]");

      if (pair == NULL)
        return;
      h = json_array_get_element (pair, 0);
      w = json_array_get_element (pair, 1);
    }
    anchors->step_y[l] = node_to_double (scope->reader, path, h, &positive_range);
    anchors->step_x[l] = node_to_double (scope->reader, path, w, &positive_range);
  }
}

static void
read_sizes (const Scope *scope, CbamAnchorSpec *anchors)
{
  guint n = anchors->n_levels;
  JsonArray *mins = read_list (scope, "min_sizes", "numbers (one per network.levels)", n, n, TRUE);
  JsonArray *maxs = read_list (scope, "max_sizes", "numbers or nulls (one per network.levels)", n, n, FALSE);

  for (guint l = 0; mins != NULL && l < n; l++) {
    g_autofree char *path = g_strdup_printf ("anchors.min_sizes[%u]", l);

    anchors->min_size[l] = node_to_double (scope->reader, path, json_array_get_element (mins, l), &positive_range);
  }
  for (guint l = 0; maxs != NULL && l < n; l++) {
    g_autofree char *path = g_strdup_printf ("anchors.max_sizes[%u]", l);
    Range above_min = { anchors->min_size[l], 2 * MAX_SIZE, TRUE };
    JsonNode *node = json_array_get_element (maxs, l);

    if (!JSON_NODE_HOLDS_NULL (node))
      anchors->max_size[l] = node_to_double (scope->reader, path, node, &above_min);
  }
}

static void
read_ratios (const Scope *scope, CbamAnchorSpec *anchors)
{
  guint n = anchors->n_levels;
  JsonArray *levels = read_list (scope, "aspect_ratios", "lists (one per network.levels)", n, n, FALSE);

  for (guint l = 0; levels != NULL && l < n; l++) {
    g_autofree char *path = g_strdup_printf ("anchors.aspect_ratios[%u]", l);
    JsonNode *node = json_array_get_element (levels, l);
    JsonArray *ratios = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

    if (ratios == NULL || json_array_get_length (ratios) > CBAM_MAX_RATIOS) {
      fail (scope->reader, path, node, "a list of 0 to %d numbers", CBAM_MAX_RATIOS);
      return;
    }
    anchors->n_ratios[l] = json_array_get_length (ratios);
    for (guint r = 0; r < anchors->n_ratios[l]; r++) {
      g_autofree char *ratio_path = g_strdup_printf ("anchors.aspect_ratios[%u][%u]", l, r);

      anchors->ratios[l][r] =
          node_to_double (scope->reader, ratio_path, json_array_get_element (ratios, r), &ratio_range);
    }
  }
}

static void
check_anchor_count (const Scope *scope, const CbamAnchorSpec *anchors)
{
  guint64 n = 0;

  for (guint l = 0; l < anchors->n_levels; l++)
    n += (guint64) anchors->map_width[l] * anchors->map_height[l] *
         (1 + (anchors->max_size[l] > 0) + 2 * anchors->n_ratios[l]);
  if (n > MAX_ANCHORS)
    fail (scope->reader, "anchors.maps", lookup (scope, "maps"),
          "maps for at most %d anchors (not %" G_GUINT64_FORMAT ")", MAX_ANCHORS, n);
}

static void
read_anchors (const Scope *document, const CbamSpec *spec, CbamAnchorSpec *anchors)
{
  Scope scope = enter (document, "anchors", TRUE);

  anchors->tensor = read_string (&scope, "tensor");
  if (anchors->tensor != NULL) {
    if (lookup (&scope, "maps") != NULL)
      fail (scope.reader, "anchors.maps", lookup (&scope, "maps"), "no maps beside anchors.tensor");
    return;
  }
  if (is_missing (&scope, lookup (&scope, "maps")))
    fail (scope.reader, "anchors", lookup (document, "anchors"), "\"tensor\" or \"maps\"");

  anchors->n_levels = spec->network.levels;
  read_maps (&scope, &spec->input, anchors);
  read_steps (&scope, anchors);
  read_sizes (&scope, anchors);
  read_ratios (&scope, anchors);
  anchors->clip = read_name (&scope, "clip", clips, CBAM_CLIP_NONE);
  check_anchor_count (&scope, anchors);
}

static void
read_output (const Scope *document, CbamSpec *spec)
{
  static const float variances[4] = { 0.1f, 0.1f, 0.2f, 0.2f };
  Scope scope = enter (document, "output", TRUE);
  CbamOutputSpec *output = &spec->output;
  guint n_reported = 0;

  output->classes = read_strings (&scope, "classes", 1, MAX_SIZE, TRUE);
  output->n_classes = output->classes == NULL ? 0 : g_strv_length (output->classes);
  output->score = read_name (&scope, "score", scores, REQUIRED);
  memcpy (output->variances, variances, sizeof variances);
  read_floats (&scope, "variances", &positive_range, output->variances, 4);

  for (guint c = 0; c < output->n_classes; c++)
    n_reported += cbam_spec_class_is_reported (spec, c) ? 1 : 0;
  if (n_reported == 0)
    fail (scope.reader, "output.classes", lookup (&scope, "classes"), "a class besides background");
}

static void
read_nms (const Scope *document, CbamNmsSpec *nms)
{
  Scope scope = enter (document, "nms", FALSE);

  nms->profile = read_name (&scope, "profile", profiles, CBAM_PROFILE_CAFFE);
  nms->params = profile_params[nms->profile];
  nms->params.threshold = (float) read_double (&scope, "threshold", &unit_range, nms->params.threshold);
  nms->params.nms_iou = (float) read_double (&scope, "iou", &unit_range, nms->params.nms_iou);
  nms->params.top_k = read_uint (&scope, "top_k", 0, MAX_COUNT, (int) nms->params.top_k);
  nms->params.max_detections = read_uint (&scope, "keep", 0, MAX_COUNT, (int) nms->params.max_detections);
}

CbamSpec *
cbam_spec_parse (const char *where, const char *json, GError **error)
{
  g_autoptr (CbamSpec) spec = g_new0 (CbamSpec, 1);
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *whole = g_strdup_printf ("%s: metadata cbamdetect", where);
  Reader reader = { .where = where };
  Scope document = { .reader = &reader, .path = "" };

  g_return_val_if_fail (where != NULL && json != NULL, NULL);

  object = cbam_json_parse_object (whole, json, strlen (json), error);
  if (object == NULL)
    return NULL;

  document.object = object;
  read_uint (&document, "version", 1, 1, REQUIRED);
  spec->document = g_strdup (json);
  spec->name = read_string (&document, "name");
  spec->description = read_string (&document, "description");
  read_network (&document, &spec->network);
  read_input (&document, &spec->input);
  read_anchors (&document, spec, &spec->anchors);
  read_output (&document, spec);
  read_nms (&document, &spec->nms);
  enter (&document, "provenance", FALSE); /* for people; nothing here needs more than its being an object */

  if (reader.error != NULL) {
    g_propagate_error (error, reader.error);
    return NULL;
  }
  return g_steal_pointer (&spec);
}

void
cbam_spec_free (CbamSpec *spec)
{
  if (spec == NULL)
    return;
  g_free (spec->network.attention.kind);
  g_strfreev (spec->network.sources);
  g_strfreev (spec->output.classes);
  g_free (spec->anchors.tensor);
  g_free (spec->description);
  g_free (spec->document);
  g_free (spec->name);
  g_free (spec);
}

gboolean
cbam_spec_class_is_reported (const CbamSpec *spec, guint class_id)
{
  g_return_val_if_fail (class_id < spec->output.n_classes, FALSE);

  if (class_id == 0 && g_str_equal (spec->output.classes[0], "background"))
    return FALSE;
  return !g_str_equal (spec->output.classes[class_id], "???");
}
