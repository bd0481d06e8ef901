/* TestModel: a model file made up from a seed, whole or with something wrong in it.
 *
 *     g_autoptr (TestModel) model = test_model_new (1);
 *     test_model_drop (model, "loc.0.bias");
 *     test_model_write (model, path, &error);
 *
 * It is an SSD on a MobileNetV1 of a quarter of the width: 64x64 input, three levels of 4x4, 2x2 and 1x1 cells with
 * four boxes each, batch norms in the trunk, sigmoid scores of background and four kinds of animals. Most scores
 * lie between 0.1 and 0.9 and differ from picture to picture.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <json-glib/json-glib.h>

#define TEST_MODEL_SIZE 64    /* of its input */
#define TEST_MODEL_ANCHORS 84 /* (4 * 4 + 2 * 2 + 1) * 4 */
#define TEST_MODEL_CLASSES 5  /* with background */

/* What a tensor is in the file. */
typedef enum
{
  TEST_DTYPE_F32,
  TEST_DTYPE_F16,
  TEST_DTYPE_BF16,
  TEST_DTYPE_I64,
} TestDtype;

typedef struct
{
  char *name;
  TestDtype dtype;
  guint n_dims;
  gsize dims[4];
  GArray *values; /* float, whatever the dtype */
} TestTensor;

typedef struct
{
  GPtrArray *tensors; /* TestTensor */
  JsonNode *document; /* NULL = the file has no metadata */
} TestModel;

TestModel *test_model_new (guint32 seed);
void test_model_free (TestModel *model);

/* Makes a classifier of it, on the trunk that it has: so many classes, named a, b and so on, of which the last is never
 * reported, with softmax; of a picture whose shorter side is 80 pixels it sees the middle. @seed: of the linear layer's
 * weights, 0 = zeros. */
void test_model_classify (TestModel *model, guint n_classes, guint32 seed);

/* The tensor must be there. */
TestTensor *test_model_find (TestModel *model, const char *name);

/* Adds a tensor of zeros. */
TestTensor *test_model_add (TestModel *model, const char *name, guint n_dims, const gsize *dims);

void test_model_drop (TestModel *model, const char *name);

/* Another shape, and as many values as it wants: those that were there, then zeros. */
void test_model_reshape (TestModel *model, const char *name, guint n_dims, const gsize *dims);

/* What every tensor is in the file from now on. */
void test_model_set_dtype (TestModel *model, TestDtype dtype);

/* Sets the key @path of the document ("network.detector") to @json, or takes it out when that is NULL. */
void test_model_set (TestModel *model, const char *path, const char *json);

/* Puts the file in the place of what was there. */
gboolean test_model_write (const TestModel *model, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestModel, test_model_free)
