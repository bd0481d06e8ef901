/* Makes the tensors of the test model, and writes safetensors files.
 *
 *     8 bytes   length of the header
 *     header    JSON: name -> dtype, shape, data_offsets; "__metadata__" -> { "cbamdetect": the document as text }
 *     the rest  the tensors' bytes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "write-model.h"

#include <math.h>
#include <string.h>

#include "presets/seeded.h"

#define LEVELS 3
#define CLASSIFIED 256 /* channels of the trunk's last map */
#define PER_CELL 4

static const char document[] =
    "{ \"version\": 1, \"name\": \"test-model\", \"description\": \"random weights\","
    "  \"network\": { \"detector\": \"ssd\", \"backbone\": \"mobilenet_v1\", \"width\": 0.25,"
    "    \"activation\": \"relu6\", \"padding\": \"symmetric\", \"levels\": 3 },"
    "  \"input\": { \"width\": 64, \"height\": 64, \"channels\": \"rgb\", \"mean\": [127.5, 127.5, 127.5],"
    "    \"scale\": [0.0078125, 0.0078125, 0.0078125] },"
    "  \"anchors\": { \"maps\": [[4, 4], [2, 2], [1, 1]], \"min_sizes\": [12, 28, 44], \"max_sizes\": [28, 44, 60],"
    "    \"aspect_ratios\": [[2], [2], [2]] },"
    "  \"output\": { \"classes\": [\"background\", \"cat\", \"dog\", \"bird\", \"horse\"], \"score\": \"sigmoid\" },"
    "  \"nms\": { \"threshold\": 0.5, \"iou\": 0.45, \"top_k\": 0, \"keep\": 0 } }";

static const char *const dtype_names[] = { "F32", "F16", "BF16", "I64" };
static const gsize dtype_sizes[] = { 4, 2, 2, 8 };

/* ---- Tensors ---------------------------------------------------------------------------------------------------- */

static void
tensor_free (TestTensor *tensor)
{
  g_free (tensor->name);
  g_array_unref (tensor->values);
  g_free (tensor);
}

static void
tensor_reshape (TestTensor *tensor, guint n_dims, const gsize *dims)
{
  gsize n = 1;

  g_assert (n_dims <= G_N_ELEMENTS (tensor->dims));
  tensor->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++) {
    tensor->dims[i] = dims[i];
    n *= dims[i];
  }
  g_array_set_size (tensor->values, n);
}

TestTensor *
test_model_add (TestModel *model, const char *name, guint n_dims, const gsize *dims)
{
  TestTensor *tensor = g_new0 (TestTensor, 1);

  tensor->name = g_strdup (name);
  tensor->values = g_array_new (FALSE, TRUE, sizeof (float));
  tensor_reshape (tensor, n_dims, dims);
  g_ptr_array_add (model->tensors, tensor);
  return tensor;
}

void
test_model_classify (TestModel *model, guint n_classes, guint32 seed)
{
  const gsize dims[] = { n_classes, CLASSIFIED };
  g_autoptr (GString) classes = g_string_new ("[");
  TestTensor *weight = test_model_add (model, "fc.weight", 2, dims);

  test_model_add (model, "fc.bias", 1, dims);
  if (seed != 0)
    cbam_seeded_fill ("fc.weight", dims, 2, seed, (float *) weight->values->data);
  for (guint k = 0; k + 1 < n_classes; k++)
    g_string_append_printf (classes, "\"%c\", ", 'a' + k);
  g_string_append (classes, "\"???\"]");
  test_model_set (model, "task", "\"classify\"");
  test_model_set (model, "network.detector", NULL);
  test_model_set (model, "network.levels", NULL);
  test_model_set (model, "input.resize", "\"crop\"");
  test_model_set (model, "input.crop", "{ \"shorter\": 80 }");
  test_model_set (model, "output.classes", classes->str);
  test_model_set (model, "output.score", "\"softmax\"");
}

TestTensor *
test_model_find (TestModel *model, const char *name)
{
  for (guint i = 0; i < model->tensors->len; i++) {
    TestTensor *tensor = g_ptr_array_index (model->tensors, i);

    if (g_str_equal (tensor->name, name))
      return tensor;
  }
  g_error ("the test model has no tensor \"%s\"", name);
}

void
test_model_drop (TestModel *model, const char *name)
{
  g_ptr_array_remove (model->tensors, test_model_find (model, name));
}

void
test_model_reshape (TestModel *model, const char *name, guint n_dims, const gsize *dims)
{
  tensor_reshape (test_model_find (model, name), n_dims, dims);
}

void
test_model_set_dtype (TestModel *model, TestDtype dtype)
{
  for (guint i = 0; i < model->tensors->len; i++)
    ((TestTensor *) g_ptr_array_index (model->tensors, i))->dtype = dtype;
}

/* ---- The network ------------------------------------------------------------------------------------------------ */

/* What the layers are made with. */
typedef struct
{
  TestModel *model;
  GRand *rand;
} Maker;

/* The tensor PREFIX.SUFFIX with values evenly spread from @low to @high. */
static void
add_random (Maker *maker, const char *prefix, const char *suffix, double low, double high, guint n_dims,
            const gsize *dims)
{
  g_autofree char *name = g_strconcat (prefix, ".", suffix, NULL);
  TestTensor *tensor = test_model_add (maker->model, name, n_dims, dims);

  for (guint i = 0; i < tensor->values->len; i++)
    g_array_index (tensor->values, float, i) = (float) g_rand_double_range (maker->rand, low, high);
}

/* A convolution with weights up to @gain / sqrt (fan-in); with gain sqrt (6) what a ReLU follows keeps its variance
 * (He et al. 2015). */
static void
add_conv (Maker *maker, const char *name, gsize out, gsize in, gsize kernel, double gain)
{
  const double limit = gain / sqrt ((double) (in * kernel * kernel));

  add_random (maker, name, "weight", -limit, limit, 4, (const gsize[]){ out, in, kernel, kernel });
}

static void
add_bias (Maker *maker, const char *name, gsize n, double limit)
{
  add_random (maker, name, "bias", -limit, limit, 1, &n);
}

static void
add_batch_norm (Maker *maker, const char *name, gsize n)
{
  add_random (maker, name, "weight", 0.8, 1.2, 1, &n);
  add_random (maker, name, "bias", -0.2, 0.2, 1, &n);
  add_random (maker, name, "running_mean", -0.1, 0.1, 1, &n);
  add_random (maker, name, "running_var", 0.8, 1.2, 1, &n);
}

static void
add_head (Maker *maker, guint level, gsize in, gsize kernel)
{
  g_autofree char *loc = g_strdup_printf ("loc.%u", level), *conf = g_strdup_printf ("conf.%u", level);

  add_conv (maker, loc, PER_CELL * 4, in, kernel, 2);
  add_bias (maker, loc, PER_CELL * 4, 0.5);
  add_conv (maker, conf, PER_CELL * TEST_MODEL_CLASSES, in, kernel, 4);
  add_bias (maker, conf, PER_CELL * TEST_MODEL_CLASSES, 1);
}

static void
add_network (Maker *maker)
{
  static const gsize channels[] = { 8, 16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256 };
  const double he = sqrt (6);

  add_conv (maker, "base_net.0.0", channels[0], 3, 3, he);
  add_batch_norm (maker, "base_net.0.1", channels[0]);
  for (guint i = 1; i < G_N_ELEMENTS (channels); i++) {
    g_autofree char *prefix = g_strdup_printf ("base_net.%u", i);
    g_autofree char *depthwise = g_strconcat (prefix, ".0", NULL), *depthwise_norm = g_strconcat (prefix, ".1", NULL);
    g_autofree char *pointwise = g_strconcat (prefix, ".3", NULL), *pointwise_norm = g_strconcat (prefix, ".4", NULL);

    add_conv (maker, depthwise, channels[i - 1], 1, 3, he);
    add_batch_norm (maker, depthwise_norm, channels[i - 1]);
    add_conv (maker, pointwise, channels[i], channels[i - 1], 1, he);
    add_batch_norm (maker, pointwise_norm, channels[i]);
  }
  add_conv (maker, "extras.0.0", 64, 256, 1, he);
  add_bias (maker, "extras.0.0", 64, 0.2);
  add_conv (maker, "extras.0.2", 128, 64, 3, he);
  add_bias (maker, "extras.0.2", 128, 0.2);
  add_head (maker, 0, 128, 3);
  add_head (maker, 1, 256, 1);
  add_head (maker, 2, 128, 1);
}

TestModel *
test_model_new (guint32 seed)
{
  TestModel *model = g_new0 (TestModel, 1);
  Maker maker = { .model = model, .rand = g_rand_new_with_seed (seed) };

  model->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) tensor_free);
  model->document = json_from_string (document, NULL);
  add_network (&maker);
  g_rand_free (maker.rand);
  return model;
}

void
test_model_free (TestModel *model)
{
  if (model == NULL)
    return;
  g_clear_pointer (&model->document, json_node_unref);
  g_ptr_array_unref (model->tensors);
  g_free (model);
}

/* ---- The document ----------------------------------------------------------------------------------------------- */

void
test_model_set (TestModel *model, const char *path, const char *json)
{
  g_auto (GStrv) keys = g_strsplit (path, ".", -1);
  JsonObject *object = json_node_get_object (model->document);
  guint i = 0;

  for (; keys[i + 1] != NULL; i++)
    object = json_object_get_object_member (object, keys[i]);
  if (json == NULL)
    json_object_remove_member (object, keys[i]);
  else
    json_object_set_member (object, keys[i], json_from_string (json, NULL));
}

/* ---- The file --------------------------------------------------------------------------------------------------- */

static guint32
float_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* To the nearest, ties to even, by adding half of what is cut off. */
static guint16
to_bf16 (float value)
{
  const guint32 bits = float_bits (value);

  return (guint16) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* The same for numbers below 65504, which weights are. */
static guint16
to_f16 (float value)
{
  const guint16 sign = (guint16) (float_bits (value) >> 16 & 0x8000);
  const float magnitude = fabsf (value);
  int exponent;

  if (magnitude < 0x1p-14f)
    return sign | (guint16) lrintf (magnitude * 0x1p24f);
  /* magnitude = m * 2^exponent with m from 1024 to 2047: a sum, so that 2048 carries into the exponent */
  frexpf (magnitude, &exponent);
  return sign | (guint16) (((exponent + 14) << 10) + (int) lrintf (ldexpf (magnitude, 11 - exponent)) - 1024);
}

static void
append_value (GByteArray *bytes, TestDtype dtype, float value)
{
  const guint32 single = GUINT32_TO_LE (float_bits (value));
  const guint64 integer = GUINT64_TO_LE ((guint64) (gint64) value);
  const guint16 half = GUINT16_TO_LE (dtype == TEST_DTYPE_F16 ? to_f16 (value) : to_bf16 (value));
  const void *const parts[] = { &single, &half, &half, &integer };

  g_byte_array_append (bytes, parts[dtype], (guint) dtype_sizes[dtype]);
}

static JsonObject *
describe_tensor (const TestTensor *tensor, gsize *offset)
{
  JsonObject *entry = json_object_new ();
  JsonArray *shape = json_array_new (), *offsets = json_array_new ();

  for (guint i = 0; i < tensor->n_dims; i++)
    json_array_add_int_element (shape, (gint64) tensor->dims[i]);
  json_array_add_int_element (offsets, (gint64) *offset);
  *offset += tensor->values->len * dtype_sizes[tensor->dtype];
  json_array_add_int_element (offsets, (gint64) *offset);

  json_object_set_string_member (entry, "dtype", dtype_names[tensor->dtype]);
  json_object_set_array_member (entry, "shape", shape);
  json_object_set_array_member (entry, "data_offsets", offsets);
  return entry;
}

/* The header's text. */
static char *
make_header (const TestModel *model)
{
  g_autoptr (JsonObject) header = json_object_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  gsize offset = 0;

  if (model->document != NULL) {
    JsonObject *metadata = json_object_new ();
    g_autofree char *text = json_to_string (model->document, FALSE);

    json_object_set_string_member (metadata, "cbamdetect", text);
    json_object_set_object_member (header, "__metadata__", metadata);
  }
  for (guint i = 0; i < model->tensors->len; i++) {
    const TestTensor *tensor = g_ptr_array_index (model->tensors, i);

    json_object_set_object_member (header, tensor->name, describe_tensor (tensor, &offset));
  }
  json_node_set_object (root, header);
  return json_to_string (root, FALSE);
}

gboolean
test_model_write (const TestModel *model, const char *path, GError **error)
{
  g_autofree char *header = make_header (model);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint64 length = GUINT64_TO_LE ((guint64) strlen (header));

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) strlen (header));
  for (guint i = 0; i < model->tensors->len; i++) {
    const TestTensor *tensor = g_ptr_array_index (model->tensors, i);

    for (guint v = 0; v < tensor->values->len; v++)
      append_value (bytes, tensor->dtype, g_array_index (tensor->values, float, v));
  }
  return g_file_set_contents (path, (const char *) bytes->data, (gssize) bytes->len, error);
}
