/* make-model OUT [cbam|classifier|CASE.safetensors]: writes the test model, for tests that only see a model file. With
 * `cbam` it letterboxes, and has a CBAM module before each head; with `classifier` it is one, of seven classes; with a
 * file of tests/golden/cases/ it is the model that those results are of.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file/json.h"
#include "golden-model.h"

#include <math.h>
#include <string.h>

#define SEED 1
#define REDUCTION 16

static void
add_random (TestModel *model, GRand *rand, guint level, const char *suffix, double limit, guint n_dims,
            const gsize *dims)
{
  g_autofree char *name = g_strdup_printf ("att.%u.%s", level, suffix);
  TestTensor *tensor = test_model_add (model, name, n_dims, dims);

  for (guint i = 0; i < tensor->values->len; i++)
    g_array_index (tensor->values, float, i) = (float) g_rand_double_range (rand, -limit, limit);
}

static void
add_cbam (TestModel *model)
{
  static const gsize channels[] = { 128, 256, 128 };
  GRand *rand = g_rand_new_with_seed (SEED);

  for (guint level = 0; level < G_N_ELEMENTS (channels); level++) {
    const gsize all = channels[level], few = all / REDUCTION;
    add_random (model, rand, level, "ChannelGate.mlp.1.weight", sqrt (6.0 / all), 2, (const gsize[]){ few, all });
    add_random (model, rand, level, "ChannelGate.mlp.1.bias", 0.5, 1, &few);
    add_random (model, rand, level, "ChannelGate.mlp.3.weight", sqrt (6.0 / few), 2, (const gsize[]){ all, few });
    add_random (model, rand, level, "ChannelGate.mlp.3.bias", 0.5, 1, &all);
    add_random (model, rand, level, "SpatialGate.spatial.conv.weight", 0.5, 4, (const gsize[]){ 1, 2, 3, 3 });
  }
  test_model_set (model, "network.attention", "{ \"kind\": \"cbam\" }");
  test_model_set (model, "input.resize", "\"letterbox\"");
  g_rand_free (rand);
}

/* NULL: there is an error. */
static TestModel *
read_golden (const char *path, GError **error)
{
  g_autoptr (JsonObject) about = NULL;
  CbamSafetensors *file = cbam_safetensors_open (path, error);
  TestModel *model = NULL;

  if (file == NULL)
    return NULL;
  const char *text = cbam_safetensors_get_metadata (file, "golden");
  about = cbam_json_parse_object (path, text, strlen (text), error);
  if (about != NULL)
    model = test_model_new_from_golden (file, about, error);
  cbam_safetensors_free (file);
  return model;
}

static TestModel *
make (const char *kind, GError **error)
{
  if (g_str_has_suffix (kind, ".safetensors"))
    return read_golden (kind, error);

  TestModel *model = test_model_new (SEED);
  if (strcmp (kind, "cbam") == 0)
    add_cbam (model);
  if (strcmp (kind, "classifier") == 0)
    test_model_classify (model, 8, SEED);
  return model;
}

int
main (int argc, char **argv)
{
  g_autoptr (TestModel) model = NULL;
  g_autoptr (GError) error = NULL;

  if (argc < 2 || argc > 3) {
    g_printerr ("usage: make-model OUT.safetensors [cbam|classifier|CASE.safetensors]\n");
    return 2;
  }
  model = make (argc == 3 ? argv[2] : "", &error);
  if (model != NULL && test_model_write (model, argv[1], &error))
    return 0;
  g_printerr ("make-model: %s\n", error->message);
  return 1;
}
